"""Finds what would be copied out of a Secret that a run acts on: `(hidden)` would be written, and nobody told. Pure.

Expressions never see the values, a word stands for each. So what is worked out is worked out once more with another word:
where the two differ, it came from a value, however it was cut or joined on its way. That goes for what is made, and for all
that goes into it: inputs that are computed, values of options, whom a stage excludes.

Called by `judge`, `policy`, `stages` and `choices`.
"""

from collections.abc import Mapping
from typing import Any

from pratique.api.v1alpha1.planned import Planned, PlannedDeletion, PlannedRequest, PlannedTemporary
from pratique.core.judging.scopes import CHOSEN
from pratique.core.kernel.errors import EvaluationError
from pratique.core.plans.objects import without_secrets
from pratique.core.plans.requests import sent_of

Json = dict[str, Any]
_OTHER_WORD = "(hidden here too)"


_HIDDEN = "reads a value of a Secret, which is hidden from expressions"


def with_other_word(scope: Mapping[str, Any]) -> Json | None:
    """Return the names that expressions see with another word for each value of a Secret; None without a Secret."""
    other = dict(scope)
    for name in scope.keys() & {"target", "object"}:
        other[name] = without_secrets(scope[name], _OTHER_WORD)
    if CHOSEN in scope:
        other[CHOSEN] = {field: _other(each) for field, each in scope[CHOSEN].items()}
    return other if other != scope else None


def _other(chosen: Any) -> Any:  # noqa: ANN401 - an object, or what holds them: a list, a row, a group
    if isinstance(chosen, list):
        return [_other(each) for each in chosen]
    if not isinstance(chosen, dict):
        return chosen  # an entry that is a bare value
    if not isinstance(chosen.get("kind"), str):  # fields by name, and not an object
        return {name: _other(each) for name, each in chosen.items()}
    return without_secrets(chosen, _OTHER_WORD)


def refuse_copy(planned: Planned, other: Planned, path: str) -> None:
    """Raise an EvaluationError with the field if the two are not the same."""
    field = next((name for name, kind in _FIELDS.items() if isinstance(planned, kind)), "template")
    refuse_lifetime(planned, other, path)
    where = _first_difference(sent_of(planned), sent_of(other), f"{path}.{field}")
    if where is not None:
        instead = "a template must not hold values of a Secret; let who needs it read the Secret itself, by its name"
        raise EvaluationError(f"{where}: {_HIDDEN}: {instead}")


_FIELDS: dict[str, type] = {"request": PlannedRequest, "delete": PlannedDeletion}


def refuse_lifetime(planned: Planned, other: Planned, path: str) -> None:
    """Raise an EvaluationError if how long an object stays is a value of a Secret: a plan shows it."""
    one, two = (each.expires_after if isinstance(each, PlannedTemporary) else None for each in (planned, other))
    if one != two:
        raise EvaluationError(f"{path}.expiresAfter: {_HIDDEN}: write the time, or let the form ask for it")


def refuse_copied_inputs(inputs: Json, others: Json) -> None:
    """Raise an EvaluationError with the field if an input that was worked out is not the same with another word."""
    instead = "an input must not hold values of a Secret; take its name, and let who needs it read the Secret itself"
    for name in sorted({**inputs, **others}):
        refuse_copied(inputs.get(name), others.get(name), f"spec.inputs.fields.{name}", instead)


def refuse_copied(value: object, other: object, path: str, instead: str) -> None:
    """Raise an EvaluationError with the field and the remedy if the two are not the same."""
    if value != other:
        raise EvaluationError(f"{path}: {_HIDDEN}: {instead}")


def _first_difference(one: Any, two: Any, path: str) -> str | None:  # noqa: ANN401 - any JSON value
    if isinstance(one, Mapping) and isinstance(two, Mapping) and one.keys() == two.keys():
        inner = [(one[key], two[key], f"{path}.{key}") for key in one]
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        inner = [(each, two[index], f"{path}[{index}]") for index, each in enumerate(one)]
    else:
        return path if one != two else None
    return next((found for each in inner if (found := _first_difference(*each)) is not None), None)
