"""Fixtures of tests that need the operator: the process, run as users run it, and a receiver for its messages."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cluster import Cluster, wait_for
from tools.controlplane.processes import alive
from tools.installation import ROOT, OperatorProcess
from tools.receiver import Receiver


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """Where Slack messages and CloudEvents arrive."""
    with Receiver() as running:
        yield running


@pytest.fixture(scope="session")
def operator(
    cluster: Cluster, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """The operator, ready, with the channel platform-slack and the Action create-environment in place."""
    for key in ("slack", "webhook"):
        cluster.kubectl("admin", "delete", "secret", key, "-n", "pratique-system", "--ignore-not-found")
        cluster.kubectl(
            "admin",
            "create",
            "secret",
            "generic",
            key,
            "-n",
            "pratique-system",
            f"--from-literal=url={receiver.url}/{key}",
        )
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    process = OperatorProcess(cluster.identities.kubeconfig("operator"), log)
    process.start()
    process.wait_ready()
    cluster.kubectl("admin", "apply", "-f", str(ROOT / "examples" / "environment" / "action.yaml"))
    wait_for("the Action is ready", lambda: _ready(cluster))
    yield process
    assert process.process is not None and alive(process.process), f"the operator ended: {log.read_text()[-3000:]}"
    process.stop()
    assert "Traceback" not in Path(log).read_text(), Path(log).read_text()[-5000:]


def _ready(cluster: Cluster) -> bool:
    action = cluster.get("action", "create-environment")
    conditions = {each["type"]: each["status"] for each in (action or {}).get("status", {}).get("conditions", [])}
    assert conditions.get("Ready") != "False", json.dumps(action)
    return conditions.get("Ready") == "True"
