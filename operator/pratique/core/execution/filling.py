"""Fills into an object what earlier entries give: read, on record, tried, and only then made. Pure; called by `advance`.

    an earlier entry says it ─► in the status of the run ─► all that can be tried is tried ─► the object is made

What is on record is what is used, whatever the source says later: so the same comes out, killed at any instruction, and two
objects that read one field get the same. What is not there yet is waited for, and whoever owes it is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pratique.api.v1alpha1.action_run import ActionRun, RunPlan, RunResource
from pratique.api.v1alpha1.calling import RunRequest
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import PlannedResource
from pratique.core.execution.adoption import ref_of, uid_of
from pratique.core.execution.awaiting import Progress, Step
from pratique.core.execution.keeping import seen_answer
from pratique.core.execution.patience import allowed
from pratique.core.kernel.effects import Failure, Json, ObjectRef, Outcomes, Read, Stored
from pratique.core.kernel.text import clean
from pratique.core.plans.late_values import MAX_PATH, NOTHING, fill, look_up, path_of, problem_of, reads_of, source_of
from pratique.core.plans.objects import without_secrets
from pratique.core.plans.requests import name_of_step
from pratique.core.plans.summary import name_of

_OBSERVING = ("read", "change", "create")
"""The effects that show an object: whichever was done in this look stands for a read."""
_AT_ONCE = timedelta()


@dataclass(frozen=True)
class Known:
    """What a look knows of a run: what was made, and what was answered, by the ids of the steps."""

    made: Mapping[str, RunResource]
    calls: Mapping[str, RunRequest]


def observe(ident: str, ref: ObjectRef, account: str, outcomes: Outcomes) -> Stored | Failure | Read:
    """Return an object as this look has seen it last, also where its name was taken; or the read that must come first."""
    seen = [Read(f"{verb}/{ident}", ref, account) for verb in _OBSERVING]
    known = next((found for each in seen if (found := each.outcome(outcomes)) is not None), seen[0])
    return known.found or known if isinstance(known, Failure) else known


def fill_in(
    run: ActionRun, plan: RunPlan, planned: PlannedResource, known: Known, outcomes: Outcomes
) -> PlannedResource | Progress:
    """Return an object as it is made, or why it cannot be yet: what it reads is not there, or not on record."""
    filled = fill(planned, run.status.late)
    if filled is not None:
        return filled
    late = dict(run.status.late or {})
    for read in reads_of(planned):
        if read in late:
            continue
        value = _read(plan, planned, read, known, outcomes)
        if isinstance(value, Progress):
            return value
        late[read] = value.value
    text = f"{name_of(planned.manifest)} is made next"
    return Progress(Step.WAITS, message=text, late=late, pause=_AT_ONCE)


def with_what_is_there(run: ActionRun, plan: RunPlan, known: Known, outcomes: Outcomes) -> ActionRun | Progress:
    """Return the run with all that can be read by now for what is not made yet, for its dry runs: none of it is kept."""
    late = dict(run.status.late or {})
    for planned in plan.objects:
        if planned.id in known.made:
            continue
        for read in reads_of(planned):
            if read in late or not (source_of(read) in known.made or source_of(read) in known.calls):
                continue
            value = _read(plan, planned, read, known, outcomes)
            if isinstance(value, _Value):
                late[read] = value.value
            elif value.step is Step.NEEDS:
                return value
    return amend(run, status=amend(run.status, late=late or None))


@dataclass(frozen=True)
class _Value:
    """What was read."""

    value: Json


def _read(plan: RunPlan, planned: PlannedResource, read: str, known: Known, outcomes: Outcomes) -> _Value | Progress:
    """Return a value, or why it is not to be had yet, or never."""
    source = next(each for each in plan.resources if each.id == source_of(read))
    owed = f"{name_of(planned.manifest)} reads its {clean(path_of(read), MAX_PATH)}"
    recorded = known.made.get(source.id)
    if isinstance(source, PlannedResource) and recorded is not None:
        found = _see(plan, source, recorded, outcomes)
        if isinstance(found, Progress):
            return found
        seen = found
    else:
        seen = seen_answer(known.calls.get(source.id) or RunRequest(id=source.id))
    value, name = look_up(seen, read), name_of_step(source)
    if value is NOTHING and recorded is None:
        return Progress(Step.FAILED, message=f"{name}: {owed}, which is empty: it has answered, and will not again")
    if value is NOTHING:
        return Progress(Step.WAITS, message=f"Waiting for {name}: {owed}, which is not there yet")
    if (why := problem_of(value)) is not None:
        return Progress(Step.FAILED, message=f"{name}: {owed}, which {why}")
    return _Value(value)


def _see(plan: RunPlan, source: PlannedResource, recorded: RunResource, outcomes: Outcomes) -> Json | Progress:
    """Return the very object that the run has made, or changed; no other of its name, and no value of a Secret."""
    ref = ref_of(source.manifest)
    found = observe(source.id, ref, plan.service_account_ref.username, outcomes)
    if isinstance(found, Read):
        return Progress(Step.NEEDS, effects=(found,))
    if isinstance(found, Failure) and found.reason == "NotFound":
        return Progress(Step.FAILED, message=f"{ref} was deleted, and what comes next reads it")
    if isinstance(found, Failure):
        account = plan.service_account_ref
        text = f"{ref} could not be read (as ServiceAccount {account.namespace}/{account.name}): {found.message}"
        if found.transient:
            return Progress(Step.RETRIES, message=f"{text}; it is tried again, as this may pass")
        return Progress(Step.LACKS, message=text, patience=allowed([found], approved=bool(plan.stages)))
    if uid_of(found.object) != recorded.uid:
        return Progress(Step.FAILED, message=f"{ref} was deleted and made again by somebody else")
    return without_secrets(found.object)
