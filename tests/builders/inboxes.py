"""Objects for the tests of the inbox, each with its history, and the inboxes of the people of the seed story."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from pratique.api.v1alpha1 import ActionRun, Approval, Environment
from pratique.api.v1alpha1.action_run import Phase, RunApproval
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.decisions import Decision
from pratique.api.v1alpha1.notifications import DeliveryState, EventType, Notification
from pratique.api.v1alpha1.status import TimelineEntry
from pratique.views.inbox import Seen, inbox
from pratique.views.rows import Inbox, Viewer
from tests.builders.models import NOW, approval_of, at, environment, running, vote, waiting

DEVELOPER = Viewer("developer@example.com", ("developers",))
LEAD = Viewer("lead-1@example.com", ("developers", "platform-leads"))
LEAD_2 = Viewer("lead-2@example.com", ("platform-leads",))
LATER = at(10)
SECURITY = Viewer("security@example.com", ("security",))

Objects = Iterable[ActionRun | Approval | Environment]


def told(*lines: tuple[float, str, str]) -> dict[str, Any]:
    """Return a timeline of (minute, event, sentence), as a status has it."""
    return {"timeline": [TimelineEntry(at=at(minute), event=event, message=text) for minute, event, text in lines]}


Kind = TypeVar("Kind", ActionRun, Approval, Environment, ActionRun | Environment)


def named(obj: Kind, name: str, uid: str = "", namespace: str = "team-a", minute: float = 0) -> Kind:
    """Return the object under another name, created at a minute."""
    update = {"name": name, "uid": uid or f"uid-{name}", "namespace": namespace, "creation_timestamp": at(minute)}
    return obj.model_copy(update={"metadata": obj.metadata.model_copy(update=update)})


def with_status(obj: Kind, **status: Any) -> Kind:
    """Return the object with another status."""
    return obj.model_copy(update={"status": obj.status.model_copy(update=status)})


def held(name: str = "week", minute: float = 0, **spec: Any) -> tuple[ActionRun, Approval]:
    """Return a held run and its gate."""
    run = named(waiting(**spec), name, minute=minute)
    gate = named(approval_of(run), f"{name}-gate", minute=minute)
    subject = gate.spec.subject.model_copy(update={"name": name, "uid": run.metadata.uid})
    asked = {key: getattr(run.spec, key) for key in ("requested_by", "on_behalf_of", "reason")}
    gate = gate.model_copy(update={"spec": gate.spec.model_copy(update={"subject": subject, **asked})})
    waits = RunApproval(stage="platform", name=gate.metadata.name, state=ApprovalState.PENDING)
    sentence = (minute, "WaitingForApproval", "Waiting for 1 of group platform-leads")
    return with_status(run, approvals=[waits], message=sentence[2], **told(sentence)), gate


def voted(gate: Approval, *votes: tuple[str, str, float], **policy: Any) -> Approval:
    """Return a gate with decisions of (who, verdict, minute)."""
    decisions: dict[str, Decision] = {who: vote(verdict, minute, comment="well") for who, verdict, minute in votes}
    rule = gate.spec.policy.model_copy(update=policy)
    return gate.model_copy(update={"spec": gate.spec.model_copy(update={"decisions": decisions, "policy": rule})})


def ended_run(name: str, minute: float, phase: Phase = Phase.SUCCEEDED, **status: Any) -> ActionRun:
    """Return a run that came to an end at a minute."""
    run = named(running(), name, minute=minute - 1)
    lines = told((minute - 1, "Running", "No approval is needed"), (minute, phase.value, f"It {phase.value}"))
    ended = {"phase": phase, "finished_at": at(minute), "message": f"It {phase.value}"}
    return with_status(run, **{**ended, **lines, **status})


def lost(
    event: EventType = EventType.APPROVAL_REQUESTED, state: DeliveryState = DeliveryState.GIVEN_UP
) -> Notification:
    """Return a message that a channel did not deliver."""
    ident = f"{event.value}/chat"
    return Notification(id=ident, event=event, channel="chat", at=NOW, state=state, error="the receiver answered 404")


def home(name: str = "demo", minute: float = 0, **spec: Any) -> Environment:
    """Return the developer's Environment, which lives an hour."""
    made = environment(spec={"requestedBy": DEVELOPER.username, **spec}, namespace=f"env-{name}", phase="Active")
    lines = told((minute, "Active", f"Namespace env-{name} is there"))
    return with_status(named(made, name, minute=minute), message=f"Namespace env-{name} is there", **lines)


def seen(*objects: ActionRun | Approval | Environment) -> Seen:
    """Return objects by kind."""
    return Seen(
        tuple(each for each in objects if isinstance(each, ActionRun)),
        tuple(each for each in objects if isinstance(each, Approval)),
        tuple(each for each in objects if isinstance(each, Environment)),
    )


def of(viewer: Viewer, *objects: Any, now: datetime = LATER, since: datetime = NOW, most: int = 100) -> Inbox:
    """Return the inbox of somebody who may see these objects."""
    return inbox(seen(*objects), viewer, now, since, most=most)
