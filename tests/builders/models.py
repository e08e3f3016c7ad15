"""Objects for unit tests, whole and valid from the start: a test names only what it is about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import (
    ActionRun,
    ActionRunSpec,
    ActionRunStatus,
    ActionVersion,
    Phase,
    RunApproval,
    RunPlan,
)
from pratique.api.v1alpha1.approval import (
    Approval,
    ApprovalPlan,
    ApprovalSpec,
    ApprovalState,
    ApprovalStatus,
    GatePolicy,
)
from pratique.api.v1alpha1.decisions import Decision, RecordedDecision, Verdict
from pratique.api.v1alpha1.delegations import DelegationRule, StandIn
from pratique.api.v1alpha1.environment import Environment, EnvironmentStatus
from pratique.api.v1alpha1.meta import ObjectMeta
from pratique.api.v1alpha1.notification_channel import NotificationChannel
from pratique.api.v1alpha1.notifications import EventType, NotificationRule
from pratique.api.v1alpha1.people import Requester, ServiceAccountRef
from pratique.api.v1alpha1.planned import Planned, PlannedDeletion, PlannedRequest, PlannedResource
from pratique.api.v1alpha1.stages import Approvers, RuleApprovers, Stage
from pratique.api.v1alpha1.subject import Subject
from pratique.core.gates.entries import approval_name, round_of
from pratique.core.gates.opening import policy_of
from pratique.core.kernel.answers import Standing, judge
from pratique.core.kernel.effects import AnyEffect, Failure, Stored
from pratique.core.plans.deletions import line_of_deletion
from pratique.core.plans.document import document, document_of, head_of
from pratique.core.plans.requests import line_of_call
from pratique.core.plans.summary import summarize
from pratique.core.runs.snapshot import RunSnapshot
from tests.builders.cast import ACTION, DEVELOPER, LEADS, STAGE

Json = dict[str, Any]

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DEADLINE = NOW + timedelta(hours=2)
MAKER = "system:serviceaccount:pratique-actions:maker"
RUN_UID = "7d9f3a60-0000-4000-8000-000000000001"
ENVIRONMENT_UID = "e1"
CHAT = NotificationRule(channels=["chat"], events=list(EventType))


def at(minutes: float) -> datetime:
    """Return the moment that many minutes after NOW."""
    return NOW + timedelta(minutes=minutes)


def effects(plan: Any) -> list[str]:
    """Return the keys of the effects that a plan asks for."""
    return [effect.key for effect in plan.effects]


def only(found: tuple[AnyEffect, ...]) -> Any:
    """Return the one effect there is."""
    (effect,) = found
    return effect


_CODES = {"Forbidden": 403, "NotFound": 404, "UnknownKind": 404, "AlreadyExists": 409, "Conflict": 409}


def failed(reason: str, message: str = "no", *, transient: bool = False, found: Json | None = None) -> Failure:
    return replace(failure(reason, message, transient=transient), found=Stored(found) if found is not None else None)


def failure(reason: str, message: str = "no", *, transient: bool = False) -> Failure:
    """Return a failure as it is made of an API server's answer with these words; all of them are shown."""
    answer = judge(_CODES.get(reason, 422), {"kind": "Status", "reason": reason, "message": message})
    passes = transient or answer.standing is Standing.PASSES
    return Failure(reason, message, passes, answer.cause, answer.missing)


def stage(**changes: Any) -> Stage:
    who = changes.pop("approvers", Approvers(groups=[LEADS]))
    rule = RuleApprovers(users=who.users, groups=who.groups) if type(who) is Approvers else who
    return Stage(**{"name": STAGE, "approvers": rule, "deadline": "2h", **changes})


def gate(decisions: dict[str, Decision] | None = None, **policy: Any) -> ApprovalSpec:
    """Return the spec of an Approval: developer@example.com asks, platform-leads decide, one is enough."""
    rule = {"approvers": Approvers(groups=[LEADS]), "deadline": DEADLINE, **policy}
    return ApprovalSpec(
        subject=Subject(kind="ActionRun", name="ten-days", uid=RUN_UID),
        stage=STAGE,
        action=ACTION,
        requested_by=Requester(username=DEVELOPER),
        plan=ApprovalPlan(digest="sha256:0"),
        policy=GatePolicy(**rule),
        notifications=[CHAT],
        decisions=decisions or {},
    )


def vote(
    verdict: str, minute: float = 1, groups: list[str] | None = None, comment: str = "", for_: str | None = None
) -> Decision:
    """Return a decision as the API server stamped it."""
    stamped = [LEADS] if groups is None else groups
    return Decision(verdict=Verdict(verdict), comment=comment, for_=for_, decided_at=at(minute), groups=stamped)


def lent(to: str, until: float = 60, groups: list[str] | None = None, not_before: float | None = None) -> StandIn:
    """Return a stand-in as the API server stamped it, whom somebody named at NOW."""
    begin = None if not_before is None else at(not_before)
    return StandIn(to=to, until=at(until), not_before=begin, at=at(0), groups=[LEADS] if groups is None else groups)


def lending(spec: ApprovalSpec, **named: StandIn) -> ApprovalSpec:
    """Return a gate that takes stand-ins, with these."""
    policy = spec.policy.model_copy(update={"delegation": DelegationRule.ALLOW})
    return spec.model_copy(update={"policy": policy, "delegations": named})


def counted(by: str, verdict: str = "Approve", comment: str = "") -> RecordedDecision:
    return RecordedDecision(by=by, verdict=Verdict(verdict), comment=comment, decided_at=at(1))


def approval(spec: ApprovalSpec | None = None, *, name: str = "gate", **status: Any) -> Approval:
    metadata = ObjectMeta(name=name, namespace="team-a", uid="a1", generation=3)
    return Approval(metadata=metadata, spec=spec or gate(), status=ApprovalStatus(**status))


def approval_of(owner: ActionRun, state: ApprovalState = ApprovalState.PENDING, **status: Any) -> Approval:
    """Return the Approval that holds this run, with the decisions (one, if none are given) that make its state true."""
    written = document_of(owner.status, None)
    assert written is not None
    stage = written.plan.gate
    assert stage is not None
    rule = dict(policy_of(stage, NOW if state is ApprovalState.EXPIRED else DEADLINE))
    verdicts = {ApprovalState.APPROVED: "Approve", ApprovalState.DECLINED: "Decline"}
    said = status.get("decisions") or ([counted("lead-1", verdicts[state], "no")] if state in verdicts else [])
    votes = {each.by: vote(each.verdict, comment=each.comment) for each in said}
    spec = gate(votes, **rule).model_copy(update={"plan": approved(written.plan), "message": stage.message})
    return approval(spec, name=approval_name(owner, stage.name, round_of(owner)), state=state, **status)


def gates(*known: Approval | None) -> tuple[Approval, ...]:
    """Return the Approvals that a run follows; None is one that is not known."""
    return tuple(each for each in known if each is not None)


def proven(subject: ActionRun, outcomes: Mapping[str, object] | None = None, **known: Any) -> RunSnapshot:
    """Return the snapshot of a run that this process has started itself."""
    written = document_of(subject.status, None)
    digest = written.digest if written is not None else None
    return RunSnapshot(subject, outcomes=outcomes or {}, proven=digest, **known)


def approved(plan: RunPlan) -> ApprovalPlan:
    """Return what a gate holds of a plan."""
    written = document(plan)
    return ApprovalPlan(digest=written.digest, summary=plan.summary, document=written.text)


def tried(*plans: RunPlan, what: str = "try") -> dict[str, object]:
    """Return the outcomes of dry runs that pass, and show nothing that the template does not say."""
    return {
        f"{what}/{each.id}": Stored(live(each.manifest)) for plan in plans for each in plan.objects if not each.patch
    }


def run(*, meta: Json | None = None, spec: Json | None = None, plan: RunPlan | None = None, **status: Any) -> ActionRun:
    """Return a run; with a plan it has both what people read of it and, as if it needed no gate, the document."""
    asked = {
        "action_ref": {"name": ACTION},
        "reason": "a demo",
        "requested_by": Requester(username=DEVELOPER),
        **(spec or {}),
    }
    if plan is not None:
        written = document(plan)
        status = {"plan": head_of(written, plan.summary), "document": written.text, **status}
    named = {"name": "ten-days", "namespace": "team-a", "uid": RUN_UID, "generation": 1, **(meta or {})}
    return ActionRun(metadata=ObjectMeta(**named), spec=ActionRunSpec(**asked), status=ActionRunStatus(**status))


def manifest(kind: str = "ConfigMap", name: str = "made", api_version: str = "v1", **body: Any) -> Json:
    metadata = {"name": name, "namespace": "team-a", "labels": {"pratique.dev/run-uid": RUN_UID}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def live(made: Json, uid: str = "u1", *, status: Json | None = None, **metadata: Any) -> Json:
    """Return an object as the API server returns it."""
    return {**made, "metadata": {**made["metadata"], "uid": uid, **metadata}, **({"status": status} if status else {})}


def planned(ident: str = "made", made: Json | None = None, **changes: Any) -> PlannedResource:
    return PlannedResource(id=ident, manifest=made or manifest(name=ident.lower()), **changes)


def run_plan(*resources: Planned, **changes: Any) -> RunPlan:
    """Return a plan, and what approvers read of it."""
    plan = RunPlan(
        **{
            "action": ActionVersion(name=ACTION, uid="act-1", generation=1, title="Create"),
            "service_account_ref": ServiceAccountRef(namespace="pratique-actions", name="maker"),
            "timeout": "10m",
            "resources": list(resources) or [planned()],
            "notifications": [CHAT],
            **changes,
        }
    )
    return plan.model_copy(update={"summary": [_line(each) for each in plan.resources]})


def _line(planned: Planned) -> str:
    if isinstance(planned, PlannedDeletion):
        return line_of_deletion(planned)
    if isinstance(planned, PlannedRequest):
        return line_of_call(planned.request)
    return summarize(planned.manifest, patch=planned.patch)


def waiting(plan: RunPlan | None = None, *, status: Json | None = None, **spec: Any) -> ActionRun:
    """Return a run that is held at its gate."""
    plan = plan or run_plan(gate=stage())
    gates = [RunApproval(stage=plan.gate.name, name="any", state=ApprovalState.PENDING)] if plan.gate else []
    return run(spec=spec, **{"phase": Phase.WAITING_FOR_APPROVAL, "plan": plan, "approvals": gates, **(status or {})})


def running(plan: RunPlan | None = None, **status: Any) -> ActionRun:
    """Return a run that was started at NOW."""
    return run(**{"phase": Phase.RUNNING, "plan": plan or run_plan(), "started_at": NOW, **status})


def action(*, uid: str = "act-1", status: Json | None = None, **spec: Any) -> Action:
    execution = {
        "serviceAccountRef": {"namespace": "pratique-actions", "name": "maker"},
        "resources": [{"id": "made", "template": manifest()}],
    }
    return Action.model_validate(
        {
            "metadata": {"name": ACTION, "uid": uid, "generation": 1},
            "spec": {"title": "Create", "execution": execution, **spec},
            "status": status or {},
        }
    )


def channel(**status: Any) -> NotificationChannel:
    slack = {"webhookUrlSecretRef": {"name": "slack", "key": "url"}}
    metadata = {"name": "chat", "generation": 1}
    return NotificationChannel.model_validate({"metadata": metadata, "spec": {"slack": slack}, "status": status})


def environment(
    *, meta: Json | None = None, target: Json | None = None, spec: Json | None = None, **status: Any
) -> Environment:
    """Return an Environment that was created at NOW and lives an hour; warned of ten minutes before its end."""
    named = {"name": "demo", "namespace": "team-a", "uid": ENVIRONMENT_UID, "generation": 1, "creationTimestamp": NOW}
    wanted = {"ttl": "1h", "warnings": ["10m"], "target": {"namespace": {"name": "env-demo"}, **(target or {})}}
    made = Environment.model_validate({"metadata": {**named, **(meta or {})}, "spec": {**wanted, **(spec or {})}})
    return made.model_copy(update={"status": EnvironmentStatus(**status)})
