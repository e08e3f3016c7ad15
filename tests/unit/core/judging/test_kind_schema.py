"""What is said of a template beside the schema of its kind, and the types that expressions get from it."""

from typing import Any

import pytest

from pratique.core.judging.checks import check_action
from pratique.core.judging.form_types import types_of
from pratique.core.judging.kind_schema import KindSchema, form_of, problems_of_template

from .test_checks import RESOURCE, action

TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
COMPONENTS: dict[str, Any] = {
    "Thing": {
        "type": "object",
        "properties": {
            "apiVersion": TEXT,
            "kind": TEXT,
            "metadata": {"allOf": [{"$ref": "#/components/schemas/Meta"}], "default": {}},
            "spec": {"$ref": "#/components/schemas/Spec"},
            "data": {"type": "object", "additionalProperties": TEXT},
        },
    },
    "Meta": {"type": "object", "properties": {"name": TEXT, "namespace": TEXT, "labels": {"type": "object"}}},
    "Spec": {
        "type": "object",
        "properties": {
            "replicas": WHOLE,
            "ratio": {"type": "number"},
            "paused": {"type": "boolean"},
            "policy": {"type": "string", "enum": ["Always", "Never"]},
            "port": {"x-kubernetes-int-or-string": True},
            "memory": {"oneOf": [TEXT, {"type": "number"}]},
            "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "list": {"type": "array", "items": {"type": "object", "properties": {"name": TEXT}}},
            "inner": {"$ref": "#/components/schemas/Spec"},
            "ring": {"$ref": "#/components/schemas/Ring"},
            "unknown": {"$ref": "#/components/schemas/Nowhere"},
        },
    },
    "Ring": {"$ref": "#/components/schemas/Ring"},
}
KIND = KindSchema("Thing", COMPONENTS)
KINDS = {"x.io/v1/Thing": {"root": "Thing", "components": COMPONENTS}}


def made(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "a"}, **fields}


@pytest.mark.parametrize(
    "spec",
    [
        {"replicas": 1, "ratio": 1, "paused": True, "policy": "Never", "port": "http", "memory": 5},
        {"replicas": None, "any": {"x": {"y": 1}}, "list": [{"name": "a"}], "inner": {"inner": {"replicas": 2}}},
        {"replicas": "${whole}", "policy": "${text}", "paused": "${unsure}", "list": "${unsure}"},
        {"ring": {"x": 1}, "unknown": {"y": 2}, "ratio": 1.0, "replicas": 1.0},
    ],
)
def test_nothing_is_said_about_what_the_kind_takes(spec: Any) -> None:
    types = {"${whole}": "integer", "${text}": "string"}
    assert list(problems_of_template(made(spec=spec, data={"a": "b"}), KIND, "t", types.get)) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"spec": {"replica": 1}}, "t.spec.replica: there is no such field; did you mean replicas?"),
        ({"spec": {"zzzzz": 1}}, "t.spec.zzzzz: there is no such field; known are: replicas, ratio, paused"),
        ({"sepc": {}}, "t.sepc: there is no such field; did you mean spec?"),
        ({"metadata": {"nmae": "x"}}, "t.metadata.nmae: there is no such field; did you mean name?"),
        (
            {"spec": {"inner": {"inner": {"ratoi": 1}}}},
            "t.spec.inner.inner.ratoi: there is no such field; did you mean",
        ),
        ({"spec": {"list": [{"nam": "x"}]}}, "t.spec.list[0].nam: there is no such field; did you mean name?"),
        ({"spec": {"replicas": "3"}}, "t.spec.replicas: must be a whole number, but is a text"),
        ({"spec": {"replicas": "${text}"}}, "t.spec.replicas: must be a whole number, but ${text} makes a text"),
        ({"spec": {"paused": 1}}, "t.spec.paused: must be true or false, but is a whole number"),
        (
            {"spec": {"policy": True}},
            "t.spec.policy: must be a text, but is true or false; write it in quotes: YAML took",
        ),
        ({"spec": {"policy": {}}}, "t.spec.policy: must be a text, but is an object"),
        ({"spec": {"policy": "always"}}, "t.spec.policy: always is not one of Always, Never"),
        ({"spec": []}, "t.spec: must be an object, but is a list"),
        ({"spec": {"list": {"name": "x"}}}, "t.spec.list: must be a list, but is an object"),
        ({"data": {"a": 1.1}}, "t.data.a: must be a text, but is a number; write it in quotes: YAML took it for somet"),
    ],
)
def test_what_the_kind_does_not_take_is_said(fields: dict[str, Any], said: str) -> None:
    (found,) = problems_of_template(made(**fields), KIND, "t", {"${text}": "string"}.get)
    assert found.startswith(said)


def test_types_of_a_live_object_are_those_of_the_fields_that_are_named() -> None:
    assert form_of(KIND, {"spec", "list", "name", "replicas"}) == {
        "properties": {
            "spec": {
                "properties": {
                    "replicas": WHOLE,
                    "list": {"type": "array", "items": {"properties": {"name": TEXT}, "others": []}},
                },
                "others": ["ratio", "paused", "policy", "port", "memory", "any", "inner", "ring", "unknown"],
            }
        },
        "others": ["apiVersion", "kind", "metadata", "data"],
    }
    recursive = form_of(KIND, {"spec", "inner", "memory", "any"})
    assert types_of({"self": recursive}).problem("self.spec" + ".inner" * 20 + ".memory == 1", condition=True) is None


def checked(**resource: Any) -> tuple[str, ...]:
    template = resource.pop("template", made())
    outputs = resource.pop("outputs", {})
    offered = action(resource={"template": template, **resource}, outputs=outputs)
    return check_action(offered, KINDS)


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ({"readyWhen": "self.spec.replica > 1"}, f"{RESOURCE}.readyWhen: self.spec has no field replica; did you mean"),
        (
            {"readyWhen": "self.spec.list.exists(e, e.nam == 'a')"},
            f"{RESOURCE}.readyWhen: self.spec.list[] has no field",
        ),
        ({"readyWhen": "self.spec.replicas == 'a'"}, f"{RESOURCE}.readyWhen: == does not go with (int, string)"),
        (
            {"outputs": {"a": "${resources.made.spec.replica}"}},
            "spec.execution.outputs.a: resources.made.spec has no fi",
        ),
        (
            {"template": made(spec={"replicas": "${inputs.name}"})},
            f"{RESOURCE}.template.spec.replicas: must be a who",
        ),
        (
            {"template": made(spec={"replicas": "${inputs.days}x"})},
            f"{RESOURCE}.template.spec.replicas: must be a whole n",
        ),
        (
            {"template": made(spec={"policy": "${inputs.tags}"})},
            f"{RESOURCE}.template.spec.policy: must be a text, but",
        ),
        (
            {"template": made(spec={"replicas": "${run.requestedBy}"})},
            f"{RESOURCE}.template.spec.replicas: must be a whol",
        ),
        ({"template": made(spec={"policy": "${"})}, f"{RESOURCE}.template.spec.policy: '${{' is never closed"),
    ],
)
def test_an_action_is_checked_beside_its_kinds(resource: dict[str, Any], said: str) -> None:
    (found,) = checked(**resource)
    assert found.startswith(said)


@pytest.mark.parametrize(
    "resource",
    [
        {"readyWhen": "self.spec.replicas >= 1 && size(self.spec) > 1 && has(self.status) == false", "template": {}},
        {"readyWhen": "'list' in self.spec || self.spec.any.x.y == 1 || self.metadata.labels['a'] == 'b'"},
        {"outputs": {"a": "${resources.made.spec.replicas}"}},
        {
            "template": made(
                spec={"replicas": "${inputs.days}", "paused": "${inputs.days > 1}", "policy": "${{'a': 'b'}.a}"}
            )
        },
        {
            "template": made(
                spec={"inner": "${{'a': 1}}", "replicas": "${1u}", "ratio": "${inputs.cost}", "any": "${dyn(1)}"}
            )
        },
        {"template": made(spec={"policy": "${string(quantity('1'))}", "replicas": "${inputs.zzz}"}), "when": "false"},
    ],
)
def test_more_can_be_done_with_a_live_object_than_with_a_form(resource: dict[str, Any]) -> None:
    template = resource.pop("template", None) or made()
    said = checked(template=template, **resource)
    assert not any("no such field" in each or "must be" in each or "does not go" in each for each in said)
