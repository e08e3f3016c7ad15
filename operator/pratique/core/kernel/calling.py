"""The effects of a call to what is outside of the cluster, and what it comes to. Performed by `calling.desk`.

A call is made with a ticket. Who reserves one gets what the process that gave it, and no other, makes one call for, at most
once. It is written into the run's status before; a process that does not know a ticket has died, or lost the lead, since.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any

from pratique.api.v1alpha1.calling import HeaderFrom, HttpRequest, RequestSigning, Until
from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.core.kernel.effects import Effect, Json

MAX_ANSWER = 65536
"""Bytes of an answer that are read."""


@dataclass(frozen=True)
class Outgoing:
    """A call, but for what comes from Secrets: those are read as the account when it is made."""

    method: str
    url: str
    key: str
    """The idempotency key: the same for each try of one step of one run."""
    account: ServiceAccountRef
    headers: Mapping[str, str] = field(default_factory=dict)
    headers_from: tuple[HeaderFrom, ...] = ()
    body: str | None = None
    signing: RequestSigning | None = None
    within: timedelta = timedelta(seconds=30)


class Fate(Enum):
    """What is known of a call."""

    UNDER_WAY = "it is being made, or about to be"
    ANSWERED = "there is an answer"
    NOT_SENT = "nothing has left this process: it may be made again"
    UNKNOWN = "it was sent, and no answer came: it may have been done"
    LOST = "another process was to make it: whether it did, is not known"


@dataclass(frozen=True)
class Reply:
    """An answer, for judging: it is other people's text, and none of it is shown as it is."""

    status: int
    body: Any = None
    """What was answered as JSON; None if it was nothing of the sort."""
    location: str = ""
    retry_after: float | None = None
    too_long: bool = False

    def as_seen(self) -> Json:
        """Return what expressions see of it."""
        return {"status": self.status, "body": self.body, "location": self.location}


@dataclass(frozen=True)
class Called:
    """What became of a call. `message` continues a sentence about it; `final` says that trying again is in vain."""

    fate: Fate
    message: str = ""
    reply: Reply | None = None
    final: bool = False


@dataclass(frozen=True)
class Reserve(Effect[str]):
    """Get a ticket."""


@dataclass(frozen=True)
class Call(Effect[Called]):
    """Make the call of a ticket, unless it is made already; whoever asks again gets what it came to."""

    ticket: str
    outgoing: Outgoing
    run: tuple[str, str]
    """Namespace and name of the run that is looked at once there is an answer."""
    action: str
    """Whose share of the room it takes."""


@dataclass(frozen=True)
class TryCall(Effect[bool]):
    """Look whether a call could be made: its Secrets are there and let their values go there. Nothing is sent."""

    outgoing: Outgoing


@dataclass(frozen=True)
class EvaluateAnswer(Effect[Json]):
    """Evaluate in the sandbox what is kept of an answer."""

    rules: Mapping[str, str]
    seen: Json


@dataclass(frozen=True)
class Polled:
    """What became of the last of several calls that ask the same. `called` is None as long as none has an answer."""

    called: Called | None = None
    misses: int = 0
    """How many of them in a row came to nothing: with none the next one is due as its Action asks, else later."""
    again: timedelta = timedelta()
    """When the next one is due."""
    noes: int = 0
    """How many of them in a row said no, which is a verdict; a bad moment of a receiver is none."""
    asked: bool = True
    """Whether one was made at all: there may have been no room for it."""


@dataclass(frozen=True)
class Poll(Effect[Polled]):
    """Have a GET made whenever it is due, until nobody asks for it any more; get what the last one came to."""

    watch: tuple[str, str]
    """What it is for: the uid of a run, and the id of its step."""
    outgoing: Outgoing
    every: timedelta
    request: HttpRequest
    """What its answers are judged by."""
    run: tuple[str, str]
    action: str


@dataclass(frozen=True)
class Waited:
    """What an answer says of what was started, by the rules of `until`; `said` is its own word for people."""

    done: bool
    failed: bool = False
    missing: str = ""
    said: str = ""


@dataclass(frozen=True)
class EvaluateUntil(Effect[Waited]):
    """Evaluate in the sandbox whether what was started is done."""

    until: Until
    seen: Json
