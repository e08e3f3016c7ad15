"""Decides whether what people decided may become final: only if the API server guarded for as long as it was there.

A decision that was forged while a policy was gone looks perfect. So the guard is looked at after the decision was seen: if
nothing was changed until then, nothing was when it was made. What to do about a change, the edge knows (`guarding.guard`):
it stops everything and has such gates superseded. Called by the planner of Approvals and by
the grounds for starting.
"""

from datetime import datetime, timedelta

from pratique.api.v1alpha1.approval import ApprovalState, ApprovalStatus
from pratique.core.gates.port import Unsure
from pratique.core.kernel.effects import Failure, Outcomes, Verified, VerifyGuard

VERIFY = "verify-guard"
_SKEW = timedelta(seconds=10)
"""By how much the clocks of several API servers may differ: one made the record, another the object."""


def ends_now(before: ApprovalStatus, after: ApprovalStatus) -> bool:
    """Whether a plan ends an open gate. That was decided under guard, so the run need not ask again whether it was."""
    return before.state is ApprovalState.PENDING and after.state is not ApprovalState.PENDING


def verify_guard(outcomes: Outcomes) -> Unsure | None:
    """Return what must come first while it is not known that the API server guarded, or None once it is."""
    verify = VerifyGuard(VERIFY)
    verified = verify.outcome(outcomes)
    if verified is None:
        return Unsure(effects=(verify,))
    return None if isinstance(verified, Verified) and verified.gap is None else Unsure(retry=True)


def is_unguarded(outcomes: Outcomes) -> bool:
    """Whether the answer is that the API server does not guard, and not only that there is none."""
    verified = VerifyGuard(VERIFY).outcome(outcomes)
    return isinstance(verified, Failure) and verified.reason == "NotGuarded"


def is_guarded_since(outcomes: Outcomes, created: datetime) -> bool:
    """Whether the API server has guarded without a gap since before an object was created, once that is verified."""
    verified = VerifyGuard(VERIFY).outcome(outcomes)
    since = verified.since if isinstance(verified, Verified) else None
    return since is not None and since + _SKEW < created
