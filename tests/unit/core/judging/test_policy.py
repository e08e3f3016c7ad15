"""What an Action makes of a run: refused, held at a gate, or free; and what exactly would run."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import models
from tests.builders.models import RUN_UID, planned, run_plan

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.people import Requester
from pratique.core.judging.judge import judge
from pratique.core.judging.policy import evaluate_outputs, evaluate_ready
from pratique.core.kernel.effects import Evaluation, Judged, Rendered
from pratique.core.kernel.errors import EvaluationError
from pratique.core.plans.document import document
from pratique.core.telling.wording import approval_phrase

FORM = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "days": {"type": "integer", "default": 1}},
}
TEMPLATE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}, "data": {"name": "${inputs.name}"}}
NOTHING = "With these inputs there is nothing to do: every resource's `when` is false, or its forEach is empty"
LEADS = {"name": "leads", "when": "inputs.days > 7", "approvers": {"groups": ["leads"]}, "deadline": "8h"}


def action(*resources: dict[str, Any], inputs: dict[str, Any] | None = None, **changes: Any) -> Action:
    return models.action(
        inputs={"schema": FORM, **(inputs or {})},
        approval={"stages": [{**LEADS, **changes.pop("stage", {})}]},
        execution={
            "serviceAccountRef": {"namespace": "makers", "name": "maker"},
            "timeout": "9m",
            "resources": list(resources) or [{"id": "made", "template": TEMPLATE, "readyWhen": "true"}],
            "outputs": {"who": "${inputs.name}"},
        },
        **changes,
    )


def run(*, reason: str = "a demo", **inputs: Any) -> ActionRun:
    return models.run(spec={"inputs": {"name": "web", **inputs}, "reason": reason})


def plan_of(evaluation: Evaluation) -> RunPlan:
    assert evaluation.refusals == ()
    assert evaluation.plan is not None
    return evaluation.plan


@given(st.integers(-100, 100))
def test_whether_a_gate_applies_is_what_its_condition_says(days: int) -> None:
    gate = plan_of(judge(action(), run(days=days))).gate
    assert (gate.name if gate else None) == ("leads" if days > 7 else None)


def test_the_plan_says_exactly_what_would_run() -> None:
    plan = plan_of(judge(action(), run()))
    (made,) = plan.objects
    assert made.manifest["metadata"] == {
        "name": "made",
        "labels": {"pratique.dev/run-uid": RUN_UID},
        "annotations": {"pratique.dev/run": "team-a/ten-days"},
    }
    assert (made.id, made.patch, made.ready_when, made.manifest["data"]) == ("made", False, "true", {"name": "web"})
    assert plan.inputs == {"name": "web", "days": 1}
    assert plan.summary == ["ConfigMap made: data.name=web"]
    assert plan.service_account_ref.username == "system:serviceaccount:makers:maker"
    assert (plan.timeout, plan.outputs, plan.action.uid) == ("9m", {"who": "${inputs.name}"}, "act-1")
    assert document(plan_of(judge(action(), run()))) == document(plan)
    assert document(plan_of(judge(action(), run(name="other")))).digest != document(plan).digest


def test_expressions_see_the_run_and_the_action() -> None:
    seen = "${run.namespace}/${run.name} ${run.uid} ${run.reason} ${run.requestedBy.username} ${action.name}"
    resource = {"id": "a", "template": {**TEMPLATE, "data": {"x": seen, "groups": "${run.requestedBy.groups}"}}}
    asked = models.run(spec={"inputs": {"name": "a"}, "requested_by": Requester(username="me", groups=["g", "h"])})
    (made,) = plan_of(judge(action(resource), asked)).objects
    assert made.manifest["data"] == {
        "x": f"team-a/ten-days {RUN_UID} a demo me create-environment",
        "groups": ["g", "h"],
    }


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        (None, None),
        ("${inputs.days * 4} € for ${inputs.days} days", "12 € for 3 days"),
        ("${inputs.days * 4}", "12"),
        ("${inputs.days > 9 ? 'much' : ''}", None),
        ("a\u202eb", "ab"),
        ("x" * 900, "x" * 511 + "…"),
    ],
)
def test_what_it_costs_is_what_the_action_says(text: str | None, cost: str | None) -> None:
    assert plan_of(judge(action(cost=text), run(days=3))).cost == cost


def test_resources_whose_condition_is_false_are_left_out() -> None:
    small = {"id": "small", "when": "inputs.days < 3", "template": TEMPLATE}
    large = {"id": "large", "when": "inputs.days >= 3", "patch": True, "template": TEMPLATE}
    assert [each.id for each in plan_of(judge(action(small, large), run(days=3))).resources] == ["large"]
    nothing = judge(action(small), run(days=3))
    assert nothing.refusals == (NOTHING,)


WHY = "spec.reason: is required: say what it is for"
QUOTES = "; write it in quotes: YAML took it for something else"
RULES = {"rules": [{"rule": "inputs.days < 30", "message": "At most a month"}, {"rule": "true", "message": "never"}]}
USERS = {"when": "true", "approvers": {"users": ["Developer@example.com", "lead@example.com"]}}


@pytest.mark.parametrize(
    ("offered", "asked", "refusals"),
    [
        (
            action(),
            run(name=1),
            [f"spec.inputs.name: must be string, but is 1{QUOTES}"],
        ),
        (action(), run(nmae="x"), ["spec.inputs.nmae: there is no such input; did you mean name?"]),
        (action(inputs=RULES), run(days=30), ["At most a month"]),
        (action(inputs={"requireReason": "Always"}), run(reason=""), [WHY]),
        (action(inputs={"requireReason": "Always"}), run(reason=" \u200b"), [WHY]),
        (action(inputs={"requireReason": "OnApproval"}), run(reason="", days=8), [WHY]),
        (action(inputs={"requireReason": "OnApproval"}), run(reason="", days=7), []),
        (action(inputs={"requireReason": "Never"}), run(reason="", days=8), []),
        (
            action(inputs={**RULES, "requireReason": "Always"}),
            run(reason="", days=31),
            ["At most a month", WHY],
        ),
        (action(stage=USERS), run(), []),
        (
            action(stage={**USERS, "required": 2}),
            run(),
            [
                "This could never be approved: it needs 2 of Developer@example.com, lead@example.com,"
                " and a requester cannot decide"
            ],
        ),
        (
            action(stage={"when": "true", "required": 2, "approvers": {"users": ["lead@x", "Lead@x"]}}),
            run(),
            ["This could never be approved: it needs 2 of Lead@x, lead@x, and a requester cannot decide"],
        ),
        (action(stage={**USERS, "required": 2, "when": "false"}), run(), []),
        (action(stage={"when": "true", "approvers": {"users": ["developer@example.com"], "groups": ["g"]}}), run(), []),
        (action(), run(name="a\0b"), ["spec: holds the character NUL, which no expression can read: leave it out"]),
        (action(), run(reason="\0"), ["spec: holds the character NUL, which no expression can read: leave it out"]),
    ],
)
def test_what_is_refused_and_why(offered: Action, asked: ActionRun, refusals: list[str]) -> None:
    evaluation = judge(offered, asked)
    assert list(evaluation.refusals) == refusals
    assert (evaluation.plan is None) is bool(refusals)


def resource(**template: Any) -> dict[str, Any]:
    return {"id": "a", "template": {**TEMPLATE, **template}}


@pytest.mark.parametrize(
    ("offered", "complaint"),
    [
        (action(stage={"when": "inputs.nothing"}), "spec.approval.stages[0].when: Key not found in map"),
        (action(stage={"when": "inputs.days"}), "spec.approval.stages[0].when: must be true or false, but is int"),
        (action(inputs={"rules": [{"rule": "1 +", "message": "m"}]}), "spec.inputs.rules[0].rule: Syntax error"),
        (action(inputs={"schema": {"type": "string"}}), "spec.inputs.schema.type: must be object"),
        (action({**resource(), "when": "inputs.days / 0 == 1"}), "spec.execution.resources[0].when: "),
        (action(resource(data="${inputs.nothing}")), "spec.execution.resources[0].template.data: Key not found"),
        (action(resource(metadata={"name": "Always-Wrong"})), "spec.execution.resources[0].template.metadata.name"),
        (action(resource(kind="${inputs.name}")), "spec.execution.resources[0].template.kind: must be written out"),
        (action(resource(data={"x": "y" * 300_000})), "spec.execution.resources[0].template"),
        (
            action(*[{**resource(data={"x": "y" * 60_000}), "id": f"a{n}"} for n in range(5)]),
            "spec.execution.resources",
        ),
    ],
)
def test_what_cannot_be_judged_is_no_verdict(offered: Action, complaint: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        judge(offered, run())
    assert str(raised.value).startswith(f"Action create-environment, {complaint}")


def test_a_cost_that_cannot_be_said_is_no_verdict() -> None:
    with pytest.raises(EvaluationError, match=r"spec\.cost: "):
        judge(action(cost="${inputs.days / 0}"), run())


def test_a_run_of_nobody_is_not_judged() -> None:
    with pytest.raises(EvaluationError, match="the API server did not say who asks"):
        judge(action(), models.run(spec={"requested_by": None}))


def test_ready_is_true_or_false_of_a_live_object() -> None:
    target = {"spec": {"n": 1}, "status": {"n": 1, "conditions": [{"type": "Ready"}]}}
    assert evaluate_ready("self.spec.n == self.status.n", None, target) == Judged(ready=True)
    assert evaluate_ready("self.status.n == 2", None, target) == Judged()
    assert evaluate_ready(None, "self.status.n == 1", target) == Judged(failed=True)
    assert evaluate_ready("self.status.gone == 1", "self.status.n == 1", target) == Judged(failed=True)
    assert evaluate_ready("true", "self.status.gone == 1", target) == Judged(ready=True)


@pytest.mark.parametrize(
    ("rule", "missing"),
    [
        ("self.status.health.status == 'Healthy'", "status.health"),
        ("self.state.health == 'Healthy'", "state"),
        ("self['status']['my-key'].x == 1", "status.my-key"),
        ("has(self.status.health.status)", "status.health"),
        ("self.spec.n == 1 && self.status.phase == 'Done'", "status.phase"),
        ("self.status.conditions.exists(c, c.status == 'True')", "status"),
        ("self.status.conditions[1].status == 'True'", "an element of a list"),
        ("self.status.conditions.filter(c, c.type == 'Synced')[0].status == 'True'", "an element of a list"),
        ("{'a': 1}['b'] == 1", "b"),
        ("self.?status.?phase.value() == 'Done'", "an optional value"),
        ("self.status[self.spec.password] == 'x'", "a name that is computed"),
    ],
)
def test_what_is_not_there_is_not_yet(rule: str, missing: str) -> None:
    target = {"spec": {"n": 1, "password": "planted"}, "status": {"conditions": [{"type": "Ready"}]}}
    assert evaluate_ready(rule, None, target) == Judged(missing=missing)
    assert evaluate_ready(None, rule, target) == Judged()


@pytest.mark.parametrize("rule", ["self.spec.n / 0 == 1", "self.spec", "int(self.spec.name) > 1"])
def test_any_other_error_names_the_rule(rule: str) -> None:
    target = {"spec": {"n": 1, "name": "x"}}
    for ready, failed, name in ((rule, None, "readyWhen: "), ("true", rule, "failedWhen: ")):
        with pytest.raises(EvaluationError, match=f"^{name}"):
            evaluate_ready(ready, failed, target)


def test_outputs_are_rendered_over_what_was_made() -> None:
    outputs = {"a": "${resources.job.status.n}", "b": "${inputs.name} by ${run.requestedBy.username}: ${action.title}"}
    plan = run_plan(planned(), inputs={"name": "web"}, outputs=outputs)
    made = evaluate_outputs(plan, run(), {"job": {"status": {"n": [1]}}})
    assert made.outputs == {"a": [1], "b": "web by developer@example.com: Create"}
    anonymous = models.run(spec={"requested_by": None})
    assert evaluate_outputs(plan, anonymous, {"job": {"status": {"n": 0}}}).outputs["b"] == "web by : Create"
    assert evaluate_outputs(run_plan(), run(), {}) == Rendered({})


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("https://${resources.job.status.host}/", "key reads resources.job.status.host"),
        ("${resources.job.metadata.labels.x}", "key reads resources.job.metadata.labels"),
        ("${resources.job.status.list.map(e, e.host)[0]}", "key reads host"),
    ],
)
def test_outputs_that_may_come(text: str, missing: str) -> None:
    seen: dict[str, Any] = {"job": {"metadata": {}, "status": {"list": [{}]}}}
    assert evaluate_outputs(run_plan(outputs={"key": text}), run(), seen) == Rendered({}, missing)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("${resources.gone.name}", "key: Key not found in map"),
        ("${inputs.gone}", "key: Key not found in map"),
        ("${1 / 0}", "key: divide by zero"),
        ("${resources.big}", "are larger than 32768 bytes"),
    ],
)
def test_outputs_that_cannot_be_rendered(text: str, complaint: str) -> None:
    with pytest.raises(EvaluationError, match=f"^{complaint}"):
        evaluate_outputs(run_plan(outputs={"key": text}), run(), {"big": {"x": "y" * 300_000}})


@pytest.mark.parametrize(
    ("stages", "phrase"),
    [
        ([], "none"),
        ([{**LEADS, "when": "true"}], "1 of group leads"),
        ([LEADS], "1 of group leads, if inputs.days > 7"),
        ([{"name": "a", "required": 2, "approvers": {"users": ["z", "b"], "groups": ["g"]}}], "2 of b, z, group g"),
    ],
)
def test_a_gate_in_one_phrase(stages: list[dict[str, Any]], phrase: str) -> None:
    assert approval_phrase(models.action(approval={"stages": stages})) == phrase


@pytest.mark.parametrize(
    ("metadata", "inputs", "who"),
    [
        ({"name": "${inputs.name}"}, {"name": "My App"}, "spec.inputs.name: "),
        ({"name": "${inputs['name']}-${run.name}"}, {"name": ".."}, "metadata.name, spec.inputs.name: "),
        ({"name": "a", "namespace": "${inputs.name}"}, {"name": "a/b"}, "spec.inputs.name: "),
    ],
)
def test_a_name_that_the_requester_made_impossible_is_refused(
    metadata: dict[str, Any], inputs: dict[str, Any], who: str
) -> None:
    evaluation = judge(action(resource(metadata=metadata)), run(**inputs))
    (said,) = evaluation.refusals
    assert said.startswith(f"{who}spec.execution.resources[0].template.metadata.name")


def test_so_is_the_impossible_name_of_what_goes() -> None:
    goes = {"id": "old", "delete": {"apiVersion": "v1", "kind": "Pod", "namespace": "${inputs.name}", "name": "x"}}
    (said,) = judge(action(goes), run(name="My App")).refusals
    assert said.startswith("spec.inputs.name: spec.execution.resources[0].delete.namespace: 'My App' is not what")
