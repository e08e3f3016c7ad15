"""Tells what an expression reads that is not there, from CEL's complaint, its text and its values. Pure."""

import re
from collections.abc import Mapping
from typing import Any

_KEY = re.compile(r"Key not found in map ?: (?P<key>.*)")
_OTHERS = {"Index error": "an element of a list", "optional.none() dereference": "an optional value"}
_STEP = re.compile(
    r"\s*\.\s*(?P<field>[A-Za-z_]\w*)\b(?!\s*\()|\s*\[\s*(?P<quote>['\"])(?P<key>[^'\"]*)(?P=quote)\s*\]"
)
_ROOT = re.compile(r"(?<![\w.'\"])[A-Za-z_]\w*")


def missing_path(complaint: str, text: str, scope: Mapping[str, Any]) -> str | None:
    """Return what is read and not there, as a path such as `self.status.health`; None if that is not the complaint.

    Where the text has no such path, since the key stands behind a name of a comprehension, it is the key.
    """
    found = _KEY.match(complaint)
    if found is None:
        return next((what for begin, what in _OTHERS.items() if complaint.startswith(begin)), None)
    key = found["key"].strip('"')
    for root in _ROOT.finditer(text):
        path = _first_gap(text, root, scope)
        if path is not None and path.rpartition(".")[2] == key:
            return path
    # A name that is not in the text was computed, so that it is a value of the object: those are not shown.
    return key if re.search(rf"(?<!\w){re.escape(key)}(?!\w)", text) else "a name that is computed"


def _first_gap(text: str, root: re.Match[str], scope: Mapping[str, Any]) -> str | None:
    """Follow one chain of fields as far as it is there; return it up to the first that is not."""
    path, at = root[0], root.end()
    if path not in scope:
        return None
    value: Any = scope[path]
    while isinstance(value, Mapping) and (step := _STEP.match(text, at)) is not None:
        field = step["field"] or step["key"]
        path, at = f"{path}.{field}", step.end()
        if field not in value:
            return path
        value = value[field]
    return None
