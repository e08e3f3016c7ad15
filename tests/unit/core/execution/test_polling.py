"""A call that waits asks until what was started is done; a bad moment of a receiver is no end."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from tests.builders.models import RUN_UID, action, at, effects, failed, proven, run, run_plan, running

from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunPlan
from pratique.api.v1alpha1.calling import HttpRequest, RunRequest
from pratique.api.v1alpha1.planned import PlannedFollowUp, PlannedRequest, PlannedResource
from pratique.core.execution.pacing import is_miss, pause_after, says_no
from pratique.core.gates.free import EVALUATE
from pratique.core.kernel.calling import (
    Call,
    Called,
    EvaluateAnswer,
    EvaluateUntil,
    Fate,
    Poll,
    Polled,
    Reply,
    TryCall,
    Waited,
)
from pratique.core.kernel.effects import EvaluateOutputs, Evaluation, Failure, Plan, Stored
from pratique.core.plans.document import document
from pratique.core.plans.requests import line_of_call
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot

URL = "https://ci.example.com/api/pipelines/${resources.start.pipeline}?full=1"
WHAT = "GET https://ci.example.com/api/pipelines/4711"
STARTED = RunRequest(id="start", attempt=1, ticket="t1", done=True, code=201, answer={"pipeline": 4711})
UNTIL = {
    "done": "answer.body.status == 'success'",
    "failed": "answer.body.status == 'failed'",
    "message": "answer.body.status",
}
AGAIN = timedelta(seconds=15)


def start() -> PlannedRequest:
    url = "https://ci.example.com/api/pipelines"
    return PlannedRequest(id="start", request=HttpRequest(url=url, answer={"pipeline": "answer.body.id"}))


def wait(ident: str = "wait", **request: Any) -> PlannedFollowUp:
    given = {"method": "GET", "url": URL, "until": UNTIL, **request}
    return PlannedFollowUp(
        id=ident, request=HttpRequest.model_validate({k: v for k, v in given.items() if v is not None})
    )


def waiting(*steps: Any, started: RunRequest = STARTED, **more: Any) -> ActionRun:
    calls = [started, *([RunRequest(id="wait", **more)] if more else [])]
    return running(run_plan(start(), *(steps or (wait(),))), requests=calls)


def look(subject: ActionRun, outcomes: dict[str, Any] | None = None, minutes: float = 1) -> Plan[Any]:
    return plan_action_run(proven(subject, outcomes), at(minutes))


def polled(status: int = 200, misses: int = 0, noes: int = 0, **reply: Any) -> Polled:
    return Polled(Called(Fate.ANSWERED, reply=Reply(status, **reply)), misses, AGAIN, noes)


def came_to(found: Polled | Failure, waited: Waited | Failure | None = None, **more: Any) -> Plan[Any]:
    return look(waiting(**more), {"poll/wait": found, **({} if waited is None else {"until/wait": waited})})


def test_it_asks_where_an_earlier_answer_said_and_nothing_is_on_record_before() -> None:
    (poll,) = look(waiting()).effects
    assert isinstance(poll, Poll)
    assert poll.outgoing.url == "https://ci.example.com/api/pipelines/4711?full=1"
    assert (poll.watch, poll.every, poll.outgoing.method) == ((RUN_UID, "wait"), AGAIN, "GET")
    assert "Idempotency-Key" not in poll.outgoing.headers


def test_nothing_of_it_is_asked_before_what_it_waits_for_was_started() -> None:
    subject = running(run_plan(start(), wait()), requests=[])
    assert effects(look(subject)) == ["reserve/start"]


def test_that_it_was_started_is_on_record_before_its_end_is_waited_for() -> None:
    begun = running(run_plan(start(), wait()), requests=[RunRequest(id="start", attempt=1, ticket="t1")])
    known = {"confirm": Stored({"metadata": {"uid": RUN_UID}}), "answer/start": {"pipeline": 4711}}
    plan = look(begun, known | {"call/start": Called(Fate.ANSWERED, reply=Reply(201))})
    assert plan.effects == () and plan.wake_at == at(1) and plan.status.requests[0] == STARTED
    assert plan.status.message == f"Waiting for {WHAT}: it is asked next"
    assert effects(look(begun.model_copy(update={"status": plan.status}))) == ["poll/wait"]


def test_as_long_as_it_is_not_done_the_run_says_what_it_is_told_and_looks_again() -> None:
    (ask,) = came_to(polled(body={"status": "running"})).effects
    assert isinstance(ask, EvaluateUntil) and ask.seen["body"] == {"status": "running"}
    plan = came_to(polled(), Waited(done=False, said="running"))
    assert plan.status.message == f"Waiting for {WHAT}: running" and plan.wake_at == at(1) + AGAIN
    assert plan.status.requests[1] == RunRequest(id="wait", code=200, message="running")


def test_no_answer_is_written_down_that_says_the_same() -> None:
    first = came_to(polled(), Waited(done=False, said="running"))
    subject = waiting(code=200, message="running")
    same = subject.model_copy(update={"status": first.status})
    later = look(same, {"poll/wait": polled(), "until/wait": Waited(done=False, said="running")}, minutes=2)
    assert later.status == first.status
    silent = look(same, {"poll/wait": Polled(again=AGAIN)}, minutes=3)
    assert silent.status == first.status


def test_that_there_was_no_room_for_it_is_said_no_longer_than_that() -> None:
    full = came_to(Polled(again=AGAIN, asked=False)).status.requests[1].message
    assert full == "it is asked when there is room: many calls are waited for"
    asked = came_to(Polled(again=AGAIN), message=full).status
    assert asked.message == f"Waiting for {WHAT}: it has not answered yet"
    told = came_to(Polled(again=AGAIN, asked=False), message="running").status
    assert told.message == f"Waiting for {WHAT}: running"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Polled(again=AGAIN), "it has not answered yet"),
        (Polled(again=AGAIN, asked=False), "it is asked when there is room: many calls are waited for"),
        (failed("InternalError", message="a bug"), "a bug"),
        (polled(502, 1), "it answered 502 Bad Gateway; it is asked again"),
        (polled(429, 9, retry_after=3.0), "it answered 429 Too Many Requests; it is asked again"),
        (polled(404, 9, 2), "it answered 404 Not Found: look at request.url"),
        (Polled(Called(Fate.UNKNOWN, "no answer within 1 s"), 9, AGAIN), "it gave no answer: no answer within 1 s"),
        (Polled(Called(Fate.NOT_SENT, "no connection"), 9, AGAIN), "it was not sent: no connection; it is asked again"),
        (
            Polled(Called(Fate.NOT_SENT, "Secret a/b is not there", final=True), 9, AGAIN, 2),
            "it was not sent: Secret a/b",
        ),
    ],
)
def test_a_bad_moment_of_a_receiver_is_no_end(found: Polled | Failure, said: str) -> None:
    plan = came_to(found)
    assert plan.status.phase is Phase.RUNNING and plan.status.message.startswith(f"Waiting for {WHAT}: {said}")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (polled(404, 3, 3), f"{WHAT} answered 404 Not Found: look at request.url"),
        (polled(302, 3, 3), f"{WHAT} answered 302 Found: redirects are not followed"),
        (
            Polled(Called(Fate.NOT_SENT, "Secret a/b is not there", final=True), 3, AGAIN, 3),
            f"{WHAT} was not sent: Secret a/b",
        ),
    ],
)
def test_what_says_no_three_times_in_a_row_ends_the_run(found: Polled, said: str) -> None:
    plan = came_to(found)
    assert plan.status.phase is Phase.FAILED and plan.status.message.startswith(said)
    assert "3 times in a row; what was started there may go on all the same" in plan.status.message
    assert plan.status.requests[1].message and not plan.status.requests[1].done


@pytest.mark.parametrize(
    ("waited", "said"),
    [
        (Waited(done=False), "it is not done yet"),
        (Waited(done=False, missing="answer.body.executable.number"), "answer.body.executable.number is not there yet"),
        (Failure("EvaluationFailed", "until.done: no"), "cannot say whether it is done: until.done: no"),
    ],
)
def test_what_it_waits_for(waited: Any, said: str) -> None:
    assert came_to(polled(), waited).status.message == f"Waiting for {WHAT}: {said}"


def test_a_long_answer_is_said_to_be_long() -> None:
    plan = came_to(polled(too_long=True), Failure("EvaluationFailed", "until.done: no"))
    assert plan.status.message.endswith("until.done: no; only 64 KiB of an answer are read, and it is longer")


@pytest.mark.parametrize(("said", "told"), [("failed", ": failed"), ("", "")])
def test_what_has_failed_ends_the_run(said: str, told: str) -> None:
    plan = came_to(polled(), Waited(done=False, failed=True, said=said))
    assert plan.status.phase is Phase.FAILED and plan.status.message == f"{WHAT} says that it has failed{told}"
    assert plan.status.requests[1].code == 200


def test_what_is_done_is_kept_and_ends_it() -> None:
    plan = came_to(polled(), Waited(done=True))
    assert plan.status.phase is Phase.SUCCEEDED and plan.status.message.endswith("(pipeline from start) is done")
    assert plan.status.requests[1] == RunRequest(id="wait", done=True, code=200)
    subject = waiting(wait(answer={"result": "answer.body.status"}))
    known = {"poll/wait": polled(body={"status": "success"}), "until/wait": Waited(done=True)}
    (ask,) = look(subject, known).effects
    assert isinstance(ask, EvaluateAnswer)
    ended = look(subject, known | {"answer/wait": {"result": "success"}})
    assert ended.status.requests[1].answer == {"result": "success"}
    no = look(subject, known | {"answer/wait": Failure("EvaluationFailed", "result: gives dict")})
    assert no.status.phase is Phase.FAILED and "so it was done, but request.answer of wait failed" in no.status.message


def test_when_its_time_is_up_the_run_says_what_was_told_last_and_that_it_may_go_on() -> None:
    plan = look(waiting(), {"poll/wait": polled(), "until/wait": Waited(done=False, said="running")}, minutes=11)
    assert plan.status.phase is Phase.FAILED
    assert plan.status.message == (
        f"Not ready within 10m: Waiting for {WHAT}: running; what was started there may go on all the same: look there"
        " before you ask again"
    )


def test_a_call_follows_another_as_often_as_it_takes() -> None:
    """Jenkins: the job is queued, the queue tells the number of the build, the build tells its end."""
    build = wait("build", url="https://ci.example.com/build/${resources.wait.number}")
    known = RunRequest(id="wait", done=True, code=200, answer={"number": 7})
    subject = running(run_plan(start(), wait(), build), requests=[STARTED, known])
    (poll,) = look(subject).effects
    assert isinstance(poll, Poll) and poll.outgoing.url == "https://ci.example.com/build/7"
    told = run_plan(start(), wait("last", url=URL, until=None), outputs={"it": "${resources.last.status}"})
    (confirm,) = look(running(told, requests=[STARTED, RunRequest(id="last", attempt=1, ticket="t")])).effects
    assert confirm.key == "confirm"
    done = running(told, requests=[STARTED, RunRequest(id="last", done=True, code=200)])
    (render,) = look(done).effects
    assert isinstance(render, EvaluateOutputs) and render.resources["start"] == {"status": 201, "pipeline": 4711}


def test_a_call_once_at_the_address_that_was_answered() -> None:
    """Without `until` it is a call as any: on record, made once, with its key."""
    subject = running(
        run_plan(start(), wait(method="POST", until=None)),
        requests=[STARTED, RunRequest(id="wait", attempt=1, ticket="t")],
    )
    (made,) = look(subject, {"confirm": Stored({"metadata": {"uid": RUN_UID}})}).effects
    assert (
        isinstance(made, Call)
        and made.outgoing.url.endswith("/4711?full=1")
        and "Idempotency-Key" in made.outgoing.headers
    )


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("..", "would have . or .. as a part of its path"),
        ("a/../../admin", "would have . or .. as a part of its path"),
        ("%2e%2e", "would have . or .. as a part of its path"),
        ("", "pipeline of start is empty"),
        (None, "pipeline of start is empty"),
        ("é" * 1024, "would be longer than 2048 characters"),
    ],
)
def test_an_answer_that_leads_elsewhere_is_not_followed(value: Any, why: str) -> None:
    kept = {} if value is None else {"pipeline": value}
    plan = look(waiting(started=STARTED.model_copy(update={"answer": kept})))
    assert plan.effects == () and plan.status.phase is Phase.FAILED
    assert why in plan.status.message and plan.status.message.startswith(
        "GET https://ci.example.com/api/pipelines/(pipeline from start) cannot be made: "
    )


@pytest.mark.parametrize(
    ("value", "segment"),
    [("a/b?c#d", "a%2Fb%3Fc%23d"), (True, "true"), (1.5, "1.5"), ("@evil.example", "%40evil.example")],
)
def test_an_answer_is_one_segment_of_the_path(value: Any, segment: str) -> None:
    (poll,) = look(waiting(started=STARTED.model_copy(update={"answer": {"pipeline": value}}))).effects
    assert isinstance(poll, Poll) and poll.outgoing.url == f"https://ci.example.com/api/pipelines/{segment}?full=1"


def test_a_dry_run_looks_whether_it_could_be_asked_and_asks_nothing() -> None:
    judged = {EVALUATE: Evaluation(plan=run_plan(start(), wait()))}
    plan = plan_action_run(RunSnapshot(run(), action=action(), outcomes=judged), at(0))
    first, second = plan.effects
    assert isinstance(first, TryCall) and isinstance(second, TryCall)
    assert second.outgoing.url == "https://ci.example.com/api/pipelines/0?full=1"


def test_approvers_read_whose_answer_it_is_and_what_is_waited_for() -> None:
    line = f"Call GET https://ci.example.com/api/pipelines/(pipeline from start)?full=1 until {UNTIL['done']}"
    assert line_of_call(wait().request) == line


def test_a_version_that_knows_calls_and_no_until_cannot_read_such_a_plan() -> None:
    """It would leave the run alone: it must not take for done what was only started."""
    written = document(run_plan(start(), wait()))
    first, second = json.loads(written.text)["resources"]
    assert set(first) == {"id", "request"} and set(second) == {"id", "followUp"}
    assert written.plan.resources == [start(), wait()] and isinstance(written.plan.resources[1], PlannedFollowUp)
    for known in (PlannedRequest, PlannedResource):
        with pytest.raises(ValidationError):
            known.model_validate(second)
    assert RunPlan.model_validate_json(written.text).objects == []


@pytest.mark.parametrize(
    ("misses", "after", "seconds"),
    [(0, None, 15), (0, 60.0, 60), (1, None, 30), (3, 5.0, 120), (9, None, 300), (1, 1e6, 3600)],
)
def test_it_is_asked_later_where_it_comes_to_nothing_or_is_asked_to(
    misses: int, after: float | None, seconds: int
) -> None:
    called = Called(Fate.ANSWERED, reply=Reply(503, retry_after=after))
    assert pause_after(called, AGAIN, misses) == timedelta(seconds=seconds)


def test_what_comes_to_nothing() -> None:
    assert is_miss(Called(Fate.UNKNOWN), ()) and is_miss(Called(Fate.ANSWERED, reply=Reply(404)), ())
    assert not is_miss(Called(Fate.ANSWERED, reply=Reply(404)), (404,)) and not is_miss(
        Called(Fate.ANSWERED, reply=Reply(204)), ()
    )
    hour = timedelta(hours=1)
    assert pause_after(Called(Fate.UNKNOWN), hour, 4) == hour


@pytest.mark.parametrize(
    ("called", "no"),
    [
        (Called(Fate.ANSWERED, reply=Reply(404)), True),
        (Called(Fate.ANSWERED, reply=Reply(302)), True),
        (Called(Fate.NOT_SENT, "Secret a/b is not there", final=True), True),
        (Called(Fate.NOT_SENT, "no connection"), False),
        (Called(Fate.UNKNOWN), False),
        (Called(Fate.ANSWERED, reply=Reply(503)), False),
        (Called(Fate.ANSWERED, reply=Reply(429)), False),
        (Called(Fate.ANSWERED, reply=Reply(200)), False),
    ],
)
def test_what_says_no(called: Called, no: bool) -> None:
    assert says_no(called, wait().request) is no
