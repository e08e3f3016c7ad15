"""Says what is wrong with an Action when it is applied: everything that can be known then. Pure; runs inside the sandbox.

Every expression is compiled, every input that one names must be in the form, every template is rendered with values that
the form would take. Each problem is one sentence that begins with the path of the field.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pratique.api.v1alpha1.action import Action, ResourceTemplate
from pratique.api.v1alpha1.action_run import ActionRef, ActionRun, ActionRunSpec
from pratique.api.v1alpha1.found import MAX_SOURCES
from pratique.api.v1alpha1.meta import ObjectMeta, amend
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.judging.checked_text import (
    check_condition,
    check_expression,
    check_leaf,
    check_list,
    check_text,
    kind_of_text,
)
from pratique.core.judging.computed import sorted_fields
from pratique.core.judging.deletions import problems_of_deletion, texts_of_deletion
from pratique.core.judging.expression_text import tokens_of
from pratique.core.judging.expressions import EACH, unnoted
from pratique.core.judging.field_checks import chosen_types, example_choices, problems_of_fields
from pratique.core.judging.following import problems_of_late, reword
from pratique.core.judging.forms import doubts_of_schema, example, problems_of_schema
from pratique.core.judging.kind_schema import KindSchema, form_of, problems_of_template
from pratique.core.judging.late_values import problems_of_late_values, without_late
from pratique.core.judging.late_values import reword as reword_late
from pratique.core.judging.lifetimes import FIELD as LIFETIME
from pratique.core.judging.lifetimes import find_other_end
from pratique.core.judging.nulls import problems_of_nulls
from pratique.core.judging.offers import problems_of_offers
from pratique.core.judging.policy import render_step
from pratique.core.judging.rendering import Json, strings
from pratique.core.judging.requests import problems_of_request
from pratique.core.judging.scopes import (
    CHOSEN,
    FILTER_SCOPE,
    OPTION_SCOPE,
    OUTPUT_SCOPE,
    names_for_fields,
    names_in_scope,
    option_scope,
    scope_of,
)
from pratique.core.judging.stages import find_unsatisfiable
from pratique.core.judging.targets import FILTER
from pratique.core.judging.unfolding import unfold
from pratique.core.kernel.errors import EvaluationError, LifetimeError, NotThereError
from pratique.core.kernel.places import place_of, schema_around
from pratique.core.kernel.text import clean
from pratique.core.plans.late_values import source_of, split
from pratique.core.plans.objects import forbidden, not_written_out

MAX_PROBLEMS = 10
Kinds = Mapping[str, KindSchema]


def check_action(action: Action, schemas: Mapping[str, Json] | None = None) -> tuple[str, ...]:
    """Return every problem, at most ten; an empty tuple means that the Action is sound.

    `schemas` are those of its kinds, as far as they are known, by `apiVersion/kind`.
    """
    kinds = {key: KindSchema(each["root"], each["components"]) for key, each in (schemas or {}).items()}
    return tuple(dict.fromkeys(_problems(action, kinds)))[:MAX_PROBLEMS]


def _problems(action: Action, kinds: Kinds) -> Iterator[str]:
    form = problems_of_schema(action.spec.inputs.schema_)
    yield from form or doubts_of_schema(action.spec.inputs.schema_)
    yield from problems_of_fields(action, partial(_of_option, action, kinds))
    try:
        _ = form or sorted_fields(action)
    except EvaluationError as error:
        yield str(error)
    yield from _conditions(action, kinds)
    for index, template in enumerate(action.spec.execution.resources):
        path = f"spec.execution.resources[{index}]"
        yield from _template(action, template, path, kinds, trial=not form)
        if (kind := _kind(template, kinds)) is not None:
            yield from problems_of_template(template.template, kind, f"{path}.template", partial(kind_of_text, action))
        yield from problems_of_nulls(action, index, f"{path}.template")
    yield from _twice(action)
    yield from _explain(action)
    yield from _approvals(action, kinds)
    if action.spec.cost is not None:
        yield from check_text(action, action.spec.cost, "spec.cost", _target(action, action.spec.cost, kinds))
    for name, text in action.spec.execution.outputs.items():
        live = _live(action, text, kinds)
        yield from check_text(action, text, f"spec.execution.outputs.{name}", live, OUTPUT_SCOPE)


def _approvals(action: Action, kinds: Kinds) -> Iterator[str]:
    """Yield what could never be granted, of the stages that always apply, and what is wrong with whom a rule excludes."""
    rules = action.spec.approval
    always = [amend(each, exclude=None) for each in rules.stages if each.when == "true"]
    yield from (f"spec.approval: {problem}" for problem in find_unsatisfiable(always, (), rules.same_person_in_stages))
    for index, stage in enumerate(rules.stages):
        for place, text in enumerate(stage.exclude or ()):
            path = f"spec.approval.stages[{index}].exclude[{place}]"
            yield from check_text(action, text, path, _target(action, text, kinds))
    yield from _sources(action, kinds)
    yield from problems_of_offers(action)


def _sources(action: Action, kinds: Kinds) -> Iterator[str]:
    """Yield what is wrong with the objects in which people are found, and with what says whom they name."""
    every = [(f"spec.approval.stages[{i}]", each) for i, each in enumerate(action.spec.approval.stages)]
    found = [(f"{path}.{place}", source) for path, stage in every for place, source in stage.sources]
    if len({(each.api_version, each.kind, each.namespace, each.name) for _, each in found}) > MAX_SOURCES:
        yield f"spec.approval: looks for people in more than {MAX_SOURCES} objects: leave some of approvers.from out"
    for path, source in found:
        if source.name.strip() != source.name:
            yield f"{path}.name: has blanks around it: {clean(source.name, 80)!r}"
        yield from check_text(action, source.name, f"{path}.name", _target(action, source.name, kinds))
        kind, names = kinds.get(f"{source.api_version}/{source.kind}"), ("object", *names_in_scope(action))
        for sort, text in (("users", source.users), ("groups", source.groups)):
            if text is not None:
                yield from check_expression(
                    action, text, names, f"{path}.{sort}", _live_object(action, kind, text, kinds)
                )


def _live_object(action: Action, kind: KindSchema | None, text: str, kinds: Kinds) -> Json:
    """Return the types of the live objects that an expression sees, `object` among them."""
    seen = {token.text.strip("`") for token in tokens_of(text)}
    return _target(action, text, kinds) | ({"object": form_of(kind, seen)} if kind is not None else {})


def _kind(template: ResourceTemplate, kinds: Kinds) -> KindSchema | None:
    return kinds.get(f"{template.template.get('apiVersion')}/{template.template.get('kind')}")


def _live(action: Action, text: str, kinds: Kinds) -> Json:
    """Return the types of the live objects that an expression sees as `resources`."""
    names = {token.text.strip("`") for token in tokens_of(text)}
    return {
        "resources": {"properties": {each.id: _later(each, kinds, names) for each in action.spec.execution.resources}}
    }


def _later(step: ResourceTemplate, kinds: Kinds, names: set[str]) -> Json:
    """Return the type of what outputs see of an entry: a live object, what is kept of an answer, or a list of either."""
    kind = _kind(step, kinds)
    if step.for_each is not None:
        return {}
    if step.request is not None:
        return {"properties": {"status": {"type": "integer"}, **{name: {} for name in step.request.answer}}}
    return dict(form_of(kind, names)) if kind is not None else {}


def _target(action: Action, text: str, kinds: Kinds) -> Json:
    """Return the types of the live objects that an expression sees as `target` and as `chosen`."""
    names, acts_on, live = {token.text.strip("`") for token in tokens_of(text)}, action.spec.acts_on, dict[str, Any]()
    kind = kinds.get(f"{acts_on.api_version}/{acts_on.kind}") if acts_on is not None else None
    if kind is not None:
        live["target"] = form_of(kind, names)
    if action.spec.inputs.offers:
        live[CHOSEN] = {"properties": chosen_types(action, names, kinds)}
    return live


def _conditions(action: Action, kinds: Kinds) -> Iterator[str]:
    spec = action.spec
    if spec.acts_on is not None and (only := spec.acts_on.filter) is not None:
        yield from check_condition(action, only, FILTER_SCOPE, FILTER, _target(action, only, kinds))
    bare = [(f"spec.inputs.rules[{index}].rule", rule.rule) for index, rule in enumerate(spec.inputs.rules)]
    bare += [(f"spec.approval.stages[{index}].when", stage.when) for index, stage in enumerate(spec.approval.stages)]
    for path, text in bare:
        yield from check_condition(action, text, names_in_scope(action), path, _target(action, text, kinds))
    for index, template in enumerate(spec.execution.resources):
        path = f"spec.execution.resources[{index}]"
        live = _target(action, template.when, kinds)
        yield from check_condition(action, template.when, names_in_scope(action), f"{path}.when", live)
        if template.for_each is not None:
            yield from check_list(action, template.for_each, f"{path}.forEach")
        kind = _kind(template, kinds)
        for field, rule in (("readyWhen", template.ready_when), ("failedWhen", template.failed_when)):
            if rule is not None:
                names = {token.text.strip("`") for token in tokens_of(rule)}
                live = {"self": form_of(kind, names)} if kind is not None else {}
                yield from check_condition(action, rule, ("self",), f"{path}.{field}", live)


def _of_option(
    action: Action, kinds: Kinds, name: str, text: str, path: str, *, condition: bool, of_object: bool = True
) -> Iterator[str]:
    """Yield what is wrong with an expression of a field: over an object that it offers, or over the request."""
    if not of_object:
        yield from _of_field(action, kinds, name, text, path, condition=condition)
        return
    source = action.spec.inputs.offers[name].from_
    kind = kinds.get(f"{source.api_version}/{source.kind}")
    live = {"object": form_of(kind, {token.text.strip("`") for token in tokens_of(text)})} if kind is not None else {}
    if path.endswith(".entries"):
        yield from check_list(action, text, path, OPTION_SCOPE, live)
        return
    names = option_scope(action.spec.inputs.offers[name].entries is not None)
    if condition:
        yield from check_condition(action, text, names, path, live)
        return
    yield from check_expression(action, text, names, path, live)


def _of_field(action: Action, kinds: Kinds, name: str, text: str, path: str, *, condition: bool) -> Iterator[str]:
    names, live, place = names_for_fields(action), _target(action, text, kinds), place_of(name)
    live.pop(CHOSEN, None)
    if place.inside:
        names, live[EACH] = (*names, EACH), schema_around(action.spec.inputs.schema_, place)
    if condition:
        yield from check_condition(action, text, names, path, live)
        return
    yield from check_expression(action, text, names, path, live)


def _template(action: Action, template: ResourceTemplate, path: str, kinds: Kinds, *, trial: bool) -> Iterator[str]:
    names = names_in_scope(action) if template.for_each is None else (*names_in_scope(action), EACH)
    steps = action.spec.execution.resources
    index = steps.index(template)
    if template.request is not None:

        def check(text: str, field: str) -> Iterator[str]:
            return reword(check_text(action, text, field, _target(action, text, kinds), names), field)

        problems = list(problems_of_request(template, path, check))
        problems += problems_of_late(steps, index, path)
        yield from problems or (_trial(action, template, path) if trial else [])
        return
    where, goes = f"{path}.{template.sort}", template.delete
    if goes is not None:
        found, texts = list(problems_of_deletion(goes, where)), texts_of_deletion(goes, where)
    else:
        found = [*forbidden(template.template, where), *not_written_out(template.template, where)]
        texts = strings(template.template, where)
    try:
        for field, text in texts:
            rest = without_late(text) if goes is None else text
            found += reword_late(check_text(action, rest, field, _target(action, rest, kinds), names), field)
            found += _reads(action, text, field, kinds) if goes is None else ()
        found += problems_of_late_values(steps, index, path)
    except EvaluationError as error:
        found.append(str(error))
    found += _lifetime(action, template, path, names, kinds)
    if trial and not found:
        found += _trial(action, template, path)
    yield from found


def _reads(action: Action, text: str, field: str, kinds: Kinds) -> Iterator[str]:
    """Yield what is misspelt of what a text reads of earlier entries, as far as their kinds are known."""
    for read in split(text).reads:
        known = {each.id for each in action.spec.execution.resources if each.template and each.for_each is None}
        if source_of(read) in known:
            whole = f"resources.{read}"
            yield from check_leaf(action, whole, OUTPUT_SCOPE, field, _live(action, whole, kinds))


def _lifetime(
    action: Action, template: ResourceTemplate, path: str, names: tuple[str, ...], kinds: Kinds
) -> Iterator[str]:
    text, where = template.expires_after, f"{path}.{LIFETIME}"
    if text is None:
        return
    yield from check_text(action, text, where, _target(action, text, kinds), names)
    if (twice := find_other_end(template.template)) is not None:
        yield f"{where}: {twice}"
    elif kind_of_text(action, text) not in (None, "string"):
        yield f"{where}: must be text such as 8h, and {clean(text, 80)} is none: write {clean(text, 80)}h, for hours"


def _explain(action: Action) -> Iterator[str]:
    """Yield that no log will ever be read, where one is asked for."""
    asked, entries = action.spec.execution.explain, action.spec.execution.resources
    if asked is not None and asked.logs and not any(each.sort == "template" and not each.patch for each in entries):
        yield "spec.execution.explain.logs: is about pods of objects that a run makes; this one makes none: leave it out"


def _twice(action: Action) -> Iterator[str]:
    """Find templates of one and the same object: the second could only be taken for the first, or collide with it."""
    first: dict[tuple[str, ...], int] = {}
    for index, each in enumerate(action.spec.execution.resources):
        if each.request is not None:
            continue  # twice the same call is two calls
        raw = each.template if each.delete is None else each.delete.to_wire()
        metadata: Any = raw.get("metadata", {}) if each.delete is None else raw
        metadata = metadata if isinstance(metadata, dict) else {}
        group = str(raw.get("apiVersion")).rpartition("/")[0]
        same = (group, str(raw.get("kind")), str(metadata.get("namespace")), str(metadata.get("name")))
        # One of two may be made in each case, one may take the place of another, and what was made may be changed.
        alike = first.setdefault((*same, each.when, str(each.patch), each.sort), index)
        if alike != index:
            path = "spec.execution.resources"
            yield f"{path}[{index}].{each.sort}: is the object of {path}[{alike}] again; join the two"


def _trial(action: Action, template: ResourceTemplate, path: str) -> list[str]:
    """Render the template with made-up inputs. What fails only for want of a better example is not a problem.

    Of a target that is made up, everything but its name is lacking.
    """
    run = ActionRun(
        metadata=ObjectMeta(name="example", namespace="example", uid="example", creation_timestamp=_SOME_TIME),
        spec=ActionRunSpec(
            action_ref=ActionRef(name=action.metadata.name), requested_by=Requester(username="someone@example.com")
        ),
    )
    inputs: Json = example(action.spec.inputs.schema_)
    try:
        scope = scope_of(action, run, inputs, _example(action))
        if action.spec.inputs.offers:
            scope[CHOSEN] = example_choices(action, inputs)
        for step, seen in unfold(template, scope, path, unnoted)[:1]:
            render_step(step, run, seen, path, action.spec.execution.max_expiry)
    except LifetimeError:
        return []  # a made-up text is no duration; one that is written out was looked at by the CRD
    except EvaluationError as error:
        if isinstance(error, NotThereError) and (action.spec.acts_on is not None or action.spec.inputs.fields):
            return []
        return [f"{error} (tried with {inputs})"]
    return []


def _example(action: Action) -> dict[str, Any] | None:
    acts_on, when = action.spec.acts_on, format_time(_SOME_TIME)
    if acts_on is None:
        return None
    named = {"name": "example", "namespace": "example", "uid": "example", "creationTimestamp": when}
    return {"apiVersion": acts_on.api_version, "kind": acts_on.kind, "metadata": named}


_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)
