"""Reads the JSON that a stranger answered, so that whatever it holds can be evaluated and stored. Pure.

What no expression and no API server can hold must not undo what was done: characters that nobody can see or store become
U+FFFD, a whole number beyond 64 bits the text of its digits, a number beyond all numbers nothing.
"""

import json
import math
import re
from typing import Any

_MAX_DEPTH = 64
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but for tab and the ends of lines, and halves of characters."""
_SIGNED = range(-(2**63), 2**63)
_DIGITS = 20
"""No number of 64 bits is longer; a longer one is not even looked at."""


def plain(text: str) -> str:
    """Return a text with U+FFFD for each character that cannot be kept."""
    return _ODD.sub("\ufffd", text)


def parse_foreign(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return what was answered as JSON; None if it is nothing of the sort, or nested too deeply."""
    try:
        value = json.loads(raw.decode(), parse_constant=lambda _: None, parse_int=_whole, parse_float=_number)
        return _plain(value, 0)
    except (ValueError, RecursionError):
        return None


def fit_whole(number: int) -> int | str:
    """Return a whole number, as a text of its digits if it has more than 64 bits."""
    return number if number in _SIGNED else str(number)


def _whole(digits: str) -> int | str:
    return fit_whole(int(digits)) if len(digits) <= _DIGITS else digits


def _number(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _plain(value: Any, depth: int) -> Any:  # noqa: ANN401 - any JSON value
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    match value:
        case str():
            return plain(value)
        case dict():
            return {plain(key): _plain(each, depth + 1) for key, each in value.items()}
        case list():
            return [_plain(each, depth + 1) for each in value]
        case _:
            return value
