"""Builds the Approval of a run, with all that is frozen in it, and says whether one that is there is the same. Pure.

Must not decide what becomes of it (`plan` does). Called by `granted`, which opens it.
"""

from datetime import datetime

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalPlan, ApprovalSpec, GatePolicy, Subject
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.stages import Stage
from pratique.core.environments.ttl import expires_at
from pratique.core.gates.entries import approval_name
from pratique.core.kernel.effects import Json
from pratique.core.kernel.text import clean
from pratique.core.plans.document import Document, document, is_plan_of
from pratique.core.plans.objects import RUN_UID_LABEL
from pratique.core.telling.shown_inputs import asked_inputs


def policy_of(stage: Stage, deadline: datetime) -> GatePolicy:
    """Return the rule of a stage, as it is frozen in its gate."""
    return GatePolicy(
        approvers=stage.approvers,
        required=stage.required,
        decline_threshold=stage.decline_threshold,
        comment=stage.comment,
        deadline=deadline,
    )


def open_gate(
    run: ActionRun, plan: RunPlan, stage: Stage, now: datetime, round_: int = 1, action: Action | None = None
) -> Json:
    """Return the Approval that holds this run, to be created; its deadline starts to run now.

    The Action is the one that the plan was made from: its form says how the inputs are shown.
    A clock of ours that is behind the API server's must not make it shorter: a run is never held before it was asked.
    """
    form = action.spec.inputs.schema_ if action is not None else {}
    written = document(plan)
    opened = max(now, run.metadata.creation_timestamp)
    spec = ApprovalSpec(
        subject=Subject(kind="ActionRun", name=run.metadata.name, uid=run.metadata.uid),
        stage=stage.name,
        action=plan.action.name,
        title=plan.action.title,
        message=clean(stage.message, 512),
        reason=clean(run.spec.reason, 1024),
        requested_by=run.spec.requested_by or Requester(username="unknown"),
        on_behalf_of=run.spec.on_behalf_of,
        inputs=asked_inputs(form, plan.inputs),
        plan=ApprovalPlan(digest=written.digest, summary=plan.summary, cost=plan.cost, document=written.text),
        policy=policy_of(stage, expires_at(opened, stage.deadline)),
        notifications=plan.notifications,
    )
    labels = {RUN_UID_LABEL: run.metadata.uid}
    metadata = {"name": approval_name(run, stage.name, round_), "namespace": run.metadata.namespace, "labels": labels}
    return {"apiVersion": API_VERSION, "kind": "Approval", "metadata": metadata, "spec": spec.to_wire()}


def find_mismatch(found: Approval, wanted: Approval) -> tuple[Phase, str] | None:
    """Return how a run ends whose gate is not the one to be opened: all of it is compared, but for when it was opened."""
    name, spec, rule = found.metadata.name, found.spec, found.spec.policy
    if spec.subject.uid != wanted.spec.subject.uid:
        return Phase.REFUSED, f"The name {name} is taken by an Approval of another run: choose another name"
    if not is_plan_of(spec.plan, wanted.spec.plan):
        text = "The Action, or what it would do, changed while its gate was being opened"
        return Phase.SUPERSEDED, f"{text}: apply the request again under another name"
    same_time = amend(rule, deadline=wanted.spec.policy.deadline)
    asked = wanted.spec.inputs if spec.inputs is None else spec.inputs  # one opened by the version before has none
    written = amend(wanted.spec.plan, summary=spec.plan.summary, cost=spec.plan.cost)
    as_opened = amend(spec, policy=same_time, decisions={}, inputs=asked, plan=written)
    if as_opened != wanted.spec or rule.deadline > wanted.spec.policy.deadline:
        return Phase.REFUSED, f"The name {name} is taken by an Approval that this run did not open: choose another name"
    return None


def find_difference(document: Document, approval: Approval) -> str | None:
    """Return why an Approval is not the one of this document, or None: digest and rule are both compared."""
    if document.digest != approval.spec.plan.digest:
        return "What was approved is not what would run: the plan does not have the digest that was approved: ask again"
    rule = approval.spec.policy
    stages = (each for each in document.plan.stages if each.name == approval.spec.stage)
    if not any(policy_of(stage, rule.deadline) == rule for stage in stages):
        return "The rule by which it was approved is not the one of its plan: spec.policy of the Approval is another"
    return None
