"""Two operators, one leads: the other takes over at once after a clean stop, soon after a kill; nothing is made twice."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import PEOPLE
from tests.support.cluster import Cluster, wait_for
from tests.support.manifests import decision, run
from tests.support.runs import account, phase
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.plane import temporary_plane
from tools.controlplane.servers import Options
from tools.installation import OperatorProcess, install_pratique

SPACE = "leaders"
ACTION = """
apiVersion: pratique.dev/v1alpha1
kind: Action
metadata: {name: note}
spec:
  title: Write a note
  inputs: {schema: {type: object, properties: {gated: {type: boolean, default: false}}}}
  approval:
    stages: [{name: lead, when: inputs.gated, approvers: {groups: [platform-leads]}}]
  execution:
    serviceAccountRef: {namespace: leaders, name: writer}
    resources:
    - id: note
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: "${run.name}", namespace: "${run.namespace}"}}
---
apiVersion: pratique.dev/v1alpha1
kind: Action
metadata: {name: job}
spec:
  title: Run a Job that vanishes when it is done
  inputs: {schema: {type: object}}
  execution:
    serviceAccountRef: {namespace: leaders, name: writer}
    resources:
    - id: job
      readyWhen: "true"
      template:
        apiVersion: batch/v1
        kind: Job
        metadata: {name: "${run.name}", namespace: "${run.namespace}"}
        spec:
          ttlSecondsAfterFinished: 0
          template: {spec: {restartPolicy: Never, containers: [{name: main, image: none}]}}
"""
Planes = tuple[Cluster, Path, Path]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planes]:
    """A control plane of its own with an audit log, and an Action."""
    folder = tmp_path_factory.mktemp("leaders")
    with temporary_plane("leaders", Options(audit="Metadata")) as plane:
        cluster = Cluster(plane, Kubectl(folder / "kube-cache"))
        install_pratique(cluster.runner, plane.kubeconfig("admin"))
        cluster.kubectl("admin", "apply", "-f", str(PEOPLE))
        cluster.kubectl("admin", "create", "namespace", SPACE)
        rights = {"apiGroups": ["", "batch"], "resources": ["configmaps", "jobs"], "verbs": ["create", "get", "patch"]}
        cluster.apply("admin", yaml.safe_dump_all(account(SPACE, "writer", rights)))
        cluster.apply("admin", ACTION)
        assert plane.audit_log is not None
        yield cluster, folder, plane.audit_log


def start(world: Planes, name: str, *arguments: str) -> OperatorProcess:
    cluster, folder, _ = world
    config = cluster.identities.kubeconfig("operator")
    operator = OperatorProcess(config, folder / f"{name}.log", arguments=("--identity", name, *arguments))
    operator.start()
    operator.wait_ready()
    return operator


def holder(cluster: Cluster) -> str:
    lease = cluster.get("lease", "pratique", "pratique-system") or {}
    return str(lease.get("spec", {}).get("holderIdentity", ""))


def asked(cluster: Cluster, name: str) -> float:
    """Ask for a note; return after how many seconds it was written."""
    began = time.monotonic()
    cluster.apply("developer", run(name, SPACE, "note", inputs={}))
    phase(cluster, name, SPACE, "Succeeded", timeout=40)
    return time.monotonic() - began


def test_the_standby_takes_over(world: Planes) -> None:
    cluster, folder, _ = world
    first = start(world, "first")
    wait_for("the first leads", lambda: holder(cluster).startswith("first_"))
    second = start(world, "second")
    asked(cluster, "by-first")
    assert holder(cluster).startswith("first_")

    first.stop()
    assert asked(cluster, "after-a-clean-stop") < 5
    assert holder(cluster).startswith("second_")

    first = start(world, "first")
    second.kill()
    assert asked(cluster, "after-a-kill") < 15
    assert holder(cluster).startswith("first_")

    first.kill()
    first = start(world, "first")
    assert asked(cluster, "after-a-restart-in-place") < 6
    first.stop()
    logs = [(folder / f"{name}.log").read_text() for name in ("first", "second")]
    assert not [log for log in logs if "Traceback" in log]


def test_a_leader_that_stood_still_stands_by_when_it_goes_on(world: Planes) -> None:
    cluster, folder, _ = world
    first = start(world, "frozen")
    wait_for("it leads", lambda: holder(cluster).startswith("frozen_"))
    second = start(world, "awake")
    assert first.process is not None
    os.kill(first.process.pid, signal.SIGSTOP)
    try:
        assert asked(cluster, "while-frozen") < 15
        assert holder(cluster).startswith("awake_")
    finally:
        os.kill(first.process.pid, signal.SIGCONT)
    wait_for("it knows", lambda: "Standing by; awake_" in (folder / "frozen.log").read_text())
    asked(cluster, "afterwards")
    assert holder(cluster).startswith("awake_")
    first.stop()
    second.stop()


def test_two_that_both_believe_they_lead_do_everything_once(world: Planes) -> None:
    cluster, _, log = world
    both = [start(world, f"believer-{number}", "--no-leader-election") for number in (1, 2)]
    runs = [run(f"both-{number}", SPACE, "note", inputs={"gated": number % 2 == 0}) for number in range(20)]
    cluster.kubectl(
        "developer", "create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": runs})
    )
    for number in range(0, 20, 2):
        gate = phase(cluster, f"both-{number}", SPACE, "WaitingForApproval")["approvals"][0]["name"]
        patch = decision("lead-1@example.com", "Approve")
        cluster.kubectl("lead-1", "patch", "approval", gate, "-n", SPACE, "--type", "merge", "-p", patch)
    for number in range(20):
        phase(cluster, f"both-{number}", SPACE, "Succeeded")
    for operator in both:
        operator.stop()
    made = created(log)
    assert sorted(made["configmaps"]) == sorted(f"both-{number}" for number in range(20))
    assert len(made["approvals"]) == 10
    assert len(set(made["events"])) == len(made["events"])


def test_a_job_that_vanishes_at_once_is_made_once_by_two(world: Planes) -> None:
    """Nothing holds the name of a Job that is gone: only the run that is read again says that it was made."""
    cluster, _, log = world
    both = [start(world, f"believer-{number}", "--no-leader-election") for number in (1, 2)]
    names = [f"both-job-{number}" for number in range(12)]
    runs = [run(name, SPACE, "job", inputs={}) for name in names]
    cluster.kubectl(
        "developer", "create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": runs})
    )
    for name in names:
        phase(cluster, name, SPACE, "Succeeded")
        cluster.kubectl("admin", "delete", "job", name, "-n", SPACE, "--wait=false", "--cascade=orphan")
    asked(cluster, "afterwards-too")
    for operator in both:
        operator.stop()
    assert sorted(created(log)["jobs"]) == sorted(names)


def created(log: Path) -> dict[str, list[str]]:
    """Return the names of what was created in both's time, by kind, as often as it was created."""
    found: dict[str, list[str]] = {"configmaps": [], "approvals": [], "events": [], "jobs": []}
    for line in log.read_text().splitlines():
        entry: dict[str, Any] = json.loads(line)
        what = entry.get("objectRef", {})
        done = entry["stage"] == "ResponseComplete" and entry["responseStatus"]["code"] == 201
        if done and entry["verb"] == "create" and "dryRun" not in entry["requestURI"] and what.get("resource") in found:
            name = str(what.get("name") or "")
            if what.get("namespace") == SPACE and name.startswith("both-"):
                found[what["resource"]].append(name)
    return found
