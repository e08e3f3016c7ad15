"""The rows of an inbox, and their JSON form. Texts of people are cleaned already: who shows a row only lays it out.

Must not decide what belongs into an inbox (`inbox` and its parts do). Called by those, and by whatever shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from pratique.api.v1alpha1.scalars import Time


@dataclass(frozen=True)
class Row:
    """Base of all: camelCase in JSON, every field in every row, null where there is nothing."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel)


@dataclass(frozen=True)
class Viewer(Row):
    """Whose inbox it is, as the API server knows them."""

    username: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Undelivered(Row):
    """A message that did not reach its receiver, and why: it was given up or skipped, or is pending and tried again.

    `to` is whom it was for, where its channel reaches people one by one.
    """

    event: str
    channel: str
    to: str | None
    at: Time
    state: str
    reason: str


@dataclass(frozen=True)
class Said(Row):
    """What one approver said."""

    by: str
    verdict: str
    comment: str
    at: Time


@dataclass(frozen=True)
class Word(Row):
    """What somebody asked about a request, or who asks for it answered."""

    by: str
    answers: bool
    text: str
    at: Time


@dataclass(frozen=True)
class Asked(Row):
    """One input of a request, as it is shown to who decides."""

    name: str
    title: str
    value: str


@dataclass(frozen=True)
class Waiting(Row):
    """A gate that its viewer may decide, with all they need for it. `approve` and `decline` are lines for a shell.

    A review of a break-glass (`purpose` is Review) has no deadline: it is `due`, and one signs it or objects.
    `in_place_of` are those for whom the viewer may decide as their stand-in; `name_stand_in` is a line by which the viewer
    names one, null where the rule takes none; `offer` is one to offer something else, of what `may_offer` lists.

    `changes` says who changed their mind about it, oldest first; `found` which objects name its approvers, and whom.
    `thread` is what was asked and answered, oldest first, and `ask` a line for a shell to say more.
    """

    approval: str
    namespace: str
    run: str
    action: str
    title: str
    url: str
    requested_by: str
    reason: str
    inputs: tuple[Asked, ...]
    held_because: str
    summary: tuple[str, ...]
    cost: str
    approvals: int
    required: int
    said: tuple[Said, ...]
    thread: tuple[Word, ...]
    ask: str
    changes: tuple[str, ...]
    waiting_for: tuple[str, ...]
    found: tuple[str, ...]
    opened_at: Time
    deadline: Time | None
    purpose: str
    due: Time | None
    in_place_of: tuple[str, ...]
    approve: str
    decline: str
    offer: str | None
    may_offer: tuple[str, ...]
    name_stand_in: str | None
    unread: bool
    undelivered: tuple[Undelivered, ...]


@dataclass(frozen=True)
class Decided(Row):
    """A gate that its viewer has decided. `outcome` is how it ended, or for whom it still waits.

    `take_back` is a line for a shell; null if what they said stays.
    """

    approval: str
    namespace: str
    run: str
    title: str
    requested_by: str
    verdict: str
    comment: str
    at: Time
    state: str
    outcome: str
    take_back: str | None
    ended_at: Time | None
    run_phase: str | None
    unread: bool


@dataclass(frozen=True)
class Happened(Row):
    """One line of the history of an object."""

    at: Time
    kind: str
    namespace: str
    name: str
    event: str
    message: str
    unread: bool


@dataclass(frozen=True)
class Run(Row):
    """A run that its viewer asked for, or that was asked on their behalf. `until` is when what it does now must be done.

    `accept` and `reject` are lines for a shell where an approver offered something else that the viewer has to accept,
    `answer` is one where somebody asked something; `thread` has it, oldest first.
    """

    name: str
    namespace: str
    action: str
    title: str
    requested_by: str
    reason: str
    phase: str
    ended: bool
    message: str
    until: Time | None
    approval: str | None
    accept: str | None
    reject: str | None
    thread: tuple[Word, ...]
    answer: str | None
    outputs: Mapping[str, str]
    created_at: Time
    last: Happened | None
    unread: bool
    undelivered: tuple[Undelivered, ...]


@dataclass(frozen=True)
class Env(Row):
    """An Environment of the viewer's. `warned` are the warnings that were given, by how long before the end they are."""

    name: str
    namespace: str
    target: str
    phase: str
    message: str
    kept_for: str
    ends_at: Time
    warned: tuple[str, ...]
    last: Happened | None
    unread: bool
    undelivered: tuple[Undelivered, ...]


@dataclass(frozen=True)
class LeftOut(Row):
    """How many rows there are beyond those that are in the lists."""

    decided: int = 0
    runs: int = 0
    events: int = 0


@dataclass(frozen=True)
class Unseen(Row):
    """What could not be looked at, and what to do about it. Without a namespace: in none."""

    kinds: tuple[str, ...]
    namespace: str | None
    message: str


@dataclass(frozen=True)
class Inbox(Row):
    """What waits for somebody, and what happened to theirs. `unread` in a row says that it is newer than `since`."""

    viewer: Viewer
    at: Time
    since: Time
    waiting: tuple[Waiting, ...]
    decided: tuple[Decided, ...]
    runs: tuple[Run, ...]
    environments: tuple[Env, ...]
    events: tuple[Happened, ...]
    left_out: LeftOut
    unseen: tuple[Unseen, ...] = ()


_WIRE = TypeAdapter(Inbox)


def to_wire(inbox: Inbox) -> dict[str, Any]:
    """Return the JSON form."""
    wire: dict[str, Any] = _WIRE.dump_python(inbox, mode="json", by_alias=True)
    return wire
