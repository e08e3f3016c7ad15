"""Finds what a dry run would change in the fields that a template sets: what goes, what comes, entry by entry. Pure.

An account that may write may not be one that may read: what a dry run returns beside the template's own fields is not ours
to show. Admission is no function either: what it makes up (addresses, ports, names, times, volumes and sidecars of its own)
is another each time, so it is neither shown as a fact nor compared. What it makes of a value that the template sets is.

`listing` puts it into words. Called by `patching` and `dry_run`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from pratique.core.plans.elements import among, by_name, deleted_by, key_of, missing, replaces, settings_of, text_of
from pratique.core.plans.sameness import contains

Json = Any
_PORTS = ("port", "Port")
_ALLOCATED = (*_PORTS, "ports", "Ports", "IP", "IPs", "ip")
"""How the names of fields end whose values the cluster hands out."""
_DIRECTIVE = "$"
_DELETES = "$deleteFromPrimitiveList/"


class Kind(Enum):
    """What becomes of a field."""

    SET = "set"
    REMOVED = "removed"
    ADDED = "added"
    CHOSEN = "chosen by the cluster"


@dataclass(frozen=True)
class Change:
    """One change. `names` are the entries or fields that go from what is at `path`; `lost`: no template asked for that."""

    path: str
    kind: Kind
    before: Json = None
    after: Json = None
    names: tuple[str, ...] = ()
    lost: bool = False


@dataclass(frozen=True)
class _How:
    """How a value is looked at: of a new object or of a changed one (whose lists are `replaced`).

    `whole`: what was there and is not there any more is told, too; `asked`: the template asks for that by a directive;
    `beside`: the template does not name it.
    """

    is_new: bool
    replaced: bool = False
    whole: bool = False
    asked: bool = False
    beside: bool = False


def changes_of_new(template: Json, stored: Json) -> list[Change]:
    """Return what the cluster makes of the values that a template sets, other than what it makes up."""
    return list(_walk(template, template, stored, "", _How(is_new=True)))


def changes_of_patched(template: Json, before: Json, after: Json, *, replaced: bool) -> list[Change]:
    """Return what a patch changes; `replaced`: its lists take the place of those that were there."""
    return list(_walk(template, before, after, "", _How(is_new=False, replaced=replaced)))


def _walk(template: Json, before: Json, after: Json, path: str, how: _How) -> Iterator[Change]:
    match template:
        case None:
            yield from _removed(before, after, path)
        case Mapping() if template or (isinstance(after, Mapping) and (before is None or isinstance(before, Mapping))):
            yield from _fields(template, before, after, path, how)
        case list() if how.is_new and isinstance(after, list):
            yield from _entries_of_new(template, after, path, how)
        case list() if not how.is_new and (isinstance(before, list) or isinstance(after, list)):
            yield from _entries(template, before, after, path, how)
        case _:
            yield from _value(template, before, after, path, how)


def _value(template: Json, before: Json, after: Json, path: str, how: _How) -> Iterator[Change]:
    if is_same(before, after):
        return
    if not _leaves_it_to_the_cluster(template, path) or is_same(template, after):
        yield Change(path, Kind.SET, before, after, lost=how.beside and not how.asked)
    elif not how.is_new and not is_empty(before):
        yield Change(path, Kind.CHOSEN, before)


def _leaves_it_to_the_cluster(template: Json, path: str) -> bool:
    """Whether a value says that the cluster should choose: an empty text, or 0 where a port is asked for."""
    return template == "" or (template == 0 and path.endswith(_PORTS))


def _removed(before: Json, after: Json, path: str) -> Iterator[Change]:
    """Yield what `null` in a template takes away. The cluster may have put a default in its place."""
    if is_empty(before) or is_same(before, after):
        return
    if isinstance(before, Mapping) and (is_empty(after) or isinstance(after, Mapping)):
        names = tuple(str(key) for key in before if is_empty(_field(after, key)))
        if names:
            yield Change(path, Kind.REMOVED, names=names)
    elif is_empty(after):
        yield Change(path, Kind.REMOVED, before, names=_called(before) if isinstance(before, list) else ())
    elif path.endswith(_ALLOCATED):
        yield Change(path, Kind.CHOSEN, before)
    else:
        yield Change(path, Kind.SET, before, after)


def _fields(template: Mapping[str, Json], before: Json, after: Json, path: str, how: _How) -> Iterator[Change]:
    directed = any(str(key).startswith(_DIRECTIVE) for key in template)
    if directed:
        how = replace(how, whole=True, asked=True)
    for key, value in template.items():
        if str(key).startswith(_DELETES):
            inner = str(key).removeprefix(_DELETES)
            yield from _entries([], _field(before, inner), _field(after, inner), _join(path, inner), how)
        elif not str(key).startswith(_DIRECTIVE):
            yield from _walk(value, _field(before, key), _field(after, key), _join(path, key), how)
    if how.whole and isinstance(before, Mapping):
        yield from _beside(template, before, after, path, how)


def _beside(
    template: Mapping[str, Json], before: Mapping[str, Json], after: Json, path: str, how: _How
) -> Iterator[Change]:
    """Yield what goes from an entry of a list, or from a map that is replaced, though the template does not name it."""
    others = [key for key in before if key not in template and f"{_DELETES}{key}" not in template]
    gone = tuple(str(key) for key in others if not is_empty(before[key]) and is_empty(_field(after, key)))
    if gone:
        yield Change(path, Kind.REMOVED, names=gone, lost=not how.asked)
    if how.replaced:
        beside = replace(how, beside=True)
        for key in others:
            if str(key) not in gone:
                yield from _walk(before[key], before[key], _field(after, key), _join(path, key), beside)


def _entries(template: list[Json], before: Json, after: Json, path: str, how: _How) -> Iterator[Change]:
    """Yield what becomes of a list of an object that is changed."""
    wanted = settings_of(template)
    old, new = (each if isinstance(each, list) else [] for each in (before, after))
    key = key_of(wanted or old, old, new)
    how = replace(how, whole=True, asked=how.asked or replaces(template))
    if key is not None:
        yield from _named(template, wanted, old, new, path, key, how)
    elif wanted and len(wanted) == len(old) == len(new) and all(isinstance(each, Mapping) for each in wanted):
        for index, each in enumerate(wanted):
            yield from _walk(each, old[index], new[index], f"{path}[{index}]", how)
    else:
        yield from _unnamed(template, wanted, old, new, path, how)


def _named(
    template: list[Json], wanted: list[Json], old: list[Json], new: list[Json], path: str, key: str, how: _How
) -> Iterator[Change]:
    were, are, set_here = by_name(old, key), by_name(new, key), by_name(wanted, key)
    deleted = deleted_by(template, key)
    gone = [name for name in were if name not in are]
    for asked in (True, False):
        if names := tuple(name for name in gone if (name in deleted) is asked):
            yield Change(path, Kind.REMOVED, names=names, lost=not asked and not how.asked)
    for name, each in set_here.items():
        inner = f"{path}[{name}]"
        if name in were and name in are:
            yield from _walk(each, were[name], are[name], inner, how)
        elif name in are:
            yield Change(inner, Kind.ADDED, after=_only(each, are[name]))
    yield from _moved([name for name in were if name in are], [name for name in are if name in were], path)


def _moved(were: list[str], are: list[str], path: str) -> Iterator[Change]:
    if were != are:
        yield Change(path, Kind.SET, were, are)


def _unnamed(
    template: list[Json], wanted: list[Json], old: list[Json], new: list[Json], path: str, how: _How
) -> Iterator[Change]:
    gone = missing(old, new)
    if gone:
        lost = not how.asked and not deleted_by(template, None)
        yield Change(path, Kind.REMOVED, names=_called(gone), lost=lost)
    come = missing(new, old)
    for each in among(come, wanted):
        yield Change(path, Kind.ADDED, after=each)
    if not gone and not come and not is_same(old, new):
        yield Change(path, Kind.SET, old, new)


def _entries_of_new(template: list[Json], after: list[Json], path: str, how: _How) -> Iterator[Change]:
    """Yield what becomes of the entries of a new list. What the cluster adds to it is its own, and may be random."""
    key = key_of(template, after)
    if key is not None:
        are = by_name(after, key)
        gone = tuple(name for name in by_name(template, key) if name not in are)
        if gone:
            yield Change(path, Kind.REMOVED, names=gone)
        for name, each in by_name(template, key).items():
            if name in are:
                yield from _walk(each, each, are[name], f"{path}[{name}]", how)
    elif len(template) == len(after):
        for index, each in enumerate(template):
            yield from _walk(each, each, after[index], f"{path}[{index}]", how)
    elif left_out := missing(template, after, filled_in=True):
        yield Change(path, Kind.REMOVED, names=_called(left_out))


def _only(template: Json, live: Json) -> Json:
    """Return of a new entry what the template sets in it."""
    if isinstance(template, Mapping) and isinstance(live, Mapping):
        return {key: _only(value, live[key]) for key, value in template.items() if key in live}
    return live


def _called(entries: list[Json]) -> tuple[str, ...]:
    """Return what people call the entries of a list."""
    key = key_of(entries)
    if key is not None:
        return tuple(by_name(entries, key))
    return tuple(each if isinstance(each, str) else text_of(each) for each in entries)


def is_same(one: Json, other: Json) -> bool:
    """Whether two values are the same to the API server: amounts are compared as amounts, nothing is like empty."""
    return (is_empty(one) and is_empty(other)) or (contains(one, other) and contains(other, one))


def is_empty(value: Json) -> bool:
    """Whether there is nothing."""
    return value is None or value in ({}, [])


def _field(value: Json, key: Any) -> Json:  # noqa: ANN401 - a key of JSON
    return value.get(key) if isinstance(value, Mapping) else None


def _join(path: str, key: Any) -> str:  # noqa: ANN401 - a key of JSON
    return f"{path}.{key}" if path else str(key)
