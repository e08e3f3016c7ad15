"""Decides how a granted run proceeds: one object after the other, each when the one before is ready, or at once. Pure.

Exactly once, killed at any instruction: names are fixed in the plan, objects are created by POST and carry the run's uid,
a name that is taken is adopted only when its object carries that uid, and a changed object is changed by its uid.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRun, RunPlan, RunResource
from pratique.api.v1alpha1.calling import RunRequest
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import DryRunResult, Planned, PlannedDeletion, PlannedRequest, PlannedResource
from pratique.core.environments.ttl import expires_at
from pratique.core.execution.adoption import is_made_by, is_older, ref_of, uid_of
from pratique.core.execution.awaiting import Progress, Step, judge
from pratique.core.execution.deleting import advance_deletion
from pratique.core.execution.dry_run import may_pass, try_plan
from pratique.core.execution.ending import keep_for_a_time, with_end_shown
from pratique.core.execution.explaining import fail
from pratique.core.execution.filling import Known, fill_in, with_what_is_there
from pratique.core.execution.finishing import finish
from pratique.core.execution.needs import awaited_after
from pratique.core.execution.outset import answer_of, set_out
from pratique.core.execution.patching import Seen, change, look_for, try_change
from pratique.core.execution.patience import POLL, allowed, mark
from pratique.core.execution.prerequisites import LACKS_RIGHTS, provider
from pratique.core.execution.request import advance_request
from pratique.core.execution.standing import Standing
from pratique.core.execution.targets import check_again, is_target
from pratique.core.execution.vanishing import as_sent, confirm, is_held, vanishes
from pratique.core.kernel.effects import Create, Failure, Json, ObjectRef, Outcomes, Read, Stored, object_of
from pratique.core.plans.differences import differences

_FIRST_POLL = timedelta(seconds=0.5)
_LAST_POLL = timedelta(seconds=15)


def advance(run: ActionRun, plan: RunPlan, started: datetime, outcomes: Outcomes, now: datetime) -> Standing:
    """Return where the plan of a running run stands, or the effects that must come first."""
    if (outset := set_out(run, plan, started, outcomes, now)) is not None:
        if outset.step is Step.NEEDS:
            return Standing(run.status, effects=outset.effects)
        return _stopped(run, plan, started, plan.resources[0].id, outset, [], outcomes, now)
    recorded = {resource.id: resource for resource in run.status.resources}
    calls = {call.id: call for call in run.status.requests}
    waiting: list[tuple[int, Progress]] = []
    for position, planned in enumerate(plan.resources):
        held = next((each for until, each in waiting if until < position), None)
        at = held or _advance_step(run, plan, planned, Known(recorded, calls), outcomes, now)
        if at.late is not None:
            run = amend(run, status=amend(run.status, late=dict(at.late)))
        if at.resource is not None:
            recorded[at.resource.id] = at.resource
        if at.request is not None:
            calls[at.request.id] = at.request
        if at.step is Step.NEEDS:
            return Standing(run.status, effects=at.effects)
        if at.step is Step.WAITS and at.resource is not None and (until := _awaited_after(plan, position)) > position:
            waiting.append((until, at))
        elif at.step is not Step.DONE:
            others = [each for _, each in waiting]
            return _stopped(_with(run, plan, recorded, calls), plan, started, planned.id, at, others, outcomes, now)
    made = _with(run, plan, recorded, calls)
    if waiting:
        others = [each for _, each in waiting]
        return _stopped(made, plan, started, plan.resources[-1].id, others[0], others, outcomes, now)
    end = finish(made, plan, outcomes)
    return _stopped(made, plan, started, "", end, [], outcomes, now) if isinstance(end, Progress) else end


def _advance_step(
    run: ActionRun, plan: RunPlan, planned: Planned, known: Known, outcomes: Outcomes, now: datetime
) -> Progress:
    match planned:
        case PlannedRequest():
            return advance_request(run, plan, planned, known.calls, outcomes, now)
        case PlannedDeletion():
            return advance_deletion(run, plan, planned, known.made.get(planned.id), outcomes)
        case _:
            return _proceed(run, plan, planned, known, outcomes, now)


def _awaited_after(plan: RunPlan, position: int) -> int:
    """Return after which step of the plan the one at `position` has to be ready; what is no object, at once."""
    planned = plan.resources[position]
    if not isinstance(planned, PlannedRequest) and planned.wait is False:
        return len(plan.resources) - 1
    if not isinstance(planned, PlannedResource):
        return position
    objects = plan.objects
    return plan.resources.index(objects[awaited_after(objects, objects.index(planned))])


def _with(
    run: ActionRun, plan: RunPlan, recorded: Mapping[str, RunResource], calls: Mapping[str, RunRequest]
) -> ActionRun:
    """Return the run with what is known of its objects and calls."""
    known = [recorded[each.id] for each in plan.resources if each.id in recorded]
    called = [calls[each.id] for each in plan.resources if each.id in calls]
    is_all = len(known) == sum(not isinstance(each, PlannedRequest) for each in plan.resources)
    held_up = None if is_all else run.status.held_up
    return amend(run, status=amend(run.status, resources=known, requests=called, held_up=held_up))


def _stopped(
    run: ActionRun,
    plan: RunPlan,
    started: datetime,
    which: str,
    at: Progress,
    others: Sequence[Progress],
    outcomes: Outcomes,
    now: datetime,
) -> Standing:
    """The run cannot go on now: it failed, its time is up, or it looks again soon. `others` wait beside it."""
    times_out = expires_at(started, plan.timeout)
    lacks = mark(run.status, which, at.patience, now)
    status = amend(run.status, held_up=lacks)
    if at.step is Step.FAILED or (at.step is Step.LACKS and lacks is None):
        return fail(plan, status, [at], outcomes, "")
    said = dict.fromkeys([at, *others]) if at.step is Step.WAITS else [at]
    if now >= times_out:
        return fail(plan, status, list(said), outcomes, f"Not ready within {plan.timeout}: ")
    if lacks is not None:
        text = f"{at.message}; it is tried again, as this may pass"
        return Standing(status, message=text, wake_at=min(times_out, now + POLL))
    text = "; ".join(each.message for each in said)
    pause = at.pause if at.pause is not None else min(max((now - started) / 4, _FIRST_POLL), _LAST_POLL)
    return Standing(status, message=text, wake_at=min(times_out, now + pause), retry=at.step is Step.RETRIES)


def _proceed(
    run: ActionRun, plan: RunPlan, planned: PlannedResource, known: Known, outcomes: Outcomes, now: datetime
) -> Progress:
    """Return where an object stands; what is not made yet is filled in and tried first, if it could not be before."""
    recorded = known.made.get(planned.id)
    if recorded is not None:
        return _follow(plan, planned, recorded, outcomes)
    sent = fill_in(run, plan, planned, known, outcomes)
    if isinstance(sent, Progress):
        return sent
    ref = ref_of(planned.manifest)
    if (at := _try_late(run, plan, planned, known, outcomes)) is not None:
        return at
    if planned.patch:
        return _change(run, plan, planned, sent, ref, outcomes)
    return _create(run, plan, sent, ref, outcomes, now)


def _try_late(
    run: ActionRun, plan: RunPlan, planned: PlannedResource, known: Known, outcomes: Outcomes
) -> Progress | None:
    """Try what could not be tried before earlier objects were there: all of it, before the first of it is made.

    What is deleted on the way is not tried again, and holds its name until it is gone.
    """
    tried = planned.dry_run
    if tried is None or tried.result is DryRunResult.PASSED:
        return None
    filled = with_what_is_there(run, plan, known, outcomes)
    if isinstance(filled, Progress):
        return filled
    no_objects = [each.id for each in plan.resources if not isinstance(each, PlannedResource)]
    gone = {each.id for each in known.made.values() if each.ready}
    going = {each.id for each in plan.resources if isinstance(each, PlannedDeletion)} - gone
    trial = try_plan(filled, plan, outcomes, "late", made=[*known.made, *no_objects], going=going)
    if trial.effects:
        return Progress(Step.NEEDS, effects=trial.effects)
    if trial.transient is not None:
        return Progress(Step.RETRIES, message=f"The dry run of what is left gave no answer: {trial.transient.message}")
    if trial.problems:
        patience = allowed(trial.failures, approved=bool(plan.stages), given=trial.given)
        return Progress(Step.LACKS, message="; ".join(trial.problems), patience=patience)
    return None


def _follow(plan: RunPlan, planned: PlannedResource, recorded: RunResource, outcomes: Outcomes) -> Progress:
    ref = ref_of(planned.manifest)
    if recorded.ready:
        return Progress(Step.DONE, recorded)
    if recorded.ended_at is not None:
        return Progress(Step.FAILED, recorded, message=f"{ref} has ended as planned before it was ready")
    return _look(plan, planned, recorded, ref, outcomes)


def _create(
    run: ActionRun, plan: RunPlan, planned: PlannedResource, ref: ObjectRef, outcomes: Outcomes, now: datetime
) -> Progress:
    manifest = with_end_shown(as_sent(planned), planned, now)
    create = Create(_key("create", planned), manifest, plan.service_account_ref.username)
    made = create.outcome(outcomes)
    if made is None and vanishes(planned.manifest):
        confirmation = confirm(run)
        confirmed = confirmation.outcome(outcomes)
        if confirmed is None:
            return Progress(Step.NEEDS, effects=(confirmation,))
        if uid_of(object_of(confirmed) or {}) != run.metadata.uid:
            why = confirmed.message if isinstance(confirmed, Failure) else "it was deleted"
            return Progress(Step.RETRIES, message=f"{ref} waits: the run could not be read again: {why}")
    if made is None:
        return Progress(Step.NEEDS, effects=(create,))
    there = _adopted(made, run, plan, planned) if isinstance(made, Failure) else made
    if isinstance(there, Failure):
        return _create_failed(there, ref, plan, planned)
    record = keep_for_a_time(_record(planned, ref, there.object), planned, there.object, now)
    return judge(planned, record, there, outcomes)


def _adopted(failure: Failure, run: ActionRun, plan: RunPlan, planned: PlannedResource) -> Stored | Failure:
    """Return the object that has the name already, if this very run made it before a crash; else the failure.

    What may be deleted again must be as young as the run: who may label an older object must not have it deleted so.
    """
    found = failure.found if failure.reason == "AlreadyExists" else None
    if found is None or not is_made_by(run, planned, found.object):
        return failure
    return failure if plan.rolls_back and is_older(run, found.object) else found


def _create_failed(failure: Failure, ref: ObjectRef, plan: RunPlan, planned: PlannedResource) -> Progress:
    if failure.reason == "AlreadyExists":
        text = f"{ref} exists and was not made by this run: it is left as it is; choose another name"
        return Progress(Step.FAILED, message=text)
    return _failed(failure, f"{ref} could not be created", plan, planned)


def _failed(failure: Failure, what: str, plan: RunPlan, planned: PlannedResource) -> Progress:
    """Say why one object cannot go on: it is tried again, for as long as its time or our patience lasts, or has failed."""
    account = plan.service_account_ref
    who = f" (as ServiceAccount {account.namespace}/{account.name})" if failure.cause in LACKS_RIGHTS else ""
    text = f"{what}{who}: {failure.message}"
    if failure.transient:
        return Progress(Step.RETRIES, message=f"{text}; it is tried again, as this may pass")
    before = itertools.takewhile(lambda each: each.id != planned.id, plan.objects)
    given = provider(planned, before, failure, account, there=True) is not None
    patience = allowed([failure], approved=bool(plan.stages), given=given)
    return Progress(Step.LACKS, message=text, patience=patience)


def _change(
    run: ActionRun,
    plan: RunPlan,
    planned: PlannedResource,
    sent: PlannedResource,
    ref: ObjectRef,
    outcomes: Outcomes,
) -> Progress:
    """Find the object, try the change, and make it in the very version that was tried, if it still is what was planned."""
    account = plan.service_account_ref.username
    seen = try_change(sent, account, outcomes, _key("before", planned))
    if isinstance(seen, Failure):
        return _failed(may_pass(seen), f"{ref} could not be changed", plan, planned)
    if not isinstance(seen, Seen):
        return Progress(Step.NEEDS, effects=(seen,))
    if different := _other_than_planned(plan, planned, seen):
        return Progress(Step.FAILED, message=f"It would not do any more what was planned: {'; '.join(different)}")
    # what is so already was done before a crash, and the conditions may not hold any more by its own doing
    if seen.dry_run.changes and (stopped := _missed(run, plan, planned, outcomes)) is not None:
        return stopped
    patch = change(sent, seen, account, _key("change", planned))
    changed = patch.outcome(outcomes)
    if changed is None:
        return Progress(Step.NEEDS, effects=(patch,))
    if isinstance(changed, Failure):
        return _failed(may_pass(changed), f"{ref} could not be changed", plan, planned)
    return judge(planned, _record(planned, ref, changed.object), changed, outcomes)


def _missed(run: ActionRun, plan: RunPlan, planned: PlannedResource, outcomes: Outcomes) -> Progress | None:
    """Hold the target to the Action's conditions once more, in the very version that is changed; None if all is well."""
    if not is_target(plan, planned):
        return None
    live = object_of(look_for(planned, plan.service_account_ref.username, _key("before", planned)).outcome(outcomes))
    return answer_of(check_again(run, plan, live or {}, outcomes, _key("recheck", planned)))


def _other_than_planned(plan: RunPlan, planned: PlannedResource, seen: Seen) -> list[str]:
    """Return what the change would do other than was planned. What the run itself did to the object before, is no news."""
    ref = ref_of(planned.manifest)
    approved = planned.dry_run.target_uid if planned.dry_run else None
    if approved is not None and approved != seen.dry_run.target_uid:
        return [f"{ref}: was deleted and made again"]
    before = [ref_of(each.manifest) for each in plan.objects[: plan.objects.index(planned)]]
    is_frozen = bool(plan.stages) or plan.rests_on_others
    return differences(planned, str(ref), seen.dry_run) if is_frozen and ref not in before else []


def _look(
    plan: RunPlan, planned: PlannedResource, recorded: RunResource, ref: ObjectRef, outcomes: Outcomes
) -> Progress:
    """Read an object that was made at an earlier look and was not ready then."""
    read = Read(_key("read", planned), ref, plan.service_account_ref.username)
    seen = read.outcome(outcomes)
    if seen is None:
        return Progress(Step.NEEDS, recorded, (read,))
    if isinstance(seen, Failure):
        if seen.reason == "NotFound":
            return Progress(Step.FAILED, recorded, message=f"{ref} was deleted before it was ready")
        return replace(_failed(seen, f"{ref} could not be read", plan, planned), resource=recorded)
    if uid_of(seen.object) != recorded.uid:
        return Progress(Step.FAILED, recorded, message=f"{ref} was deleted and made again by somebody else")
    return judge(planned, recorded, seen, outcomes)


def _record(planned: PlannedResource, ref: ObjectRef, live: Json) -> RunResource:
    return RunResource(
        id=planned.id,
        api_version=ref.api_version,
        kind=ref.kind,
        namespace=ref.namespace,
        name=ref.name,
        uid=uid_of(live),
        held=is_held(planned, live),
    )


def _key(verb: str, planned: PlannedResource) -> str:
    return f"{verb}/{planned.id}"
