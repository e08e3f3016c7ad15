"""CRDs deleted, uninstalled, installed again: the Lease is free, and what is there goes on."""

import time

import pytest
from tests.node.world import World
from tests.support.cluster import wait_for
from tests.support.runs import phase
from tools.node.releases import SYSTEM, Release

pytestmark = pytest.mark.timeout(900)


def test_uninstalled_and_installed_again(installed: World, latest: Release) -> None:
    world = installed
    world.ask("held-over", "gated")
    phase(world.cluster, "held-over", "team-a", "WaitingForApproval")
    world.helm("uninstall", "pratique", "--wait")
    began = time.monotonic()
    wait_for("the Lease is gone", lambda: world.cluster.get("lease", "pratique", SYSTEM) is None, 30)
    print(f"the Lease is gone {time.monotonic() - began:.1f} s after the uninstall")
    world.install(latest)
    world.approve("held-over")
    world.succeeded("held-over", 90)
    world.assert_once()


def test_a_crd_is_deleted_and_made_again(installed: World, latest: Release) -> None:
    world = installed
    world.ask("goes-with-it", "gated")
    phase(world.cluster, "goes-with-it", "team-a", "WaitingForApproval")
    world.cluster.kubectl("admin", "delete", "crd/actionruns.pratique.dev", "--timeout=60s")
    world.install(latest)
    world.ask("afterwards")
    world.succeeded("afterwards", 90)
