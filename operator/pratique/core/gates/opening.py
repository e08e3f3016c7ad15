"""Builds the Approval of a run: its name, and all that is frozen in it. Pure.

Must not decide what becomes of it (`gate` does). Called by the run's plan, and by whoever looks for a run's gate.
"""

from datetime import datetime

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action import Action, Stage
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.approval import ApprovalPlan, ApprovalSpec, GatePolicy, Subject
from pratique.api.v1alpha1.people import Requester
from pratique.core.environments.ttl import expires_at
from pratique.core.kernel.effects import Json
from pratique.core.kernel.text import clean
from pratique.core.plans.document import document
from pratique.core.plans.objects import RUN_UID_LABEL
from pratique.core.telling.shown_inputs import asked_inputs


def round_of(run: ActionRun) -> int:
    """Return how often the gate of a run was opened, as far as its status tells: that names the Approval to follow."""
    return run.status.approvals[0].round if run.status.approvals else 1


def approval_name(run: ActionRun, stage: str, round_: int = 1) -> str:
    """Return the name of a run's gate: it carries the run's uid, so that a namesake never meets an older gate."""
    again = f"-{round_}" if round_ > 1 else ""
    return f"{run.metadata.name}-{stage}-{run.metadata.uid.replace('-', '')[:10]}{again}"


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
