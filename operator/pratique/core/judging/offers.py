"""Works out what may be offered instead of what was asked for: what the rule names and the form allows. Pure.

A gate holds nothing else, so the API server refuses an offer outside of the form in the request that makes it. What depends
on several inputs at once is judged when the offer is asked for.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.counter_offer import OfferedValues
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.stages import Stage
from pratique.core.judging.forms import problems_of_inputs
from pratique.core.kernel.text import nearest

Json = dict[str, Any]
_NUMBERS = ("number", "integer")


def narrow_offers(stages: Sequence[Stage], schema: Json, inputs: Json, unasked: Collection[str] = ()) -> list[Stage]:
    """Return the stages with what may be offered in them: nothing that the form refuses, nor what was asked for.

    What is `unasked`, since it is hidden or disabled, the form would refuse whoever fills it in.
    """
    return [_narrow(each, schema, inputs, unasked) for each in stages]


def _narrow(stage: Stage, schema: Json, inputs: Json, unasked: Collection[str]) -> Stage:
    if stage.counter_offer is None:
        return stage
    found = {
        name: left
        for name, allowed in stage.counter_offer.inputs.items()
        if name not in unasked
        and (field := _field(schema, name)) is not None
        and (left := _left(name, field, allowed, inputs)) is not None
    }
    return amend(stage, counter_offer=amend(stage.counter_offer, inputs=found) if found else None)


def _left(name: str, field: Json, allowed: OfferedValues, inputs: Json) -> OfferedValues | None:
    """Return what of it the form allows; None if nothing is left."""
    if allowed.values is not None:
        fit = [each for each in allowed.values if each != inputs.get(name) and not _problems(name, field, each)]
        return amend(allowed, values=fit) if fit else None
    if field.get("type") not in _NUMBERS:
        return None
    least = max(_number(allowed.minimum), _number(field.get("minimum"), float("-inf")))
    most = min(_number(allowed.maximum), _number(field.get("maximum"), float("inf")))
    whole = True if field["type"] == "integer" else allowed.whole
    return amend(allowed, minimum=least, maximum=most, whole=whole) if least <= most else None


def problems_of_offers(action: Action) -> Iterator[str]:
    """Yield what is wrong with what the stages of an Action let people offer: no such input, or not of the form."""
    schema = action.spec.inputs.schema_
    for index, stage in enumerate(action.spec.approval.stages):
        for name, allowed in (stage.counter_offer.inputs if stage.counter_offer is not None else {}).items():
            path = f"spec.approval.stages[{index}].counterOffer.inputs.{name}"
            field = _field(schema, name)
            if field is None:
                close = nearest(name, list(schema.get("properties") or {}))
                meant = f"; did you mean {close}?" if close else ""
                yield f"{path}: the form has no such input{meant}"
            elif allowed.values is None and field.get("type") not in _NUMBERS:
                yield f"{path}: has minimum and maximum, and the form takes no number there: name values instead"
            elif allowed.values is None and _left(name, field, allowed, {}) is None:
                yield f"{path}: the form takes no number from {allowed.minimum:g} to {allowed.maximum:g}: see its bounds"
            else:
                for value in allowed.values or ():
                    for problem in _problems(name, field, value)[:1]:
                        yield f"{path}.values: the form refuses {value}: {problem.partition(': ')[2] or problem}"


def _field(schema: Json, name: str) -> Json | None:
    fields = schema.get("properties")
    field = fields.get(name) if isinstance(fields, Mapping) else None
    return dict(field) if isinstance(field, Mapping) else None


def _problems(name: str, field: Json, value: object) -> list[str]:
    """Return what the form says of one value, whatever the others are."""
    return problems_of_inputs({"type": "object", "properties": {name: field}}, {name: value})


def _number(value: object, otherwise: float = 0.0) -> float:
    return float(value) if isinstance(value, int | float) else otherwise
