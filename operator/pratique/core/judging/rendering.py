"""Turns templates into objects: YAML values with `${CEL}` in their strings. Pure; evaluated inside the sandbox only.

Templates are data, not text: a value lands where its `${…}` stood and nowhere else, so no input can inject YAML. A string
that is one `${…}` keeps the value's type; in mixed text only scalars may stand. `$${` is a literal `${`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pratique.core.judging.expressions import Program, compile_expression, errors_at
from pratique.core.judging.scanner import closing_brace
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.limits import MAX_TEMPLATE_DEPTH
from pratique.core.kernel.text import clean

Json = dict[str, Any]
Scope = Mapping[str, Any]
MAX_TEXT = 65536


@dataclass(frozen=True)
class Literal:
    """Text that stands for itself."""

    text: str


Part = Literal | Program


def parse(text: str, names: tuple[str, ...]) -> list[Part]:
    """Split a template string into literal text and compiled expressions; raises EvaluationError."""
    parts: list[Part] = []
    literal, at = "", 0
    while (mark := text.find("${", at)) >= 0:
        if mark > at and text[mark - 1] == "$":
            literal, at = f"{literal}{text[at : mark - 1]}${{", mark + 2
            continue
        end = _closing(text, mark + 2)
        if before := literal + text[at:mark]:
            parts.append(Literal(before))
        parts.append(compile_expression(text[mark + 2 : end].strip(), names))
        literal, at = "", end + 1
    rest = literal + text[at:]
    return [*parts, Literal(rest)] if rest or not parts else parts


def _closing(text: str, start: int) -> int:
    end = closing_brace(text, start)
    if end is None:
        raise EvaluationError(f"'${{' is never closed by '}}'; write $${{ for a literal ${{: {clean(text, 80)}")
    if not text[start:end].strip():
        raise EvaluationError("${} is empty; write $${ for a literal ${")
    return end


def render_text(text: str, scope: Scope) -> Any:  # noqa: ANN401 - any JSON value
    """Render one template string."""
    parts = parse(text, tuple(scope))
    if len(parts) == 1 and isinstance(parts[0], Program):
        return parts[0].evaluate(scope)
    return _join(parts, scope)


def render_words(text: str, scope: Scope) -> str:
    """Render one template string as a part of a longer text, also where it is one expression."""
    return _join(parse(text, tuple(scope)), scope)


def _join(parts: list[Part], scope: Scope) -> str:
    result = "".join(_as_text(part, scope) for part in parts)
    if len(result) > MAX_TEXT:
        raise EvaluationError(f"is longer than {MAX_TEXT} characters")
    return result


def _as_text(part: Part, scope: Scope) -> str:
    if isinstance(part, Literal):
        return part.text
    value = part.evaluate(scope)
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return json.dumps(value)
        case _:
            kind = "null" if value is None else type(value).__name__
            raise EvaluationError(
                f"${{{part.text}}} is a {kind}: inside text only strings, numbers and booleans may stand"
            )


def render(
    template: Any,  # noqa: ANN401 - any JSON value
    scope: Scope,
    path: str,
    leaf: Callable[[str, Scope], Any] = render_text,
) -> Any:  # noqa: ANN401
    """Render a template of any depth, each string by `leaf`; an EvaluationError names the field under `path`."""
    match template:
        case str():
            with errors_at(path):
                return leaf(template, scope)
        case Mapping():
            return {key: render(value, scope, f"{path}.{key}", leaf) for key, value in template.items()}
        case list():
            return [render(value, scope, f"{path}[{index}]", leaf) for index, value in enumerate(template)]
        case _:
            return template


def strings(template: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Yield every string of a template with its path; keys that look like templates are errors."""
    if depth > MAX_TEMPLATE_DEPTH:
        raise EvaluationError(f"{path}: is nested deeper than {MAX_TEMPLATE_DEPTH} levels")
    match template:
        case str():
            yield path, template
        case Mapping():
            for key, value in template.items():
                if "${" in str(key):
                    raise EvaluationError(f"{path}.{key}: the name of a field cannot be a template")
                yield from strings(value, f"{path}.{key}", depth + 1)
        case list():
            for index, value in enumerate(template):
                yield from strings(value, f"{path}[{index}]", depth + 1)
