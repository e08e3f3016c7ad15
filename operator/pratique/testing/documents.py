"""Reads YAML as Kubernetes reads it, and remembers in which line each field stands. What cannot be read is a sentence.

PyYAML takes 2026-01-31 for a date and 12:30 for 750; the API server takes both for text, so a case would test other inputs
than people send. A field that is there twice is refused: the second would win in silence.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pratique.core.kernel.errors import ConfigurationError
from pratique.core.kernel.text import clean

STDIN = "-"
_TWICE = "twice"
_SUFFIXES = (".yaml", ".yml", ".json")
_TEXT = ("tag:yaml.org,2002:timestamp",)
_NUMBERS = {
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)\Z"),
    "tag:yaml.org,2002:float": re.compile(
        r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*(?=[eE]))([eE][-+]?[0-9]+)?\Z|[-+]?\.(inf|Inf|INF)\Z"
        r"|\.(nan|NaN|NAN)\Z"
    ),
}

Place = tuple[str | int, ...]


class UnreadableFileError(ConfigurationError):
    """A file cannot be read; the message says where, why, and what to do."""


class _Loader(yaml.SafeLoader):
    """Reads scalars as Kubernetes does, and no field twice."""

    yaml_implicit_resolvers = {
        first: [(tag, _NUMBERS.get(tag, pattern)) for tag, pattern in known if tag not in _TEXT]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a map; raises ConstructorError at the second field of one name."""
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<" and names.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(
                    _TWICE, None, f"{key.value} is there more than once: keep one of them", key.start_mark
                )
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class Document:
    """One document of a file."""

    file: str
    data: Any
    node: yaml.Node
    place: Place = ()
    """Where it stands, if it is an item of a List."""

    def where(self, place: Place = ()) -> str:
        """Return `file:line` of the field, or of what is nearest to it."""
        node = self.node
        line = node.start_mark.line
        for step in (*self.place, *place):
            found = _step(node, step)
            if found is None:
                break
            line, node = found
        return f"{self.file}:{line + 1}"


def _step(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark.line, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line, node.value[step]
    return None


def read_documents(paths: Sequence[str]) -> list[Document]:
    """Return every document of these files and folders, each file once; raises UnreadableFileError."""
    files = dict.fromkeys(file for path in paths for file in _files(path))
    return [document for file in files for document in _documents(file)]


def _files(path: str) -> Iterator[str]:
    if path == STDIN:
        yield path
        return
    found = Path(path)
    if found.is_dir():
        inside = sorted(str(each) for each in found.rglob("*") if _is_meant(each, found))
        if not inside:
            raise UnreadableFileError(f"{path}: is a folder without any file that ends in .yaml, .yml or .json")
        yield from inside
    elif found.exists():
        yield path
    else:
        raise UnreadableFileError(f"{path}: there is no such file or folder (- reads from standard input)")


def _is_meant(file: Path, folder: Path) -> bool:
    """Whether a file of a folder is read; what is hidden, such as .git, is nobody's manifest."""
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.suffix in _SUFFIXES and not hidden and file.is_file()


def _documents(file: str) -> Iterator[Document]:
    name = "stdin" if file == STDIN else file
    try:
        text = sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{name}: cannot be read as text in UTF-8 ({type(error).__name__})") from None
    try:
        nodes = list(yaml.compose_all(text, _Loader))
        found = [Document(name, _Loader("").construct_document(node), node) for node in nodes]
    except yaml.YAMLError as error:
        raise UnreadableFileError(_say_not_yaml(name, error)) from None
    for document in found:
        yield from _items(document)


def _items(document: Document) -> Iterator[Document]:
    """Yield the objects of a List, as `kubectl get -o yaml` writes it; anything else as it is."""
    data = document.data
    if isinstance(data, dict) and data.get("kind") == "List" and isinstance(data.get("items"), list):
        for index, item in enumerate(data["items"]):
            yield Document(document.file, item, document.node, ("items", index))
    elif data is not None:
        yield document


def _say_not_yaml(name: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}:{mark.line + 1}" if mark is not None else name
    problem = clean(str(getattr(error, "problem", None) or getattr(error, "reason", error)), 200)
    if getattr(error, "context", None) == _TWICE:
        return f"{where}: {problem}"
    return f"{where}: is not YAML: {problem}; a template, such as a Helm chart's, has to be rendered first, or left out"
