"""Ends what a run made for a time (`expiresAfter`): which objects, and by what request. Pure.

Deleted is the very object that was recorded when it was made, by its uid, as the account that made it, and nothing else:
neither its annotations nor who edited it meanwhile play a part, and a namesake is not touched. Whether that may be done,
and what is told of it, `runs.ending` decides, the only caller beside `advance` and `dry_run`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRun, RunPlan, RunResource
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.api.v1alpha1.planned import PlannedResource, PlannedTemporary
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.environments.ttl import expires_at
from pratique.core.execution.adoption import DRIFT, is_made_by, is_older, ref_of, uid_of
from pratique.core.execution.awaiting import name_of_resource
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import AnyEffect, Failure, Json, ObjectRef, Outcomes, Stored
from pratique.core.kernel.ending import DeleteAs, FindToEnd, MayDelete
from pratique.core.kernel.text import clean
from pratique.core.plans.objects import RUN_UID_LABEL

EXPIRES_AT = "pratique.dev/expires-at"
"""The annotation on what was made by which people see its end, by the operator's clock. It decides nothing."""
_POLL, _LAST_POLL = timedelta(seconds=2), timedelta(hours=1)
_HANGS = timedelta(minutes=1)
"""How long something may be going before people are told that it does not go."""
_GONE = ("NotFound", "UnknownKind")


def try_end(
    planned: PlannedResource, account: ServiceAccountRef, outcomes: Outcomes, key: str, *, rolls_back: bool = False
) -> MayDelete | Failure | None:
    """Return the question whether the account may end an object, or why it could not; None if it may, or it stays."""
    if not isinstance(planned, PlannedTemporary) and not rolls_back:
        return None
    ask = MayDelete(key, ref_of(planned.manifest), account)
    lacks = ask.outcome(outcomes)
    if lacks is None:
        return ask
    if isinstance(lacks, Failure):
        return lacks
    if not lacks:
        return None
    if isinstance(planned, PlannedTemporary):
        what = f"it could not be ended after {planned.expires_after}"
    else:
        what = "it could not be deleted again if the run fails (onFailure: Rollback)"
    why = f"{what}: {account.namespace}/{account.name} lacks {lacks}"
    return Failure("Forbidden", why, cause=Cause.RIGHTS)


def with_end_shown(manifest: Json, planned: PlannedResource, now: datetime) -> Json:
    """Return an object as it is created, with its end for people to see; it is no part of the plan, and is not compared."""
    if not isinstance(planned, PlannedTemporary):
        return manifest
    metadata = manifest["metadata"]
    shown = {EXPIRES_AT: format_time(expires_at(now, planned.expires_after))}
    return {**manifest, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), **shown}}}


def keep_for_a_time(resource: RunResource, planned: PlannedResource, live: Json, now: datetime) -> RunResource:
    """Return the record of an object with its end: from when the API server says that it was made."""
    if not isinstance(planned, PlannedTemporary):
        return resource
    return amend(resource, held=True, expires_at=end_of(planned, live, now))


def end_of(planned: PlannedTemporary, live: Json, now: datetime) -> datetime:
    """Return when an object ends."""
    made = (live.get("metadata") or {}).get("creationTimestamp")
    return expires_at(datetime.fromisoformat(made) if isinstance(made, str) else now, planned.expires_after)


def temporaries(plan: RunPlan) -> dict[str, PlannedTemporary]:
    """Return what of a plan is made for a time, by its id."""
    return {each.id: each for each in plan.resources if isinstance(each, PlannedTemporary)}


def is_due(resource: RunResource, planned: PlannedTemporary | None, now: datetime) -> bool:
    """Whether an object is to be looked at, since its time is up, or since its end cannot be so far away: it was forged."""
    if resource.expires_at is None or resource.expires_at <= now:
        return resource.expires_at is not None
    return planned is not None and resource.expires_at > expires_at(now + DRIFT, planned.expires_after)


def unended(resources: Sequence[RunResource]) -> list[RunResource]:
    """Return the objects that have still to end, the last that was made first."""
    return [each for each in reversed(resources) if each.held and each.expires_at is not None]


@dataclass(frozen=True)
class Basis:
    """By what it is known what a run made: its proven plan; or its status, where that is `guarded`: nobody forged it."""

    account: str
    planned: Mapping[str, PlannedTemporary] = field(default_factory=dict)
    guarded: bool = False


@dataclass(frozen=True)
class Ends:
    """What became of objects that were to end: effects that must come first, or all objects of the run as they are now."""

    resources: Sequence[RunResource] = ()
    effects: tuple[AnyEffect, ...] = ()
    gone: tuple[RunResource, ...] = ()
    problems: tuple[str, ...] = ()
    """What could not be ended, and why, as sentences."""
    news: tuple[str, ...] = ()
    """Those of them that people were not told of yet."""
    proven: bool = True
    """False where it was answered that it is not proven what the run made; nothing of it was deleted then."""
    unknown: tuple[str, ...] = ()
    """What may be there and cannot be looked for, by its id."""
    wake_at: datetime | None = None
    retry: bool = False

    def beside(self, found: "Ends") -> "Ends":
        """Return this with what was found when unrecorded objects were looked for."""
        return replace(
            self,
            problems=(*found.problems, *self.problems),
            news=(*found.news, *self.news),
            unknown=found.unknown,
            wake_at=min((each for each in (found.wake_at, self.wake_at) if each is not None), default=None),
            retry=found.retry or self.retry,
        )


@dataclass(frozen=True)
class _State:
    """Where one object stands."""

    resource: RunResource
    effect: AnyEffect | None = None
    problem: str = ""
    news: bool = False
    wake_at: datetime | None = None
    retry: bool = False


def find_unrecorded(
    run: ActionRun, plan: RunPlan, resources: Sequence[RunResource], outcomes: Outcomes, now: datetime
) -> Ends:
    """Look for what was made for a time just before a crash, and never put on record: it carries the run's mark.

    A record without an end is none: a version before this has written it anew, or it could not be looked for before.
    """
    known, account = {each.id: each for each in resources}, plan.service_account_ref.username
    effects, states, retry = list[AnyEffect](), list[_State](), False
    for planned in temporaries(plan).values():
        record = known.get(planned.id)
        if record is not None and (record.expires_at is not None or not record.held):
            continue
        ref = ref_of(planned.manifest)
        read = FindToEnd(f"end/find/{planned.id}", ref, account)
        seen = read.outcome(outcomes)
        if seen is None:
            effects.append(read)
        elif isinstance(seen, Failure) and seen.transient:
            retry = True
        elif isinstance(seen, Failure) and seen.reason not in _GONE:
            states.append(_refused(record or _record(planned.id, ref, {}), seen.message, now))
            known[planned.id] = amend(states[-1].resource, held=True)
        elif isinstance(seen, Failure) or not is_made_by(run, planned, seen.object):
            known.pop(planned.id, None)
        else:
            found = _record(planned.id, ref, seen.object)
            known[planned.id] = keep_for_a_time(found, planned, seen.object, now)
    return Ends(
        list(known.values()),
        tuple(effects),
        problems=tuple(each.problem for each in states),
        news=tuple(each.problem for each in states if each.news),
        unknown=tuple(each.resource.id for each in states),
        wake_at=min((each.wake_at for each in states if each.wake_at), default=None),
        retry=retry,
    )


def _record(name: str, ref: ObjectRef, live: Json) -> RunResource:
    return RunResource(
        id=name, api_version=ref.api_version, kind=ref.kind, namespace=ref.namespace, name=ref.name, uid=uid_of(live)
    )


def end_objects(
    run: ActionRun,
    resources: Sequence[RunResource],
    which: Collection[str],
    basis: Basis,
    outcomes: Outcomes,
    now: datetime,
    *,
    at_once: bool = False,
) -> Ends:
    """End those of these ids, the last that was made first. One that does not go keeps no other alive."""
    states = dict[str, _State]()
    for resource in unended(resources):
        if resource.id not in which:
            continue
        state = _end(run, resource, basis, outcomes, now, at_once=at_once)
        if state.effect is not None:
            return Ends(resources, effects=(state.effect,))
        states[resource.id] = state
    after = [states[each.id].resource if each.id in states else each for each in resources]
    return Ends(
        after,
        gone=tuple(each.resource for each in states.values() if each.resource.ended_at is not None),
        problems=tuple(each.problem for each in states.values() if each.problem),
        news=tuple(each.problem for each in states.values() if each.news),
        wake_at=min((each.wake_at for each in states.values() if each.wake_at), default=None),
        retry=any(each.retry for each in states.values()),
    )


def _end(
    run: ActionRun, resource: RunResource, basis: Basis, outcomes: Outcomes, now: datetime, *, at_once: bool
) -> _State:
    ref = ObjectRef(resource.api_version, resource.kind, resource.name, resource.namespace)
    if not basis.guarded:
        planned = basis.planned.get(resource.id)
        if planned is None or ref_of(planned.manifest) != ref:
            return _refused(resource, "it is not what the plan makes for a time, so it is not deleted", now)
        checked = _check(run, resource, planned, basis, outcomes, now)
        if isinstance(checked, _State):
            return checked
        resource = checked
    if not at_once and resource.expires_at is not None and now < resource.expires_at:
        return _State(resource, wake_at=resource.expires_at)
    delete = DeleteAs(f"end/{resource.id}", ref, resource.uid, basis.account)
    deleted = delete.outcome(outcomes)
    if deleted is None:
        return _State(resource, delete)
    if isinstance(deleted, Failure):
        return _unless_gone(resource, deleted, now)
    return _going(resource, deleted, now)


def _check(
    run: ActionRun, resource: RunResource, planned: PlannedTemporary, basis: Basis, outcomes: Outcomes, now: datetime
) -> RunResource | _State:
    """Look whether the object is the one that this run made, since its status alone does not prove that."""
    read = FindToEnd(f"end/check/{resource.id}", ref_of(planned.manifest), basis.account)
    seen = read.outcome(outcomes)
    if seen is None:
        return _State(resource, read)
    if isinstance(seen, Failure):
        return _unless_gone(resource, seen, now)
    uid, marked, older = uid_of(seen.object), _is_marked(run, seen.object), is_older(run, seen.object)
    if uid != resource.uid and not is_made_by(run, planned, seen.object):
        if not marked and (older or _is_younger(run, seen.object)):
            return _State(_gone(resource, now))
        why = "there is another of its name than is on record, and it is not known which of them this run made"
        return _refused(resource, why, now)
    if older:
        return _refused(resource, "it was there before this run made anything, so it is not deleted", now)
    if not marked:
        return _refused(resource, f"it does not carry the label {RUN_UID_LABEL} of this run, so it is not deleted", now)
    return amend(resource, uid=uid, expires_at=end_of(planned, seen.object, now))


def _is_younger(run: ActionRun, live: Json) -> bool:
    """Whether an object was made after a run had ended, when it made nothing any more."""
    made, ended = live["metadata"]["creationTimestamp"], run.status.finished_at
    return ended is not None and datetime.fromisoformat(made) > ended


def _is_marked(run: ActionRun, live: Json) -> bool:
    labels = (live.get("metadata") or {}).get("labels") or {}
    return bool(labels.get(RUN_UID_LABEL) == run.metadata.uid)


def _unless_gone(resource: RunResource, failure: Failure, now: datetime) -> _State:
    if failure.reason in _GONE:
        return _State(_gone(resource, now))
    if failure.transient:
        return _State(resource, retry=True)
    return _refused(resource, failure.message, now)


def _gone(resource: RunResource, now: datetime) -> RunResource:
    return amend(resource, held=False, ended_at=now, message="")


def _refused(resource: RunResource, why: str, now: datetime) -> _State:
    text = clean(f"it could not be ended: {why}", 512)
    problem = f"{name_of_resource(resource)} could not be ended: {why}"
    told = amend(resource, message=text, told=True)
    return _State(told, problem=problem, news=not resource.told, wake_at=now + _LAST_POLL)


def _going(resource: RunResource, left: Stored, now: datetime) -> _State:
    """It was deleted and is still there: it goes by itself, unless something holds it, of which people are told."""
    metadata = left.object.get("metadata") or {}
    holders = ", ".join(str(each) for each in metadata.get("finalizers") or [])
    since = datetime.fromisoformat(metadata["deletionTimestamp"])
    why = f"held by its finalizers {holders}" if holders else "it goes by itself"
    text = clean(f"it is being deleted: {why}", 512)
    hangs = now - since >= _HANGS
    problem = f"{name_of_resource(resource)} is still there, {why}" if hangs else ""
    pause = min(max(_POLL, (now - since) / 10), _LAST_POLL)
    after = amend(resource, message=text, told=True if hangs else resource.told)
    return _State(after, problem=problem, news=hangs and not resource.told, wake_at=now + pause)
