"""Looks at the object that a request acts on, before it is judged, and says what is in the way of that.

Pure; called by `plan` and `answer`.
"""

from datetime import datetime

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus
from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.meta import amend
from pratique.core.execution.patience import POLL, allowed, mark
from pratique.core.execution.targets import Found, Unfit, find_target
from pratique.core.kernel.effects import Failure, LookAtTarget, Outcomes, Plan
from pratique.core.runs import transitions


def aim(run: ActionRun, action: Action, outcomes: Outcomes, now: datetime) -> Found | Plan[ActionRunStatus] | str:
    """Return the target of a request, the plan that must come first, or the sentence that it ends with."""
    found = find_target(run, action, outcomes)
    match found:
        case LookAtTarget():
            return Plan(run.status, effects=(found,))
        case Failure():
            text = f"The object that it acts on could not be looked at: {found.message}"
            return Plan(transitions.hold(run, Reason.RETRYING, text, now), retry=True)
        case Unfit():
            return _wait(run, found, now)
        case _:
            return found


def _wait(run: ActionRun, unfit: Unfit, now: datetime) -> Plan[ActionRunStatus] | str:
    """Wait a moment where the account lacks a right, or the cluster a kind, that may be on its way."""
    limit = allowed([unfit.failure], approved=False) if unfit.failure is not None else None
    lacks = mark(run.status, "", limit, now)
    if lacks is None:
        return unfit.why
    status = transitions.hold(run, Reason.RETRYING, f"{unfit.why}; it is tried again, as this may pass", now)
    return Plan(amend(status, held_up=lacks), wake_at=now + POLL)
