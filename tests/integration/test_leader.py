"""Two operators, one leads: the other takes over at once after a clean stop, soon after a kill; nothing is made twice."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.builders.manifests import decision, run
from tests.support.cluster import Cluster, wait_for
from tests.support.own_plane import NOTES_AND_JOBS, job_action, note_action, own_plane
from tests.support.runs import phase
from tools.controlplane.servers import Options
from tools.installation import OperatorProcess

SPACE = "leaders"
WARM = 5.0
"""Seconds from the Lease to the first write for what waited: a few requests, and much room for a busy machine."""
pytestmark = pytest.mark.timeout(600)  # processes are started and ended one after another, on a busy machine too
Planes = tuple[Cluster, Path, Path]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planes]:
    """A control plane of its own with an audit log, and an Action."""
    folder = tmp_path_factory.mktemp("leaders")
    with own_plane(SPACE, folder, Options(audit="Metadata"), NOTES_AND_JOBS) as (plane, cluster):
        for action in (note_action(SPACE), job_action(SPACE)):
            cluster.apply("admin", action)
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
    cluster, folder, log = world
    first = start(world, "first")
    wait_for("the first leads", lambda: holder(cluster).startswith("first_"))
    second = start(world, "second")
    asked(cluster, "by-first")
    waiting = [run(f"waits-{number}", SPACE, "note", inputs={"gated": True}) for number in range(30)]
    create(cluster, waiting)
    for each in waiting:
        phase(cluster, each["metadata"]["name"], SPACE, "WaitingForApproval")
    assert holder(cluster).startswith("first_")

    began = time.time()
    first.stop()
    assert asked(cluster, "after-a-clean-stop") < 5
    assert holder(cluster).startswith("second_")
    assert written(log, "after-a-clean-stop") - leads(folder, "second", began) < WARM

    first = start(world, "first")
    began = time.time()
    second.kill()
    assert asked(cluster, "after-a-kill") < 15
    assert holder(cluster).startswith("first_")
    assert written(log, "after-a-kill") - leads(folder, "first", began) < WARM
    assert len(created(log, "waits-")["approvals"]) == 30

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


def test_the_lease_goes_with_the_right_to_it_and_comes_back_with_it(world: Planes) -> None:
    """Who uninstalls takes the Role away first: a Lease that nobody may give up any more must not keep others waiting."""
    cluster, _, _ = world
    operator = start(world, "uninstalled")
    wait_for("it leads", lambda: holder(cluster).startswith("uninstalled_"))
    role = cluster.get("role", "pratique-leader", "pratique-system")
    assert role is not None
    assert owners(cluster) == [role["metadata"]["uid"]]
    cluster.kubectl("admin", "delete", "role", "pratique-leader", "-n", "pratique-system")
    wait_for("the Lease is gone", lambda: cluster.get("lease", "pratique", "pratique-system") is None)
    named = {key: role["metadata"][key] for key in ("name", "namespace", "labels")}
    cluster.apply("admin", {**role, "metadata": named})
    wait_for("it leads again", lambda: holder(cluster).startswith("uninstalled_"))
    again = (cluster.get("role", "pratique-leader", "pratique-system") or role)["metadata"]["uid"]
    assert again != role["metadata"]["uid"]
    wait_for("it belongs to the Role that is there now", lambda: owners(cluster) == [again])
    operator.stop()


def owners(cluster: Cluster) -> list[str]:
    lease = cluster.get("lease", "pratique", "pratique-system") or {}
    return [each["uid"] for each in lease.get("metadata", {}).get("ownerReferences", [])]


def test_two_that_both_believe_they_lead_do_everything_once(world: Planes) -> None:
    cluster, _, log = world
    both = [start(world, f"believer-{number}", "--no-leader-election") for number in (1, 2)]
    create(cluster, [run(f"both-{number}", SPACE, "note", inputs={"gated": number % 2 == 0}) for number in range(20)])
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
    create(cluster, [run(name, SPACE, "job", inputs={}) for name in names])
    for name in names:
        phase(cluster, name, SPACE, "Succeeded")
        cluster.kubectl("admin", "delete", "job", name, "-n", SPACE, "--wait=false", "--cascade=orphan")
    asked(cluster, "afterwards-too")
    for operator in both:
        operator.stop()
    assert sorted(created(log)["jobs"]) == sorted(names)


def create(cluster: Cluster, runs: list[dict[str, Any]]) -> None:
    """Ask for all of them at once."""
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": runs})
    cluster.kubectl("developer", "create", "-f", "-", input=items)


def leads(folder: Path, name: str, began: float) -> float:
    """Return when an operator said that it leads, first after this."""
    said = re.findall(r"^(\S+) .*: Leading as ", (folder / f"{name}.log").read_text(), re.MULTILINE)
    return next(when for when in (datetime.fromisoformat(each).timestamp() for each in said) if when > began)


def written(log: Path, name: str) -> float:
    """Return when a status of a run was written first."""
    for line in log.read_text().splitlines():
        entry: dict[str, Any] = json.loads(line)
        what = entry.get("objectRef", {})
        if entry["verb"] == "patch" and (what.get("name"), what.get("subresource")) == (name, "status"):
            return datetime.fromisoformat(entry["requestReceivedTimestamp"]).timestamp()
    raise AssertionError(f"nothing was written for {name}")


def created(log: Path, prefix: str = "both-") -> dict[str, list[str]]:
    """Return the names of what was created for runs of this prefix, by kind, as often as it was created."""
    found: dict[str, list[str]] = {"configmaps": [], "approvals": [], "events": [], "jobs": []}
    for line in log.read_text().splitlines():
        entry: dict[str, Any] = json.loads(line)
        what = entry.get("objectRef", {})
        done = entry["stage"] == "ResponseComplete" and entry["responseStatus"]["code"] == 201
        if done and entry["verb"] == "create" and "dryRun" not in entry["requestURI"] and what.get("resource") in found:
            name = str(what.get("name") or "")
            if what.get("namespace") == SPACE and name.startswith(prefix):
                found[what["resource"]].append(name)
    return found
