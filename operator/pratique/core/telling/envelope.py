"""Puts a composed message into its envelope: at what address, what the same receiver was told before, who is mentioned.

Asked just before a delivery, so that an address that was mended meanwhile is the one that is used. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pratique.api.v1alpha1.notifications import DeliveryState, EventType, Notification
from pratique.core.telling.directory import address_of, slack_ids
from pratique.core.telling.messages import Earlier, Message
from pratique.core.telling.reach import reach_of
from pratique.core.telling.recipients import Routing

Compose = Callable[[Notification], Message]


def put_in_envelope(entry: Notification, outbox: Sequence[Notification], compose: Compose, routing: Routing) -> Message:
    """Return the message of an entry. A recipient whose address is not known any more has an empty one."""
    message = compose(entry)
    spec = routing.channels.get(entry.channel)
    if spec is None:
        return message
    reach, recipient, address = reach_of(spec), entry.recipient, None
    if recipient is not None and reach is not None:
        address = address_of(routing.directory, reach, recipient)
    handles: tuple[tuple[str, str], ...] = ()
    if spec.slack is not None:
        handles = slack_ids(routing.directory, message.audience.users, message.audience.groups)
    return replace(
        message,
        recipient=recipient,
        address=address or "",
        handles=handles,
        earlier=_earlier(entry, outbox, compose),
    )


def _earlier(entry: Notification, outbox: Sequence[Notification], compose: Compose) -> Earlier | None:
    """Return what the same receiver was told first, where it can be changed."""
    first = next(
        (
            other
            for other in outbox
            if other.reference
            and other.state is DeliveryState.SENT
            and (other.channel, other.recipient) == (entry.channel, entry.recipient)
        ),
        None,
    )
    if first is None or first.id == entry.id or not first.reference or entry.event is EventType.TEST:
        return None
    return Earlier(first.reference, compose(first))
