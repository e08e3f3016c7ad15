"""The API server goes away, comes back, forgets its history, or the operator stands still: it goes on, and is right."""

import json
import os
import signal
import ssl
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.builders.manifests import decision, run
from tests.support.cluster import Cluster, wait_for
from tests.support.own_plane import note_action, own_plane
from tests.support.runs import phase
from tools.controlplane.plane import ControlPlane
from tools.controlplane.processes import alive
from tools.controlplane.servers import Options
from tools.installation import OperatorProcess

SPACE = "outage"
OUTAGE_SECONDS = 4


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ControlPlane, Cluster, OperatorProcess]]:
    """A control plane that may be stopped, and an operator that must not notice more than it has to."""
    folder = tmp_path_factory.mktemp("outage")
    with own_plane(SPACE, folder, Options(durable=True)) as (plane, cluster):
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log")
        operator.start()
        operator.wait_ready()
        for name, deadline in (("note", "1h"), ("hasty", "6s")):
            cluster.apply("admin", note_action(SPACE, name, gated=True, deadline=deadline))
        yield plane, cluster, operator
        operator.stop()
        assert "Traceback" not in operator.log.read_text(), operator.log.read_text()[-5000:]


def ask(cluster: Cluster, name: str, action: str = "note", **inputs: Any) -> str:
    """Ask as the developer; return the name of the gate once the run waits."""
    cluster.apply("developer", run(name, SPACE, action, inputs=inputs))
    return str(phase(cluster, name, SPACE, "WaitingForApproval")["approvals"][0]["name"])


def start_again(plane: ControlPlane, cluster: Cluster) -> None:
    """Start the API server and wait until its policies know our kinds: until then it answers 503 to who creates one."""
    plane.start()
    asked = ("create", "--dry-run=server", "-f", "-")
    text = json.dumps(run("trial", SPACE, "note"))
    wait_for(
        "an ActionRun is taken again",
        lambda: cluster.kubectl("developer", *asked, input=text, check=False).code == 0,
    )


def approve(cluster: Cluster, gate: str) -> None:
    """Approve; an API server that has just started does not know our kinds for a moment."""
    patch = ("patch", "approval", gate, "-n", SPACE, "--type", "merge", "-p", decision("lead-1@example.com", "Approve"))
    wait_for("the decision is taken", lambda: cluster.kubectl("lead-1", *patch, check=False).code == 0)


def pid_of(operator: OperatorProcess) -> int:
    assert operator.process is not None and alive(operator.process), operator.log.read_text()[-3000:]
    return operator.process.pid


def test_an_api_server_that_restarts_is_waited_for(world: tuple[ControlPlane, Cluster, OperatorProcess]) -> None:
    plane, cluster, operator = world
    gate, hasty = ask(cluster, "kept"), ask(cluster, "late", "hasty")
    assert hasty
    before = pid_of(operator)

    plane.stop()
    time.sleep(OUTAGE_SECONDS)  # the deadline of `late` passes while nobody can write it down
    start_again(plane, cluster)

    phase(cluster, "late", SPACE, "Expired", timeout=60)
    approve(cluster, gate)
    phase(cluster, "kept", SPACE, "Succeeded", timeout=60)
    cluster.apply("developer", run("new", SPACE, "note", inputs={"gated": False}))
    phase(cluster, "new", SPACE, "Succeeded", timeout=60)
    assert pid_of(operator) == before


def test_what_happened_while_it_stood_still_and_history_was_compacted_away(
    world: tuple[ControlPlane, Cluster, OperatorProcess],
) -> None:
    plane, cluster, operator = world
    deleted, decided = ask(cluster, "deleted"), ask(cluster, "decided")
    process = pid_of(operator)
    os.kill(process, signal.SIGSTOP)
    try:
        cluster.kubectl("developer", "delete", "actionrun", "deleted", "-n", SPACE)
        approve(cluster, decided)
        cluster.apply("developer", run("asked", SPACE, "note", inputs={"gated": False}))
        compact(plane)
        plane.stop()
        start_again(plane, cluster)  # with an empty cache: whoever asks for what was before is told that it is gone
    finally:
        os.kill(process, signal.SIGCONT)
    phase(cluster, "asked", SPACE, "Succeeded", timeout=60)
    phase(cluster, "decided", SPACE, "Succeeded", timeout=60)

    def withdrawn() -> bool:
        return bool((cluster.get("approval", deleted, SPACE) or {})["status"]["state"] == "Withdrawn")

    # No event tells of the deletion: the watch begins with a list again, and what is gone is not in it.
    wait_for("the gate of the deleted run is withdrawn", withdrawn, 90)
    assert pid_of(operator) == process


def test_what_was_acknowledged_stands_over_a_restart_that_the_operator_sleeps_through(
    world: tuple[ControlPlane, Cluster, OperatorProcess],
) -> None:
    """Declined, nobody looks, the API server comes back with an empty cache: the approval that follows is not taken."""
    plane, cluster, operator = world
    gates = {verdict: ask(cluster, f"seal-{verdict.lower()}") for verdict in ("Approve", "Decline")}
    process = pid_of(operator)
    os.kill(process, signal.SIGSTOP)
    try:
        patch = ("patch", "approval", "-n", SPACE, "--type", "merge")
        for verdict, gate in gates.items():
            cluster.kubectl("lead-2", *patch, gate, "-p", decision("lead-2@example.com", verdict, "so be it"))
        plane.stop()
        start_again(plane, cluster)
        for verdict, gate in gates.items():
            other = "Approve" if verdict == "Decline" else "Decline"
            late = ("lead-1", *patch, gate, "-p", decision("lead-1@example.com", other, "no, so"))
            said = f"this Approval is decided: {verdict.lower()}d by lead-2@example.com"
            wait_for("the decision is refused", partial(refused_with, cluster, said, *late))
    finally:
        os.kill(process, signal.SIGCONT)
    phase(cluster, "seal-approve", SPACE, "Succeeded", timeout=60)
    phase(cluster, "seal-decline", SPACE, "Declined", timeout=60)


def refusal(cluster: Cluster, who: str, *args: str) -> str:
    """Return what the API server says to somebody; an API server that has just started does not know our kinds."""
    answer = cluster.kubectl(who, *args, check=False)
    assert answer.code != 0, f"accepted: {answer.out}"
    return answer.err


def refused_with(cluster: Cluster, said: str, who: str, *args: str) -> bool:
    """Whether the API server refuses it, and says so."""
    return said in refusal(cluster, who, *args)


def compact(plane: ControlPlane) -> None:
    """Make etcd forget all but the present, as it does every five minutes."""
    context = ssl.create_default_context(cafile=str(plane.ca_file))
    certificates: Path = plane.layout.certificate("")
    context.load_cert_chain(certificates / "apiserver.crt", certificates / "apiserver.key")
    url = f"https://127.0.0.1:{plane.etcd_port}/v3/kv"

    def ask_etcd(path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(f"{url}/{path}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return json.load(answer)

    revision = ask_etcd("range", {"key": "Lw=="})["header"]["revision"]
    ask_etcd("compaction", {"revision": revision, "physical": True})
