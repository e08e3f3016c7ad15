"""Turns the ladder of a rule into the moments of a gate, and says which of its steps people have to be told of. Pure.

Whom a step adds may decide from its moment on by the API server's clock, whether anybody looks or not: nothing here grants
or takes a right. What was due while the operator was away is done once, at its next look.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pratique.api.v1alpha1.approval import GatePolicy
from pratique.api.v1alpha1.escalation import TakenStep, TimedStep
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.scalars import duration_of
from pratique.api.v1alpha1.stages import Stage
from pratique.core.environments.ttl import FOREVER

_SHORTEST = timedelta(seconds=1)


def climb(stage: Stage, deadline: datetime) -> list[TimedStep] | None:
    """Return the steps of a gate that ends then: by default one reminder, at half of the time; None if there is none."""
    if deadline >= FOREVER:
        return None
    length = duration_of(stage.deadline)
    opened = deadline - length
    if stage.escalation is None:
        half = timedelta(seconds=length // _SHORTEST // 2)
        return [TimedStep(at=opened + half)] if half else None
    return [TimedStep(at=opened + duration_of(each.after), to=each.to) for each in stage.escalation] or None


def only_rights(policy: GatePolicy) -> GatePolicy:
    """Return a rule without its reminders, from which nothing follows: an earlier version knows none."""
    adding = [step for step in policy.escalation or () if step.to is not None]
    return amend(policy, escalation=adding or None)


def as_if_until(policy: GatePolicy, deadline: datetime) -> GatePolicy:
    """Return the rule as it were, had its gate been opened so much later or earlier that it ends then."""
    later = deadline - policy.until
    steps = [amend(step, at=step.at + later) for step in policy.escalation or ()]
    return amend(policy, deadline=deadline, escalation=steps or None)


def find_due(policy: GatePolicy, taken: Iterable[TakenStep], now: datetime) -> tuple[TimedStep, ...]:
    """Return the steps whose moment has come and that nobody was told of."""
    done = {each.at for each in taken}
    return tuple(step for step in policy.escalation or () if step.at <= now and step.at not in done)


def next_moment(policy: GatePolicy, now: datetime) -> datetime:
    """Return when a gate that is open is looked at again: at its next step, or at its end if that comes before."""
    return min((policy.until, *(step.at for step in policy.escalation or () if step.at > now)))
