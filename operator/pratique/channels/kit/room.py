"""Decides what of a message is cut, and in which order, when it would be larger than a receiver takes.

First the plan, by whole lines; then long facts; then the text; last, what exceeds eight facts. Never cut: how to decide,
and the line that says where all of it is. Must not know what a receiver takes: a channel tries one room after the other.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from pratique.core.telling.messages import Message

Body = TypeVar("Body")


@dataclass(frozen=True)
class Room:
    """How many characters each part may have; `lines` is for a fact of several lines, `names` for headline and names."""

    lines: int
    fact: int
    text: int
    facts: int
    names: int


_EACH_LINE = 10
"""What a line costs beside its characters: each is a block of its own."""
_ALL = 10_000_000
ROOMS = (
    Room(_ALL, _ALL, _ALL, _ALL, _ALL),
    Room(6000, _ALL, _ALL, _ALL, _ALL),
    Room(2000, 500, _ALL, 32, _ALL),
    Room(1000, 250, 1000, 16, 500),
    Room(300, 120, 300, 8, 200),
    Room(60, 40, 200, 8, 100),
)
"""Tried in turn. The last one fits whatever a message holds, emoji alone included (a test says so)."""


def build_fitting(
    message: Message, build: Callable[[Message, bool], Body], measure: Callable[[Body], int], limit: int, line: int = 1
) -> Body:
    """Return what a channel builds of as much of a message as its receiver takes; the second argument: is it cut.

    What is longer as bare text already is not built at all: a plan of thousands of lines would make as many blocks first.
    `line` is what a channel needs at least for each line of a fact.
    """
    for room in ROOMS[:-1]:
        shown = fitted(message, room)
        if _least(shown, line) <= limit and measure(body := build(shown, shown != message)) <= limit:
            return body
    least = fitted(message, ROOMS[-1])
    return build(least, least != message)


def _least(message: Message, line: int) -> int:
    """Return how large a message is at least, in any form."""
    return len(message.text) + sum(len(text) + line * text.count("\n") for _, text in message.facts)


def fitted(message: Message, room: Room) -> Message:
    """Return the message within this room."""
    return replace(
        message,
        headline=_cut(message.headline, room.names),
        text=_cut(message.text, room.text),
        facts=tuple(_fact(label, text, room) for label, text in message.facts[: room.facts]),
        audience=replace(
            message.audience,
            users=_some(message.audience.users, room.names),
            groups=_some(message.audience.groups, room.names),
        ),
    )


def look(message: Message) -> str:
    """Return the command that shows all of what a message is about."""
    subject = message.subject
    space = f" -n {subject.namespace}" if subject.namespace else ""
    return f"kubectl get {subject.kind.lower()} {subject.name}{space} -o yaml"


def _fact(label: str, text: str, room: Room) -> tuple[str, str]:
    return _cut(label, room.fact), _first_lines(text, room.lines) if "\n" in text else _cut(text, room.fact)


def _first_lines(text: str, limit: int) -> str:
    """Keep whole lines and say how many are missing: half a line of a plan would be read as a whole one."""
    lines = text.split("\n")
    kept, used = 0, 0
    while kept < len(lines) and (used := used + len(lines[kept]) + _EACH_LINE) <= limit:
        kept += 1
    missing = len(lines) - kept
    return "\n".join(lines) if not missing else "\n".join([*lines[:kept], f"… and {missing} more"])


def _some(names: tuple[str, ...], limit: int) -> tuple[str, ...]:
    """Keep whole names: a part of one may be somebody else's."""
    kept, used = 0, 0
    while kept < len(names) and (used := used + len(names[kept])) <= limit:
        kept += 1
    return names if kept == len(names) else (*names[:kept], "…")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
