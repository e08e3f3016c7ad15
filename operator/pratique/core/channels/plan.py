"""Decides what the status of a NotificationChannel says, and whether a test message is to be sent. Pure.

Whether it can work is asked of the edge at every look (Secrets are not watched); whether it does, its traffic tells.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1.conditions import ConditionStatus, Reason
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notification_channel import NotificationChannel, NotificationChannelStatus
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.outbox import short
from pratique.core.kernel.conditions import ready_or_stalled
from pratique.core.kernel.effects import CheckChannel, Checked, Deliveries, Failure, Outcomes, Plan, Unready
from pratique.core.kernel.happened import Happened
from pratique.core.kernel.text import clean, fit
from pratique.core.telling.quiet import zone_of
from pratique.core.telling.reach import reach_of
from pratique.core.telling.recipients import Routing, Stakeholders
from pratique.core.telling.recorder import decide_and_record
from pratique.core.telling.stakeholders import stakeholders_of_channel
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
    """Check a channel, say how it goes, and have the test message sent that somebody asks for."""
    before = snapshot.channel

    def stakeholders(after: NotificationChannelStatus) -> Stakeholders:
        return stakeholders_of_channel(before, after.tested or "" if after.tested != before.status.tested else "")

    return decide_and_record(
        before,
        snapshot.deliveries,
        lambda channel: _decide(replace(snapshot, channel=channel), now),
        stakeholders,
        snapshot.routing,
        now,
    )


def _decide(snapshot: ChannelSnapshot, now: datetime) -> Plan[NotificationChannelStatus]:
    channel, before = snapshot.channel, snapshot.channel.status
    check = CheckChannel(CHECK, channel)
    checked = check.outcome(snapshot.outcomes)
    if checked is None:
        return Plan(before, effects=(check,))
    reason, problem = _problem(snapshot, _unready(checked))
    text = clean(problem or "Settings and Secrets were found", 2048)
    ready = ConditionStatus.FALSE if problem else ConditionStatus.TRUE
    generation = channel.metadata.generation
    status = amend(
        _counted(before, snapshot),
        conditions=ready_or_stalled(list(before.conditions), ready, reason, text, now, generation),
        observed_generation=generation,
    )
    wake_at = now + _LOOK_AGAIN if problem else None
    value = _asked_for(channel)
    if not value or value == status.tested:
        return Plan(status, wake_at=wake_at)
    text = f"This is a test of the channel {channel.metadata.name}, asked for with {SEND_TEST}: {value}"
    test = Happened(text, (EventType.TEST,), key=short(value))
    return Plan(amend(status, tested=value), wake_at=wake_at, happened=(test,))


def _unready(checked: Checked | Failure) -> Unready | None:
    return Unready(checked.message) if isinstance(checked, Failure) else checked.unready


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


def _counted(before: NotificationChannelStatus, snapshot: ChannelSnapshot) -> NotificationChannelStatus:
    """Write what is known of its traffic; a process that knows nothing yet leaves what another has written."""
    traffic = snapshot.traffic
    return amend(
        before,
        last_success_at=_latest(traffic.last_success_at, before.last_success_at),
        last_failure_at=_latest(traffic.last_failure_at, before.last_failure_at),
        last_failure=fit(clean(traffic.last_failure, 512), 512) or before.last_failure,
        waiting=snapshot.waiting,
    )


def _latest(known: datetime | None, stored: datetime | None) -> datetime | None:
    return stored if known is None else known.replace(microsecond=0)


def _asked_for(channel: NotificationChannel) -> str:
    """Return the value of the annotation that asks for a test message; nothing if none is asked for."""
    return fit(clean(channel.metadata.annotations.get(SEND_TEST, ""), _MAX_VALUE), _MAX_VALUE)
