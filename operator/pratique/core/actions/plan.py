"""Decides what the status of an Action says: sound, or what is wrong and how to mend it. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action import Action, ActionStatus
from pratique.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason
from pratique.api.v1alpha1.meta import amend
from pratique.core.kernel.conditions import ready_or_stalled, set_condition
from pratique.core.kernel.effects import CheckAction, Failure, InspectAction, Inspection, Outcomes, Plan
from pratique.core.kernel.text import clean, nearest
from pratique.core.telling.wording import approval_phrase

CHECK = "check"
INSPECT = "inspect"
_FIRST_LOOK_AGAIN, _LAST_LOOK_AGAIN = timedelta(seconds=5), timedelta(minutes=1)


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
    inspect = InspectAction(INSPECT, action)
    looked = inspect.outcome(snapshot.outcomes)
    if looked is None:
        return Plan(status, effects=(inspect,))
    if isinstance(looked, Failure) and looked.transient:
        return Plan(status, retry=True)
    cluster = Inspection() if isinstance(looked, Failure) else looked
    check = CheckAction(CHECK, action, cluster.schemas)
    found = check.outcome(snapshot.outcomes)
    if found is None:
        return Plan(status, effects=(check,))
    problems = [found.message] if isinstance(found, Failure) else list(found)
    problems += cluster.problems
    problems += _unknown_channels(action, snapshot.channels) or _unreached(action, snapshot.reaching)
    text = clean("; ".join(problems), 2048) if problems else f"Checked: ready to be used{_noted(action)}"
    holds = ConditionStatus.FALSE if problems else ConditionStatus.TRUE
    reason = Reason.INVALID if problems else Reason.VALID
    conditions = set_condition(list(status.conditions), ConditionType.ACCEPTED, holds, reason, text, now, generation)
    conditions = ready_or_stalled(conditions, holds, reason, text, now, generation)
    wake_at = _look_again_at(conditions, now) if cluster.problems else None
    approval = approval_phrase(action)
    status = amend(status, conditions=conditions, observed_generation=generation, approval=approval)
    return Plan(status, wake_at=wake_at)


def _look_again_at(conditions: list[Condition], now: datetime) -> datetime:
    """Return when to look whether the cluster has by now what it lacked: soon, and ever more seldom."""
    since = max((each.last_transition_time for each in conditions if each.type == ConditionType.READY), default=now)
    return now + min(max(now - since, _FIRST_LOOK_AGAIN), _LAST_LOOK_AGAIN)


def _noted(action: Action) -> str:
    """Return what a sound Action had better know: user names are compared letter by letter, and mail addresses are not."""
    users = [user for stage in action.spec.approval.stages for user in stage.approvers.users]
    large = [user for user in users if "@" in user and user != user.lower()]
    if not large:
        return ""
    text = "who signs in under another letter case cannot decide: write the user name as the API server has it"
    return f"; note: {', '.join(large)} has capital letters, and {text} (kubectl auth whoami)"


def _unknown_channels(action: Action, known: Collection[str]) -> list[str]:
    named = {name for rule in action.spec.notifications for name in rule.channels}
    return [
        f"spec.notifications: there is no NotificationChannel named {name}; {_remedy(name, known)}"
        for name in sorted(named - set(known))
    ]


def _remedy(name: str, known: Collection[str]) -> str:
    meant = nearest(name, known)
    return f"did you mean {meant}?" if meant else "create it or leave it out"


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
