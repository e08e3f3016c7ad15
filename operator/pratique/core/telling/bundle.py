"""Makes one message of several that were held: a digest, with what each says and how to decide. Pure.

Must not decide what is held (`quiet` does). Called by the lane of a channel when the time has come.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pratique.api.v1alpha1.notifications import EventType
from pratique.core.telling.events import EVENTS
from pratique.core.telling.messages import Message, Readers

MAX_MESSAGES = 40
MAX_COMMANDS = 12
"""Lines to copy, of all its messages together: more are found with kubectl."""


def bundle(messages: Sequence[Message], now: datetime) -> Message:
    """Return the digest of at least two messages to one receiver, in the order in which they happened."""
    ordered = sorted(messages, key=lambda message: message.at)
    first = ordered[0]
    ident = hashlib.sha256("\n".join(sorted(message.id for message in ordered)).encode()).hexdigest()
    commands = [
        (f"{label} {message.subject.namespace}/{message.subject.name}", line)
        for message in ordered
        for label, line in message.how_to_decide
    ]
    return replace(
        first,
        id=f"digest/{ident}",
        event=EventType.DIGEST,
        headline=f"{EVENTS[EventType.DIGEST].headline}: {len(ordered)} messages",
        text=_counted(ordered),
        audience=_audience(ordered),
        facts=tuple((message.headline, message.text) for message in ordered),
        how_to_decide=tuple(commands[:MAX_COMMANDS]),
        at=now,
        thread="",
        earlier=None,
        handles=(),
    )


def _counted(messages: Sequence[Message]) -> str:
    """Say how many of what: `2 × Approval needed, 1 × Done`."""
    headlines = [EVENTS[message.event].headline for message in messages]
    return ", ".join(f"{headlines.count(each)} × {each}" for each in dict.fromkeys(headlines))


def _audience(messages: Sequence[Message]) -> Readers:
    users = {name for message in messages for name in message.audience.users}
    groups = {name for message in messages for name in message.audience.groups}
    return Readers(messages[0].audience.audience, tuple(sorted(users)), tuple(sorted(groups)))
