"""Reads YAML, and JSON with it, out of a text that somebody keeps in an object. Pure; bounded in size, depth and kind.

It may be anybody's text: an alias would make gigabytes of a line, and a thousand brackets end the process that counts them.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from typing import Any

import yaml

from pratique.core.kernel.text import clean

MAX_TEXT, MAX_DEPTH = 131072, 12
_NO_JSON = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge", "tag:yaml.org,2002:value")


class _Loader(yaml.CSafeLoader):
    """Reads what JSON has, and nothing else: a date stays the text that it is."""

    yaml_implicit_resolvers = {
        first: [(tag, found) for tag, found in each if tag not in _NO_JSON]
        for first, each in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


@lru_cache(maxsize=64)
def decoded(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a text of YAML or JSON holds; raises ValueError with the reason."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"yaml.decode: the text has {len(text)} characters, {MAX_TEXT} are allowed")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise ValueError(f"yaml.decode: is nested deeper than {MAX_DEPTH} levels")
            if isinstance(event, yaml.AliasEvent):
                raise ValueError("yaml.decode: has an alias (*name): write it out")
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader of ours
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise ValueError(
            f"yaml.decode: is no YAML{where}: {getattr(error, 'problem', None) or 'it cannot be read'}"
        ) from None
    _refuse_what_json_has_not(value)
    return value


def _refuse_what_json_has_not(value: Any) -> None:  # noqa: ANN401 - whatever YAML knows
    match value:
        case Mapping():
            for key, each in value.items():
                if not isinstance(key, str):
                    raise ValueError(f"yaml.decode: the key {clean(str(key), 40)} is no text: write it in quotes")
                _refuse_what_json_has_not(each)
        case list():
            for each in value:
                _refuse_what_json_has_not(each)
        case float() if not isfinite(value):
            raise ValueError(f"yaml.decode: {value} is no number that JSON knows")
        case str() | int() | float() | None:
            pass
        case _:
            raise ValueError("yaml.decode: holds what JSON has not, such as a set or bytes")
