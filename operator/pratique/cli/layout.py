"""Lays text out in the width of a terminal. Pure; knows nothing of what the text is about.

A cell is as wide as its text shows, not as it has characters. Only the last column of a table is wrapped; what a person
copies (`verbatim`) is never broken: the terminal itself may do that.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

_GAP = "  "
_NARROW = 24
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return a table. Where its last column would be too narrow, that stands below each row instead."""
    cells = [titles, *rows]
    widths = [max(shown_width(row[at]) for row in cells) for at in range(len(titles) - 1)]
    used = sum(widths) + len(_GAP) * len(widths)
    if width - used < min(_NARROW, max(shown_width(row[-1]) for row in cells)):
        return [line for row in cells for line in _stacked(row, widths, width, below=row is not titles)]
    return [line for row in cells for line in _beside(row, widths, width - used, used)]


def labelled(pairs: Iterable[tuple[str, str]], width: int, indent: str) -> list[str]:
    """Return texts with their labels before them; those without text are left out."""
    shown = [(label, text) for label, text in pairs if text]
    wide = max((len(label) for label, _ in shown), default=0)
    lines = []
    for label, text in shown:
        before = f"{indent}{label.ljust(wide)}{_GAP}"
        wrapped = [part for line in text.splitlines() for part in wrap(line, width - len(before))]
        lines += [f"{before if at == 0 else ' ' * len(before)}{part}" for at, part in enumerate(wrapped)]
    return lines


def wrap(text: str, width: int) -> list[str]:
    """Return `text` in lines of this width; a word that is longer than a line is broken."""
    width = max(width, 2)
    lines, line = [], ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if shown_width(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, width)
        lines += full
    return [*lines, line] if line or not lines else lines


def shown_width(text: str) -> int:
    """Return how many columns a text takes: letters of East Asia two, marks that stand on another letter none."""
    return sum(_columns(character) for character in text)


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was, or when it will be: `3m ago`, `in 23h`."""
    seconds = abs(now - moment) // timedelta(seconds=1)
    text = next((f"{seconds // size}{unit}" for size, unit in _UNITS if seconds >= size), "0s")
    return f"in {text}" if moment > now else f"{text} ago"


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _pieces(word: str, width: int) -> list[str]:
    pieces, piece = [], ""
    for character in word:
        if piece and shown_width(piece) + _columns(character) > width:
            pieces.append(piece)
            piece = ""
        piece += character
    return [*pieces, piece]


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(
        text + " " * (wide - shown_width(text)) + _GAP for text, wide in zip(cells[:-1], widths, strict=True)
    )


def _beside(cells: Sequence[str], widths: Sequence[int], room: int, used: int) -> list[str]:
    first, *more = wrap(cells[-1], room)
    return [f"{_padded(cells, widths)}{first}".rstrip(), *(" " * used + line for line in more)]


def _stacked(cells: Sequence[str], widths: Sequence[int], width: int, *, below: bool) -> list[str]:
    last = [f"{_GAP}{_GAP}{line}" for line in wrap(cells[-1], width - 4)] if below and cells[-1] else []
    return [_padded(cells, widths).rstrip(), *last]
