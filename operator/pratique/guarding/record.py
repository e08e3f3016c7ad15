"""Compares what guards with what was recorded and with what this version installs. Pure; called by `guarding.guard`.

Of each policy, binding and CRD the record has uid and generation. Both are given by the API server alone and never go back,
so a change that was made and undone shows; labels and annotations, which installers write, move neither.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pratique.core.kernel.effects import ObjectRef
from pratique.core.kernel.text import clean

RECORD_NAME = "pratique-guard"
"""The ConfigMap in the operator's namespace that says what the guard looked like when everything was in order."""

Json = dict[str, Any]
_IDENT = re.compile(r"(?P<uid>\S{1,64}) generation (?P<generation>[0-9]{1,18})")
_SHOWN = 60
_DEFAULTS: dict[str, Json] = {"CustomResourceDefinition": {"spec": {"conversion": {"strategy": "None"}}}}
"""What the API server fills in where we leave it out."""

_NOT_KEPT = frozenset({"selectableFields"})
"""What Kubernetes 1.30 does not keep of a CRD; without it nothing is weaker, only some lists cannot be filtered."""


@dataclass(frozen=True)
class Ident:
    """One version of one object, as far as its effect goes."""

    uid: str
    generation: int

    def __str__(self) -> str:
        return f"{self.uid} generation {self.generation}"


Seen = Mapping[str, Ident]
"""What there is, by `key_of`; what is not there is not in it."""


def key_of(manifest: Json) -> str:
    """Return the name of an object in the record: a key of a ConfigMap, so `Kind.name`."""
    return f"{manifest['kind']}.{manifest['metadata']['name']}"


def name_in_record(ref: ObjectRef) -> str:
    """Return the name in the record of what a reference names."""
    return f"{ref.kind}.{ref.name}"


def shown(key: str) -> str:
    """Return a key as messages show it: `Kind name`."""
    return " ".join(key.split(".", 1))


def ident_of(live: Json) -> Ident:
    """Return which version of an object this is."""
    return Ident(live["metadata"]["uid"], live["metadata"].get("generation", 0))


def to_data(seen: Seen) -> dict[str, str]:
    """Return the record as the data of a ConfigMap."""
    return {key: str(ident) for key, ident in sorted(seen.items())}


def from_data(data: Mapping[str, str], keys: Iterable[str]) -> Seen:
    """Return what is recorded of these objects; an entry that cannot be read is none."""
    found = {key: _IDENT.fullmatch(data.get(key, "")) for key in keys}
    return {key: Ident(match["uid"], int(match["generation"])) for key, match in found.items() if match}


def changed(recorded: Seen, seen: Seen) -> str | None:
    """Return the first thing that is not as recorded, in a sentence without its full stop, or None."""
    for key in sorted({*recorded, *seen}):
        before, now = recorded.get(key), seen.get(key)
        if now is None:
            return f"{shown(key)} is gone"
        if before is None:
            return f"{shown(key)} is not on record"
        if before.uid != now.uid:
            return f"{shown(key)} was deleted and made again"
        if before.generation != now.generation:
            return f"{shown(key)} was changed (generation {now.generation}; on record is {before.generation})"
    return None


def unlike(expected: Json, live: Json) -> str | None:
    """Return where an installed object differs from the one of this version, in a sentence, or None if nowhere."""
    parts = {key: value for key, value in expected.items() if key not in ("apiVersion", "kind", "metadata")}
    there = {key: value for key, value in live.items() if key not in ("apiVersion", "kind", "metadata", "status")}
    path = _difference(parts, there, "", _DEFAULTS.get(expected["kind"], {}))
    return f"{shown(key_of(expected))}: {clean(path, 512)}" if path else None


def going(found: Iterable[tuple[Json, Json | None]]) -> dict[str, str]:
    """Return which CRDs are gone or being deleted, by kind, in words; nothing if anything else is not as expected."""
    kinds = dict[str, str]()
    for expected, live in found:
        is_definition = expected["kind"] == "CustomResourceDefinition"
        if live is not None and unlike(expected, live) is not None:
            return {}
        if live is None and not is_definition:
            return {}
        if is_definition and (live is None or "deletionTimestamp" in live["metadata"]):
            name = expected["metadata"]["name"]
            kinds[expected["spec"]["names"]["kind"]] = f"{name} is {'gone' if live is None else 'being deleted'}"
    return kinds


def _difference(expected: Any, live: Any, path: str, defaults: Any) -> str | None:  # noqa: ANN401 - any JSON value
    if isinstance(expected, dict) and isinstance(live, dict):
        return _in_fields(expected, live, path, defaults if isinstance(defaults, dict) else {})
    if isinstance(expected, list) and isinstance(live, list):
        pairs = (_difference(*pair, f"{path}[{at}]", None) for at, pair in enumerate(zip(expected, live, strict=False)))
        longer = f"{path} has {len(live)} entries, not the {len(expected)} of this version"
        return next((found for found in pairs if found), None) or (longer if len(expected) != len(live) else None)
    if expected == live and isinstance(expected, bool) == isinstance(live, bool):
        return None
    return f"{path} is not the one of this version ({_short(live)})"


def _in_fields(expected: Json, live: Json, path: str, defaults: Json) -> str | None:
    for field in sorted({*expected, *live}):
        where = f"{path}.{field}" if path else field
        if field not in live:
            if field in _NOT_KEPT:
                continue
            return f"{where} is missing"
        if field not in expected:
            if field in defaults and _difference(defaults[field], live[field], where, None) is None:
                continue
            return f"{where} is not in this version ({_short(live[field])})"
        found = _difference(expected[field], live[field], where, defaults.get(field))
        if found:
            return found
    return None


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
