"""Decides what the status of an Action says: sound, or what is wrong and how to mend it. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from pratique.api.v1alpha1.action import Action, ActionStatus
from pratique.api.v1alpha1.common import Condition, ConditionStatus
from pratique.api.v1alpha1.conditions import ConditionType, Reason
from pratique.core.conditions import ready_or_stalled, set_condition
from pratique.core.effects import CheckAction, Outcomes, Plan
from pratique.core.text import clean
from pratique.core.wording import approval_phrase

CHECK = "check"


@dataclass(frozen=True)
class ActionSnapshot:
    """An Action, the names of the channels that exist, and of those of them that reach people."""

    action: Action
    channels: Collection[str] = ()
    reaching: Collection[str] = ()
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
    problems += _unknown_channels(action, snapshot.channels) or _unreached(action, snapshot.reaching)
    text = clean("; ".join(problems), 2048) if problems else "Checked: ready to be used"
    holds = ConditionStatus.FALSE if problems else ConditionStatus.TRUE
    reason = Reason.INVALID if problems else Reason.VALID
    conditions = set_condition(list(status.conditions), ConditionType.ACCEPTED, holds, reason, text, now, generation)
    conditions = ready_or_stalled(conditions, holds, reason, text, now, generation)
    update = {"conditions": conditions, "observed_generation": generation, "approval": approval_phrase(action)}
    return Plan(status.model_copy(update=update))


def _unknown_channels(action: Action, known: Collection[str]) -> list[str]:
    named = {name for rule in action.spec.notifications for name in rule.channels}
    return [
        f"spec.notifications: there is no NotificationChannel named {name}; create it or leave it out"
        for name in sorted(named - set(known))
    ]


def _unreached(action: Action, reaching: Collection[str]) -> list[str]:
    """Say of a rule that names people that none of its channels reaches any."""
    return [
        f"spec.notifications[{index}]: names people ({', '.join(fields)}), and none of its channels reaches people: that"
        " is for e-mail and for Slack with a bot; leave it out, or name such a channel"
        for index, rule in enumerate(action.spec.notifications)
        if (fields := [name for name, value in (("to", rule.to), ("people", rule.people)) if value])
        and not set(rule.channels) & set(reaching)
    ]


def _ready(conditions: list[Condition]) -> bool:
    return any(each.type == ConditionType.READY and each.status is ConditionStatus.TRUE for each in conditions)
