"""The step `request`: what is sent is the author's, whatever the inputs are; an input changes neither host nor headers."""

from typing import Any

import pytest
from tests.builders import models

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.planned import PlannedRequest
from pratique.core.judging.checks import check_action
from pratique.core.judging.judge import judge
from pratique.core.judging.requests import evaluate_answer, problems_of_request, render_request
from pratique.core.kernel.effects import Evaluation
from pratique.core.kernel.errors import EvaluationError
from pratique.core.plans.document import document

URL = "https://api.example.com/repos/acme/${inputs.name}/dispatches?by=${run.requestedBy.username}"
FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "web"},
        "days": {"type": "integer", "default": 3},
        "more": {"type": "object", "default": {"a": 1}, "additionalProperties": True},
    },
}
TOKEN = {"name": "Authorization", "prefix": "Bearer ", "secretRef": {"name": "github", "key": "token"}}


def action(**request: Any) -> Action:
    """Return an Action that calls; what is given replaces what it has."""
    call = {"url": URL, "headersFrom": [TOKEN], "body": {"ref": "${inputs.name}", "days": "${inputs.days}"}, **request}
    return models.action(
        inputs={"schema": FORM},
        execution={
            "serviceAccountRef": {"namespace": "makers", "name": "maker"},
            "resources": [{"id": "told", "request": {k: v for k, v in call.items() if v is not None}}],
        },
    )


def run(**inputs: Any) -> ActionRun:
    return models.run(spec={"inputs": inputs})


def judged(subject: Action, **inputs: Any) -> Evaluation:
    return judge(subject, run(**inputs))


def call(subject: Action, **inputs: Any) -> PlannedRequest:
    plan = judged(subject, **inputs).plan
    assert plan is not None
    (only,) = plan.resources
    assert isinstance(only, PlannedRequest)
    return only


def test_the_plan_holds_the_call_and_the_names_of_secrets() -> None:
    evaluation = judged(action(headers={"X-Team": "${inputs.name}"}))
    assert evaluation.plan is not None
    planned = call(action(headers={"X-Team": "${inputs.name}"}))
    assert planned.request.url == "https://api.example.com/repos/acme/web/dispatches?by=developer%40example.com"
    assert planned.request.body == {"ref": "web", "days": 3} and planned.request.headers == {"X-Team": "web"}
    (line,) = judged(action()).plan.summary  # type: ignore[union-attr]
    assert line == f'Call POST {planned.request.url} {{"ref": "web", "days": 3}}'
    assert '"key":"token","name":"github"' in document(evaluation.plan).text


def test_a_cloud_event_is_rendered_too() -> None:
    event = {"type": "dev.acme.asked.v1", "subject": "${inputs.name}", "source": "/teams/${inputs.name}"}
    request = call(action(cloudEvent=event, body=None)).request
    assert request.cloud_event is not None and request.body is None
    assert (request.cloud_event.subject, request.cloud_event.source) == ("web", "/teams/web")


@pytest.mark.parametrize("name", ["feature/x", "a?x=1", "a#b", "a@evil.example", "%2f", "a b", "é", "\\"])
def test_an_input_stays_one_segment(name: str) -> None:
    url = call(action(), name=name).request.url
    assert url.startswith("https://api.example.com/repos/acme/") and url.count("/") == 6 and url.count("?") == 1


@pytest.mark.parametrize(
    ("request_", "inputs", "why"),
    [
        ({}, {"name": ".."}, ".url: has . or .. as a part"),
        ({}, {"name": "."}, ".url: has . or .. as a part of its path"),
        ({}, {"name": "../../admin"}, ".url: has . or .. as a part of its path"),
        ({}, {"name": "web/../../other"}, ".url: has . or .. as a part of its path"),
        ({}, {"name": "web\\..\\other"}, ".url: has . or .. as a part of its path"),
        ({}, {"name": "%2e%2e"}, ".url: has . or .. as a part of its path"),
        ({"url": "https://a.example/.${inputs.name}"}, {"name": "./x"}, ".url: has . or .. as a part of its path"),
        ({}, {"name": ""}, "is empty, and would leave out a part"),
        ({}, {"name": "x" * 2049}, ".url: is longer than 2048"),
        ({"headers": {"X-Team": "${inputs.name}"}}, {"name": "a\r\nX-Admin: yes"}, ".headers.X-Team: must be one line"),
        ({"headers": {"X-Team": "a ${inputs.name}"}}, {"name": "a\nb"}, ".headers.X-Team: must be one line"),
        ({"headers": {"X-Team": "${inputs.name}"}}, {"name": "é"}, ".headers.X-Team: must be one line"),
        ({"cloudEvent": {"type": "a", "subject": "${inputs.name}"}}, {"name": "a\nb"}, ".cloudEvent.subject: must be"),
    ],
)
def test_what_no_call_can_carry_is_refused(request_: dict[str, Any], inputs: dict[str, Any], why: str) -> None:
    evaluation = judged(action(**request_), **inputs)
    assert evaluation.plan is None
    (sentence,) = evaluation.refusals
    assert why in sentence, sentence


def test_numbers_and_booleans_may_stand_alone() -> None:
    request = call(action(url="https://a.example/${inputs.days}/${true}", headers={"X-Days": "${inputs.days}"})).request
    assert request.url == "https://a.example/3/true" and request.headers == {"X-Days": "3"}
    assert call(action(headers={"X-On": "${true}"})).request.headers == {"X-On": "true"}


WRITTEN_OUT = ".url: scheme, host and port must be written out"


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"url": "https://${inputs.name}/x"}, WRITTEN_OUT),
        ({"url": "https://api.${inputs.name}.example/x"}, WRITTEN_OUT),
        ({"url": "https://api.example.com${inputs.name}/x"}, WRITTEN_OUT),
        ({"url": "https://api.example.com:${inputs.days}/x"}, WRITTEN_OUT),
        ({"url": "${inputs.name}://api.example.com/x"}, WRITTEN_OUT),
        ({"url": "https://user:pass@api.example.com/x"}, WRITTEN_OUT),
        ({"url": "https://api.example.com\\@evil.example/"}, WRITTEN_OUT),
        ({"url": "ftp://api.example.com/"}, WRITTEN_OUT),
        ({"url": "https://a..b/"}, ".url: has the host a..b, which is no name"),
        ({"url": "https://2130706433/"}, ".url: has the host 2130706433, which is no name"),
        ({"url": "https://a.example:65536/"}, ".url: has port 65536, and ports go from 1 to 65535"),
        ({"url": "http://api.example.com:443/"}, ".url: would send in clear text, to port 443"),
        ({"url": "https://api.example.com/a b"}, ".url: holds a character that no address may"),
        ({"url": "https://api.example.com/a#b"}, ".url: holds a character that no address may"),
        ({"url": "https://api.example.com/a/%2E./b"}, ".url: has . or .. as a part"),
        ({"url": "https://api.example.com/${inputs.more}"}, "is a dict: an address takes text and numbers"),
        ({"url": "https://api.example.com/${inputs.nmae}"}, "there is no input named nmae; did you mean name?"),
        ({"url": "https://api.example.com/${inputs.name"}, "is never closed"),
        ({"headers": {"X-Team": "${inputs.more}"}}, ".headers.X-Team: is a dict, and must be a text"),
        ({"headers": {"X-Team": "${1 / 0}"}}, ".headers.X-Team: "),
        ({"headers": {"X Team": "a"}}, "'X Team' is no name of a header"),
        ({"headers": {"Host": "evil.example"}}, ".headers: Host is set by the operator"),
        ({"headers": {"idempotency-key": "a"}}, ".headers: idempotency-key is set by the operator"),
        ({"headers": {"Content-Type": "text/xml"}}, ".headers.Content-Type: what is sent is JSON: write Content-Type:"),
        (
            {"headers": {"Content-Type": "application/${inputs.name}+json"}},
            ".headers.Content-Type: what is sent is JSON",
        ),
        (
            {"headers": {"content-type": "application/json"}},
            ".headers.content-type: what is sent is JSON: write Content-",
        ),
        (
            {"headers": {"Content-Type": "application/json"}, "body": None},
            "Content-Type: is about a body, which is none",
        ),
        (
            {"headers": {"Content-Type": "application/json"}, "cloudEvent": {"type": "a"}},
            "Content-Type: is about a body, which is none here or a CloudEvent: leave it out",
        ),
        ({"headersFrom": [{**TOKEN, "name": "content-type"}]}, ".headersFrom: Content-Type is no secret"),
        ({"headers": {"X-Api-Key": "hunter2"}}, ".headers.X-Api-Key: a plan is stored and shown: put it into a Secret"),
        ({"headersFrom": [TOKEN, {**TOKEN, "name": "AUTHORIZATION"}]}, ".headers: authorization is there twice"),
        ({"headersFrom": [{**TOKEN, "prefix": "a\nb"}]}, ".headersFrom[0].prefix: must be of printable ASCII"),
        ({"body": {"ref": "${inputs.nmae}"}}, ".body.ref: there is no input named nmae"),
        ({"body": {"${inputs.name}": "a"}}, "the name of a field cannot be a template"),
        ({"body": {"ref": "${1 / 0}"}}, ".body.ref: "),
        ({"answer": {"status": "answer.body.id"}}, ".answer.status: must be a name such as runId"),
        ({"answer": {"run-id": "answer.body.id"}}, ".answer.run-id: must be a name such as runId"),
        ({"answer": {"runId": "inputs.name"}}, ".answer.runId: "),
        (
            {"method": "GET", "body": None, "signing": {"style": "GitHub", "secretRef": {"name": "a", "key": "b"}}},
            ".signing: a signature covers the body, and GET has none",
        ),
    ],
)
def test_an_author_hears_what_is_wrong(request_: dict[str, Any], why: str) -> None:
    problems = check_action(action(**request_))
    assert any(why in each and each.startswith("spec.execution.resources[0].request") for each in problems), problems


@pytest.mark.parametrize(
    "base", ["https://[2001:db8::1]:8443/x", "http://jenkins.internal:8080", "https://a.example?x=1"]
)
def test_what_is_written_out_may_be_any_server(base: str) -> None:
    assert check_action(action(url=base)) == ()
    assert call(action(url=base)).request.url == base


def test_json_may_have_a_name() -> None:
    headers = {"Content-Type": "application/vnd.api+json"}
    assert check_action(action(headers=headers)) == ()
    assert call(action(headers=headers)).request.headers == headers


def test_a_call_twice_is_two_calls_and_a_run_with_a_mistake_is_held() -> None:
    subject = action()
    (step,) = subject.spec.execution.resources
    both = [step, step.model_copy(update={"id": "again"})]
    execution = subject.spec.execution.model_copy(update={"resources": both})
    assert (
        check_action(subject.model_copy(update={"spec": subject.spec.model_copy(update={"execution": execution})}))
        == ()
    )
    with pytest.raises(EvaluationError, match="scheme, host and port must be written out"):
        judged(action(url="https://${inputs.name}/"))
    assert check_action(action(url="https://${inputs.name}/")) != ()


def test_an_unsound_form_is_not_tried_out() -> None:
    subject = action()
    form = subject.spec.inputs.model_copy(update={"schema_": {"type": "nonsense"}})
    problems = check_action(subject.model_copy(update={"spec": subject.spec.model_copy(update={"inputs": form})}))
    assert problems[0].startswith("spec.inputs.schema") and not any("tried with" in each for each in problems)


REPLY = {"status": 201, "body": {"id": 7, "up": True, "none": None, "long": "x" * 1025}, "location": "/queue/7/"}


def test_what_is_kept_of_an_answer() -> None:
    rules = {
        "id": "answer.body.id",
        "up": "answer.body.up",
        "item": "answer.location.split('/')[2]",
        "ok": "answer.status == 201",
    }
    assert evaluate_answer(rules, REPLY) == {"id": 7, "up": True, "item": "7", "ok": True}


def test_people_see_no_character_that_paints_over_others_and_no_number_is_rounded() -> None:
    seen = {**REPLY, "body": {"t": "a\u202eb\u200bc\x1b[2J\nd", "n": 2**64 - 1, "f": 1.5}}
    kept = evaluate_answer({name: f"answer.body.{name}" for name in ("t", "n", "f")}, seen)
    assert kept == {"t": "abc[2J d", "n": "18446744073709551615", "f": 1.5}


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("answer.body.other", "kept: "),
        ("answer.body", "kept: gives dict; a text, a number or a boolean can be kept"),
        ("answer.body.none", "kept: gives NoneType"),
        ("answer.body.long", "kept: is longer than 1024 characters"),
    ],
)
def test_what_cannot_be_kept(rule: str, why: str) -> None:
    with pytest.raises(EvaluationError, match=r"^kept: ") as caught:
        evaluate_answer({"kept": rule}, REPLY)
    assert why in str(caught.value)


def test_an_object_is_no_request() -> None:
    step = action().spec.execution.resources[0].model_copy(update={"request": None})
    with pytest.raises(TypeError, match="told is no request"):
        render_request(step, {}, "here")
    with pytest.raises(TypeError, match="told is no request"):
        list(problems_of_request(step, "here", lambda text, path: ()))
