"""Says what a request asks for, as an approver reads it: each input by its title, in the order of the form. Pure.

What is shown is bounded and one line each; the whole is in the run's spec.inputs. Nothing that does not show is passed
over in silence: who approves a name must not approve another one that looks the same.
"""

import json
from collections.abc import Mapping
from typing import Any

from pratique.api.v1alpha1.approval import AskedInput
from pratique.api.v1alpha1.meta import amend
from pratique.core.kernel.text import clean

ORDER = "x-order"
"""The word of a form that names its fields in their order: the API server keeps objects sorted by name."""
MAX_SHOWN, MAX_VALUE, MAX_TITLE, MAX_NAME = 64, 300, 100, 253
LABELS = "x-labels"
"""The word of a form that says what people read for each of its listed values."""
NOT_SHOWN = "(not shown)"
"""Stands for a password: a form with one is refused; if there is one all the same, nobody reads it."""
_BREAK = " ⏎ "
"""Stands for the end of a line inside a text."""

Json = Mapping[str, Any]


def asked_inputs(schema: Json, inputs: Json) -> list[AskedInput] | None:
    """Return the inputs as they are shown, or None if there are none. Of very many, the first, and how many are left."""
    names = in_order(schema, inputs)
    fields = _map(schema.get("properties"))
    shown = [_asked(name, _map(fields.get(name)), inputs[name]) for name in names]
    if len(shown) > MAX_SHOWN:
        left = len(shown) - MAX_SHOWN + 1
        more = AskedInput(name="…", title="…", value=f"{left} more inputs: see spec.inputs of the ActionRun")
        shown = [*shown[: MAX_SHOWN - 1], more]
    return _with_distinct_titles(shown) or None


def asked_lines(asked: list[AskedInput] | None) -> list[str]:
    """Return `Title: value` of each input."""
    return [f"{each.title}: {each.value}" for each in asked or []]


def _asked(name: str, field: Json, value: object) -> AskedInput:
    title = field.get("title")
    shown = clean(name, MAX_NAME) or "…"
    return AskedInput(
        name=shown,
        title=(clean(title, MAX_TITLE) if isinstance(title, str) else "") or clean(shown, MAX_TITLE),
        value=_value(field, value),
    )


def _value(field: Json, value: object) -> str:
    """Return a value in one line. A form with a password is refused; if there is one all the same, it is not shown."""
    if _holds_password(field):
        return NOT_SHOWN
    match value:
        case bool():
            return "yes" if value else "no"
        case str() | int() | float() if label := label_of(field, value):
            return f"{label} ({_text(str(value))})"
        case list() if value and all(label_of(_map(field.get("items")), each) for each in value):
            return _cut(", ".join(_value(_map(field.get("items")), each) for each in value))
        case str() if field.get("format") == "secret-ref":
            return f"Secret {_text(value)}"
        case str():
            return _text(value)
        case None:
            return "(nothing)"
        case _:
            ordered = _ordered(field, value)
            return _text(json.dumps(ordered, ensure_ascii=False, separators=(",", ":")))


def label_of(field: Json, value: object) -> str:
    """Return what a form has people read for one of its listed values; empty if it says nothing of it."""
    label = _map(field.get(LABELS)).get(value if isinstance(value, str) else json.dumps(value))
    return clean(label, MAX_TITLE) if isinstance(label, str) else ""


def _cut(shown: str) -> str:
    return shown if len(shown) <= MAX_VALUE else f"{shown[:MAX_VALUE].rstrip()}… ({len(shown):,} characters)"


def _text(text: str) -> str:
    """Return a text in one line: cut with its length, and with the number of its characters that do not show."""
    if not text.strip():
        return "(blank)" if text else "(empty)"
    source = text[: 4 * MAX_VALUE]
    shown = _BREAK.join(clean(line, 4 * MAX_VALUE) for line in source.splitlines())
    notes = []
    if len(shown) > MAX_VALUE or len(source) < len(text):
        shown = f"{shown[:MAX_VALUE].rstrip()}…"
        notes.append(f"{len(text):,} characters")
    if hidden := _hidden(source):
        notes.append(f"{hidden:,} hidden" if notes else f"{hidden:,} hidden character{'s'[: hidden - 1]}")
    return f"{shown} ({', '.join(notes)})".strip() if notes else shown


def _hidden(text: str) -> int:
    """Return how many characters of a text are not shown, line ends and tabs aside."""
    return sum(1 for line in text.splitlines() for character in line if character != "\t" and not _shows(character))


def _shows(character: str) -> bool:
    return character.isspace() or bool(clean(character))


def _with_distinct_titles(shown: list[AskedInput]) -> list[AskedInput]:
    """Two fields of one title are told apart by their names."""
    titles = [each.title for each in shown]
    return [
        each if titles.count(each.title) == 1 else amend(each, title=clean(f"{each.title} ({each.name})", MAX_TITLE))
        for each in shown
    ]


def in_order(schema: Json, value: Json) -> list[str]:
    """Return the names that are there: as `x-order` says, then as `required` lists them, then by name."""
    first = [name for word in (ORDER, "required") for name in _list(schema.get(word)) if isinstance(name, str)]
    places = {name: at for at, name in reversed(list(enumerate(first)))}
    return sorted(value, key=lambda name: (places.get(name, len(first)), name))


def _ordered(schema: Json, value: object) -> object:
    """Return a value with the fields of all its objects in the order of the form, and the texts of listed values."""
    match value:
        case Mapping():
            fields = _map(schema.get("properties"))
            return {name: _ordered(_map(fields.get(name)), value[name]) for name in in_order(schema, value)}
        case list():
            return [_ordered(_map(schema.get("items")), each) for each in value]
        case str() | int() | float() if not isinstance(value, bool) and (label := label_of(schema, value)):
            return f"{label} ({value})"
        case _:
            return value


def _holds_password(schema: Json) -> bool:
    inner = [*_map(schema.get("properties")).values(), schema.get("items"), schema.get("additionalProperties")]
    return schema.get("format") == "password" or any(
        _holds_password(each) for each in inner if isinstance(each, Mapping)
    )


def _map(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
