"""What single values users write: durations, moments, names and expressions."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, PlainSerializer

from pratique.api.v1alpha1.spelling import UNIT_SECONDS


def duration_of(text: str) -> timedelta:
    """Return the length of a `Duration` such as `3d`. The caller has it from the CRD, which checked how it is spelled."""
    return timedelta(seconds=int(text[:-1]) * UNIT_SECONDS[text[-1]])


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC with whole seconds, the precision of `metav1.Time`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Time = Annotated[datetime, PlainSerializer(format_time, return_type=str)]
"""An absolute moment, RFC 3339, whole seconds, UTC."""

Expression = Annotated[
    str, Field(min_length=1, max_length=4096, description="A CEL expression; see docs/concepts/expressions.md.")
]
JsonObject = Annotated[dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})]
"""Free-form JSON; the API server keeps it as it is, what it means is checked elsewhere."""

MAX_USERNAME = 253
Username = Annotated[str, Field(min_length=1, max_length=MAX_USERNAME)]
GroupName = Annotated[str, Field(min_length=1, max_length=253)]
