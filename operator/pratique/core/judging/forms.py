"""Judges the inputs of a run against the Action's form, and the form itself. Pure; runs inside the sandbox only.

`pattern` is Python's `re`, which a hostile form can keep busy for ever: the sandbox ends it, and holds that run alone.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.validators import extend

from pratique.core.judging.expression_text import unescaped
from pratique.core.judging.form_language import FORMATS, is_version, matches, problems_of_words, unquoted
from pratique.core.kernel.limits import (
    MAX_INPUT_BYTES,
    MAX_INPUT_DEPTH,
    MAX_INPUT_VALUES,
    MAX_SCHEMA_BYTES,
    MAX_SCHEMA_DEPTH,
)
from pratique.core.kernel.text import clean, nearest
from pratique.core.telling.shown_inputs import label_of

Json = dict[str, Any]
MAX_SENTENCES = 10
MAX_NUMBER = 2**53
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]*")


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:  # noqa: ANN401 - jsonschema's own
    if isinstance(value, str) and not matches(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_extend: Any = extend  # its stub has no types
_Validator: Any = _extend(Draft202012Validator, {"pattern": _pattern})


def with_defaults(schema: Json, inputs: Json) -> Json:
    """Return the inputs with the form's defaults filled in, also inside objects and rows that are there."""
    filled = copy.deepcopy(inputs)
    for name, property_schema in _properties(schema).items():
        if name not in filled and "default" in property_schema:
            filled[name] = copy.deepcopy(property_schema["default"])
        if name in filled:
            filled[name] = _filled(property_schema, filled[name])
    return filled


def _filled(schema: Any, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value with the defaults of the fields inside of it, those of each row of a list among them."""
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [_filled(schema["items"], each) for each in value]
    return with_defaults(schema, value) if isinstance(value, dict) else value


def problems_of_inputs(schema: Json, inputs: Json) -> list[str]:
    """Return a sentence per mistake, each with its path; an empty list means that the form is filled in properly."""
    size = len(json.dumps(inputs))
    if size > MAX_INPUT_BYTES:
        return [f"spec.inputs: is {size} bytes of JSON, {MAX_INPUT_BYTES} are allowed"]
    if _depth(inputs) > MAX_INPUT_DEPTH:
        return [f"spec.inputs: is nested deeper than {MAX_INPUT_DEPTH} levels"]
    if (count := _count(inputs)) > MAX_INPUT_VALUES:
        return [f"spec.inputs: holds {count} values, {MAX_INPUT_VALUES} are allowed"]
    if inexact := list(_inexact(inputs, "spec.inputs")):
        return inexact[:MAX_SENTENCES]
    found = sorted(
        _validator(json.dumps(schema)).iter_errors(inputs),
        key=lambda error: ([str(part) for part in error.absolute_path], error.message),
    )
    sentences = [sentence for error in found for sentence in _sentences(error)]
    return (sentences or list(_inexact_versions(schema, inputs)))[:MAX_SENTENCES]


def _inexact_versions(schema: Json, inputs: Json) -> Iterator[str]:
    """Yield the versions that came as numbers: nobody can tell any more which one was meant."""
    for name, each in _properties(schema).items():
        value = inputs.get(name)
        if is_version(name, each) and isinstance(value, float) and not value.is_integer():
            yield (
                f"spec.inputs.{name}: {value} may be {value}0 as well: this Action takes it as a number, which has no zeros"
                " at its end; its form must say type: string"
            )


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:  # noqa: ANN401 - jsonschema's validator
    """Return what judges inputs; made once for each form, since that takes longer than judging."""
    return _Validator({"additionalProperties": False, **_closed(json.loads(schema))}, format_checker=FORMATS)


def _inexact(value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield the numbers that may arrive in what is made as other numbers than were sent."""
    match value:
        case int() | float() if abs(value) > MAX_NUMBER:
            yield f"{path}: is a number beyond {MAX_NUMBER}, which not every program keeps exactly; use a string"
        case Mapping():
            for name, each in value.items():
                yield from _inexact(each, f"{path}.{clean(name, 80)}")
        case list():
            for index, each in enumerate(value):
                yield from _inexact(each, f"{path}[{index}]")


def as_declared(schema: Any, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return inputs as expressions see them: JSON knows one kind of number, CEL two, and the form says which is meant."""
    declared = schema if isinstance(schema, Mapping) else {}
    match value:
        case int() | float() if declared.get("type") == "number":
            return float(value)
        case Mapping():
            known, others = _properties(declared), declared.get("additionalProperties")
            return {name: as_declared(known.get(name, others), each) for name, each in value.items()}
        case list():
            return [as_declared(declared.get("items"), each) for each in value]
        case _:
            return value


def _sentences(error: ValidationError) -> Iterator[str]:
    path = _path("spec.inputs", error.absolute_path)
    value = clean(json.dumps(error.instance, ensure_ascii=False), 80)
    expected: Any = error.validator_value
    given: Any = error.instance
    match error.validator:
        case "required":
            missing = [name for name in expected if name not in given]
            yield from (f"{path}.{name}: is required" for name in missing if error.message.startswith(f"{name!r} "))
        case "additionalProperties":
            known = list(_properties(error.schema))
            yield from (_unknown(path, name, known) for name in sorted(set(given) - set(known)))
        case "enum" if not _has_type(error):
            pass
        case "enum":
            listed = ", ".join(_listed(error.schema, each) for each in expected)
            yield f"{path}: {value} is not one of {listed}{_meant(error.schema, given)}{_blank(given, expected)}"
        case "type":
            yield f"{path}: must be {expected}, but is {value}{_mended(expected, given)}"
        case "pattern":
            yield f"{path}: {value} does not match the pattern {expected}"
        case "format" if expected in _FORMATS:
            yield f"{path}: {value} is no {expected}, such as {_FORMATS[expected]}"
        case _:
            yield f"{path}: {clean(error.message, 300)}"


_FORMATS = {
    **{"date": "2026-12-24", "date-time": "2026-12-24T18:00:00Z", "duration": "90s, 15m, 24h, 3d or 2w"},
    **{"email": "someone@example.com", "ipv4": "10.0.0.1", "ipv6": "2001:db8::1"},
    **{
        "multiline": "lines of text without control characters",
        "markdown": "**lines** of text without control characters",
    },
    **{"user": "ann@example.com, without blanks around, nor a name that begins with system:"},
    **{"group": "platform-leads, without blanks around, nor a name that begins with system:"},
    **{"uuid": "123e4567-e89b-12d3-a456-426614174000", "uri": "https://example.com/a", "secret-ref": "my-secret"},
}


def _has_type(error: ValidationError) -> bool:
    """Whether a value is of the type that is asked for: if it is not, that is the one thing to say of it."""
    schema: Any = error.schema
    return "type" not in schema or bool(_Validator({"type": schema["type"]}).is_valid(error.instance))


def _listed(schema: Any, value: Any) -> str:  # noqa: ANN401 - any JSON value
    label = label_of(schema, value)
    return json.dumps(value, ensure_ascii=False) + (f" ({label})" if label else "")


def _meant(schema: Any, given: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return which value is meant by who wrote what people read for it."""
    values = [each for each in schema["enum"] if (label := label_of(schema, each)) and label == given]
    return f"; write {json.dumps(values[0], ensure_ascii=False)}" if values else ""


_UNQUOTED = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|true|false")


def _mended(expected: Any, given: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return how to write a value of the type that is asked for; YAML takes much for something else."""
    if given is None:
        return "; leave it out if there is none"
    match expected:
        case "string" if isinstance(given, float):
            return "; write it in quotes: without them YAML takes it for a number, and 1.10 for 1.1"
        case "string" if isinstance(given, bool | int):
            return "; write it in quotes: YAML took it for something else"
        case "array" if not isinstance(given, Mapping):
            return f"; write a list: [{clean(json.dumps(given, ensure_ascii=False), 40)}]"
        case "integer" | "number" | "boolean" if isinstance(given, str) and _UNQUOTED.fullmatch(given):
            return "; write it without quotes"
    return ""


def _blank(given: Any, expected: list[Any]) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(given, str) and given.strip() != given and given.strip() in expected:
        return "; it has a blank at its beginning or end"
    return ""


def _unknown(path: str, name: str, known: list[str]) -> str:
    lower = {each.lower(): each for each in known}
    meant = nearest(name.lower(), lower)
    hint = f"did you mean {lower[meant]}?" if meant else f"known are: {', '.join(known) or 'none'}"
    if name in ("true", "false") and not meant:
        hint = f"YAML reads on, yes, off and no as {name}: write the name in quotes; {hint}"
    return f"{path}.{clean(name, 80)}: there is no such input; {hint}"


def problems_of_schema(schema: Json, path: str = "spec.inputs.schema") -> list[str]:
    """Return a sentence per mistake in a form."""
    text = json.dumps(schema)
    if len(text) > MAX_SCHEMA_BYTES:
        return [f"{path}: is larger than {MAX_SCHEMA_BYTES} bytes of JSON"]
    return list(_problems_of_schema(text, path))


@lru_cache(maxsize=256)
def _problems_of_schema(text: str, path: str) -> tuple[str, ...]:
    schema: Json = json.loads(text)
    if schema.get("type") != "object":
        return (f"{path}.type: must be object, since inputs are fields with names",)
    if _depth(schema) > MAX_SCHEMA_DEPTH:
        return (f"{path}: is nested deeper than {MAX_SCHEMA_DEPTH} levels",)
    if found := _schema_problems(schema, path):
        return tuple(found)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return (f"{_path(path, error.absolute_path)}: {clean(error.message, 300)}",)
    return tuple(_defaults(schema, path))


def _schema_problems(schema: Mapping[str, Any], path: str) -> list[str]:
    found = list(problems_of_words(schema, path))
    for name, each in _properties(schema).items():
        here = f"{path}.properties.{clean(name, 80)}"
        if not _NAME.fullmatch(name):
            found.append(f"{here}: expressions must be able to name it: use letters, digits, _ and -")
        elif (meant := unescaped(name)) != name:
            found.append(f"{here}: means {meant} in an expression, as in Kubernetes: name it {meant}")
        if isinstance(each, Mapping):
            found += _schema_problems(each, here)
        else:
            found.append(f"{here}: must be an object, such as {{type: string}}")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), Mapping):
            found += _schema_problems(schema[word], f"{path}.{word}")
    return found


def doubts_of_schema(schema: Json, path: str = "spec.inputs.schema") -> Iterator[str]:
    """Yield what a sound form most likely does not mean. It stops no run: Actions worked before it was said."""
    yield from unquoted(schema, path)
    for name, each in _properties(schema).items():
        here = f"{path}.properties.{clean(name, 80)}"
        yield from doubts_of_schema(each, here)
        if is_version(name, each):
            yield f"{here}.type: as a number, version 1.10 is 1.1 and another one would be taken; use type: string"
    if isinstance(schema.get("items"), Mapping):
        yield from doubts_of_schema(schema["items"], f"{path}.items")


def _defaults(schema: Json, path: str) -> Iterator[str]:
    """Yield the defaults that their own part of a sound form would not take."""
    for name, each in _properties(schema).items():
        yield from _defaults(each, f"{path}.properties.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), Mapping):
            yield from _defaults(schema[word], f"{path}.{word}")
    if "default" in schema:
        for error in _Validator(schema, format_checker=FORMATS).iter_errors(schema["default"]):
            yield f"{path}.default: {clean(error.message, 300)}"


def example(schema: Json) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value that the form would take, as far as that can be made up: for a trial of the templates."""
    for word in ("default", "example", "const"):
        if word in schema:
            return schema[word]
    for word in ("examples", "enum"):
        if schema.get(word):
            return schema[word][0]
    match schema.get("type"):
        case "object":
            return {name: example(each) for name, each in _properties(schema).items()}
        case "array":
            return [example(schema["items"])] if isinstance(schema.get("items"), Mapping) else []
        case "integer" | "number":
            return schema.get("minimum", schema.get("maximum", 1))
        case "boolean":
            return False
        case _:
            return _FORMATS.get(str(schema.get("format")), "example").partition(",")[0]


def _properties(schema: Any) -> dict[str, Any]:  # noqa: ANN401 - part of a schema
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return dict(properties) if isinstance(properties, Mapping) else {}


def _closed(schema: Json) -> Json:
    """Return the schema with unknown fields refused wherever fields are named."""
    closed = dict(schema)
    if "properties" in closed:
        closed["properties"] = {name: _closed(dict(each)) for name, each in _properties(schema).items()}
        closed.setdefault("additionalProperties", False)
    for word in ("items", "additionalProperties"):
        if isinstance(closed.get(word), Mapping):
            closed[word] = _closed(closed[word])
    return closed


def _count(value: Any) -> int:  # noqa: ANN401 - any JSON value
    """Return how many values there are inside: what `uniqueItems` and expressions take grows with its square."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return sum(1 + _count(each) for each in inner)


def _depth(value: Any) -> int:  # noqa: ANN401 - any JSON value
    level, nodes = 0, [value]
    while nodes:
        level += 1
        inner = [each for node in nodes for each in (node.values() if isinstance(node, Mapping) else node)]
        nodes = [each for each in inner if isinstance(each, Mapping | list)]
    return level


def _path(root: str, parts: Any) -> str:  # noqa: ANN401 - jsonschema's deque
    return root + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


__all__ = ["as_declared", "example", "problems_of_inputs", "problems_of_schema", "with_defaults"]
