"""What is said of fields that offer objects when an Action is applied."""

from typing import Any

import pytest
from tests.builders import models

from pratique.api.v1alpha1.action import Action
from pratique.core.judging.checks import check_action
from pratique.core.kernel.effects import Json

SOURCE = {"apiVersion": "v1", "kind": "ConfigMap"}
SCHEMA: Json = {
    "type": "object",
    "properties": {
        "size": {"type": "string", "default": "s"},
        "sizes": {"type": "array", "items": {"type": "string"}},
        "names": {"type": "array", "items": {"type": "string"}, "default": ["a"]},
    },
}
KINDS: dict[str, Json] = {
    "v1/ConfigMap": {
        "root": "c",
        "components": {
            "c": {
                "type": "object",
                "properties": {
                    "data": {"type": "object", "additionalProperties": {"type": "string"}},
                    "metadata": {
                        "type": "object",
                        "properties": {"name": {"type": "string"}, "namespace": {"type": "string"}},
                    },
                },
            }
        },
    }
}


def action(fields: Json, schema: Json | None = None, data: str = "x", **more: Any) -> Action:
    template = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "made", "namespace": "a"},
        "data": {"d": data},
    }
    does = {
        "serviceAccountRef": {"namespace": "makers", "name": "maker"},
        "resources": [{"id": "made", "template": template}],
    }
    return models.action(inputs={"schema": schema or SCHEMA, "fields": fields}, execution=does, **more)


def options(name: str = "size", **more: Any) -> Json:
    return {name: {"options": {"from": {**SOURCE, **more.pop("source", {})}, **more}}}


def test_a_sound_form_has_no_problems() -> None:
    labelled = {"selector": {"example.com/a": "b"}}
    all_of_it = options(
        source=labelled, filter="has(object.data)", label="object.metadata.name", order="size(object.data)"
    )
    for schemas in ({}, KINDS):
        assert check_action(action(all_of_it), schemas) == ()
        assert check_action(action(options("sizes"), data="${string(size(chosen.sizes))}"), schemas) == ()
        hidden = {"sizes": {**options("sizes")["sizes"], "visible": "inputs.size == 's'"}}
        assert check_action(action(hidden), schemas) == ()
        assert check_action(action(options("names"), data="${chosen.names[0].metadata.name}"), schemas) == ()
        assert check_action(action(options(), data="${chosen.size.data.cpu}"), schemas) == ()


@pytest.mark.parametrize(
    ("fields", "schema", "said"),
    [
        (options("sice"), None, "spec.inputs.fields.sice: the schema has no field sice at its top; did you mean size?"),
        (
            options("x"),
            None,
            "spec.inputs.fields.x: the schema has no field x at its top; known are: size, sizes, names",
        ),
        (
            options("x"),
            {"type": "object"},
            "spec.inputs.fields.x: the schema has no field x at its top; known are: none",
        ),
        (
            options(),
            {"type": "object", "properties": {"size": {"type": "object"}}},
            "spec.inputs.schema.properties.size: offers objects, so its type must be one of string, integer, number, bool",
        ),
        (
            options(),
            {"type": "object", "properties": {"size": {"type": "array"}}},
            "spec.inputs.schema.properties.size: offers objects, so its type of items must be one of string, integer",
        ),
        (
            options(),
            {"type": "object", "properties": {"size": {"type": "string", "enum": ["a"]}}},
            "spec.inputs.schema.properties.size.enum: the values are those of the objects that it offers: leave enum out",
        ),
        (
            options(source={"namespace": "a", "allNamespaces": True}),
            None,
            "spec.inputs.fields.size.options.from.allNamespaces: excludes namespace: leave one of the two out",
        ),
        (
            options(source={"selector": {"a b": "c"}}),
            None,
            "spec.inputs.fields.size.options.from.selector: a b: c is no",
        ),
        (options(source={"selector": {"a": "c,d=e"}}), None, "spec.inputs.fields.size.options.from.selector: a: c,d=e"),
        (options(filter="object.metadata.name"), None, "spec.inputs.fields.size.options.filter: must be true or false"),
        (options(filter="object.dta == {}"), None, "spec.inputs.fields.size.options.filter: object has no field dta"),
        (
            options(filter="target.x"),
            None,
            "spec.inputs.fields.size.options.filter: undeclared reference to 'target.x'; in scope are: object",
        ),
        (
            options(value="object.metadata.nam"),
            None,
            "spec.inputs.fields.size.options.value: object.metadata has no field",
        ),
        (
            {"size": {**options()["size"], "visible": "true"}},
            None,
            "spec.inputs.fields.size.visible: excludes a default where the field has options: who may not list",
        ),
        (
            {"sizes": {**options("sizes")["sizes"], "visible": "true", "default": "['a']"}},
            None,
            "spec.inputs.fields.sizes.visible: excludes a default where the field has options: who may not list",
        ),
        (options(label="object."), None, "spec.inputs.fields.size.options.label: Syntax error"),
        (options(order="inputs.sice"), None, "spec.inputs.fields.size.options.order: there is no input named sice"),
    ],
)
def test_what_is_wrong_is_said_with_its_field(fields: Json, schema: Json | None, said: str) -> None:
    (found, *_) = check_action(action(fields, schema), KINDS)
    assert found.startswith(said)


def test_what_templates_read_of_a_choice_is_checked() -> None:
    (found,) = check_action(action(options(), data="${chosen.size.dta.x}"), KINDS)
    assert found == "spec.execution.resources[0].template.data.d: chosen.size has no field dta; did you mean data?"
    (other,) = check_action(action(options(), data="${chosen.sizes}"), KINDS)
    assert other.startswith(
        "spec.execution.resources[0].template.data.d: chosen has no field sizes; did you mean size?"
    )
    (none,) = check_action(action({}, data="${chosen.size}"), KINDS)
    assert "undeclared reference to 'chosen.size'" in none
