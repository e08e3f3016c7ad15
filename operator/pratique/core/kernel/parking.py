"""Decides what is said of an object that this version cannot read: it is left alone, visibly, and nothing else waits.

A later version of the operator, or of its CRDs, may have written what this one does not know (an upgrade taken back,
a replica that is not upgraded yet). Acting on half of an object would be a guess. Pure; called by the edge.
"""

import json
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from pratique.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason
from pratique.core.kernel.conditions import set_condition
from pratique.core.kernel.errors import UnreadableError
from pratique.core.kernel.text import clean

Json = dict[str, Any]
_MAX_VALUE = 64
SORTS = ("object", "call")
"""What pydantic calls the entries of a plan between their number and their field."""


def explain(kind: str, body: Json, error: ValidationError) -> UnreadableError:
    """Return the first thing in an object that its model does not take; a value that is not short text is not shown."""
    first = error.errors(include_url=False, include_context=False)[0]
    value = first.get("input")
    known = first["type"] == "enum" and isinstance(value, str)
    shown = json.dumps(clean(value, _MAX_VALUE), ensure_ascii=False) if known else "of another shape"
    metadata = body["metadata"]
    name = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    field = ".".join(str(part) for part in first["loc"] if part not in SORTS)
    return UnreadableError(kind, name, metadata["uid"], field, shown)


def parked_conditions(body: Json, error: UnreadableError, now: datetime) -> list[Json] | None:
    """Return the conditions of an object that is left alone, with Stalled set; None if they say so already."""
    try:
        before = [Condition.model_validate(each) for each in (body.get("status") or {}).get("conditions") or []]
    except ValidationError:
        return None  # not even these can be read: what is there stays
    text = f"{error.field} is {error.value}, which this version of the operator does not know: upgrade the operator"
    generation = int(body["metadata"].get("generation") or 0)
    after = set_condition(
        before, ConditionType.STALLED, ConditionStatus.TRUE, Reason.UNKNOWN_VERSION, text, now, generation
    )
    return None if after == before else [each.to_wire() for each in after]
