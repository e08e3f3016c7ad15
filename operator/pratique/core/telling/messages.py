"""Decides what a message says: who asks, why it is held, what will happen, until when, and how to decide.

A `Message` is the same for all channels; each channel puts it into its own form and escapes it for its own markup. Must
not decide whether anything is told (`outbox` does). Called by the edge just before a delivery.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalState, AskedInput
from pratique.api.v1alpha1.decisions import RecordedDecision
from pratique.api.v1alpha1.environment import Environment
from pratique.api.v1alpha1.meta import KubeObject
from pratique.api.v1alpha1.notification_channel import NotificationChannel
from pratique.api.v1alpha1.notifications import Audience, EventType, Notification, Recipient, RecipientKind
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.kernel.identity import asked_by, askers, is_among, person_of
from pratique.core.kernel.text import clean
from pratique.core.telling.commands import (
    YOU,
    ask_again_command,
    command,
    consent_command,
    decision_command,
    talk_command,
)
from pratique.core.telling.events import ASKING, EVENTS
from pratique.core.telling.shown_inputs import NOT_SHOWN, asked_inputs, asked_lines
from pratique.core.telling.stakeholders import approvers_of, approvers_of_entry, stage_of
from pratique.core.telling.wording import approvers_phrase, moment, policy_phrase, say_found

MAX_DECISIONS = 8
_PERSON = 253
_ASKER = 2 * _PERSON + len(" (by )")
_LINE = 512
_LINK = 1024
_OUTPUT_NAME = 64
_TEXT = 2048

Facts = list[tuple[str, str]]
"""Label and text, cleaned. Only what `_lines` made has several lines: a reason must not look like further facts."""


@dataclass(frozen=True)
class SubjectRef:
    """The object that a message is about, as machines name it."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True)
class Readers:
    """Whom a message is for. Names, not addresses: a channel that reaches people turns them into addresses."""

    audience: Audience
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Earlier:
    """What the same receiver was told first about the same request, as it reads now, and what it calls that message."""

    reference: str
    message: "Message"


@dataclass(frozen=True)
class Message:
    """What is told. `id` is the idempotency key; `facts` and `how_to_decide` are (label, text), in reading order.

    `thread` is the same for all that is told about one request or Environment. Without a `recipient` a message is for the
    place that the channel writes to; `address` is where they are reached, empty if that is not known any more. `handles`
    are (name of a user or group, what the channel's service calls them). `inputs` is what was asked for; it is among the
    facts too.
    """

    id: str
    event: EventType
    headline: str
    text: str
    audience: Readers
    facts: tuple[tuple[str, str], ...]
    how_to_decide: tuple[tuple[str, str], ...]
    subject: SubjectRef
    at: datetime
    thread: str = ""
    recipient: Recipient | None = None
    address: str = ""
    earlier: Earlier | None = None
    handles: tuple[tuple[str, str], ...] = ()
    inputs: tuple[AskedInput, ...] = ()


def compose_run(run: ActionRun, approval: Approval | None, entry: Notification) -> Message:
    """Return what an entry of a run's outbox says. The Approval is None where there is none, or none is known yet."""
    plan = run.status.head
    title = plan.action.title if plan is not None else ""
    approvers, asked = approvers_of(run, approval), _asked_of(run, approval)
    facts: Facts = [
        ("Action", _titled(title, run.spec.action_ref.name)),
        ("Acts on", _name_target(plan)),
        ("Requested by", clean(asked_by(run.spec), _ASKER)),
        ("Reason", clean(run.spec.reason)),
        ("Inputs", _lines(asked_lines(asked))),
    ]
    if plan is not None:
        if EVENTS[entry.event].asks and (stage := stage_of(run, approval)) is not None:
            facts.append(("Held because", clean(stage.message, _LINE)))
        facts.append((_PLAN_LABEL.get(entry.event, _ASKED_FOR), _lines(plan.summary)))
        facts.append(("Costs", clean(plan.cost or "", _LINE)))
    if approval is not None:
        facts += _found_facts(approval, entry)
        facts += _gate_facts(approval, entry)
    how = _how(approval, entry)
    if entry.event is EventType.GLASS_BROKEN and (review := _review_of(run, entry)) is not None:
        facts.append(("To be reviewed in", f"Approval {review}"))
        how = _signing(review, run.metadata.namespace, entry)
    if entry.event is EventType.COUNTER_OFFERED and approval is not None:
        how = _accepting(approval)
    is_whole = not any(each.value == NOT_SHOWN for each in asked)
    if entry.event is EventType.OBJECT_ENDING and is_whole and (again := ask_again_command(run)):
        how = (("Ask again", again),)
    if entry.event is EventType.SUCCEEDED:
        facts += [(clean(name, _OUTPUT_NAME), _shown(value)) for name, value in run.status.outputs.items()]
    named = title or run.spec.action_ref.name
    told = _message(run, entry, named, facts, approvers, person_of(run.spec), how)
    return _as_it_is_now(replace(told, inputs=tuple(asked)), approval)


def _name_target(plan: RunPlan | None) -> str:
    """Return the object that a run acts on, as people name it; nothing if it acts on none."""
    target = plan.target if plan is not None else None
    if target is None:
        return ""
    space = f"{target.namespace}/" if target.namespace else ""
    return clean(f"{target.kind} {space}{target.name}", _LINE)


def compose_approval(approval: Approval, entry: Notification) -> Message:
    """Return what an entry of an Approval's outbox says."""
    spec = approval.spec
    what: Facts = [("Action", _titled(spec.title, spec.action))]
    if spec.is_standalone:
        what = [("Read more", clean(spec.subject.url or "", _LINK))]
    facts: Facts = [
        *what,
        ("Requested by", clean(asked_by(spec), _ASKER)),
        ("Reason", clean(spec.reason)),
        ("Inputs", _lines(asked_lines(spec.inputs))),
        ("Held because", clean(spec.message, _LINE)),
        (_PLAN_LABEL.get(entry.event, _ASKED_FOR), _lines(spec.planned.summary)),
        ("Costs", clean(spec.planned.cost or "", _LINE)),
        *_found_facts(approval, entry),
        *_gate_facts(approval, entry),
    ]
    how, asked = _how(approval, entry), approvers_of_entry(approval, entry)
    told = _message(approval, entry, title_of(approval), facts, asked, person_of(spec), how)
    return _as_it_is_now(replace(told, inputs=tuple(spec.inputs or ())), approval)


def _found_facts(approval: Approval, entry: Notification) -> Facts:
    """Return which objects say who may approve, for those who are asked."""
    asks = EVENTS[entry.event].asks and not approval.spec.is_review
    return [("Approvers named by", clean(say_found(approval.spec.found or ()), _TEXT))] if asks else []


def title_of(approval: Approval) -> str:
    """Return what a gate is about, in a few words: the title of its Action, or of what is asked without a run."""
    spec = approval.spec
    return clean(spec.subject.title or spec.title, 200) or clean(spec.action, 253)


def compose_environment(environment: Environment, entry: Notification) -> Message:
    """Return what an entry of an Environment's outbox says."""
    spec, status = environment.spec, environment.status
    facts: Facts = [
        ("Namespace", status.namespace or spec.target.namespace.name),
        ("For", clean(spec.requested_by or "", _PERSON)),
        ("Kept for", spec.ttl),
        ("Ends", moment(status.expires_at) if status.expires_at is not None else ""),
    ]
    return _message(environment, entry, environment.metadata.name, facts, None, spec.requested_by or "", ())


def compose_channel(channel: NotificationChannel, entry: Notification) -> Message:
    """Return what a test of a channel says."""
    ready: Facts = [("Channel", channel.metadata.name), ("Type", channel.spec.channel_type or "")]
    return _message(channel, entry, channel.metadata.name, ready, None, "", ())


def name_readers(readers: Readers) -> str:
    """Return whom a message is for, in one phrase: a channel may have other readers."""
    names = [*readers.users, *(f"group {group}" for group in readers.groups)]
    return ", ".join(names) or f"the {readers.audience.value.lower()}"


def leave_out_shown(message: Message, shown: Message) -> Message:
    """Return what a message says beyond `shown`, under which it stands: a plan is the same under any label."""
    plans = {text for label, text in shown.facts if label in _PLAN_LABELS}
    fresh = [fact for fact in message.facts if fact not in shown.facts]
    return replace(
        message,
        facts=tuple(fact for fact in fresh if fact[0] not in _PLAN_LABELS or fact[1] not in plans),
        how_to_decide=tuple(line for line in message.how_to_decide if line not in shown.how_to_decide),
    )


_ASKED_FOR = "What was asked for"
_PLAN_LABEL = {
    **dict.fromkeys(ASKING, "What will happen if approved"),
    EventType.GLASS_BROKEN: "What will happen",
    EventType.COUNTER_OFFERED: "What will happen if approved",
    EventType.REVIEW_DUE: _ASKED_FOR,
    EventType.APPROVED: "What will happen",
    EventType.SUCCEEDED: "What was done",
}
_PLAN_LABELS = frozenset({*_PLAN_LABEL.values(), _ASKED_FOR})


def _message(
    obj: KubeObject,
    entry: Notification,
    title: str,
    facts: Facts,
    approvers: Approvers | None,
    requester: str,
    how: tuple[tuple[str, str], ...],
) -> Message:
    meta = obj.metadata
    namespace = meta.namespace or ""
    info = EVENTS[entry.event]
    where = f"{namespace}/{meta.name}" if namespace else meta.name
    return Message(
        id=f"{meta.uid}/{entry.id}",
        event=entry.event,
        headline=clean(f"{info.headline}: {title} ({where})" if title != meta.name else f"{info.headline}: {where}"),
        text=clean(entry.message, _TEXT) or info.headline,
        audience=_readers(info.audience, approvers, requester),
        facts=tuple((label, text) for label, text in facts if text),
        how_to_decide=how,
        subject=SubjectRef(obj.api_version, obj.kind, namespace, meta.name, meta.uid),
        at=entry.at,
        thread=obj.spec.subject.uid or meta.uid if isinstance(obj, Approval) else meta.uid,
    )


def _readers(audience: Audience, approvers: Approvers | None, requester: str) -> Readers:
    if audience is Audience.REQUESTER:
        return Readers(audience, users=_names((requester,)))
    if approvers is None:
        return Readers(audience)
    return Readers(audience, _names(approvers.users), _names(approvers.groups))


def _asked_of(run: ActionRun, approval: Approval | None) -> list[AskedInput]:
    """Return what was asked for in the Approval's own words; a run that is free has no form at hand, only names."""
    if approval is not None:
        return approval.spec.inputs or []
    stored = json.loads(run.status.document) if run.status.document else run.status.plan
    return asked_inputs({}, (stored or {}).get("inputs") or {}) or []


def _gate_facts(approval: Approval, entry: Notification) -> Facts:
    policy, text = approval.spec.policy, clean(entry.message, _TEXT)
    if entry.event in _DECIDED:
        facts = [_decision_fact(decision) for decision in approval.status.decisions[:MAX_DECISIONS]]
        return [(label, comment) for label, comment in facts if comment not in text]
    if not EVENTS[entry.event].asks:
        return []
    if approval.status.state is not ApprovalState.PENDING:
        return []
    if approval.spec.is_review:
        due = moment(policy.due) if policy.due is not None else ""
        return [("Who may sign", clean(approvers_phrase(policy.approvers), _TEXT)), ("Due", due)]
    who = ("Who may decide", clean(policy_phrase(policy), _TEXT))
    return [who, ("Decide before", moment(policy.until))]


def _as_it_is_now(message: Message, approval: Approval | None) -> Message:
    """Say of a request that has ended how it ended, instead of asking for what nobody can give any more."""
    ended = approval is not None and approval.status.state is not ApprovalState.PENDING
    if approval is None or not ended or not EVENTS[message.event].asks:
        return message
    state = approval.status.state.value
    asked = EVENTS[message.event].headline
    text = clean(approval.status.message, _TEXT) or state
    planned = _PLAN_LABEL[message.event]
    facts = tuple((_ASKED_FOR if label == planned else label, value) for label, value in message.facts)
    return replace(message, headline=state + message.headline.removeprefix(asked), text=text, facts=facts)


_DECIDED = (EventType.APPROVED, EventType.GLASS_BROKEN, EventType.DECLINED, EventType.HANDLED)
"""What tells a decision: with the comments that the sentence does not say. What comes after it does not repeat them."""


def _shown(value: object) -> str:
    """Return an output as people read it: text as it is, anything else as JSON."""
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), _LINE)


def _decision_fact(decision: RecordedDecision) -> tuple[str, str]:
    return f"{clean(decision.author, _ASKER)} ({decision.verdict.value})", clean(decision.comment)


def _how(approval: Approval | None, entry: Notification) -> tuple[tuple[str, str], ...]:
    """Return the lines an approver copies; none once the gate has ended, and none in messages to the requester.

    Who is told by themselves finds their own user name in them, and need not change a letter.
    """
    if approval is not None and entry.event is EventType.ASKED and approval.status.state is ApprovalState.PENDING:
        return (("Answer", talk_command(approval, person_of(approval.spec))),)
    if approval is None or not EVENTS[entry.event].asks:
        return ()
    if approval.status.state is not ApprovalState.PENDING:
        return ()
    to = entry.recipient
    if to is not None and is_among(to.name, askers(approval.spec)):
        return ()
    if approval.spec.is_review:
        return _signing(approval.metadata.name, approval.metadata.namespace, entry)
    name = _reader(entry)
    principal = _place_of(approval, name)
    return (
        ("Approve", decision_command(approval, "Approve", name, principal=principal)),
        ("Decline", decision_command(approval, "Decline", name, principal=principal)),
    )


def _reader(entry: Notification) -> str:
    to = entry.recipient
    return to.name if to is not None and to.kind is RecipientKind.USER else YOU


def _review_of(run: ActionRun, entry: Notification) -> str | None:
    """Return the name of the Approval that reviews the break-glass that an entry tells of."""
    return next(
        (each.review for each in run.status.approvals if entry.stage in (None, each.stage) and each.review), None
    )


def _signing(review: str, namespace: str | None, entry: Notification) -> tuple[tuple[str, str], ...]:
    """Return the lines that one of those who were skipped copies, to sign a break-glass or to object to it."""
    name = _reader(entry)
    return (
        ("Sign", command(review, namespace, "Approve", name)),
        ("Object", command(review, namespace, "Decline", name)),
    )


def _accepting(approval: Approval) -> tuple[tuple[str, str], ...]:
    """Return the lines that who asks copies, to accept what was offered instead or to reject it; none if they need not."""
    open_ = approval.status.state is ApprovalState.PENDING and approval.spec.consent is None
    if approval.spec.policy.consent is None or not open_:
        return ()
    name = person_of(approval.spec)
    return (
        ("Accept", consent_command(approval, "Accept", name)),
        ("Reject", consent_command(approval, "Reject", name)),
    )


def _place_of(approval: Approval, username: str) -> str | None:
    """Return in whose place somebody decides who is no approver themselves, as far as names tell."""
    if username in approval.spec.policy.approvers.users:
        return None
    return next((name for name, each in approval.spec.stand_ins.items() if each.to == username), None)


def _titled(title: str, name: str) -> str:
    return f"{clean(title, 100)} ({name})" if title else name


def _lines(summary: Iterable[str]) -> str:
    """Return one line per object; a line break inside one must not look like one more object."""
    return "\n".join(line for each in summary if (line := clean(each, _LINE)))


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(shown for name in names if (shown := clean(name, _PERSON))))
