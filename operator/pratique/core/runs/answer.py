"""Answers a dry run: what would become of the request. It opens nothing, makes nothing and tells nobody. Pure.

It judges and tries as `plan` does, and knows nothing that starts: no way leads from here to a gate or to an object. An hour
after its answer the run is deleted, unless Git holds it.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase, RunPlan
from pratique.api.v1alpha1.stages import Stage
from pratique.core.environments.git_marks import git_mark
from pratique.core.execution.dry_run import try_plan, with_results
from pratique.core.execution.targets import Found
from pratique.core.kernel.effects import Delete, Failure, ObjectRef, Plan
from pratique.core.kernel.identity import person_of
from pratique.core.kernel.text import clean
from pratique.core.runs import transitions
from pratique.core.runs.freeze import find_end, say_frozen
from pratique.core.runs.judged import wait_for_action, wait_for_trial
from pratique.core.runs.judging import judge_run
from pratique.core.runs.open_runs import too_many
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.runs.start import TRY
from pratique.core.runs.targets import aim
from pratique.core.telling.wording import glass_phrase, say_found, say_suspended, stage_phrase

KEPT = timedelta(hours=1)
REMOVE = "remove"


def answer(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Return what would become of a request, or remove it when its time is over."""
    run, action = snapshot.run, snapshot.action
    if run.status.phase.is_end:
        return _remove(snapshot, now)
    crowded = too_many(person_of(run.spec), snapshot.others) if snapshot.others and not snapshot.outcomes else None
    if crowded is not None:
        return _end(run, Phase.REFUSED, crowded, now)
    if action is None:
        waits = wait_for_action(run, snapshot.actions, now)
        return waits if isinstance(waits, Plan) else _end(run, Phase.REFUSED, waits, now)
    if action.spec.suspend:
        return _end(run, Phase.REFUSED, say_suspended(action.metadata.name), now)
    target = aim(run, action, snapshot.outcomes, now)
    if not isinstance(target, Found):
        return target if isinstance(target, Plan) else _end(run, Phase.REFUSED, target, now)
    evaluation = judge_run(run, action, target, snapshot.outcomes, now)
    if isinstance(evaluation, Plan):
        return evaluation
    if isinstance(evaluation, str):
        return _end(run, Phase.REFUSED, evaluation, now)
    if isinstance(evaluation, Failure):
        text = f"It cannot be judged, so a request that is meant would be held: {evaluation.message}"
        return _end(run, Phase.FAILED, text, now)
    if evaluation.plan is None:
        return _end(run, Phase.REFUSED, "; ".join(evaluation.refusals), now)
    return _try(snapshot, action, evaluation.plan, now)


def _try(snapshot: RunSnapshot, action: Action, plan: RunPlan, now: datetime) -> Plan[ActionRunStatus]:
    run = snapshot.run
    trial = try_plan(run, plan, snapshot.outcomes, TRY)
    if trial.effects:
        return Plan(run.status, effects=trial.effects)
    refused = wait_for_trial(run, plan, trial, now)
    if refused is not None:
        return refused if isinstance(refused, Plan) else _end(run, Phase.REFUSED, refused, now)
    shown = with_results(plan, trial)
    text, frozen = _say(shown), find_end(action, now)
    if frozen is not None:
        text = f"{text}. {say_frozen(action, now, frozen)}"
    return _end(run, Phase.SUCCEEDED, text, now, shown)


def _end(
    run: ActionRun, phase: Phase, message: str, now: datetime, plan: RunPlan | None = None
) -> Plan[ActionRunStatus]:
    answered = transitions.answer(run, phase, message, now, plan)
    return answered if _is_held(run) else replace(answered, wake_at=now + KEPT)


def _is_held(run: ActionRun) -> bool:
    """Whether Git holds a run: deleted, it would be made again, and answered again."""
    return git_mark(run.metadata.labels, run.metadata.annotations) is not None


def _say(plan: RunPlan) -> str:
    """Return what would become of it: for whom it would wait, each stage in turn, or what it would do at once."""
    if not plan.stages:
        return f"Dry run: nothing is made. It would need no approval, and do: {'; '.join(plan.summary)}"
    stages = "; then for ".join(_say_stage(plan, each) for each in plan.stages)
    return f"Dry run: nobody is asked. It would wait for {stages}"


def _say_stage(plan: RunPlan, stage: Stage) -> str:
    but = f", not {', '.join(stage.exclude)}" if stage.exclude else ""
    why = f": {clean(stage.message, 512)}" if stage.message else ""
    named = say_found(plan.found_in(stage.name) or ())
    by = f" ({clean(named, 512)})" if named else ""
    glass = f", or {glass_phrase(stage.break_glass)}" if stage.break_glass is not None else ""
    return f"{stage_phrase(stage)}{by}{but}{glass} (stage {stage.name}, within {stage.deadline}){why}"


def _remove(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Delete an answer that is an hour old, unless Git holds it."""
    run, meta = snapshot.run, snapshot.run.metadata
    until = (run.status.finished_at or meta.creation_timestamp) + KEPT
    if _is_held(run):
        return Plan(run.status)
    if now < until:
        return Plan(run.status, wake_at=until)
    delete = Delete(REMOVE, ObjectRef(API_VERSION, "ActionRun", meta.name, meta.namespace), meta.uid)
    done = delete.outcome(snapshot.outcomes)
    if done is None:
        return Plan(run.status, effects=(delete,))
    if isinstance(done, Failure):
        return Plan(run.status, retry=done.transient)
    return Plan(run.status, wake_at=now + KEPT)  # there is nothing left to write to
