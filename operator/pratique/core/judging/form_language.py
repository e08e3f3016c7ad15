"""Says which words of JSON Schema a form may use, and what its formats mean. Pure; called by `forms` only.

A word that nothing honours is refused: a form that seems to limit an input, and does not, is worse than none. References
are refused with it, so that judging inputs never leaves the process.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from unicodedata import category
from urllib.parse import urlsplit

from jsonschema import FormatChecker

from pratique.api.v1alpha1.scalars import MAX_USERNAME
from pratique.api.v1alpha1.spelling import DURATION_PATTERN
from pratique.core.kernel.text import clean, nearest
from pratique.core.telling.shown_inputs import LABELS, MAX_TITLE, ORDER

WORDS = frozenset(
    {"type", "title", "description", "default", "example", "examples", "enum", "const"}
    | {"pattern", "format", "minLength", "maxLength"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"items", "minItems", "maxItems", "uniqueItems"}
    | {LABELS, ORDER, "properties", "required", "additionalProperties", "minProperties", "maxProperties"}
)
TYPES = ("string", "integer", "number", "boolean", "object", "array")
FORMATS = FormatChecker(formats=("date", "email", "ipv4", "ipv6", "uuid"))
_OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_MOMENT = re.compile(
    r"(?P<second>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<rest>\d{1,9}))?(?P<offset>Z|[+-]\d\d:[0-5]\d)", re.ASCII
)


def _moment_of(text: str) -> tuple[datetime, int] | None:
    """Return the instant of a `date-time`, and its nanoseconds, which Python does not keep; None if it is none."""
    found = _MOMENT.fullmatch(text)
    try:
        return found and (
            datetime.fromisoformat(found["second"] + found["offset"]),
            int((found["rest"] or "").ljust(9, "0")),
        )
    except ValueError:
        return None


@FORMATS.checks("date-time")
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or _moment_of(value) is not None


def comparable(form: object, value: object) -> Any | None:  # noqa: ANN401 - an instant, a text or a number
    """Return what of a value is compared with a bound of its field, whose `format` is given; None if nothing can be.

    A moment is an instant, however it is written. Dates sort as texts.
    """
    if form == "date-time":
        return _moment_of(value) if isinstance(value, str) else None
    if form == "date":
        return value if isinstance(value, str) and FORMATS.conforms(value, "date") else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@FORMATS.checks("duration")
def _is_duration(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(DURATION_PATTERN, value) is not None


@FORMATS.checks("secret-ref")
def _is_secret_name(value: object) -> bool:
    return not isinstance(value, str) or _OBJECT_NAME.fullmatch(value) is not None


@FORMATS.checks("multiline")
@FORMATS.checks("markdown")
def _is_text(value: object) -> bool:
    """Whether a text of several lines holds no control characters, which a terminal would take for orders."""
    return not isinstance(value, str) or all(each in "\n\r\t" or category(each) != "Cc" for each in value)


@FORMATS.checks("user")
@FORMATS.checks("group")
def _is_name(value: object) -> bool:
    """Whether it may be the name of a person or a team: names of Kubernetes' own stand for machines, or for everybody."""
    if not isinstance(value, str):
        return True
    return 0 < len(value) <= MAX_USERNAME and clean(value, MAX_USERNAME) == value and not value.startswith("system:")


@FORMATS.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme and urlsplit(value).netloc)


def matches(pattern: str, text: str) -> bool:
    """Whether a `pattern` is found in a text, as JSON Schema and Kubernetes read it: ASCII classes, `$` is the very end."""
    try:
        return pattern_of(pattern).search(text) is not None
    except ValueError:
        return False  # the check of the form says what is wrong with it; nothing matches what is no pattern


def pattern_of(pattern: str) -> re.Pattern[str]:
    """Return a pattern as it is read here; raises ValueError with the sentence."""
    try:
        return re.compile(_to_the_end(pattern), re.ASCII)
    except (re.error, ValueError) as error:  # such as flags that contradict ours
        raise ValueError(f"is not a regular expression that can be used: {error}") from None


def _to_the_end(pattern: str) -> str:
    """Return the pattern with `$` as `\\Z`: Python's `$` lets a newline pass behind it."""
    done, in_class, at = [], False, 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            done.append(pattern[at : at + 2])
            at += 2
            continue
        if in_class:
            in_class = character != "]"
        elif character == "[":
            end = at + 1 + pattern.startswith("^", at + 1)
            end += pattern.startswith("]", end)  # a bracket that comes first is one of the class
            done.append(pattern[at:end])
            in_class, at = True, end
            continue
        done.append("\\Z" if character == "$" and not in_class else character)
        at += 1
    return "".join(done)


def _problems_of_order(schema: Mapping[str, object], path: str) -> Iterator[str]:
    """Yield a sentence for each name in `x-order` that is none of the fields."""
    order, fields = schema.get(ORDER, []), schema.get("properties")
    known = list(fields) if isinstance(fields, Mapping) else []
    if not isinstance(order, list):
        yield f"{path}.{ORDER}: must be a list of the names under properties"
        return
    for name in (each for each in order if each not in known):
        meant = nearest(str(name), known)
        hint = f"did you mean {meant}?" if meant else f"known are: {', '.join(known) or 'none'}"
        yield f"{path}.{ORDER}: there is no field {clean(str(name), 80)}; {hint}"


def _problems_of_labels(schema: Mapping[str, object], path: str) -> Iterator[str]:
    """Yield what is wrong with the texts for listed values: each is of one of them, and no two are the same."""
    if LABELS not in schema:
        return
    labels, listed = schema[LABELS], schema.get("enum")
    if not isinstance(labels, Mapping) or not isinstance(listed, list):
        yield f"{path}.{LABELS}: must be a map beside enum, from values to what people read: {{small: Two processors}}"
        return
    known = [each if isinstance(each, str) else json.dumps(each) for each in listed]
    seen: dict[str, str] = {}
    for value, label in labels.items():
        here = f"{path}.{LABELS}.{clean(str(value), 80)}"
        if value not in known:
            meant = nearest(str(value), known)
            hint = f"did you mean {meant}?" if meant else f"known are: {clean(', '.join(known), 200)}"
            yield f"{here}: is no value of enum; {hint}"
        elif not isinstance(label, str) or not clean(label) or len(label) > MAX_TITLE:
            yield f"{here}: must be a text of 1 to {MAX_TITLE} characters"
        elif (other := seen.setdefault(clean(label), value)) != value:
            yield f"{here}: is the text of {clean(other, 80)} as well: people could not tell them apart"


_MEANT = {
    **{"options": "enum", "values": "enum", "choices": "enum", "allowed": "enum", "enums": "enum"},
    **{"regex": "pattern", "regexp": "pattern", "label": "title", "name": "title", "help": "description"},
    **{"hint": "description", "placeholder": "example", "value": "default", "fields": "properties"},
}
_SIZES = {
    "string": {"min": "minLength", "max": "maxLength", "len": "maxLength", "length": "maxLength", "size": "maxLength"},
    "array": {"min": "minItems", "max": "maxItems", "len": "maxItems", "length": "maxItems", "size": "maxItems"},
}
_NUMBERS = {
    "min": "minimum",
    "max": "maximum",
    "step": "multipleOf",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
}
_TYPES_MEANT = {
    **dict.fromkeys(("str", "text", "String", "varchar", "password", "date", "email"), "string"),
    **dict.fromkeys(("int", "int32", "int64", "Integer", "long"), "integer"),
    **dict.fromkeys(("float", "double", "decimal", "Number"), "number"),
    **dict.fromkeys(("bool", "Boolean", "checkbox"), "boolean"),
    **dict.fromkeys(("list", "List", "Array"), "array"),
    **dict.fromkeys(("map", "dict", "Object"), "object"),
}
_BRANCHES = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependencies", "dependentRequired"})
_RULE = 'use a rule in inputs.rules, such as {rule: "!has(inputs.a) || has(inputs.b)", message: a needs b}'
_NAMES = {bool: "true or false", int: "a number", float: "a number"}


def _meant(word: str, kind: object) -> str:
    """Return the remedy for a word that nothing honours."""
    if word.startswith("$") or word == "definitions":
        return "write the schema out"
    if word in ("enumNames", "labels"):
        return f"what people read for a value is in {LABELS}, such as {LABELS}: {{small: Two processors}}"
    if word.startswith("ui:"):
        return "how a form looks is not said here: leave it out; title and description are what people read"
    if word in _BRANCHES or word.startswith("dependent"):
        return _RULE
    meant = _SIZES.get(str(kind), _NUMBERS).get(word) or _MEANT.get(word) or nearest(word, WORDS, cutoff=0.75)
    if meant:
        return f"did you mean {meant}?"
    return "use a rule in inputs.rules"


def problems_of_words(schema: Mapping[str, object], path: str) -> Iterator[str]:
    """Yield a sentence for every word of this part of a form that nothing honours."""
    yield from _problems_of_order(schema, path)
    yield from _problems_of_labels(schema, path)
    kind = schema.get("type", "string")
    for word in sorted(schema.keys() - WORDS):
        yield f"{path}.{word}: is not supported; {_meant(str(word), kind)}"
    if kind not in TYPES:
        meant = _TYPES_MEANT.get(str(kind))
        hint = f"; did you mean {meant}?" if meant else ""
        yield f"{path}.type: must be one of {', '.join(TYPES)}{hint}"
    if isinstance(schema.get("required"), bool):
        yield f"{path}.required: is a list beside properties, of the names that must be there, such as required: [name]"
    try:
        pattern_of(str(schema.get("pattern", "")))
    except ValueError as error:
        yield f"{path}.pattern: {error}"
    form = schema.get("format")
    if form == "password":
        yield f"{path}.format: inputs are stored and shown, so no secret may travel in them; take the name of a Secret"
    elif form is not None and form not in FORMATS.checkers:
        yield f"{path}.format: {form} is not supported; use one of {', '.join(sorted(FORMATS.checkers))}"


def unquoted(schema: Mapping[str, object], path: str) -> Iterator[str]:
    """Yield what YAML took for something else than the text that is asked for: 1.10 is a number, yes is true."""
    if schema.get("type") != "string":
        return
    listed = schema.get("enum")
    places = [("enum", each) for each in listed] if isinstance(listed, list) else []
    places += [(word, schema[word]) for word in ("default", "const", "example") if word in schema]
    for word, value in places:
        if type(value) in _NAMES:
            yield f"{path}.{word}: {json.dumps(value)} is {_NAMES[type(value)]}, and the type is string: write it in quotes"


def is_version(name: str, schema: object) -> bool:
    """Whether an input is a version, and declared as a number: 1.10 and 1.1 would be the same one."""
    return isinstance(schema, Mapping) and schema.get("type") == "number" and _VERSION.search(name) is not None


_VERSION = re.compile(r"(?i)version|release|revision|(?:^|_|-)tag$")
