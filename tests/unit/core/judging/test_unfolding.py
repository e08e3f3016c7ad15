"""An entry with `forEach` is made once for each entry of a list that was asked for."""

from typing import Any

import pytest
from tests.builders import models
from tests.builders.models import run_plan

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.core.judging.checks import check_action
from pratique.core.judging.judge import judge
from pratique.core.judging.policy import evaluate_outputs
from pratique.core.kernel.effects import Rendered
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.limits import MAX_OBJECTS
from pratique.core.plans.unfolded import entry_of, gather, name_step

NAMES = {"type": "array", "items": {"type": "string"}, "default": []}
FORM = {
    "type": "object",
    "properties": {"names": NAMES, "one": {"type": "string"}, "extra": {"type": "boolean", "default": True}},
}
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${each}"}, "data": {"by": "${each}-x"}}
CALL = {"url": "https://api.example.com/${each}"}
GOES = {"apiVersion": "v1", "kind": "ConfigMap", "name": "${each}"}
PATH = "spec.execution.resources[0]"


def action(*entries: dict[str, Any], outputs: dict[str, str] | None = None, **changes: Any) -> Action:
    account = {"namespace": "makers", "name": "maker"}
    made = list(entries) or [{"id": "db", "forEach": "inputs.names", "template": MAP}]
    execution = {"serviceAccountRef": account, "resources": made, "outputs": outputs or {}}
    return models.action(inputs={"schema": FORM}, execution=execution, **changes)


def asked(*names: str, **inputs: Any) -> ActionRun:
    return models.run(spec={"inputs": {"names": list(names), **inputs}, "reason": "a demo"})


def planned(subject: Action, *names: str, **inputs: Any) -> RunPlan:
    evaluation = judge(subject, asked(*names, **inputs))
    assert evaluation.refusals == () and evaluation.plan is not None
    return evaluation.plan


def test_it_is_made_once_for_each() -> None:
    plan = planned(action(), "a", "b")
    assert [each.id for each in plan.resources] == ["db[0]", "db[1]"]
    assert [each.manifest["metadata"]["name"] for each in plan.objects] == ["a", "b"]
    assert plan.summary == ["ConfigMap a: data.by=a-x", "ConfigMap b: data.by=b-x"]
    assert plan.lists == ["db"]


def test_calls_and_what_goes_are_as_well() -> None:
    steps = (
        {"id": "told", "forEach": "inputs.names", "request": CALL},
        {"id": "old", "forEach": "inputs.names.map(n, {'name': n})", "delete": {**GOES, "name": "${each.name}"}},
    )
    assert planned(action(*steps), "a", "b").summary == [
        "Call POST https://api.example.com/a",
        "Call POST https://api.example.com/b",
        "Delete ConfigMap a",
        "Delete ConfigMap b",
    ]


def test_what_is_not_asked_for_is_not_made() -> None:
    also = {"id": "always", "template": {**MAP, "metadata": {"name": "always"}, "data": {}}}
    each = {"id": "db", "forEach": "inputs.names", "when": "inputs.extra", "template": MAP}
    assert [step.id for step in planned(action(each, also), "a").resources] == ["db[0]", "always"]
    assert [step.id for step in planned(action(each, also)).resources] == ["always"]
    assert planned(action(each, also)).lists == ["db"]
    left_out = planned(action(each, also), "a", extra=False)
    assert ([step.id for step in left_out.resources], left_out.lists) == (["always"], None)
    assert judge(action(), asked()).refusals == (
        "With these inputs there is nothing to do: every resource's `when` is false, or its forEach is empty",
    )


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (
            [f"n{number}" for number in range(MAX_OBJECTS + 1)],
            f"{PATH}.forEach: gives 33 entries, 32 are allowed: ask for fewer at once",
        ),
        (
            [f"n{number}" for number in range(MAX_OBJECTS)],
            "spec.execution.resources: come to 33 objects and calls, 32 are allowed: ask for fewer at once",
        ),
        (
            ["a", "b", "a"],
            "spec.execution.resources: ConfigMap a would be made twice, by db[0] and by db[2]: ask for each only once",
        ),
        (["My App"], f"spec.inputs.names: {PATH}.template.metadata.name: 'My App' is not what Kubernetes takes"),
    ],
)
def test_what_the_requester_can_mend_is_refused(names: list[str], sentence: str) -> None:
    also = {"id": "always", "template": {**MAP, "metadata": {"name": "always"}, "data": {}}}
    subject = action({"id": "db", "forEach": "inputs.names", "template": MAP}, also)
    (said,) = judge(subject, asked(*names)).refusals
    assert said.startswith(sentence)


CHANGE = {"id": "db", "forEach": "inputs.names", "patch": True, "template": MAP}
GO = {"id": "db", "forEach": "inputs.names", "delete": GOES}
ONE = {"id": "one", "template": {**MAP, "metadata": {"name": "a"}, "data": {}}}
EACH = {"id": "db", "forEach": "inputs.names", "template": MAP}
MORE = {**EACH, "id": "more"}


@pytest.mark.parametrize(
    ("entries", "names", "said"),
    [
        ([CHANGE], "aba", "changed twice, by db[0] and by db[2]"),
        ([GO], "aa", "deleted twice, by db[0] and by db[1]"),
        ([ONE, EACH], "ba", "made twice, by one and by db[1]"),
        ([EACH, ONE], "ba", "made twice, by db[1] and by one"),
        ([EACH, MORE], "a", "made twice, by db[0] and by more[0]"),
        ([{"id": "gone", "delete": {**GOES, "name": "b"}}, EACH, ONE], "ba", "made twice, by db[1] and by one"),
    ],
)
def test_one_object_twice_is_refused_whatever_is_done_to_it(entries: list[Any], names: str, said: str) -> None:
    assert judge(action(*entries), asked(*names)).refusals == (
        f"spec.execution.resources: ConfigMap a would be {said}: ask for each only once",
    )


@pytest.mark.parametrize(
    "entries",
    [
        [GO, EACH],
        [EACH, {"id": "gone", "delete": {**GOES, "name": "a"}}, ONE],
        [EACH, {**CHANGE, "id": "change"}],
        [EACH, {**ONE, "template": {**ONE["template"], "apiVersion": "example.com/v1"}}],  # type: ignore[dict-item]
        [EACH, {"id": "told", "forEach": "['x', 'x']", "request": CALL}],
    ],
)
def test_what_is_deleted_in_between_or_made_and_changed_is_not_twice(entries: list[Any]) -> None:
    assert judge(action(*entries), asked("a", "b")).refusals == ()


def test_a_plan_that_is_too_large_by_what_was_asked_for_is_refused() -> None:
    large = {**EACH, "template": {**MAP, "data": {"by": "y" * 60_000}}}
    (said,) = judge(action(large), asked("a", "b", "c")).refusals
    assert said.startswith("spec.execution.resources: make a plan of 18")
    assert said.endswith(" bytes, 131072 are allowed: ask for fewer at once")
    with pytest.raises(EvaluationError, match=r"are allowed$"):
        judge(action({**EACH, "template": {**MAP, "data": dict.fromkeys("abc", "y" * 60_000)}}), asked("a"))


def test_what_its_author_has_to_mend_holds_the_run() -> None:
    with pytest.raises(EvaluationError, match=r"forEach: must be a list, but is str: inputs\.one"):
        judge(action({"id": "db", "forEach": "inputs.one", "template": MAP}), asked(one="x"))


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"forEach": "inputs.nmaes"}, ".forEach: there is no input named nmaes; did you mean names?"),
        ({"forEach": "inputs.one"}, ".forEach: must be a list, but is a string: inputs.one"),
        ({"forEach": "1 +"}, ".forEach: Syntax error"),
        ({"forEach": "target.x"}, ".forEach: undeclared reference to 'target.x'; in scope are: inputs, run, action"),
        ({"forEach": None}, ".template.metadata.name: undeclared reference to 'each'"),
    ],
)
def test_mistakes_are_said_when_it_is_applied(entry: dict[str, Any], problem: str) -> None:
    made = {key: value for key, value in {"id": "db", "template": MAP, **entry}.items() if value is not None}
    assert check_action(action(made))[0].startswith(f"{PATH}{problem}")


def test_what_is_sound_gets_no_sentence() -> None:
    outputs = {"names": "${resources.db.map(d, d.metadata.name)}"}
    assert check_action(action(outputs=outputs)) == ()
    assert check_action(action({"id": "told", "forEach": "['a', 'b']", "request": CALL})) == ()
    odd = {"id": "db", "forEach": "['Odd Name']", "template": MAP}
    assert check_action(action(odd))[0].startswith(f"{PATH}.template.metadata.name: 'Odd Name' is not what")


def test_outputs_read_a_list() -> None:
    plan = run_plan().model_copy(update={"outputs": {"a": "${resources.db.map(d, d.n)}"}, "lists": ["db", "none"]})
    rendered = evaluate_outputs(plan, models.run(), {"db[0]": {"n": 1}, "db[1]": {"n": 2}, "one": {"n": 3}})
    assert rendered == Rendered({"a": [1, 2]})


def test_steps_are_gathered_by_their_entries() -> None:
    assert name_step("db", 2) == "db[2]" and entry_of("db[2]") == entry_of("db") == "db"
    assert gather({"db[0]": 1, "one": 3, "db[1]": 2}, ["db", "none"]) == {"db": [1, 2], "none": [], "one": 3}
