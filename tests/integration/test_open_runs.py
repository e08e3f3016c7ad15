"""Somebody asks for two hundred things at once: the first few are held, the others refused, and nobody else notices."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.builders.manifests import run
from tests.support.cluster import Cluster, wait_for
from tests.support.own_plane import note_action, own_plane
from tests.support.runs import phase
from tools.installation import OperatorProcess

pytestmark = pytest.mark.cluster
SPACE = "crowd"
LIMIT, BURST = 7, 200


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, OperatorProcess]]:
    """An operator that lets a person have a few open runs."""
    folder = tmp_path_factory.mktemp("crowd")
    with own_plane(SPACE, folder) as (plane, cluster):
        operator = OperatorProcess(
            plane.kubeconfig("operator"),
            folder / "operator.log",
            arguments=("--open-runs-per-requester", str(LIMIT)),
        )
        operator.start()
        operator.wait_ready()
        cluster.apply("admin", note_action(SPACE, gated=True))
        yield cluster, operator
        operator.stop()


def phases(cluster: Cluster) -> Counter[str]:
    """Return how many runs of the developer's burst are in which phase."""
    found = cluster.kubectl("admin", "get", "actionruns", "-n", SPACE, "-o", "json").json["items"]
    return Counter(each["status"]["phase"] for each in found if each["metadata"]["name"].startswith("burst-"))


def settled(cluster: Cluster) -> Counter[str] | None:
    found = phases(cluster)
    return found if found.total() == BURST and "Pending" not in found else None


def test_of_a_burst_as_many_are_held_as_may_be(world: tuple[Cluster, OperatorProcess]) -> None:
    cluster, operator = world
    runs = [run(f"burst-{number:03}", SPACE, "note", inputs={}) for number in range(BURST)]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": runs})
    cluster.kubectl("developer", "create", "-f", "-", input=text)
    cluster.apply("developer-2", run("of-somebody-else", SPACE, "note", inputs={}))
    phase(cluster, "of-somebody-else", SPACE, "WaitingForApproval")
    found = wait_for("all are looked at", lambda: settled(cluster), 90)
    assert found == Counter({"WaitingForApproval": LIMIT, "Refused": BURST - LIMIT})
    for number in range(LIMIT):
        phase(cluster, f"burst-{number:03}", SPACE, "WaitingForApproval")
    message = (cluster.get("actionrun", "burst-199", SPACE) or {})["status"]["message"]
    assert message == (
        f"developer@example.com has {LIMIT} open requests, {LIMIT} allowed at once: wait until one ends, or withdraw or"
        " delete one (burst-000, burst-001, burst-002, burst-003, burst-004 and 2 more in this namespace);"
        " then delete this one and apply it again"
    )

    operator.stop()
    operator.start()
    operator.wait_ready()
    assert phases(cluster) == found, "who was let in stays, over a restart too"

    withdraw = ("patch", "actionrun", "burst-000", "-n", SPACE, "--type=merge", "-p", '{"spec": {"withdrawn": true}}')
    cluster.kubectl("developer", *withdraw)
    phase(cluster, "burst-000", SPACE, "Withdrawn")
    cluster.kubectl("developer", "delete", "actionrun", "burst-199", "-n", SPACE)
    cluster.apply("developer", run("burst-199", SPACE, "note", inputs={}))
    phase(cluster, "burst-199", SPACE, "WaitingForApproval")
    approvals = cluster.kubectl("admin", "get", "approvals", "-n", SPACE, "-o", "json").json["items"]
    assert Counter(each["status"]["state"] for each in approvals) == Counter(Pending=LIMIT + 1, Withdrawn=1)
