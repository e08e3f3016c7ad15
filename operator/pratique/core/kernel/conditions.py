"""Decides how `status.conditions` changes: what moves `lastTransitionTime`, and which kstatus conditions are present.

It must not decide what is true: the planners do, and call this with the answer and the sentence. Types and reasons are
listed in `pratique.api.v1alpha1.conditions`.
"""

from datetime import datetime

from pratique.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType
from pratique.core.kernel.text import clean

MESSAGE_LIMIT = 2048
"""What the CRD takes: one over-long answer must not make the whole status write fail."""


def find_condition(conditions: list[Condition], kind: str) -> Condition | None:
    """Return the condition of this type, if there is one."""
    return next((condition for condition in conditions if condition.type == kind), None)


def set_condition(
    existing: list[Condition],
    kind: str,
    status: ConditionStatus,
    reason: str,
    message: str,
    now: datetime,
    generation: int,
) -> list[Condition]:
    """Return `existing` with one condition set, sorted by type. `lastTransitionTime` moves only when `status` does."""
    before = find_condition(existing, kind)
    since = before.last_transition_time if before is not None and before.status is status else now
    condition = Condition(
        type=str(kind),
        status=status,
        reason=str(reason),
        message=clean(message, MESSAGE_LIMIT),
        last_transition_time=since,
        observed_generation=generation,
    )
    return sorted([*drop_condition(existing, kind), condition], key=lambda each: each.type)


def drop_condition(existing: list[Condition], kind: str) -> list[Condition]:
    """Return `existing` without the condition of this type."""
    return [condition for condition in existing if condition.type != kind]


def set_kstatus(
    conditions: list[Condition],
    *,
    ready: ConditionStatus,
    reconciling: bool,
    stalled: bool,
    reason: str,
    message: str,
    now: datetime,
    generation: int,
) -> list[Condition]:
    """Return `conditions` with Ready set, and Reconciling and Stalled present exactly when they hold.

    Those two are abnormal-true, as kstatus has it: absent means all is well, so neither is ever shown as False.
    """
    result = set_condition(conditions, ConditionType.READY, ready, reason, message, now, generation)
    for kind, holds in ((ConditionType.RECONCILING, reconciling), (ConditionType.STALLED, stalled)):
        if holds:
            result = set_condition(result, kind, ConditionStatus.TRUE, reason, message, now, generation)
        else:
            result = drop_condition(result, kind)
    return result


def ready_or_stalled(
    conditions: list[Condition], ready: ConditionStatus, reason: str, text: str, now: datetime, generation: int
) -> list[Condition]:
    """Return `conditions` of what is either sound or waits for somebody to mend it."""
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
