"""Decides whether what was approved may start, and whether what runs was approved. Pure; `status` is never believed.

The verdict is counted again from the decisions, a document is worth what the digest in the Approval's frozen spec says,
and what the plan's dry runs showed is shown again. Called by `plan`.
"""

from datetime import datetime

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, PlannedResource, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.core.environments.ttl import expires_at
from pratique.core.execution.dry_run import Trial, Tried, without_results
from pratique.core.gates.opening import policy_of
from pratique.core.gates.tally import Tally, count
from pratique.core.kernel.effects import Evaluation
from pratique.core.plans.differences import differences
from pratique.core.plans.document import Document, is_same
from pratique.core.plans.summary import name_of
from pratique.core.telling.wording import moment, suspended

MAX_DIFFERENCES = 3


def not_the_gate_of(document: Document, approval: Approval) -> str | None:
    """Return why an Approval is not the one of this document, or None: digest and rule are both compared."""
    if document.digest != approval.spec.plan.digest:
        return "What was approved is not what would run: the plan does not have the digest that was approved: ask again"
    plan, rule = document.plan, approval.spec.policy
    if plan.gate is None or policy_of(plan.gate, rule.deadline) != rule:
        return "The rule by which it was approved is not the one of its plan: spec.policy of the Approval is another"
    return None


def superseded(plan: RunPlan, action: Action | None, approval: Approval, trial: Trial, now: datetime) -> str | None:
    """Return why a granted plan must not start any more, or None. One that began before a crash goes on."""
    if trial.begun:
        return None
    name = plan.action.name
    if action is None:
        return f"The Action {name} was deleted while the request waited"
    if action.metadata.uid != plan.action.uid:
        return f"The Action {name} was deleted and made again while the request waited"
    if action.spec.suspend:
        return suspended(name)
    decisive = count(approval.spec, now).decisive
    last = expires_at(decisive.decided_at, plan.start_deadline) if decisive else now
    if now >= last:
        return f"It was approved, and not started within {plan.start_deadline}, before {moment(last)}: ask again"
    different = [text for planned, tried in trial.tried for text in _differences(planned, tried)]
    if different:
        listed = "; ".join(different[:MAX_DIFFERENCES])
        more = len(different) - MAX_DIFFERENCES
        return f"It would not do any more what was approved: {listed}" + (f"; and {more} more" if more > 0 else "")
    return None


def _differences(planned: PlannedResource, tried: Tried) -> list[str]:
    """Return what a dry run shows now and did not show when it was approved. What could not be tried then, is not news."""
    what = name_of(planned.manifest)
    if tried.problem is not None:
        return [f"{what}: the dry run is refused now: {tried.problem.message}"]
    return differences(planned, what, tried.dry_run)


def is_granted(approval: Approval, now: datetime) -> bool:
    """Return whether the decisions themselves grant it, whatever the status says."""
    return count(approval.spec, now).tally is Tally.APPROVED


def not_approved(run: ActionRun, document: Document, approval: Approval | None, now: datetime) -> str | None:
    """Return why a gated run that is under way was never approved, or None."""
    if approval is None:
        return f"the Approval of {run.metadata.name} is gone"
    if approval.status.state is ApprovalState.SUPERSEDED:
        return f"the Approval of {run.metadata.name} was superseded"
    return not_the_gate_of(document, approval) or (None if is_granted(approval, now) else "nobody has approved it")


def not_free(plan: RunPlan, action: Action | None, evaluation: Evaluation | None) -> str | None:
    """Return why a run without a gate that is under way would need one, or is not its Action's, or None."""
    version = (action.metadata.uid, action.metadata.generation) if action else None
    if version != (plan.action.uid, plan.action.generation):
        return f"the Action {plan.action.name} changed since, so its plan cannot be made again and compared"
    if evaluation is None or evaluation.plan is None:
        return "its Action refuses it"
    return None if is_same(without_results(plan), evaluation.plan) else "its plan is not what its Action makes of it"
