"""Writes docs/reference/: every field of every kind with its type, default, bounds and meaning, from the schemas.

What a kind is for and how to write one is told by hand in docs/spec; this is the table to look things up in. Pure
text; called by `__main__.py`.
"""

from collections.abc import Iterator
from pathlib import Path

from pratique.api.v1alpha1 import API_VERSION, KINDS
from pratique.api.v1alpha1.meta import KubeObject
from tools.codegen.crds import SELECTABLE, root_schema
from tools.codegen.schema import Schema

FOLDER = Path("docs/reference")
_HEADER = "<!-- Generated from operator/pratique by `make generate`; edit the models, not this file. -->\n"
_BOUNDS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} entries",
    "pattern": "matches `{}`",
}


def reference_files() -> dict[Path, str]:
    """Return one page per kind, by its path in the repository."""
    return {FOLDER / f"{kind.singular}.md": _page(kind) for kind in KINDS}


def _page(kind: type[KubeObject]) -> str:
    schema = root_schema(kind)
    parts = [
        f"{_HEADER}# {kind.__name__}\n",
        f"`{API_VERSION}`, {kind.scope.lower()}. `kubectl get {kind.plural}` ({', '.join(kind.short_names)}).\n",
        f"{schema['description']}\n",
    ]
    if fields := SELECTABLE.get(kind.__name__):
        parts.append(f"`--field-selector` takes {', '.join(f'`{path[1:]}`' for path in fields)}.\n")
    for name in ("spec", "status"):
        parts.append(f"## {name}\n")
        parts.append(f"{schema['properties'][name]['description']}\n")
        parts.append("| field | type | default | meaning |\n| --- | --- | --- | --- |")
        parts.append("\n".join(_rows(schema["properties"][name], "")) + "\n")
        if rules := list(_rules(schema["properties"][name], name)):
            parts.append("The API server refuses what breaks these rules, with these sentences:\n")
            parts.append("\n".join(rules) + "\n")
    return "\n".join(parts)


def _rows(schema: Schema, prefix: str) -> Iterator[str]:
    """Yield a row per field, those inside directly below the one they are in."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        default = "required" if name in required else _code(field["default"]) if "default" in field else ""
        meaning = "; ".join([field.get("description", ""), *_bounds(field)])
        yield f"| `{path}` | {_type(field)} | {default} | {_cell(meaning)} |"
        inner, mark = _inside(field)
        yield from _rows(inner, f"{path}{mark}.")


def _inside(field: Schema) -> tuple[Schema, str]:
    if "items" in field:
        return field["items"], "[]"
    if "additionalProperties" in field:
        return field["additionalProperties"], "[*]"
    return field, ""


def _type(field: Schema) -> str:
    if "enum" in field:
        return " \\| ".join(f"`{choice}`" for choice in field["enum"])
    if field["type"] == "array":
        return f"list of {_type(field['items'])}"
    if "additionalProperties" in field:
        return f"map of {_type(field['additionalProperties'])}"
    if field.get("x-kubernetes-preserve-unknown-fields"):
        return "any object"
    return "time" if field.get("format") == "date-time" else str(field["type"])


def _bounds(field: Schema) -> Iterator[str]:
    for key, text in _BOUNDS.items():
        if key in field:
            yield text.format(field[key])


def _rules(schema: Schema, path: str) -> Iterator[str]:
    """Yield the sentence of every rule of `schema` and of what is in it."""
    for rule in schema.get("x-kubernetes-validations", ()):
        yield f"- `{path}`: {rule['message']}"
    for name, field in schema.get("properties", {}).items():
        inner, mark = _inside(field)
        yield from _rules(inner, f"{path}.{name}{mark}")


def _code(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
