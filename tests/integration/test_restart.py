"""Killed at any moment, the operator goes on where it was: what happened meanwhile counts, and nothing is made twice."""

import json
from datetime import UTC, datetime

from tests.builders.manifests import decision, run
from tests.support.cluster import Cluster, wait_for
from tests.support.runs import phase
from tools.installation import OperatorProcess


def test_what_was_decided_and_expired_while_it_was_dead_happens_on_return(
    cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    cluster.apply("developer", run("kept", namespace, inputs={"name": "kept", "ttl": "10d"}, reason="for a test"))
    gate = phase(cluster, "kept", namespace, "WaitingForApproval")["approvals"][0]["name"]
    space = f"env-{namespace}-short"
    target = {"namespace": {"name": space}}
    short = {
        "apiVersion": "pratique.dev/v1alpha1",
        "kind": "Environment",
        "metadata": {"name": "short", "namespace": namespace},
        "spec": {"ttl": "5s", "target": target},
    }
    cluster.apply("admin", short)
    wait_for("the namespace is there", lambda: cluster.get("namespace", space))
    ends = wait_for("it says how long", lambda: _expires(cluster, namespace))

    operator.kill()
    patch = decision("lead-2@example.com", "Approve")
    cluster.kubectl("lead-2", "patch", "approval", gate, "-n", namespace, "--type", "merge", "-p", patch)
    cluster.apply("developer", run("asked", namespace, inputs={"name": "asked", "ttl": "3d"}))
    wait_for("its time is up", lambda: datetime.now(UTC) > datetime.fromisoformat(ends))
    assert cluster.get("environment", "kept", namespace) is None
    assert cluster.get("environment", "short", namespace) is not None

    operator.start()
    operator.wait_ready()
    assert phase(cluster, "kept", namespace, "Succeeded")["resources"][0]["uid"]
    phase(cluster, "asked", namespace, "Succeeded")
    wait_for("the Environment is gone", lambda: cluster.get("environment", "short", namespace) is None, 60)
    assert cluster.get("namespace", space) is None


def _expires(cluster: Cluster, namespace: str) -> str:
    return str((cluster.get("environment", "short", namespace) or {}).get("status", {}).get("expiresAt", ""))


def test_a_restart_writes_nothing(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    cluster.apply("developer", run("done", namespace, inputs={"name": "done", "ttl": "3d"}))
    phase(cluster, "done", namespace, "Succeeded")
    wait_for("all is told", lambda: all_told(cluster, namespace))
    before = versions(cluster, namespace)
    operator.kill()
    operator.start()
    operator.wait_ready()
    cluster.apply("developer", run("next", namespace, inputs={"name": "next", "ttl": "3d"}))
    phase(cluster, "next", namespace, "Succeeded")
    assert {name: version for name, version in versions(cluster, namespace).items() if name in before} == before


def test_what_has_ended_is_not_listed_and_not_kept(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    """A start knows what waits, and none of what has ended; what is granted then goes on as ever."""
    gates = {}
    for name in ("over", "waits"):
        cluster.apply("developer", run(name, namespace, inputs={"name": name, "ttl": "10d"}, reason="for a test"))
        gates[name] = phase(cluster, name, namespace, "WaitingForApproval")["approvals"][0]["name"]
    cluster.apply("developer", run("free", namespace, inputs={"name": "free", "ttl": "3d"}))
    patch = decision("lead-2@example.com", "Approve")
    cluster.kubectl("lead-2", "patch", "approval", gates["over"], "-n", namespace, "--type", "merge", "-p", patch)
    wait_for("runs are settled", lambda: unsettled(cluster, "actionruns", namespace) == ["waits"])
    wait_for("and gates", lambda: unsettled(cluster, "approvals", namespace) == [gates["waits"]])
    operator.kill()
    operator.start()
    operator.wait_ready()
    everywhere = {kind: len(unsettled(cluster, kind)) for kind in ("actionruns", "approvals")}
    filled = [line for line in operator.log.read_text().splitlines() if "Cache filled:" in line][-1]
    assert all(f"{number} {kind}" in filled for kind, number in everywhere.items()), filled
    cluster.kubectl("lead-2", "patch", "approval", gates["waits"], "-n", namespace, "--type", "merge", "-p", patch)
    phase(cluster, "waits", namespace, "Succeeded")
    wait_for("nothing is left", lambda: not unsettled(cluster, "actionruns", namespace))


def test_a_gate_that_was_granted_before_its_run_knew_of_it_is_followed(
    cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    """Killed after the gate was opened, and again after it was granted: the run has no word of it, and no list shows it."""
    cluster.apply("developer", run("twice", namespace, inputs={"name": "twice", "ttl": "10d"}, reason="for a test"))
    gate = phase(cluster, "twice", namespace, "WaitingForApproval")["approvals"][0]["name"]
    operator.kill()
    patch = decision("lead-2@example.com", "Approve")
    cluster.kubectl("lead-2", "patch", "approval", gate, "-n", namespace, "--type", "merge", "-p", patch)
    written = (("actionrun", "twice", {"phase": "Pending"}), ("approval", gate, {"state": "Approved", "settled": True}))
    for kind, name, status in written:
        replaced = json.dumps([{"op": "replace", "path": "/status", "value": status}])
        where = ("-n", namespace, "--subresource=status", "--type=json")
        cluster.kubectl("operator", "patch", kind, name, *where, "-p", replaced)
    operator.start()
    operator.wait_ready()
    phase(cluster, "twice", namespace, "Succeeded")


def unsettled(cluster: Cluster, kind: str, namespace: str = "") -> list[str]:
    """Return the names of what has something left to do, in a namespace or everywhere."""
    where = ["-n", namespace] if namespace else ["-A"]
    selector = "--field-selector=status.settled!=true"
    found = cluster.kubectl("admin", "get", kind, *where, selector, "-o", "json").json["items"]
    return sorted(each["metadata"]["name"] for each in found)


def all_told(cluster: Cluster, namespace: str) -> bool:
    """Whether no object in the namespace has a message under way."""
    bodies = cluster.kubectl("admin", "get", "actionruns,environments", "-n", namespace, "-o", "json").json["items"]
    states = [each["state"] for body in bodies for each in body["status"].get("notifications", [])]
    return bool(states) and all(state == "Sent" for state in states)


def versions(cluster: Cluster, namespace: str) -> dict[str, str]:
    """Return the resourceVersion of every run and Environment in a namespace."""
    bodies = cluster.kubectl("admin", "get", "actionruns,environments", "-n", namespace, "-o", "json").json["items"]
    return {f"{body['kind']} {body['metadata']['name']}": body["metadata"]["resourceVersion"] for body in bodies}
