"""Ends an execution whose objects are all ready: renders the outputs, if there are any. Pure; called by `advance`.

An output may read what its object's controller has not written yet, such as the address of a database: the run waits for
it, as it waits for an object to be ready.
"""

from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import Planned, PlannedDeletion, PlannedRequest
from pratique.core.execution.adoption import ref_of
from pratique.core.execution.awaiting import Progress, Step
from pratique.core.execution.filling import observe
from pratique.core.execution.keeping import seen_answer
from pratique.core.execution.standing import End, Standing
from pratique.core.kernel.effects import EvaluateOutputs, Failure, Json, Outcomes, Read, object_of
from pratique.core.plans.deletions import ref_of_deletion
from pratique.core.plans.lifetimes import with_lifetime
from pratique.core.plans.requests import say_call
from pratique.core.plans.summary import summarize, summarize_tried

OUTPUTS = "outputs"


def finish(run: ActionRun, plan: RunPlan, outcomes: Outcomes) -> Standing | Progress:
    """Return the end of the execution, the effects that must come first, or what an output still waits for."""
    outputs: Json = {}
    if plan.outputs:
        live, reads, failure = _live_objects(plan, outcomes)
        if reads:
            return Standing(run.status, effects=reads)
        if failure is not None:
            return Progress(Step.RETRIES, message=f"What was made could not be read for the outputs: {failure.message}")
        answers = {each.id: seen_answer(each) for each in run.status.requests}
        render = EvaluateOutputs(OUTPUTS, plan, run, {**live, **answers})
        rendered = render.outcome(outcomes)
        if rendered is None:
            return Standing(run.status, effects=(render,))
        if isinstance(rendered, Failure):
            text = f"Everything was made, but spec.execution.outputs failed: {rendered.message}"
            return Standing(run.status, end=End.FAILED, message=text)
        if rendered.missing:
            text = f"Everything was made; spec.execution.outputs.{rendered.missing}, which is not there yet"
            return Progress(Step.WAITS, message=text)
        outputs = rendered.outputs
    done = "; ".join(_done(each) for each in plan.resources)
    status = amend(run.status, outputs=outputs)
    return Standing(status, end=End.MADE, message=f"Done: {done}")


def _done(planned: Planned) -> str:
    """Return what was done, in one line: of a change what it changed, which may be nothing."""
    if isinstance(planned, PlannedRequest):
        return f"{say_call(planned.request)} {'is done' if planned.request.until is not None else 'answered'}"
    if isinstance(planned, PlannedDeletion):
        return f"{ref_of_deletion(planned)} was deleted"
    if planned.patch:
        return summarize_tried(planned) if not planned.late else summarize(planned.manifest, patch=True)
    return with_lifetime(summarize(planned.manifest, patch=False), planned)


def _live_objects(plan: RunPlan, outcomes: Outcomes) -> tuple[dict[str, Json], tuple[Read, ...], Failure | None]:
    """Return the live object of each resource, the reads that are missing, and a failure that may pass.

    What cannot be read is left out.
    """
    live: dict[str, Json] = {}
    reads: list[Read] = []
    failure: Failure | None = None
    for planned in plan.objects:
        ref, account = ref_of(planned.manifest), plan.service_account_ref.username
        known = observe(planned.id, ref, account, outcomes)
        there = None if isinstance(known, Read) else object_of(known)
        if isinstance(known, Read):
            reads.append(known)
        elif there is not None:
            live[planned.id] = there
        elif isinstance(known, Failure) and known.transient:
            failure = known
    return live, tuple(reads), failure
