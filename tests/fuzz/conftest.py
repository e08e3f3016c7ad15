"""A control plane and an operator for generated attempts; at the end the operator lives, and its log has no traceback."""

from collections.abc import Iterator

import pytest
from tests.fuzz.world import SPACE, World
from tests.support.http import Callers
from tests.support.own_plane import own_plane
from tools.controlplane.processes import alive
from tools.installation import OperatorProcess

RIGHTS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "patch"]}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("fuzz")
    with own_plane(SPACE, folder, rights=RIGHTS) as (plane, cluster):
        operator = OperatorProcess(
            plane.kubeconfig("operator"), folder / "operator.log", arguments=("--open-runs-per-requester", "100000")
        )
        operator.start()
        operator.wait_ready()
        with Callers(cluster.identities) as callers:
            yield World(callers)
        assert operator.process is not None and alive(operator.process), operator.log.read_text()[-3000:]
        operator.stop()
        assert "Traceback" not in operator.log.read_text(), operator.log.read_text()[-5000:]
