"""Looks at what a request acts on, and at what its form offers, before it is judged; says what is in the way of that.

Pure; called by `plan` and `answer`.
"""

from datetime import datetime

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus
from pratique.api.v1alpha1.conditions import Reason
from pratique.core.execution.others import find_others
from pratique.core.execution.patience import allowed
from pratique.core.execution.targets import Found, Unfit
from pratique.core.kernel.effects import Failure, Outcomes, Plan
from pratique.core.runs import transitions
from pratique.core.runs.judged import wait_for_lacking


def aim(run: ActionRun, action: Action, outcomes: Outcomes, now: datetime) -> Found | Plan[ActionRunStatus] | str:
    """Return the target of a request, the plan that must come first, or the sentence that it ends with."""
    found = find_others(run, action, outcomes)
    match found:
        case tuple():
            return Plan(run.status, effects=found)
        case Failure():
            what = "What its form offers" if action.spec.inputs.offers else "The object that it acts on"
            text = f"{what} could not be looked at: {found.message}"
            return Plan(transitions.hold(run, Reason.RETRYING, text, now), retry=True)
        case Unfit():
            limit = allowed([found.failure], approved=False) if found.failure is not None else None
            return wait_for_lacking(run, found.why, limit, now)
        case _:
            return found
