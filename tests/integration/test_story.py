"""The demo's story as tests: each run's way through its phases, with real people on a real API server."""

import json

import yaml
from tests.builders.manifests import decision, run
from tests.support.cluster import Cluster, wait_for
from tests.support.runs import phase
from tools.installation import ROOT, OperatorProcess
from tools.receiver import Receiver

ACTION = ROOT / "examples" / "environment" / "action.yaml"


def held(cluster: Cluster, name: str, namespace: str, action: str = "create-environment") -> str:
    """Apply a run that needs approval; return the name of its Approval."""
    inputs = {"name": name, "ttl": "10d"}
    cluster.apply("developer", run(name, namespace, action, inputs=inputs, reason="for a test"))
    return str(phase(cluster, name, namespace, "WaitingForApproval")["approvals"][0]["name"])


def decide(cluster: Cluster, who: str, approval: str, namespace: str, patch: str, check: bool = True) -> str:
    """Patch an Approval as an approver does; return what kubectl complained of."""
    args = ("patch", "approval", approval, "-n", namespace, "--type", "merge", "-p", patch)
    return cluster.kubectl(who, *args, check=check).err


def short_action(cluster: Cluster, name: str, deadline: str) -> None:
    """Apply a copy of the seed Action with another deadline, as the platform team would."""
    action = yaml.safe_load(ACTION.read_text())
    action["metadata"]["name"] = name
    action["spec"]["approval"]["stages"][0]["deadline"] = deadline
    cluster.apply("admin", action)


def test_three_days_are_free(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    cluster.apply("developer", run("free", namespace, inputs={"name": "free", "ttl": "3d"}))
    status = phase(cluster, "free", namespace, "Succeeded")
    space = f"env-{namespace}-free"
    assert status["outputs"]["namespace"] == space
    assert {each["type"]: each["status"] for each in status["conditions"]}["Ready"] == "True"
    assert status.get("approvals", []) == []
    made = cluster.get("namespace", space)
    assert made is not None and made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for kind, name in (
        ("resourcequota", "pratique"),
        ("limitrange", "pratique"),
        ("networkpolicy", "pratique-isolated"),
        ("rolebinding", "pratique-edit-0"),
    ):
        assert cluster.get(kind, name, space) is not None, kind
    allowed = cluster.kubectl("developer", "auth", "can-i", "create", "deployments.apps", "-n", space)
    assert allowed.out.strip() == "yes"


def test_ten_days_are_held_until_a_lead_agrees(
    cluster: Cluster, operator: OperatorProcess, receiver: Receiver, namespace: str
) -> None:
    gate = held(cluster, "week", namespace)
    run_now = cluster.get("actionrun", "week", namespace) or {}
    assert "Waiting for 1 of group platform-leads until" in run_now["status"]["message"]
    assert "beyond the free limit" in run_now["status"]["message"]
    assert cluster.get("environment", "week", namespace) is None
    wait_for("the approvers' message", lambda: any("Approval" in text and "week" in text for text in receiver.texts()))

    assert "forbidden" in decide(
        cluster, "developer", gate, namespace, decision("developer@example.com", "Approve"), False
    )
    forged = decide(cluster, "lead-1", gate, namespace, decision("lead-2@example.com", "Approve"), False)
    assert "a decision can be recorded only under your own user name: lead-1@example.com" in forged
    decide(cluster, "lead-1", gate, namespace, decision("lead-1@example.com", "Approve", "fine by me"))

    status = phase(cluster, "week", namespace, "Succeeded")
    assert [line["event"] for line in status["timeline"]] == ["WaitingForApproval", "Running", "Succeeded"]
    approval = cluster.get("approval", gate, namespace) or {}
    recorded = approval["spec"]["decisions"]["lead-1@example.com"]
    assert recorded["groups"] == ["platform-leads"] and recorded["decidedAt"]
    assert approval["status"]["state"] == "Approved" and approval["status"]["tally"] == "1/1"
    wait_for("the requester's message", lambda: any("Approved" in text and "week" in text for text in receiver.texts()))


def test_declined_with_a_comment_creates_nothing(
    cluster: Cluster, operator: OperatorProcess, receiver: Receiver, namespace: str
) -> None:
    gate = held(cluster, "never", namespace)
    silent = decide(cluster, "lead-2", gate, namespace, decision("lead-2@example.com", "Decline"), False)
    assert "this decision needs a comment" in silent
    decide(cluster, "lead-2", gate, namespace, decision("lead-2@example.com", "Decline", "use staging"))
    status = phase(cluster, "never", namespace, "Declined", "Succeeded")
    assert status["message"] == "Declined by lead-2@example.com: use staging"
    assert cluster.get("environment", "never", namespace) is None
    wait_for("the requester reads why", lambda: any("use staging" in text for text in receiver.texts()))


def test_unanswered_is_expired_and_not_declined(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    short_action(cluster, "short-deadline", "2s")
    gate = held(cluster, "late", namespace, "short-deadline")
    status = phase(cluster, "late", namespace, "Expired", "Declined")
    assert status["phase"] == "Expired" and "it was not declined" in status["message"]
    refused = decide(cluster, "lead-1", gate, namespace, decision("lead-1@example.com", "Approve"), False)
    assert "has ended: Expired" in refused
    assert cluster.get("environment", "late", namespace) is None


def test_withdrawn_by_its_requester_only(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    held(cluster, "back", namespace)
    patch = ("patch", "actionrun", "back", "-n", namespace, "--type", "merge", "-p", '{"spec":{"withdrawn":true}}')
    cluster.kubectl(
        "admin",
        "create",
        "rolebinding",
        "d2",
        "-n",
        namespace,
        "--clusterrole=pratique-requester",
        "--user=mallory@example.com",
    )
    assert "may withdraw this run" in cluster.kubectl("mallory", *patch, check=False).err
    cluster.kubectl("developer", *patch)
    assert phase(cluster, "back", namespace, "Withdrawn")["message"] == "The requester took it back"


def test_deleting_a_waiting_run_withdraws_it(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    gate = held(cluster, "deleted", namespace)
    cluster.kubectl("developer", "delete", "actionrun", "deleted", "-n", namespace)
    approval = wait_for(
        "the Approval ends",
        lambda: next(
            (each for each in [cluster.get("approval", gate, namespace) or {}] if each["status"]["state"] != "Pending"),
            None,
        ),
    )
    assert approval["status"]["state"] == "Withdrawn"


def test_an_environment_is_gone_when_its_time_is_up(
    cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    cluster.apply("developer", run("brief", namespace, inputs={"name": "brief", "ttl": "3d"}))
    phase(cluster, "brief", namespace, "Succeeded")
    environment = {
        "apiVersion": "pratique.dev/v1alpha1",
        "kind": "Environment",
        "metadata": {"name": "seconds", "namespace": namespace},
        "spec": {"ttl": "3s", "warnings": ["2s"], "target": {"namespace": {"name": f"env-{namespace}-seconds"}}},
    }
    cluster.apply("admin", environment)
    wait_for("its namespace is there", lambda: cluster.get("namespace", f"env-{namespace}-seconds"))
    wait_for("the Environment is gone", lambda: cluster.get("environment", "seconds", namespace) is None, 60)
    assert cluster.get("namespace", f"env-{namespace}-seconds") is None
    assert cluster.get("namespace", f"env-{namespace}-brief") is not None


def test_applying_again_changes_nothing(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    manifest = run("again", namespace, inputs={"name": "again", "ttl": "3d"})
    cluster.apply("developer", manifest)
    phase(cluster, "again", namespace, "Succeeded")
    assert "unchanged" in cluster.apply("developer", manifest).out
    server_side = cluster.kubectl(
        "developer", "apply", "--server-side", "--force-conflicts", "-f", "-", input=json.dumps(manifest)
    )
    assert server_side.code == 0
    assert phase(cluster, "again", namespace, "Succeeded")["phase"] == "Succeeded"
