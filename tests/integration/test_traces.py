"""One trace for a run, under ids that follow from its uid, at a receiver on loopback; one that is away holds up nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.builders.manifests import decision, run
from tests.support.cluster import Cluster, wait_for
from tests.support.own_plane import NOTES, note_action, own_plane
from tests.support.runs import phase
from tools.installation import OperatorProcess
from tools.receiver import Receiver

pytestmark = pytest.mark.cluster
SPACE = "traced"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Receiver, Path]]:
    folder = tmp_path_factory.mktemp("traces")
    with (
        own_plane(SPACE, folder, rights=NOTES) as (plane, cluster),
        Receiver() as receiver,
        pytest.MonkeyPatch.context() as env,
    ):
        env.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        env.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20of-the-receiver")
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log")
        operator.start()
        operator.wait_ready()
        cluster.apply("admin", note_action(SPACE))
        yield cluster, receiver, operator.log
        operator.stop()
        assert "of-the-receiver" not in operator.log.read_text()


def spans(receiver: Receiver, uid: str) -> list[dict[str, object]]:
    """Return what was sent under the id of a run's trace."""
    return [
        span
        for each in receiver.received
        for resource in each.body["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
        if span["traceId"] == uid.replace("-", "")
    ]


def test_a_run_is_one_trace_of_its_whole_life(world: tuple[Cluster, Receiver, Path]) -> None:
    cluster, receiver, _ = world
    cluster.apply("developer", run("held", SPACE, "note", inputs={"gated": True}))
    gate = phase(cluster, "held", SPACE, "WaitingForApproval")["approvals"][0]["name"]
    patch = decision("lead-1@example.com", "Approve", "hunter2 words")
    cluster.kubectl("lead-1", "patch", "approval", gate, "-n", SPACE, "--type", "merge", "-p", patch)
    phase(cluster, "held", SPACE, "Succeeded")
    uid = str((cluster.get("actionrun", "held", SPACE) or {})["metadata"]["uid"])
    found = wait_for("its trace is there", lambda: spans(receiver, uid), 20)
    assert [each["name"] for each in found] == ["ActionRun note", "judged", "held", "made"]
    assert {each.path for each in receiver.received} == {"/v1/traces"}
    headers = {key.lower(): value for key, value in receiver.received[0].headers.items()}
    assert headers["authorization"] == "Bearer of-the-receiver"
    assert "hunter2" not in str(found) and "@example.com" not in str(found)


def test_a_receiver_that_is_away_holds_up_no_run(world: tuple[Cluster, Receiver, Path]) -> None:
    cluster, receiver, log = world
    receiver.stop()
    cluster.apply("developer", run("free", SPACE, "note", inputs={}))
    phase(cluster, "free", SPACE, "Succeeded")
    wait_for("it says so", lambda: "Traces are not taken, and dropped" in log.read_text(), 40)
    receiver.start()
    cluster.apply("developer", run("again", SPACE, "note", inputs={}))
    phase(cluster, "again", SPACE, "Succeeded")
    uid = str((cluster.get("actionrun", "again", SPACE) or {})["metadata"]["uid"])
    wait_for("its trace is there", lambda: spans(receiver, uid), 20)
