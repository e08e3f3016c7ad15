"""What `null` in a template means: a change removes the field, a new object never has it; and none is lost on its way."""

import json
from typing import Any

import pytest
from tests.builders.models import action, run
from tests.support.certain import certain

from pratique.api.v1alpha1.action import Action
from pratique.core.judging.checks import check_action
from pratique.core.judging.judge import judge
from pratique.core.kernel.effects import Evaluation
from pratique.core.kernel.errors import EvaluationError
from pratique.core.plans.objects import LAST_APPLIED

PATH = "spec.execution.resources[0].template"
REMEDY = 'is null, which kubectl drops when it applies an Action: write "${null}", in quotes, to remove the field'


def manifest(**body: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it", "namespace": "team-a"}, **body}


def offered(
    template: dict[str, Any], *, patch: bool = True, applied: dict[str, Any] | None = None, raw: Any = None
) -> Action:
    made = action(execution=execution(template, patch=patch))
    note = raw if raw is not None else json.dumps({"spec": {"execution": execution(applied or {}, patch=patch)}})
    metadata = made.metadata.model_copy(update={"annotations": {LAST_APPLIED: note}})
    return made.model_copy(update={"metadata": metadata})


def execution(template: dict[str, Any], *, patch: bool) -> dict[str, Any]:
    return {
        "serviceAccountRef": {"namespace": "pratique-actions", "name": "maker"},
        "resources": [{"id": "made", "patch": patch, "template": template}],
    }


def rendered(made: Action) -> dict[str, Any]:
    return certain(judge(made, run()).plan).objects[0].manifest


def test_a_null_of_an_expression_removes_a_field_of_a_changed_object() -> None:
    wanted = manifest(data={"a": "${null}", "b": "${run.reason == '' ? dyn(null) : 'x'}", "l": ["x", "${null}"]})
    made = offered(wanted, applied=wanted)
    assert check_action(made) == ()
    assert rendered(made)["data"]["a"] is None
    assert rendered(made)["data"]["l"] == ["x"]


def test_a_new_object_has_no_field_that_is_null() -> None:
    wanted = manifest(data={"a": "${null}", "b": None, "c": {"d": None}, "l": ["${null}", {"e": None}]})
    made = offered(wanted, patch=False, applied=wanted)
    assert check_action(made) == ()
    assert rendered(made)["data"] == {"c": {}, "l": [{}]}


NULL = manifest(data={"a": None, "l": [{"b": None}]})
DROPPED = manifest(data={"l": [{}]})


@pytest.mark.parametrize("stored", [NULL, DROPPED])
def test_a_bare_null_in_a_change_is_refused_whether_it_arrives_or_not(stored: dict[str, Any]) -> None:
    made = offered(stored, applied=NULL)
    found = check_action(made)
    assert [said.split(":")[0] for said in found] == [f"{PATH}.data.a", f"{PATH}.data.l[0].b"]
    assert all(REMEDY in said for said in found)
    with pytest.raises(EvaluationError, match=r"data\.a: is null"):
        judge(made, run())


@pytest.mark.parametrize(
    "made",
    [
        offered(DROPPED, applied=manifest(data={"a": None, "other": 1})),
        offered(DROPPED, applied=DROPPED),
        *(offered(DROPPED, raw=text) for text in ("", "no JSON", "[1]", "{}", '{"spec": null}', "[" * 100_000)),
    ],
)
def test_what_kubectl_has_not_dropped_is_no_problem(made: Action) -> None:
    """Somebody may have edited the Action since, or it was never applied by kubectl."""
    assert check_action(made) == ()


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_directives_do_not_reach_the_marks_of_the_operator(field: str) -> None:
    wanted = manifest()
    wanted["metadata"][field] = {"$patch": "replace"}
    assert check_action(offered(wanted, applied=wanted)) == (
        f"{PATH}.metadata.{field}.$patch: cannot be set by a template",
    )
    wanted["metadata"][field] = "${null}"
    assert "must be an object" in check_action(offered(wanted, applied=wanted))[0]


@pytest.mark.parametrize("word", ["$patch", "$retainKeys", "$setElementOrder/l", "$deleteFromPrimitiveList/l"])
def test_an_input_is_data_and_says_nothing_about_how_an_object_changes(word: str) -> None:
    wanted = manifest(data="${inputs.data}", more={"$patch": "replace", "a": "${null}"}, l=["${inputs.data}", 1])
    form = {"schema": {"type": "object", "additionalProperties": True}}
    made = action(inputs=form, execution=execution(wanted, patch=True))

    def asked(data: dict[str, Any]) -> Evaluation:
        return judge(made, run(spec={"inputs": {"data": data}}))

    found = certain(asked({"a": "1", "b": None, "c": [None, {"d": None, "$ref": 1}]}).plan).objects[0].manifest
    assert found["data"] == {"a": "1", "c": [{"$ref": 1}]}
    assert found["more"] == {"$patch": "replace", "a": None}
    hidden: dict[str, Any]
    for hidden in ({word: "replace"}, {"deep": [{"deeper": {word: []}}]}):
        with pytest.raises(EvaluationError, match=r"template.data: an input must not hold \$"):
            asked(hidden)
