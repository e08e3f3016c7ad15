"""Questions on the real API server: an approver asks, who asked for it answers, and each side is told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.test_stages import LEADS, ask, gate, told
from tests.support.attempts import Attempts
from tests.support.cluster import Cluster, wait_for
from tests.support.runs import account, phase
from tests.support.terminal import Terminal
from tools.installation import OperatorProcess

Json = dict[str, Any]
MAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "patch"]}


@pytest.fixture
def attempts(cluster: Cluster, operator: OperatorProcess, namespace: str) -> Iterator[Attempts]:
    """A namespace where an account of the Actions makes ConfigMaps."""
    cluster.apply("admin", account(namespace, "mine", MAPS))
    attempts = Attempts(cluster, namespace)
    yield attempts
    attempts.drop()


def test_an_approver_asks_and_who_asked_for_it_answers_and_nothing_is_decided_by_it(attempts: Attempts) -> None:
    lead, developer = "lead-1@example.com", "developer@example.com"
    ask(attempts, "talked", {"stages": [{"name": "platform", "approvers": LEADS}]})
    name, space = gate(attempts, "talked", "platform"), attempts.namespace
    people = {who: Terminal.of(attempts.cluster, who) for who in ("developer", "lead-1", "mallory")}
    asked = people["lead-1"].pratique("ask", name, "why ten days?", "-n", space)
    assert (asked.code, asked.out) == (0, f"{space}/{name}: said, and the others are told\n"), asked.err
    told_of = {"Asked": lead, "Answered": developer}

    def heard(event: str) -> bool:
        said = told(attempts, name, event)
        return bool(said) and told_of[event] in said[0]["message"]

    wait_for("who asked for it to be told", lambda: heard("Asked"))
    (row,) = people["developer"].inbox("-n", space)["runs"]
    assert [(each["by"], each["answers"], each["text"]) for each in row["thread"]] == [(lead, False, "why ten days?")]
    answer = people["developer"].shell(row["answer"].replace("…", "it runs over a weekend"))
    assert answer.code == 0, answer.err
    wait_for("the approvers to be told", lambda: heard("Answered"))
    (row,) = people["lead-1"].inbox("-n", space)["waiting"]
    assert [each["text"] for each in row["thread"]] == ["why ten days?", "it runs over a weekend"]
    shown = people["lead-1"].pratique("inbox", "-n", space).out
    assert f"{developer} answers: it runs over a weekend" in shown
    more = people["lead-1"].pratique("ask", name, "and why now?", "-n", space)
    assert more.code == 0, more.err
    spec = (attempts.cluster.get("approval", name, space) or {})["spec"]
    assert [each["text"] for each in spec["messages"][lead]["history"]] == ["why ten days?"]
    denied = people["mallory"].pratique("ask", name, "let me in", "-n", space)
    assert denied.code == 1 and "mallory" in denied.err
    both = {"decisions": {lead: {"verdict": "Approve", "comment": "so be it"}}, "messages": {lead: {"text": "thanks"}}}
    merge = ("patch", "approval", name, "-n", space, "--type", "merge", "-p", json.dumps({"spec": both}))
    assert attempts.cluster.kubectl("lead-1", *merge, check=False).err == "", "a decision and a message count both"
    assert phase(attempts.cluster, "talked", space, "Succeeded")["phase"] == "Succeeded"
    late = people["developer"].pratique("answer", name, "too late", "-n", space)
    assert late.code == 1 and ("decided" in late.err or "ended" in late.err)
