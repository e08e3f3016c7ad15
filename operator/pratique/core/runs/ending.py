"""Ends what a run made for a time: when its time is up, or at once when the run is deleted. Pure; called by `plan`.

    finalizer ─► object made, with its end ─► its time is up ─► deleted by uid, as the account ─► on record, finalizer goes
                                                 └─ refused, or not proven ─► told once, tried again each hour

What is deleted must be proven as a start is (`core.gates`): if the API server has guarded since before the run was created,
nobody but the operator has ever written its status. After a gap its plan is proven anew, and the object has to carry the
run's mark. What is not proven is not deleted, and people are told.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRunStatus, Phase, RunResource
from pratique.api.v1alpha1.meta import amend
from pratique.core.execution.awaiting import name_of_resource
from pratique.core.execution.ending import Basis, Ends, end_objects, find_unrecorded, is_due, temporaries, unended
from pratique.core.gates.grounds import prove
from pratique.core.gates.guarded import is_guarded_since, is_unguarded, verify_guard
from pratique.core.gates.port import Ended, Granted, Unsure
from pratique.core.kernel.effects import Failure, ObjectRef, Plan, Read, object_of
from pratique.core.kernel.text import clean
from pratique.core.plans.objects import RUN_UID_LABEL
from pratique.core.runs.finalizer import is_held_by_us, set_finalizer
from pratique.core.runs.lifetimes import (
    notice_at,
    tell_ended,
    tell_left,
    tell_problems,
    tell_soon,
    warn,
    with_condition,
)
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.telling.outbox import has_pending

_AGAIN = timedelta(hours=1)
_POLL, _LONGEST_POLL = timedelta(seconds=2), timedelta(minutes=1)
_LAST_WORDS = timedelta(seconds=60)
_PATIENCE = timedelta(minutes=1)
_AT_MOST = timedelta(minutes=10)
"""How long a run that is deleted waits for what cannot be ended, where that holds up more, or will not change: from the
first look that could not end it. Who was off meanwhile has not tried."""


def with_ends(plan: Plan[ActionRunStatus], snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Return a decision about a run with the end of what it made for a time, or with what must come first for that."""
    run, status = snapshot.run, plan.status
    timed = any(each.expires_at is not None for each in status.resources)
    if plan.effects or run.metadata.deletion_timestamp is not None or not (timed or is_held_by_us(run)):
        return plan
    found = _find_unrecorded(snapshot, status.resources, now) if status.phase.is_end else Ends(status.resources)
    if found.effects:
        return Plan(run.status, effects=found.effects)
    document = snapshot.document
    planned = temporaries(document.plan) if document is not None else {}
    due = [each.id for each in unended(found.resources) if is_due(each, planned.get(each.id), now)]
    ends = (_end(snapshot, found.resources, due, now) if due else Ends(found.resources)).beside(found)
    if ends.effects:
        return Plan(run.status, effects=ends.effects)
    resources, soon = warn(ends.resources, planned, now)
    left = unended(resources)
    retry = plan.retry or ends.retry
    if status.phase.is_end and not left and not found.retry and not found.unknown and is_held_by_us(run):
        let_go = set_finalizer(run, "let-go", held=False)
        done = let_go.outcome(snapshot.outcomes)
        if done is None:
            return Plan(run.status, effects=(let_go,))
        retry = isinstance(done, Failure)
    moments = [plan.wake_at, ends.wake_at]
    moments += [each for one in left for each in (one.expires_at, notice_at(one, planned.get(one.id))) if each]
    if ends.gone and not status.phase.is_end:
        moments.append(now)
    coming = [each for each in moments if each is not None and (each > now or each in (plan.wake_at, now))]
    after = with_condition(amend(status, resources=list(resources)), ends, run.metadata.generation, now)
    told = (*tell_ended(ends.gone, now), *tell_soon(soon), *tell_problems(ends, now))
    return replace(plan, status=after, wake_at=min(coming, default=None), retry=retry).and_that(*told)


def end_at_once(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """End what a run made for a time, since it is being deleted; then let it go, once that was told."""
    run, status = snapshot.run, snapshot.run.status
    deleted_at = run.metadata.deletion_timestamp
    if deleted_at is None or not is_held_by_us(run):
        return Plan(status)
    found = _find_unrecorded(snapshot, status.resources, now)
    if found.effects:
        return Plan(status, effects=found.effects)
    left = _left(found)
    if not left and found.retry:  # what was made just before a crash may be there
        return Plan(status, retry=True)
    if not left and _is_lost(snapshot) and status.ending_since is None:
        return _tell_lost(snapshot, now)
    if not left:
        return _let_go(snapshot, deleted_at, now)
    space = Read("end/space", ObjectRef("v1", "Namespace", run.metadata.namespace or ""))
    seen = space.outcome(snapshot.outcomes)
    if seen is None:
        return Plan(status, effects=(space,))
    if isinstance(seen, Failure) and seen.reason != "NotFound":
        return Plan(status, retry=True)
    goes = bool((object_of(seen) or {"metadata": {"deletionTimestamp": "gone"}})["metadata"].get("deletionTimestamp"))
    spared = [each.id for each in left if goes and each.namespace == run.metadata.namespace]
    resources = [_leave_to_namespace(each) if each.id in spared else each for each in found.resources]
    wanted = [each.id for each in unended(found.resources) if each.id not in spared]
    ends = _end(snapshot, resources, wanted, now, at_once=True) if wanted else Ends(resources)
    if ends.effects:
        return Plan(status, effects=ends.effects)
    ends = ends.beside(found if {*found.unknown} - {*spared} else replace(found, problems=(), news=(), unknown=()))
    return _record_deleted(snapshot, ends, deleted_at, now, goes=goes)


def _is_lost(snapshot: RunSnapshot) -> bool:
    """Whether a run that is under way may have made what is not on record, and nothing says any more what that would be."""
    return snapshot.document is None and snapshot.run.status.phase is Phase.RUNNING


def _tell_lost(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Say so, once; waiting would not change it."""
    run = snapshot.run
    text = (
        "It is not known any more what this run made for a time, as its Approval is gone: look for objects with the label"
        f" {RUN_UID_LABEL}={run.metadata.uid}, and delete them by hand"
    )
    ends = Ends(problems=(text,), news=(text,), proven=False)
    after = with_condition(amend(run.status, ending_since=now), ends, run.metadata.generation, now)
    return Plan(after, wake_at=now, happened=tuple(tell_problems(ends, now)))


def _record_deleted(
    snapshot: RunSnapshot, ends: Ends, deleted_at: datetime, now: datetime, *, goes: bool
) -> Plan[ActionRunStatus]:
    """Put on record what became of the objects of a run that is being deleted, and say when to look again."""
    run, status, still = snapshot.run, snapshot.run.status, _left(ends)
    resources = list(ends.resources)
    told = [*tell_ended(ends.gone, now, deleted=True), *tell_problems(ends, now)]
    since = _stuck_since(status, ends, now, goes=goes) if still else None
    unanswered = ends.retry and ends.proven and not ends.problems
    if since is not None and not unanswered and now >= since + _AT_MOST:
        why = "its namespace is being deleted" if goes else "it cannot be proven that this run made it"
        told = [
            *tell_ended(ends.gone, now, deleted=True),
            *tell_left(still, f"{why}. Look at it, and delete it by hand"),
        ]
        given_up = {each.id for each in still}
        resources = [amend(each, held=False) if each.id in given_up else each for each in resources]
        still = []
    known = amend(status, resources=resources, ending_since=since)
    after = with_condition(known, ends, run.metadata.generation, now)
    pause = min(max(_POLL, (now - deleted_at) / 10), _LONGEST_POLL)
    return Plan(after, wake_at=now + pause if still else now, happened=tuple(told))


def _stuck_since(status: ActionRunStatus, ends: Ends, now: datetime, *, goes: bool) -> datetime | None:
    """Return since when it was answered at each look that something cannot be ended, for which a run does not wait long."""
    if goes or ends.unknown or not ends.proven:
        return status.ending_since or now
    return status.ending_since if ends.retry else None


def _left(ends: Ends) -> list[RunResource]:
    """Return what has still to end, or may be there."""
    return [*unended(ends.resources), *(each for each in ends.resources if each.held and each.id in ends.unknown)]


def _leave_to_namespace(resource: RunResource) -> RunResource:
    return amend(resource, held=False, message="left to its namespace, which is being deleted")


def _let_go(snapshot: RunSnapshot, deleted_at: datetime, now: datetime) -> Plan[ActionRunStatus]:
    """Remove the finalizer, once what is still to be told was told, or a minute has passed."""
    status = snapshot.run.status
    ended = [each.ended_at for each in status.resources if each.ended_at is not None]
    last_words = max([deleted_at, *ended]) + _LAST_WORDS
    if has_pending(list(status.notifications)) and now < last_words:
        return Plan(status, wake_at=min(now + _POLL, last_words))
    return Plan(status, after=(set_finalizer(snapshot.run, "let-go", held=False),), wake_at=now + _POLL)


def _find_unrecorded(snapshot: RunSnapshot, resources: Sequence[RunResource], now: datetime) -> Ends:
    document = snapshot.document
    if document is None or not is_held_by_us(snapshot.run):
        return Ends(resources)
    return find_unrecorded(snapshot.run, document.plan, resources, snapshot.outcomes, now)


def _end(
    snapshot: RunSnapshot,
    resources: Sequence[RunResource],
    which: Sequence[str],
    now: datetime,
    *,
    at_once: bool = False,
) -> Ends:
    """End these, if it is proven that this run made them."""
    basis = _find_basis(snapshot, now)
    match basis:
        case Basis():
            return end_objects(snapshot.run, resources, which, basis, snapshot.outcomes, now, at_once=at_once)
        case Unsure(effects=effects) if effects:
            return Ends(resources, effects=effects)
        case Unsure(why=why) if why and _is_late(resources, which, snapshot.run.status, now):
            return replace(_hold(resources, which, f"it is not known whether this run made it: {why}", now), retry=True)
        case Unsure():
            return Ends(resources, retry=True, proven=not is_unguarded(snapshot.outcomes), wake_at=now + _AGAIN)
        case _:
            return _hold(resources, which, basis, now)


def _hold(resources: Sequence[RunResource], which: Sequence[str], why: str, now: datetime) -> Ends:
    """Say of what should end that it is not deleted, since nothing proves that it may be."""
    text = f"it could not be ended: {why}"
    after = [amend(each, message=clean(text, 512), told=True) if each.id in which else each for each in resources]
    held = [each for each in resources if each.id in which]
    news = [each for each in held if not each.told]

    def say(those: Sequence[RunResource]) -> tuple[str, ...]:
        names = ", ".join(name_of_resource(each) for each in those)
        return (f"{names} could not be ended, since {why}: look at it, and delete it by hand",) if those else ()

    return Ends(after, problems=say(held), news=say(news), proven=False, wake_at=now + _AGAIN)


def _is_late(resources: Sequence[RunResource], which: Sequence[str], status: ActionRunStatus, now: datetime) -> bool:
    """Whether what may pass by itself has not passed for so long that people have to hear of it."""
    since = [each.expires_at for each in resources if each.id in which and each.expires_at is not None]
    known = since if status.ending_since is None else [*since, status.ending_since]
    return min(known) + _PATIENCE <= now


def _find_basis(snapshot: RunSnapshot, now: datetime) -> Basis | Unsure | str:
    """Return by what it is known what this run made, what must come first, or why that is not known."""
    run, document = snapshot.run, snapshot.document
    unsure = verify_guard(snapshot.outcomes)
    if unsure is not None:
        return unsure
    plan = document.plan if document is not None else run.status.head
    if plan is not None and is_guarded_since(snapshot.outcomes, run.metadata.creation_timestamp):
        return Basis(plan.service_account_ref.username, guarded=True)
    if document is None:
        return "what was approved is not known any more, as its Approval is gone"
    answer = prove(snapshot.question(document), now)
    if isinstance(answer, Granted):
        return Basis(document.plan.service_account_ref.username, temporaries(document.plan))
    if isinstance(answer, Unsure):
        return answer
    why = f" ({answer.why})" if isinstance(answer, Ended) else ""
    return f"it cannot be proven that this run made it{why}"
