"""What an Action makes of the object that a run acts on, and what a plan freezes of that."""

from typing import Any

import pytest
from tests.builders import models
from tests.builders.models import NOW, run_plan
from tests.support.certain import certain

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.planned import PlannedDeletion
from pratique.core.judging.checks import check_action
from pratique.core.judging.judge import judge
from pratique.core.judging.targets import evaluate_target, reads_target
from pratique.core.kernel.effects import Json
from pratique.core.kernel.errors import EvaluationError
from pratique.core.plans.document import Document, document

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap"}
NAMED = {"name": "${target.metadata.name}", "namespace": "${target.metadata.namespace}"}
FORM = {"type": "object", "properties": {"share": {"type": "number", "default": 1}}}
SIZED = [{"rule": "double(target.data.size) * inputs.share < 100.0", "message": "A hundred are enough"}]
LEADS = {"name": "leads", "when": "int(target.data.size) > 50", "approvers": {"groups": ["leads"]}}
FILTER = "target.data.state == 'open'"


def action(
    *, acts_on: Json | None = None, rules: list[Json] | None = None, stages: list[Json] | None = None, **each: Any
) -> Action:
    resource = {
        "id": "it",
        "patch": True,
        "template": {**CONFIG, "metadata": NAMED, "data": {"at": "${run.createdAt}"}},
    }
    spec: dict[str, Any] = {
        "inputs": {"schema": FORM, "rules": rules or []},
        "approval": {"stages": stages or []},
        "execution": {
            "serviceAccountRef": {"namespace": "makers", "name": "maker"},
            "resources": [{**resource, **each}],
        },
    }
    return models.action(actsOn={**CONFIG, **(acts_on or {})}, **spec)


def run(*, named: bool = True, **inputs: Any) -> ActionRun:
    ref = {"target_ref": {"name": "x"}} if named else {}
    return models.run(meta={"creation_timestamp": NOW}, spec={"inputs": inputs, **ref})


def target(**data: str) -> Json:
    named = {"name": "x", "namespace": "team-a", "uid": "t1"}
    return {**CONFIG, "metadata": named, "data": {"size": "3", "state": "open", **data}}


def planned(offered: Action, live: Json | None = None, **inputs: Any) -> RunPlan:
    return certain(judge(offered, run(**inputs), target=live or target()).plan)


def refusals(offered: Action, asked: ActionRun, live: Json | None) -> tuple[str, ...]:
    return judge(offered, asked, target=live).refusals


def test_a_run_names_a_target_where_its_action_acts_on_one_and_nowhere_else() -> None:
    missing = (
        "spec.targetRef: is required: the Action create-environment acts on a ConfigMap, so write which one: {name: …}"
    )
    assert refusals(action(), run(named=False), None) == (missing,)
    useless = "spec.targetRef: the Action create-environment acts on no object: leave it out"
    assert refusals(models.action(), run(), None) == (useless,)


def test_a_filter_says_for_which_objects_an_action_is_and_comes_before_all_else() -> None:
    false = "spec.targetRef: ConfigMap team-a/x is not what this Action is for, as it is now: its filter is false: "
    closed = target(state="closed")
    assert refusals(action(acts_on={"filter": FILTER}), run(share="many"), closed) == (false + FILTER,)
    said = action(acts_on={"filter": FILTER, "message": "Only what is open"})
    assert refusals(said, run(), closed) == ("spec.targetRef: Only what is open",)
    assert refusals(said, run(), target()) == ()


def test_conditions_templates_and_rules_read_it() -> None:
    offered = action(rules=SIZED, stages=[LEADS], when="target.data.size != '4'")
    plan = planned(offered)
    assert plan.stages == () and plan.objects[0].manifest["metadata"]["name"] == "x"
    assert plan.objects[0].manifest["data"] == {"at": "2026-11-24T12:00:00Z"}
    assert [each.name for each in planned(offered, target(size="60")).stages] == ["leads"]
    assert refusals(offered, run(), target(size="100")) == ("A hundred are enough",)
    assert refusals(offered, run(), target(size="4"))[0].startswith("With these inputs there is nothing to do")


def test_what_is_not_there_is_held_and_the_remedy_named() -> None:
    with pytest.raises(
        EvaluationError, match=r"target\.data\.gone is not there, so ask has\(target\.data\.gone\) first"
    ):
        planned(action(acts_on={"filter": "target.data.gone == 'x'"}))
    with pytest.raises(EvaluationError, match=r"template\.data\.a: .*ask has\(target\.spec\) first"):
        planned(action(template={**CONFIG, "metadata": NAMED, "data": {"a": "${target.spec.x}"}}))


def test_a_plan_freezes_which_object_it_is_and_what_read_it() -> None:
    frozen = certain(planned(action()).target)
    assert (frozen.kind, frozen.namespace, frozen.name, frozen.uid) == ("ConfigMap", "team-a", "x", "t1")
    assert (frozen.rechecks, frozen.inputs) == (None, None)
    others = [*SIZED, {"rule": "inputs.share > 0.0", "message": "no"}]
    stages = [LEADS, {**LEADS, "name": "always", "when": "true"}]
    offered = action(acts_on={"filter": FILTER}, rules=others, stages=stages, when="target.data.size == '3'")
    rechecks = certain(certain(planned(offered).target).rechecks)
    assert [(each.rule, each.holds) for each in rechecks] == [
        (FILTER, True),
        (SIZED[0]["rule"], True),
        (LEADS["when"], False),
        ("target.data.size == '3'", True),
    ]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (target(), ()),
        (target(state="closed"), ("Only what is open",)),
        (target(size="60"), ("the stage leads would have to agree now",)),
        (target(size="100"), ("A hundred are enough", "the stage leads would have to agree now")),
        (target(size="9"), ("the ConfigMap it would not be in the plan any more",)),
    ],
)
def test_what_has_changed_is_found_by_the_plan_alone(now: Json, said: tuple[str, ...]) -> None:
    """Also by the text of its document: what is a number with a point in the form, is one there as well."""
    acts_on = {"filter": FILTER, "message": "Only what is open"}
    offered = action(acts_on=acts_on, rules=SIZED, stages=[LEADS], when="target.data.size != '9'")
    written = Document(document(planned(offered, share=1)).text).plan
    assert evaluate_target(written, run(share=1), now) == said


def test_what_would_be_made_only_now_is_found_too() -> None:
    both = action(when="target.data.size == '9'")
    more = both.spec.execution.model_copy(update={"resources": [*both.spec.execution.resources, other()]})
    offered = both.model_copy(update={"spec": both.spec.model_copy(update={"execution": more})})
    plan = planned(offered)
    assert evaluate_target(plan, run(), target(size="9")) == ("the ConfigMap it would be in the plan now",)
    assert evaluate_target(run_plan(), run(), target()) == ()


CALL = {"url": "https://api.example.com/${target.metadata.name}", "body": {"keys": "${size(target.data)}"}}


def test_a_call_that_would_not_be_made_any_more_is_called_one() -> None:
    offered = action(id="told", patch=False, template={}, request=CALL, when="target.data.size != '9'")
    said = evaluate_target(planned(offered), run(), target(size="9"))
    assert said == ("the call told would not be in the plan any more",)


def secret(**data: str) -> Json:
    """Return a Secret as expressions see it."""
    return {**target(), "kind": "Secret", "type": "Opaque", "data": dict.fromkeys({"password", *data}, "(hidden)")}


def holding(value: Any, acts_on: Json | None = None) -> Action:
    template = {**CONFIG, "metadata": {"name": "copy"}, "data": {"at": ["x", {"a": value}]}}
    return action(acts_on={"kind": "Secret", **(acts_on or {})}, patch=False, template=template)


@pytest.mark.parametrize(
    "text",
    [
        "${target.data.password}",
        "key=${target.data.password}",
        "${target.data}",
        "${json.encode(target)}",
        "${size(target.data.password)}",
        "${target.data.map(key, target.data[key])}",
    ],
)
def test_what_copies_a_value_of_a_secret_is_refused_with_its_field(text: str) -> None:
    """Else `(hidden)` would be written, and nobody told."""
    with pytest.raises(EvaluationError) as raised:
        planned(holding(text), secret())
    assert "spec.execution.resources[0].template.data.at[1].a" in str(raised.value)
    assert "a template must not hold values of a Secret; let who needs it read the Secret itself" in str(raised.value)


@pytest.mark.parametrize(
    "field",
    [
        {"url": "https://api.example.com/${target.data.password}"},
        {"headers": {"X-Key": "${target.data.password}"}},
        {"body": {"a": "${target.data}"}},
    ],
    ids=["url", "headers", "body"],
)
def test_a_call_holds_no_value_of_a_secret_either(field: Json) -> None:
    request = {"url": CALL["url"], **field}
    calls = action(acts_on={"kind": "Secret"}, patch=False, template={}, request=request)
    with pytest.raises(EvaluationError, match=r"resources\[0\]\.request\..*must not hold values of a Secret"):
        planned(calls, secret())


def test_no_value_of_a_secret_chooses_what_goes() -> None:
    """Its name would tell approvers what the value is."""
    goes = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x${size(target.data.password)}"}
    deletes = action(acts_on={"kind": "Secret"}, patch=False, template={}, delete=goes)
    with pytest.raises(EvaluationError, match=r"resources\[0\]\.delete\.name: reads a value of a Secret"):
        planned(deletes, secret())
    named = action(
        acts_on={"kind": "Secret"}, patch=False, template={}, delete={**goes, "name": "${target.metadata.name}"}
    )
    (step,) = planned(named, secret()).resources
    assert isinstance(step, PlannedDeletion) and step.delete.name == target()["metadata"]["name"]
    assert planned(named, secret()).summary == [f"Delete ConfigMap {step.delete.name}"]
    with pytest.raises(EvaluationError, match=r"delete\.kind: of pratique\.dev only an Environment can be deleted"):
        kind = {"apiVersion": "pratique.dev/v1alpha1", "kind": "Approval", "name": "x"}
        planned(action(acts_on={"kind": "Secret"}, patch=False, template={}, delete=kind), secret())


def test_what_is_no_value_of_a_secret_may_be_copied() -> None:
    for text in (
        "${target.metadata.name}",
        "${target.data.map(key, key)}",
        "${target.type}",
        "(hidden)",
        "${'(hidden)'}",
    ):
        assert planned(holding(text), secret()).objects
    assert planned(holding("${target.data.size}", {"kind": "ConfigMap"}), target(size="(hidden)")).objects
    assert planned(action(acts_on={"kind": "Secret"}, patch=False, template={}, request=CALL), secret()).resources


def other() -> Any:
    (made,) = action().spec.execution.resources
    return made.model_copy(update={"id": "other"})


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("target.x", True),
        ("inputs.target", False),
        ("inputs . target", False),
        ("'target'", False),
        ("has(target.a)", True),
    ],
)
def test_which_expressions_read_it(text: str, reads: bool) -> None:
    assert reads_target(text) is reads


TEXT = {"type": "string"}
SCHEMA = {
    "root": "C",
    "components": {
        "C": {
            "type": "object",
            "properties": {
                "metadata": {"type": "object", "properties": {"name": TEXT, "namespace": TEXT}},
                "data": {"type": "object", "additionalProperties": TEXT},
            },
        }
    },
}


@pytest.mark.parametrize(
    ("offered", "problem"),
    [
        (action(acts_on={"filter": FILTER}, rules=SIZED, stages=[LEADS]), ""),
        (
            action(acts_on={"filter": "inputs.share > 0.0"}),
            "spec.actsOn.filter: undeclared reference to 'inputs.share'",
        ),
        (action(acts_on={"filter": "target.data.size"}), ""),
        (action(acts_on={"filter": "target.metadata.name"}), "spec.actsOn.filter: must be true or false"),
        (
            action(acts_on={"filter": "target.dta.size == '1'"}),
            "spec.actsOn.filter: target has no field dta; did you mean data?",
        ),
        (
            action(when="target.metadata.nam == 'x'"),
            "spec.execution.resources[0].when: target.metadata has no field nam",
        ),
        (
            action(template={**CONFIG, "metadata": {"name": "${target.metadata.label}"}}),
            "target.metadata has no field label",
        ),
        (action(template={**CONFIG, "metadata": {"name": "${target.metadata.name + 1}"}}), "does not go with"),
        (action(template={**CONFIG, "metadata": {"name": "${inputs.gone}"}}), "there is no input named gone"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_applied(offered: Action, problem: str) -> None:
    said = check_action(offered, {"v1/ConfigMap": SCHEMA})
    assert (problem in said[0]) if problem else said == ()


def test_what_a_made_up_target_lacks_is_no_problem_and_a_name_that_cannot_be_is_one() -> None:
    assert (
        check_action(action(template={**CONFIG, "metadata": NAMED, "data": {"a": "${target.data.x.split(',')[0]}"}}))
        == ()
    )
    (said,) = check_action(action(template={**CONFIG, "metadata": {"name": "A ${target.metadata.name}"}}))
    assert "is not what Kubernetes takes as the name" in said


def test_only_an_action_that_acts_on_an_object_knows_one() -> None:
    bare = models.action(cost="${target.metadata.name}")
    said = check_action(bare)[-1]
    assert "undeclared reference to 'target.metadata.name'" in said and "only where the Action has spec.actsOn" in said
