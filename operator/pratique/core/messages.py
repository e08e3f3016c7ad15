"""What a message says: what is asked, by whom, why it is held, what will happen, until when, and how to decide. Pure.

Channels turn a Message into their own format; nothing here knows any of them. Text of people is cleaned on the way in.
"""

from dataclasses import dataclass
from datetime import datetime

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.approval import Approval, ApprovalState, Verdict
from pratique.api.v1alpha1.common import EventType, KubeObject, Notification
from pratique.api.v1alpha1.environment import Environment
from pratique.core.notification import EVENTS, Audience
from pratique.core.text import clean
from pratique.core.wording import approvers_phrase, moment


@dataclass(frozen=True)
class Subject:
    """The object that a message is about."""

    api_version: str
    kind: str
    plural: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True)
class Message:
    """One message, the same for every channel. `id` is its idempotency key."""

    id: str
    event: EventType
    at: datetime
    headline: str
    text: str
    audience: str
    subject: Subject
    warning: bool
    facts: tuple[tuple[str, str], ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
    """What to type, by what it does: how an approver decides with nothing but kubectl."""


def compose_run(run: ActionRun, approval: Approval | None, entry: Notification) -> Message:
    """Return what an entry of a run's outbox says."""
    plan, requester = run.status.plan, run.spec.requested_by
    who = requester.username if requester else "unknown"
    title = plan.action.title if plan else run.spec.action_ref.name
    facts = [("Requested by", who), ("Request", f"{run.metadata.namespace}/{run.metadata.name}")]
    if run.spec.reason:
        facts.append(("Reason", clean(run.spec.reason, 1024)))
    if plan and plan.summary:
        facts.append(
            ("What will happen" if entry.event is EventType.APPROVAL_REQUESTED else "What", "; ".join(plan.summary))
        )
    open_gate = approval is not None and approval.status.state is ApprovalState.PENDING
    if approval is not None and entry.event is EventType.APPROVAL_REQUESTED:
        facts.append(("Decide before", moment(approval.spec.policy.deadline)))
    audience = _audience(entry.event, approvers_phrase(approval.spec.policy.approvers) if approval else "", who)
    commands = _how_to_decide(approval) if approval is not None and open_gate and _asks(entry) else ()
    return _message(run, entry, title, audience, facts, commands)


def compose_approval(approval: Approval, entry: Notification) -> Message:
    """Return what an entry of an Approval's outbox says: its request is gone."""
    who = approval.spec.requested_by.username
    facts = [("Requested by", who), ("Request", f"{approval.metadata.namespace}/{approval.spec.subject.name}")]
    audience = _audience(entry.event, approvers_phrase(approval.spec.policy.approvers), who)
    return _message(approval, entry, approval.spec.title or approval.spec.action, audience, facts, ())


def compose_environment(environment: Environment, entry: Notification) -> Message:
    """Return what an entry of an Environment's outbox says."""
    facts = [("Namespace", environment.spec.target.namespace.name)]
    if environment.status.expires_at is not None:
        facts.append(("Until", moment(environment.status.expires_at)))
    audience = environment.spec.requested_by or "the owner"
    title = f"Environment {environment.metadata.name}"
    return _message(environment, entry, title, audience, facts, ())


def _asks(entry: Notification) -> bool:
    return entry.event is EventType.APPROVAL_REQUESTED


def _audience(event: EventType, approvers: str, requester: str) -> str:
    return approvers if EVENTS[event].audience is Audience.APPROVERS and approvers else requester


def _how_to_decide(approval: Approval) -> tuple[tuple[str, str], ...]:
    where = f"kubectl patch approval {approval.metadata.name} -n {approval.metadata.namespace} --type merge -p"
    return tuple(
        (
            verdict.value,
            f'{where} \'{{"spec":{{"decisions":{{"YOUR-USER-NAME":{{"verdict":"{verdict.value}","comment":"{comment}"}}}}}}}}\'',
        )
        for verdict, comment in ((Verdict.APPROVE, "fine by me"), (Verdict.DECLINE, "why not"))
    )


def _message(
    subject: KubeObject,
    entry: Notification,
    title: str,
    audience: str,
    facts: list[tuple[str, str]],
    commands: tuple[tuple[str, str], ...],
) -> Message:
    metadata, wording = subject.metadata, EVENTS[entry.event]
    return Message(
        id=f"{metadata.uid}/{entry.id}",
        event=entry.event,
        at=entry.at,
        headline=clean(f"{wording.headline}: {title}", 256),
        text=entry.message,
        audience=audience,
        subject=Subject(
            API_VERSION, subject.kind, subject.plural, metadata.namespace or "", metadata.name, metadata.uid
        ),
        warning=wording.warning,
        facts=tuple((name, clean(value, 2048)) for name, value in facts),
        commands=commands,
    )
