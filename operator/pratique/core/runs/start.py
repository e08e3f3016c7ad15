"""Starts what was granted, if it still is what was approved: its Action and its dry runs are looked at again. Pure."""

from datetime import datetime

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRunStatus, Phase
from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import Planned, PlannedDeletion
from pratique.core.environments.ttl import expires_at
from pratique.core.execution.dry_run import Trial, Tried, try_plan
from pratique.core.execution.others import look_again
from pratique.core.execution.patience import POLL, allowed, mark
from pratique.core.execution.targets import Again
from pratique.core.gates.port import Warrant
from pratique.core.kernel.effects import Failure, ObjectRef, Plan, Read
from pratique.core.plans.differences import differences
from pratique.core.plans.requests import name_of_step
from pratique.core.runs import transitions
from pratique.core.runs.freeze import find_end, frozen_between, say_frozen
from pratique.core.runs.running import begin
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.telling.wording import moment, say_suspended

READ_ACTION = "action"
TRY = "try"
MAX_DIFFERENCES = 3


def start(snapshot: RunSnapshot, warrant: Warrant, now: datetime) -> Plan[ActionRunStatus]:
    """Start a granted run, or end it. The Action is read again, since a cache may be behind."""
    run, why = snapshot.run, warrant.why
    trial = try_plan(run, warrant.plan, snapshot.outcomes, TRY)
    look = Read(READ_ACTION, ObjectRef(API_VERSION, "Action", warrant.plan.action.name))
    read, again = look.outcome(snapshot.outcomes), look_again(run, warrant.plan, snapshot.outcomes)
    needed = (*trial.effects, *again.effects, *((look,) if read is None else ()))
    if read is None or needed:
        return Plan(run.status, effects=needed)
    if trial.begun:  # before a crash: it goes on, whatever has become of its Action
        return begin(snapshot, warrant, now)
    unread = read if isinstance(read, Failure) and read.reason != "NotFound" else None
    unknown = trial.transient or again.unknown or unread
    if unknown is not None:
        text = f"{why}. It starts once the API server has answered: {unknown.message}"
        return Plan(transitions.retry_start(run, text), retry=True)
    patience = None if again.different or not trial.problems else allowed(trial.failures, approved=True)
    if (lacks := mark(run.status, "", patience, now)) is not None:
        text = f"{why}. It cannot start yet, which may pass: {'; '.join(trial.problems)}"
        return Plan(amend(transitions.retry_start(run, text), held_up=lacks), wake_at=now + POLL)
    if run.spec.withdrawn:
        return transitions.end(run, Phase.WITHDRAWN, "The requester took it back before it started", now)
    action = None if isinstance(read, Failure) else Action.model_validate(read.object)
    different = _find_change(warrant, action, run.status.frozen_until, trial, again, now)
    if different is not None:
        return transitions.end(run, Phase.SUPERSEDED, different, now)
    frozen = find_end(action, now) if action is not None and not warrant.broken else None
    if action is not None and frozen is not None:
        return transitions.freeze(run, warrant, f"{why}. {say_frozen(action, now, frozen)}", frozen)
    if again.held is not None:
        text = f"{why}. It starts once what it rests on can be judged: {again.held}"
        return Plan(transitions.retry_start(run, text), retry=True)
    return begin(snapshot, warrant, now)


def start_free(snapshot: RunSnapshot, warrant: Warrant, now: datetime) -> Plan[ActionRunStatus]:
    """Start a run that nobody had to grant, once its Action is not frozen; it is judged anew then."""
    action = snapshot.action
    frozen = find_end(action, now) if action is not None else None
    if action is None or frozen is None:
        return begin(snapshot, warrant, now)
    text = say_frozen(action, now, frozen)
    held = transitions.hold(snapshot.run, Reason.FROZEN, text, now, stalled=False)
    return Plan(amend(held, frozen_until=frozen), wake_at=frozen)


def _start_by(warrant: Warrant, action: Action, frozen_until: datetime | None, now: datetime) -> datetime:
    """Return until when it may start: its time stands still in a freeze, also in one that somebody has taken away since."""
    since, length = warrant.granted_at or now, warrant.plan.start_deadline
    last = expires_at(since + frozen_between(action, since, now), length)
    return max(last, expires_at(min(now, frozen_until), length)) if frozen_until is not None else last


def _find_change(
    warrant: Warrant, action: Action | None, frozen_until: datetime | None, trial: Trial, again: Again, now: datetime
) -> str | None:
    """Return why what was granted must not start any more, or None."""
    granted, name = warrant.plan, warrant.plan.action.name
    if action is None:
        return f"The Action {name} was deleted while the request waited"
    if action.metadata.uid != granted.action.uid:
        return f"The Action {name} was deleted and made again while the request waited"
    if action.spec.suspend:
        return say_suspended(name)
    last = _start_by(warrant, action, frozen_until, now)
    if now >= last:
        return f"It was approved, and not started within {granted.start_deadline}, before {moment(last)}: ask again"
    if again.different is not None:
        return f"It was approved for something else: {again.different}"
    different = [text for planned, tried in trial.tried for text in _differences(planned, tried)]
    if different:
        listed = "; ".join(different[:MAX_DIFFERENCES])
        more = len(different) - MAX_DIFFERENCES
        return f"It would not do any more what was approved: {listed}" + (f"; and {more} more" if more > 0 else "")
    return None


def _differences(planned: Planned, tried: Tried) -> list[str]:
    """Return what a dry run shows now and did not show when it was approved. What could not be tried then, is not news."""
    what = name_of_step(planned)
    if tried.problem is not None and tried.problem.reason == "NotFound" and isinstance(planned, PlannedDeletion):
        return [f"{what}: is gone already: there is nothing left to delete"]
    if tried.problem is not None:
        return [f"{what}: the dry run is refused now: {tried.problem.message}"]
    return differences(planned, what, tried.dry_run)
