"""What the statuses of all kinds share: the timeline, and how an object begins."""

from typing import Annotated, Any

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel
from pratique.api.v1alpha1.scalars import Time


class TimelineEntry(ApiModel):
    """One line of an object's history."""

    at: Annotated[Time, Field(description="When.")]
    event: Annotated[str, Field(max_length=64, description="What happened, in one word.")]
    message: Annotated[str, Field(max_length=1024, description="The sentence a person reads.")] = ""


Timeline = Annotated[
    list[TimelineEntry],
    Field(
        max_length=32,
        description="What happened so far, oldest first; bounded, the oldest go first.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    ),
]

WAITING_MESSAGE = "Waiting for the operator"


def pending_condition(kind: str) -> dict[str, Any]:
    """Return the condition that an object nobody has looked at yet is born with."""
    return {
        "type": kind,
        "status": "Unknown",
        "reason": "Pending",
        "message": WAITING_MESSAGE,
        "lastTransitionTime": "1970-01-01T00:00:00Z",
        "observedGeneration": 0,
    }
