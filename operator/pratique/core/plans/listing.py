"""Puts changes into words that are stored in a plan: what goes comes first, each on a line of its own. Pure.

`before` and `after` are JSON, so a bare word in their place is no value: `removed`, `added`, or that the cluster chooses.
Called by `patching` and `dry_run`; read by `summary` and `differences`.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from pratique.api.v1alpha1.planned import FieldChange
from pratique.core.kernel.text import clean, fit
from pratique.core.plans.changes import Change, Kind
from pratique.core.plans.elements import text_of
from pratique.core.plans.field_changes import MAX_VALUE, bound, bound_path, fingerprint

REMOVED, ADDED, CHOSEN = "removed", "added", "chosen by the cluster"
_EXCERPT, _LEAD = 90, 24
Key = tuple[str, str, str]


def list_changes(changes: Sequence[Change]) -> list[FieldChange]:
    """Return the changes in words, what is removed first; of many the rest are counted only."""
    found = [
        each for change in sorted(changes, key=lambda each: each.kind is not Kind.REMOVED) for each in _told(change)
    ]
    return bound(found)


def key_of_change(change: FieldChange) -> Key:
    """Return what tells one change from the others of its object: a list may lose entries and get others."""
    if change.before == ADDED:
        return change.path, ADDED, change.after
    return change.path, REMOVED if change.after == REMOVED else "", ""


def sentence_of(change: FieldChange) -> str:
    """Return a change as people read it."""
    if change.after == REMOVED:
        return f"{change.path}: {change.before} {'are' if ', ' in change.before else 'is'} removed"
    if change.before == ADDED:
        return f"{change.path}: {change.after} is added"
    return f"{change.path} {change.before} → {change.after}"


def loss_of(change: Change) -> str:
    """Return what a patch would take away unasked, as the author of the template reads it."""
    if change.kind is Kind.REMOVED:
        return f"{bound_path(change.path)} would lose {_names(change)}"
    return f"{bound_path(change.path)} would become another value"


def _told(change: Change) -> list[FieldChange]:
    path = bound_path(change.path)
    match change.kind:
        case Kind.REMOVED:
            return [FieldChange(path=path, before=_names(change), after=REMOVED)]
        case Kind.ADDED:
            return _added(path, change.after)
        case Kind.CHOSEN:
            return [FieldChange(path=path, before=_cut(text_of(change.before), 0), after=CHOSEN)]
        case _:
            before, after = text_of(change.before), text_of(change.after)
            at = _first_difference(before, after)
            return [FieldChange(path=path, before=_cut(before, at), after=_cut(after, at))]


def _added(path: str, value: Any) -> list[FieldChange]:  # noqa: ANN401 - any JSON value
    """Return what comes as a whole, or field by field where it is long."""
    text = text_of(value)
    if len(text.encode()) <= MAX_VALUE or not isinstance(value, Mapping):
        return [FieldChange(path=path, before=ADDED, after=_cut(text, 0))]
    fields = [(key, value[key]) for key in value]
    return [each for key, inner in fields for each in _added(bound_path(f"{path}.{key}"), inner)]


def _names(change: Change) -> str:
    """Return what goes, by name; of many the rest are counted only."""
    if not change.names:
        return _cut(text_of(change.before), 0)
    names = [clean(name, 64) for name in change.names]
    whole = ", ".join(names)
    if len(whole.encode()) <= MAX_VALUE and names == list(change.names):
        return whole
    count = max(1, _how_many_fit(names, MAX_VALUE - 60))
    shown = fit(", ".join(names[:count]), MAX_VALUE - 60)
    more = f" and {len(names) - count} more" if count < len(names) else ""
    return f"{shown}{more} {fingerprint(chr(0).join(change.names))}"


def _how_many_fit(names: Sequence[str], room: int) -> int:
    """Return how many of these fit into so many bytes, with commas between; it stops at the first that does not."""
    ends = accumulate(len(name.encode()) + len(", ") for name in names)
    return next((at for at, end in enumerate(ends) if end - len(", ") > room), len(names))


def _first_difference(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _cut(text: str, at: int) -> str:
    """Return a value as it is, or of a long one what is around the place where it differs, and a fingerprint of it all."""
    shown = fit(clean(text, MAX_VALUE), MAX_VALUE)
    if shown == text:
        return text
    start = max(0, at - _LEAD) if at > _EXCERPT - _LEAD else 0
    part = clean(text[start : start + _EXCERPT], _EXCERPT)
    rest = "…" if len(text) > start + _EXCERPT else ""
    return f"{fit(('…' if start else '') + part + rest, MAX_VALUE - 40)} {fingerprint(text)}"
