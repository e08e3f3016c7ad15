"""What follows up a call: an address that reads what an earlier one answered, and `until`."""

from typing import Any

import pytest
from tests.builders import models

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.calling import Until
from pratique.api.v1alpha1.planned import PlannedFollowUp, PlannedRequest
from pratique.core.judging.checks import check_action
from pratique.core.judging.following import evaluate_until
from pratique.core.judging.judge import judge
from pratique.core.kernel.calling import Waited
from pratique.core.kernel.errors import EvaluationError

HOST = "https://ci.example.com"
START = {"id": "start", "request": {"url": f"{HOST}/pipelines", "answer": {"pipeline": "answer.body.id"}}}
MANY = {**START, "id": "many", "forEach": "['a', 'b']"}
UNTIL = {"done": "answer.body.status == 'success'", "failed": "answer.body.status == 'failed'"}
OBJECT = {
    "id": "made",
    "template": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}},
}
FORM = {"type": "object", "properties": {"name": {"type": "string", "default": "web"}}}


def wait(
    url: str = HOST + "/pipelines/${resources.start.pipeline}", ident: str = "wait", **request: Any
) -> dict[str, Any]:
    return {"id": ident, "request": {"method": "GET", "url": url, "until": UNTIL, **request}}


def action(*steps: Any) -> Action:
    execution = {"serviceAccountRef": {"namespace": "makers", "name": "maker"}, "resources": list(steps)}
    return models.action(inputs={"schema": FORM}, execution=execution)


def test_the_plan_says_whose_answer_it_will_be() -> None:
    url = HOST + "/${inputs.name}/${ resources.start.pipeline }?last=${resources.start.status}"
    plan = judge(action(START, wait(url)), models.run()).plan
    assert plan is not None
    first, second = plan.resources
    assert isinstance(first, PlannedRequest) and not isinstance(first, PlannedFollowUp)
    assert isinstance(second, PlannedFollowUp)
    assert second.request.url == HOST + "/web/${resources.start.pipeline}?last=${resources.start.status}"
    assert plan.summary[1].startswith(
        f"Call GET {HOST}/web/(pipeline from start)?last=(status from start) until answer."
    )


def test_no_input_is_taken_for_an_answer() -> None:
    subject = action(START, wait(HOST + "/${inputs.name}/${resources.start.pipeline}"))
    plan = judge(subject, models.run(spec={"inputs": {"name": "${resources.start.pipeline}"}})).plan
    assert plan is not None
    second = plan.resources[1]
    assert isinstance(second, PlannedRequest)
    assert second.request.url == HOST + "/%24%7Bresources.start.pipeline%7D/${resources.start.pipeline}"


def test_it_may_be_asked_at_an_address_of_its_own() -> None:
    assert check_action(action(START, wait(HOST + "/last"))) == ()
    assert check_action(action(START, wait(until=None, method="POST"))) == ()


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([wait("https://${resources.start.pipeline}/")], "scheme, host and port must be written out"),
        ([wait(HOST + "/${resources.strat.pipeline}")], "there is no entry strat; did you mean start?"),
        ([wait(HOST + "/${resources.start.pipelin}")], "does not keep; did you mean pipeline?"),
        ([wait(HOST + "/${resources.start.body}")], "does not keep; known are: status, pipeline"),
        ([wait(HOST + "/${resources.wait.status}")], "reads resources.wait.status, which has not answered by then"),
        (
            [wait(HOST + "/${resources.end.status}"), wait(ident="end")],
            "which has not answered by then: only an entry before",
        ),
        ([OBJECT, wait(HOST + "/${resources.made.metadata}")], "reads resources.made.metadata, which is an object"),
        (
            [wait(HOST + "/${string(resources.start.pipeline)}")],
            "resources may only stand by itself, as ${resources.<id>",
        ),
        (
            [MANY, wait(HOST + "/${resources.many.pipeline}")],
            "reads resources.many.pipeline, which has forEach: one for each of a list",
        ),
        ([wait(HOST + "/$${resources.start.pipeline}")], "holds a character that no address may"),
        (
            [wait(body={"a": "${resources.start.pipeline}"}, method="PUT", until=None)],
            "body.a: what an earlier call has answered may stand in request.url only",
        ),
        ([wait(until={"done": "answer.body.status ="})], "until.done: "),
        ([wait(until={"done": "inputs.name == 'web'"})], "until.done: undeclared reference to 'inputs.name'"),
        (
            [wait(until={"done": "'success'"})],
            "until.done: must be true or false, but this expression never is: 'success'",
        ),
        ([wait(until={"done": "true", "failed": "1 + 1"})], "until.failed: must be true or false"),
        ([wait(until={"done": "true", "message": "answer.("})], "until.message: "),
    ],
)
def test_an_author_hears_what_is_wrong(steps: list[Any], why: str) -> None:
    problems = check_action(action(START, *steps))
    assert any(why in each and each.startswith("spec.execution.resources[") for each in problems), problems


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("${resources.start.pipelin}", "has no field pipelin"),
        ("${resources.wait.status} ${resources.start.pipeline}", ""),
        ("${resources.start.?other.orValue('')}", "has no field other"),
        ("${resources.start.pipeline + 1}", ""),
        ("${resources.many.map(each, each.pipeline)}", ""),
        ("${has(resources.start.pipeline) ? 'a' : 'b'}", ""),
    ],
)
def test_an_output_that_nobody_keeps_is_no_output(text: str, why: str) -> None:
    """Else a run would wait for it until its time is over."""
    steps = {"serviceAccountRef": {"namespace": "makers", "name": "maker"}, "resources": [START, MANY, wait()]}
    problems = check_action(models.action(inputs={"schema": FORM}, execution={**steps, "outputs": {"it": text}}))
    assert (
        problems == () if not why else any("spec.execution.outputs.it: " in each and why in each for each in problems)
    ), problems


def test_each_of_a_list_may_follow_one_call() -> None:
    each = {**wait(HOST + "/${each}/${resources.start.pipeline}"), "forEach": "['a', 'b']"}
    assert check_action(action(START, each)) == ()
    plan = judge(action(START, each), models.run()).plan
    assert plan is not None and [step.id for step in plan.resources] == ["start", "wait[0]", "wait[1]"]
    assert plan.summary[2].startswith(f"Call GET {HOST}/b/(pipeline from start) until ")
    with pytest.raises(
        EvaluationError, match=r"resources\[1\].request.url: reads resources.start.pipeline, whose `when`"
    ):
        judge(action({**START, "when": "false"}, each), models.run())


def test_an_answer_that_these_inputs_leave_out_holds_the_run() -> None:
    never = {**START, "when": "inputs.name == 'other'"}
    with pytest.raises(
        EvaluationError, match=r"resources\[1\].request.url: reads resources.start.pipeline, whose `when`"
    ):
        judge(action(never, wait()), models.run())
    assert judge(action(START, OBJECT, wait()), models.run()).plan is not None


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        (
            (START, wait(HOST + "/${resources.start.nam}")),
            "reads resources.start.nam, which request.answer of start does not keep; known are: status, pipeline",
        ),
        (
            (MANY, wait(HOST + "/${resources.many.pipeline}")),
            "reads resources.many.pipeline, which has forEach: one for",
        ),
        ((wait(), START), "reads resources.start.pipeline, which has not answered by then"),
    ],
)
def test_what_will_not_be_there_is_found_before_anything_is_called(steps: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(EvaluationError) as held:
        judge(action(*steps), models.run())
    assert sentence in str(held.value) and ", spec.execution.resources[" in str(held.value)


def seen(**body: Any) -> dict[str, Any]:
    return {"status": 200, "body": body, "location": ""}


@pytest.mark.parametrize(
    ("until", "answer", "found"),
    [
        (UNTIL, seen(status="success"), Waited(done=True)),
        (UNTIL, seen(status="failed"), Waited(done=False, failed=True)),
        (UNTIL, seen(status="running"), Waited(done=False)),
        (UNTIL, seen(), Waited(done=False, missing="answer.body.status")),
        ({"done": "answer.status == 404"}, {**seen(), "status": 404}, Waited(done=True)),
        ({**UNTIL, "message": "answer.body.status"}, seen(status="a\u202eb\nc"), Waited(done=False, said="ab c")),
        ({**UNTIL, "message": "answer.body.left"}, seen(status="a"), Waited(done=False)),
        ({**UNTIL, "message": "answer.body"}, seen(status="a"), Waited(done=False)),
        ({**UNTIL, "message": "answer.body.left"}, seen(status="a", left=3), Waited(done=False, said="3")),
        ({**UNTIL, "message": "answer.body.up"}, seen(status="a", up=True), Waited(done=False, said="true")),
    ],
)
def test_what_an_answer_says(until: dict[str, str], answer: dict[str, Any], found: Waited) -> None:
    assert evaluate_until(Until.model_validate(until), answer) == found


def test_what_is_said_is_short_and_what_cannot_be_evaluated_is_no_verdict() -> None:
    long = evaluate_until(Until(done="false", message="answer.body.t"), seen(t="x" * 1000))
    assert len(long.said) == 256
    with pytest.raises(EvaluationError, match=r"^until.done: "):
        evaluate_until(Until(done="answer.body.n"), seen(n=1))
