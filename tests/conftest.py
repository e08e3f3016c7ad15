"""Fixtures of all tests. `cluster` is one per session, with Pratique installed and nobody operating."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.controlplane.foreign import ForeignCluster
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.plane import temporary_plane
from tools.installation import ROOT, install_pratique

from tests.support.cluster import Cluster, Source, choose

PEOPLE = Path(__file__).parent / "support" / "people.yaml"


@pytest.fixture(scope="session")
def bare_cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with the test identities and nothing of ours."""
    folder = tmp_path_factory.mktemp("cluster")
    kubectl = Kubectl(folder / "kube-cache")
    match choose(os.environ):
        case Source.OWN:
            yield Cluster(ForeignCluster(Path(os.environ["PRATIQUE_KUBECONFIG"]), folder), kubectl)
        case Source.KIND:
            kind = request.getfixturevalue("kind_cluster")
            yield Cluster(ForeignCluster(Path(kind.kubeconfig_path), folder), kubectl)
        case Source.EMBEDDED:
            with temporary_plane("tests") as plane:
                yield Cluster(plane, kubectl)


@pytest.fixture(scope="session")
def cluster(bare_cluster: Cluster) -> Cluster:
    """A cluster with CRDs, policies and roles, and the test identities bound to them."""
    install_pratique(bare_cluster.runner, bare_cluster.identities.kubeconfig("admin"))
    bare_cluster.kubectl("admin", "apply", "-f", str(PEOPLE))
    for name in ("executor", "channel"):
        bare_cluster.kubectl("admin", "apply", "-f", str(ROOT / "examples" / "environment" / f"{name}.yaml"))
    return bare_cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("admin", "create", "namespace", name)
    yield name
    cluster.kubectl("admin", "delete", "namespace", name, "--wait=false", check=False)
