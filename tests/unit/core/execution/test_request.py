"""A call is on record before it is made, is made once, and what a dead process left open is repeated if that is safe."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.builders.models import (
    NOW,
    RUN_UID,
    action,
    at,
    effects,
    failed,
    only,
    planned,
    proven,
    run,
    run_plan,
    running,
    stage,
)

from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.api.v1alpha1.calling import HttpRequest, RunRequest
from pratique.api.v1alpha1.planned import DryRunResult, PlannedRequest
from pratique.core.execution.outgoing import outgoing_of
from pratique.core.gates.free import EVALUATE
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.calling import Call, Called, EvaluateAnswer, Fate, Reply, TryCall
from pratique.core.kernel.effects import EvaluateOutputs, Evaluation, Failure, Plan, Rendered, Stored
from pratique.core.plans.document import Document, document
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot

WHAT = "POST https://api.example.com/v1/runs"
TICKET = "t1"
CONFIRMED: dict[str, object] = {"confirm": Stored({"metadata": {"uid": RUN_UID}})}


def step(ident: str = "told", **request: Any) -> PlannedRequest:
    url = "https://api.example.com/v1/runs?by=me"
    return PlannedRequest(id=ident, request=HttpRequest.model_validate({"url": url, "body": {"a": 1}, **request}))


def under_way(*steps: Any, **status: Any) -> ActionRun:
    return running(run_plan(*(steps or (step(),)), outputs=status.pop("outputs", {})), **status)


def reserved(*steps: Any, **call: Any) -> ActionRun:
    """Return a run whose call is on record, and was not made as far as anybody knows."""
    ident = steps[0].id if steps else "told"
    return under_way(*steps, requests=[RunRequest(**{"id": ident, "attempt": 1, "ticket": TICKET, **call})])


def look(subject: ActionRun, outcomes: dict[str, Any] | None = None, minutes: float = 1) -> Plan[Any]:
    return plan_action_run(proven(subject, outcomes), at(minutes))


def came_to(called: Called | Failure, *steps: Any, more: dict[str, Any] | None = None, **call: Any) -> Plan[Any]:
    return look(reserved(*steps, **call), {**CONFIRMED, "call/told": called, **(more or {})})


def answered(status: int, body: Any = None, **more: Any) -> Called:
    return Called(Fate.ANSWERED, reply=Reply(status, body, **more))


def test_it_is_on_record_before_it_is_made() -> None:
    assert effects(look(under_way())) == ["reserve/told"]
    plan = look(under_way(), {"reserve/told": TICKET})
    assert plan.effects == () and plan.wake_at == at(1)
    assert plan.status.requests == [RunRequest(id="told", attempt=1, ticket=TICKET)]
    assert plan.status.message == f"{WHAT} is next"


def test_the_run_is_read_again_before_it_is_made() -> None:
    assert effects(look(reserved())) == ["confirm"]
    (made,) = look(reserved(), CONFIRMED).effects
    assert isinstance(made, Call) and (made.ticket, made.run) == (TICKET, ("team-a", "ten-days"))
    assert made.action == under_way().spec.action_ref.name
    gone = look(reserved(), {"confirm": failed("NotFound")})
    assert gone.retry and "the run could not be read again" in gone.status.message
    other = look(reserved(), {"confirm": Stored({"metadata": {"uid": "other"}})})
    assert "the run could not be read again: it was deleted" in other.status.message


def test_an_answer_ends_it() -> None:
    plan = came_to(answered(204))
    assert plan.status.phase is Phase.SUCCEEDED and plan.status.message == f"Done: {WHAT} answered"
    (call,) = plan.status.requests
    assert (call.done, call.code, call.ticket, call.message) == (True, 204, TICKET, "")


def test_while_it_is_under_way_the_run_waits_and_says_so() -> None:
    plan = came_to(Called(Fate.UNDER_WAY))
    assert plan.status.message == f"Waiting for the answer to {WHAT}, which may have been done already"
    assert plan.wake_at is not None and plan.wake_at > at(1)
    late = look(reserved(), {**CONFIRMED, "call/told": Called(Fate.UNDER_WAY)}, minutes=11)
    assert late.status.phase is Phase.FAILED
    assert late.status.message.startswith("Not ready within 10m: ") and "may have been done" in late.status.message


def test_what_was_not_sent_is_tried_again_with_a_new_ticket() -> None:
    plan = came_to(Called(Fate.NOT_SENT, "no connection to the receiver"))
    (call,) = plan.status.requests
    assert call.ticket is None and call.not_before == at(1) + timedelta(seconds=1) and call.attempt == 1
    assert plan.status.message == f"{WHAT} was not sent: no connection to the receiver; it is tried again"
    early = look(under_way(requests=[call]), {})
    assert early.effects == () and early.wake_at == call.not_before
    assert early.status.message == plan.status.message
    later = look(under_way(requests=[call]), {"reserve/told": "t2"}, minutes=2)
    assert later.status.requests == [RunRequest(id="told", attempt=2, ticket="t2")]


@pytest.mark.parametrize(
    ("attempt", "after", "seconds"),
    [(2, None, 2), (9, None, 15), (1, 40.0, 40), (1, 1e5, 3600), (1, 0.0, 1), (9, 0.0, 15), (4, 2.0, 8)],
)
def test_it_waits_as_long_as_asked_or_longer_each_time(attempt: int, after: float | None, seconds: int) -> None:
    plan = came_to(answered(503, retry_after=after), step(idempotent=True), attempt=attempt)
    assert plan.status.requests[0].not_before == at(1) + timedelta(seconds=seconds)


def test_what_a_process_left_open_ends_the_run_or_is_repeated_with_the_same_key() -> None:
    lost = came_to(Called(Fate.LOST))
    assert lost.status.phase is Phase.FAILED and "It may have been done" in lost.status.message
    assert lost.status.requests[0].done is False and "may have been done" in lost.status.requests[0].message
    again = came_to(Called(Fate.LOST), step(idempotent=True))
    assert again.status.requests[0].ticket is None and again.status.phase is Phase.RUNNING
    (first,) = look(reserved(step(idempotent=True)), CONFIRMED).effects
    (second,) = look(reserved(step(idempotent=True), ticket="t2", attempt=2), CONFIRMED).effects
    assert isinstance(first, Call) and isinstance(second, Call)
    assert first.outgoing == second.outgoing and first.outgoing.headers["Idempotency-Key"] == f"{RUN_UID}.told"


def test_an_error_of_our_own_is_no_verdict() -> None:
    plan = came_to(failed("InternalError", message="a bug"))
    assert plan.status.phase is Phase.RUNNING and plan.retry and plan.status.message == f"{WHAT} waits: a bug"


def test_what_is_kept_of_an_answer_is_what_outputs_see() -> None:
    subject = step(answer={"id": "answer.body.id"})
    (ask,) = came_to(answered(201, {"id": 7}), subject).effects
    assert isinstance(ask, EvaluateAnswer) and ask.seen == {"status": 201, "body": {"id": 7}, "location": ""}
    plan = came_to(answered(201, {"id": 7}), subject, more={"answer/told": {"id": 7}})
    assert plan.status.requests[0].answer == {"id": 7} and plan.status.phase is Phase.SUCCEEDED
    told = reserved(step(), ticket=None, done=True, code=201, answer={"id": 7})
    asked = running(run_plan(step(), outputs={"run": "${resources.told.id}"}), requests=told.status.requests)
    (render,) = look(asked).effects
    assert isinstance(render, EvaluateOutputs) and render.resources == {"told": {"status": 201, "id": 7}}
    assert look(asked, {"outputs": Rendered({"run": "7"})}).status.outputs == {"run": "7"}


def test_an_answer_that_does_not_say_it_was_done_all_the_same() -> None:
    no = {"answer/told": Failure("EvaluationFailed", "id: Key not found in map: id")}
    subject = step(answer={"id": "answer.body.id"})
    plan = came_to(answered(201), subject, more=no)
    assert plan.status.phase is Phase.FAILED
    assert (
        f"{WHAT} answered 201 Created, so it was done, but request.answer of told failed: id: Key"
        in plan.status.message
    )
    long = came_to(answered(201, too_long=True), subject, more=no)
    assert long.status.message.endswith("; only 64 KiB of an answer are read, and it is longer")


def test_calls_and_objects_go_in_the_order_of_the_list() -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "team-a"}}
    subject = under_way(step("first"), planned("mid", claim), step("last"), planned("end"))
    assert effects(look(subject)) == ["reserve/first"]
    done = [RunRequest(id="first", done=True, code=204)]
    after = running(run_plan(*subject_steps(claim)), requests=done)
    assert effects(look(after)) == ["create/mid"]
    bound = Stored({**claim, "metadata": {**claim["metadata"], "uid": "u"}, "status": {"phase": "Pending"}})  # type: ignore[dict-item]
    assert effects(look(after, {"create/mid": bound})) == ["reserve/last"]


def subject_steps(claim: dict[str, Any]) -> list[Any]:
    return [step("first"), planned("mid", claim), step("last"), planned("end")]


def free(*steps: Any, outcomes: dict[str, object] | None = None, **plan: Any) -> Plan[Any]:
    judged = {EVALUATE: Evaluation(plan=run_plan(*steps, **plan))}
    return plan_action_run(RunSnapshot(run(), action=action(), outcomes={**judged, **(outcomes or {})}), NOW)


def test_a_dry_run_looks_whether_it_could_be_made_and_makes_nothing() -> None:
    (look_,) = free(step()).effects
    assert isinstance(look_, TryCall)
    begun = free(step(), outcomes={"try/told": True})
    assert effects(begun) == ["reserve/told"]
    asked = run(spec={"dry_run": True})
    outcomes = {EVALUATE: Evaluation(plan=run_plan(step())), "try/told": True}
    said = plan_action_run(RunSnapshot(asked, action=action(), outcomes=outcomes), NOW).status
    assert (
        said.phase is Phase.SUCCEEDED and 'do: Call POST https://api.example.com/v1/runs?by=me {"a": 1}' in said.message
    )


def test_what_cannot_be_made_is_refused_before_anybody_is_asked() -> None:
    no = free(step(), outcomes={"try/told": Failure("Invalid", "Secret x/y names no server")}, gate=stage())
    assert (
        no.status.phase is Phase.REFUSED
        and f"{WHAT} could not be sent: Secret x/y names no server" in no.status.message
    )


def test_what_an_object_before_it_may_make_is_not_known_yet() -> None:
    missing = Failure("NotFound", "Secret x/y is not there", cause=Cause.MISSING)
    known: dict[str, object] = {"try/made": Stored(planned("made").manifest), "try/told": missing}
    plan = free(planned("made"), step(), outcomes=known, gate=stage())
    manifest = only(plan.effects).manifest
    held = Document(manifest["spec"]["plan"]["document"]).plan
    tried = held.resources[1].dry_run
    assert tried is not None and tried.result is DryRunResult.DEFERRED
    assert "ConfigMap team-a/made may make first what it needs: Secret x/y is not there" in tried.message
    assert "(not checked yet: " in manifest["spec"]["plan"]["summary"][1]


HEADERS = {"Accept": "application/json", "Idempotency-Key": f"{RUN_UID}.told"}


def test_what_is_sent() -> None:
    subject = running(run_plan(step()))
    sent = outgoing_of(subject, run_plan(step()), step())
    assert (sent.method, sent.body, sent.within) == ("POST", '{"a":1}', timedelta(seconds=30))
    assert sent.headers == {**HEADERS, "Content-Type": "application/json"} and sent.key == f"{RUN_UID}.told"
    named = outgoing_of(subject, run_plan(), step(headers={"Content-Type": "application/vnd.api+json"}))
    assert named.headers == {**HEADERS, "Content-Type": "application/vnd.api+json"}
    bare = outgoing_of(subject, run_plan(), step(body=None, method="GET", headers={"accept": "text/plain"}))
    assert bare.body is None and bare.headers == {"accept": "text/plain", "Idempotency-Key": f"{RUN_UID}.told"}


@pytest.mark.parametrize("started", [True, False])
def test_a_cloud_event_says_the_same_at_each_try(started: bool) -> None:
    subject = running(run_plan(step())) if started else run()
    event = {"type": "dev.acme.asked.v1"}
    sent = outgoing_of(subject, run_plan(), step(cloudEvent=event))
    assert sent.headers["Content-Type"] == "application/cloudevents+json" and sent.body is not None
    body = json.loads(sent.body)
    assert body.pop("time").endswith("Z")
    assert body == {
        "specversion": "1.0",
        "id": f"{RUN_UID}.told",
        "type": "dev.acme.asked.v1",
        "source": "/pratique/namespaces/team-a/actionruns/ten-days",
        "datacontenttype": "application/json",
        "data": {"a": 1},
    }
    named = outgoing_of(subject, run_plan(), step(cloudEvent={**event, "source": "/s", "subject": "t"}, body=None))
    assert {"source": "/s", "subject": "t"}.items() <= json.loads(named.body or "").items() and "data" not in (
        named.body or ""
    )


def test_a_version_that_knows_no_calls_cannot_read_such_a_plan() -> None:
    """It would leave the run alone: an entry without a manifest is none that it knows."""
    (entry,) = json.loads(document(run_plan(step())).text)["resources"]
    assert set(entry) == {"id", "request"}
