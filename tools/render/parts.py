"""What a message consists of once its markup is read: what `html` and `terminal` draw, whichever client it is for.

It decides nothing; the readers of each client (`slack`, `teams`, `mail`) make it.
"""

from dataclasses import dataclass
from enum import StrEnum


class UnknownPartError(Exception):
    """A payload has something that its reader does not know, and so cannot show."""


class Style(StrEnum):
    """How a run of text looks; the names are CSS classes."""

    BOLD = "bold"
    MENTION = "mention"
    SUBTLE = "subtle"


class Role(StrEnum):
    """What a paragraph is; the names are CSS classes."""

    HEADLINE = "headline"
    TEXT = "text"
    ITEM = "item"
    COMMAND = "command"
    FOOTER = "footer"


class Layout(StrEnum):
    """How the cells of a part stand; the names are CSS classes."""

    STACK = "stack"
    """One below the other."""
    TABLE = "table"
    """Each a label and its value."""


@dataclass(frozen=True)
class Run:
    """Text of one look."""

    text: str
    styles: frozenset[Style] = frozenset()


@dataclass(frozen=True)
class Paragraph:
    """Lines that belong together."""

    lines: tuple[tuple[Run, ...], ...]
    role: Role = Role.TEXT


@dataclass(frozen=True)
class Part:
    """One block of a message. `space` is the distance to the one before, as its client names it."""

    cells: tuple[tuple[Paragraph, ...], ...]
    layout: Layout = Layout.STACK
    space: str = "default"


def text_of(parts: tuple[Part, ...]) -> str:
    """Return all text of a message, line by line."""
    lines = (line for part in parts for cell in part.cells for paragraph in cell for line in paragraph.lines)
    return "\n".join("".join(run.text for run in line) for line in lines)


def known(value: object, keys: set[str], what: str) -> dict[str, object]:
    """Return a JSON object that has no other keys than these."""
    if not isinstance(value, dict):
        raise UnknownPartError(f"{what}: an object was expected, not {value!r}")
    if unknown := sorted(set(value) - keys):
        raise UnknownPartError(f"{what}: what {', '.join(unknown)} would look like is not known")
    return value
