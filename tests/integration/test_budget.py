"""The budget: what one run costs the API server, counted in its own audit log. Times are not tested, requests are.

First the writes, of whoever makes them; then all that the operator asks for, reads and dry runs too.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.builders.manifests import decision, run
from tests.support.cluster import Cluster, wait_for
from tests.support.own_plane import NOTES_AND_JOBS, brief_action, failing_action, job_action, note_action, own_plane
from tests.support.runs import phase
from tools.codegen.values import Values
from tools.controlplane.plane import ControlPlane
from tools.controlplane.servers import Options
from tools.installation import OperatorProcess

from pratique.core.operating.leadership import Terms
from pratique.processes.settings import Settings

OPERATOR = Values().operator
SPACE = "budget"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Path, OperatorProcess]]:
    """A control plane of its own with an audit log, an operator, and an Action that makes one ConfigMap."""
    folder = tmp_path_factory.mktemp("budget")
    with own_plane(SPACE, folder, Options(audit="Metadata"), NOTES_AND_JOBS) as (plane, cluster):
        # its own look at the guard now and then is no run's cost
        calm = ("--guard-every", "3600")
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log", arguments=calm)
        operator.start()
        operator.wait_ready()
        for action in (note_action(SPACE), job_action(SPACE), brief_action(SPACE), failing_action(SPACE)):
            cluster.apply("admin", action)
        yield cluster, _log(plane), operator
        operator.stop()


@pytest.fixture(scope="module")
def audited(world: tuple[Cluster, Path, OperatorProcess]) -> tuple[Cluster, Path]:
    """The cluster and its audit log."""
    return world[:2]


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
        writing = entry["verb"] in ("create", "update", "patch", "delete") and "dryRun" not in entry["requestURI"]
        about = what.get("namespace") == SPACE and str(what.get("name") or "").startswith(run_name)
        if accepted and writing and about and what["resource"] != "events":
            part = f"/{what['subresource']}" if "subresource" in what else ""
            found[f"{entry['verb']} {what['resource']}{part}"] += 1
    return found


def on_record(log: Path, run_name: str, patches: int) -> Counter[str]:
    """Return the writes for a run once so many of its status are on record: a line is written when its answer has left."""
    wait_for("all of it to be on record", lambda: writes(log, run_name)["patch actionruns/status"] >= patches)
    return writes(log, run_name)


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
    assert on_record(log, "free", 2) - marks == Counter(
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
    found = on_record(log, "gated", 3)
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
    found = on_record(log, "job", 2)
    del found["update jobs/status"]  # the Job controller's
    found.subtract({"create actionruns": 1, "create jobs": 1, "patch jobs": 1, "patch actionruns/status": 2})
    assert +found in (Counter(), Counter({"patch actionruns/status": 1})), "the mark may be part of the last write"
    assert not -found


def test_an_object_that_ends_costs_two_finalizers_a_delete_and_two_statuses(audited: tuple[Cluster, Path]) -> None:
    """Its start before it is made, and its end; beside a mark for what was told."""
    cluster, log = audited
    cluster.kubectl("developer", "create", "-f", "-", input=json.dumps(run("brief", SPACE, "brief", inputs={})))
    phase(cluster, "brief", SPACE, "Succeeded")
    wait_for("it is over", lambda: (cluster.get("actionrun", "brief", SPACE) or {})["status"].get("settled"))
    found = on_record(log, "brief", 3)
    assert 3 <= found.pop("patch actionruns/status") <= 5, found
    assert found == Counter(
        {"create actionruns": 1, "patch actionruns": 2, "create configmaps": 1, "delete configmaps": 1}
    )


def _held(cluster: Cluster, name: str) -> bool:
    resources = (cluster.get("actionrun", name, SPACE) or {})["status"]["resources"]
    return any(each.get("held") for each in resources)


def requests(log: Path, since: int) -> list[tuple[datetime, str]]:
    """Return when the operator asked for what, after so many lines of the log; its watches left out."""
    found = []
    for line in log.read_text().splitlines()[since:]:
        entry = json.loads(line)
        what = entry.get("objectRef", {"resource": "discovery"})
        ours = entry["stage"] == "ResponseComplete" and entry["user"]["username"] == OPERATOR
        if ours and entry["verb"] != "watch":
            part = f"/{what['subresource']}" if "subresource" in what else ""
            dry = " as a dry run" if "dryRun" in entry["requestURI"] else ""
            when = datetime.fromisoformat(entry["requestReceivedTimestamp"])
            found.append((when, f"{entry['verb']} {what['resource']}{part}{dry}"))
    return sorted(found)


def asked(log: Path, since: int) -> Counter[str]:
    """Return what the operator has asked for after so many lines of the log; its Lease left out."""
    return Counter(what for _, what in requests(log, since) if not what.endswith(" leases"))


def lines(log: Path) -> int:
    """Return how many lines the log has."""
    return len(log.read_text().splitlines())


def free(cluster: Cluster, name: str) -> None:
    """Let a run without a gate live its whole life."""
    cluster.kubectl(
        "developer", "create", "-f", "-", input=json.dumps(run(name, SPACE, "note", inputs={"gated": False}))
    )
    phase(cluster, name, SPACE, "Succeeded")
    wait_for("it is told", lambda: told(cluster, name))


def held(cluster: Cluster, name: str) -> str:
    """Let a run come to its gate; return the name of that."""
    cluster.kubectl(
        "developer", "create", "-f", "-", input=json.dumps(run(name, SPACE, "note", inputs={"gated": True}))
    )
    gate = phase(cluster, name, SPACE, "WaitingForApproval")["approvals"][0]["name"]
    wait_for("approvers are told", lambda: told(cluster, name))
    return str(gate)


def grant(cluster: Cluster, name: str, gate: str) -> None:
    """Approve it, and wait until all is done."""
    patch = decision("lead-1@example.com", "Approve")
    cluster.kubectl("lead-1", "patch", "approval", gate, "-n", SPACE, "--type", "merge", "-p", patch)
    phase(cluster, name, SPACE, "Succeeded")
    wait_for("it is told", lambda: told(cluster, name))


NOW_AND_THEN = {"get configmaps": 1, "list customresourcedefinitions": 1}
"""The directory, and whether the kinds are still the same: each every 15 s, whatever happens."""
PROOF = {
    "list customresourcedefinitions": 1,
    "list validatingadmissionpolicies": 1,
    "list validatingadmissionpolicybindings": 1,
}
"""What a decision rests on."""
LOOK_AT_THE_GUARD = {
    **PROOF,
    "list mutatingadmissionpolicies": 1,
    "list mutatingadmissionpolicybindings": 1,
}


def within(found: Counter[str], budget: dict[str, int]) -> bool:
    """Whether these requests are what the budget names, and besides at most what is asked for now and then."""
    return not Counter(budget) - found and found - Counter(budget) <= Counter(NOW_AND_THEN)


def spent(log: Path, since: int, budget: dict[str, int]) -> None:
    """Hold what was asked for to the budget, once all of it is on record: a line is written when its answer has left."""
    wait_for("all of it to be on record", lambda: not Counter(budget) - asked(log, since))
    found = asked(log, since)
    assert within(found, budget), found


def test_each_part_of_a_run_asks_for_so_much_and_no_more(audited: tuple[Cluster, Path]) -> None:
    """What it costs the API server: writes, reads and dry runs. A look too many would show here."""
    cluster, log = audited
    free(cluster, "warm")
    grant(cluster, "warm-gated", held(cluster, "warm-gated"))
    at = lines(log)
    free(cluster, "asked-free")
    spent(log, at, {"create configmaps": 1, "create events": 1, "patch actionruns/status": 2})
    for number in range(3):
        name = f"asked-{number}"
        at = lines(log)
        gate = held(cluster, name)
        waits = {"create configmaps as a dry run": 1, "create approvals": 1}
        spent(log, at, {**waits, "create events": 1, "patch actionruns/status": 2})
        at = lines(log)
        grant(cluster, name, gate)
        decides = {"patch approvals/status": 1, "get actions": 1, "create configmaps as a dry run": 1}
        makes = {"create configmaps": 1, "patch actionruns/status": 2, "create events": 2}
        spent(log, at, {**PROOF, **decides, **makes})
        assert sum({**PROOF, **decides, **makes}.values()) <= 12


def test_a_failure_is_explained_in_few_reads_and_no_writes(audited: tuple[Cluster, Path]) -> None:
    """Its pods, and warnings about one that says nothing and about the Job itself; nothing of it before the failure."""
    cluster, log = audited
    at = lines(log)
    cluster.kubectl("developer", "create", "-f", "-", input=json.dumps(run("failing", SPACE, "failing", inputs={})))
    phase(cluster, "failing", SPACE, "Failed")
    wait_for("it is told", lambda: told(cluster, "failing"))
    wait_for("all of it to be on record", lambda: asked(log, at)["create events"])
    found = asked(log, at)
    assert found["list pods"] == 1 and 1 <= found["list events"] <= 2, found
    assert found.total() - found["get actionruns"] - found["patch jobs"] <= 3 + 5 + sum(NOW_AND_THEN.values()), found


def test_nothing_to_do_costs_less_than_a_request_a_second(world: tuple[Cluster, Path, OperatorProcess]) -> None:
    """What one look at the guard costs, and all else, counted between two looks; how often they are, the settings say."""
    _, log, operator = world
    operator.stop()
    usual = OperatorProcess(operator.kubeconfig, operator.log.with_name("usual.log"), arguments=("--guard-every", "4"))
    at = lines(log)
    usual.start()
    usual.wait_ready()

    def looks() -> list[datetime]:
        return [when for when, what in requests(log, at) if what == "list mutatingadmissionpolicies"]

    wait_for("it began to lead, and has looked twice since", lambda: len(looks()) > 2, 60)
    before = timedelta(seconds=1)  # the lists of one look are sent side by side, in any order
    begin, end = (when - before for when in looks()[-2:])
    usual.stop()
    found = Counter(what for when, what in requests(log, at) if begin <= when < end)
    guard = Counter({what: times for what, times in found.items() if what.startswith("list ") or "dry run" in what})
    guard.subtract({"list customresourcedefinitions": max(found["list customresourcedefinitions"] - 1, 0)})
    assert guard.total() == len(LOOK_AT_THE_GUARD) + 2, found
    leases = found["update leases"]
    assert leases <= (end - begin).total_seconds() / Terms().renew_every + 1, found
    assert within(found - guard - Counter({"update leases": leases}), {}), found
    now_and_then = len(NOW_AND_THEN) / 15
    assert guard.total() / Settings().guard_every + 1 / Terms().renew_every + now_and_then < 1
    operator.start()
    operator.wait_ready()
