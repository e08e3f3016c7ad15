"""Turns a pydantic model into the structural schema that a CustomResourceDefinition needs.

Decides how types, defaults, bounds and rules of `pratique.api` are spelled for the API server. It must not know any
kind by name and must not do I/O. What cannot be expressed (a union, a tuple) is an error that names the field, never
a schema that accepts more than the model does. Called by `crds.py` and `reference.py`.
"""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel

from pratique.api.v1alpha1.meta import WRITTEN, Rule
from pratique.api.v1alpha1.spelling import seconds

Schema = dict[str, Any]

_KEEP = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
)


class SchemaError(Exception):
    """A field of a model cannot be expressed in a CRD; the message names the field and the remedy."""


def structural_schema(model: type[BaseModel]) -> Schema:
    """Return the structural schema of `model`: no references, no titles, no nulls, rules included."""
    document = model.model_json_schema(by_alias=True)
    definitions = {name: document["$defs"][name] for name in document.get("$defs", {})}
    models = {found.__name__: found for found in _models_of(model)}
    return _Converter(definitions, models).convert({k: v for k, v in document.items() if k != "$defs"}, model.__name__)


def expand(rule: str) -> str:
    """Return the CEL of a rule, with the macro DURATION_SECONDS(x) written out."""
    return re.sub(r"DURATION_SECONDS\(([A-Za-z.]+)\)", lambda found: seconds(found.group(1)), rule)


def cel_validations(rules: tuple[Rule, ...]) -> list[Schema]:
    """Return `rules` as x-kubernetes-validations."""
    names = {
        "rule": "rule",
        "message": "message",
        "message_expression": "messageExpression",
        "reason": "reason",
        "field_path": "fieldPath",
    }
    listed = []
    for rule in rules:
        fields = rule.model_copy(update={"rule": expand(rule.rule)}).model_dump(exclude_none=True)
        listed.append({names[key]: value for key, value in fields.items()})
    return listed


def _models_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield `model` and every model that its fields mention, however deep."""
    seen: set[type[BaseModel]] = set()
    queue: list[Any] = [model]
    while queue:
        current = queue.pop()
        queue.extend(getattr(current, "__args__", ()))
        if not (isinstance(current, type) and issubclass(current, BaseModel)) or current in seen:
            continue
        seen.add(current)
        queue.extend(field.annotation for field in current.model_fields.values())
        yield current


class _Converter:
    """One conversion: the definitions of the document, and the models behind them, by class name."""

    def __init__(self, definitions: Mapping[str, Schema], models: Mapping[str, type[BaseModel]]) -> None:
        self._definitions = definitions
        self._models = models

    def convert(self, node: Schema, path: str) -> Schema:
        """Return `node` as a structural schema; `path` is where it stands, for errors."""
        node, model = self._resolve(node, path)
        result = {key: node[key] for key in _KEEP if key in node}
        result.update({key: value for key, value in node.items() if key.startswith("x-kubernetes-")})
        if "const" in node:
            result["enum"] = [node["const"]]
        if "type" not in result:
            raise SchemaError(f"{path}: a CRD field needs one type; say which in the model")
        self._children(node, result, path, model)
        self._default(node, result, path)
        if rules := getattr(model, "cel_rules", ()):
            result["x-kubernetes-validations"] = cel_validations(rules)
        return result

    def _resolve(self, node: Schema, path: str) -> tuple[Schema, type[BaseModel] | None]:
        """Follow a reference, and take the `| None` off an optional field; what is said beside it wins."""
        if "anyOf" in node:
            choices = [choice for choice in node["anyOf"] if choice != {"type": "null"}]
            if len(choices) != 1:
                raise SchemaError(f"{path}: a union cannot be expressed in a CRD; use one optional field per choice")
            beside = {key: value for key, value in node.items() if key != "anyOf"}
            return self._resolve({**choices[0], **beside}, path)
        if "prefixItems" in node or isinstance(node.get("type"), list):
            raise SchemaError(f"{path}: a tuple or a list of types cannot be expressed in a CRD; use an object")
        if "$ref" not in node:
            return node, self._models.get(path)
        name = node["$ref"].rsplit("/", 1)[-1]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        resolved, _ = self._resolve({**self._definitions[name], **beside}, path)
        return resolved, self._models.get(name)

    def _children(self, node: Schema, result: Schema, path: str, model: type[BaseModel] | None) -> None:
        if "properties" in node:
            result["properties"] = {
                name: self.convert(child, f"{path}.{name}") for name, child in node["properties"].items()
            }
            if required := node.get("required"):
                result["required"] = list(required)
        elif node["type"] == "object" and isinstance(node.get("additionalProperties"), dict):
            result["additionalProperties"] = self.convert(node["additionalProperties"], f"{path}[*]")
        elif node["type"] == "object" and model is None and "x-kubernetes-preserve-unknown-fields" not in result:
            raise SchemaError(f"{path}: say what the object holds, or use JsonObject")
        if node["type"] == "array":
            if "items" not in node:
                raise SchemaError(f"{path}: say what the list holds")
            result["items"] = self.convert(node["items"], f"{path}[]")

    def _default(self, node: Schema, result: Schema, path: str) -> None:
        """Write the default that makes a difference: an empty one says no more than no field, unless marked."""
        default = node.get("default")
        if isinstance(default, Enum):
            default = default.value
        if "properties" in result and isinstance(default, dict):
            # the fields inside have defaults of their own; the API server fills those into an empty object
            if has_defaults(result):
                result["default"] = {}
        elif default is not None and (default not in ("", [], {}) or node.get(WRITTEN)):
            result["default"] = default


def has_defaults(schema: Schema) -> bool:
    """Whether an empty object of this schema would get a field filled in."""
    return any("default" in child for child in schema.get("properties", {}).values())
