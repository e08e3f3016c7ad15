"""One node for all stories of a session: ours, or that of kind where PRATIQUE_TEST_CLUSTER=kind."""

import os
from collections.abc import Iterator

import pytest
from tests.node.kind import KindNode
from tests.node.world import World
from tests.support.cluster import Cluster, Source, choose
from tools.controlplane.binaries import say
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.servers import Options
from tools.node import temporary_node
from tools.node.releases import Release, before_the_last_schema, head, release


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The cluster with nothing of ours but namespaces."""
    folder = tmp_path_factory.mktemp("node")
    kubectl = Kubectl(folder / "kube-cache")
    if choose(os.environ) is Source.KIND:
        kind = KindNode(request.getfixturevalue("kind_cluster"), folder)
        with Cluster.of(kind, kubectl) as cluster:
            found = World(cluster, kind, None, kind.gateway)
            found.prepare()
            yield found
        return
    with temporary_node("node", Options(audit="Metadata")) as node, Cluster.of(node, kubectl) as cluster:
        found = World(cluster, node, node.plane.audit_log, node.addresses.machine)
        found.prepare()
        yield found


@pytest.fixture(scope="session")
def latest(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Image and chart of the last commit."""
    return release(head(), tmp_path_factory.mktemp("latest"), say)


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Image and chart of the last commit that stores otherwise than today."""
    return release(before_the_last_schema(), tmp_path_factory.mktemp("earlier"), say)


@pytest.fixture
def installed(world: World, latest: Release) -> World:
    """The cluster with the last commit installed, two replicas ready, people and Actions."""
    world.install(latest)
    world.offer()
    return world
