"""A policy is missing while the operator runs: nothing is decided until it is back, and everybody who looks is told."""

from collections.abc import Iterator

import pytest
import yaml
from tests.support.cluster import Cluster, wait_for
from tests.support.manifests import decision, run
from tests.support.own_plane import note_action, own_plane
from tests.support.runs import phase
from tools.installation import OperatorProcess

from pratique.codegen.manifests import install

SPACE = "guarded"
BINDINGS = [each for each in install() if each["kind"].endswith("AdmissionPolicyBinding")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, OperatorProcess]]:
    """A control plane whose policies may be taken away, and an operator that looks often."""
    folder = tmp_path_factory.mktemp("guard")
    with own_plane(SPACE, folder) as (plane, cluster):
        operator = OperatorProcess(
            plane.kubeconfig("operator"), folder / "operator.log", arguments=("--guard-every", "0.3")
        )
        operator.start()
        operator.wait_ready()
        cluster.apply("admin", note_action(SPACE, gated=True))
        yield cluster, operator
        operator.stop()


def approve(cluster: Cluster, gate: str) -> bool:
    patch = decision("lead-1@example.com", "Approve")
    answer = cluster.kubectl(
        "lead-1", "patch", "approval", gate, "-n", SPACE, "--type", "merge", "-p", patch, check=False
    )
    return answer.code == 0


@pytest.mark.parametrize(
    "binding", BINDINGS, ids=[f"{each['kind'][:8]}-{each['metadata']['name']}" for each in BINDINGS]
)
def test_nothing_is_decided_while_a_policy_is_unbound(world: tuple[Cluster, OperatorProcess], binding: dict) -> None:
    cluster, operator = world
    name = f"{binding['kind'][:5]}-{binding['metadata']['name']}".lower()
    cluster.apply("developer", run(name, SPACE, "note", inputs={}))
    gate = phase(cluster, name, SPACE, "WaitingForApproval")["approvals"][0]["name"]
    cluster.kubectl("admin", "delete", binding["kind"], binding["metadata"]["name"])
    try:
        wait_for("it is seen", lambda: operator.readyz().startswith("not guarded: "))
        assert binding["metadata"]["name"] in operator.readyz()
        decided = approve(cluster, gate)
        with pytest.raises(AssertionError, match="Succeeded"):
            phase(cluster, name, SPACE, "Succeeded", timeout=2)
        assert cluster.get("configmap", name, SPACE) is None
    finally:
        cluster.apply("admin", yaml.safe_dump(binding))
    if not decided:  # without the stamp of the one policy the other refuses every decision
        wait_for("the lead may decide again", lambda: approve(cluster, gate))
    phase(cluster, name, SPACE, "Succeeded")
    assert operator.readyz() == "ok"
    assert "Nothing is decided until the API server guards again" in operator.log.read_text()
