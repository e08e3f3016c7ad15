"""Calls that wait for what they have started: told truly, asked no more often than they may be, and never started twice.

The service is a GitLab on loopback that answers as GitLab documents it; what was started there is counted there.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from tests.builders.manifests import Manifest
from tests.doubles.ci_services import TOKEN, GitLab, answer
from tests.doubles.outside import Reply
from tests.support.cluster import wait_for
from tests.support.desk import Desk
from tests.support.runs import account
from tools.installation import OperatorProcess

pytestmark = pytest.mark.cluster

PROJECT = "api/v4/projects/acme%2Fshop"
FROM = {"name": "PRIVATE-TOKEN", "secretRef": {"name": "gitlab", "key": "token"}}
READS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["gitlab"]}
UNTIL = {
    "every": "5s",
    "done": "answer.body.status == 'success'",
    "failed": "answer.body.status in ['failed', 'canceled']",
    "message": "answer.body.status",
}


@pytest.fixture
def stack(desk: Desk) -> Iterator[ExitStack]:
    """Services of a test, and a Secret of the account's namespace that lets its token go to them."""
    desk.cluster.apply("admin", account(desk.namespace, "maker", READS))
    desk.admin("create", "secret", "generic", "gitlab", f"--from-literal=token={TOKEN}")
    with ExitStack() as services:
        yield services


def opened(desk: Desk, stack: ExitStack, *services: GitLab) -> None:
    """Start services, and let the token go to each."""
    for each in services:
        stack.enter_context(each)
    allowed = ",".join(each.lets for each in services)
    desk.admin("annotate", "secret", "gitlab", "--overwrite", f"pratique.dev/allowed-hosts={allowed}")


def steps(gitlab: GitLab, **request: Any) -> tuple[Manifest, Manifest]:
    """Return what starts a pipeline, and what waits for its end."""
    project = f"{gitlab.url}/{PROJECT}"
    start = {"url": f"{project}/pipeline", "body": {"ref": "main"}, "answer": {"pipeline": "answer.body.id"}}
    address = f"{project}/pipelines/${{resources.start.pipeline}}"
    wait = {"method": "GET", "url": address, "until": UNTIL, "answerWithin": "1s", **request}
    private = {"headersFrom": [FROM]}
    return {"id": "start", "request": {**start, **private}}, {"id": "end", "request": {**wait, **private}}


def leaks(desk: Desk) -> list[str]:
    """Return the objects of our kinds, and the Events, that hold the token."""
    kinds = "actionruns,approvals,events.events.k8s.io"
    found = desk.cluster.kubectl("admin", "get", kinds, "-n", desk.namespace, "-o", "json").json["items"]
    return [each["metadata"]["name"] for each in found if TOKEN in json.dumps(each)]


def asked_again(gitlab: GitLab, times: int) -> bool:
    return gitlab.looks >= times


def test_approvers_read_what_is_waited_for_and_the_run_is_done_when_it_is(desk: Desk, stack: ExitStack) -> None:
    gitlab = GitLab("running")
    opened(desk, stack, gitlab)
    start, end = steps(gitlab, answer={"state": "answer.body.status", "echo": "answer.body.token"})
    name = desk.offer(
        start, end, outputs={"it": "${resources.start.pipeline} ${resources.end.state} ${resources.end.echo}"}
    )
    gate = desk.held("asked", name)
    plan = (desk.get("approval", gate) or {})["spec"]["plan"]
    where = f"{gitlab.url}/{PROJECT}"
    assert plan["summary"] == [
        f'Call POST {where}/pipeline {{"ref": "main"}}',
        f"Call GET {where}/pipelines/(pipeline from start) until answer.body.status == 'success'",
    ]
    assert gitlab.asked == []
    desk.approve(gate)
    desk.says("asked", f"Waiting for GET {where}/pipelines/4711: running")
    before = (desk.get("actionrun", "asked") or {})["metadata"]["resourceVersion"]
    wait_for("it is asked for twice more", partial(asked_again, gitlab, gitlab.looks + 2), 30)
    time.sleep(0.7)  # a look that would write has done so by then
    assert (desk.get("actionrun", "asked") or {})["metadata"]["resourceVersion"] == before
    gitlab.states = ["success"]
    status = desk.ends("asked", "Succeeded")
    assert status["outputs"] == {"it": "4711 success (hidden)"} and len(gitlab.started) == 1
    assert (
        status["message"]
        == f"Done: POST {where}/pipeline answered; GET {where}/pipelines/(pipeline from start) is done"
    )
    assert leaks(desk) == []


SAID_AGAIN: dict[str, list[Reply]] = {
    "limited": [answer(429, {"message": "Too Many Requests"}, **{"Retry-After": "6"})],
    "broken": [Reply(502, TOKEN.encode()), Reply(503)],
    "moved": [Reply(302, b"", {"Location": "http://169.254.169.254/"})],
    "slow": [Reply(200, hang=3)],
    "cut": [Reply(cut=True)],
    "page": [Reply(200, b"<html>Sign in</html>")],
    "unknown": [answer(404, {"message": "404 Not Found"})],
    "large": [Reply(200, b"x" * 1_000_000)],
}


def test_a_bad_moment_of_the_service_is_no_end(desk: Desk, stack: ExitStack) -> None:
    services = {name: GitLab("success") for name in SAID_AGAIN}
    opened(desk, stack, *services.values())
    for name, replies in SAID_AGAIN.items():
        services[name].trouble = list(replies)
        desk.ask(name, desk.offer(*steps(services[name]), name=name, free=True))
    for name, gitlab in services.items():
        assert desk.ends(name, "Succeeded", "Failed")["phase"] == "Succeeded", name
        assert (len(gitlab.started), gitlab.looks) == (1, len(SAID_AGAIN[name]) + 1), name
    assert leaks(desk) == []


def test_what_ends_badly_says_so(desk: Desk, stack: ExitStack) -> None:
    failed, canceled = GitLab("failed"), GitLab("running", "canceled")
    gone, late, refused = (GitLab("running") for _ in range(3))
    opened(desk, stack, failed, canceled, gone, late, refused)
    gone.trouble = [answer(404, {"message": "404 Not Found"})] * 9
    refused.refusal = answer(422, {"message": "Reference not found", "secret": TOKEN})
    runs = {"failed": failed, "canceled": canceled, "gone": gone, "late": late, "refused": refused}
    for name, gitlab in runs.items():
        timeout = "8s" if name == "late" else "5m"
        desk.ask(name, desk.offer(*steps(gitlab), name=name, free=True, timeout=timeout))
    for name, said in (
        ("failed", "says that it has failed: failed"),
        ("canceled", "says that it has failed: canceled"),
        ("gone", "answered 404 Not Found: look at request.url"),
        ("late", "pipelines/4711: running; what was started there may go on all the same"),
        ("refused", "answered 422 Unprocessable Entity (Reference not found)"),
    ):
        assert said in desk.ends(name, "Failed")["message"], name
        assert len(runs[name].started) == 1, name
    assert gone.looks == 3 and refused.looks == 0 and leaks(desk) == []


def test_a_dry_run_shows_both_calls_and_makes_none(desk: Desk, stack: ExitStack) -> None:
    gitlab = GitLab("success")
    opened(desk, stack, gitlab)
    name = desk.offer(*steps(gitlab), free=True)
    spec = {"actionRef": {"name": name}, "inputs": {}, "dryRun": True}
    meta = {"name": "tried", "namespace": desk.namespace}
    run = {"apiVersion": "pratique.dev/v1alpha1", "kind": "ActionRun", "metadata": meta, "spec": spec}
    desk.cluster.apply("developer", run)
    assert "(pipeline from start) until answer.body.status" in desk.ends("tried", "Succeeded")["message"]
    assert gitlab.asked == []


def test_an_answer_that_leads_elsewhere_is_not_followed(desk: Desk, stack: ExitStack) -> None:
    gitlab = GitLab("success")
    opened(desk, stack, gitlab)
    gitlab.refusal = answer(201, {"id": "4711/../../../admin"})
    desk.ask("asked", desk.offer(*steps(gitlab), free=True))
    assert "which leads elsewhere" in desk.ends("asked", "Failed")["message"] and gitlab.looks == 0


@pytest.mark.parametrize("moment", ["started", "asked", "waiting"])
def test_killed_while_it_waits(desk: Desk, stack: ExitStack, operator: OperatorProcess, moment: str) -> None:
    """Between the call and the first question, while that is asked, or between two: it is started once, and goes on."""
    gitlab = GitLab("running")
    opened(desk, stack, gitlab)
    gitlab.trouble = [Reply(200, hang=30)] if moment == "asked" else []
    desk.ask("asked", desk.offer(*steps(gitlab, answerWithin="30s"), free=True))

    def is_there() -> bool:
        calls = ((desk.get("actionrun", "asked") or {}).get("status") or {}).get("requests") or []
        started = bool(calls) and calls[0].get("done", False)
        return started if moment == "started" else started and gitlab.looks > 0

    wait_for("the moment", is_there)
    if moment == "waiting":
        desk.says("asked", ": running")
    operator.kill()
    looks = gitlab.looks
    operator.start()
    operator.wait_ready()
    gitlab.states = ["success"]
    assert desk.ends("asked", "Succeeded", "Failed")["phase"] == "Succeeded"
    assert len(gitlab.started) == 1 and gitlab.looks > looks and leaks(desk) == []
