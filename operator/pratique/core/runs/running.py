"""Follows a run that is under way: asks its execution where it stands, and records that."""

from dataclasses import replace
from datetime import datetime

from pratique.api.v1alpha1.action_run import ActionRunStatus, Phase, RunPlan
from pratique.api.v1alpha1.meta import amend
from pratique.core.execution.advance import advance
from pratique.core.execution.ending import temporaries
from pratique.core.execution.rollback import begin_rollback, roll_back
from pratique.core.execution.standing import End
from pratique.core.gates.port import Warrant
from pratique.core.kernel.effects import Plan
from pratique.core.runs import transitions
from pratique.core.runs.finalizer import hold_first
from pratique.core.runs.snapshot import RunSnapshot

_ENDS = {End.MADE: Phase.SUCCEEDED, End.FAILED: Phase.FAILED}


def begin(snapshot: RunSnapshot, warrant: Warrant, now: datetime) -> Plan[ActionRunStatus]:
    """Start a run, and go on with it at once; or once its start is on record, where that must not be lost by a crash.

    What it does to an object that it rests on may change what it would be judged to do, so it must not be judged again.
    What it makes for a time, or may delete again, is found again by its plan and its start alone.
    """
    held = hold_first(snapshot.run, warrant.plan, snapshot.outcomes)
    if held is not None:
        return held
    begun = transitions.start(snapshot.run, warrant, now)
    if warrant.plan.rests_on_others or warrant.plan.rolls_back or temporaries(warrant.plan):
        return replace(begun, wake_at=now)
    return follow(snapshot, warrant.plan, begun.status, now).after_that(*begun.happened)


def go_on(snapshot: RunSnapshot, warrant: Warrant, now: datetime) -> Plan[ActionRunStatus]:
    """Go on with a run that was started on this ground."""
    return follow(snapshot, warrant.plan, snapshot.run.status, now)


def follow(snapshot: RunSnapshot, plan: RunPlan, status: ActionRunStatus, now: datetime) -> Plan[ActionRunStatus]:
    """Return the next status of a running run, or the effects that must come first."""
    run = amend(snapshot.run, status=status)
    if status.started_at is None:
        text = "status.startedAt of this run is gone: it is not known any more what was started; what was made stays"
        return transitions.end(run, Phase.FAILED, text, now, only_here=True)
    held = hold_first(run, plan, snapshot.outcomes)
    if held is not None:
        return held
    if status.rollback is not None and plan.rolls_back:  # what nobody approved, a status does not bring about
        at = roll_back(run, plan, status.rollback, snapshot.outcomes, now)
    else:
        at = advance(run, plan, status.started_at, snapshot.outcomes, now)
    if at.effects:
        return Plan(at.status, effects=at.effects)
    if at.end is End.FAILED and plan.rolls_back and status.rollback is None:
        return transitions.roll_back(run, begin_rollback(at.status, at.message, now), at.message, now)
    if at.end is not None:
        return transitions.end(amend(run, status=at.status), _ENDS[at.end], at.message, now)
    return Plan(transitions.progress(run, at.status, at.message, now), wake_at=at.wake_at, retry=at.retry)
