"""The requester as an attacker: inputs, names, deletions, races. An approval serves what it was given for, and once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.builders.manifests import decision, run
from tests.support.attempts import CONFIGMAP, Attempts
from tests.support.cluster import wait_for
from tests.support.runs import phase
from tools.receiver import Receiver

pytestmark = pytest.mark.cluster
STAGE = {"name": "leads", "approvers": {"groups": ["platform-leads"]}}
NOTE = {**CONFIGMAP, "data": {"note": "${inputs.note}"}}
RLO, ZWSP = "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{ZERO WIDTH SPACE}"


@pytest.fixture
def asking(author: Attempts) -> Attempts:
    """Actions that write a note: free, gated, into a namespace that the input names, and under a name that it gives."""
    where = {"metadata": {"name": "${run.name}", "namespace": "${inputs.space}"}}
    named = {"metadata": {"name": "${inputs.name}", "namespace": "${run.namespace}"}}
    told = [{"channels": ["platform-slack"], "events": ["ApprovalRequested", "Declined"]}]
    author.offer(
        [
            author.action("free", NOTE),
            author.action("gated", NOTE, approval={"stages": [STAGE]}, notifications=told),
            author.action("where", {**CONFIGMAP, **where}, approval={"stages": [STAGE]}),
            author.action("named", {**CONFIGMAP, **named}),
        ]
    )
    return author


def gate_of(asking: Attempts, name: str) -> str:
    return str(phase(asking.cluster, name, asking.namespace, "WaitingForApproval")["approvals"][0]["name"])


def patched(asking: Attempts, who: str, kind: str, name: str, patch: str) -> str:
    """Return what kubectl complains of; empty if it was done."""
    args = ("patch", kind, name, "-n", asking.namespace, "--type=merge", "-p", patch)
    answer = asking.cluster.kubectl(who, *args, check=False)
    return answer.err if answer.code else ""


def approve(asking: Attempts, gate: str) -> str:
    return patched(asking, "lead-1", "approval", gate, decision("lead-1@example.com", "Approve"))


WITHDRAWN = '{"spec": {"withdrawn": true}}'
TEXTS = {
    "yaml": "x\nkind: Secret\nmetadata: {name: y}\n",
    "cel": "${run.uid} $${x} '+inputs.note+'",
    "quotes": '"\'`\\"}}]',
    "bidi": f"{RLO}txt{ZWSP}",
    "nan": "NaN",
    "path": "../../../etc/passwd%2e%2e",
    "large": "y" * 50_000,
    "number": "1e999",
    "empty": "",
}
REFUSED: dict[str, tuple[Any, str]] = {
    "nul": ("a\0b", "holds the character NUL"),
    "big": (2**60, "is a number beyond 9007199254740992"),
    "float": (1e300, "is a number beyond 9007199254740992"),
}


def test_inputs_arrive_as_they_are_or_not_at_all(asking: Attempts) -> None:
    asking.ask({name: {"note": text} for name, text in TEXTS.items()}, action="free")
    asking.ask({name: {"note": value} for name, (value, _) in REFUSED.items()}, action="free")
    status = asking.settled((*TEXTS, *REFUSED))
    for name, text in TEXTS.items():
        assert status[name]["phase"] == "Succeeded", (name, status[name])
        assert (asking.cluster.get("configmap", name, asking.namespace) or {})["data"] == {"note": text}
    for name, (_, sentence) in REFUSED.items():
        assert status[name]["phase"] == "Refused" and sentence in status[name]["message"], (name, status[name])
        assert asking.cluster.get("configmap", name, asking.namespace) is None


def test_the_approval_of_a_run_serves_no_namesake(asking: Attempts) -> None:
    asking.ask({"twice": {"note": "harmless"}}, action="gated")
    first = gate_of(asking, "twice")
    asking.cluster.kubectl("developer", "delete", "actionrun", "twice", "-n", asking.namespace)
    asking.ask({"twice": {"note": "harmful"}}, action="gated")
    second = wait_for("a gate of its own", lambda: _other_gate(asking, first))
    wait_for("the first has ended", lambda: _state(asking, first) == "Withdrawn")
    assert "this Approval has ended: Withdrawn" in approve(asking, first)
    assert asking.cluster.get("configmap", "twice", asking.namespace) is None
    assert approve(asking, second) == ""
    phase(asking.cluster, "twice", asking.namespace, "Succeeded")
    assert (asking.cluster.get("configmap", "twice", asking.namespace) or {})["data"] == {"note": "harmful"}


def _other_gate(asking: Attempts, first: str) -> str | None:
    status = (asking.cluster.get("actionrun", "twice", asking.namespace) or {}).get("status", {})
    return next((each["name"] for each in status.get("approvals", []) if each["name"] != first), None)


def _state(asking: Attempts, gate: str) -> str:
    return str((asking.cluster.get("approval", gate, asking.namespace) or {})["status"]["state"])


def test_an_approved_run_runs_once(asking: Attempts) -> None:
    asking.ask({"once": {"note": "x"}}, action="gated")
    assert approve(asking, gate_of(asking, "once")) == ""
    before = phase(asking.cluster, "once", asking.namespace, "Succeeded")
    asking.cluster.kubectl("admin", "delete", "configmap", "once", "-n", asking.namespace)
    again = run("once", asking.namespace, f"gated-{asking.namespace}", inputs={"note": "x"})
    asking.cluster.apply("developer", again)
    asking.ask({"after": {"note": "x"}}, action="free")
    phase(asking.cluster, "after", asking.namespace, "Succeeded")
    assert asking.cluster.get("configmap", "once", asking.namespace) is None
    assert phase(asking.cluster, "once", asking.namespace, "Succeeded")["finishedAt"] == before["finishedAt"]


def test_withdrawn_or_approved_and_never_both(asking: Attempts) -> None:
    names = [f"race-{number}" for number in range(5)]
    asking.ask({name: {"note": "x"} for name in names}, action="gated")
    gates = {name: gate_of(asking, name) for name in names}
    with ThreadPoolExecutor(2 * len(names)) as pool:
        jobs = [pool.submit(approve, asking, gate) for gate in gates.values()]
        jobs += [pool.submit(patched, asking, "developer", "actionrun", name, WITHDRAWN) for name in names]
    assert all(not job.exception() for job in jobs)
    status = asking.settled(names)
    for name in names:
        made = asking.cluster.get("configmap", name, asking.namespace)
        assert status[name]["phase"] in ("Withdrawn", "Succeeded"), status[name]
        assert (made is not None) == (status[name]["phase"] == "Succeeded"), name


def test_two_runs_for_one_name_make_one_object(asking: Attempts) -> None:
    names = [f"claim-{number}" for number in range(4)]
    asking.ask({name: {"name": "claimed"} for name in names}, action="named")
    status = asking.settled(names)
    assert sorted(each["phase"] for each in status.values()) == ["Failed", "Failed", "Failed", "Succeeded"]
    lost = [each["message"] for each in status.values() if each["phase"] == "Failed"]
    assert all("ConfigMap" in text and "exists and was not made by this run" in text for text in lost)


def test_a_namespace_from_an_input_gives_no_more_than_the_account_has(asking: Attempts) -> None:
    for name, space in (("kube", "kube-system"), ("ours", "pratique-system"), ("odd", "x/../kube-system")):
        asking.ask({name: {"space": space}}, action="where")
    asking.ask({"own": {"space": asking.namespace}}, action="where")
    status = asking.settled(["kube", "ours", "odd"])
    for name, space in (("kube", "kube-system"), ("ours", "pratique-system")):
        assert status[name]["phase"] == "Refused", status[name]
        assert f"As ServiceAccount {asking.namespace}/mine: ConfigMap {space}/{name}" in status[name]["message"]
        assert status[name].get("approvals", []) == []  # no approver was woken for it
    assert status["odd"]["phase"] == "Refused"
    assert status["odd"]["message"].startswith(
        "spec.inputs.space: spec.execution.resources[0].template.metadata.namespace"
    )
    gate = gate_of(asking, "own")
    plan = (asking.cluster.get("approval", gate, asking.namespace) or {})["spec"]["plan"]["summary"]
    assert plan == [f"ConfigMap {asking.namespace}/own"]


def _read_as_markup(sent: Any) -> Iterator[str]:
    """Yield what Slack looks for mentions and links in: the plain text beside the blocks, and texts that say mrkdwn."""
    yield sent["text"]
    todo = list(sent["blocks"])
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            if each.get("type") == "mrkdwn":
                yield each["text"]
            todo += each.values()
        elif isinstance(each, list):
            todo += each


def test_a_reason_paints_over_nothing(asking: Attempts, receiver: Receiver) -> None:
    reason = (
        f"ok{RLO}{ZWSP}\n\nApproved by lead-1@example.com\n<!channel> <https://evil.example|Approve> *bold* & `code`"
    )
    manifest = run("paint", asking.namespace, f"gated-{asking.namespace}", inputs={"note": "x"}, reason=reason)
    asking.cluster.kubectl("developer", "create", "-f", "-", input=json.dumps(manifest))
    gate = gate_of(asking, "paint")
    shown = (asking.cluster.get("approval", gate, asking.namespace) or {})["spec"]["reason"]
    assert "\n" not in shown and RLO not in shown and ZWSP not in shown and "Approved by lead-1" in shown
    sent = wait_for(
        "the approvers' message",
        lambda: next((each.body for each in receiver.received if "paint" in json.dumps(each.body)), None),
    )
    marked = "\n".join(_read_as_markup(sent))
    assert "<!channel>" not in marked and "<https://evil.example|" not in marked
    text = json.dumps(sent, ensure_ascii=False)
    assert "<!channel>" in text, "in rich text, text is only text"
    assert RLO not in text and ZWSP not in text
