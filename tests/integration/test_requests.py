"""Calls to what is outside of the cluster: made once, as the account, told truly, and never what they must not be.

The receivers are on loopback and answer as GitHub documents it; what was done there is counted there.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.builders.manifests import Manifest
from tests.doubles.outside import Outside, Reply
from tests.support.cluster import wait_for
from tests.support.desk import Desk
from tests.support.runs import account
from tools.installation import OperatorProcess

pytestmark = pytest.mark.cluster

TOKEN = "hunter2-Secret-Token"
FROM = {"name": "Authorization", "prefix": "Bearer ", "secretRef": {"name": "github", "key": "token"}}
READS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["github"]}


@pytest.fixture
def outside(desk: Desk) -> Iterator[Outside]:
    """A service, and a Secret of the account's namespace that lets its token go there."""
    with Outside() as service:
        desk.cluster.apply("admin", account(desk.namespace, "maker", READS))
        desk.admin("create", "secret", "generic", "github", f"--from-literal=token={TOKEN}")
        desk.admin("annotate", "secret", "github", f"pratique.dev/allowed-hosts={service.lets}")
        yield service


def step(outside: Outside, **request: Any) -> Manifest:
    url = f"{outside.url}/repos/acme/shop/dispatches?by=$" + "{run.name}"
    call = {"url": url, "headersFrom": [FROM], "body": {"ref": "main", "run": "${run.name}"}, **request}
    return {"id": "told", "request": call}


def leaks(desk: Desk) -> list[str]:
    """Return the objects of our kinds, and the Events, that hold the token."""
    kinds = "actionruns,approvals,events.events.k8s.io"
    found = desk.cluster.kubectl("admin", "get", kinds, "-n", desk.namespace, "-o", "json").json["items"]
    return [each["metadata"]["name"] for each in found if TOKEN in json.dumps(each)]


def test_a_call_is_read_by_approvers_and_made_once_it_is_granted(desk: Desk, outside: Outside) -> None:
    outside.replies = [Reply(201, json.dumps({"id": 7, "echo": TOKEN}).encode())]
    answer = {"id": "answer.body.id", "echo": "answer.body.echo"}
    name = desk.offer(step(outside, answer=answer), outputs={"run": "${resources.told.id} ${resources.told.status}"})
    gate = desk.held("asked", name)
    plan = (desk.get("approval", gate) or {})["spec"]["plan"]
    called = f"{outside.url}/repos/acme/shop/dispatches"
    assert plan["summary"] == [f'Call POST {called}?by=asked {{"ref": "main", "run": "asked"}}']
    assert '"key":"token","name":"github"' in plan["document"] and outside.asked == []
    desk.approve(gate)
    status = desk.ends("asked", "Succeeded")
    assert status["message"] == f"Done: POST {called} answered" and status["outputs"] == {"run": "7 201"}
    assert status["requests"][0]["answer"] == {"id": 7, "echo": "(hidden)"}
    (asked,) = outside.asked
    uid = (desk.get("actionrun", "asked") or {})["metadata"]["uid"]
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}" and asked.headers["Idempotency-Key"] == f"{uid}.told"
    assert json.loads(asked.body) == {"ref": "main", "run": "asked"} and asked.path.endswith("?by=asked")
    assert leaks(desk) == []


ANSWERS: dict[str, tuple[list[Reply], str, str, int]] = {
    "ok": ([Reply(204)], "Succeeded", "answered", 1),
    "inputs": (
        [Reply(422, json.dumps({"message": "Unexpected inputs provided", "errors": [TOKEN]}).encode())],
        "Failed",
        "answered 422 Unprocessable Entity (Unexpected inputs provided)",
        1,
    ),
    "limited": ([Reply(429, b"", {"Retry-After": "1"}), Reply(204)], "Succeeded", "answered", 2),
    "broken": (
        [Reply(502, TOKEN.encode())],
        "Failed",
        "answered 502 Bad Gateway. It may have been done all the same",
        1,
    ),
    "moved": ([Reply(307, b"", {"Location": "http://169.254.169.254/"})], "Failed", "redirects are not followed", 1),
    "slow": (
        [Reply(204, hang=8)],
        "Failed",
        "gave no answer: no answer within 1 s. It may have been done: look there",
        1,
    ),
    "cut": ([Reply(cut=True)], "Failed", "It may have been done", 1),
    "large": ([Reply(200, b"x" * 1_000_000)], "Succeeded", "answered", 1),
}


def test_what_github_answers_is_told_truly_and_repeated_only_where_that_is_safe(desk: Desk, outside: Outside) -> None:
    name = desk.offer(step(outside, answerWithin="1s"), free=True)
    for run, (replies, end, message, times) in ANSWERS.items():
        outside.replies, outside.asked = list(replies), []
        desk.ask(run, name)
        status = desk.ends(run, "Succeeded", "Failed")
        assert (status["phase"], message in status["message"]) == (end, True), (run, status["message"])
        assert len(outside.asked) == times, run
        assert len({each.headers["Idempotency-Key"] for each in outside.asked}) == 1
    assert leaks(desk) == []


def test_a_call_that_cannot_be_made_is_refused_before_anybody_is_asked(desk: Desk, outside: Outside) -> None:
    calls = {
        "secret": (step(outside, headersFrom=[{**FROM, "secretRef": {"name": "other", "key": "token"}}]), "Secret"),
        "private": ({"id": "told", "request": {"url": "http://10.255.255.1/"}}, "--request-egress"),
    }
    for run, (call, why) in calls.items():
        desk.ask(run, desk.offer(call, name=run))
        assert why in desk.ends(run, "Refused")["message"], run
    for run, lets in (("host", "api.github.com"), ("clear", outside.place)):
        desk.admin("annotate", "secret", "github", "--overwrite", f"pratique.dev/allowed-hosts={lets}")
        desk.ask(run, desk.offer(step(outside), name=run))
        said = f"nothing is sent to {outside.lets}; write request.url with https://"
        assert said in desk.ends(run, "Refused")["message"], run
    assert outside.asked == []


def test_a_dry_run_shows_the_call_and_does_not_make_it(desk: Desk, outside: Outside) -> None:
    name = desk.offer(step(outside), free=True)
    spec = {"actionRef": {"name": name}, "inputs": {}, "dryRun": True}
    meta = {"name": "tried", "namespace": desk.namespace}
    run = {"apiVersion": "pratique.dev/v1alpha1", "kind": "ActionRun", "metadata": meta, "spec": spec}
    desk.cluster.apply("developer", run)
    status = desk.ends("tried", "Succeeded")
    assert f"Call POST {outside.url}/repos/acme/shop/dispatches" in status["message"] and outside.asked == []


@pytest.mark.parametrize("idempotent", [True, False])
def test_killed_between_the_call_and_its_answer(
    desk: Desk, outside: Outside, operator: OperatorProcess, idempotent: bool
) -> None:
    """Where the receiver honours the key it is done once, and the run succeeds; else it is never called again."""
    outside.honours, outside.replies = True, [Reply(201, hang=60), Reply(201)]
    desk.ask("asked", desk.offer(step(outside, idempotent=idempotent, answerWithin="120s"), free=True))
    wait_for("the call arrives", outside.arrived.is_set)
    assert (desk.get("actionrun", "asked") or {})["status"]["requests"][0]["ticket"]
    operator.kill()
    operator.start()
    operator.wait_ready()
    status = desk.ends("asked", "Succeeded", "Failed")
    assert len(outside.done) == 1 and len({each.headers["Idempotency-Key"] for each in outside.asked}) == 1
    if idempotent:
        assert status["phase"] == "Succeeded" and len(outside.asked) == 2
    else:
        assert status["phase"] == "Failed" and len(outside.asked) == 1
        assert (
            "the operator was stopped while it made this call. It may have been done: look there" in status["message"]
        )
