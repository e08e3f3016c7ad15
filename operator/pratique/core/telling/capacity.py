"""Decides what an outbox has no room for, and has that said: full is never silent. Pure.

The oldest settled entries make room. Where all are pending, what many people are told gives way, the newest first; then
what places and groups are told, what the requester is told, and last Kubernetes Events, the oldest first. What had no room
is said four times: by an entry for each event and channel that somebody was not told of (its id ends in `@full`), by the
condition `OutboxFull`, by the Kubernetes Event `NotificationFailed`, and by a metric. Called by `addressing`, `recorder`.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum

from pratique.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason
from pratique.api.v1alpha1.notifications import (
    KUBERNETES_EVENTS,
    DeliveryState,
    EventType,
    Notification,
    RecipientKind,
)
from pratique.core.kernel.conditions import drop_condition, set_condition
from pratique.core.kernel.identity import fold

MAX_ENTRIES = 128
RESERVED = 24
"""Entries that what many people are told never takes: for Kubernetes Events, the requester, places and groups."""
MAX_UNTOLD = 16
"""Entries that say who was not told: beyond these, the oldest go."""
_MOST_LISTED = 2
"""A name may be long, and the sentence must not be cut before its remedy."""
NO_ROOM = "@full"
"""What the id of an entry ends in that says that not everybody was told of an event through a channel."""
_SAID = f"{EventType.NOTIFICATION_FAILED.value}/full/{KUBERNETES_EVENTS}"
_WAITS = f"{MAX_ENTRIES} messages of this object, or {MAX_ENTRIES - RESERVED} to single people, wait already"
_REMEDY = (
    "see why channels fail (`kubectl get notificationchannels`), give a group an address of its own (ConfigMap"
    " pratique-directory, groups.NAME), or name fewer people in spec.notifications"
)

Outbox = list[Notification]


class _Rank(IntEnum):
    """What gives way first."""

    MANY = 0
    """One of many messages to single people."""
    FEW = 1
    """A place, or an address that many read."""
    REQUESTER = 2
    EVENT = 3


def keep_within(outbox: Outbox, requester: str, now: datetime) -> Outbox:
    """Return the outbox within its bounds; what gave way for want of room is told, and each entry that fits is kept."""
    after = _make_room(outbox, requester)
    fresh = find_untold(outbox, after)
    if not fresh or any(entry.id == _SAID for entry in after):
        return after
    event = EventType.NOTIFICATION_FAILED
    said = Notification(id=_SAID, event=event, channel=KUBERNETES_EVENTS, at=now, message=_say_untold(fresh))
    return _make_room([*after, said], requester)


def find_untold(before: Outbox, after: Outbox) -> Outbox:
    """Return what says since `before` that not everybody was told of an event through a channel."""
    known = {entry.id for entry in before}
    return [entry for entry in after if _is_untold(entry) and entry.id not in known]


def say_full(conditions: list[Condition], outbox: Outbox, now: datetime, generation: int) -> list[Condition]:
    """Return the conditions of an object with what its outbox has no room for, or had none; without, if it always had."""
    untold = [entry for entry in outbox if _is_untold(entry)]
    if not untold:
        return drop_condition(conditions, ConditionType.OUTBOX_FULL)
    pending = sum(entry.state is DeliveryState.PENDING for entry in outbox)
    if pending >= MAX_ENTRIES - RESERVED:
        status, reason, text = ConditionStatus.TRUE, Reason.TOO_MANY_WAIT, _say_untold(untold)
    else:
        status, reason = ConditionStatus.FALSE, Reason.HAS_ROOM
        text = f"There is room again, but not everybody was told of {_list(untold)}, and nobody is told later"
    return set_condition(conditions, ConditionType.OUTBOX_FULL, status, reason, text, now, generation)


def _say_untold(untold: Iterable[Notification]) -> str:
    return f"Not everybody is told of {_list(untold)}: {_WAITS}. Remedy: {_REMEDY}"


def _list(untold: Iterable[Notification]) -> str:
    """Return events and channels in one phrase: `Approved through mail, Declined through chat and 2 more`."""
    all_of_it = [f"{entry.event.value} through {entry.channel}" for entry in untold]
    more = f" and {len(all_of_it) - _MOST_LISTED} more" if len(all_of_it) > _MOST_LISTED else ""
    return ", ".join(all_of_it[:_MOST_LISTED]) + more


def _make_room(outbox: Outbox, requester: str) -> Outbox:
    """Leave out what has to give way, and keep an entry for each event and channel that somebody is not told of.

    One for a message that is nobody's alone would take the room that its leaving makes: of these, the first has one.
    """
    many = [entry for entry in outbox if _is_pending(entry) and _rank(entry, requester) is _Rank.MANY]
    gone = {entry.id: entry for entry in many[MAX_ENTRIES - RESERVED :]}
    untold = {entry.id: entry for entry in outbox if _is_untold(entry)}
    untold |= {said.id: said for entry in gone.values() if (said := _say_of(entry)).id not in untold}
    rest = [entry for entry in outbox if entry.id not in gone and not _is_untold(entry)]
    kept, of_few = len(rest), False
    for entry in _in_order_of_giving_way(rest, requester):
        if kept + min(len(untold), MAX_UNTOLD) <= MAX_ENTRIES:
            break
        kept -= 1
        gone[entry.id] = entry
        is_one_of_many = _rank(entry, requester) is _Rank.MANY
        if _is_pending(entry) and (is_one_of_many or not of_few):
            of_few = of_few or not is_one_of_many
            untold.setdefault(_say_of(entry).id, _say_of(entry))
    shown = list(untold.values())[-MAX_UNTOLD:]
    stay = {entry.id for entry in (*rest, *shown)} - gone.keys()
    known = {entry.id for entry in outbox}
    return [*(each for each in outbox if each.id in stay), *(each for each in shown if each.id not in known)]


def _in_order_of_giving_way(entries: Outbox, requester: str) -> Outbox:
    """Return the settled, oldest first, then the pending by rank: of many the newest first, of others the oldest."""

    def key(place: int) -> tuple[bool, int, int]:
        if not _is_pending(entries[place]):
            return False, 0, place
        rank = _rank(entries[place], requester)
        return True, rank, -place if rank is _Rank.MANY else place

    return [entries[place] for place in sorted(range(len(entries)), key=key)]


def _rank(entry: Notification, requester: str) -> _Rank:
    if entry.channel == KUBERNETES_EVENTS:
        return _Rank.EVENT
    if entry.recipient is None or entry.recipient.kind is not RecipientKind.USER:
        return _Rank.FEW
    return _Rank.REQUESTER if requester and fold(entry.recipient.name) == fold(requester) else _Rank.MANY


def _say_of(untold: Notification) -> Notification:
    """Return the entry that says of an event that not everybody was told of it through a channel."""
    ident = untold.id if untold.recipient is None else untold.id.rpartition("@")[0]
    return Notification(
        id=f"{ident}{NO_ROOM}",
        event=untold.event,
        channel=untold.channel,
        at=untold.at,
        message=untold.message,
        state=DeliveryState.SKIPPED,
        error=f"not everybody is told: {_WAITS}; {_REMEDY}",
    )


def _is_untold(entry: Notification) -> bool:
    return entry.id.endswith(NO_ROOM)


def _is_pending(entry: Notification) -> bool:
    return entry.state is DeliveryState.PENDING
