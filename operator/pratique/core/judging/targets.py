"""Judges the object that a run acts on: whether the Action is meant for it, and whether that is still so at the start.

What read the target, or what was chosen in a form, when a plan was made is frozen in it, with what it said: an Action that
is edited later changes nothing, and an object that has changed is found. Pure; runs inside the sandbox only. Called by
`policy`.
"""

import json
from collections.abc import Collection, Iterator
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.target import ActsOn, PlannedTarget, Recheck
from pratique.core.judging.choices import Listed, find_withdrawn, without_values_of
from pratique.core.judging.expression_text import tokens_of
from pratique.core.judging.expressions import Note, evaluate_condition, unnoted
from pratique.core.judging.scopes import CHOSEN, FILTER_SCOPE, scope_of_plan
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
    return _reads(text, "target")


def _reads(text: str, name: str) -> bool:
    tokens = [token for token in tokens_of(text) if token.kind != "space"]
    behind_dot = {at + 1 for at, token in enumerate(tokens) if token.text == "."}
    return any(token.text == name and at not in behind_dot for at, token in enumerate(tokens))


def freeze_target(
    action: Action, scope: Json, inputs: Json, stages: Collection[str], made: Collection[str]
) -> PlannedTarget | None:
    """Return what a plan says of its target; `stages` apply, and `made` are the ids of the objects in the plan."""
    acts_on = action.spec.acts_on
    if acts_on is None:
        return None
    target = scope["target"]
    metadata, declared = target["metadata"], scope["inputs"]
    rechecks = [Recheck(rule=acts_on.filter, message=_sentence(acts_on, target))] if acts_on.filter is not None else []
    rechecks += (each for each in _rechecks(action, stages, made) if reads_target(each.rule))
    return PlannedTarget(
        api_version=acts_on.api_version,
        kind=acts_on.kind,
        namespace=metadata.get("namespace"),
        name=metadata["name"],
        uid=metadata["uid"],
        rechecks=rechecks or None,
        inputs=declared if rechecks and json.dumps(declared) != json.dumps(inputs) else None,
    )


def freeze_rechecks(action: Action, stages: Collection[str], made: Collection[str]) -> list[Recheck]:
    """Return each condition that read what was chosen, and what it said; those that read the target as well are its own."""
    found = _rechecks(action, stages, made)
    return [each for each in found if _reads(each.rule, CHOSEN) and not reads_target(each.rule)]


def _rechecks(action: Action, stages: Collection[str], made: Collection[str]) -> Iterator[Recheck]:
    """Yield each condition that may be evaluated again, and what it said."""
    for rule in action.spec.inputs.rules:
        yield Recheck(rule=rule.rule, message=rule.message)
    for stage in action.spec.approval.stages:
        if stage.name not in stages:
            yield Recheck(rule=stage.when, holds=False, message=f"the stage {stage.name} would have to agree now")
    for each in action.spec.execution.resources:
        what = {"request": "call", "delete": "deletion"}.get(each.sort, each.template.get("kind"))
        holds = each.id in made
        text = f"the {what} {each.id} would {'not be in the plan any more' if holds else 'be in the plan now'}"
        yield Recheck(rule=each.when, holds=holds, message=clean(text, _SENTENCE))


def evaluate_target(
    plan: RunPlan, run: ActionRun, target: Json | None, listed: Listed | None = None
) -> tuple[str, ...]:
    """Return what is not as it was when a plan was made: conditions that read its target, and what was chosen.

    Without `listed`, what was chosen is not known, and nothing is judged that reads it.
    """
    of_target = (plan.target.rechecks if plan.target is not None and target is not None else None) or []
    if listed is None:
        of_target = [each for each in of_target if not _reads(each.rule, CHOSEN)]
    if not of_target and (plan.choices is None or listed is None):
        return ()
    scope = scope_of_plan(plan, run, **({} if target is None else {"target": target}))
    frozen = (plan.target.inputs if plan.target is not None else None) or (
        plan.choices.inputs if plan.choices else None
    )
    scope["inputs"] = frozen or plan.inputs
    changed, rechecks = list[str](), list(of_target)
    if plan.choices is not None and listed is not None:
        scope[CHOSEN], changed = find_withdrawn(plan, listed, scope)
        rechecks = [] if changed else [*of_target, *(plan.choices.rechecks or [])]
    what = name_of(target) if target is not None else "what was chosen"
    with without_values_of(scope.get(CHOSEN, {})):
        changed += [
            each.message
            for each in rechecks
            if evaluate_condition(each.rule, scope, f"a condition of {what}") is not each.holds
        ]
    return tuple(changed)
