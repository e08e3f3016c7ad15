"""Gives expressions the types of a form, so that a misspelt input or a wrong comparison is found when an Action is applied.

Pure; called by `checks` only. It checks and never evaluates: on the message types made here an absent number would be 0,
and a gate `inputs.cost > 100.0` would be skipped in silence. Evaluation is `expressions`' affair, over plain maps.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cel_expr_python import cel
from google.protobuf import descriptor_pb2

from pratique.core.judging.expression_library import checker
from pratique.core.judging.expression_text import as_checked, field_name, named
from pratique.core.judging.expressions import complaint
from pratique.core.kernel.text import nearest

Json = Mapping[str, Any]
ANYTHING: Json = {}
_TEXT = {"type": "string"}
RUN: Json = {
    "properties": {
        **dict.fromkeys(("name", "namespace", "uid", "createdAt", "reason"), _TEXT),
        "requestedBy": {"properties": {"username": _TEXT, "groups": {"items": _TEXT}}},
        "onBehalfOf": {"properties": {"username": _TEXT}},
    }
}
ACTION: Json = {"properties": {"name": _TEXT, "title": _TEXT}}
_PACKAGE = "pratique.form"
_VALUE = ".google.protobuf.Value"
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _Field.TYPE_STRING,
    "integer": _Field.TYPE_INT64,
    "number": _Field.TYPE_DOUBLE,
    "boolean": _Field.TYPE_BOOL,
}
_JSON_TYPES = {
    **{"BOOL": "boolean", "INT": "integer", "UINT": "integer", "DOUBLE": "number", "STRING": "string"},
    **{"LIST": "array", "MAP": "object"},
}
_UNKNOWN_FIELD = re.compile(r"undefined field '(\w+)' not found in struct '([\w.]+)'")
_WRONG_TYPES = re.compile(r"found no matching overload for '([^']+)' applied to '(.+)'$")
_TYPE_NAME = re.compile(rf"{re.escape(_PACKAGE)}\.\w+")


@dataclass(frozen=True)
class Types:
    """The types of one scope; `paths` and `fields` say in the user's words what CEL calls a message."""

    environment: Any
    paths: Json
    fields: Json

    def problem(self, text: str, *, condition: bool) -> str | None:
        """Return what is wrong with an expression that compiles as long as no types are known; None if nothing is."""
        try:
            kind = self.environment.compile(as_checked(text)).return_type()
        except RuntimeError as error:
            return self._explained(complaint(str(error)))
        if condition and kind not in (cel.Type.BOOL, cel.Type.DYN):
            return f"must be true or false, but this expression never is: {text}"
        return None

    def kind_of(self, text: str) -> str | None:
        """Return the JSON type of what an expression gives; None if it may be any."""
        try:
            kind = self.environment.compile(as_checked(text)).return_type()
        except RuntimeError:
            return None
        name = str(kind.name())
        if kind.is_message():
            return "object" if name.startswith(_PACKAGE) else None
        return _JSON_TYPES.get(name.partition("<")[0])

    def _explained(self, said: str) -> str:
        if unknown := _UNKNOWN_FIELD.search(said):
            name, message = named(unknown[1]), unknown[2]
            known = list(self.fields[message])
            meant = nearest(name, known)
            hint = f"did you mean {meant}?" if meant else f"known are: {', '.join(known) or 'none'}"
            return f"{self.paths[message]} has no field {name}; {hint}"
        plain = _TYPE_NAME.sub(lambda found: f"object {self.paths[found[0]]}", said)
        wrong = _WRONG_TYPES.search(plain)
        if wrong is None:
            return plain
        operator, types = wrong.groups()
        hint = "; write whole numbers as 100.0 beside an input of type number" if _mixes_numbers(types) else ""
        return f"{operator.strip('_@')} does not go with {types}{hint}"


def _mixes_numbers(types: str) -> bool:
    return "double" in types and re.search(r"\bint\b", types) is not None


def _names_its_fields(schema: Json) -> bool:
    return "properties" in schema and not schema.get("additionalProperties")


def types_of(schemas: Json) -> Types:
    """Return the types of a scope: each name with the schema of what it holds."""
    return _types_of(json.dumps(schemas))


@lru_cache(maxsize=64)
def _types_of(text: str) -> Types:
    schemas: Json = json.loads(text)
    book = _Book()
    variables = {name: book.variable(schema, name) for name, schema in schemas.items()}
    environment = checker(variables, book.file)
    return Types(environment, book.paths, book.fields)


@dataclass(frozen=True)
class _Book:
    """Collects the message types of a scope."""

    file: Any = field(
        default_factory=lambda: descriptor_pb2.FileDescriptorProto(
            name="form.proto", package=_PACKAGE, syntax="proto3", dependency=["google/protobuf/struct.proto"]
        )
    )
    paths: dict[str, str] = field(default_factory=dict)
    fields: dict[str, list[str]] = field(default_factory=dict)

    def variable(self, schema: Json, path: str) -> Any:  # noqa: ANN401 - the library has no types
        return cel.Type(self._message(schema, path)) if _names_its_fields(schema) else cel.Type.DYN

    def _message(self, schema: Json, path: str) -> str:
        message = self.file.message_type.add(name=f"M{len(self.paths)}")
        # Inputs may be named fooBar and foo_bar; protobuf takes offence at their names in JSON, which nobody uses here.
        message.options.deprecated_legacy_json_field_conflicts = True
        full = f"{_PACKAGE}.{message.name}"
        self.paths[full], self.fields[full] = path, [*schema["properties"], *schema.get("others", ())]
        for number, (name, each) in enumerate(schema["properties"].items(), start=1):
            self._field(message, number, name, each, f"{path}.{name}")
        return full

    def _field(self, message: Any, number: int, name: str, schema: Json, path: str) -> None:  # noqa: ANN401
        repeated = isinstance(schema.get("items"), Mapping)
        kind, type_name = self._type(schema["items"] if repeated else schema, path + "[]" * repeated)
        message.field.add(
            name=field_name(name),
            number=number,
            type=kind,
            type_name=type_name,
            label=_Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL,
        )

    def _type(self, schema: Json, path: str) -> tuple[Any, str | None]:
        if _names_its_fields(schema):
            return _Field.TYPE_MESSAGE, f".{self._message(schema, path)}"
        if schema.get("type") in _SCALARS and "items" not in schema:
            return _SCALARS[schema["type"]], None
        return _Field.TYPE_MESSAGE, _VALUE
