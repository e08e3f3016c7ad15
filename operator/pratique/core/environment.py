"""Decides what becomes of an Environment: made, kept, warned of, ended, gone. Pure.

    Pending ─► Active ─► Expiring ─► Deleting ─► gone          Failed: somebody has to change something

Only a namespace that carries this Environment's uid is ever adopted or deleted, and it is deleted by its own uid. The
finalizer goes when the namespace is really gone, so an Environment that is listed still exists. What was made once is not
made again: an Environment that is there costs no request, also after a restart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pratique.api.v1alpha1.common import EventType, format_time
from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.environment import Environment, EnvironmentPhase, EnvironmentStatus
from pratique.core import notification
from pratique.core.addressing import addressed
from pratique.core.answers import Cause
from pratique.core.concerned import by_environment
from pratique.core.effects import Create, Delete, Deliveries, Failure, Json, Outcome, Outcomes, Plan
from pratique.core.environment_end import POLL, take_down
from pratique.core.environment_status import (
    FINALIZER,
    MADE,
    is_going,
    is_ours,
    namespace_ref,
    note,
    ref_of,
    set_finalizers,
    tell,
    try_again,
    write,
)
from pratique.core.namespace_objects import contents, namespace
from pratique.core.recipients import Routing
from pratique.core.ttl import Judgement, Verdict, judge
from pratique.core.wording import moment


@dataclass(frozen=True)
class EnvironmentSnapshot:
    """An Environment, and what was done for it in this look."""

    environment: Environment
    outcomes: Outcomes = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=dict)
    routing: Routing = field(default_factory=Routing)


def plan_environment(snapshot: EnvironmentSnapshot, now: datetime) -> Plan[EnvironmentStatus]:
    """Decide the next status of an Environment and what has to be done for it."""
    before = snapshot.environment
    outbox = notification.settle(list(before.status.notifications), snapshot.deliveries, now)
    status = before.status.model_copy(update={"notifications": outbox})
    environment = before.model_copy(update={"status": status})
    if before.metadata.deletion_timestamp is None:
        plan = _decide(environment, snapshot.outcomes, now)
    elif status != before.status:
        # Letting go is tied to the version that was seen, so marks are written in a look of their own.
        plan = Plan(status, wake_at=now)
    else:
        plan = take_down(environment, snapshot.outcomes, now)
    told = _addressed(snapshot, plan.status, now)
    wakes = [when for when in (plan.wake_at, notification.next_due(told.notifications, now)) if when]
    return replace(plan, status=told, wake_at=min(wakes, default=None))


def _addressed(snapshot: EnvironmentSnapshot, after: EnvironmentStatus, now: datetime) -> EnvironmentStatus:
    before = snapshot.environment.status.notifications
    if after.notifications == before:
        return after
    concerned = by_environment(snapshot.environment.model_copy(update={"status": after}))
    outbox = addressed(list(before), list(after.notifications), concerned, snapshot.routing, now)
    return after.model_copy(update={"notifications": outbox})


def _decide(environment: Environment, outcomes: Outcomes, now: datetime) -> Plan[EnvironmentStatus]:
    if FINALIZER not in environment.metadata.finalizers:
        held = outcomes.get("hold")
        if held is None:
            finalizers = [*environment.metadata.finalizers, FINALIZER]
            return Plan(environment.status, effects=(set_finalizers(environment, finalizers, "hold"),))
        if held.failure is not None:
            return _not_held(environment, held.failure, now)
    at = judge(environment, now)
    if at.verdict is Verdict.EXPIRE:
        return _expire(environment, at, now)
    phase = environment.status.phase
    if phase in MADE:
        return _keep(environment, at, now)
    if phase is EnvironmentPhase.FAILED and environment.status.observed_generation == environment.metadata.generation:
        return Plan(environment.status, wake_at=at.expires_at)
    return _make(environment, outcomes, at, now)


def _not_held(environment: Environment, failure: Failure, now: datetime) -> Plan[EnvironmentStatus]:
    """Make nothing that could be left behind. That somebody else was faster is no news."""
    if failure.reason in ("Conflict", "NotFound") or environment.status.phase is not EnvironmentPhase.PENDING:
        return Plan(environment.status, retry=True)
    return try_again(environment, EnvironmentPhase.CREATING, "The finalizer could not be set", failure, now)


def _make(environment: Environment, outcomes: Outcomes, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Make the namespace, then what is in it."""
    made = outcomes.get("namespace")
    if made is None:
        return Plan(environment.status, effects=(Create("namespace", namespace(environment)),))
    obstacle = _obstacle(made, environment)
    if obstacle is not None:
        return _not_made(environment, obstacle, str(namespace_ref(environment)), at, now)
    inner = {f"make/{each['kind']}/{each['metadata']['name']}": each for each in contents(environment)}
    todo = tuple(Create(key, manifest) for key, manifest in inner.items() if key not in outcomes)
    if todo:
        return Plan(environment.status, effects=todo)
    live = made.object or {}
    known = {"namespace": environment.spec.target.namespace.name, "namespace_uid": live.get("metadata", {}).get("uid")}
    environment = environment.model_copy(update={"status": environment.status.model_copy(update=known)})
    failed = _first_obstacle(inner, outcomes, environment)
    if failed is not None:
        return _not_made(environment, failed[1], failed[0], at, now)
    return _made(environment, at, now)


def _obstacle(outcome: Outcome, environment: Environment) -> Failure | None:
    """Return why an object is not there; None if it is and is ours, made just now or before a crash."""
    if is_going(outcome.object):
        return Failure("AlreadyExists", "an older one of that name is still being deleted", transient=True)
    if outcome.failure is None or is_ours(outcome.object, environment):
        return None
    if outcome.failure.cause is Cause.MISSING or (outcome.failure.reason == "AlreadyExists" and outcome.object is None):
        return replace(outcome.failure, transient=True)
    return outcome.failure


def _first_obstacle(
    inner: Mapping[str, Json], outcomes: Outcomes, environment: Environment
) -> tuple[str, Failure] | None:
    """Return the first object inside the namespace that is not there, and why; one that cannot be made ever comes first."""
    obstacles = [
        (f"{manifest['kind']} {manifest['metadata']['name']}", obstacle)
        for key, manifest in inner.items()
        if (obstacle := _obstacle(outcomes[key], environment)) is not None
    ]
    return min(obstacles, key=lambda each: each[1].transient, default=None)


def _not_made(
    environment: Environment, failure: Failure, what: str, at: Judgement, now: datetime
) -> Plan[EnvironmentStatus]:
    """Try again what may pass; otherwise fail, with what to do about it. What was made stays until the time is up."""
    ended = environment.model_copy(
        update={"status": environment.status.model_copy(update={"expires_at": at.expires_at})}
    )
    if failure.transient:
        again = try_again(ended, EnvironmentPhase.CREATING, f"{what} could not be made", failure, now)
        return replace(again, wake_at=at.expires_at)
    if failure.reason == "AlreadyExists":
        text = f"{what} exists and was not made for this Environment: it is left as it is; choose another name"
        status = write(ended, EnvironmentPhase.FAILED, Reason.NAME_TAKEN, text, now)
    else:
        text = f"{what} could not be made: {failure.message}; put that right, then create the Environment again"
        status = write(ended, EnvironmentPhase.FAILED, Reason.FAILED, text, now)
    status = tell(environment, status, EventType.FAILED, status.message, now, key=str(environment.metadata.generation))
    return Plan(status, wake_at=at.expires_at)


def _made(environment: Environment, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Record that it is there; a warning that is due already is given by the next look."""
    text = _until(environment, at)
    status = write(environment, EnvironmentPhase.ACTIVE, Reason.ACTIVE, text, now)
    status = status.model_copy(update={"expires_at": at.expires_at, "warned": []})
    status = tell(environment, status, EventType.ENVIRONMENT_READY, text, now)
    return Plan(status, wake_at=at.wake_at if at.warning is None else now)


def _keep(environment: Environment, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Warn when it is time; follow a ttl that was changed. Of a status that is right already nothing changes."""
    before = environment.status.expires_at
    near = bool(at.warned)
    phase, reason = (EnvironmentPhase.EXPIRING, Reason.EXPIRING) if near else (EnvironmentPhase.ACTIVE, Reason.ACTIVE)
    status = write(environment, phase, reason, _until(environment, at), now)
    status = status.model_copy(update={"expires_at": at.expires_at, "warned": list(at.warned)})
    if before is not None and before != at.expires_at:
        event = "Extended" if at.expires_at > before else "Shortened"
        status = note(status, event, f"From {moment(before)} to {moment(at.expires_at)}", now)
    if at.warning is not None:
        name = environment.spec.target.namespace.name
        text = f"Namespace {name} will be deleted at {moment(at.expires_at)}, with everything in it"
        key = f"{at.warning}/{format_time(at.expires_at)}"
        status = tell(environment, status, EventType.ENVIRONMENT_EXPIRING, text, now, key=key)
    return Plan(status, wake_at=at.wake_at)


def _until(environment: Environment, at: Judgement) -> str:
    return f"Namespace {environment.spec.target.namespace.name} is there until {moment(at.expires_at)}"


def _expire(environment: Environment, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Record the end, then delete the Environment itself; its finalizer takes the namespace down."""
    status = environment.status
    if status.phase is not EnvironmentPhase.DELETING:
        text = f"Its time was up at {moment(at.expires_at)}"
        status = write(environment, EnvironmentPhase.DELETING, Reason.DELETING, text, now)
        status = status.model_copy(update={"expires_at": at.expires_at})
        key = format_time(at.expires_at)
        status = tell(environment, status, EventType.ENVIRONMENT_EXPIRED, text, now, key=key)
    return Plan(status, after=(Delete("end", ref_of(environment), environment.metadata.uid),), wake_at=now + POLL)
