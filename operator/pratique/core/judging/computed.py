"""Works out the fields of a form that are computed: whether they are asked for at all, and what they hold by default. Pure.

Hidden is not absent: a value for a field that is not visible, or disabled, is refused, never dropped. A field is worked out
after those that its expressions read; a circle is refused. Runs inside the sandbox only. Called by `judge` and `checks`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.options import InputField, texts_of
from pratique.core.judging.expression_text import selections_of
from pratique.core.judging.expressions import Note, compile_expression, errors_at, evaluate_condition
from pratique.core.judging.form_language import comparable
from pratique.core.judging.forms import as_declared, example, with_defaults
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.text import clean
from pratique.core.telling.shown_inputs import in_order

Json = dict[str, Any]


@dataclass(frozen=True)
class Worked:
    """A form worked out for one request: what it holds, which fields are not asked for, and what is refused."""

    inputs: Json
    hidden: frozenset[str] = frozenset()
    disabled: frozenset[str] = frozenset()
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bounds:
    """What is worked out last, over all that a form holds: what is refused, required, and said of fields."""

    refusals: tuple[str, ...]
    needed: frozenset[str]
    help: Mapping[str, str]


NO_BOUNDS = Bounds((), frozenset(), {})
MAX_HELP, MAX_PATTERN = 500, 512


def is_computed(field: InputField) -> bool:
    """Whether anything of a field is worked out for each request."""
    return any(texts_of(field))


def sorted_fields(action: Action) -> list[str]:
    """Return the names of computed fields, each after those that it reads; raises EvaluationError for a circle."""
    fields, schema = action.spec.inputs.fields, action.spec.inputs.schema_
    computed = {name: each for name, each in fields.items() if is_computed(each)}
    order = [name for name in in_order(schema, schema.get("properties") or {}) if name in computed]
    order += sorted(computed.keys() - set(order))
    read = {name: _read(computed[name]) for name in order}
    graph = {name: [each for each in order if each in read[name]] for name in order}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " reads ".join(reversed(error.args[1]))
        raise EvaluationError(
            f"spec.inputs.fields: {circle}: none of them can be worked out before the others; let one of them not read"
        ) from None


def _read(field: InputField) -> set[str]:
    """Return the inputs that say whether a field is asked for, and what it holds; its bounds are worked out last."""
    texts = [text for name, text in texts_of(field) if name in ("visible", "disabled", "default")]
    return {name for text in texts for root, name in selections_of(text) if root == "inputs"}


def work_out(action: Action, given: Json, scope: Json, note: Note) -> Worked:
    """Return the inputs with all defaults, and without what is not asked for; raises EvaluationError with the field.

    The schema's default of a field that may be hidden is not seen before it is known to be asked for.
    """
    form = action.spec.inputs
    inputs, hidden, disabled, refusals = with_defaults(form.schema_, given), set[str](), set[str](), list[str]()
    order = sorted_fields(action)
    unsure = [name for name in order if form.fields[name].visible is not None and name not in given]
    unseen = {name: inputs.pop(name) for name in unsure if name in inputs}
    for name in order:
        field, path = form.fields[name], f"spec.inputs.fields.{name}"
        seen = {**scope, "inputs": as_declared(form.schema_, inputs)}
        if field.visible is not None and not evaluate_condition(field.visible, seen, f"{path}.visible", note):
            hidden.add(name)
            inputs.pop(name, None)
            if name in given:
                refusals.append(
                    f"spec.inputs.{name}: is not asked for here, since {_false(field.visible)}: leave it out"
                )
            continue
        if field.disabled is not None and evaluate_condition(field.disabled, seen, f"{path}.disabled", note):
            disabled.add(name)
            if name in given:
                refusals.append(f"spec.inputs.{name}: is not for you to fill in here: leave it out")
        if field.default is not None and name not in given:
            unseen[name] = _evaluated(field.default, seen, f"{path}.default", note)
        if name in unseen:
            inputs |= _with_defaults_inside(form.schema_, {name: unseen[name]})
    return Worked(inputs, frozenset(hidden), frozenset(disabled), tuple(refusals))


def refuse_bounds(action: Action, worked: Worked, scope: Json, note: Note) -> Bounds:
    """Return what is missing or out of bounds, which fields are required for this request, and what is said beside them."""
    refusals, needed, helps = list[str](), set[str](), dict[str, str]()
    for name, field in sorted(action.spec.inputs.fields.items()):
        if name in worked.hidden:
            continue
        path, found = f"spec.inputs.fields.{name}", list[str]()
        if field.help is not None:
            helps[name] = _text(field.help, scope, f"{path}.help", note, MAX_HELP)
        if field.required is not None and evaluate_condition(field.required, scope, f"{path}.required", note):
            needed.add(name)
            if name not in worked.inputs:
                found.append(f"spec.inputs.{name}: is required here, since {clean(field.required, 200)}")
        if name in worked.inputs:
            schema = (action.spec.inputs.schema_.get("properties") or {}).get(name, {})
            found += _beyond(name, field, schema.get("format"), worked.inputs[name], scope, note)
            found += _unlike(name, field, worked.inputs[name], scope, note)
        refusals += [f"{each} ({helps[name]})" if helps.get(name) else each for each in found]
    return Bounds(tuple(refusals), frozenset(needed), helps)


def _beyond(name: str, field: InputField, form: object, value: Any, scope: Json, note: Note) -> Iterator[str]:  # noqa: ANN401
    """Yield which bound a value is beyond."""
    for word, text in (("minimum", field.minimum), ("maximum", field.maximum)):
        if text is None:
            continue
        path = f"spec.inputs.fields.{name}.{word}"
        bound = _evaluated(text, scope, path, note)
        held, limit = comparable(form, value), comparable(form, bound)
        if held is None or limit is None:
            of = f"a {form}, such as {example({'format': form})}," if form in _DATES else "of the type of its field,"
            raise EvaluationError(f"{path}: must be {of} but is {clean(str(bound), 80)}")
        if held < limit if word == "minimum" else held > limit:
            yield f"spec.inputs.{name}: {value} is {_BEYOND[word]} {bound}, which is its {word} here"


def _unlike(name: str, field: InputField, value: Any, scope: Json, note: Note) -> Iterator[str]:  # noqa: ANN401
    """Yield that a text does not match. By RE2, which takes no longer for any pattern: requests may have a say in it."""
    if field.pattern is None or not isinstance(value, str):
        return
    path = f"spec.inputs.fields.{name}.pattern"
    pattern = _text(field.pattern, scope, path, note, MAX_PATTERN)
    if not is_found(pattern, value, path):
        yield f"spec.inputs.{name}: {_quoted(value)} does not match {_quoted(pattern)}, which is its pattern here"


def is_found(pattern: str, text: str, path: str) -> bool:
    """Whether a pattern is found in a text; raises EvaluationError with the path if it is none."""
    with errors_at(path):
        return compile_expression("it.text.matches(it.pattern)", ("it",)).holds(
            {"it": {"text": text, "pattern": pattern}}
        )


def _text(text: str, scope: Json, path: str, note: Note, most: int) -> str:
    """Return what an expression gives that has to be a text of one line."""
    found = _evaluated(text, scope, path, note)
    if not isinstance(found, str) or len(found) > most:
        raise EvaluationError(f"{path}: must be a text of at most {most} characters: {text}")
    return found if path.endswith("pattern") else clean(found, most)


def _quoted(value: str) -> str:
    return clean(json.dumps(value, ensure_ascii=False), 80)


_BEYOND = {"minimum": "less than", "maximum": "more than"}
_DATES = ("date", "date-time")


def without_hidden(schema: Mapping[str, Any], hidden: frozenset[str]) -> Json:
    """Return a form that does not ask for what is hidden."""
    required = [name for name in schema.get("required") or () if name not in hidden]
    return {**schema, "required": required} if "required" in schema else dict(schema)


def before_computing(action: Action) -> Json:
    """Return the form by which what was given is judged first: what is computed may be missing."""
    names = frozenset(name for name, each in action.spec.inputs.fields.items() if is_computed(each))
    return without_hidden(action.spec.inputs.schema_, names)


def _with_defaults_inside(schema: Json, inputs: Json) -> Json:
    """Return inputs with the defaults that the form has for fields inside of them, and no others."""
    properties = schema.get("properties") or {}
    return with_defaults({"properties": {name: properties[name] for name in inputs if name in properties}}, inputs)


def _false(text: str) -> str:
    return f"{clean(text, 200)} is false"


def _evaluated(text: str, scope: Json, path: str, note: Note) -> Any:  # noqa: ANN401 - any JSON value
    with errors_at(path):
        value = compile_expression(text, tuple(scope)).evaluate(scope)
    note(path, True)
    return value
