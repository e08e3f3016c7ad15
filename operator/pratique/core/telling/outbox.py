"""Decides what is told, on which channels, when it is tried again, and when it is given up: the outbox of an object.

The outbox is part of the object's status: an entry is recorded in the write that records what happened, delivered by the
edge, and settled in a later write, so a crash repeats a message and never loses one. It must not deliver anything and
must not word anything (`messages` does). Called by the planners, and by the edge for `due`.
"""

import hashlib
from datetime import datetime, timedelta

from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import (
    KUBERNETES_EVENTS,
    DeliveryState,
    EventType,
    Notification,
    NotificationRule,
)
from pratique.core.kernel.effects import Deliveries, Delivery
from pratique.core.kernel.limits import MAX_LINE_BYTES
from pratique.core.kernel.text import clean, fit
from pratique.core.telling.events import EVENTS

MIN_ATTEMPTS = 3
GIVE_UP_AFTER = timedelta(hours=24)
"""A try that fails after so long is the last one, if it is not among the first few: the operator may have been off."""
MAX_ERROR = 512
MAX_REFERENCE = 128
BASE_SECONDS = 1.0
CAP_SECONDS = 300.0
MAX_RETRY_AFTER_SECONDS = 3600.0
SENDER_GRACE = timedelta(seconds=15)
"""How long a process has to deliver what it claimed; then it is taken for dead, and another one delivers."""
_LONGEST_PAUSE = timedelta(seconds=MAX_RETRY_AFTER_SECONDS + 1)
"""A receiver may ask for a pause, but not for one that amounts to silence."""
_LONGEST_HOLD = timedelta(days=9)
"""Quiet days and a digest together."""


def enter(
    outbox: list[Notification],
    event: EventType,
    at: datetime,
    message: str,
    rules: list[NotificationRule],
    *,
    key: str = "",
    stage: str = "",
) -> list[Notification]:
    """Return `outbox` with one entry per channel that is to be told; what is there already is left as it is.

    `key` tells apart what may happen more than once to one object, such as several warnings before its end. That a channel
    reaches people one by one is not known here: `addressing` makes an entry for each of them.
    """
    named = [channel for rule in rules if event in rule.events for channel in rule.channels]
    always = (KUBERNETES_EVENTS,) if EVENTS[event].on_object else ()
    result, text = list(outbox), fit(clean(message, MAX_LINE_BYTES), MAX_LINE_BYTES)
    for channel in dict.fromkeys((*always, *named)):
        ident = "/".join(part for part in (event.value, key, channel) if part)
        if any(entry.id == ident or entry.id.startswith(f"{ident}@") for entry in result):
            continue
        result.append(Notification(id=ident, event=event, channel=channel, at=at, stage=stage or None, message=text))
    return result


def settle(outbox: list[Notification], deliveries: Deliveries, now: datetime) -> list[Notification]:
    """Return `outbox` with the outcome of each delivery marked. Twice at the same moment is the same as once."""
    return [_note(entry, deliveries[entry.id], now) if entry.id in deliveries else entry for entry in outbox]


def list_due(outbox: list[Notification], now: datetime) -> list[Notification]:
    """Return the entries to deliver now, in the order they were recorded.

    Each receiver hears of an object in that order: what is behind an entry that is being tried waits for it.
    """
    ready, blocked = list[Notification](), set[tuple[str, str]]()
    for entry in outbox:
        if entry.state is not DeliveryState.PENDING:
            continue
        if _receiver(entry) not in blocked and _is_due(entry, now):
            ready.append(entry)
        if _is_due(entry, now) or entry.attempts:
            blocked.add(_receiver(entry))
    return ready


def find_next_due(outbox: list[Notification], now: datetime) -> datetime | None:
    """Return when an entry is tried again; None if nothing waits for a time of its own.

    What is due now is with the edge already: the end of that delivery asks for the next look, not the clock.
    """
    waiting = [entry for entry in outbox if entry.state is DeliveryState.PENDING and not _is_due(entry, now)]
    return min((when for entry in waiting if (when := _due_at(entry)) > now), default=None)


def claim(outbox: list[Notification], before: list[Notification], sender: str) -> list[Notification]:
    """Return `outbox` with what this write adds or changes claimed by the process that writes it.

    Of two processes that both believe that they lead, one write is refused: so only one of them claims, and delivers.
    """
    known = {entry.id: entry for entry in before}
    return [
        amend(entry, sender=sender) if entry.state is DeliveryState.PENDING and known.get(entry.id) != entry else entry
        for entry in outbox
    ]


def deliverable_at(entry: Notification, sender: str, now: datetime) -> datetime:
    """Return when this process may deliver what is due: what another has claimed, only `SENDER_GRACE` after it was due."""
    if entry.sender in (None, sender):
        return now
    when = _due_at(entry) + SENDER_GRACE
    return when if when - now <= 2 * SENDER_GRACE else now  # a time so far off is of a clock that was set back


def find_given_up(before: list[Notification], after: list[Notification]) -> list[Notification]:
    """Return what was given up between two versions of an outbox."""
    states = {entry.id: entry.state for entry in before}
    return [
        entry
        for entry in after
        if entry.state is DeliveryState.GIVEN_UP and states.get(entry.id) is DeliveryState.PENDING
    ]


def has_pending(outbox: list[Notification]) -> bool:
    """Whether anything still has to be told."""
    return any(entry.state is DeliveryState.PENDING for entry in outbox)


def is_held(entry: Notification, now: datetime) -> bool:
    """Whether an entry waits for the end of quiet hours or for a digest, and was never tried."""
    return entry.state is DeliveryState.PENDING and not entry.attempts and not _is_due(entry, now)


def _is_due(entry: Notification, now: datetime) -> bool:
    """Whether it is time. A time beyond the longest pause was written before the clock was set back: that is now."""
    when = _due_at(entry)
    longest = _LONGEST_PAUSE if entry.next_attempt_at else _LONGEST_HOLD
    return entry.state is DeliveryState.PENDING and (when <= now or when > now + longest)


def _due_at(entry: Notification) -> datetime:
    return entry.next_attempt_at or entry.not_before or entry.at


def _receiver(entry: Notification) -> tuple[str, str]:
    """Return who waits for an entry; Kubernetes Events have their own times, and no reader who is confused by them."""
    if entry.channel == KUBERNETES_EVENTS:
        return entry.channel, entry.id
    return entry.channel, f"{entry.recipient.kind}/{entry.recipient.name}" if entry.recipient else ""


def _note(entry: Notification, delivery: Delivery, now: datetime) -> Notification:
    if entry.state is not DeliveryState.PENDING:
        return entry
    if delivery.sent:
        attempts = entry.attempts + 1
        reference = delivery.reference[:MAX_REFERENCE] or None
        entry = amend(entry, state=DeliveryState.SENT, attempts=attempts, next_attempt_at=None, error=None)
        return amend(entry, reference=reference)
    # A failure of an entry that is not due was counted before: its next attempt has been set since.
    if not _is_due(entry, now):
        return entry
    attempts = entry.attempts + 1
    error = fit(clean(delivery.error, MAX_ERROR), MAX_ERROR) or "no reason given"
    too_long = now - (entry.not_before or entry.at) > GIVE_UP_AFTER
    if delivery.permanent or (too_long and attempts >= MIN_ATTEMPTS):
        return amend(entry, state=DeliveryState.GIVEN_UP, attempts=attempts, next_attempt_at=None, error=error)
    # What goes into one digest comes back at one moment.
    key = f"{entry.channel}/{entry.not_before}" if entry.not_before is not None else entry.id
    again = _whole_second_after(now + _pause(key, attempts, delivery.retry_after))
    return amend(entry, attempts=attempts, next_attempt_at=again, error=error)


def _pause(ident: str, attempts: int, retry_after: float | None) -> timedelta:
    """Double from attempt to attempt; spread by the id over half of it, so that a recovered receiver is not stormed."""
    spread = int.from_bytes(hashlib.sha256(f"{ident}#{attempts}".encode()).digest()[:4], "big") / 2**32
    seconds = min(BASE_SECONDS * 2.0 ** (attempts - 1), CAP_SECONDS) * (0.5 + spread / 2)
    asked = min(retry_after or 0.0, MAX_RETRY_AFTER_SECONDS)
    return timedelta(seconds=max(seconds, asked))


def _whole_second_after(moment: datetime) -> datetime:
    """Round up: the status keeps whole seconds, and what is rounded down would be due before its time."""
    return moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)
