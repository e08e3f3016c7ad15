"""Says what is wrong with one expression or text of an Action, as far as that is known before anybody asks. Pure.

It compiles, names nothing that is not there, and has the type that its field needs. Each problem is one sentence that
begins with the path of the field. Runs inside the sandbox; called by `checks`.
"""

import re
from collections.abc import Iterator

from pratique.api.v1alpha1.action import Action
from pratique.core.judging.expression_text import selections_of
from pratique.core.judging.expressions import Program, compile_expression
from pratique.core.judging.form_types import ACTION, ANYTHING, RUN, Types, types_of
from pratique.core.judging.forms import problems_of_schema
from pratique.core.judging.rendering import Json, Literal, parse
from pratique.core.judging.scopes import names_in_scope
from pratique.core.judging.unfolding import FOR_EACH_SCOPE
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.text import clean, nearest


def check_condition(
    action: Action, text: str, names: tuple[str, ...], path: str, live: Json | None = None
) -> Iterator[str]:
    """Yield what is wrong with an expression that has to be true or false.

    `live` are the types of the live objects that it sees, by their names, as far as they are known.
    """
    try:
        program = compile_expression(text, names)
    except EvaluationError as error:
        yield f"{path}: {_difference(action, text) or error}"
        return
    if not program.is_condition:
        yield f"{path}: must be true or false, but this expression never is: {text}"
        return
    yield from _typed(action, text, names, path, live or {}, condition=True)


def check_list(
    action: Action, text: str, path: str, names: tuple[str, ...] = FOR_EACH_SCOPE, live: Json | None = None
) -> Iterator[str]:
    """Yield what is wrong with an expression that has to give a list: `forEach`, the entries of options."""
    problems = list(check_expression(action, text, names, path, live or {}))
    kind = _types(action, names, {}).kind_of(text)
    if not problems and kind not in (None, "array"):
        problems = [f"{path}: must be a list, but is a {kind}: {text}"]
    yield from problems


def check_expression(action: Action, text: str, names: tuple[str, ...], path: str, live: Json) -> Iterator[str]:
    """Yield what is wrong with an expression that may give any value."""
    try:
        compile_expression(text, names)
    except EvaluationError as error:
        yield f"{path}: {_difference(action, text) or error}"
        return
    yield from _typed(action, text, names, path, live, condition=False)


def check_leaf(action: Action, text: str, names: tuple[str, ...], path: str, live: Json) -> Iterator[str]:
    """Yield what is wrong with an expression that has to give a text, a number or a boolean."""
    problems = list(check_expression(action, text, names, path, live))
    kind = _types(action, names, live).kind_of(text)
    if not problems and kind in ("array", "object"):
        problems = [f"{path}: {text} is {'a list' if kind == 'array' else 'an object'}: name one field of it"]
    yield from problems


def check_text(action: Action, text: str, path: str, live: Json, only: tuple[str, ...] | None = None) -> Iterator[str]:
    """Yield what is wrong with a text that holds expressions in `${…}`; `only` are the names that they see, if not all."""
    names = only or names_in_scope(action)
    try:
        parts = parse(text, names)
    except EvaluationError as error:
        yield f"{path}: {_difference(action, text) or error}"
        return
    yield from _unmarked(action, "".join(part.text for part in parts if isinstance(part, Literal)), path)
    for program in (part for part in parts if isinstance(part, Program)):
        yield from _typed(action, program.text, names, path, live, condition=False)


def kind_of_text(action: Action, text: str) -> str | None:
    """Return the JSON type of what a template's text becomes, whatever the inputs are; None if it may be any."""
    names = names_in_scope(action)
    try:
        parts = parse(text, names)
    except EvaluationError:
        return None
    only = parts[0]
    return _types(action, names, {}).kind_of(only.text) if len(parts) == 1 and isinstance(only, Program) else "string"


_MARKED = re.compile(r"(?:\{\{-?\s*\.?|\$\(|\$|%|<)\s*(inputs|run)\.([A-Za-z_][\w-]*)|^(inputs)\.([A-Za-z_][\w-]*)$")


def _unmarked(action: Action, literal: str, path: str) -> Iterator[str]:
    """Yield what looks like an expression of another language, and would be made as the text that it is."""
    for found in _MARKED.finditer(literal):
        root, name = found[1] or found[3], found[2] or found[4]
        if name in (_inputs(action) if root == "inputs" else RUN["properties"]):
            yield f"{path}: {clean(literal, 60)} would be made as it stands: an expression is ${{{root}.{name}}}"
            return


def _typed(
    action: Action, text: str, names: tuple[str, ...], path: str, live: Json, *, condition: bool
) -> Iterator[str]:
    """Check an expression that compiles against what is known about its names."""
    misspelt = list(_names(action, text, path))
    yield from misspelt
    if misspelt:
        return
    problem = _types(action, names, live).problem(text, condition=condition)
    if live and problem and "has no field" not in problem and "object " in problem:
        # a live object is a map when it is evaluated, and more can be done with a map than with a message
        problem = _types(action, names, {}).problem(text, condition=condition)
    if problem:
        yield f"{path}: {problem}"


def _types(action: Action, names: tuple[str, ...], live: Json) -> Types:
    form = action.spec.inputs.schema_
    if problems_of_schema(form):
        form = {"additionalProperties": True}
    resources = {"properties": {each.id: ANYTHING for each in action.spec.execution.resources}}
    known = {"inputs": {"properties": {}, **form}, "run": RUN, "action": ACTION, "resources": resources, **live}
    return types_of({name: known.get(name, ANYTHING) for name in names})


def _inputs(action: Action) -> list[str]:
    properties = action.spec.inputs.schema_.get("properties")
    return list(properties) if isinstance(properties, dict) else []


def _difference(action: Action, text: str) -> str | None:
    """Say of an input whose name has a dash that it is read as a difference."""
    dashed = (name for name in _inputs(action) if "-" in name and f"inputs.{name}" in text)
    return next((f"inputs.{name} is read as a difference; write inputs['{name}']" for name in dashed), None)


def _names(action: Action, text: str, path: str) -> Iterator[str]:
    """Catch typing mistakes that CEL cannot see, since inputs and resources are maps to it."""
    resources = [template.id for template in action.spec.execution.resources if template.delete is None]
    selected = selections_of(text)
    for root, known, what in (("inputs", _inputs(action), "input"), ("resources", resources, "resource")):
        for name in sorted({each for of, each in selected if of == root} - set(known)):
            meant = nearest(name, known)
            hint = f"did you mean {meant}?" if meant else f"known are: {', '.join(known) or 'none'}"
            yield f"{path}: there is no {what} named {name}; {hint}"
