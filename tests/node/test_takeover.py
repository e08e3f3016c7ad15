"""The leader's Pod is deleted, its process killed, stopped, cut off: the other takes over, and nothing is done twice."""

import time

import pytest
from tests.node.world import World
from tools.node.releases import SYSTEM

pytestmark = pytest.mark.timeout(900)


def taken_over(world: World, before: str, began: float, within: float) -> float:
    """Wait until another leads than `before`, or the same again; ask for something, and return when it was done."""
    name = f"after-{time.monotonic_ns()}"
    world.ask(name)
    world.ask(f"{name}-gated", "gated")
    world.succeeded(name)
    took = time.monotonic() - began
    world.approve(f"{name}-gated")
    world.succeeded(f"{name}-gated")
    print(f"{before} → {world.leader()}: done after {took:.1f} s")
    assert took < within
    return took


def test_deleted(installed: World) -> None:
    world, before = installed, installed.leader()
    world.cluster.kubectl("admin", "delete", "pod", before, "-n", SYSTEM, "--wait=false")
    began = time.monotonic()
    taken_over(world, before, began, 6)
    assert world.leader() != before
    world.ready()
    world.assert_once()


def test_killed(installed: World) -> None:
    world, before = installed, installed.leader()
    world.ask("held-while-killed", "gated")
    began = time.monotonic()
    world.signal(before, "SIGKILL")
    taken_over(world, before, began, 15)
    world.approve("held-while-killed")
    world.succeeded("held-while-killed")
    world.ready()
    world.assert_once()


def test_stopped(installed: World) -> None:
    """kubelet ends it for its probes, which nothing answers; until then it must not go on where it was."""
    world, before = installed, installed.leader()
    began = time.monotonic()
    world.signal(before, "SIGSTOP")
    try:
        taken_over(world, before, began, 16)
        assert world.leader() != before
    finally:
        world.signal(before, "SIGCONT")
    world.ask("after-it-goes-on")
    world.succeeded("after-it-goes-on")
    assert world.leader() != before
    world.ready()
    world.assert_once()


def test_cut_off_from_the_api_server(installed: World) -> None:
    world, before = installed, installed.leader()
    with world.cut_off(before):
        began = time.monotonic()
        taken_over(world, before, began, 16)
        assert world.leader() != before
    world.ready()
    world.assert_once()
