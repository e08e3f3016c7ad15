"""Decides what is in somebody's inbox: what waits for them, what they decided, and what happened to theirs. Pure.

All of it is derived from the objects, so it is there when every channel is silent, and says which messages did not
arrive. It shows what its caller was let read, and must not widen that. Called by `pratique inbox`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.approval import Approval
from pratique.api.v1alpha1.environment import Environment
from pratique.views.gates import decided, gates_of, waiting
from pratique.views.mine import environment_row, lives_for, run_row
from pratique.views.rows import Decided, Env, Happened, Inbox, LeftOut, Unseen, Viewer
from pratique.views.told import asked_for, history, last_change, place

MOST = 100


@dataclass(frozen=True)
class Seen:
    """The objects that somebody may read; `unseen` is what could not be looked at."""

    runs: tuple[ActionRun, ...] = ()
    approvals: tuple[Approval, ...] = ()
    environments: tuple[Environment, ...] = ()
    unseen: tuple[Unseen, ...] = ()


def inbox(
    seen: Seen, viewer: Viewer, now: datetime, since: datetime, *, most: int = MOST, kubectl: str = "kubectl"
) -> Inbox:
    """Return the inbox of `viewer`. What is open is all in it; of what has ended, the newest `most` of each sort."""
    by_uid = {run.metadata.uid: run for run in seen.runs}
    gates = {place(approval): approval for approval in seen.approvals}
    mine = [run for run in seen.runs if asked_for(run, viewer.username)]
    environments = [each for each in seen.environments if lives_for(each, viewer.username, mine)]
    open_gates = gates_of(seen.approvals, viewer, now)
    said = _newest_first(
        row for each in seen.approvals if (row := decided(each, by_uid, viewer, now, since, kubectl)) is not None
    )
    still_open, ended = _by_age(mine)
    uids = {run.metadata.uid for run in mine}
    events = _merged([*mine, *environments, *(each for each in seen.approvals if each.spec.subject.uid in uids)], since)
    return Inbox(
        viewer=viewer,
        at=now,
        since=since,
        waiting=tuple(waiting(each, by_uid, viewer, now, since, kubectl) for each in open_gates),
        decided=tuple(said[:most]),
        runs=tuple(run_row(each, gates, since, viewer, kubectl) for each in (*still_open, *ended[:most])),
        environments=tuple(sorted((environment_row(each, since) for each in environments), key=_end)),
        events=tuple(events[:most]),
        left_out=LeftOut(_beyond(said, most), _beyond(ended, most), _beyond(events, most)),
        unseen=seen.unseen,
    )


def _newest_first(decisions: Iterable[Decided]) -> list[Decided]:
    """Return the gates that somebody decided: those that still wait for others first, then the newest."""
    rows = sorted(decisions, key=lambda row: (row.namespace, row.approval))
    rows.sort(key=lambda row: row.ended_at or row.at, reverse=True)
    return sorted(rows, key=lambda row: row.ended_at is not None)


def _by_age(runs: list[ActionRun]) -> tuple[list[ActionRun], list[ActionRun]]:
    """Return the runs that are open, and those that have ended; the one to which something happened last is first."""
    newest = sorted(sorted(runs, key=place), key=last_change, reverse=True)
    return [run for run in newest if not run.status.phase.is_end], [run for run in newest if run.status.phase.is_end]


def _merged(objects: Iterable[ActionRun | Approval | Environment], since: datetime) -> list[Happened]:
    """Return all timelines as one, newest first. Within a second the order of each timeline is kept."""
    lines = [(line, at) for obj in sorted(objects, key=place) for at, line in enumerate(history(obj, since))]
    return [line for line, at in sorted(lines, key=lambda each: (each[0].at, each[1]), reverse=True)]


def _end(row: Env) -> tuple[datetime, str, str]:
    return row.ends_at, row.namespace, row.name


def _beyond(rows: list[Any], most: int) -> int:
    return max(len(rows) - most, 0)
