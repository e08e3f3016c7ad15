"""What all six kinds are: the base models, `metadata`, printer columns, and rules of CEL.

Every class here becomes part of a CRD, so every list, map and string is bounded (the API server refuses CEL rules whose
cost it cannot estimate) and every field has a description (it is what `kubectl explain` prints).
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from pratique.api.v1alpha1.scalars import Time

Model = TypeVar("Model", bound=BaseModel)

GROUP = "pratique.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
WRITTEN = "x-pratique-written"
"""Marks a field, in its json_schema_extra, whose default is in the CRD though it is empty."""


class ApiModel(BaseModel):
    """Base of everything in a manifest: camelCase outside, snake_case inside; unknown fields are the API server's."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form: camelCase, times as RFC 3339, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ObjectMeta(ApiModel):
    """The part of `metadata` that decisions need."""

    name: str
    namespace: str | None = None
    uid: str = ""
    generation: int = 0
    resource_version: str | None = None
    creation_timestamp: Time = datetime(1970, 1, 1, tzinfo=UTC)
    deletion_timestamp: Time | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: list[str] = []


class PrinterColumn(BaseModel):
    """One column of `kubectl get`; `priority` 1 shows with `-o wide` only."""

    name: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    json_path: str
    description: str
    priority: int = 0


class Rule(BaseModel):
    """A CEL rule that the API server evaluates beside the field it guards, with the sentence a user reads."""

    rule: str
    message: str
    message_expression: str | None = None
    """CEL for a sentence with names in it; the API server falls back to `message` where it cannot be used."""
    reason: Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"] | None = None
    field_path: str | None = None


class KubeObject(ApiModel):
    """Base of the six kinds. The class variables are what codegen needs to write the CRD."""

    plural: ClassVar[str]
    singular: ClassVar[str]
    short_names: ClassVar[tuple[str, ...]]
    scope: ClassVar[Literal["Cluster", "Namespaced"]]
    columns: ClassVar[tuple[PrinterColumn, ...]]
    default_status: ClassVar[dict[str, Any]]

    api_version: str = API_VERSION
    kind: str
    metadata: ObjectMeta


def amend(model: Model, /, **changes: Any) -> Model:  # noqa: ANN401 - the plugin says what they may be
    """Return a copy of the object with other values in some fields, which mypy checks (`tools/typed_changes.py`)."""
    return model.model_copy(update=changes)
