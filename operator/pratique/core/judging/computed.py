"""Works out the fields of a form that are computed: whether they are asked for at all, and what they hold by default. Pure.

A field may be inside of another: of each row of a list, of a group. It is worked out row by row then.

Hidden is not absent: a value for a field that is not visible, or disabled, is refused, never dropped. A field is worked out
after those that its expressions read; a circle is refused. Runs inside the sandbox only. Called by `judge` and `checks`.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.options import InputField, texts_of
from pratique.core.judging.expression_text import selections_of
from pratique.core.judging.expressions import EACH, Note, compile_expression, errors_at, evaluate_condition
from pratique.core.judging.form_language import comparable
from pratique.core.judging.forms import as_declared, example, with_defaults
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.places import holders, name_of, place_of, schema_around, schema_of
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
    read = {name: _read(name, computed[name]) for name in order}
    graph = {
        name: [each for each in order if each in read[name] or place_of(each).root in read[name]] for name in order
    }
    for name in order:  # whether there are rows at all is known before what is in them
        graph[name] += [place_of(name).root] if place_of(name).root in graph.keys() - {name} else []
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " reads ".join(reversed(error.args[1]))
        raise EvaluationError(
            f"spec.inputs.fields: {circle}: none of them can be worked out before the others; let one of them not read"
        ) from None


def _read(name: str, field: InputField) -> set[str]:
    """Return the fields that say whether one is asked for, and what it holds; its bounds are worked out last."""
    texts = [text for what, text in texts_of(field) if what in ("visible", "disabled", "default")]
    found = {each for text in texts for each in selections_of(text)}
    read, place = {each for root, each in found if root == "inputs"}, place_of(name)
    if place.inside:
        beside = f"{place.root}{'[]' * place.rows}."
        read |= {f"{beside}{each}" for root, each in found if root == EACH}
    return read


@dataclass
class _Work:
    """A form that is being worked out: what it holds so far, and what was set aside until it is known to be asked for."""

    action: Action
    given: Json
    inputs: Json
    scope: Json
    note: Note
    aside: Json
    hidden: set[str]
    disabled: set[str]
    refusals: list[str]

    def set_aside(self, name: str) -> None:
        """Take the schema's default of a field that may be hidden out."""
        place = place_of(name)
        if self.action.spec.inputs.fields[name].visible is None:
            return
        given = dict(holders(self.given, place))
        for holder, held in holders(self.inputs, place):
            if place.key in held and place.key not in given.get(holder, {}):
                self.aside[place.path(holder)] = held.pop(place.key)

    def settle(self, name: str) -> None:
        """Say of a field, row by row, whether it is asked for and what it holds."""
        schema, place = self.action.spec.inputs.schema_, place_of(name)
        given = dict(holders(self.given, place))
        seen = {**self.scope, "inputs": as_declared(schema, self.inputs)}
        around = schema_around(schema, place)
        for holder, held in list(holders(self.inputs, place)):
            here = {**seen, EACH: as_declared(around, held)} if place.inside else seen
            self._settle(name, place.path(holder), place.key, held, given.get(holder), here, around)

    def _settle(self, name: str, at: str, key: str, held: Json, given: Json | None, seen: Json, around: Json) -> None:
        field, path, wrote = self.action.spec.inputs.fields[name], f"spec.inputs.fields.{name}", key in (given or {})
        if field.visible is not None and not evaluate_condition(field.visible, seen, f"{path}.visible", self.note):
            self.hidden.add(at)
            held.pop(key, None)
            if wrote:
                self.refusals.append(
                    f"spec.inputs.{at}: is not asked for here, since {_false(field.visible)}: leave it out"
                )
            return
        if field.disabled is not None and evaluate_condition(field.disabled, seen, f"{path}.disabled", self.note):
            self.disabled.add(at)
            if wrote:
                self.refusals.append(f"spec.inputs.{at}: is not for you to fill in here: leave it out")
        if field.default is not None and key not in (held if given is None else given):
            self.aside[at] = _evaluated(field.default, seen, f"{path}.default", self.note)
        if at in self.aside:
            held |= _with_defaults_inside(around, {key: self.aside[at]})
        if at != key and field.visible is not None and key not in held and key in (around.get("required") or ()):
            self.refusals.append(f"spec.inputs.{at}: is required")  # the form says so of no row, as others lack it


def work_out(action: Action, given: Json, scope: Json, note: Note) -> Worked:
    """Return the inputs with all defaults, and without what is not asked for; raises EvaluationError with the field.

    The schema's default of a field that may be hidden is not seen before it is known to be asked for.
    """
    work = _Work(action, given, with_defaults(action.spec.inputs.schema_, given), scope, note, {}, set(), set(), [])
    order = sorted_fields(action)
    for name in order:
        work.set_aside(name)
    for name in order:
        work.settle(name)
    return Worked(work.inputs, frozenset(work.hidden), frozenset(work.disabled), tuple(work.refusals))


def refuse_bounds(action: Action, worked: Worked, scope: Json, note: Note) -> Bounds:
    """Return what is missing or out of bounds, which fields are required for this request, and what is said beside them."""
    refusals, needed, helps, form = list[str](), set[str](), dict[str, str](), action.spec.inputs
    for name, each in sorted(form.fields.items()):
        place = place_of(name)
        around = schema_around(form.schema_, place)
        for holder, held in holders(worked.inputs, place):
            if (at := place.path(holder)) in worked.hidden:
                continue
            seen = {**scope, EACH: as_declared(around, held)} if place.inside else scope
            path, found = f"spec.inputs.fields.{name}", list[str]()
            if each.help is not None:
                helps[at] = _text(each.help, seen, f"{path}.help", note, MAX_HELP)
            if each.required is not None and evaluate_condition(each.required, seen, f"{path}.required", note):
                needed.add(at)
                if place.key not in held:
                    found.append(f"spec.inputs.{at}: is required here, since {clean(each.required, 200)}")
            if place.key in held:
                kind, value = schema_of(form.schema_, name).get("format"), held[place.key]
                found += [f"spec.inputs.{at}: {said}" for said in _beyond(path, each, kind, value, seen, note)]
                found += [f"spec.inputs.{at}: {said}" for said in _unlike(path, each, value, seen, note)]
            refusals += [f"{said} ({helps[at]})" if helps.get(at) else said for said in found]
    return Bounds(tuple(refusals), frozenset(needed), helps)


def _beyond(field_path: str, field: InputField, form: object, value: Any, scope: Json, note: Note) -> Iterator[str]:  # noqa: ANN401
    """Yield which bound a value is beyond."""
    for word, text in (("minimum", field.minimum), ("maximum", field.maximum)):
        if text is None:
            continue
        path = f"{field_path}.{word}"
        bound = _evaluated(text, scope, path, note)
        held, limit = comparable(form, value), comparable(form, bound)
        if held is None or limit is None:
            of = f"a {form}, such as {example({'format': form})}," if form in _DATES else "of the type of its field,"
            raise EvaluationError(f"{path}: must be {of} but is {clean(str(bound), 80)}")
        if held < limit if word == "minimum" else held > limit:
            yield f"{value} is {_BEYOND[word]} {bound}, which is its {word} here"


def _unlike(field_path: str, field: InputField, value: Any, scope: Json, note: Note) -> Iterator[str]:  # noqa: ANN401
    """Yield that a text does not match. By RE2, which takes no longer for any pattern: requests may have a say in it."""
    if field.pattern is None or not isinstance(value, str):
        return
    path = f"{field_path}.pattern"
    pattern = _text(field.pattern, scope, path, note, MAX_PATTERN)
    if not is_found(pattern, value, path):
        yield f"{_quoted(value)} does not match {_quoted(pattern)}, which is its pattern here"


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


def without_hidden(schema: Mapping[str, Any], hidden: Collection[str]) -> Json:
    """Return a form that does not ask for what is hidden, at the top or in any row."""
    names = sorted({name_of(each) for each in hidden})
    left, properties = _not_requiring(schema, names), dict(schema.get("properties") or {})
    for place in (place_of(each) for each in names):
        root = properties.get(place.root)
        if place.inside and isinstance(root, Mapping):
            inner = root.get("items") if place.rows else root
            trimmed = _not_requiring(inner, [place.inside]) if isinstance(inner, Mapping) else inner
            properties[place.root] = {**root, "items": trimmed} if place.rows else trimmed
    return {**left, "properties": properties} if properties else left


def _not_requiring(schema: Mapping[str, Any], names: Collection[str]) -> Json:
    required = [name for name in schema.get("required") or () if name not in names]
    return {**schema, "required": required} if "required" in schema else dict(schema)


def before_computing(action: Action) -> Json:
    """Return the form by which what was given is judged first: what is computed may be missing."""
    names = [name for name, each in action.spec.inputs.fields.items() if is_computed(each)]
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
