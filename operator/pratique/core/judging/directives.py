"""Keeps what an input holds from saying how an object is changed: only the template of a change says that. Pure.

In a strategic merge patch `$patch: replace` takes away all that is beside, and in any patch `null` removes a field. An
input that is an object is data: such words in it are refused, and what is null in it is left out. Called by `policy`.
"""

from collections.abc import Mapping
from typing import Any

from pratique.core.judging.nulls import without_nulls
from pratique.core.kernel.errors import EvaluationError

Json = Any
_WORDS = ("$patch", "$retainKeys", "$setElementOrder/", "$deleteFromPrimitiveList/")


def as_data(template: Json, rendered: Json, path: str) -> Json:
    """Return a rendered template in which what came out of expressions is data, and nothing else."""
    match template:
        case str():
            _refuse_words(rendered, path)
            return without_nulls(rendered)
        case Mapping():
            return {key: as_data(value, rendered[key], f"{path}.{key}") for key, value in template.items()}
        case list():
            return [as_data(value, rendered[index], f"{path}[{index}]") for index, value in enumerate(template)]
        case _:
            return rendered


def _refuse_words(value: Json, path: str) -> None:
    match value:
        case Mapping():
            for key, each in value.items():
                if str(key).startswith(_WORDS):
                    raise EvaluationError(
                        f"{path}: an input must not hold {key}: only a template says how lists change"
                    )
                _refuse_words(each, path)
        case list():
            for each in value:
                _refuse_words(each, path)
