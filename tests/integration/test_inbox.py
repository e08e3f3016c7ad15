"""`pratique inbox` as people use it: each sees what waits for them and what is theirs, and its lines work as printed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builders.manifests import run
from tests.support.cluster import Answer, Cluster, wait_for
from tests.support.runs import phase
from tests.support.terminal import Terminal
from tools.installation import ROOT, OperatorProcess
from tools.receiver import Receiver

pytestmark = pytest.mark.cluster
ACTION = ROOT / "examples" / "environment" / "action.yaml"
TWO = "create-environment-by-two"


@pytest.fixture(scope="module")
def silent(cluster: Cluster, operator: OperatorProcess) -> Iterator[Receiver]:
    """A receiver that takes no message, where all goes that is told of TWO: an Action that two people have to approve."""
    with Receiver(status=400) as silent:
        where = ("-n", "pratique-system", f"--from-literal=url={silent.url}/silent")
        cluster.kubectl("admin", "create", "secret", "generic", "silent", *where)
        spec = {"slack": {"webhookUrlSecretRef": {"name": "silent", "key": "url"}}}
        meta = {"apiVersion": "pratique.dev/v1alpha1", "kind": "NotificationChannel", "metadata": {"name": "silent"}}
        cluster.apply("admin", {**meta, "spec": spec})
        action = yaml.safe_load(ACTION.read_text())
        action["metadata"]["name"] = TWO
        action["spec"]["approval"]["stages"][0]["required"] = 2
        action["spec"]["notifications"] = [{"channels": ["silent"], "events": ["ApprovalRequested"]}]
        cluster.apply("admin", action)
        yield silent
        cluster.kubectl("admin", "delete", "notificationchannel/silent", f"action/{TWO}")
        cluster.kubectl("admin", "delete", "secret", "silent", "-n", "pratique-system")


def ask(cluster: Cluster, name: str, namespace: str, action: str = "create-environment") -> None:
    """Ask for ten days, as the developer; return when it is held."""
    inputs = {"name": name, "ttl": "10d"}
    cluster.apply("developer", run(name, namespace, action, inputs=inputs, reason="Load test of the checkout"))
    phase(cluster, name, namespace, "WaitingForApproval")


def names(rows: list[dict[str, Any]], field: str = "run") -> list[str]:
    """Return what rows are about."""
    return [row[field] for row in rows]


def test_a_held_run_is_in_the_leads_inbox_and_moves_when_it_is_decided(
    cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    people = {who: Terminal.of(cluster, who) for who in ("developer", "lead-1", "lead-2", "security")}
    ask(cluster, "week", namespace)
    seen = {who: terminal.inbox("-n", namespace) for who, terminal in people.items()}
    assert {who: names(found["waiting"]) for who, found in seen.items()} == {
        "developer": [],
        "lead-1": ["week"],
        "lead-2": ["week"],
        "security": [],
    }
    (row,) = seen["lead-1"]["waiting"]
    assert (row["requestedBy"], row["reason"]) == ("developer@example.com", "Load test of the checkout")
    assert "beyond the free limit" in row["heldBecause"] and row["waitingFor"] == ["group platform-leads"]
    assert row["summary"] and (row["approvals"], row["required"]) == (0, 1)
    (held,) = seen["developer"]["runs"]
    assert (held["phase"], held["until"], held["approval"]) == ("WaitingForApproval", row["deadline"], row["approval"])
    assert {names(seen[who]["runs"], "name") == [] for who in ("lead-1", "lead-2", "security")} == {True}

    answer = people["lead-1"].shell(row["approve"])
    assert answer.code == 0, answer.err
    status = phase(cluster, "week", namespace, "Succeeded")

    seen = {who: terminal.inbox("-n", namespace) for who, terminal in people.items()}
    assert all(found["waiting"] == [] for found in seen.values())
    (mine,) = seen["lead-1"]["decided"]
    assert (mine["run"], mine["verdict"], mine["state"], mine["runPhase"]) == (
        "week",
        "Approve",
        "Approved",
        "Succeeded",
    )
    assert mine["outcome"] == "Approved by lead-1@example.com: …"
    assert all(seen[who]["decided"] == [] for who in ("developer", "lead-2", "security"))
    (done,) = seen["developer"]["runs"]
    assert (done["phase"], done["outputs"], done["ended"]) == ("Succeeded", status["outputs"], True)
    (environment,) = seen["developer"]["environments"]
    assert (environment["target"], environment["keptFor"]) == (f"env-{namespace}-week", "10d")
    assert (environment["phase"], environment["warned"]) == ("Active", [])
    told = [(each["kind"], each["event"]) for each in seen["developer"]["events"]]
    of_the_run = [event for kind, event in told if kind == "ActionRun"]
    assert of_the_run == ["Succeeded", "Running", "WaitingForApproval"]
    assert ("Environment", "Active") in told


def test_who_has_decided_sees_for_whom_it_still_waits(cluster: Cluster, silent: Receiver, namespace: str) -> None:
    first, second = Terminal.of(cluster, "lead-1"), Terminal.of(cluster, "lead-2")
    ask(cluster, "both", namespace, TWO)
    (row,) = first.inbox("-n", namespace)["waiting"]
    assert first.shell(row["approve"].replace("…", "fine by me")).code == 0
    gate = row["approval"]
    wait_for("the first is counted", lambda: _tally(cluster, gate, namespace) == "1/2")

    found = first.inbox("-n", namespace)
    assert (names(found["waiting"]), names(found["decided"])) == ([], ["both"])
    assert (found["decided"][0]["state"], found["decided"][0]["endedAt"]) == ("Pending", None)
    assert found["decided"][0]["outcome"].startswith("Waiting for 1 more of group platform-leads")
    (row,) = second.inbox("-n", namespace)["waiting"]
    assert [(said["by"], said["comment"]) for said in row["said"]] == [("lead-1@example.com", "fine by me")]
    assert second.shell(row["decline"].replace("…", "use staging")).code == 0
    phase(cluster, "both", namespace, "Declined")
    (ended,) = first.inbox("-n", namespace)["decided"]
    assert (ended["verdict"], ended["outcome"]) == ("Approve", "Declined by lead-2@example.com: use staging")


def test_what_no_channel_could_tell_is_in_the_inbox(cluster: Cluster, silent: Receiver, namespace: str) -> None:
    developer, lead = Terminal.of(cluster, "developer"), Terminal.of(cluster, "lead-1")

    def missing(name: str) -> list[Any]:
        rows = lead.inbox("-n", namespace)["waiting"]
        return [each for row in rows if row["run"] == name for each in row["undelivered"]]

    ask(cluster, "silent", namespace, TWO)
    (missed,) = wait_for("the message is given up", lambda: missing("silent"))
    assert (missed["event"], missed["channel"], missed["state"]) == ("ApprovalRequested", "silent", "GivenUp")
    assert missed["reason"].startswith("the receiver answered 400 Bad Request")
    assert developer.inbox("-n", namespace)["runs"][0]["undelivered"] == [missed]
    assert "not told       ApprovalRequested through silent" in lead.pratique("inbox", "-n", namespace).out
    assert "Messages that did not arrive" in developer.pratique("inbox", "-n", namespace).out

    silent.status = 404
    ask(cluster, "later", namespace, TWO)
    (waits,) = wait_for("the message is tried in vain", lambda: missing("later"))
    assert (waits["state"], waits["reason"].partition(":")[0]) == ("Pending", "the receiver answered 404 Not Found")
    assert "404 Not Found; it is tried again" in " ".join(lead.pratique("inbox", "-n", namespace).out.split())


@pytest.mark.parametrize("who", ["lead-odd", "lead-umlaut"])
def test_the_printed_line_works_for_any_user_name(
    cluster: Cluster, operator: OperatorProcess, namespace: str, who: str
) -> None:
    ask(cluster, who, namespace)
    terminal = Terminal.of(cluster, who)
    (line,) = [each for each in terminal.pratique("inbox", "-n", namespace).out.splitlines() if '"Approve"' in each]
    answer = terminal.shell(line)
    assert answer.code == 0, answer.err
    phase(cluster, who, namespace, "Succeeded")


class TestWhatOneMayNotSee:
    def test_is_one_sentence_with_the_remedy(self, cluster: Cluster, namespace: str) -> None:
        answer = Terminal.of(cluster, "mallory").pratique("inbox", "-n", namespace)
        assert (answer.code, answer.out) == (1, "")
        assert answer.err == (
            f"You may not list actionruns, approvals and environments in namespace {namespace}, so they are left out:"
            " ask your platform team for the role pratique-viewer there.\n"
        )

    def test_leaves_the_rest_to_be_seen(self, cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
        role = ("--verb=get,list", "--resource=approvals.pratique.dev", "-n", namespace)
        cluster.kubectl("admin", "create", "role", "sees-approvals", *role)
        bound = ("--role=sees-approvals", "--user=mallory@example.com", "-n", namespace)
        cluster.kubectl("admin", "create", "rolebinding", "sees-approvals", *bound)
        terminal = Terminal.of(cluster, "mallory")

        def look() -> Answer | None:
            answer = terminal.pratique("inbox", "-n", namespace, "-o", "json")
            return answer if answer.code == 0 else None

        found = wait_for("the role counts", look)
        assert [each["kinds"] for each in found.json["unseen"]] == [["actionruns", "environments"]]
        assert found.err.count("\n") == 1
        everywhere = terminal.pratique("inbox", "-A")
        assert everywhere.code == 1
        assert everywhere.err == (
            "You may not list actionruns, approvals and environments in all namespaces:"
            " name those where you may (-n NAMESPACE, which may be repeated).\n"
        )


def with_user(cluster: Cluster, who: str, folder: Path, **user: Any) -> Terminal:
    """Return a terminal with the kubeconfig of somebody, but for these settings of its user."""
    known = yaml.safe_load(cluster.identities.kubeconfig(who).read_text())
    for each in known["users"]:
        each["user"] |= user
    (folder / "config").write_text(yaml.safe_dump(known))
    return Terminal(folder / "config", cluster.runner.program, folder)


def test_as_whom_a_kubeconfig_says(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    acting = {"as": "lead-2@example.com", "as-groups": ["platform-leads", "developers"]}
    viewer = with_user(cluster, "admin", tmp_path, **acting).inbox("-n", namespace)["viewer"]
    assert viewer["username"] == "lead-2@example.com"
    assert viewer["groups"] == ["platform-leads", "developers", "system:authenticated"]


def test_credentials_that_nobody_knows(cluster: Cluster, tmp_path: Path) -> None:
    terminal = with_user(cluster, "developer", tmp_path, token="of-last-year", **{"as": None, "as-groups": None})
    answer = terminal.pratique("inbox")
    assert (answer.code, answer.out) == (1, "")
    assert "does not accept your credentials: log in again" in answer.err and answer.err.count("\n") == 1


def test_yaml_and_json_say_the_same(cluster: Cluster, namespace: str) -> None:
    terminal = Terminal.of(cluster, "developer")
    texts = {form: terminal.pratique("inbox", "-n", namespace, "-o", form).out for form in ("json", "yaml")}
    parsed = [json.loads(texts["json"]), yaml.load(texts["yaml"], yaml.BaseLoader)]
    assert parsed[0].keys() == parsed[1].keys()
    assert terminal.pratique("inbox", "-n", namespace).out.splitlines()[2:] == ["Nothing waits for you."]


def _tally(cluster: Cluster, gate: str, namespace: str) -> str:
    return str((cluster.get("approval", gate, namespace) or {})["status"].get("tally"))
