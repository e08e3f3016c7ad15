"""Decides what becomes of an Environment: made, kept, warned of, ended, gone. Pure.

    Pending ─► Active ─► Expiring ─► Deleting ─► gone          Failed: somebody has to change something
                                         └─► Expired           where Git holds it

Only a namespace that carries this Environment's uid is ever adopted or deleted, and it is deleted by its own uid. The
finalizer goes when the namespace is really gone. What was made once is not made again, also when somebody else deletes its
namespace: then it is Failed. An Environment that is there costs no request, also after a restart.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.environment import Environment, EnvironmentPhase, EnvironmentStatus
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.environments.end import POLL, stay, take_down
from pratique.core.environments.git_marks import git_mark
from pratique.core.environments.held import stay_protected
from pratique.core.environments.make import make, until
from pratique.core.environments.status import (
    FINALIZER,
    MADE,
    namespace_ref,
    ref_of,
    set_finalizers,
    stands,
    try_again,
    write,
)
from pratique.core.environments.ttl import Judgement, Verdict, judge
from pratique.core.kernel.effects import Delete, Deliveries, Failure, Outcomes, Plan, Read, object_of
from pratique.core.kernel.happened import Happened
from pratique.core.telling.recipients import Routing, Stakeholders
from pratique.core.telling.recorder import decide_and_record
from pratique.core.telling.stakeholders import stakeholders_of_environment
from pratique.core.telling.wording import moment


@dataclass(frozen=True)
class EnvironmentSnapshot:
    """An Environment, and what was done for it in this look."""

    environment: Environment
    outcomes: Outcomes = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=dict)
    routing: Routing = field(default_factory=Routing)
    missing: bool = False
    """Whether the cache does not have its namespace as it was made: that may be news, or the cache is behind."""


def plan_environment(snapshot: EnvironmentSnapshot, now: datetime) -> Plan[EnvironmentStatus]:
    """Decide the next status of an Environment, what has to be done for it, and who is told what happened."""

    def stakeholders(after: EnvironmentStatus) -> Stakeholders:
        return stakeholders_of_environment(amend(snapshot.environment, status=after))

    return decide_and_record(
        snapshot.environment,
        snapshot.deliveries,
        lambda environment: _decide(environment, snapshot, now),
        stakeholders,
        snapshot.routing,
        now,
    )


def _decide(environment: Environment, snapshot: EnvironmentSnapshot, now: datetime) -> Plan[EnvironmentStatus]:
    """Decide, but end it and let it go in a look that writes nothing: both are tied to the version that was seen."""
    going = environment.metadata.deletion_timestamp is not None
    plan = take_down(environment, snapshot.outcomes, now) if going else _live(environment, snapshot, now)
    if plan.after and environment.status != snapshot.environment.status:
        return Plan(environment.status, wake_at=now)
    return plan


def _live(environment: Environment, snapshot: EnvironmentSnapshot, now: datetime) -> Plan[EnvironmentStatus]:
    outcomes = snapshot.outcomes
    if FINALIZER not in environment.metadata.finalizers:
        hold = set_finalizers(environment, [*environment.metadata.finalizers, FINALIZER], "hold")
        held = hold.outcome(outcomes)
        if held is None:
            return Plan(environment.status, effects=(hold,))
        if isinstance(held, Failure):
            return _not_held(environment, held, now)
    at = judge(environment, now)
    if at.verdict is Verdict.EXPIRE:
        return _expire(environment, outcomes, at, now)
    phase = environment.status.phase
    if phase in MADE and snapshot.missing:
        look = Read("look", namespace_ref(environment))
        found = look.outcome(outcomes)
        if found is None:
            return Plan(environment.status, effects=(look,))
        if isinstance(found, Failure) and found.reason != "NotFound":
            return Plan(environment.status, retry=True)
        if not stands(object_of(found), environment):
            return _gone(environment, at, now)
    if phase in MADE and at.verdict is Verdict.HOLD:
        return stay_protected(environment, at, now)
    if phase in MADE:
        return _keep(environment, at, now)
    if phase is EnvironmentPhase.FAILED and _was_gone(environment):
        return _gone(environment, at, now)
    if phase is EnvironmentPhase.FAILED and environment.status.observed_generation == environment.metadata.generation:
        return Plan(environment.status, wake_at=at.next_end)
    return make(environment, outcomes, at, now)


def _not_held(environment: Environment, failure: Failure, now: datetime) -> Plan[EnvironmentStatus]:
    """Make nothing that could be left behind. That somebody else was faster is no news."""
    if failure.reason in ("Conflict", "NotFound") or environment.status.phase is not EnvironmentPhase.PENDING:
        return Plan(environment.status, retry=True)
    return try_again(environment, EnvironmentPhase.CREATING, "The finalizer could not be set", failure, now)


def _keep(environment: Environment, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Warn when it is time; follow a ttl that was changed. Of a status that is right already nothing changes."""
    before = environment.status.expires_at
    near = bool(at.warned)
    phase, reason = (EnvironmentPhase.EXPIRING, Reason.EXPIRING) if near else (EnvironmentPhase.ACTIVE, Reason.ACTIVE)
    plan = write(environment, phase, reason, until(environment, at), now, expires_at=at.expires_at)
    plan = replace(plan, status=amend(plan.status, warned=list(at.warned)), wake_at=at.wake_at)
    shortened = before is not None and at.expires_at < before
    if before is not None and before != at.expires_at:
        word = "Shortened" if shortened else "Extended"
        plan = plan.and_that(Happened(f"From {moment(before)} to {moment(at.expires_at)}", word=word))
    if at.warning is not None or shortened:
        name = environment.spec.target.namespace.name
        text = f"Namespace {name} will be deleted at {moment(at.expires_at)}, with everything in it"
        text += f"; that was to be at {moment(before)}" if before is not None and shortened else ""
        key = f"{at.warning or 'shortened'}/{format_time(at.expires_at)}"
        plan = plan.and_that(Happened(text, (EventType.ENVIRONMENT_EXPIRING,), key=key))
    return plan


def _gone(environment: Environment, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Say that somebody deleted the namespace. It is not made again: what was in it would not come back."""
    name = environment.spec.target.namespace.name
    text = (
        f"Namespace {name} was deleted by somebody else, with everything in it: delete this Environment, create another"
    )
    phase, end = EnvironmentPhase.FAILED, at.expires_at
    gone = write(environment, phase, Reason.NAMESPACE_GONE, text, now, EventType.FAILED, key="gone", expires_at=end)
    return replace(gone, wake_at=at.next_end)


def _was_gone(environment: Environment) -> bool:
    return any(each.reason == Reason.NAMESPACE_GONE for each in environment.status.conditions)


def _expire(environment: Environment, outcomes: Outcomes, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Record the end; then delete the Environment itself, and its finalizer takes the namespace down.

    Between the two nothing can be lost: once the end is on record the API server refuses an extension, and what was changed
    before is a newer version than the one to be deleted. One that Git holds is not deleted, only its namespace is.
    """
    status = environment.status
    if status.phase not in (EnvironmentPhase.DELETING, EnvironmentPhase.EXPIRED):
        text = f"Its time was up at {moment(at.expires_at)}"
        phase, expired, when = EnvironmentPhase.DELETING, EventType.ENVIRONMENT_EXPIRED, at.expires_at
        ends = write(environment, phase, Reason.DELETING, text, now, expired, key=format_time(when), expires_at=when)
        return replace(ends, wake_at=now)
    mark = git_mark(environment.metadata.labels, environment.metadata.annotations)
    if mark is not None:
        return stay(environment, outcomes, mark, at.expires_at, now)
    metadata = environment.metadata
    end = Delete("end", ref_of(environment), metadata.uid, metadata.resource_version)
    return Plan(status, after=(end,), wake_at=now + POLL)
