"""Decides whether what people decided may become final: only if the API server guarded for as long as it was there.

A decision that was forged while a policy was gone looks perfect. So the guard is looked at after the decision was seen: if
nothing was changed until then, nothing was when it was made. What to do about a change, the edge knows (`guarding.guard`):
it stops everything and has such gates superseded. Called by the planners of Approvals and of runs.
"""

from typing import TypeVar

from pratique.api.v1alpha1.approval import ApprovalState, ApprovalStatus
from pratique.core.kernel.effects import Outcomes, Plan, Verified, VerifyGuard

VERIFY = "verify-guard"
Status = TypeVar("Status")


def ends_now(before: ApprovalStatus, after: ApprovalStatus) -> bool:
    """Whether a plan ends an open gate. That was decided under guard, so the run need not ask again whether it was."""
    return before.state is ApprovalState.PENDING and after.state is not ApprovalState.PENDING


def unverified(status: Status, outcomes: Outcomes) -> Plan[Status] | None:
    """Return the plan to go on with while it is not known that the API server guarded, or None once it is."""
    verify = VerifyGuard(VERIFY)
    verified = verify.outcome(outcomes)
    if verified is None:
        return Plan(status, effects=(verify,))
    return None if verified == Verified() else Plan(status, retry=True)
