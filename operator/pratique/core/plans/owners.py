"""Finds the fields that a change would take from somebody who applies them, by what `managedFields` says. Pure.

Who applies an object server-side, such as Argo CD or Flux out of Git, puts back what others change in its fields. Owners by
update (kubectl edit, an autoscaler) claim nothing: they would have to be asked themselves. Called by `patching`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pratique.core.kernel.text import clean
from pratique.core.plans.field_changes import MAX_CHANGES, bound_path, fingerprint

Json = Any
OURS = "pratique"
_APPLY = "Apply"
_MAX_MANAGER = 128
_FIELD, _KEY, _VALUE = "f:", "k:", "v:"
_FROM_GIT = ("argocd", "kustomize-controller", "helm-controller", "flux")


@dataclass(frozen=True)
class Owned:
    """A field that would get another value, and who applies it."""

    path: str
    manager: str

    @property
    def whose(self) -> str:
        """Say whose it is."""
        return f"{bound_path(self.path)} belongs to {clean(self.manager, _MAX_MANAGER)}"

    def __str__(self) -> str:
        """Say whose it is, and where it is to be changed."""
        git = self.manager.startswith(_FROM_GIT)
        return f"{self.whose}, which applies it: change it {'in Git' if git else 'there'}"


def list_forced(owned: Sequence[Owned]) -> list[str]:
    """Return what a change by force takes from whom, as it is stored; of many the rest are counted only."""
    found = sorted({each.whose for each in owned})
    if len(found) <= MAX_CHANGES:
        return found
    rest = found[MAX_CHANGES:]
    return [*found[:MAX_CHANGES], f"{len(rest)} more fields belong to others {fingerprint(chr(0).join(rest))}"]


def owned_changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[Owned]:
    """Return the fields that somebody applies, and that would change; each once for each who owns it."""
    entries = (before.get("metadata") or {}).get("managedFields") or []
    found: dict[Owned, None] = {}
    for entry in entries:
        manager = str(entry.get("manager"))
        if entry.get("operation") == _APPLY and not entry.get("subresource") and manager != OURS:
            for path in _changed(entry.get("fieldsV1") or {}, before, after, ""):
                found[Owned(path, manager)] = None
    return list(found)


def _changed(fields: Mapping[str, Json], before: Json, after: Json, path: str) -> Iterator[str]:
    """Yield the paths below this one that are owned and differ. A field without fields of its own is owned as a whole."""
    inner = {name: each for name, each in fields.items() if name != "."}
    if not inner:
        if before != after:
            yield path
        return
    for name, each in inner.items():
        if name.startswith(_FIELD) and isinstance(before, Mapping):
            key = name.removeprefix(_FIELD)
            if key in before:
                here = f"{path}.{key}" if path else key
                yield from _changed(each, before[key], after.get(key) if isinstance(after, Mapping) else None, here)
        elif name.startswith(_KEY) and isinstance(before, Sequence):
            yield from _changed_entry(json.loads(name.removeprefix(_KEY)), each, before, after, path)
        elif name.startswith(_VALUE) and isinstance(before, Sequence):
            value = json.loads(name.removeprefix(_VALUE))
            if value in before and value not in (after or ()):
                yield f"{path}[{value}]"


def _changed_entry(keys: Mapping[str, Json], fields: Json, before: Json, after: Json, path: str) -> Iterator[str]:
    old, new = _entry(keys, before), _entry(keys, after)
    here = f"{path}[{','.join(str(each) for each in keys.values())}]"
    if old is not None and new is None:
        yield here
    elif old is not None:
        yield from _changed(fields, old, new, here)


def _entry(keys: Mapping[str, Json], entries: Json) -> Json:
    found = (each for each in entries or () if isinstance(each, Mapping))
    return next((each for each in found if all(each.get(key) == value for key, value in keys.items())), None)
