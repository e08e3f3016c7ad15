"""Judges a request: by the Action in the sandbox, once the objects are known in which its approvers are found.

Which objects these are, only the Action's expressions say; so it is judged once to hear of them, and once with them. Pure;
called by `plan` and `answer`.
"""

from datetime import datetime

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus
from pratique.api.v1alpha1.conditions import Reason
from pratique.core.execution.patience import allowed
from pratique.core.execution.sources import look_at_sources
from pratique.core.execution.targets import Found, Unfit
from pratique.core.gates.free import EVALUATE
from pratique.core.kernel.effects import EvaluateRun, Evaluation, Failure, Outcomes, Plan
from pratique.core.runs import transitions
from pratique.core.runs.judged import wait_for_lacking

EVALUATE_FOUND = "evaluate-found"


def judge_run(
    run: ActionRun, action: Action, target: Found, outcomes: Outcomes, now: datetime, kept: str = ""
) -> Evaluation | Failure | Plan[ActionRunStatus] | str:
    """Return what becomes of a request, the plan that must come first, or the sentence that it ends with."""
    first = EvaluateRun(EVALUATE, action, run, target.live, target.listed, kept)
    evaluation = first.outcome(outcomes)
    if evaluation is None:
        return Plan(run.status, effects=(first,))
    if isinstance(evaluation, Failure) or not evaluation.wanted:
        return evaluation
    found = look_at_sources(run, action.spec.execution.service_account_ref, evaluation.wanted, outcomes)
    match found:
        case tuple():
            return Plan(run.status, effects=found)
        case Failure():
            text = f"It could not be looked up who may approve: {found.message}"
            return Plan(transitions.hold(run, Reason.RETRYING, text, now), retry=True)
        case Unfit():
            limit = allowed([found.failure], approved=False) if found.failure is not None else None
            return wait_for_lacking(run, found.why, limit, now)
    again = EvaluateRun(EVALUATE_FOUND, action, run, target.live, target.listed, kept, found)
    judged = again.outcome(outcomes)
    return Plan(run.status, effects=(again,)) if judged is None else judged
