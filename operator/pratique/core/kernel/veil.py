"""Hides in a stranger's answer what repeats a value that was sent to them, in any form that `hiding` knows. Pure.

Unlike there nothing else is hidden: the answer is data, in which ids may look like keys. The work grows with the answer and
with the values, never with one times the other: both are other people's.
"""

from collections.abc import Iterable
from typing import Any

from pratique.core.kernel.hiding import HIDDEN, PART, forms_of, pieces

_SHORTEST = 4
"""A value shorter than this is in any answer by chance."""


class Veil:
    """What must not be repeated: short values as a whole, of longer ones any part."""

    def __init__(self, values: Iterable[str]) -> None:
        """Hide these values."""
        self._parts: set[str] = set()
        self._short: dict[int, set[str]] = {}
        for form in {each for value in values for each in forms_of(value) if len(each) >= _SHORTEST}:
            if len(form) < PART:
                self._short.setdefault(len(form), set()).add(form)
            else:
                folded = _fold(form)
                self._parts.update(folded[at : at + PART] for at in range(len(folded) - PART + 1))

    def over_text(self, text: str) -> str:
        """Return a text with `(hidden)` in place of what repeats a value."""
        marks, folded = bytearray(len(text)), _fold(text)
        for at in range(len(text) - _SHORTEST + 1):
            if folded[at : at + PART] in self._parts:
                marks[at : at + PART] = b"\1" * PART
            for length, known in self._short.items():
                if text[at : at + length] in known:
                    marks[at : at + length] = b"\1" * length
        return "".join(pieces(text, marks))

    def over(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return a JSON value, in whose texts, names and numbers nothing repeats a value."""
        match value:
            case str():
                return self.over_text(value)
            case dict():
                return {self.over_text(key): self.over(each) for key, each in value.items()}
            case list():
                return [self.over(each) for each in value]
            case int() | float() if not isinstance(value, bool):
                return HIDDEN if HIDDEN in self.over_text(str(value)) else value
            case _:
                return value


def _fold(text: str) -> str:
    """Return a text in small letters, each in its place: a letter that folds into two stays."""
    folded = text.casefold()
    if len(folded) == len(text):
        return folded
    return "".join(small if len(small := each.casefold()) == 1 else each for each in text)
