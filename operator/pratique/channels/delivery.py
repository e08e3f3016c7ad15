"""Delivers one message through one channel and says what became of it. Never raises for what a receiver does.

Must not decide whether and when a message is told (`core.telling.outbox` does), nor know Kubernetes: Secrets are read and
Events are posted by what it is given. URLs are secrets (a Slack webhook's is its password): no result ever holds one.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

from pratique.api.v1alpha1.notification_channel import ONE_TYPE, NotificationChannel, NotificationChannelSpec
from pratique.api.v1alpha1.notifications import KUBERNETES_EVENTS, Notification
from pratique.channels import kubernetes_events
from pratique.channels import teams as msteams
from pratique.channels.apprise import channel as apprise
from pratique.channels.cloudevents import channel as webhook
from pratique.channels.email import channel as mail
from pratique.channels.kit import posting
from pratique.channels.kit.egress import Egress
from pratique.channels.kit.settings import Means, NotReadyError, ReadSecret, Send, Vault
from pratique.channels.slack import channel as slack
from pratique.core.kernel.effects import Delivery, Failure, Unready
from pratique.core.kernel.text import nearest
from pratique.core.telling.egress import AllowedEgress
from pratique.core.telling.messages import Message

PostEvent = Callable[[dict[str, Any]], Awaitable[Failure | None]]
"""Create an Event; None if that worked."""
Connect = Callable[[Any, Vault, Means], Awaitable[Send]]
"""Read what a channel needs, or raise NotReadyError; nothing is sent before what is returned is called."""
TYPES: dict[str, Connect] = {
    "slack": slack.connect,
    "msteams": msteams.connect,
    "webhook": webhook.connect,
    "apprise": apprise.connect,
    "email": mail.connect,
}
"""One row per type of channel, by its field in the spec."""


class Channels:
    """All ways to tell somebody. Close it when done."""

    def __init__(
        self,
        read_secret: ReadSecret,
        post_event: PostEvent,
        read_annotation: ReadSecret,
        *,
        namespace: str = "pratique-system",
        instance: str = kubernetes_events.CONTROLLER,
        timeout: float = posting.TIMEOUT_SECONDS,
        allowed: AllowedEgress = AllowedEgress(),  # noqa: B008 - it is frozen
    ) -> None:
        self._post_event, self._instance = post_event, instance
        self._vault = Vault(read_secret, read_annotation, namespace)
        egress = Egress(allowed)
        self._means = Means(posting.Poster(egress, timeout), apprise.processes(timeout), egress)

    async def close(self) -> None:
        """End the processes that were started, and start no further one."""
        await self._means.library.close()

    async def deliver(
        self, channel: NotificationChannel | None, entry: Notification, message: Message, known: Iterable[str] = ()
    ) -> Delivery:
        """Deliver a message once. Without its channel, `known` are those that there are: one may have been meant."""
        if entry.channel == KUBERNETES_EVENTS:
            manifest = kubernetes_events.event_manifest(message, self._instance)
            return kubernetes_events.judge(await self._post_event(manifest))
        if channel is None:
            meant = nearest(entry.channel, known)
            hint = f"; did you mean {meant}?" if meant else ""
            return Delivery(sent=False, error=f"NotificationChannel {entry.channel} does not exist{hint}")
        return await self._to_receiver(channel.spec, message)

    async def check(self, spec: NotificationChannelSpec) -> Unready | None:
        """Return what keeps a channel from working, or None. Nothing is sent, and nobody is connected to."""
        try:
            await self._connect(spec, replace(self._means, looking=True))
        except NotReadyError as error:
            return Unready(str(error), error.reason)
        return None

    async def _to_receiver(self, spec: NotificationChannelSpec, message: Message) -> Delivery:
        try:
            send = await self._connect(spec, self._means)
        except NotReadyError as error:
            return Delivery(sent=False, error=str(error))
        return await send(message)

    async def _connect(self, spec: NotificationChannelSpec, means: Means) -> Send:
        name = spec.channel_type
        if name is None:
            raise NotReadyError(ONE_TYPE)
        return await TYPES[name](getattr(spec, name), self._vault, means)
