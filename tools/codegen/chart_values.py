"""Writes docs/reference/values.md: every value of the chart with its type, default and meaning.

The chart is written by hand. What a value means is told by the comment above it in values.yaml, its type by
values.schema.json. Reads these two files; pure apart from that. Called by `__main__.py`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Schema = dict[str, Any]

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "pratique"
PAGE = Path("docs/reference/values.md")
_HEADER = """\
<!-- Generated from charts/pratique/values.yaml by `make generate`; edit that, not this file. -->
# Values of the chart

What is not listed here is refused, and so is what does not have the type (`values.schema.json`). How to choose:
[installing](../guides/install.md).

| value | type | default | meaning |
| --- | --- | --- | --- |
"""
_KEY = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z]+):")
_COMMENT = re.compile(r" *# ?(?P<text>.*)")
_FREE = {
    "text": "text",
    "labels": "map of text",
    "texts": "map of text",
    "quantities": "map of quantity",
    "quantity": "quantity",
    "objects": "list of object",
    "probe": "object",
    "resources": "object",
    "args": "list of text",
    "count": "number or percentage",
    "interval": "duration",
}


def values_page() -> dict[Path, str]:
    """Return the page, by its path in the repository."""
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    said = comments(text)
    rows = _rows(yaml.safe_load(text), schema, schema["definitions"], said, "")
    return {PAGE: _HEADER + "".join(f"{row}\n" for row in rows)}


def comments(text: str) -> dict[str, str]:
    """Return what values.yaml says of each value, by its path; examples, which are indented further, left out."""
    found = dict[str, str]()
    path: list[str] = []
    above: list[str] = []
    for line in text.splitlines():
        if comment := _COMMENT.fullmatch(line):
            above.append(comment["text"])
        elif key := _KEY.match(line):
            path = [*path[: len(key["indent"]) // 2], key["key"]]
            found[".".join(path)] = " ".join(each for each in above if not each.startswith("  "))
            above = []
        else:
            above = []
    return found


def _rows(values: Any, schema: Schema, definitions: Schema, said: dict[str, str], prefix: str) -> Iterator[str]:  # noqa: ANN401 - any YAML value
    for name, value in values.items():
        path, field = f"{prefix}{name}", schema["properties"][name]
        if "properties" in field:
            if said.get(path):
                yield f"| `{path}` | object |  | {_cell(said[path])} |"
            yield from _rows(value, field, definitions, said, f"{path}.")
        else:
            yield f"| `{path}` | {_type(field)} | {_default(value)} | {_cell(said[path])} |"


def _type(field: Schema) -> str:
    if "enum" in field:
        return " \\| ".join(f"`{choice}`" for choice in field["enum"])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return _FREE.get(name, "text")
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    kind = str(field.get("type", "string"))
    return {"string": "text", "integer": "number"}.get(kind, kind)


def _default(value: object) -> str:
    return f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
