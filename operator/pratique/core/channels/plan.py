"""Decides what the status of a NotificationChannel says, and whether a test message is to be sent. Pure.

Whether it can work is asked of the edge at every look (Secrets are not watched); whether it does, its traffic tells.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pratique.api.v1alpha1.common import ConditionStatus, EventType
from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.notification_channel import NotificationChannel, NotificationChannelStatus
from pratique.core.kernel.conditions import ready_or_stalled
from pratique.core.kernel.effects import CheckChannel, Deliveries, Outcome, Outcomes, Plan, Unready
from pratique.core.kernel.text import clean, fit
from pratique.core.telling import outbox as notification
from pratique.core.telling.addressing import addressed
from pratique.core.telling.concerned import by_channel
from pratique.core.telling.quiet import zone_of
from pratique.core.telling.reach import reach_of
from pratique.core.telling.recipients import Routing
from pratique.core.telling.traffic import Traffic

CHECK = "check"
SEND_TEST = "pratique.dev/send-test"
"""Annotation: a new value sends a test message; where the channel reaches people, the value is the user to send it to."""
_MAX_VALUE = 256
_LOOK_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True)
class ChannelSnapshot:
    """A NotificationChannel, what went through it lately, and how many messages wait for it."""

    channel: NotificationChannel
    outcomes: Outcomes = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=dict)
    routing: Routing = field(default_factory=Routing)
    directory_problem: str | None = None
    traffic: Traffic = field(default_factory=Traffic)
    waiting: int = 0


def plan_channel(snapshot: ChannelSnapshot, now: datetime) -> Plan[NotificationChannelStatus]:
    """Check a channel, say how it goes, and record the test message that somebody asks for."""
    channel, before = snapshot.channel, snapshot.channel.status
    outcome = snapshot.outcomes.get(CHECK)
    if outcome is None:
        return Plan(before, effects=(CheckChannel(CHECK, channel),))
    reason, problem = _problem(snapshot, _unready(outcome))
    text = clean(problem or "Settings and Secrets were found", 2048)
    ready = ConditionStatus.FALSE if problem else ConditionStatus.TRUE
    generation = channel.metadata.generation
    status = before.model_copy(
        update={
            "conditions": ready_or_stalled(list(before.conditions), ready, reason, text, now, generation),
            "observed_generation": generation,
            **_traffic(snapshot),
            "notifications": notification.settle(list(before.notifications), snapshot.deliveries, now),
        }
    )
    status = _tested(snapshot, status, now)
    due = notification.next_due(status.notifications, now)
    wakes = [when for when in (due, now + _LOOK_AGAIN if problem else None) if when is not None]
    return Plan(status, wake_at=min(wakes, default=None))


def _unready(outcome: Outcome) -> Unready | None:
    if outcome.failure is not None:
        return Unready(outcome.failure.message)
    unready: Unready | None = outcome.value
    return unready


def _problem(snapshot: ChannelSnapshot, unready: Unready | None) -> tuple[Reason, str | None]:
    """Return what keeps the channel from working, and what that is called; the first that has to be mended."""
    spec, traffic = snapshot.channel.spec, snapshot.traffic
    if unready:
        return unready.reason, unready.message
    if spec.quiet_hours is not None and zone_of(spec.quiet_hours) is None:
        name = clean(spec.quiet_hours.time_zone, 64)
        text = f"spec.quietHours.timeZone: there is no time zone {name}; a name is one such as Europe/Berlin, or UTC"
        return Reason.INVALID, f"{text}. Messages are sent at all hours meanwhile"
    if snapshot.directory_problem is not None and reach_of(spec) is not None:
        return Reason.INVALID, snapshot.directory_problem
    if traffic.failing:
        return (
            Reason.DELIVERY_FAILED,
            f"Messages do not arrive: {traffic.last_failure}; they wait, and it is tried again",
        )
    return Reason.CONFIGURED, None


def _traffic(snapshot: ChannelSnapshot) -> dict[str, object]:
    """Return what is known of its traffic; a process that knows nothing yet leaves what another has written."""
    traffic, before = snapshot.traffic, snapshot.channel.status
    return {
        "last_success_at": _latest(traffic.last_success_at, before.last_success_at),
        "last_failure_at": _latest(traffic.last_failure_at, before.last_failure_at),
        "last_failure": fit(clean(traffic.last_failure, 512), 512) or before.last_failure,
        "waiting": snapshot.waiting,
    }


def _latest(known: datetime | None, stored: datetime | None) -> datetime | None:
    return stored if known is None else known.replace(microsecond=0)


def _tested(snapshot: ChannelSnapshot, status: NotificationChannelStatus, now: datetime) -> NotificationChannelStatus:
    """Record a test message if the annotation has another value than the one that was last acted on."""
    channel = snapshot.channel
    value = fit(clean(channel.metadata.annotations.get(SEND_TEST, ""), _MAX_VALUE), _MAX_VALUE)
    outbox = list(status.notifications)
    if value and value != status.tested:
        concerned = by_channel(channel, value)
        text = f"This is a test of the channel {channel.metadata.name}, asked for with {SEND_TEST}: {value}"
        outbox = notification.record(
            outbox, EventType.TEST, now, text, list(concerned.rules), key=notification.short(value)
        )
        status = status.model_copy(update={"tested": value})
    else:
        concerned = by_channel(channel, "")
    outbox = addressed(list(channel.status.notifications), outbox, concerned, snapshot.routing, now)
    return status.model_copy(update={"notifications": outbox})
