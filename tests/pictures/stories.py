"""What is told in the pictures: messages composed by the operator's own code from objects as the cluster has them.

`hostile` is for the checks: what people may write, all of it at once. The others are what a day brings.
"""

from collections.abc import Callable
from typing import Any

from tests.builders.messages import entry
from tests.builders.models import (
    DEADLINE,
    approval,
    at,
    counted,
    environment,
    gate,
    planned,
    run,
    run_plan,
    stage,
)

from pratique.api.v1alpha1.approval import Approval, ApprovalPlan, AskedInput
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.planned import DryRun, DryRunResult, FieldChange
from pratique.core.plans.document import document
from pratique.core.plans.summary import summarize_tried
from pratique.core.telling.messages import Message, compose_environment, compose_run
from pratique.core.telling.shown_inputs import asked_inputs
from pratique.core.telling.wording import moment, say_ended, say_held

LEADS = stage(message="A database that holds data of customers is looked at first")
REASON = 'Orders for "Checkout 2" 🚀: the load test needs <data> that is like the real one'
FINE = "Fine, until the end of the month"
NOT_MARKUP = (
    """*bold* _it_ ~no~ `x` **b** [a](https://evil.example) <!channel> <@U1> &lt;b&gt; <b>"q"</b> {{DATE()}} 'q' \\"""
)
PEOPLE = "נועה כהן <noa@example.com>, محمد العلي, José Ñuñez 👩🏽‍💻"
LONG = "aVeryLongWordWithoutAnyPlaceToBreakIt" * 6


def manifest(api: str, kind: str, name: str, space: str = "team-a", **spec: Any) -> dict[str, Any]:
    named = {"name": name, "namespace": space} if space else {"name": name}
    return {"apiVersion": api, "kind": kind, "metadata": named, **({"spec": spec} if spec else {})}


def changed(path: str, before: str, after: str) -> DryRun:
    """Return what a dry run showed: this field, and no other."""
    change = FieldChange(path=path, before=before, after=after)
    return DryRun(result=DryRunResult.PASSED, changes=[change])


DATABASE = (
    planned("database", manifest("postgres.example.com/v1", "Database", "orders", storage="50Gi")),
    planned("backup", manifest("batch/v1", "CronJob", "orders-backup", schedule="0 3 * * *")),
    planned(
        "access",
        manifest("rbac.authorization.k8s.io/v1", "Role", "orders-readers"),
        patch=True,
        dry_run=changed("rules[0].verbs", '["get"]', '["get", "list"]'),
    ),
)
SCALING = (
    planned(
        "web",
        manifest("apps/v1", "Deployment", "web", replicas=10),
        patch=True,
        dry_run=changed("spec.replicas", "1", "10"),
    ),
)


FORM = {
    "x-order": ["engine", "storage", "public", "password", "note", "tags"],
    "properties": {
        "engine": {"title": "Engine"},
        "storage": {"title": "Storage"},
        "public": {"title": "Reachable from the internet"},
        "password": {"title": "Password of the owner", "format": "secret-ref"},
        "tags": {"title": "Tags"},
        "note": {"title": "Note"},
    },
}
ORDERED = {"engine": "mysql", "storage": "50Gi", "public": True, "password": "orders-owner", "tags": ["shop", "pii"]}
SCALED = {"replicas": 10}


def told(
    event: EventType,
    text: str,
    resources: tuple[Any, ...] = DATABASE,
    title: str = "Order a database",
    kind: str = "order-database",
    name: str = "orders-db",
    reason: str = REASON,
    who: str = "developer@example.com",
    why: str = LEADS.message,
    gate_status: dict[str, Any] | None = None,
    minute: float = 0,
    outputs: dict[str, str] | None = None,
    inputs: dict[str, Any] | None = None,
) -> Message:
    """Return what is told about a run and its gate, as they are by then; without a `text`, how the gate ended."""
    rule = stage(message=why)
    summary = [summarize_tried(each) for each in resources]
    plan = run_plan(*resources, gate=rule).model_copy(update={"summary": summary})
    action = plan.action.model_copy(update={"title": title, "name": kind})
    asked = {"reason": reason, "requested_by": Requester(username=who), "action_ref": {"name": action.name}}
    subject = run(meta={"name": name}, spec=asked, plan=plan.model_copy(update={"action": action}))
    shown = asked_inputs(FORM, inputs if inputs is not None else ORDERED if resources is DATABASE else SCALED)
    its_gate = _gate(subject.metadata.name, document(plan).digest, summary, why, gate_status or {}, shown)
    subject = subject.model_copy(update={"status": subject.status.model_copy(update={"outputs": outputs or {}})})
    sentence = text or say_ended(its_gate)
    outbox = entry(event, message=sentence).model_copy(update={"at": at(minute)})
    return compose_run(subject, its_gate, outbox)


def _gate(
    name: str, digest: str, summary: list[str], why: str, status: dict[str, Any], asked: list[AskedInput] | None
) -> Approval:
    plan = ApprovalPlan(digest=digest, summary=summary)
    spec = gate().model_copy(update={"message": why, "plan": plan, "inputs": asked})
    return approval(spec, name=f"{name}-platform-7d9f4c21aa", **status)


def _held() -> Message:
    return told(EventType.APPROVAL_REQUESTED, say_held(LEADS, DEADLINE))


def held_as_it_reads() -> Message:
    """Return the request as it reads once somebody has approved it."""
    decided = _granted(FINE)
    text = say_held(LEADS, DEADLINE)
    return told(
        EventType.APPROVAL_REQUESTED, text, gate_status={**decided, "message": "Approved by lead-1@example.com"}
    )


def _declined() -> Message:
    comment = "Not with real data: take the masked copy, it is there within the hour"
    said = [counted("lead-2@example.com", "Decline", comment)]
    return told(EventType.DECLINED, "", gate_status={"state": "Declined", "decisions": said}, minute=4)


def _approved() -> Message:
    return told(EventType.APPROVED, "", gate_status=_granted(FINE), minute=4)


def _succeeded() -> Message:
    done = "Done: " + "; ".join(summarize_tried(each) for each in DATABASE)
    outputs = {"host": "orders.team-a.svc", "secret": "team-a/orders-credentials"}
    return told(EventType.SUCCEEDED, done, gate_status=_granted(FINE), minute=5, outputs=outputs)


def _failed() -> Message:
    text = 'CronJob team-a/orders-backup could not be created: quota "backups" of namespace team-a is used up (5 of 5)'
    return told(EventType.FAILED, text, gate_status=_granted(FINE), minute=5)


def _superseded() -> Message:
    text = "It would not do any more what was approved: Deployment team-a/web: spec.replicas was 1 → 10, is 4 → 10"
    return told(
        EventType.SUPERSEDED,
        text,
        SCALING,
        "Scale a Deployment",
        "scale-deployment",
        "more-web",
        "Sale on Friday",
        why="More than five replicas cost more than a team may spend by itself",
        gate_status=_granted("Nine more, for the sale"),
        minute=47,
    )


def _granted(comment: str) -> dict[str, Any]:
    return {"state": "Approved", "decisions": [counted("lead-1@example.com", "Approve", comment)]}


def _expiring() -> Message:
    ends = at(120)
    kept = environment(
        meta={"name": "load-test"},
        spec={"requestedBy": "developer@example.com", "ttl": "10d"},
        target={"namespace": {"name": "env-team-a-load-test"}},
        namespace="env-team-a-load-test",
        expires_at=ends,
    )
    text = f"Namespace env-team-a-load-test will be deleted at {moment(ends)}, with everything in it"
    return compose_environment(kept, entry(EventType.ENVIRONMENT_EXPIRING, message=text))


def _hostile() -> Message:
    """Everything that people write, with all that could be taken for something else."""
    hosts = ", ".join(f'"*.{each}.example.com"' for each in ("a", "b"))
    resources = (
        planned("role", patch=True, dry_run=changed("rules[0].verbs", '["get"]', '["*"], ["*"]')),
        planned("ingress", patch=True, dry_run=changed("spec.hosts", "[]", f"[{hosts}]")),
        *(planned(f"c{each}", manifest("v1", "ConfigMap", f"{each}-{LONG}"[:250])) for each in range(3)),
    )
    said = counted(PEOPLE, "Approve", f"{NOT_MARKUP} {LONG}")
    return told(
        EventType.APPROVED,
        f"Approved by {PEOPLE}: {NOT_MARKUP} {LONG}",
        resources,
        title=f"{NOT_MARKUP[:60]} {PEOPLE[:30]}",
        reason=f"{NOT_MARKUP} {PEOPLE} {LONG} " + "word " * 80,
        who=PEOPLE,
        why=f"{NOT_MARKUP} {LONG}",
        gate_status={"state": "Approved", "decisions": [said]},
        inputs={"engine": NOT_MARKUP, "storage": f"{PEOPLE}\nApproved by: lead-1\u202e", "note": LONG + "word " * 900},
    )


STORIES: dict[str, Callable[[], Message]] = {
    "held": _held,
    "approved": _approved,
    "declined": _declined,
    "superseded": _superseded,
    "failed": _failed,
    "expiring": _expiring,
    "succeeded": _succeeded,
    "hostile": _hostile,
}
