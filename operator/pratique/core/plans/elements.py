"""Tells the entries of a list apart, as people do: by name, port or path, not by position. Pure; called by `changes`."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pratique.core.plans.sameness import contains

Json = Any
_KEYS = ("name", "mountPath", "containerPort", "port", "key", "host", "ip", "topologyKey", "devicePath", "type", "id")
"""What names an entry, first come first served: the merge keys of Kubernetes' own lists, and what custom ones use."""
_MAX_COMPARED = 256
"""Of longer lists only what is written alike is taken for the same."""
_DIRECTIVE = "$patch"
"""The word of a strategic merge patch that says what to do with an entry, instead of setting it."""


def key_of(named: Sequence[Json], *others: Json) -> str | None:
    """Return the field that names the entries: all of `named` have it, and no list has two of one name."""
    lists = [named, *(each for each in others if isinstance(each, list))]
    for key in _KEYS:
        if named and all(_has(each, key) for each in named) and all(_is_unique(each, key) for each in lists):
            return key
    return None


def _has(entry: Json, key: str) -> bool:
    return isinstance(entry, Mapping) and isinstance(entry.get(key), str | int)


def _is_unique(entries: Sequence[Json], key: str) -> bool:
    names = [str(each[key]) for each in entries if _has(each, key)]
    return len(names) == len(set(names))


def by_name(entries: Json, key: str) -> dict[str, Json]:
    """Return the entries by their names; one without a name is called by all that it holds."""
    found = entries if isinstance(entries, list) else []
    return {str(each[key]) if _has(each, key) else text_of(each): each for each in found}


def text_of(value: Json) -> str:
    """Return a value as JSON, always the same for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def settings_of(entries: Iterable[Json]) -> list[Json]:
    """Return the entries that a template sets: without those that only say what is deleted or replaced."""
    return [each for each in entries if not (isinstance(each, Mapping) and _DIRECTIVE in each)]


def deleted_by(entries: Iterable[Json], key: str | None) -> set[str]:
    """Return the names of the entries that a template says to delete."""
    told = [each for each in entries if isinstance(each, Mapping) and each.get(_DIRECTIVE) == "delete"]
    return {str(each.get(key)) for each in told} if key else set()


def replaces(entries: Iterable[Json]) -> bool:
    """Whether a template says itself that its list takes the place of what is there."""
    return any(isinstance(each, Mapping) and each.get(_DIRECTIVE) == "replace" for each in entries)


def missing(entries: Json, others: Json, *, filled_in: bool = False) -> list[Json]:
    """Return the entries that are not among the others, each of which stands for one; amounts are compared as amounts.

    With `filled_in` an entry is there, too, if the cluster has added to it.
    """
    left = Counter(text_of(each) for each in others) if isinstance(others, list) else Counter[str]()
    rest = []
    for entry in entries if isinstance(entries, list) else []:
        text = text_of(entry)
        if left[text]:
            left[text] -= 1
        else:
            rest.append(entry)
    alike = [json.loads(text) for text in left.elements()]
    found = []
    compared = len(rest) * len(alike) <= _MAX_COMPARED**2
    for entry in rest:
        if not compared or not _take(entry, alike, filled_in):
            found.append(entry)
    return found


def _take(entry: Json, others: list[Json], filled_in: bool) -> bool:
    for index, each in enumerate(others):
        if contains(each, entry) and (filled_in or contains(entry, each)):
            del others[index]
            return True
    return False


def among(entries: list[Json], wanted: list[Json]) -> list[Json]:
    """Return the entries that a template wants, though the cluster may have filled in more."""
    texts = {text_of(each) for each in wanted}
    if len(entries) * len(wanted) > _MAX_COMPARED**2:
        return [each for each in entries if text_of(each) in texts]
    return [each for each in entries if text_of(each) in texts or any(contains(each, one) for one in wanted)]
