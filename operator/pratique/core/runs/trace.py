"""Makes one trace of a run that has ended, from what its status says of when what happened. Pure.

Its ids follow from the run's uid alone: whoever makes it, before or after a restart, makes the same one; and whoever knows
the run knows the trace. It holds names and words of ours, nothing that people wrote: no inputs, reasons, comments, users.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.api.v1alpha1.status import TimelineEntry

_PARTS = {
    Phase.WAITING_FOR_APPROVAL.value: "held",
    Phase.RUNNING.value: "made",
    "Frozen": "frozen",
    "RollingBack": "rolled back",
}
"""What begins with a line of the timeline; with any other, the run is judged further."""
_JUDGED = "judged"
_BAD = (Phase.FAILED,)


@dataclass(frozen=True)
class Span:
    """One length of time; `parent` is empty for that of the whole run."""

    trace_id: str
    span_id: str
    parent: str
    name: str
    begins: datetime
    ends: datetime
    attributes: dict[str, str | int]
    events: tuple[tuple[datetime, str], ...] = ()
    failed: bool = False


def trace_id(uid: str) -> str:
    """Return the id of a run's trace: its uid without hyphens, 32 digits; of what is no UUID, its hash."""
    try:
        found = UUID(uid).hex
    except ValueError:
        found = ""
    return found if found.strip("0") else sha256(uid.encode()).hexdigest()[:32]


def spans_of(run: ActionRun) -> tuple[Span, ...]:
    """Return the trace of a run that has ended: the whole of it first, then its parts one after the other."""
    uid, status = run.metadata.uid, run.status
    lines = [each for each in status.timeline if each.event]
    begins = run.metadata.creation_timestamp
    ends = max([begins, status.finished_at or begins, *(each.at for each in lines)])
    root = Span(
        trace_id(uid),
        _span_id(uid, 0),
        "",
        f"ActionRun {run.spec.action_ref.name}",
        begins,
        ends,
        _attributes(run),
        tuple((each.at, each.event) for each in lines),
        status.phase in _BAD,
    )
    return (root, *_parts(root, uid, lines))


def _parts(root: Span, uid: str, lines: list[TimelineEntry]) -> Iterator[Span]:
    name, since = _JUDGED, root.begins
    for number, line in enumerate(lines, 1):
        until = max(since, line.at)
        found: dict[str, str | int] = {"pratique.outcome": line.event}
        yield Span(root.trace_id, _span_id(uid, number), root.span_id, name, since, until, found)
        name, since = _PARTS.get(line.event, _JUDGED), until


def _attributes(run: ActionRun) -> dict[str, str | int]:
    status = run.status
    return {
        "k8s.namespace.name": run.metadata.namespace or "",
        "pratique.run.name": run.metadata.name,
        "pratique.run.uid": run.metadata.uid,
        "pratique.action": run.spec.action_ref.name,
        "pratique.phase": status.phase.value,
        "pratique.gates": len(status.approvals),
        "pratique.resources": len(status.resources),
        "pratique.calls": len(status.requests),
    }


def _span_id(uid: str, number: int) -> str:
    return sha256(f"{uid}/{number}".encode()).hexdigest()[:16]
