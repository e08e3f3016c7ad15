"""Writes manifests: YAML that people can read (long text as blocks, keys in the order given, no folding), or JSON.

Pure text, no I/O. Called by `__main__.py` and `chart.py`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

HEADER = "# Generated from operator/pratique by `make generate`; edit the code, not this file.\n"


class _Dumper(yaml.SafeDumper):
    """SafeDumper with block text and without anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        """Never write anchors: a reader should not have to look elsewhere."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key."""
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def to_yaml(manifests: Iterable[Mapping[str, Any]]) -> str:
    """Return `manifests` as one YAML stream."""
    documents = [
        yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=2**20, allow_unicode=True, default_flow_style=False)
        for manifest in manifests
    ]
    return "---\n".join(documents)


def to_json(manifests: Sequence[Mapping[str, Any]]) -> str:
    """Return `manifests` as a JSON list of one line each, for a program to read."""
    lines = ",\n".join(json.dumps(each, sort_keys=True, separators=(",", ":")) for each in manifests)
    return f"[\n{lines}\n]\n"
