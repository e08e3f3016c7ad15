"""Says whether an object that a run made, or changed, is ready: by the Action's own rules, or by its kind's. Pure.

The order holds for all: an object that is going, or says something about older wishes only, waits; then `failedWhen`, and
a controller that has given up (`Stalled`); then `readyWhen`, or the convention of its kind. Called by `execution`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum

from pratique.api.v1alpha1.action_run import RunResource
from pratique.api.v1alpha1.calling import RunRequest
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import PlannedResource
from pratique.core.execution.live import Readiness, State, said, status_of
from pratique.core.execution.readiness import find_stall, find_unsettled, readiness
from pratique.core.kernel.effects import AnyEffect, EvaluateReady, Failure, Json, Judged, ObjectRef, Outcomes, Stored
from pratique.core.kernel.text import clean

_MAX_WORDS = 256
"""Characters of a controller's own words beside ours."""


class Step(Enum):
    """What one planned object says about the run."""

    DONE = "done"
    WAITS = "waits"
    NEEDS = "needs effects first"
    FAILED = "failed"
    RETRIES = "failed for now"
    LACKS = "lacks what may arrive by itself"


@dataclass(frozen=True)
class Progress:
    """Where one step stands, an object or a call. `remedy` is said beside the message when the time is up."""

    step: Step
    resource: RunResource | None = None
    effects: tuple[AnyEffect, ...] = ()
    message: str = ""
    remedy: str = ""
    patience: timedelta | None = None
    """How long it is worth waiting for what it lacks."""
    request: RunRequest | None = field(default=None, hash=False)
    """What is known of a call."""
    late: Mapping[str, Json] | None = field(default=None, hash=False)
    """What the run has read of earlier entries, where something of that is not on record yet."""
    pause: timedelta | None = None
    """When to look again, where that is known better than by how long the run has taken so far."""
    live: Json | None = field(default=None, compare=False)
    """The object as it was seen, where it failed or is waited for: what explains that is found by it."""


def judge(planned: PlannedResource, resource: RunResource, seen: Stored, outcomes: Outcomes) -> Progress:
    """Return where a live object stands, or the evaluation that must come first."""
    return replace(_judge(planned, resource, seen, outcomes), live=seen.object)


def _judge(planned: PlannedResource, resource: RunResource, seen: Stored, outcomes: Outcomes) -> Progress:
    live = seen.object
    early = find_unsettled(live, planned.ready_when or "", reports=seen.reports)
    if early is not None:
        return _follow(resource, early)
    verdict = readiness(live, reports=seen.reports)
    if planned.ready_when is None and planned.failed_when is None:
        return _follow(resource, verdict)
    ask = EvaluateReady(f"ready/{planned.id}", live, planned.ready_when, planned.failed_when)
    judged = ask.outcome(outcomes)
    if judged is None:
        return Progress(Step.NEEDS, effects=(ask,))
    if isinstance(judged, Failure):
        return _wait(resource, f"cannot say whether it is ready: {judged.message}")
    return _by_rules(planned, resource, live, verdict, judged)


def _by_rules(
    planned: PlannedResource, resource: RunResource, live: Json, verdict: Readiness, judged: Judged
) -> Progress:
    """Follow what the Action's own rules came to; the convention of the kind speaks where they leave it to."""
    if judged.failed:
        return _fail(resource, f"its failedWhen is true{_words(live, verdict)}")
    if planned.ready_when is None or find_stall(live) is not None:
        return _follow(resource, verdict)
    if judged.ready:
        return Progress(Step.DONE, amend(resource, ready=True, message=""))
    if verdict.state is State.FAILED and planned.failed_when is None:
        return _follow(resource, verdict)
    if judged.missing:
        why = f"its readyWhen reads {clean(judged.missing, 120)}, which is not there yet"
    else:
        why = "its readyWhen is not true yet"
    return _wait(resource, why + _words(live, verdict))


def _words(live: Json, verdict: Readiness) -> str:
    """Return what the object's own controller says of it, to stand beside what the Action's rule came to."""
    spoken = verdict.message if verdict.state is not State.READY else said(status_of(live), "")
    return f": {clean(spoken, _MAX_WORDS)}" if spoken else ""


def _follow(resource: RunResource, verdict: Readiness) -> Progress:
    match verdict.state:
        case State.READY:
            return Progress(Step.DONE, amend(resource, ready=True, message=""))
        case State.IN_PROGRESS:
            return _wait(resource, verdict.message, verdict.remedy)
        case _:
            return _fail(resource, verdict.message)


def _wait(resource: RunResource, why: str, remedy: str = "") -> Progress:
    text = f"Waiting for {name_of_resource(resource)}: {why}"
    return Progress(Step.WAITS, amend(resource, message=clean(why, 512)), message=text, remedy=remedy)


def _fail(resource: RunResource, why: str) -> Progress:
    text = f"{name_of_resource(resource)} failed: {why}"
    return Progress(Step.FAILED, amend(resource, message=clean(text, 512)), message=text)


def name_of_resource(resource: RunResource) -> str:
    """Return `Kind namespace/name`."""
    return str(ObjectRef(resource.api_version, resource.kind, resource.name, resource.namespace))
