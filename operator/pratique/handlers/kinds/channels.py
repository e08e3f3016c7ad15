"""NotificationChannels: looked at with what went through them lately."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from pratique.api.v1alpha1 import NotificationChannel
from pratique.api.v1alpha1.conditions import ConditionType, Reason
from pratique.api.v1alpha1.meta import KubeObject
from pratique.api.v1alpha1.notifications import Notification
from pratique.core.channels.plan import ChannelSnapshot, plan_channel
from pratique.core.kernel.effects import Deliveries, Json, Outcomes
from pratique.core.telling.envelope import put_in_envelope
from pratique.core.telling.messages import Message, compose_channel
from pratique.handlers.kinds.base import Key, Kind, Look


@dataclass(frozen=True)
class Channels(Kind):
    """NotificationChannel: checked at every look."""

    plural = "notificationchannels"
    overlooked: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The settings of channels that another shard looks at, by name."""

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look whether its Secrets are there, and how it goes."""
        channel = self.parsed(NotificationChannel, body)
        traffic, waiting = self.routes.traffic(channel.metadata.name)
        problem = self.routes.problem
        known = ChannelSnapshot(channel, outcomes, deliveries, self.routing, problem, traffic, waiting)
        return channel, plan_channel(known, now)

    def message(self, body: Json, entry: Notification) -> Message:
        """Tell that it is a test."""
        channel = self.parsed(NotificationChannel, body)
        return put_in_envelope(entry, (), partial(compose_channel, channel), self.routing)

    def wrote(self, before: KubeObject, body: Json) -> None:
        """What waits for a channel that was changed, or found its Secret, is tried at once."""
        channel = self.parsed(NotificationChannel, body)
        if isinstance(before, NotificationChannel) and _settings(channel) != _settings(before):
            self.routes.retry(channel.metadata.name)

    def overlook(self, body: Json) -> None:
        """What waits here for a channel that was changed or mended is tried at once, whichever shard looks at it."""
        channel = self.parsed(NotificationChannel, body)
        name, settings = channel.metadata.name, _settings(channel)
        if self.overlooked.get(name, settings) != settings:
            self.routes.retry(name)
        self.overlooked[name] = settings

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """Actions that name it may have become sound."""
        return [("actions", *name) for name in self.stores["actions"].names()]


_UNREADY = (Reason.SECRET_NOT_FOUND, Reason.NOT_ALLOWED)


def _settings(channel: NotificationChannel) -> tuple[int, str]:
    """Return what changes when a channel is changed or mended; that it fails is no such change."""
    ready = next((each for each in channel.status.conditions if each.type == ConditionType.READY), None)
    unready = ready.reason if ready is not None and ready.reason in _UNREADY else ""
    return channel.status.observed_generation, unready
