"""Decides what the status of an Action and of a NotificationChannel says: sound, or what is wrong and how to mend it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action import Action, ActionStatus
from pratique.api.v1alpha1.common import Condition, ConditionStatus
from pratique.api.v1alpha1.conditions import ConditionType, Reason
from pratique.api.v1alpha1.notification_channel import NotificationChannel, NotificationChannelStatus
from pratique.core.conditions import set_condition, set_kstatus
from pratique.core.effects import CheckAction, CheckChannel, Outcomes, Plan
from pratique.core.text import clean
from pratique.core.wording import approval_phrase

CHECK = "check"
_LOOK_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True)
class ActionSnapshot:
    """An Action, and the names of the channels that exist."""

    action: Action
    channels: Collection[str] = ()
    outcomes: Outcomes = field(default_factory=dict)


@dataclass(frozen=True)
class ChannelSnapshot:
    """A NotificationChannel."""

    channel: NotificationChannel
    outcomes: Outcomes = field(default_factory=dict)


def plan_action(snapshot: ActionSnapshot, now: datetime) -> Plan[ActionStatus]:
    """Check an Action once per generation, and again while something is wrong with it."""
    action, status = snapshot.action, snapshot.action.status
    generation = action.metadata.generation
    if status.observed_generation == generation and _ready(status.conditions):
        return Plan(status)
    outcome = snapshot.outcomes.get(CHECK)
    if outcome is None:
        return Plan(status, effects=(CheckAction(CHECK, action),))
    problems = [outcome.failure.message] if outcome.failure is not None else list(outcome.value)
    problems += _unknown_channels(action, snapshot.channels)
    text = clean("; ".join(problems), 2048) if problems else "Checked: ready to be used"
    holds = ConditionStatus.FALSE if problems else ConditionStatus.TRUE
    reason = Reason.INVALID if problems else Reason.VALID
    conditions = set_condition(list(status.conditions), ConditionType.ACCEPTED, holds, reason, text, now, generation)
    conditions = _kstatus(conditions, holds, reason, text, now, generation)
    update = {"conditions": conditions, "observed_generation": generation, "approval": approval_phrase(action)}
    return Plan(status.model_copy(update=update))


def _unknown_channels(action: Action, known: Collection[str]) -> list[str]:
    named = {name for rule in action.spec.notifications for name in rule.channels}
    return [
        f"spec.notifications: there is no NotificationChannel named {name}; create it or leave it out"
        for name in sorted(named - set(known))
    ]


def plan_channel(snapshot: ChannelSnapshot, now: datetime) -> Plan[NotificationChannelStatus]:
    """Check a channel at every look; one that is not ready is looked at again, since Secrets are not watched."""
    channel, status = snapshot.channel, snapshot.channel.status
    outcome = snapshot.outcomes.get(CHECK)
    if outcome is None:
        return Plan(status, effects=(CheckChannel(CHECK, channel),))
    problem = outcome.failure.message if outcome.failure is not None else outcome.value
    text = clean(problem or "Settings and Secrets were found", 2048)
    holds = ConditionStatus.FALSE if problem else ConditionStatus.TRUE
    reason = Reason.SECRET_NOT_FOUND if problem else Reason.CONFIGURED
    generation = channel.metadata.generation
    conditions = _kstatus(list(status.conditions), holds, reason, text, now, generation)
    update = {"conditions": conditions, "observed_generation": generation}
    return Plan(status.model_copy(update=update), wake_at=now + _LOOK_AGAIN if problem else None)


def _ready(conditions: list[Condition]) -> bool:
    return any(each.type == ConditionType.READY and each.status is ConditionStatus.TRUE for each in conditions)


def _kstatus(
    conditions: list[Condition], ready: ConditionStatus, reason: Reason, text: str, now: datetime, generation: int
) -> list[Condition]:
    return set_kstatus(
        conditions,
        ready=ready,
        reconciling=False,
        stalled=ready is ConditionStatus.FALSE,
        reason=reason,
        message=text,
        now=now,
        generation=generation,
    )
