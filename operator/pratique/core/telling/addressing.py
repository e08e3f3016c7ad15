"""Turns what a plan has put into an outbox into what is delivered: to whom, held until when, and nothing that is moot.

Called by `recorder` once a look, so that it is part of the same write. `outbox.record` has made one entry per
channel; where a channel reaches people, here one entry is made for each of them. Must not decide what has happened.
"""

from datetime import datetime

from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import (
    KUBERNETES_EVENTS,
    DeliveryState,
    EventType,
    Notification,
    NotificationRule,
    Recipient,
)
from pratique.api.v1alpha1.outbox import id_for, short
from pratique.core.kernel.text import fit
from pratique.core.telling.capacity import NO_ROOM, keep_within
from pratique.core.telling.directory import DIRECTORY_NAME, Reach
from pratique.core.telling.events import EVENTS
from pratique.core.telling.outbox import MAX_ERROR, enter, find_given_up, is_held
from pratique.core.telling.quiet import hold_until
from pratique.core.telling.reach import reach_of
from pratique.core.telling.recipients import (
    MAX_RECIPIENTS,
    Choice,
    Routing,
    Stakeholders,
    choose_recipients,
    is_told_quietly,
    name_of,
)

Outbox = list[Notification]

_UNREACHED, _NOBODY = "@none", "@nobody"
"""What the ids end in of the entries that say who could not be told, or that nobody was to be; of recipients, a hash."""


def address(before: Outbox, after: Outbox, stakeholders: Stakeholders, routing: Routing, now: datetime) -> Outbox:
    """Return the outbox `after` with what is new in it since `before` addressed; the same for the same plan."""
    after = _add_failures(before, after, stakeholders, now)
    known = {entry.id for entry in before}
    fresh = [entry for entry in after if entry.id not in known]
    if not fresh:
        return after
    outbox = _skip_moot(after, fresh, now)
    outbox = [entry for entry in outbox if entry.id in known]
    expanded = [each for entry in fresh for each in _expand(entry, stakeholders, routing)]
    told = [_hold(entry, stakeholders, routing, now) for entry in _drop_echoes(expanded, outbox)]
    return keep_within([*outbox, *told], stakeholders.requester, now)


def _add_failures(before: Outbox, after: Outbox, stakeholders: Stakeholders, now: datetime) -> Outbox:
    """Record what was given up just now, so that somebody hears of it; through other channels than the one that failed."""
    for entry in find_given_up(before, after):
        if entry.channel == KUBERNETES_EVENTS or entry.event is EventType.NOTIFICATION_FAILED:
            continue
        to = f" to {name_of(entry.recipient)}" if entry.recipient else ""
        text = f"{entry.event.value} was given up{to} through channel {entry.channel}: {entry.error}"
        rules = [other for rule in stakeholders.rules if (other := _leave_out(rule, entry.channel)) is not None]
        key = short(entry.id)
        after = enter(after, EventType.NOTIFICATION_FAILED, now, text, rules, key=key)
    return after


def is_lost(entry: Notification) -> bool:
    """Whether somebody was to be told and was not: it was given up, there was no way to reach them, or no room.

    What was skipped because it was for nobody, or not needed any more, is not lost.
    """
    if entry.state is DeliveryState.SKIPPED:
        return entry.id.endswith((_UNREACHED, NO_ROOM))
    return entry.state is DeliveryState.GIVEN_UP


def is_failing(entry: Notification) -> bool:
    """Whether an entry could not be delivered so far, and is tried again."""
    return entry.state is DeliveryState.PENDING and entry.error is not None


def _leave_out(rule: NotificationRule, channel: str) -> NotificationRule | None:
    others = [name for name in rule.channels if name != channel]
    return amend(rule, channels=others) if others else None


def _expand(entry: Notification, stakeholders: Stakeholders, routing: Routing) -> Outbox:
    """Return an entry for the place that a channel writes to, and one for each whom it reaches."""
    spec = routing.channels.get(entry.channel)
    reach = reach_of(spec) if spec is not None else None
    if reach is None:
        return [entry]
    found = choose_recipients(entry.event, entry.channel, reach, stakeholders, routing.directory)
    place = [entry] if reach.place else []
    people = [_copy_for(entry, recipient) for recipient in found.recipients]
    skipped = _say_skipped(entry, reach, found)
    return [*place, *people, *([skipped] if skipped is not None else [])]


def _copy_for(entry: Notification, recipient: Recipient) -> Notification:
    return amend(entry, id=id_for(entry.id, recipient), recipient=recipient)


def _say_skipped(entry: Notification, reach: Reach, found: Choice) -> Notification | None:
    """Return the entry that says who could not be told, if anybody could not."""
    problems = []
    if found.unreachable:
        where = f"no {reach.medium.value} address is known (ConfigMap {DIRECTORY_NAME})"
        problems.append(f"{where}: {', '.join(found.unreachable)}")
    if found.too_many:
        problems.append(
            f"more than {MAX_RECIPIENTS}, give the group an address of its own: {', '.join(found.too_many)}"
        )
    suffix = _UNREACHED
    if not problems and not found.recipients and not reach.place:
        suffix = _NOBODY
        problems.append("nobody is to be told of this through this channel")
    if not problems:
        return None
    error = fit("; ".join(problems), MAX_ERROR)
    return amend(entry, id=f"{entry.id}{suffix}", state=DeliveryState.SKIPPED, error=error)


def _drop_echoes(fresh: Outbox, outbox: Outbox) -> Outbox:
    """Leave out what says nothing new to a receiver: another event of the same write says it, or nobody had asked them."""
    said = {_receiver(entry) for entry in fresh if not EVENTS[entry.event].echoes}
    unasked = {_receiver(entry) for entry in outbox if entry.event is EventType.APPROVAL_REQUESTED and _was_moot(entry)}
    echo = [entry for entry in fresh if EVENTS[entry.event].echoes and _receiver(entry) in said]
    idle = [entry for entry in fresh if entry.event in _IF_ASKED and _receiver(entry) in unasked]
    return [entry for entry in fresh if entry not in echo and entry not in idle]


_GATE_ENDS = (
    EventType.APPROVED,
    EventType.GLASS_BROKEN,
    EventType.COUNTER_OFFERED,
    EventType.DECLINED,
    EventType.EXPIRED,
    EventType.WITHDRAWN,
    EventType.SUPERSEDED,
)
_NEARER = (EventType.ENVIRONMENT_EXPIRING, EventType.ENVIRONMENT_EXPIRED, EventType.ENVIRONMENT_GONE)
_MOOT_AFTER = dict.fromkeys(_GATE_ENDS, EventType.APPROVAL_REQUESTED)
_MOOT_AFTER |= dict.fromkeys(_NEARER, EventType.ENVIRONMENT_EXPIRING)
"""What is held need not be told any more once this has happened."""
_IF_ASKED = (EventType.HANDLED, EventType.WITHDRAWN)
"""What is of no interest to who was never asked."""


def _skip_moot(outbox: Outbox, fresh: Outbox, now: datetime) -> Outbox:
    """Have nobody told what is not so any more: what was held, and what a receiver has not taken so far."""
    happened = {_MOOT_AFTER[entry.event]: entry for entry in fresh if entry.event in _MOOT_AFTER}
    return [
        _skip(entry, happened[entry.event].event.value)
        if entry not in fresh and entry.event in happened and (is_held(entry, now) or _is_failing_channel(entry))
        else entry
        for entry in outbox
    ]


def ask_no_more(outbox: Outbox, ended: str, now: datetime) -> Outbox:
    """Have nobody asked any more for what has ended: what was held, and what a receiver has not taken so far."""
    return [
        _skip(entry, ended)
        if EVENTS[entry.event].asks and (is_held(entry, now) or _is_failing_channel(entry))
        else entry
        for entry in outbox
    ]


def _was_moot(entry: Notification) -> bool:
    """Whether an entry was held until it was not needed; what is skipped for want of an address never was.

    What was tried may have arrived, although its receiver did not say so: then it is of interest how it ended.
    """
    return entry.state is DeliveryState.SKIPPED and entry.not_before is not None and not entry.attempts


def _is_failing_channel(entry: Notification) -> bool:
    return is_failing(entry) and entry.channel != KUBERNETES_EVENTS


def _skip(entry: Notification, since: str) -> Notification:
    when = f"a receiver took it: {entry.error}" if entry.attempts else "it was due"
    error = fit(f"not needed any more: {since} came before {when}", MAX_ERROR)
    return amend(entry, state=DeliveryState.SKIPPED, error=error)


def _hold(entry: Notification, stakeholders: Stakeholders, routing: Routing, now: datetime) -> Notification:
    spec = routing.channels.get(entry.channel)
    if spec is None or entry.state is not DeliveryState.PENDING:
        return entry
    name = entry.recipient.name if entry.recipient is not None else ""
    quietly = is_told_quietly(name, entry.event, stakeholders)
    before = None if quietly else stakeholders.before.get(entry.event)
    until = hold_until(spec, entry.event, now, before, quietly=quietly)
    return entry if until is None else amend(entry, not_before=until)


def _receiver(entry: Notification) -> tuple[str, Recipient | None]:
    return entry.channel, entry.recipient
