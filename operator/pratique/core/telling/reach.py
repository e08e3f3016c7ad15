"""Says of a channel how it reaches people, if it does, and how many messages its service is known to take. Pure."""

from pratique.api.v1alpha1.notification_channel import NotificationChannelSpec
from pratique.api.v1alpha1.scalars import duration_of
from pratique.core.telling.directory import Medium, Reach

_CHAT_RATE = (1.0, 1.0)
"""Slack takes one message a second for each channel, and a little more now and then. Teams takes four a second by a URL and
fewer from the Workflow behind it, which answers that it took what it then drops: so it gets one, too."""


def reach_of(spec: NotificationChannelSpec) -> Reach | None:
    """Return how a channel reaches people; None for one that only has a place that it writes to."""
    if spec.email is not None:
        email = spec.email
        return Reach(
            Medium.EMAIL,
            rule=email.address_from or "",
            fixed=tuple(email.to),
            domains=tuple(domain.lower() for domain in email.annotation_domains),
        )
    if spec.slack is not None and spec.slack.bot is not None:
        bot = spec.slack.bot
        return Reach(
            Medium.SLACK, rule=bot.address_from or "", place=bot.channel is not None, annotated=bot.allow_annotation
        )
    return None


def rate_of(spec: NotificationChannelSpec) -> tuple[float, float] | None:
    """Return how many messages go through a channel in how many seconds, at most; None for as many as there are."""
    if spec.rate_limit is not None:
        return float(spec.rate_limit.messages), duration_of(spec.rate_limit.per).total_seconds()
    return _CHAT_RATE if spec.slack is not None or spec.msteams is not None else None
