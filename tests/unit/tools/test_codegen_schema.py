"""From models to structural schemas: what is written, and what is an error because a CRD cannot say it."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field
from tools.codegen.crds import crd, root_schema
from tools.codegen.schema import SchemaError, expand, structural_schema

from pratique.api.v1alpha1 import KINDS
from pratique.api.v1alpha1.meta import WRITTEN, ApiModel, Rule
from pratique.api.v1alpha1.scalars import JsonObject, Time, duration_of
from pratique.api.v1alpha1.spelling import Duration


class Colour(StrEnum):
    RED = "Red"


class Inner(ApiModel):
    """An inner object."""

    size: Annotated[int, Field(ge=1, description="Size.")] = 3


class Outer(ApiModel):
    """An outer object."""

    some_name: Annotated[str, Field(description="Name.")]
    colour: Colour = Colour.RED
    inner: Annotated[Inner, Field(description="Inside.")] = Inner()
    maybe: Inner | None = None
    at: Time | None = None
    fixed: Literal["only"] = "only"
    labels: Annotated[dict[Annotated[str, Field(max_length=3)], str], Field(max_length=4)] = {}
    names: list[str] = []
    free: JsonObject = {}
    ttl: Duration = "3d"
    filled: Annotated[str, Field(json_schema_extra={WRITTEN: True})] = ""

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(rule="DURATION_SECONDS(self.ttl) > 0", message="no", field_path=".ttl"),
    )


@pytest.fixture
def outer() -> dict[str, Any]:
    properties: dict[str, Any] = structural_schema(Outer)["properties"]
    return properties


def test_names_are_camel_case_and_required_ones_are_listed() -> None:
    schema = structural_schema(Outer)
    assert "someName" in schema["properties"]
    assert schema["required"] == ["someName"]
    assert schema["description"] == "An outer object."


def test_optional_means_absent_not_null(outer: dict[str, Any]) -> None:
    assert outer["maybe"] == {
        "description": "An inner object.",
        "type": "object",
        "properties": {"size": {"description": "Size.", "type": "integer", "minimum": 1, "default": 3}},
    }
    assert outer["at"] == {"type": "string", "format": "date-time"}


def test_references_are_written_out_and_what_stands_beside_them_wins(outer: dict[str, Any]) -> None:
    assert outer["inner"]["description"] == "Inside."
    assert outer["inner"]["default"] == {}
    assert outer["colour"] == {"type": "string", "enum": ["Red"], "default": "Red"}


def test_empty_defaults_are_left_out(outer: dict[str, Any]) -> None:
    assert all("default" not in outer[name] for name in ("labels", "names", "free", "maybe"))
    assert outer["fixed"] == {"type": "string", "enum": ["only"], "default": "only"}
    assert outer["filled"] == {"type": "string", "default": ""}


def test_maps_lose_what_cannot_be_said_of_keys(outer: dict[str, Any]) -> None:
    assert outer["labels"] == {"type": "object", "maxProperties": 4, "additionalProperties": {"type": "string"}}
    assert outer["free"]["x-kubernetes-preserve-unknown-fields"] is True


def test_rules_stand_on_the_object_they_are_about() -> None:
    rule = structural_schema(Outer)["x-kubernetes-validations"][0]
    assert rule["message"] == "no" and rule["fieldPath"] == ".ttl"
    assert "DURATION_SECONDS" not in rule["rule"]


def test_the_duration_macro_counts_as_the_operator_does() -> None:
    text = expand("DURATION_SECONDS(self.ttl)")
    factors = eval(text[text.index("{") : text.index("}") + 1])
    assert all(factors[unit] == duration_of(f"1{unit}").total_seconds() for unit in "smhdw")
    assert set(factors) == set("smhdw")


class Union(ApiModel):
    port: int | str = 1


class Pair(ApiModel):
    both: tuple[int, str] = (1, "a")


class Shapeless(ApiModel):
    anything: dict[str, Any] = {}


class Untyped(ApiModel):
    anything: Any = None


class Listless(ApiModel):
    things: list = []  # type: ignore[type-arg]


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (Union, "Union.port: a union cannot be expressed"),
        (Pair, "Pair.both: a tuple"),
        (Shapeless, "Shapeless.anything: say what the object holds"),
        (Untyped, "Untyped.anything: a CRD field needs one type"),
        (Listless, r"Listless.things(\[\])?: "),
    ],
)
def test_what_a_crd_cannot_say_is_an_error_with_the_field(model: type[ApiModel], complaint: str) -> None:
    with pytest.raises(SchemaError, match=complaint):
        structural_schema(model)


def fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field of a schema, however deep."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
        for inside in ("items", "additionalProperties"):
            if inside in field:
                yield f"{path}.{name}[]", field[inside]
                yield from fields(field[inside], f"{path}.{name}[]")


ALL = [found for kind in KINDS for found in fields(root_schema(kind), kind.__name__)]


def test_every_field_is_described() -> None:
    without = [path for path, field in ALL if not path.endswith(("[]", ".metadata")) and not field.get("description")]
    assert without == []


def test_every_list_map_and_text_is_bounded() -> None:
    """The API server estimates the cost of rules from the bounds, and refuses what it cannot estimate."""
    bounds = {"array": "maxItems", "string": "maxLength"}
    roots = {f"{kind.__name__}.{name}" for kind in KINDS for name in ("apiVersion", "kind")}
    unbounded = [
        path
        for path, field in ALL
        if field["type"] in bounds
        and bounds[field["type"]] not in field
        and "enum" not in field
        and field.get("format") != "date-time"
        and path not in roots
    ]
    assert unbounded == []
    assert [path for path, field in ALL if "additionalProperties" in field and "maxProperties" not in field] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_kind_has_what_users_lean_on(kind: type[Any]) -> None:
    manifest = crd(kind)
    version = manifest["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    assert schema["required"] == ["spec"]
    assert version["subresources"] == {"status": {}}
    assert manifest["spec"]["names"]["categories"] == ["pratique"]
    assert manifest["spec"]["names"]["shortNames"]
    assert version["additionalPrinterColumns"][-1]["name"] == "Age"
    assert schema["properties"]["status"]["default"]["conditions"]
    conditions = schema["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
