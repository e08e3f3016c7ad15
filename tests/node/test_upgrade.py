"""From the last commit that stored otherwise, and back, with runs in every state; and under load, where none is lost."""

import threading
import time
from typing import Any

import pytest
from tests.node.world import SPACE, World
from tests.support.runs import phase
from tools.node.releases import Release

pytestmark = pytest.mark.timeout(1500)
PER_SECOND = 5


def state(world: World, name: str) -> dict[str, Any]:
    """Return what a run says that must not change by itself."""
    status = dict((world.cluster.get("actionrun", name, SPACE) or {})["status"])
    for changing in ("notifications", "observedGeneration", "settled"):
        status.pop(changing, None)
    return status


def begin(world: World, prefix: str) -> dict[str, dict[str, Any]]:
    """Leave runs that wait, that are under way and that have ended; return what they say."""
    for name, action in (("ended", "note"), ("granted", "gated"), ("waits", "gated"), ("goes", "slow-note")):
        world.ask(f"{prefix}-{name}", action)
    world.approve(f"{prefix}-granted")
    for name in ("ended", "granted"):
        world.succeeded(f"{prefix}-{name}")
    phase(world.cluster, f"{prefix}-waits", SPACE, "WaitingForApproval")
    phase(world.cluster, f"{prefix}-goes", SPACE, "Running")
    return {f"{prefix}-{name}": state(world, f"{prefix}-{name}") for name in ("ended", "granted", "waits")}


def go_on(world: World, prefix: str, before: dict[str, dict[str, Any]]) -> None:
    """See that they are what they were, and that those which are open go on."""
    for name, was in before.items():
        now = state(world, name)
        for field in ("phase", "approvals", "document", "completedAt", "results"):
            assert now.get(field) == was.get(field), (name, field)
    assert state(world, f"{prefix}-goes")["phase"] == "Running"
    world.approve(f"{prefix}-waits")
    world.complete(f"{prefix}-goes")
    for name in ("waits", "goes"):
        world.succeeded(f"{prefix}-{name}")


def test_upgraded_and_rolled_back(world: World, earlier: Release, latest: Release) -> None:
    world.install(earlier)
    world.offer()
    old = begin(world, "old")
    world.install(latest)
    go_on(world, "old", old)
    new = begin(world, "new")
    world.helm("rollback", "pratique", "--wait", "--timeout=3m")
    world.ready()
    go_on(world, "new", new)
    world.install(latest)
    world.assert_once()


def test_upgraded_under_load(installed: World) -> None:
    """Five runs a second while all Pods are replaced, twice."""
    world, over = installed, threading.Event()
    asked: list[str] = []
    failed: list[BaseException] = []

    def load() -> None:
        began = time.monotonic()
        try:
            while not over.is_set():
                asked.append(f"load-{len(asked)}")
                world.ask(asked[-1])
                time.sleep(max(0.0, began + len(asked) / PER_SECOND - time.monotonic()))
        except BaseException as error:
            failed.append(error)

    asking = threading.Thread(target=load, daemon=True)
    asking.start()
    began = time.monotonic()
    try:
        for number in (1, 2):
            world.cluster.kubectl("admin", "rollout", "restart", "deployment/pratique", "-n", "pratique-system")
            words = ("rollout", "status", "deployment/pratique", "-n", "pratique-system", "--timeout=50s")
            world.cluster.kubectl("admin", *words)
            print(f"replaced {number} times after {time.monotonic() - began:.1f} s, {len(asked)} asked")
    finally:
        over.set()
        asking.join()
    took = time.monotonic() - began
    assert failed == []
    assert len(asked) > 0.8 * PER_SECOND * took
    for name in asked:
        world.succeeded(name, 60)
    made = world.made()
    assert [name for name in asked if made[f"configmaps/{name}"] != 1] == []
