"""Renders what exactly would run, and freezes it in a plan; later what an Action says of live objects. Called by `judge`.

Pure; runs inside the sandbox only, since it evaluates other people's expressions. An EvaluationError is never a verdict:
it leaves the run held. `checks.check_action` uses the same functions when an Action is applied.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pratique.api.v1alpha1.action import Action, OnFailure, ResourceTemplate
from pratique.api.v1alpha1.action_run import ActionRun, ActionVersion, RunPlan
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import (
    Planned,
    PlannedDeletion,
    PlannedRequest,
    PlannedResource,
    as_late,
    as_temporary,
)
from pratique.core.judging.asked import asked_fields
from pratique.core.judging.choices import Offered, freeze_choices
from pratique.core.judging.copies import refuse_copy, with_other_word
from pratique.core.judging.deletions import render_deletion
from pratique.core.judging.directives import as_data
from pratique.core.judging.expression_text import selections_of, tokens_of
from pratique.core.judging.expressions import EACH, Note, Program, compile_expression, errors_at, evaluate_condition
from pratique.core.judging.following import check_answered
from pratique.core.judging.found import People
from pratique.core.judging.late_values import check_late, check_template, collect, render_leaf
from pratique.core.judging.lifetimes import render_lifetime
from pratique.core.judging.nulls import check_nulls, without_nulls
from pratique.core.judging.rendering import parse, render, render_text
from pratique.core.judging.requests import render_request
from pratique.core.judging.scopes import scope_of_plan
from pratique.core.judging.stages import gates_of_plan
from pratique.core.judging.targets import freeze_rechecks, freeze_target
from pratique.core.judging.unfolding import refuse_too_many, unfold
from pratique.core.kernel.effects import Json, Judged, Rendered
from pratique.core.kernel.errors import EvaluationError, ImpossibleNameError, NamedByRequesterError, NotThereError
from pratique.core.kernel.limits import MAX_OUTPUT_BYTES, MAX_PLAN_BYTES
from pratique.core.kernel.text import clean
from pratique.core.plans.deletions import line_of_deletion
from pratique.core.plans.late_values import say_late, with_sources
from pratique.core.plans.lifetimes import with_lifetime
from pratique.core.plans.objects import finished_manifest, not_written_out
from pratique.core.plans.requests import line_of_call, name_of_step
from pratique.core.plans.rollback import with_rollback
from pratique.core.plans.summary import summarize
from pratique.core.plans.unfolded import entry_of, gather


@dataclass(frozen=True)
class Steps:
    """What would be done, in order, and the ids of the entries of the Action whose conditions hold."""

    planned: list[Planned]
    held: Collection[str]


def render_resources(action: Action, run: ActionRun, scope: Json, note: Note) -> Steps:
    """Return the objects and calls whose conditions hold, as they will be sent."""
    planned: list[Planned] = []
    held, longest = set[str](), action.spec.execution.max_expiry
    hidden_otherwise = with_other_word(scope)
    for index, template in enumerate(action.spec.execution.resources):
        path = f"spec.execution.resources[{index}]"
        if not evaluate_condition(template.when, scope, f"{path}.when", note):
            continue
        held.add(template.id)
        if template.template:
            check_nulls(action, index, f"{path}.template")
            check_template(action.spec.execution.resources, index, path)
        for step, seen in unfold(template, scope, path, note):
            made = _render(step, run, seen, path, longest)
            if hidden_otherwise is not None:
                refuse_copy(made, _render(step, run, {**seen, **hidden_otherwise}, path, longest), path)
            planned.append(made)
            note(f"{path}.{template.sort}", True)
    refuse_too_many(planned)
    check_answered(planned, action.spec.execution.resources)
    check_late(planned, action.spec.execution.resources)
    return Steps(planned, held)


def _render(template: ResourceTemplate, run: ActionRun, scope: Mapping[str, Any], path: str, longest: str) -> Planned:
    """Render one step; a name that the requester chose, and that cannot be, is said of what they wrote."""
    try:
        return render_step(template, run, scope, path, longest)
    except ImpossibleNameError as error:
        field = "namespace" if ".namespace:" in str(error) else "name"
        if chosen := _chosen(template, tuple(scope), field):
            raise NamedByRequesterError(f"{chosen}: {error}") from None
        raise


def render_step(
    template: ResourceTemplate, run: ActionRun, scope: Mapping[str, Any], path: str, longest: str
) -> Planned:
    """Render an object, a call or a deletion; raises EvaluationError with the field."""
    if template.request is not None:
        return render_request(template, scope, path)
    if template.delete is not None:
        return render_deletion(template, template.delete, scope, path)
    return render_resource(template, run, scope, path, longest)


def _chosen(template: ResourceTemplate, names: tuple[str, ...], field: str) -> str:
    """Return what a requester chooses of an object's name or namespace, as they write it."""
    names_of = template.delete.to_wire() if template.delete is not None else template.template.get("metadata") or {}
    read = " ".join(part.text for part in parse(str(names_of.get(field)), names) if isinstance(part, Program))
    if template.for_each is not None and EACH in (token.text for token in tokens_of(read)):
        read = f"{read} {template.for_each}"
    of = {("inputs", "spec.inputs."), ("run", "run.")}
    chosen = sorted(f"{prefix}{name}" for root, prefix in of for found, name in selections_of(read) if found == root)
    return ", ".join("metadata.name" if name == "run.name" else name for name in chosen)


def render_resource(
    template: ResourceTemplate, run: ActionRun, scope: Mapping[str, Any], path: str, longest: str
) -> PlannedResource:
    """Render one object exactly as it will be sent; raises EvaluationError with the field."""
    for problem in not_written_out(template.template, f"{path}.template"):
        raise EvaluationError(problem)
    rendered = render(template.template, scope, f"{path}.template", render_leaf)
    if template.patch:
        rendered = as_data(template.template, rendered, f"{path}.template")
    rendered = without_nulls(rendered, fields=not template.patch)
    manifest, late = collect(finished_manifest(rendered, run, f"{path}.template", patch=template.patch))
    planned = PlannedResource(
        id=template.id,
        patch=template.patch,
        wait=template.wait,
        lists=template.lists,
        conflict=template.conflict,
        ready_when=template.ready_when,
        failed_when=template.failed_when,
        manifest=manifest,
    )
    lifetime = render_lifetime(template, manifest, scope, longest, path)
    planned = planned if lifetime is None else as_temporary(planned, lifetime)
    return as_late(planned, late) if late else planned


def _cost(action: Action, scope: Json, note: Note) -> str | None:
    """Render what it costs; an Action may well say nothing of some runs."""
    if action.spec.cost is None:
        return None
    with errors_at("spec.cost"):
        rendered = render_text(action.spec.cost, scope)
    if not isinstance(rendered, str):
        rendered = json.dumps(rendered)
    note("spec.cost", True)
    return clean(rendered, 512) or None


def freeze_plan(
    action: Action,
    inputs: Json,
    people: People,
    steps: Steps,
    scope: Json,
    note: Note,
    offered: Mapping[str, Offered],
) -> RunPlan:
    """Return the plan of what would run, whatever its size."""
    metadata, execution = action.metadata, action.spec.execution
    stages, made, resources = [each.name for each in people.stages], steps.held, steps.planned
    lists = [each.id for each in execution.resources if each.for_each is not None and each.id in made]
    rechecks = freeze_rechecks(action, stages, made)
    plan = RunPlan(
        action=ActionVersion(
            name=metadata.name, uid=metadata.uid, generation=metadata.generation, title=clean(action.spec.title, 100)
        ),
        target=freeze_target(action, scope, inputs, stages, made),
        choices=freeze_choices(action, inputs, scope["inputs"], offered, rechecks),
        service_account_ref=execution.service_account_ref,
        timeout=execution.timeout,
        on_failure=execution.on_failure if execution.on_failure is OnFailure.ROLLBACK else None,
        start_deadline=execution.start_deadline,
        inputs=inputs,
        summary=[_line(action, resource, resources) for resource in resources],
        cost=_cost(action, scope, note),
        resources=resources,
        outputs=execution.outputs,
        explain=execution.explain,
        lists=lists or None,
        notifications=action.spec.notifications,
        found=people.found or None,
        **gates_of_plan(action.spec.approval, people.stages),
    )
    return amend(plan, summary=with_rollback(plan.summary, plan))


def refuse_size(plan: RunPlan) -> str | None:
    """Return why a plan is too large by what was asked for or chosen; raises EvaluationError where it is by itself."""
    size, chosen = len(json.dumps(plan.to_wire())), 0
    if size <= MAX_PLAN_BYTES:
        return None
    if plan.choices is not None:
        chosen = len(json.dumps(plan.choices.to_wire()))
    if size - chosen > MAX_PLAN_BYTES or plan.choices is None:
        text = f"spec.execution.resources: make a plan of {size} bytes, {MAX_PLAN_BYTES} are allowed"
        steps = Counter(entry_of(each.id) for each in plan.resources)
        if any(number > 1 for number in steps.values()):  # by forEach: entries are told apart by their ids
            return f"{text}: ask for fewer at once"
        raise EvaluationError(text)
    counts = [f"{len(each.chosen)} in {each.field}" for each in plan.choices.fields]
    fewer = f"choose fewer objects than {', '.join(counts)}"
    return f"spec.inputs: makes a plan of {size} bytes, {MAX_PLAN_BYTES} are allowed: {fewer}"


def _line(action: Action, planned: Planned, others: Sequence[Planned]) -> str:
    if isinstance(planned, PlannedRequest):
        return line_of_call(planned.request)
    if isinstance(planned, PlannedDeletion):
        return line_of_deletion(planned)
    template = next(each for each in action.spec.execution.resources if each.id == entry_of(planned.id))
    asked = asked_fields(template.template, planned.manifest)
    names = {each.id: name_of_step(each) for each in others}
    late = [] if planned.patch else list(say_late(planned, names.__getitem__))
    shown = with_sources(planned, names.__getitem__) if planned.patch else planned.manifest
    asked = [*late, *(each for each in asked if each.partition("=")[0] not in {one.partition("=")[0] for one in late})]
    return with_lifetime(summarize(shown, patch=planned.patch, asked=asked), planned)


def evaluate_ready(ready_when: str | None, failed_when: str | None, target: Json) -> Judged:
    """Evaluate what an Action says about a live object. What is not there yet makes it neither ready nor failed."""
    failed, _ = _rule(failed_when, "failedWhen", target)
    ready, missing = (False, "") if failed else _rule(ready_when, "readyWhen", target)
    return Judged(ready, failed, missing)


def _rule(text: str | None, field: str, target: Json) -> tuple[bool, str]:
    """Return whether a rule holds, and what it reads that is not there."""
    if text is None:
        return False, ""
    try:
        return compile_expression(text, ("self",)).holds({"self": target}), ""
    except NotThereError as error:
        return False, clean(error.path.removeprefix("self."), 256)
    except EvaluationError as error:
        raise EvaluationError(f"{field}: {error}") from None


def evaluate_outputs(plan: RunPlan, run: ActionRun, resources: Mapping[str, Json]) -> Rendered:
    """Render the outputs of a run over the objects it made, by the ids of its steps; what these do not say yet may come."""
    scope = scope_of_plan(plan, run, resources=gather(resources, plan.lists or ()))
    rendered = {}
    for name, text in plan.outputs.items():
        try:
            rendered[name] = render_text(text, scope)
        except NotThereError as error:
            if not _may_come(error.path, scope):
                raise EvaluationError(f"{name}: {error}") from None
            return Rendered({}, clean(f"{name} reads {error.path}", 256))
        except EvaluationError as error:
            raise EvaluationError(f"{name}: {error}") from None
    if len(json.dumps(rendered)) > MAX_OUTPUT_BYTES:
        raise EvaluationError(f"are larger than {MAX_OUTPUT_BYTES} bytes")
    return Rendered(rendered)


def _may_come(path: str, scope: Json) -> bool:
    """Whether what is missing belongs to an object that is there: its controller may write it yet. Inputs never change."""
    root, _, rest = path.partition(".")
    return root not in scope or (root == "resources" and "." in rest)
