"""A ground for starting: no gate applies. Proven by the Action, which must make the same plan again. Pure.

An Action that reads its target, or what was chosen, may make another plan once the run has changed that. Then it is the
guard that proves it: the run is younger than the record of what guards, so nobody but the operator has ever written its
status.
"""

from datetime import datetime

from pratique.api.v1alpha1.action_run import RunPlan
from pratique.core.execution.dry_run import without_results
from pratique.core.execution.others import find_others
from pratique.core.execution.targets import Unfit
from pratique.core.gates.guarded import is_guarded_since, verify_guard
from pratique.core.gates.port import Answer, Fresh, Granted, Ground, Question, Unsure, Warrant, not_proven
from pratique.core.kernel.effects import EvaluateRun, Failure
from pratique.core.plans.document import is_same

EVALUATE = "evaluate"
_WHY = "No approval is needed"
_DIFFERS = "its plan is not what its Action makes of it"


def _enter(question: Question, fresh: Fresh, now: datetime) -> Answer | None:
    return None if fresh.plan.stages else Granted(Warrant(fresh.plan, _WHY))


def _prove(question: Question, now: datetime) -> Answer | None:
    """Show that what is under way is its Action's and would need no gate."""
    plan = question.document.plan if question.document is not None else None
    if plan is None or plan.stages:
        return None
    problem = _find_difference(question, plan)
    if isinstance(problem, Unsure):
        return problem
    if problem is not None and plan.rests_on_others:
        unsure = verify_guard(question.outcomes)
        if unsure is not None:
            return unsure
        if is_guarded_since(question.outcomes, question.run.metadata.creation_timestamp):
            problem = None
    return not_proven(problem) if problem is not None else Granted(Warrant(plan, _WHY))


def _find_difference(question: Question, plan: RunPlan) -> str | Unsure | None:
    """Return why the Action would not make this plan again; None if it would."""
    action = question.action
    changed = f"the Action {plan.action.name} changed since, so its plan cannot be made again and compared"
    if action is None:
        return changed
    target = find_others(question.run, action, question.outcomes)
    if isinstance(target, tuple):
        return Unsure(effects=target)
    if isinstance(target, Failure):
        return Unsure(why=f"It is looked at again whether this may go on: {target.message}")
    if isinstance(target, Unfit):
        return target.why
    evaluate = EvaluateRun(EVALUATE, action, question.run, target.live, target.listed)
    evaluation = evaluate.outcome(question.outcomes)
    if evaluation is None:
        return Unsure(effects=(evaluate,))
    if isinstance(evaluation, Failure):
        return Unsure(why=f"It is looked at again whether this may go on: {evaluation.message}")
    if (action.metadata.uid, action.metadata.generation) != (plan.action.uid, plan.action.generation):
        return changed
    if evaluation.wanted:  # a stage applies: whoever is found for it
        return _DIFFERS
    if evaluation.plan is None:
        return "its Action refuses it"
    return None if is_same(without_results(plan), evaluation.plan) else _DIFFERS


GROUND = Ground(enter=_enter, prove=_prove)
