"""The write budget: what one run costs the API server, counted in its own audit log. Times are not tested, writes are."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cluster import Cluster, wait_for
from tests.support.manifests import decision, run
from tests.support.own_plane import NOTES_AND_JOBS, job_action, note_action, own_plane
from tests.support.runs import phase
from tools.controlplane.plane import ControlPlane
from tools.controlplane.servers import Options
from tools.installation import OperatorProcess

SPACE = "budget"


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Path]]:
    """A control plane of its own with an audit log, an operator, and an Action that makes one ConfigMap."""
    folder = tmp_path_factory.mktemp("budget")
    with own_plane(SPACE, folder, Options(audit="Metadata"), NOTES_AND_JOBS) as (plane, cluster):
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log")
        operator.start()
        operator.wait_ready()
        for action in (note_action(SPACE), job_action(SPACE)):
            cluster.apply("admin", action)
        yield cluster, _log(plane)
        operator.stop()


def _log(plane: ControlPlane) -> Path:
    assert plane.audit_log is not None
    return plane.audit_log


def writes(log: Path, run_name: str) -> Counter[str]:
    """Return the writes that were accepted for a run and what belongs to it, dry runs and Events left out."""
    found: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        what = entry.get("objectRef", {})
        accepted = entry["stage"] == "ResponseComplete" and entry["responseStatus"]["code"] < 300
        writing = entry["verb"] in ("create", "update", "patch") and "dryRun" not in entry["requestURI"]
        about = what.get("namespace") == SPACE and str(what.get("name") or "").startswith(run_name)
        if accepted and writing and about and what["resource"] != "events":
            part = f"/{what['subresource']}" if "subresource" in what else ""
            found[f"{entry['verb']} {what['resource']}{part}"] += 1
    return found


def told(cluster: Cluster, name: str) -> bool:
    """Whether nothing is left to be told of a run."""
    entries = (cluster.get("actionrun", name, SPACE) or {})["status"].get("notifications", [])
    return all(entry["state"] == "Sent" for entry in entries)


def test_a_free_run_costs_three_writes_and_one_mark(audited: tuple[Cluster, Path]) -> None:
    cluster, log = audited
    cluster.kubectl(
        "developer", "create", "-f", "-", input=json.dumps(run("free", SPACE, "note", inputs={"gated": False}))
    )
    phase(cluster, "free", SPACE, "Succeeded")
    wait_for("it is told", lambda: told(cluster, "free"))
    marks = Counter({"patch actionruns/status": 1})
    assert writes(log, "free") - marks == Counter(
        {"create actionruns": 1, "create configmaps": 1, "patch actionruns/status": 1}
    )


def test_a_gated_run_costs_seven_writes_and_two_marks(audited: tuple[Cluster, Path]) -> None:
    cluster, log = audited
    cluster.kubectl(
        "developer", "create", "-f", "-", input=json.dumps(run("gated", SPACE, "note", inputs={"gated": True}))
    )
    gate = phase(cluster, "gated", SPACE, "WaitingForApproval")["approvals"][0]["name"]
    wait_for("approvers are told", lambda: told(cluster, "gated"))
    patch = decision("lead-1@example.com", "Approve")
    cluster.kubectl("lead-1", "patch", "approval", gate, "-n", SPACE, "--type", "merge", "-p", patch)
    phase(cluster, "gated", SPACE, "Succeeded")
    wait_for("it is told", lambda: told(cluster, "gated"))
    found = writes(log, "gated")
    marks = found["patch actionruns/status"] - 2
    assert 1 <= marks <= 3, found
    assert found - Counter({"patch actionruns/status": marks}) == Counter(
        {
            "create actionruns": 1,
            "create approvals": 1,
            "patch approvals": 1,
            "patch approvals/status": 1,
            "create configmaps": 1,
            "patch actionruns/status": 2,
        }
    )


def test_an_object_that_can_vanish_costs_two_writes_more(audited: tuple[Cluster, Path]) -> None:
    """Once the end is on record the Job gets the TTL that was planned, and the run forgets that it kept it."""
    cluster, log = audited
    cluster.kubectl("developer", "create", "-f", "-", input=json.dumps(run("job", SPACE, "job", inputs={})))
    phase(cluster, "job", SPACE, "Succeeded")
    wait_for("it is told", lambda: told(cluster, "job"))
    wait_for("the Job has its own TTL", lambda: not _held(cluster, "job"))
    found = writes(log, "job")
    del found["update jobs/status"]  # the Job controller's
    found.subtract({"create actionruns": 1, "create jobs": 1, "patch jobs": 1, "patch actionruns/status": 2})
    assert +found in (Counter(), Counter({"patch actionruns/status": 1})), "the mark may be part of the last write"
    assert not -found


def _held(cluster: Cluster, name: str) -> bool:
    resources = (cluster.get("actionrun", name, SPACE) or {})["status"]["resources"]
    return any(each.get("held") for each in resources)
