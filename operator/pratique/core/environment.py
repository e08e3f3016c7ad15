"""Decides what becomes of an Environment: made, kept, warned of, ended, gone. Pure.

    Pending ─► Active ─► Expiring ─► Deleting ─► gone          Failed: somebody has to change something

Only a namespace that carries this Environment's uid is ever adopted or deleted, and it is deleted by its own uid. The
finalizer goes when the namespace is really gone, so an Environment that is listed still exists.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.common import ConditionStatus, EventType, TimelineEntry
from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.environment import Environment, EnvironmentPhase, EnvironmentStatus
from pratique.core import notification
from pratique.core.conditions import set_kstatus
from pratique.core.effects import Create, Delete, Deliveries, Json, MergePatch, ObjectRef, Outcome, Outcomes, Plan, Read
from pratique.core.namespace_objects import ENVIRONMENT_UID_LABEL, contents, namespace
from pratique.core.text import clean
from pratique.core.ttl import Judgement, Verdict, judge
from pratique.core.wording import moment

FINALIZER = "pratique.dev/environment"
_POLL = timedelta(seconds=2)
_LAST_WORDS = timedelta(seconds=60)
_MADE = (EnvironmentPhase.ACTIVE, EnvironmentPhase.EXPIRING)


@dataclass(frozen=True)
class EnvironmentSnapshot:
    """An Environment, and what was done for it in this look."""

    environment: Environment
    outcomes: Outcomes = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=dict)


def plan_environment(snapshot: EnvironmentSnapshot, now: datetime) -> Plan[EnvironmentStatus]:
    """Decide the next status of an Environment and what has to be done for it."""
    environment = snapshot.environment
    outbox = notification.settle(list(environment.status.notifications), snapshot.deliveries, now)
    status = environment.status.model_copy(update={"notifications": outbox})
    seen = replace(snapshot, environment=environment.model_copy(update={"status": status}))
    plan = _decide(seen, now)
    wakes = [when for when in (plan.wake_at, notification.next_due(plan.status.notifications, now)) if when]
    return replace(plan, wake_at=min(wakes, default=None))


def _decide(snapshot: EnvironmentSnapshot, now: datetime) -> Plan[EnvironmentStatus]:
    environment = snapshot.environment
    if environment.metadata.deletion_timestamp is not None:
        return _take_down(snapshot, now)
    at = judge(environment, now)
    if at.verdict is Verdict.EXPIRE:
        return _expire(environment, at, now)
    if environment.status.phase is EnvironmentPhase.FAILED and _judged(environment):
        return Plan(environment.status, wake_at=at.expires_at)
    if environment.status.phase in _MADE:
        return _keep(environment, at, now)
    return _make(snapshot, at, now)


def _judged(environment: Environment) -> bool:
    return environment.status.observed_generation == environment.metadata.generation


def _make(snapshot: EnvironmentSnapshot, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Hold the Environment, then make the namespace, then what is in it."""
    environment, outcomes = snapshot.environment, snapshot.outcomes
    if FINALIZER not in environment.metadata.finalizers and "hold" not in outcomes:
        finalizers = [*environment.metadata.finalizers, FINALIZER]
        return Plan(environment.status, effects=(_set_finalizers(environment, finalizers, "hold"),))
    held = outcomes.get("hold")
    if held is not None and held.failure is not None:
        return Plan(environment.status, retry=True)
    made = outcomes.get("namespace")
    if made is None:
        return Plan(environment.status, effects=(Create("namespace", namespace(environment)),))
    if made.failure is not None and not _is_ours(made.object, environment):
        return _not_made(environment, made, f"Namespace {environment.spec.target.namespace.name}", at, now)
    inner = contents(environment)
    keys = [f"make/{manifest['kind']}/{manifest['metadata']['name']}" for manifest in inner]
    todo = tuple(Create(key, manifest) for key, manifest in zip(keys, inner, strict=True) if key not in outcomes)
    if todo:
        return Plan(environment.status, effects=todo)
    for key in keys:
        outcome = outcomes[key]
        if outcome.failure is not None and not _is_ours(outcome.object, environment):
            return _not_made(environment, outcome, key.removeprefix("make/").replace("/", " "), at, now)
    return _made(environment, made.object or {}, at, now)


def _is_ours(live: Json | None, environment: Environment) -> bool:
    labels = (live or {}).get("metadata", {}).get("labels") or {}
    return bool(labels.get(ENVIRONMENT_UID_LABEL) == environment.metadata.uid)


def _not_made(
    environment: Environment, outcome: Outcome, what: str, at: Judgement, now: datetime
) -> Plan[EnvironmentStatus]:
    failure = outcome.failure
    if failure is not None and failure.transient:
        status = _write(environment, EnvironmentPhase.CREATING, Reason.RETRYING, f"{what}: {failure.message}", now)
        return Plan(status, wake_at=at.expires_at, retry=True)
    if failure is not None and failure.reason == "AlreadyExists":
        text = f"{what} exists and was not made for this Environment: it is left as it is; choose another name"
        status = _write(environment, EnvironmentPhase.FAILED, Reason.NAME_TAKEN, text, now)
    else:
        text = f"{what} could not be made: {failure.message if failure else ''}"
        status = _write(environment, EnvironmentPhase.FAILED, Reason.FAILED, text, now)
    return Plan(_tell(environment, status, EventType.FAILED, status.message, now), wake_at=at.expires_at)


def _made(environment: Environment, live: Json, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    name = environment.spec.target.namespace.name
    text = f"Namespace {name} is there until {moment(at.expires_at)}"
    status = _write(environment, EnvironmentPhase.ACTIVE, Reason.ACTIVE, text, now).model_copy(
        update={
            "namespace": name,
            "namespace_uid": str(live.get("metadata", {}).get("uid", "")),
            "expires_at": at.expires_at,
            "warned": list(at.warned),
        }
    )
    return Plan(_tell(environment, status, EventType.ENVIRONMENT_READY, text, now), wake_at=at.wake_at)


def _keep(environment: Environment, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Warn when it is time; follow a ttl that was raised."""
    status = environment.status
    name = environment.spec.target.namespace.name
    text = f"Namespace {name} is there until {moment(at.expires_at)}"
    changed = status.expires_at != at.expires_at or not _judged(environment)
    if at.warning is None and not changed:
        return Plan(status, wake_at=at.wake_at)
    phase, reason = (
        (EnvironmentPhase.EXPIRING, Reason.EXPIRING) if at.warned else (EnvironmentPhase.ACTIVE, Reason.ACTIVE)
    )
    status = _write(environment, phase, reason, text, now)
    status = status.model_copy(update={"expires_at": at.expires_at, "warned": list(at.warned)})
    if at.warning is not None:
        note = f"{name} ends in {at.warning}, at {moment(at.expires_at)}"
        key = f"{at.warning}@{int(at.expires_at.timestamp())}"
        status = _tell(environment, status, EventType.ENVIRONMENT_EXPIRING, note, now, key=key)
    return Plan(status, wake_at=at.wake_at)


def _expire(environment: Environment, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Record the end, then delete the Environment itself; its finalizer takes the namespace down."""
    text = f"Its time was up at {moment(at.expires_at)}"
    status = environment.status
    if status.phase is not EnvironmentPhase.DELETING:
        status = _write(environment, EnvironmentPhase.DELETING, Reason.DELETING, text, now)
        status = status.model_copy(update={"expires_at": at.expires_at})
        status = _tell(environment, status, EventType.ENVIRONMENT_EXPIRED, text, now)
    return Plan(status, after=(Delete("end", _ref(environment), environment.metadata.uid),), wake_at=now + _POLL)


def _take_down(snapshot: EnvironmentSnapshot, now: datetime) -> Plan[EnvironmentStatus]:
    """Delete the namespace by its uid, wait until it is gone, then let the Environment go."""
    environment, outcomes = snapshot.environment, snapshot.outcomes
    status = environment.status
    if FINALIZER not in environment.metadata.finalizers:
        return Plan(status)
    found = outcomes.get("find")
    if found is None:
        ref = ObjectRef("v1", "Namespace", environment.spec.target.namespace.name)
        return Plan(status, effects=(Read("find", ref),))
    if found.failure is not None and found.failure.reason != "NotFound":
        return Plan(status, retry=True)
    live = found.object
    if live is None or not _is_ours(live, environment):
        return _let_go(environment, now)
    if status.phase is not EnvironmentPhase.DELETING:
        status = _write(environment, EnvironmentPhase.DELETING, Reason.DELETING, "The namespace is going", now)
    if live["metadata"].get("deletionTimestamp"):
        return Plan(status, wake_at=now + _POLL)
    ref = ObjectRef("v1", "Namespace", live["metadata"]["name"])
    return Plan(status, after=(Delete("namespace", ref, live["metadata"]["uid"]),), wake_at=now + _POLL)


def _let_go(environment: Environment, now: datetime) -> Plan[EnvironmentStatus]:
    """Remove the finalizer; what is still to be told is waited for a minute, and no longer."""
    status = environment.status
    deleted = environment.metadata.deletion_timestamp or now
    if notification.has_pending(list(status.notifications)) and now < deleted + _LAST_WORDS:
        return Plan(status, wake_at=min(now + _POLL, deleted + _LAST_WORDS))
    rest = [finalizer for finalizer in environment.metadata.finalizers if finalizer != FINALIZER]
    return Plan(status, after=(_set_finalizers(environment, rest, "let-go"),), wake_at=now + _POLL)


def _set_finalizers(environment: Environment, finalizers: list[str], key: str) -> MergePatch:
    return MergePatch(key, _ref(environment), environment.metadata.uid, {"metadata": {"finalizers": finalizers}})


def _ref(environment: Environment) -> ObjectRef:
    return ObjectRef(API_VERSION, "Environment", environment.metadata.name, environment.metadata.namespace)


def _write(
    environment: Environment, phase: EnvironmentPhase, reason: Reason, message: str, now: datetime
) -> EnvironmentStatus:
    text, status = clean(message, 2048), environment.status
    ready = ConditionStatus.TRUE if phase in _MADE else ConditionStatus.FALSE
    conditions = set_kstatus(
        list(status.conditions),
        ready=ready,
        reconciling=phase in (EnvironmentPhase.CREATING, EnvironmentPhase.DELETING),
        stalled=phase is EnvironmentPhase.FAILED,
        reason=reason,
        message=text,
        now=now,
        generation=environment.metadata.generation,
    )
    timeline = list(status.timeline)
    if phase is not status.phase:
        timeline = [*timeline, TimelineEntry(at=now, event=phase.value, message=clean(text, 1024))][-32:]
    return status.model_copy(
        update={
            "phase": phase,
            "message": text,
            "conditions": conditions,
            "timeline": timeline,
            "observed_generation": environment.metadata.generation,
        }
    )


def _tell(
    environment: Environment, status: EnvironmentStatus, event: EventType, message: str, now: datetime, *, key: str = ""
) -> EnvironmentStatus:
    rules = environment.spec.notifications
    outbox = notification.record(list(status.notifications), event, now, message, rules, key=key)
    return status.model_copy(update={"notifications": outbox})
