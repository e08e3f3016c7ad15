"""What is said about an Action when it is applied."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builders import models

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.deleting import ObjectToDelete
from pratique.core.judging.checks import MAX_PROBLEMS, check_action

EXAMPLES = Path(__file__).parents[4] / "examples"
TEMPLATE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}}
FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "days": {"type": "integer"},
        "cost": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
ODD = {
    "type": "object",
    "properties": {"team-name": {"type": "string"}, "namespace": {"type": "string"}, "in": {"type": "integer"}},
}
GOES = {"apiVersion": "v1", "kind": "Pod", "name": "old"}
RESOURCE = "spec.execution.resources[0]"


def action(
    *,
    form: Any = FORM,
    rule: str = "true",
    when: str = "true",
    resource: Any = None,
    outputs: Any = None,
    explain: Any = None,
    **template: Any,
) -> Action:
    made = {"id": "made", "template": {**TEMPLATE, **template}, **(resource or {})}
    return models.action(
        inputs={"schema": form, "rules": [{"rule": rule, "message": "no"}]},
        approval={"stages": [{"name": "leads", "when": when, "approvers": {"groups": ["leads"]}}]},
        execution={
            "serviceAccountRef": {"namespace": "makers", "name": "maker"},
            "resources": [made],
            "outputs": outputs or {},
            "explain": explain,
        },
    )


def test_what_it_costs_is_checked_like_any_text() -> None:
    dear = action()
    said = dear.model_copy(update={"spec": dear.spec.model_copy(update={"cost": "${inputs.dyas} €"})})
    assert check_action(said)[0].startswith("spec.cost: there is no input named dyas")
    sound = dear.model_copy(update={"spec": dear.spec.model_copy(update={"cost": "${inputs.name} costs nothing"})})
    assert check_action(sound) == ()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/action.yaml")), ids=lambda path: path.parent.name)
def test_every_example_is_sound(path: Path) -> None:
    for each in yaml.safe_load_all(path.read_text()):
        assert check_action(Action.model_validate(each)) == ()


SEEN_HERE = ("broken-expression", "misspelt-input", "password", "secret", "template", "unknown-name")


@pytest.mark.parametrize("name", SEEN_HERE)
def test_an_invalid_example_gets_the_sentence_of_its_first_line(name: str) -> None:
    text = (EXAMPLES / "invalid" / f"action-{name}.yaml").read_text()
    expected = text.splitlines()[0].removeprefix("# ")
    assert any(expected in said for said in check_action(Action.model_validate(yaml.safe_load(text))))


@pytest.mark.parametrize(
    "sound",
    [
        action(),
        action(rule="inputs.days > 3 && inputs.name != 'inputs.nobody'"),
        action(when="size(run.requestedBy.groups) > 0 || action.name == 'x'"),
        action(when="inputs.cost > 100.0"),
        action(
            form=ODD, rule="inputs['team-name'] != inputs.namespace && inputs.in > 1", data={"a": "${inputs['in'] + 1}"}
        ),
        action(resource={"when": "has(inputs.days)", "readyWhen": "self.status.phase == 'Done'"}),
        action(data={"a": "${inputs.name}", "b": ["${inputs.days + 1}", "$${inputs.nobody}"], "n": 1}),
        action(outputs={"a": "${resources.made.status.x} of ${inputs.name}"}),
        action(data={"a": "{{inputs.parameters.name}}", "b": "see inputs.name", "c": "$${inputs.name}", "d": "$run.x"}),
        action(form={"type": "object", "additionalProperties": True}),
        action(form={"type": "object"}, when="run.reason == ''"),
        action(kind="Environment", apiVersion="pratique.dev/v1alpha1"),
    ],
)
def test_nothing_is_said_about_what_is_sound(sound: Action) -> None:
    assert check_action(sound) == ()


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (action(form={"type": "string"}), "spec.inputs.schema.type: must be object"),
        (action(rule="1 +"), "spec.inputs.rules[0].rule: Syntax error"),
        (
            action(rule="'text'"),
            "spec.inputs.rules[0].rule: must be true or false, but this expression never is: 'text'",
        ),
        (action(rule="inputs.name"), "spec.inputs.rules[0].rule: must be true or false, but this expression never is"),
        (action(rule="inputs.dasy > 3"), "spec.inputs.rules[0].rule: there is no input named dasy; did you mean days?"),
        (action(rule="inputs.days > 'a'"), "spec.inputs.rules[0].rule: > does not go with"),
        (
            action(rule="self.x"),
            "spec.inputs.rules[0].rule: undeclared reference to 'self.x'; in scope are: inputs, run",
        ),
        (
            action(when="inputs.nothing == 1"),
            "spec.approval.stages[0].when: there is no input named nothing; known are: name, days, cost, tags",
        ),
        (
            action(form={"type": "object"}, when="inputs.x == 1"),
            "spec.approval.stages[0].when: there is no input named x",
        ),
        (action(when="run.requestedBy.name == 'x'"), "spec.approval.stages[0].when: "),
        (
            action(when="inputs.name.first == 'x'"),
            "spec.approval.stages[0].when: expression of type 'string' cannot be",
        ),
        (
            action(form=ODD, when="inputs.team-name == ''"),
            "spec.approval.stages[0].when: inputs.team-name is read as a diff",
        ),
        (
            action(form=ODD, when="inputs['in'] == ''"),
            "spec.approval.stages[0].when: == does not go with (int, string)",
        ),
        (
            action(form=ODD, when="inputs['team'] == ''"),
            "spec.approval.stages[0].when: there is no input named team; did",
        ),
        (action(when="inputs.cost > 100"), "spec.approval.stages[0].when: > does not go with"),
        (action(resource={"when": "inputs.dasy == 1"}), f"{RESOURCE}.when: there is no input named dasy"),
        (action(resource={"readyWhen": "inputs.days == 1"}), f"{RESOURCE}.readyWhen: undeclared reference"),
        (action(resource={"readyWhen": "'x'"}), f"{RESOURCE}.readyWhen: must be true or false"),
        (
            action(data={"a": "${inputs.nmae}"}),
            f"{RESOURCE}.template.data.a: there is no input named nmae; did you mean",
        ),
        (action(data={"a": "${1 +}"}), f"{RESOURCE}.template.data.a: Syntax error"),
        (action(data={"a": "${inputs.name"}), f"{RESOURCE}.template.data.a: '${{' is never closed"),
        (
            action(data={"${inputs.name}": "x"}),
            f"{RESOURCE}.template.data.${{inputs.name}}: the name of a field cannot",
        ),
        (action(data={"a": "x ${inputs.tags}"}), f"{RESOURCE}.template.data.a: "),
        (action(metadata={"name": "${inputs.days}"}), f"{RESOURCE}.template.metadata.name: 1 is not what"),
        (action(kind="Secret", data={"a": "b"}), f"{RESOURCE}.template: a plan is stored and shown to approvers"),
        (action(metadata={"name": "a", "finalizers": []}), f"{RESOURCE}.template.metadata.finalizers: cannot be set"),
        (action(metadata=None), f"{RESOURCE}.template.metadata: is required, with a name"),
        (action(kind="${inputs.name}"), f"{RESOURCE}.template.kind: must be written out"),
        (action(apiVersion="${inputs.name}"), f"{RESOURCE}.template.apiVersion: must be written out"),
        (
            action(apiVersion="pratique.dev/v1alpha1", kind="Approval"),
            f"{RESOURCE}.template.kind: of pratique.dev only",
        ),
        (
            action(outputs={"a": "${resources.maed.x}"}),
            "spec.execution.outputs.a: there is no resource named maed; did you mean made?",
        ),
        (action(outputs={"a": "${inputs.nmae}"}), "spec.execution.outputs.a: there is no input named nmae"),
        *(
            (
                action(data={"a": text}),
                f"{RESOURCE}.template.data.a: {text} would be made as it stands: an expression is",
            )
            for text in (
                "{{ inputs.name }}",
                "{{.inputs.name}}-x",
                "inputs.name",
                "$inputs.name",
                "$(inputs.name)",
                "{{run.uid}}",
            )
        ),
        (
            action(metadata={"name": "{{ inputs.name }}"}),
            f"{RESOURCE}.template.metadata.name: {{{{ inputs.name }}}} would",
        ),
        *(
            (action(resource={"template": {}, "delete": {**GOES, **wrong}}), f"{RESOURCE}.delete.{said}")
            for wrong, said in (
                ({"kind": "${inputs.name}"}, "kind: must be written out"),
                ({"kind": "Approval", "apiVersion": "pratique.dev/v1alpha1"}, "kind: of pratique.dev only an"),
                ({"name": "${inputs.nmae}"}, "name: there is no input named nmae; did you mean name?"),
                ({"name": "${inputs.name"}, "name: '${' is never closed"),
                ({"name": "${inputs.days}"}, "name: 1 is not what Kubernetes takes as the name of a Pod"),
                ({"namespace": "A_B"}, "namespace: 'A_B' is not what Kubernetes takes"),
            )
        ),
        (
            action(resource={"template": {}, "delete": GOES}, outputs={"a": "${resources.made.x}"}),
            "spec.execution.outputs.a: there is no resource named made; known are: none",
        ),
        (action(outputs={"a": "${"}), "spec.execution.outputs.a: '${' is never closed"),
        (
            action(resource={"patch": True}, explain={"logs": 1}),
            "spec.execution.explain.logs: is about pods of objects that a run makes; this one makes none",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(broken: Action, problem: str) -> None:
    (said,) = check_action(broken)
    assert said.startswith(problem)


def test_a_trial_says_with_what_it_was_tried() -> None:
    form = {"type": "object", "properties": {"name": {"type": "string", "default": "Web"}}}
    (said,) = check_action(action(form=form, metadata={"name": "${inputs.name}"}))
    assert said.endswith("(tried with {'name': 'Web'})")


def test_a_form_that_is_broken_hides_no_other_mistake() -> None:
    said = check_action(action(form={"type": "object", "properties": 5}, rule="1 +", when="inputs.a == 1"))
    assert [each.partition(":")[0] for each in said] == [
        "spec.inputs.schema.properties",
        "spec.inputs.rules[0].rule",
        "spec.approval.stages[0].when",
    ]


def test_problems_are_told_once_and_at_most_ten() -> None:
    assert len(check_action(action(data={f"k{n}": "${inputs.nobody}" for n in range(30)}))) == MAX_PROBLEMS
    assert len(check_action(action(data={"a": "${inputs.nobody} ${inputs.nobody}"}))) == 1


@pytest.mark.parametrize(
    ("second", "found"),
    [
        (
            {},
            ("spec.execution.resources[1].template: is the object of spec.execution.resources[0] again; join the two",),
        ),
        ({"when": "inputs.days > 2"}, ()),
        ({"patch": True}, ()),
        (
            {"template": {}, "delete": ObjectToDelete(api_version="v1", kind="ConfigMap", name="made")},
            (),
        ),
    ],
)
def test_one_object_is_made_by_one_template(second: dict[str, Any], found: tuple[str, ...]) -> None:
    both = action()
    (one,) = both.spec.execution.resources
    resources = [one, one.model_copy(update={"id": "again", **second})]
    execution = both.spec.execution.model_copy(update={"resources": resources})
    twice = both.model_copy(update={"spec": both.spec.model_copy(update={"execution": execution})})
    assert check_action(twice) == found
