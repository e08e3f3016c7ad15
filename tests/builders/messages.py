"""The seed story's objects and messages, as the notification tests tell them."""

from collections.abc import Callable

from pratique.api.v1alpha1.action_run import ActionRun, RunApproval
from pratique.api.v1alpha1.approval import Approval, ApprovalPlan, AskedInput, Purpose
from pratique.api.v1alpha1.counter_offer import ConsentRule
from pratique.api.v1alpha1.environment import Environment
from pratique.api.v1alpha1.escalation import Added, TakenStep, TimedStep
from pratique.api.v1alpha1.notifications import EventType, Notification
from pratique.core.telling.bundle import bundle
from pratique.core.telling.messages import Message, compose_approval, compose_channel, compose_environment, compose_run
from tests.builders.models import NOW, approval, channel, counted, environment, gate, run, run_plan, stage

WHY = "Ten days is beyond the free limit of five"
OUTAGE = "The checkout is down, nobody answers"
REASON = "Load test of the new checkout, needs a full week"
ASKED = [
    AskedInput(name="name", title="Name", value="load-test"),
    AskedInput(name="ttl", title="Keep it for", value="10d"),
]
SUMMARY = ["create Environment team-a/load-test", "create ConfigMap team-a/load-test-notes"]


def entry(event: EventType, channel: str = "chat", message: str = "What happened.") -> Notification:
    return Notification(id=f"{event}/{channel}", event=event, channel=channel, at=NOW, message=message)


def held_run(**spec: object) -> ActionRun:
    """Return the run that asks for ten days, held at its gate."""
    plan = run_plan(gate=stage(message=WHY), inputs={"name": "load-test", "ttl": "10d"}).model_copy(
        update={"summary": SUMMARY}
    )
    named = plan.action.model_copy(update={"title": "Create an environment"})
    return run(spec={"reason": REASON, **spec}, plan=plan.model_copy(update={"action": named}))


def its_gate(**status: object) -> Approval:
    """Return the Approval of that run."""
    told = {"title": "Create an environment", "message": WHY, "reason": REASON, "inputs": ASKED}
    spec = gate().model_copy(update={**told, "plan": ApprovalPlan(digest="sha256:0", summary=SUMMARY)})
    return approval(spec, name="ten-days-platform-7d9f", **status)


def requested() -> Message:
    text = f"Waiting for 1 of group platform-leads until 2026-11-24 14:00 UTC: {WHY}"
    return compose_run(held_run(), its_gate(), entry(EventType.APPROVAL_REQUESTED, message=text))


def reminded() -> Message:
    text = "Waiting for 1 more of group platform-leads until 2026-11-24 14:00 UTC"
    return compose_approval(its_gate(), entry(EventType.APPROVAL_REMINDER, message=text))


def escalated() -> Message:
    steps = [TimedStep(at=NOW, to=Added(users=["night-1@example.com"], groups=["sre-oncall"]))]
    there = its_gate(escalation=[TakenStep(at=NOW, done_at=NOW)])
    policy = there.spec.policy.model_copy(update={"escalation": steps})
    opened = there.model_copy(update={"spec": there.spec.model_copy(update={"policy": policy})})
    text = (
        "Not decided yet, so since 2026-11-24 12:00 UTC night-1@example.com, group sre-oncall may decide as well."
        " Waiting for 1 more of night-1@example.com, group platform-leads, group sre-oncall until 2026-11-24 14:00 UTC"
    )
    return compose_approval(opened, entry(EventType.APPROVAL_ESCALATED, message=text))


def broken() -> Message:
    gate = RunApproval(
        stage="platform", name="ten-days-platform-7d9f", state="Broken", review="ten-days-platform-7d9f-review"
    )
    held = held_run()
    told = held.model_copy(update={"status": held.status.model_copy(update={"approvals": [gate]})})
    decisions = [counted("oncall@example.com", "BreakGlass", OUTAGE)]
    text = f"oncall@example.com broke the glass: {OUTAGE}"
    return compose_run(told, its_gate(state="Broken", decisions=decisions), entry(EventType.GLASS_BROKEN, message=text))


def offered() -> Message:
    opened = its_gate()
    inputs = [each for each in ASKED if each.name != "ttl"] + [AskedInput(name="ttl", title="How long", value="5d")]
    policy = opened.spec.policy.model_copy(update={"consent": ConsentRule.REQUIRED})
    spec = opened.spec.model_copy(update={"purpose": Purpose.OFFER, "inputs": inputs, "policy": policy})
    text = "lead-1@example.com offers ttl: 5d: five days are free. It starts only if the requester accepts it"
    told = entry(EventType.COUNTER_OFFERED, message=text)
    return compose_run(held_run(), opened.model_copy(update={"spec": spec}), told)


def its_review(event: EventType, text: str, **status: object) -> Callable[[], Message]:
    """Return the teller of an event of the review of that break-glass."""

    def tell() -> Message:
        there = its_gate(**status)
        policy = there.spec.policy.model_copy(update={"deadline": None, "due": NOW})
        said = f"oncall@example.com broke the glass of stage platform at 2026-11-21 12:00 UTC: {OUTAGE}"
        changed = {"purpose": Purpose.REVIEW, "policy": policy, "excluded": ["oncall@example.com"], "message": said}
        spec = there.spec.model_copy(update=changed)
        return compose_approval(there.model_copy(update={"spec": spec}), entry(event, message=f"{text}{said}"))

    return tell


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


def of_run(event: EventType, text: str, **gate: object) -> Callable[[], Message]:
    """Return the teller of an event of that run, with its gate as it is by then."""
    return lambda: compose_run(held_run(), its_gate(**gate), entry(event, message=text))


def of_environment(event: EventType, text: str) -> Callable[[], Message]:
    return lambda: compose_environment(ending(), entry(event, message=text))


def with_outputs(run: ActionRun) -> ActionRun:
    return run.model_copy(update={"status": run.status.model_copy(update={"outputs": {"namespace": "env-demo"}})})


LEAD = counted("lead-1@example.com", "Approve", "Fine for a week")
EVERY_EVENT: dict[EventType, Callable[[], Message]] = {
    EventType.APPROVAL_REQUESTED: requested,
    EventType.APPROVAL_REMINDER: reminded,
    EventType.APPROVAL_ESCALATED: escalated,
    EventType.ASKED: lambda: compose_approval(
        its_gate(), entry(EventType.ASKED, message="lead-1@example.com asks: Why ten days, and not five?")
    ),
    EventType.ANSWERED: lambda: compose_approval(
        its_gate(), entry(EventType.ANSWERED, message="developer@example.com answers: The test runs over a weekend")
    ),
    EventType.APPROVED: of_run(
        EventType.APPROVED, "Approved by lead-1@example.com: Fine for a week", state="Approved", decisions=[LEAD]
    ),
    EventType.GLASS_BROKEN: broken,
    EventType.COUNTER_OFFERED: offered,
    EventType.REVIEW_DUE: its_review(EventType.REVIEW_DUE, "To be signed by one of group platform-leads. "),
    EventType.REVIEW_SIGNED: its_review(
        EventType.REVIEW_SIGNED, "Signed by lead-1@example.com: It was right. ", state="Approved"
    ),
    EventType.REVIEW_OBJECTED: its_review(
        EventType.REVIEW_OBJECTED, "Objected to by lead-1@example.com: I was awake. ", state="Declined"
    ),
    EventType.DECLINED: declined,
    EventType.EXPIRED: of_run(
        EventType.EXPIRED,
        "Nobody decided before 2026-11-24 14:00 UTC: the request expired, it was not declined",
        state="Expired",
    ),
    EventType.WITHDRAWN: withdrawn,
    EventType.SUPERSEDED: of_run(
        EventType.SUPERSEDED, "The Action was changed after it was approved: ask again", state="Approved"
    ),
    EventType.REFUSED: lambda: compose_run(
        held_run(), None, entry(EventType.REFUSED, message="ttl: 30d is not one of 3d, 5d, 10d")
    ),
    EventType.SUCCEEDED: lambda: compose_run(
        with_outputs(held_run()),
        its_gate(state="Approved", decisions=[LEAD]),
        entry(EventType.SUCCEEDED, message="Done: namespace env-demo"),
    ),
    EventType.FAILED: of_run(
        EventType.FAILED, "Environment team-a/load-test was not ready within 15m", state="Approved", decisions=[LEAD]
    ),
    EventType.OBJECT_ENDING: of_run(
        EventType.OBJECT_ENDING, "RoleBinding team-a/look ends at 2026-11-24 12:30 UTC", state="Approved"
    ),
    EventType.OBJECT_ENDED: of_run(EventType.OBJECT_ENDED, "RoleBinding team-a/look is gone", state="Approved"),
    EventType.OBJECT_NOT_ENDED: of_run(
        EventType.OBJECT_NOT_ENDED,
        "RoleBinding team-a/look could not be deleted (as ServiceAccount team-a/access-giver): it may not",
        state="Approved",
    ),
    EventType.STATUS_FORGED: lambda: compose_approval(
        its_gate(), entry(EventType.STATUS_FORGED, message="The status said Approved; no decision says so")
    ),
    EventType.HANDLED: of_run(
        EventType.HANDLED, "Approved by lead-1@example.com: Fine for a week", state="Approved", decisions=[LEAD]
    ),
    EventType.RUNNING: of_run(EventType.RUNNING, "No approval is needed", state="Approved"),
    EventType.NOTIFICATION_FAILED: of_run(
        EventType.NOTIFICATION_FAILED,
        "Approved was given up to developer@example.com through channel mail: 550 mailbox unavailable",
        state="Approved",
    ),
    EventType.TEST: lambda: compose_channel(
        channel(), entry(EventType.TEST, message="This is a test of the channel chat")
    ),
    EventType.DIGEST: lambda: bundle([requested(), declined(), expiring()], NOW),
    EventType.ENVIRONMENT_READY: of_environment(EventType.ENVIRONMENT_READY, "Namespace env-demo is ready"),
    EventType.ENVIRONMENT_EXPIRING: expiring,
    EventType.ENVIRONMENT_PROTECTED: of_environment(
        EventType.ENVIRONMENT_PROTECTED, "Its time was up, but it is protected: env-demo stays"
    ),
    EventType.ENVIRONMENT_EXPIRED: of_environment(EventType.ENVIRONMENT_EXPIRED, "env-demo has ended and is removed"),
    EventType.ENVIRONMENT_GONE: of_environment(EventType.ENVIRONMENT_GONE, "env-demo is gone"),
}
"""How each event is told: channels whose form matters keep a golden file of each."""
