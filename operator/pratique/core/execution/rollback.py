"""Rolls a run back that has failed (`onFailure: Rollback`): deletes what it has made, the last first. Pure.

    failed ─► on record ─► the last that was made: found, deleted by its uid, really gone ─► the one before it ─► Failed
                              └─ refused, or held by finalizers: nothing before it is deleted; after `timeout` it is told

What is deleted is what the record says, of the proven plan, and the live object must carry its mark and be as young as
the run. Nothing else is: what was there before, what was changed or called, and a namesake stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, RunPlan, RunResource, RunRollback
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import Planned, PlannedDeletion, PlannedRequest, PlannedResource
from pratique.core.environments.ttl import expires_at
from pratique.core.execution.adoption import is_made_by, is_older, ref_of, uid_of
from pratique.core.execution.standing import End, Standing
from pratique.core.kernel.effects import AnyEffect, Failure, Json, ObjectRef, Outcomes
from pratique.core.kernel.ending import DeleteAs, FindToEnd
from pratique.core.kernel.text import clean
from pratique.core.plans.late_values import fill
from pratique.core.plans.objects import RUN_UID_LABEL
from pratique.core.plans.requests import name_of_step
from pratique.core.plans.summary import name_of

_GONE = ("NotFound", "UnknownKind")
_FIRST_POLL, _LAST_POLL = timedelta(seconds=0.5), timedelta(seconds=15)
_MAX_WHY = 1024


def begin_rollback(status: ActionRunStatus, why: str, now: datetime) -> ActionRunStatus:
    """Return the status with the decision, which is written before anything is deleted."""
    return amend(status, held_up=None, rollback=RunRollback(since=now, reason=clean(why, _MAX_WHY)))


@dataclass(frozen=True)
class _State:
    """Where one object stands: an effect that must come first, why it is still there, or else it is gone.

    `record` is what is known of it; nothing where it was never made.
    """

    record: RunResource | None = None
    effect: AnyEffect | None = None
    held: str = ""
    retry: bool = False


def roll_back(run: ActionRun, plan: RunPlan, rollback: RunRollback, outcomes: Outcomes, now: datetime) -> Standing:
    """Return how far it is, or the effect that must come first."""
    recorded = {each.id: each for each in run.status.resources}
    left = [each for each in reversed(plan.objects) if not each.patch]
    while left:
        planned = left.pop(0)
        state = _remove(run, plan, planned, recorded.get(planned.id), outcomes, now)
        if state.effect is not None:
            return Standing(run.status, effects=(state.effect,))
        if state.record is not None:
            recorded[planned.id] = state.record
        if state.held:
            stay = [each for each in left if _is_there(recorded.get(each.id))]
            return _held(_with(run, plan, recorded), plan, rollback, planned, state, stay, now)
    status = _with(run, plan, recorded)
    return Standing(status, end=End.FAILED, message=f"{rollback.reason}{_say_done(plan, status)}")


def _is_there(record: RunResource | None) -> bool:
    return record is not None and record.ended_at is None


def _with(run: ActionRun, plan: RunPlan, recorded: dict[str, RunResource]) -> ActionRunStatus:
    return amend(run.status, resources=[recorded[each.id] for each in plan.resources if each.id in recorded])


def _held(
    status: ActionRunStatus,
    plan: RunPlan,
    rollback: RunRollback,
    planned: PlannedResource,
    state: _State,
    stay: Sequence[PlannedResource],
    now: datetime,
) -> Standing:
    """Wait for the one that does not go; once its time is up, say what stays. Nothing is deleted out of order."""
    name, until = name_of(planned.manifest), expires_at(rollback.since, plan.timeout)
    if now >= until:
        rest = f", so {_listed(stay)} {_verb(stay, 'stays', 'stay')}" if stay else ""
        text = f"{rollback.reason}; could not be removed: {name} ({state.held}){rest}"
        return Standing(status, end=End.FAILED, message=text)
    pause = min(max((now - rollback.since) / 4, _FIRST_POLL), _LAST_POLL)
    text = f"Rolling back, and waiting for {name} to go: {state.held}. It has failed: {rollback.reason}"
    return Standing(status, message=text, wake_at=min(until, now + pause), retry=state.retry)


def _remove(
    run: ActionRun,
    plan: RunPlan,
    planned: PlannedResource,
    record: RunResource | None,
    outcomes: Outcomes,
    now: datetime,
) -> _State:
    """Look for one object; what was made just before a crash, and never recorded, is found by what it is."""
    if record is not None and record.ended_at is not None:
        return _State(record)
    if record is None and fill(planned, run.status.late) is None:
        return _State()  # what it reads is not on record, so it was never made
    ref, account = ref_of(planned.manifest), plan.service_account_ref.username
    find = FindToEnd(f"rollback/find/{planned.id}", ref, account)
    seen = find.outcome(outcomes)
    if seen is None:
        return _State(record, find)
    if isinstance(seen, Failure):
        return _unless_gone(record, seen, "could not be looked for", now)
    live = seen.object
    if record is None and is_made_by(run, planned, live):
        record = _record(planned, ref, live)
    if record is None or uid_of(live) != record.uid:
        return _State(_gone(record, now))  # a namesake, which is nobody's business
    if (why := _is_not_its_own(run, live)) is not None:
        return _State(_waiting(record, why), held=why)
    if live["metadata"].get("deletionTimestamp"):
        return _going(record, live)
    delete = DeleteAs(f"rollback/{planned.id}", ref, record.uid, account)
    deleted = delete.outcome(outcomes)
    if deleted is None:
        return _State(record, delete)
    if isinstance(deleted, Failure):
        return _unless_gone(record, deleted, "could not be deleted", now)
    return _going(record, deleted.object)


def _is_not_its_own(run: ActionRun, live: Json) -> str | None:
    """Return why an object is not deleted though its uid is on record: a status alone proves nothing."""
    labels = live["metadata"].get("labels") or {}
    if labels.get(RUN_UID_LABEL) != run.metadata.uid:
        return f"it does not carry the label {RUN_UID_LABEL} of this run, so it is not deleted"
    return "it was there before this run made anything, so it is not deleted" if is_older(run, live) else None


def _unless_gone(record: RunResource | None, failure: Failure, what: str, now: datetime) -> _State:
    if failure.reason in _GONE:
        return _State(_gone(record, now))
    why = f"it {what}: {failure.message}"
    return _State(_waiting(record, why), held=why, retry=failure.transient)


def _going(record: RunResource, live: Json) -> _State:
    """It is deleted and still there: it goes by itself, or when those let it go who hold it."""
    holders = ", ".join(str(each) for each in live["metadata"].get("finalizers") or ())
    why = (
        f"it is being deleted; its finalizers have to go first: {clean(holders, 256)}"
        if holders
        else "it is being deleted"
    )
    return _State(_waiting(record, why), held=why)


def _gone(record: RunResource | None, now: datetime) -> RunResource | None:
    return None if record is None else amend(record, held=False, ready=False, ended_at=now, message="")


def _waiting(record: RunResource | None, why: str) -> RunResource | None:
    return None if record is None else amend(record, message=clean(why, 512))


def _record(planned: PlannedResource, ref: ObjectRef, live: Json) -> RunResource:
    uid = uid_of(live)
    return RunResource(
        id=planned.id, api_version=ref.api_version, kind=ref.kind, namespace=ref.namespace, name=ref.name, uid=uid
    )


def _say_done(plan: RunPlan, status: ActionRunStatus) -> str:
    """Return what became of all that was done; what cannot be taken back is named."""
    known = {each.id: each for each in status.resources}
    done = {each.id for each in status.requests if each.done}
    gone = {each.id for each in status.resources if each.ended_at is not None}
    made = [each for each in reversed(plan.objects) if not each.patch and each.id in gone]
    changed = [each for each in plan.objects if each.patch and each.id in known]
    deleted = [each for each in plan.resources if isinstance(each, PlannedDeletion) and each.id in known]
    called = [each for each in plan.resources if isinstance(each, PlannedRequest) and each.id in done]
    parts = [f"Rolled back: {_listed(made)} {_verb(made, 'was', 'were')} removed"] if made else []
    parts += [f"{_listed(changed)} {_verb(changed, 'was', 'were')} changed, and left so"] if changed else []
    parts += [f"{_listed(deleted)} {_verb(deleted, 'was', 'were')} deleted before"] if deleted else []
    parts += [f"{_listed(called)} {_verb(called, 'was', 'were')} called before"] if called else []
    return f". {'; '.join(parts)}" if parts else ""


def _listed(steps: Sequence[Planned]) -> str:
    return ", ".join(name_of_step(each) for each in steps)


def _verb(steps: Sequence[Planned], one: str, several: str) -> str:
    return one if len(steps) == 1 else several
