"""What is told is true when it is sent: a request that was decided while its channel was down is not offered any more."""

import yaml
from tests.builders.manifests import decision, run
from tests.support.cluster import Cluster, wait_for
from tests.support.own_plane import NOTES, note_action
from tests.support.runs import account, phase
from tools.installation import OperatorProcess
from tools.receiver import Receiver

SYSTEM = "pratique-system"


def test_a_request_that_was_decided_meanwhile_is_not_offered(
    cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    name = f"down-{namespace}"
    with Receiver(status=503) as down:
        literal = f"--from-literal=url={down.url}/hook"
        cluster.kubectl("admin", "create", "secret", "generic", name, "-n", SYSTEM, literal)
        channel = {"slack": {"webhookUrlSecretRef": {"name": name, "key": "url"}}}
        kind = {"apiVersion": "pratique.dev/v1alpha1", "kind": "NotificationChannel"}
        cluster.apply("admin", {**kind, "metadata": {"name": name}, "spec": channel})
        cluster.apply("admin", yaml.safe_dump_all(account(namespace, "writer", NOTES)))
        action = yaml.safe_load(note_action(namespace, name, gated=True))
        events = ["ApprovalRequested", "Approved", "Succeeded"]
        action["spec"]["notifications"] = [{"channels": [name], "events": events}]
        cluster.apply("admin", action)
        cluster.kubectl("admin", "wait", "--for=condition=Ready", f"action/{name}", "--timeout=30s")
        cluster.apply("developer", run("late", namespace, name, inputs={}))
        gate = phase(cluster, "late", namespace, "WaitingForApproval")["approvals"][0]["name"]
        wait_for("it was tried", lambda: len(down.received) >= 2)
        patch = decision("lead-1@example.com", "Approve")
        cluster.kubectl("lead-1", "patch", "approval", gate, "-n", namespace, "--type", "merge", "-p", patch)
        phase(cluster, "late", namespace, "Succeeded")

        def entries() -> dict[str, str]:
            status = (cluster.get("actionrun", "late", namespace) or {})["status"]
            return {each["event"]: each["state"] for each in status["notifications"] if each["channel"] == name}

        wait_for("the request is not needed any more", lambda: entries()["ApprovalRequested"] == "Skipped")
        before = len(down.received)
        down.status = 200
        wait_for(
            "what is true now is told", lambda: {**entries(), "ApprovalRequested": ""}.get("Succeeded") == "Sent", 90
        )
        told = str([each.body for each in down.received[before:]])
        assert "Approval needed" not in told
        assert "Done" in told
    cluster.kubectl("admin", "delete", "notificationchannel", name)
