"""A ground for starting: no gate applies. Proven by the Action, which must make the same plan again. Pure."""

from datetime import datetime

from pratique.core.execution.dry_run import without_results
from pratique.core.gates.port import Answer, Fresh, Granted, Ground, Question, Unsure, Warrant, not_proven
from pratique.core.kernel.effects import EvaluateRun, Failure
from pratique.core.plans.document import is_same

EVALUATE = "evaluate"
_WHY = "No approval is needed"


def _enter(question: Question, fresh: Fresh, now: datetime) -> Answer | None:
    return None if fresh.plan.stages else Granted(Warrant(fresh.plan, _WHY))


def _prove(question: Question, now: datetime) -> Answer | None:
    """Show that what is under way is its Action's and would need no gate."""
    plan = question.document.plan if question.document is not None else None
    if plan is None or plan.stages:
        return None
    action = question.action
    changed = f"the Action {plan.action.name} changed since, so its plan cannot be made again and compared"
    if action is None:
        return not_proven(changed)
    evaluate = EvaluateRun(EVALUATE, action, question.run)
    evaluation = evaluate.outcome(question.outcomes)
    if evaluation is None:
        return Unsure(effects=(evaluate,))
    if isinstance(evaluation, Failure):
        return Unsure(why=f"It is looked at again whether this may go on: {evaluation.message}")
    if (action.metadata.uid, action.metadata.generation) != (plan.action.uid, plan.action.generation):
        return not_proven(changed)
    if evaluation.plan is None:
        return not_proven("its Action refuses it")
    if not is_same(without_results(plan), evaluation.plan):
        return not_proven("its plan is not what its Action makes of it")
    return Granted(Warrant(plan, _WHY))


GROUND = Ground(enter=_enter, prove=_prove)
