"""Decides what `null` in a template means: a changed object loses the field, a new one never has it. Pure.

A bare `null` cannot be relied on in a change: kubectl drops it on its way into the Action, and says nothing. So it is
refused there, where it arrives and where kubectl tells that it did not; `${null}` is a text, and arrives. Called by
`policy` and `checks`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.core.kernel.errors import EvaluationError
from pratique.core.plans.objects import LAST_APPLIED

Json = Any
_REMEDY = 'write "${null}", in quotes, to remove the field, or leave it out'


def bare_nulls(template: Json, path: str) -> Iterator[str]:
    """Yield the sentences about each `null` that is written out in the template of a change."""
    match template:
        case None:
            yield f"{path}: is null, which kubectl drops when it applies an Action: {_REMEDY}"
        case Mapping():
            for key, value in template.items():
                yield from bare_nulls(value, f"{path}.{key}")
        case list():
            for index, value in enumerate(template):
                yield from bare_nulls(value, f"{path}[{index}]")


def dropped_nulls(action: Action, index: int, path: str) -> Iterator[str]:
    """Yield the sentences about each `null` that was in what kubectl applied, and is not in what has arrived of it."""
    try:
        applied = json.loads(action.metadata.annotations.get(LAST_APPLIED, "null"))
        template = applied["spec"]["execution"]["resources"][index]["template"]
    except (ValueError, RecursionError, TypeError, LookupError):
        return
    if without_nulls(template) == without_nulls(action.spec.execution.resources[index].template):
        yield from bare_nulls(template, path)


def problems_of_nulls(action: Action, index: int, path: str) -> Iterator[str]:
    """Yield the sentences about each `null` in the template of a change that would do nothing, or may do nothing."""
    template = action.spec.execution.resources[index]
    if template.patch:
        yield from bare_nulls(template.template, path)
        yield from dropped_nulls(action, index, path)


def check_nulls(action: Action, index: int, path: str) -> None:
    """Raise EvaluationError for the first of these problems: what asks for nothing must not be taken for done."""
    for problem in problems_of_nulls(action, index, path):
        raise EvaluationError(problem)


def without_nulls(value: Json, *, fields: bool = True) -> Json:
    """Return a value without what is null in it: entries of lists, and fields of objects where `fields` says so."""
    match value:
        case Mapping():
            return {
                key: without_nulls(each, fields=fields) for key, each in value.items() if each is not None or not fields
            }
        case list():
            return [without_nulls(each, fields=fields) for each in value if each is not None]
        case _:
            return value
