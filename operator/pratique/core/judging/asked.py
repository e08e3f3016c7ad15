"""Finds the fields of a new object that hold what was asked for, so that approvers read it in its line. Pure.

What comes from inputs is known from the text of the template: a string with `inputs` inside of `${…}`, or
with `each`, an entry of a list that was asked for. Called by `policy`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pratique.core.kernel.text import clean

Json = Any
MAX_FIELDS = 8
_MAX_VALUE = 64
_FROM_INPUTS = re.compile(r"\$\{[^}]*(?<![\w.])(?:inputs|each)\b")
_NAMING = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
"""What the line of an object says anyway."""
_SECRET = re.compile(r"passw|secret|token|credential|api.?key|private.?key", re.IGNORECASE)
_REFERENCE = re.compile(r"(name|ref)$", re.IGNORECASE)
"""Names of Secrets are no secrets: approvers should read which one is meant."""
_PLAIN = re.compile(r"(?!true$|false$|null$)[A-Za-z][\w./:@+-]*")
"""A text that nobody takes for anything else, without quotation marks."""


def asked_fields(template: Json, manifest: Json) -> list[str]:
    """Return `path=value` for the fields that a template sets from inputs; of many the rest are counted only."""
    found = [f"{clean(path, 128)}={_shown(path, value)}" for path, value in _walk(template, manifest, "")]
    rest = len(found) - MAX_FIELDS
    return [*found[:MAX_FIELDS], f"and {rest} more"] if rest > 0 else found


def _walk(template: Json, rendered: Json, path: str) -> Iterator[tuple[str, Json]]:
    match template:
        case str() if path not in _NAMING and rendered is not None and _FROM_INPUTS.search(template):
            yield from _leaves(rendered, path)
        case Mapping() if isinstance(rendered, Mapping):
            for key, value in template.items():
                yield from _walk(value, rendered.get(key), f"{path}.{key}" if path else str(key))
        case list() if isinstance(rendered, list) and len(rendered) == len(template):
            for index, value in enumerate(template):
                yield from _walk(value, rendered[index], f"{path}[{_name(rendered[index], index)}]")


def _leaves(value: Json, path: str) -> Iterator[tuple[str, Json]]:
    """Yield an input that is an object field by field: each has a name that says what it is."""
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}")
    else:
        yield path, value


def _name(entry: Json, index: int) -> str:
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return name if isinstance(name, str) else str(index)


def _shown(path: str, value: Json) -> str:
    field = ".".join(re.split(r"[.\[]", path)[-2:])
    if _SECRET.search(field) and not _REFERENCE.search(field):
        return "(hidden)"
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return clean(value, _MAX_VALUE)
    return clean(json.dumps(value, ensure_ascii=False), _MAX_VALUE)
