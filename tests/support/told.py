"""The seed story's objects and messages, as the notification tests tell them."""

from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.approval import Approval, ApprovalPlan
from pratique.api.v1alpha1.common import EventType, Notification
from pratique.api.v1alpha1.environment import Environment
from pratique.core.messages import Message, compose_approval, compose_environment, compose_run
from tests.support.builders import NOW, approval, counted, environment, gate, run, run_plan, stage

WHY = "Ten days is beyond the free limit of five"
REASON = "Load test of the new checkout, needs a full week"
SUMMARY = ["create Environment team-a/load-test", "create ConfigMap team-a/load-test-notes"]


def entry(event: EventType, channel: str = "chat", message: str = "What happened.") -> Notification:
    return Notification(id=f"{event}/{channel}", event=event, channel=channel, at=NOW, message=message)


def held_run(**spec: object) -> ActionRun:
    """Return the run that asks for ten days, held at its gate."""
    plan = run_plan(gate=stage(message=WHY)).model_copy(update={"summary": SUMMARY})
    named = plan.action.model_copy(update={"title": "Create an environment"})
    return run(spec={"reason": REASON, **spec}, plan=plan.model_copy(update={"action": named}))


def its_gate(**status: object) -> Approval:
    """Return the Approval of that run."""
    told = {"title": "Create an environment", "message": WHY, "reason": REASON}
    spec = gate().model_copy(update={**told, "plan": ApprovalPlan(digest="sha256:0", summary=SUMMARY)})
    return approval(spec, name="ten-days-platform-7d9f", **status)


def requested() -> Message:
    text = f"Waiting for 1 of group platform-leads until 2026-11-24 14:00 UTC: {WHY}"
    return compose_run(held_run(), its_gate(), entry(EventType.APPROVAL_REQUESTED, message=text))


def declined() -> Message:
    decisions = [counted("lead-1@example.com", "Decline", "Use the shared stage")]
    text = "Declined by lead-1@example.com: Use the shared stage"
    return compose_run(
        held_run(), its_gate(state="Declined", decisions=decisions), entry(EventType.DECLINED, message=text)
    )


def expiring() -> Message:
    return compose_environment(ending(), entry(EventType.ENVIRONMENT_EXPIRING, message="env-demo ends in 10 minutes"))


def withdrawn() -> Message:
    text = "The request of developer@example.com was deleted"
    return compose_approval(its_gate(state="Withdrawn"), entry(EventType.WITHDRAWN, message=text))


def ending() -> Environment:
    return environment(spec={"requestedBy": "developer@example.com"}, namespace="env-demo", expires_at=NOW)
