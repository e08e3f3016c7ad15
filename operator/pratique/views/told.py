"""What all rows share: whether something is whose, what is new, and which messages about it did not arrive. Pure."""

from collections.abc import Iterable
from datetime import datetime

from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.approval import Approval
from pratique.api.v1alpha1.environment import Environment
from pratique.api.v1alpha1.notifications import EventType, Notification
from pratique.core.gates.talk import thread
from pratique.core.kernel.identity import askers, is_among
from pratique.core.kernel.text import clean
from pratique.core.telling.addressing import is_failing, is_lost
from pratique.core.telling.recipients import name_of
from pratique.views.rows import Happened, Undelivered, Word

LINE = 512
TEXT = 2048


def asked_for(run: ActionRun, username: str) -> bool:
    """Whether a run is this person's: they asked, or it was asked on their behalf."""
    return is_among(username, askers(run.spec))


def lines(texts: Iterable[str]) -> tuple[str, ...]:
    """Return each text on one line of its own."""
    return tuple(line for each in texts if (line := clean(each, LINE)))


def undelivered(outbox: Iterable[Notification], *events: EventType) -> tuple[Undelivered, ...]:
    """Return the messages that did not reach their receiver, so far or for good; with `events`, those about them only."""
    return tuple(
        Undelivered(
            event=entry.event.value,
            channel=clean(entry.channel, LINE),
            to=clean(name_of(entry.recipient), LINE) if entry.recipient is not None else None,
            at=entry.at,
            state=entry.state.value,
            reason=clean(entry.error or "", LINE),
        )
        for entry in outbox
        if (is_lost(entry) or is_failing(entry)) and (not events or entry.event in events)
    )


def history(obj: ActionRun | Approval | Environment, since: datetime) -> tuple[Happened, ...]:
    """Return the timeline of an object, oldest first."""
    meta = obj.metadata
    return tuple(
        Happened(
            at=line.at,
            kind=obj.kind,
            namespace=meta.namespace or "",
            name=meta.name,
            event=clean(line.event, LINE),
            message=clean(line.message, TEXT),
            unread=line.at > since,
        )
        for line in obj.status.timeline
    )


def last_change(obj: ActionRun | Environment) -> datetime:
    """Return when something last happened to an object; its birth counts."""
    return max((line.at for line in obj.status.timeline), default=obj.metadata.creation_timestamp)


def place(obj: ActionRun | Approval | Environment) -> tuple[str, str]:
    """Return namespace and name: what equal rows are sorted by."""
    return obj.metadata.namespace or "", obj.metadata.name


def words(approval: Approval | None) -> tuple[Word, ...]:
    """Return what was asked and answered in a gate, oldest first."""
    said = thread(approval.spec) if approval is not None else []
    return tuple(Word(clean(each.by, LINE), each.answers, clean(each.text), each.at) for each in said)
