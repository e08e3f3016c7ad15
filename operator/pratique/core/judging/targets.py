"""Judges the object that a run acts on: whether the Action is meant for it, and whether that is still so at the start.

What read the target when a plan was made is frozen in it, with what it said: an Action that is edited later changes
nothing, and a target that has changed is found. Pure; runs inside the sandbox only. Called by `policy`.
"""

import json
from collections.abc import Collection, Iterator
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.target import ActsOn, PlannedTarget, Recheck
from pratique.core.judging.expression_text import tokens_of
from pratique.core.judging.expressions import Note, evaluate_condition, unnoted
from pratique.core.judging.scopes import FILTER_SCOPE, scope_of_plan
from pratique.core.kernel.text import clean
from pratique.core.plans.summary import name_of

Json = dict[str, Any]
FILTER = "spec.actsOn.filter"
_SENTENCE = 512


def refuse_ref(action: Action, run: ActionRun) -> str | None:
    """Return why a run names no target though its Action acts on one, or the other way round; None if both agree."""
    acts_on, ref, name = action.spec.acts_on, run.spec.target_ref, action.metadata.name
    if acts_on is not None and ref is None:
        return (
            f"spec.targetRef: is required: the Action {name} acts on a {acts_on.kind}, so write which one: {{name: …}}"
        )
    if acts_on is None and ref is not None:
        return f"spec.targetRef: the Action {name} acts on no object: leave it out"
    return None


def refuse_target(action: Action, scope: Json, note: Note = unnoted) -> str | None:
    """Return why an Action is not meant for its target as it is, or None. The filter reads no inputs."""
    acts_on = action.spec.acts_on
    if acts_on is None or acts_on.filter is None:
        return None
    seen = {name: scope[name] for name in FILTER_SCOPE}
    if evaluate_condition(acts_on.filter, seen, FILTER, note):
        return None
    return f"spec.targetRef: {_sentence(acts_on, scope['target'])}"


def _sentence(acts_on: ActsOn, target: Json) -> str:
    """Return what is said where the filter is false."""
    what = f"{name_of(target)} is not what this Action is for, as it is now: its filter is false: {acts_on.filter}"
    return acts_on.message or clean(what, _SENTENCE)


def reads_target(text: str) -> bool:
    """Whether an expression reads the target."""
    tokens = [token for token in tokens_of(text) if token.kind != "space"]
    behind_dot = {at + 1 for at, token in enumerate(tokens) if token.text == "."}
    return any(token.text == "target" and at not in behind_dot for at, token in enumerate(tokens))


def freeze_target(
    action: Action, scope: Json, inputs: Json, stages: Collection[str], made: Collection[str]
) -> PlannedTarget | None:
    """Return what a plan says of its target; `stages` apply, and `made` are the ids of the objects in the plan."""
    acts_on = action.spec.acts_on
    if acts_on is None:
        return None
    target = scope["target"]
    metadata, declared = target["metadata"], scope["inputs"]
    rechecks = list(_rechecks(action, acts_on, target, stages, made))
    return PlannedTarget(
        api_version=acts_on.api_version,
        kind=acts_on.kind,
        namespace=metadata.get("namespace"),
        name=metadata["name"],
        uid=metadata["uid"],
        rechecks=rechecks or None,
        inputs=declared if rechecks and json.dumps(declared) != json.dumps(inputs) else None,
    )


def _rechecks(
    action: Action, acts_on: ActsOn, target: Json, stages: Collection[str], made: Collection[str]
) -> Iterator[Recheck]:
    """Yield each condition that read the target, and what it said."""
    if acts_on.filter is not None:
        yield Recheck(rule=acts_on.filter, message=_sentence(acts_on, target))
    for rule in action.spec.inputs.rules:
        if reads_target(rule.rule):
            yield Recheck(rule=rule.rule, message=rule.message)
    for stage in action.spec.approval.stages:
        if stage.name not in stages and reads_target(stage.when):
            yield Recheck(rule=stage.when, holds=False, message=f"the stage {stage.name} would have to agree now")
    for each in action.spec.execution.resources:
        if reads_target(each.when):
            holds, what = each.id in made, "call" if each.request is not None else each.template.get("kind")
            text = f"the {what} {each.id} would {'not be in the plan any more' if holds else 'be in the plan now'}"
            yield Recheck(rule=each.when, holds=holds, message=clean(text, _SENTENCE))


def evaluate_target(plan: RunPlan, run: ActionRun, target: Json) -> tuple[str, ...]:
    """Return what a plan's conditions say of the target now and did not say when it was made."""
    planned = plan.target
    if planned is None or planned.rechecks is None:
        return ()
    scope = {**scope_of_plan(plan, run, target=target), "inputs": planned.inputs or plan.inputs}
    return tuple(
        each.message
        for each in planned.rechecks
        if evaluate_condition(each.rule, scope, f"a condition of {name_of(target)}") is not each.holds
    )
