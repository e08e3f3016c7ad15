"""Decides what the status of a Delegation says: whether gates that open now take it in. Pure.

Nothing follows from it: whoever opens a gate finds out anew (`away`). It is there for its owner, who must learn that a time
without a guard has made it nobody's word.
"""

from dataclasses import dataclass, field
from datetime import datetime

from pratique.api.v1alpha1.conditions import ConditionStatus, Reason
from pratique.api.v1alpha1.delegation import Delegation, DelegationStatus
from pratique.api.v1alpha1.meta import amend
from pratique.core.gates.guarded import is_guarded_since, verify_guard
from pratique.core.kernel.conditions import ready_or_stalled
from pratique.core.kernel.effects import Outcomes, Plan
from pratique.core.telling.wording import moment

_AGAIN = (
    "It was made before the API server guarded as it does now, so nobody knows by whom: delete it, and make it again"
)


@dataclass(frozen=True)
class DelegationSnapshot:
    """A Delegation, and what was done so far."""

    delegation: Delegation
    outcomes: Outcomes = field(default_factory=dict)


def plan_delegation(snapshot: DelegationSnapshot, now: datetime) -> Plan[DelegationStatus]:
    """Say whether it holds, and look again when that changes."""
    delegation, status = snapshot.delegation, snapshot.delegation.status
    spec = delegation.spec
    if spec.until <= now:
        text = f"Over since {moment(spec.until)}: delete it. Gates that were open before keep their stand-ins"
        return Plan(_said(delegation, ConditionStatus.FALSE, Reason.OVER, text, now))
    unsure = verify_guard(snapshot.outcomes)
    if unsure is not None:
        return unsure.as_plan(status)
    if not is_guarded_since(snapshot.outcomes, delegation.metadata.creation_timestamp):
        return Plan(_said(delegation, ConditionStatus.FALSE, Reason.NOT_GUARDED, _AGAIN, now), wake_at=spec.until)
    begin = f"from {moment(spec.not_before)} " if spec.not_before is not None else ""
    text = f"{spec.to} decides {begin}until {moment(spec.until)}, in gates that open and take stand-ins"
    return Plan(_said(delegation, ConditionStatus.TRUE, Reason.HONOURED, text, now), wake_at=spec.until)


def _said(delegation: Delegation, ready: ConditionStatus, reason: Reason, text: str, now: datetime) -> DelegationStatus:
    generation = delegation.metadata.generation
    conditions = ready_or_stalled(list(delegation.status.conditions), ready, reason, text, now, generation)
    return amend(delegation.status, conditions=conditions, observed_generation=generation)
