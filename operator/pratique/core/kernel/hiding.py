"""Hides in somebody's words whatever repeats a value of an object: what it was sent with, and what is stored. Pure.

An admission policy's sentence is written by people and worth reading ("images must be signed"), and it may be computed from
the object. Names, kinds and images may be said; any other text or long number of the object may not, also not a part of
it, in base64, or in other letters (upper or lower). Called by `answers`.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

HIDDEN = "(hidden)"
_SHORTEST = 6
"""Values shorter than this are words such as `true` and `TCP`: they stay."""
PART = 12
"""So many letters in a row are a part of a value."""
_STEP = PART // 2
"""A value is looked at in steps: wherever a part begins, one whole step lies within it."""
_OPEN = frozenset({"apiVersion", "kind", "name", "generateName", "namespace", "image", "serviceAccount"})
"""Fields whose values say what is meant, and may be said."""
_CLOSED = frozenset({"data", "stringData", "binaryData", "annotations"})
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9.:/_@]{0,251}[A-Za-z0-9])?")
_CREDENTIAL = re.compile(r"(?=\S*[A-Z])(?=\S*[a-z])(?=\S*[0-9])[A-Za-z0-9+/_=-]{24,}")
"""What no name of Kubernetes looks like, and keys do."""


def hide(words: str, *objects: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the words with `(hidden)` in place of what repeats a value of these objects."""
    folded = words.casefold()
    if len(folded) != len(words):  # a letter that folds into two would shift every place
        words = folded
    marks = bytearray(len(words))
    parts: dict[str, list[int]] = {}
    for at in range(len(folded) - PART + 1):
        parts.setdefault(folded[at : at + PART], []).append(at)
    steps = {folded[at : at + _STEP] for at in range(len(folded) - _STEP + 1)}
    for value in {each.casefold() for held in objects for each in _values(held, "")}:
        _mark(marks, folded, value, parts, steps)
    for found in _CREDENTIAL.finditer(words):
        marks[found.start() : found.end()] = b"\1" * len(found[0])
    return "".join(pieces(words, marks))


def _mark(marks: bytearray, folded: str, value: str, parts: dict[str, list[int]], steps: Set[str]) -> None:
    """Mark the parts of a value, and forget them: they need not be found again."""
    for near in [at for at in range(0, len(value), _STEP) if value[at : at + _STEP] in steps]:
        for begin in range(max(near - _STEP, 0), near + 1):
            for at in parts.pop(value[begin : begin + PART], ()):
                marks[at : at + PART] = b"\1" * PART
    if len(value) < PART:
        at = folded.find(value)
        while at >= 0:
            if not _is_in_a_word(folded, at, value):
                marks[at : at + len(value)] = b"\1" * len(value)
            at = folded.find(value, at + 1)


def _is_in_a_word(folded: str, at: int, value: str) -> bool:
    """Whether a short word stands within a longer one, as approve does in approved: that says nothing of the value."""
    around = folded[max(at - 1, 0) : at] + folded[at + len(value) : at + len(value) + 1]
    return value.isalpha() and any(each.isalpha() for each in around)


def pieces(words: str, marks: bytearray) -> Iterator[str]:
    """Yield what is not marked, and `(hidden)` for each stretch that is."""
    at = 0
    while at < len(words):
        end = at
        while end < len(words) and marks[end] == marks[at]:
            end += 1
        yield HIDDEN if marks[at] else words[at:end]
        at = end


def forms_of(value: str) -> Iterator[str]:
    """Yield the forms in which a secret value may be repeated; a short one as it is."""
    text = value.strip()
    yield from _forms(text, closed=True) if len(text) >= _SHORTEST else (text,)


def _values(value: Any, field: str, *, closed: bool = False) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield every text of an object that must not be repeated, in the forms that it may be repeated in."""
    match value:
        case Mapping():
            for key, each in value.items():
                inner = key != _LAST_APPLIED and (closed or key in _CLOSED)
                yield from _values(each, key, closed=inner)
        case list() | tuple():
            for each in value:
                yield from _values(each, field, closed=closed)
        case str() if len(value.strip()) >= _SHORTEST:
            if closed or not _may_be_said(field, value):
                yield from _forms(value.strip(), closed=closed)
        case int() | float() if len(str(value)) >= _SHORTEST:
            yield str(value)
        case _:
            return


def _may_be_said(field: str, value: str) -> bool:
    return (field in _OPEN or field.endswith("Name")) and bool(_NAME.fullmatch(value))


def _forms(text: str, *, closed: bool) -> Iterator[str]:
    if text[0] in "{[" and (inner := _json(text)) is not None:
        yield from _values(inner, "", closed=closed)  # its keys and marks are no secret, what it holds is
        return
    yield text
    yield base64.b64encode(text.encode(errors="surrogatepass")).decode().rstrip("=")
    decoded = _decoded(text)
    if decoded:
        yield decoded


def _json(text: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _decoded(text: str) -> str:
    """Return what a text says that is base64, as the values of a Secret are."""
    try:
        said = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return said.strip() if len(said.strip()) >= _SHORTEST else ""
