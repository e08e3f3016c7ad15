"""Finds the fields of a form that are inside of others: of each row of a list, and of a group. Pure.

`size` is a field at the top, `disks[].class` is one of each row of the list `disks`, `network.cidr` of the group `network`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)(\[\])?\.([A-Za-z_][A-Za-z0-9_-]*)")
_ROW = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True)
class Place:
    """Where a field is: at the top, or inside of `root`."""

    root: str
    inside: str = ""
    rows: bool = False

    @property
    def key(self) -> str:
        """What it is called in the object that holds it."""
        return self.inside or self.root

    def path(self, holder: str) -> str:
        """Return what it is called in a request: `disks[2].class`."""
        return f"{holder}.{self.inside}" if self.inside else self.root


def place_of(name: str) -> Place:
    """Return where a field is by its name in `inputs.fields`."""
    found = _INSIDE.fullmatch(name)
    return Place(name) if found is None else Place(found[1], found[3], found[2] is not None)


def name_of(path: str) -> str:
    """Return the name in `inputs.fields` of a field of a request: `disks[].class` of `disks[2].class`."""
    return _ROW.sub("[]", path)


def holders(inputs: Json, place: Place) -> Iterator[tuple[str, Json]]:
    """Yield the objects of a request that may hold a field, each with its path: the whole form, or rows, or a group."""
    if not place.inside:
        yield "", inputs
        return
    value = inputs.get(place.root)
    rows = enumerate(value) if place.rows and isinstance(value, list) else ()
    yield from ((f"{place.root}[{at}]", each) for at, each in rows if isinstance(each, dict))
    if not place.rows and isinstance(value, dict):
        yield place.root, value


def values_of(inputs: Json, name: str) -> Iterator[tuple[str, Any]]:
    """Yield what a field holds, row by row, with the path of each."""
    place = place_of(name)
    for holder, held in holders(inputs, place):
        if place.key in held:
            yield place.path(holder), held[place.key]


def schema_around(schema: Any, place: Place) -> Json:  # noqa: ANN401 - any JSON value
    """Return the part of a form that names a field: the form itself, or that of a row or a group; empty if none."""
    if not place.inside:
        return _map(schema)
    root = _map(_map(_map(schema).get("properties")).get(place.root))
    return _map(root.get("items")) if place.rows else root


def schema_of(schema: Any, name: str) -> Json:  # noqa: ANN401 - any JSON value
    """Return what a form says of a field; empty if it has none."""
    place = place_of(name)
    return _map(_map(schema_around(schema, place).get("properties")).get(place.key))


def _map(value: Any) -> Json:  # noqa: ANN401 - any JSON value
    return dict(value) if isinstance(value, Mapping) else {}
