"""Decides how an Environment is made: its namespace, then what guards that, and who may work in it last. Pure.

A name that is taken is adopted only from this very Environment, made before a crash. `environment` is the only caller.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.environment import Environment, EnvironmentPhase, EnvironmentStatus
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.core.environments.objects import QUOTA, access, namespace, rails, unset_by_default
from pratique.core.environments.status import is_going, is_ours, namespace_ref, try_again, write
from pratique.core.environments.ttl import Judgement
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import Create, Failure, Json, ObjectRef, Outcomes, Plan, Read, Stored, object_of
from pratique.core.telling.wording import moment

_COUNTING, _COUNTING_LONG = timedelta(seconds=0.5), timedelta(seconds=30)
"""How long Kubernetes is given to count for a new quota before it is asked again, at first and at most."""


def make(environment: Environment, outcomes: Outcomes, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Make the namespace, then what guards it; who may work in it comes last, once all of that stands."""
    first = Create("namespace", namespace(environment))
    made = first.outcome(outcomes)
    if made is None:
        return Plan(environment.status, effects=(first,))
    obstacle = _obstacle(made, environment)
    if obstacle is not None:
        return _not_made(environment, obstacle, str(namespace_ref(environment)), at, now)
    live = object_of(made) or {}
    name, uid = environment.spec.target.namespace.name, live.get("metadata", {}).get("uid")
    environment = amend(environment, status=amend(environment.status, namespace=name, namespace_uid=uid))
    for manifests in (rails(environment), access(environment)):
        inner = [Create(f"make/{each['kind']}/{each['metadata']['name']}", each) for each in manifests]
        done = [(create.manifest, create.outcome(outcomes)) for create in inner]
        todo = tuple(create for create in inner if create.outcome(outcomes) is None)
        if todo:
            return Plan(environment.status, effects=todo)
        failed = _first_obstacle(done, environment)
        if failed is not None:
            return _not_made(environment, failed[1], failed[0], at, now)
        waits = _waits_for_quota(environment, outcomes, at, now)
        if waits is not None:
            return waits
    return _made(environment, at, now)


def _waits_for_quota(
    environment: Environment, outcomes: Outcomes, at: Judgement, now: datetime
) -> Plan[EnvironmentStatus] | None:
    """Wait until the quota is in force: Kubernetes lets everything in before it has counted for the first time."""
    if not environment.spec.target.quota:
        return None
    ref = ObjectRef("v1", "ResourceQuota", QUOTA, environment.spec.target.namespace.name)
    look = Read("quota", ref)
    found = look.outcome(outcomes)
    if found is None:
        return Plan(environment.status, effects=(look,))
    if isinstance(found, Failure):
        return _not_made(environment, replace(found, transient=True), f"ResourceQuota {QUOTA}", at, now)
    if (found.object.get("status") or {}).get("hard"):
        return None
    text = f"The quota of {namespace_ref(environment)} is not in force yet: nobody gets in before"
    waits = write(environment, EnvironmentPhase.CREATING, Reason.CREATING, text, now, expires_at=at.expires_at)
    pause = min(max(_COUNTING, (now - environment.metadata.creation_timestamp) / 10), _COUNTING_LONG)
    return replace(waits, wake_at=min(now + pause, at.next_end))


def _obstacle(made: Stored | Failure | None, environment: Environment) -> Failure | None:
    """Return why an object is not there; None if it is and is ours, made just now or before a crash."""
    if is_going(object_of(made)):
        return Failure("AlreadyExists", "an older one of that name is still being deleted", transient=True)
    if not isinstance(made, Failure) or is_ours(object_of(made), environment):
        return None
    if made.cause is Cause.MISSING or (made.reason == "AlreadyExists" and made.found is None):
        return replace(made, transient=True)
    return made


def _first_obstacle(
    inner: Iterable[tuple[Json, Stored | Failure | None]], environment: Environment
) -> tuple[str, Failure] | None:
    """Return the first object inside the namespace that is not there, and why; one that cannot be made ever comes first."""
    obstacles = [
        (f"{manifest['kind']} {manifest['metadata']['name']}", obstacle)
        for manifest, made in inner
        if (obstacle := _obstacle(made, environment)) is not None
    ]
    return min(obstacles, key=lambda each: each[1].transient, default=None)


def _not_made(
    environment: Environment, failure: Failure, what: str, at: Judgement, now: datetime
) -> Plan[EnvironmentStatus]:
    """Try again what may pass; otherwise fail, with what to do about it. What was made stays until the time is up."""
    ended = amend(environment, status=amend(environment.status, expires_at=at.expires_at))
    if failure.transient:
        again = try_again(ended, EnvironmentPhase.CREATING, f"{what} could not be made", failure, now)
        return replace(again, wake_at=at.next_end)
    if failure.reason == "AlreadyExists":
        reason = Reason.NAME_TAKEN
        text = f"{what} exists and was not made for this Environment: it is left as it is; choose another name"
    else:
        reason = Reason.FAILED
        text = f"{what} could not be made: {failure.message}; put that right, then create the Environment again"
    key = str(environment.metadata.generation)
    failed = write(ended, EnvironmentPhase.FAILED, reason, text, now, EventType.FAILED, key=key)
    return replace(failed, wake_at=at.next_end)


def _made(environment: Environment, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Record that it is there; a warning that is due already is given by the next look."""
    fresh = amend(environment, status=amend(environment.status, warned=[]))
    phase, ready, end = EnvironmentPhase.ACTIVE, EventType.ENVIRONMENT_READY, at.expires_at
    made = write(fresh, phase, Reason.ACTIVE, until(environment, at), now, ready, expires_at=end)
    return replace(made, wake_at=at.wake_at if at.warning is None else now)


def until(environment: Environment, at: Judgement) -> str:
    """Say until when it is there, and what its quota asks of pods that nothing gives them."""
    target = environment.spec.target
    text = f"Namespace {target.namespace.name} is there until {moment(at.expires_at)}"
    demanded = unset_by_default(target)
    if not demanded:
        return text
    return f"{text}; its quota refuses pods that do not set {' and '.join(demanded)}, since limits set none by default"
