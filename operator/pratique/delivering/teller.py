"""Delivers what an outbox holds through the channel that it names, and counts it by the type of the channel."""

from collections.abc import Callable

from pratique.api.v1alpha1.notification_channel import NotificationChannel
from pratique.api.v1alpha1.notifications import KUBERNETES_EVENTS, Notification
from pratique.channels.delivery import Channels
from pratique.cluster.store import Store
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.messages import Message
from pratique.core.telling.reach import rate_of
from pratique.core.telling.recipients import Routing


class Teller:
    """Tells through the channels that the cache has now."""

    def __init__(
        self,
        channels: Channels,
        known: Store,
        routing: Callable[[], Routing],
        counted: Callable[[str, str], None],
        shards: int = 1,
    ) -> None:
        """`known` has the channels as they are, `counted` is told the type of one and what came of a delivery.

        Of so many `shards` each takes its part of a channel's pace, so that all together keep it.
        """
        self._shards = shards
        self._channels, self._known, self._routing, self._counted = channels, known, routing, counted

    async def deliver(self, entry: Notification, message: Message) -> Delivery:
        """Send one message, once."""
        channel = self._channel(entry.channel)
        if message.recipient is not None and not message.address:
            return Delivery(sent=False, error="no address of this recipient is known any more", permanent=True)
        names = () if channel else tuple(self._routing().channels)
        delivery = await self._channels.deliver(channel, entry, message, names)
        self._counted(type_of(channel, entry.channel), "Sent" if delivery.sent else "Failed")
        return delivery

    def count(self, entry: Notification, result: str) -> None:
        """Count what was not sent at all."""
        self._counted(type_of(self._channel(entry.channel), entry.channel), result)

    def rate(self, name: str) -> tuple[float, float] | None:
        """Return at what pace a channel may be used, if it has one."""
        spec = self._routing().channels.get(name)
        rate = rate_of(spec) if spec is not None else None
        return (rate[0], rate[1] * self._shards) if rate is not None else None

    def _channel(self, name: str) -> NotificationChannel | None:
        body = None if name == KUBERNETES_EVENTS else self._known.get(("", name))
        return NotificationChannel.model_validate(body) if body else None


def type_of(channel: NotificationChannel | None, name: str) -> str:
    """Return the type of a channel for metrics: names are people's, and there may be any number of them."""
    if channel is None:
        return name if name == KUBERNETES_EVENTS else "missing"
    return channel.spec.channel_type or "missing"
