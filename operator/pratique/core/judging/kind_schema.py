"""Compares a template with the schema that the API server publishes for its kind: misspelt fields, values of a wrong type.

Pure; runs inside the sandbox. It says only what is wrong whatever the inputs are: a value that an expression makes is
judged by the type that is known of it, or not at all.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pratique.core.kernel.text import nearest

Json = Mapping[str, Any]
KindOf = Callable[[str], str | None]
"""Returns the JSON type of what a text with `${…}` becomes; None if it may be any."""
_ENVELOPE = ("apiVersion", "kind")
_REF = "#/components/schemas/"
_MAX_DEPTH = 32
_WORDS = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
}
_WORDS["boolean"] = "true or false"


@dataclass(frozen=True)
class KindSchema:
    """A kind's schema, and all that it refers to, as OpenAPI has it."""

    root: str
    components: Json

    def resolved(self, schema: Json) -> Json:
        """Follow a reference, also one that stands in `allOf` beside a default."""
        for _ in range(_MAX_DEPTH):
            inner: list[Any] = schema.get("allOf") or []
            reference = schema.get("$ref") or (inner[0].get("$ref") if len(inner) == 1 else None)
            if reference is None:
                break
            schema = self.components.get(str(reference).removeprefix(_REF), {})
        return schema

    @property
    def top(self) -> Json:
        """The schema of the object itself."""
        return self.resolved({"$ref": _REF + self.root})


def problems_of_template(template: Json, kind: KindSchema, path: str, kind_of: KindOf) -> Iterator[str]:
    """Yield a sentence for each field that the kind does not have, and each value that it does not take."""
    top = kind.top
    fields = {name: value for name, value in template.items() if name not in _ENVELOPE}
    yield from _object(fields, top, kind, path, kind_of, _MAX_DEPTH)


def _object(value: Json, schema: Json, kind: KindSchema, path: str, kind_of: KindOf, depth: int) -> Iterator[str]:
    properties = schema.get("properties")
    others = schema.get("additionalProperties")
    is_open = bool(schema.get("x-kubernetes-preserve-unknown-fields") or others or not properties)
    for name, each in value.items():
        if properties and name in properties:
            yield from _value(each, properties[name], kind, f"{path}.{name}", kind_of, depth)
        elif isinstance(others, Mapping):
            yield from _value(each, others, kind, f"{path}.{name}", kind_of, depth)
        elif not is_open:
            known = list(properties or ())
            meant = nearest(name, known)
            hint = f"did you mean {meant}?" if meant else f"known are: {', '.join(known[:12])}"
            yield f"{path}.{name}: there is no such field; {hint}"


def _value(value: Any, schema: Json, kind: KindSchema, path: str, kind_of: KindOf, depth: int) -> Iterator[str]:  # noqa: ANN401
    schema = kind.resolved(schema)
    wanted = schema.get("type")
    if (
        value is None
        or depth == 0
        or schema.get("x-kubernetes-int-or-string")
        or "oneOf" in schema
        or "anyOf" in schema
    ):
        return
    if isinstance(value, str) and "${" in value.replace("$${", ""):
        given = kind_of(value)
        if given is not None and wanted in _WORDS and not _fits(given, str(wanted)):
            yield f"{path}: must be {_WORDS[str(wanted)]}, but {value} makes {_WORDS[given]}"
        return
    if wanted in _WORDS and not _fits(_json_type(value), str(wanted)):
        yield f"{path}: must be {_WORDS[str(wanted)]}, but is {_WORDS[_json_type(value)]}{_quote_hint(value, str(wanted))}"
    elif isinstance(value, Mapping):
        yield from _object(value, schema, kind, path, kind_of, depth - 1)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _value(each, schema.get("items") or {}, kind, f"{path}[{index}]", kind_of, depth - 1)
    elif schema.get("enum") and value not in schema["enum"]:
        yield f"{path}: {value} is not one of {', '.join(str(each) for each in schema['enum'])}"


def _quote_hint(value: Any, wanted: str) -> str:  # noqa: ANN401
    if wanted != "string" or isinstance(value, Mapping | list):
        return ""
    return "; write it in quotes: YAML took it for something else"


def _fits(given: str, wanted: str) -> bool:
    return given == wanted or (given == "integer" and wanted == "number") or (given == "number" and wanted == "integer")


def _json_type(value: Any) -> str:  # noqa: ANN401
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def form_of(kind: KindSchema, names: set[str]) -> Json:
    """Return the schema as types of expressions are made of it, of the fields whose names occur in an expression.

    The others are known by name alone: a schema refers to itself, and an expression names few fields of it.
    """
    return _form(kind.top, kind, names, 12)


def _form(schema: Json, kind: KindSchema, names: set[str], depth: int) -> Json:
    schema = kind.resolved(schema)
    others = schema.get("additionalProperties")
    unsure = any(word in schema for word in ("oneOf", "anyOf", "x-kubernetes-int-or-string"))
    if depth == 0 or unsure or others or schema.get("x-kubernetes-preserve-unknown-fields"):
        return {}
    if schema.get("properties"):
        known = schema["properties"]
        return {
            "properties": {name: _form(each, kind, names, depth - 1) for name, each in known.items() if name in names},
            "others": [name for name in known if name not in names],
        }
    if isinstance(schema.get("items"), Mapping):
        return {"type": "array", "items": _form(schema["items"], kind, names, depth - 1)}
    return {"type": schema["type"]} if schema.get("type") in _WORDS and schema.get("type") != "object" else {}
