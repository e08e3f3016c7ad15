"""Looks once more before the first effect of a run: that it has started is on record before. Pure.

Between that record and the effect the operator may be away for days. So as long as nothing is on record as made, the time
of the run must not be over, and target and choices must be the same, in their state, and readable for who asked. What was
made just before a crash is found first: nothing of that counts against the run. A run that rests on no others costs nothing
in time. Called by `advance`.
"""

from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.planned import PlannedResource
from pratique.core.environments.ttl import expires_at
from pratique.core.execution.adoption import is_made_by, ref_of
from pratique.core.execution.awaiting import Progress, Step
from pratique.core.execution.others import look_again
from pratique.core.execution.patching import Seen, try_change
from pratique.core.execution.targets import Again
from pratique.core.kernel.effects import Failure, Outcomes, Read

OUTSET = "outset"
_NOTHING = "nothing was made"
_A_LOOK = timedelta(minutes=1)
"""A shorter timeout is about how long objects may take: whoever takes over begins all the same."""


def set_out(run: ActionRun, plan: RunPlan, started: datetime, outcomes: Outcomes, now: datetime) -> Progress | None:
    """Return what is in the way of the first effect of a run, or must come before it; None if it may go on."""
    is_over = now >= max(expires_at(started, plan.timeout), started + _A_LOOK)
    if (not plan.rests_on_others and not is_over) or run.status.resources or run.status.requests:
        return None
    first = plan.resources[0]
    # a call, and what goes, is on record before it is done
    unmade = _look_for(run, plan, first, outcomes) if isinstance(first, PlannedResource) else _NOTHING
    if unmade is None or isinstance(unmade, Progress):
        return unmade
    if is_over:
        held = f" ({run.status.message})" if run.status.held_up is not None else ""
        text = f"Not begun within {plan.timeout} of its start, and {unmade}{held}: ask again"
        return Progress(Step.FAILED, message=text)
    return answer_of(look_again(run, plan, outcomes, OUTSET))


def answer_of(again: Again) -> Progress | None:
    """Return what a look at the target means for a run that is under way; None if all is well."""
    if again.effects:
        return Progress(Step.NEEDS, effects=again.effects)
    if (why := again.held or (again.unknown and again.unknown.message)) is not None:
        return Progress(Step.RETRIES, message=f"What it rests on cannot be judged: {why}")
    if again.different is not None:
        return Progress(Step.FAILED, message=f"It would not do any more what was planned: {again.different}")
    return None


def _look_for(run: ActionRun, plan: RunPlan, first: PlannedResource, outcomes: Outcomes) -> Progress | str | None:
    """Return in words that the first object was not made or changed, what must come before that is known, or None."""
    if f"create/{first.id}" in outcomes or f"change/{first.id}" in outcomes:
        return None  # in this very look
    account, ref = plan.service_account_ref.username, ref_of(first.manifest)
    if first.patch:
        seen = try_change(first, account, outcomes, f"before/{first.id}")
        if isinstance(seen, Failure):
            return None  # `advance` comes to the same answer, and no further
        if isinstance(seen, Seen):
            return _NOTHING if seen.dry_run.changes else None
        return Progress(Step.NEEDS, effects=(seen,))
    read = Read(f"{OUTSET}/find/{first.id}", ref, account)
    found = read.outcome(outcomes)
    if found is None:
        return Progress(Step.NEEDS, effects=(read,))
    if not isinstance(found, Failure):
        return None if is_made_by(run, first, found.object) else _NOTHING
    if found.transient:
        return Progress(Step.RETRIES, message=f"{ref} could not be looked for: {found.message}")
    if found.reason in ("NotFound", "UnknownKind"):
        return _NOTHING
    return f"nothing is on record as made ({ref} could not be looked for: {found.message})"
