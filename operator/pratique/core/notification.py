"""The outbox as a value: what is recorded, what is due, and what becomes of it. Pure.

An entry is recorded in the same write as the transition it tells of, delivered, then marked: at least once, and under one
id, so that receivers can drop a repeat. `EVENTS` is the one table of what is told, to whom and in which words.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pratique.api.v1alpha1.common import (
    KUBERNETES_EVENTS,
    DeliveryState,
    EventType,
    Notification,
    NotificationRule,
)
from pratique.core.effects import Deliveries, Delivery
from pratique.core.text import clean

MAX_ENTRIES = 128
MAX_ATTEMPTS = 12
_FIRST_PAUSE = 1.0
_LAST_PAUSE = 300.0


class Audience(StrEnum):
    """To whom an event matters."""

    APPROVERS = "Approvers"
    REQUESTER = "Requester"


@dataclass(frozen=True)
class Wording:
    """How an event is told."""

    audience: Audience
    headline: str
    warning: bool = False


EVENTS: dict[EventType, Wording] = {
    EventType.APPROVAL_REQUESTED: Wording(Audience.APPROVERS, "Approval requested"),
    EventType.APPROVED: Wording(Audience.REQUESTER, "Approved"),
    EventType.DECLINED: Wording(Audience.REQUESTER, "Declined", warning=True),
    EventType.EXPIRED: Wording(Audience.REQUESTER, "Expired without an answer", warning=True),
    EventType.WITHDRAWN: Wording(Audience.APPROVERS, "Withdrawn"),
    EventType.SUPERSEDED: Wording(Audience.REQUESTER, "No longer what was approved", warning=True),
    EventType.REFUSED: Wording(Audience.REQUESTER, "Refused", warning=True),
    EventType.SUCCEEDED: Wording(Audience.REQUESTER, "Done"),
    EventType.FAILED: Wording(Audience.REQUESTER, "Failed", warning=True),
    EventType.ENVIRONMENT_READY: Wording(Audience.REQUESTER, "Environment ready"),
    EventType.ENVIRONMENT_EXPIRING: Wording(Audience.REQUESTER, "Environment ends soon", warning=True),
    EventType.ENVIRONMENT_EXPIRED: Wording(Audience.REQUESTER, "Environment has ended"),
}


def record(
    outbox: list[Notification],
    event: EventType,
    at: datetime,
    message: str,
    rules: list[NotificationRule],
    *,
    key: str = "",
) -> list[Notification]:
    """Return the outbox with an entry per channel that wants the event; what is recorded already stays as it is.

    `key` tells apart events that happen more than once in a life, such as warnings.
    """
    channels = [KUBERNETES_EVENTS, *(name for rule in rules if event in rule.events for name in rule.channels)]
    stem = f"{event.value}/{key}" if key else event.value
    known = {entry.id for entry in outbox}
    entries = [
        Notification(id=f"{stem}/{channel}", event=event, channel=channel, at=at, message=clean(message, 2048))
        for channel in dict.fromkeys(channels)
        if f"{stem}/{channel}" not in known
    ]
    return _bounded([*outbox, *entries])


def _bounded(outbox: list[Notification]) -> list[Notification]:
    """Drop the oldest settled entries beyond the bound; one that still has to be told only if all of them have."""
    surplus = len(outbox) - MAX_ENTRIES
    if surplus <= 0:
        return outbox
    settled = [entry.id for entry in outbox if entry.state is not DeliveryState.PENDING][:surplus]
    return [entry for entry in outbox if entry.id not in settled][:MAX_ENTRIES]


def settle(outbox: list[Notification], deliveries: Deliveries, now: datetime) -> list[Notification]:
    """Return the outbox with what became of the tries marked in it."""
    return [
        _settled(entry, deliveries[entry.id], now)
        if entry.state is DeliveryState.PENDING and entry.id in deliveries
        else entry
        for entry in outbox
    ]


def _settled(entry: Notification, delivery: Delivery, now: datetime) -> Notification:
    attempts = entry.attempts + 1
    if delivery.sent:
        update = {"state": DeliveryState.SENT, "attempts": attempts, "next_attempt_at": None, "error": None}
        return entry.model_copy(update=update)
    error = clean(delivery.error, 512)
    if delivery.permanent or attempts >= MAX_ATTEMPTS:
        update = {"state": DeliveryState.GIVEN_UP, "attempts": attempts, "next_attempt_at": None, "error": error}
        return entry.model_copy(update=update)
    pause = max(_pause(entry.id, attempts), delivery.retry_after or 0.0)
    again = now + timedelta(seconds=min(pause, _LAST_PAUSE))
    return entry.model_copy(update={"attempts": attempts, "next_attempt_at": again, "error": error})


def _pause(ident: str, attempts: int) -> float:
    """Return the backoff in seconds, with a jitter of up to a half that is the same after a restart."""
    spread = int.from_bytes(hashlib.sha256(f"{ident}/{attempts}".encode()).digest()[:2]) / 65536
    return min(_FIRST_PAUSE * 2 ** (attempts - 1), _LAST_PAUSE) * (1 + spread / 2)


def due(outbox: list[Notification], now: datetime) -> list[Notification]:
    """Return the entries to be delivered now."""
    return [
        entry
        for entry in outbox
        if entry.state is DeliveryState.PENDING and (entry.next_attempt_at is None or entry.next_attempt_at <= now)
    ]


def next_due(outbox: list[Notification], now: datetime) -> datetime | None:
    """Return when an entry is tried again; None if nothing waits for a time of its own."""
    later = [
        entry.next_attempt_at
        for entry in outbox
        if entry.state is DeliveryState.PENDING and entry.next_attempt_at is not None and entry.next_attempt_at > now
    ]
    return min(later, default=None)


def has_pending(outbox: list[Notification]) -> bool:
    """Whether anything still has to be told."""
    return any(entry.state is DeliveryState.PENDING for entry in outbox)
