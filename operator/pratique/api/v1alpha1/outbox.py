"""The outbox of an object, and how it is stored: what several people were told of one event is one entry.

Decisions know one entry for each receiver. Stored so, 128 of them repeat one sentence 128 times, and the API server keeps a
list of the fields of each. So what is settled for several recipients of one event and channel is stored as one entry, with
the sentence once and `to`; reading takes it apart again, and nobody else has to know.

What is pending is stored one by one: earlier versions read it, deliver it, and mark it. To them an entry with `to` is one
that is settled, whose id says that the event was told through this channel.
"""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, TypeAdapter, WrapSerializer

from pratique.api.v1alpha1.meta import ApiModel, amend
from pratique.api.v1alpha1.notifications import DeliveryState, Notification, Recipient, Told

_ALL = "@to"
"""What the id of an entry ends in that stands for several recipients; of one for a single one, a hash."""
_WORST_FIRST = (DeliveryState.GIVEN_UP, DeliveryState.SENT, DeliveryState.SKIPPED)


def short(text: str) -> str:
    """Return a few letters that stand for a text in an id."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def id_for(ident: str, recipient: Recipient) -> str:
    """Return the id of the entry that tells one recipient what the entry `ident` says."""
    return f"{ident}@{short(f'{recipient.kind.value}/{recipient.name}')}"


def gather(outbox: list[Notification]) -> list[Notification]:
    """Return the outbox as it is stored: what is settled for several is one entry, where the first of them was."""
    groups: dict[str, list[Notification]] = {}
    for entry in outbox:
        if (ident := _shared(entry)) is not None:
            group = groups.setdefault(ident, [])
            if not group or _same(group[0], entry):
                group.append(entry)
    inside = {entry.id: ident for ident, group in groups.items() if len(group) > 1 for entry in group}
    stored: list[Notification] = []
    for entry in outbox:
        ident = inside.get(entry.id)
        if ident is None:
            stored.append(entry)
        elif groups[ident][0] is entry:
            stored.append(_as_one(ident, groups[ident]))
    return stored


def spread(stored: list[Notification]) -> list[Notification]:
    """Return the outbox with an entry for each recipient; what stands there by itself is what is true of them."""
    alone = {entry.id for entry in stored}
    return [each for entry in stored for each in _each(entry, alone)]


def _shared(entry: Notification) -> str | None:
    """Return the id of what a settled entry tells one recipient of; None for any other."""
    if entry.recipient is None or entry.state is DeliveryState.PENDING:
        return None
    ident = entry.id.rpartition("@")[0]
    return ident if entry.id == id_for(ident, entry.recipient) else None


def _same(one: Notification, other: Notification) -> bool:
    shared = ("event", "channel", "at", "stage", "message")
    return all(getattr(one, each) == getattr(other, each) for each in shared)


def _as_one(ident: str, group: list[Notification]) -> Notification:
    """Return the one entry; an earlier version reads no more of it than the worst that came of it."""
    first = group[0]
    worst = min(group, key=lambda entry: _WORST_FIRST.index(entry.state))
    return Notification(
        id=f"{ident}{_ALL}",
        event=first.event,
        channel=first.channel,
        at=first.at,
        stage=first.stage,
        message=first.message,
        state=worst.state,
        error=worst.error,
        to=[_told(entry, entry.recipient) for entry in group if entry.recipient is not None],
    )


def _told(entry: Notification, recipient: Recipient) -> Told:
    return Told(
        kind=recipient.kind,
        name=recipient.name,
        state=entry.state,
        attempts=entry.attempts,
        not_before=entry.not_before,
        reference=entry.reference,
        error=entry.error,
    )


def _each(entry: Notification, alone: set[str]) -> Iterable[Notification]:
    """Yield what an entry stands for, in the order that it was told."""
    if entry.to is None:
        yield entry
        return
    ident = entry.id.removesuffix(_ALL)
    for told in entry.to:
        recipient = Recipient(kind=told.kind, name=told.name)
        if (own := id_for(ident, recipient)) not in alone:
            yield amend(
                entry,
                id=own,
                recipient=recipient,
                to=None,
                state=told.state,
                attempts=told.attempts,
                not_before=told.not_before,
                reference=told.reference,
                error=told.error,
            )


def _stored(outbox: list[Notification], handler: SerializerFunctionWrapHandler) -> Any:  # noqa: ANN401 - JSON
    return handler(gather(outbox))


Outbox = Annotated[
    list[Notification],
    Field(
        max_length=128,
        description="The outbox: what was, is and will be told.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
    ),
    AfterValidator(spread),
    WrapSerializer(_stored),
]
_OUTBOX: TypeAdapter[list[Notification]] = TypeAdapter(Outbox)


def outbox_of(status: dict[str, Any]) -> list[Notification]:
    """Return the outbox of a status as it is stored."""
    return _OUTBOX.validate_python(status.get("notifications") or [])


class Telling(ApiModel):
    """A status that has something to tell: each kind's that people are told about."""

    notifications: Outbox = []
