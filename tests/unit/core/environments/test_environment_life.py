"""Whole lives of an Environment, in a cluster in miniature: killed anywhere, looked at late or extended, the same end."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.models import NOW
from tests.doubles.environment_world import GOING, KilledError, World
from tests.support.generated import examples

SPEC = {
    "ttl": "60s",
    "warnings": ["10s"],
    "target": {
        "namespace": {"name": "env-demo"},
        "quota": {"pods": "10"},
        "limits": {"default": {"cpu": "1"}},
        "access": [{"user": "developer@example.com"}, {"group": "developers", "role": "view"}],
    },
}
KINDS = ["Environment", "LimitRange", "Namespace", "NetworkPolicy", "ResourceQuota", "RoleBinding", "RoleBinding"]
END = NOW + timedelta(seconds=60)
FEW = examples(25)
KILLS = st.lists(st.integers(1, 9), max_size=25)
"""After how many requests each look is cut off, as long as there are any; one look makes up to eight."""


def live(world: World, seconds: int, kills: list[int] | None = None) -> World:
    """Look every second, again at once when killed."""
    left = list(kills or [])
    for _ in range(seconds):
        while True:
            try:
                plan = world.look(left.pop(0) if left else -1)
            except KilledError:
                continue
            if plan is None or plan.wake_at is None or plan.wake_at > world.now:
                break
        world.look()
        world.advance(seconds=1)
    return world


def made(world: World) -> dict[Any, Any]:
    """Return what exists, but for what only the order of requests decides."""
    return {name: (body["metadata"].get("labels"), body.get("spec")) for name, body in world.objects.items()}


def phase(world: World) -> str:
    assert world.environment is not None
    return str(world.environment["status"]["phase"])


def test_a_life_without_accidents() -> None:
    world = live(World(SPEC), 30)
    assert sorted(name[0] for name in world.objects) == KINDS
    assert phase(world) == "Active"
    version = world.version
    live(world, 19)
    assert world.version == version, "an Environment that is there was written to"
    live(world, 5)
    assert phase(world) == "Expiring"
    live(world, 16)
    assert world.objects == {}
    assert [name[0] for name, _ in world.deletions] == ["Environment", "Namespace"]
    assert all(END <= when <= END + timedelta(seconds=2) for _, when in world.deletions)
    told = [ident.split("/")[0] for ident in world.told]
    assert told == ["EnvironmentReady", "EnvironmentExpiring", "EnvironmentExpired"]


def test_deleted_early_it_goes_without_being_told_that_it_expired() -> None:
    world = live(World(SPEC), 5)
    world.delete(("Environment", "team-a", "demo"), "e1")
    live(world, 1)
    assert phase(world) == "Deleting"
    live(world, int(GOING.total_seconds()) + 3)
    assert world.objects == {}
    assert [ident.split("/")[0] for ident in world.told] == ["EnvironmentReady"]


def test_the_operator_was_off_at_the_end() -> None:
    world = live(World(SPEC), 5)
    world.advance(days=30)
    live(world, 10)
    assert world.objects == {}


def test_made_when_its_end_is_near_it_is_warned_of_all_the_same() -> None:
    world = World(SPEC)
    world.advance(seconds=52)
    live(world, 2)
    assert phase(world) == "Expiring"
    assert [ident.split("/")[0] for ident in world.told] == ["EnvironmentReady", "EnvironmentExpiring"]


def test_one_that_git_holds_outlives_its_namespace() -> None:
    world = World(SPEC)
    assert world.environment is not None
    labels = {"labels": {"helm.toolkit.fluxcd.io/name": "apps"}}
    world.put({**world.environment, "metadata": {**world.environment["metadata"], **labels}})
    live(world, 5)
    world.advance(days=1)
    live(world, 10)
    assert ([name[0] for name in world.objects], phase(world)) == (["Environment"], "Expired")
    version = world.version
    live(world, 10)
    assert world.version == version
    world.delete(("Environment", "team-a", "demo"), "e1")
    live(world, 5)
    assert world.objects == {}


def test_a_namespace_that_somebody_deletes_is_not_made_again() -> None:
    world = live(World(SPEC), 5)
    assert world.namespace is not None
    world.delete(("Namespace", None, "env-demo"), world.namespace["metadata"]["uid"])
    live(world, 1)
    assert phase(world) == "Failed"
    world.extend("90s")
    live(world, 60)
    assert phase(world) == "Failed" and world.namespace is None
    live(world, 40)
    assert world.objects == {}


def test_a_namespace_of_somebody_else_survives_all_of_it() -> None:
    world = World(SPEC)
    theirs = world.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "env-demo"}})
    live(world, 5)
    assert phase(world) == "Failed"
    live(world, 70)
    assert list(world.objects.values()) == [theirs]


@pytest.mark.parametrize(
    "forgery", [{"phase": "Deleting"}, {"phase": "Creating"}, {"phase": "Active", "message": "Here for ever"}]
)
def test_a_forged_status_neither_ends_nor_spares_it(forgery: dict[str, Any]) -> None:
    world = live(World(SPEC), 5)
    assert world.environment is not None
    before = world.environment["status"]["message"]
    world.put(
        {**world.environment, "status": {**world.environment["status"], **forgery, "expiresAt": "2020-01-01T00:00:00Z"}}
    )
    live(world, 10)
    assert (phase(world), world.deletions) == ("Active", [])
    assert world.environment["status"]["message"] == before
    live(world, 70)
    assert world.objects == {}


@FEW
@given(kills=KILLS)
def test_killed_anywhere_it_is_made_the_same(kills: list[Any]) -> None:
    calm, killed = live(World(SPEC), 20), live(World(SPEC), 20, kills)
    assert made(killed) == made(calm)
    assert phase(killed) == "Active"
    assert killed.deletions == []


@FEW
@given(kills=KILLS, seconds=st.integers(50, 61))
def test_killed_anywhere_it_goes_the_same(kills: list[Any], seconds: int) -> None:
    world = live(live(World(SPEC), seconds), 30, kills)
    assert world.objects == {}
    assert {name[0] for name, _ in world.deletions} == {"Environment", "Namespace"}
    assert all(when >= END for _, when in world.deletions)


@FEW
@given(ttl=st.integers(1, 300), waits=st.lists(st.integers(0, 90), max_size=12), kills=KILLS)
def test_it_is_never_deleted_early_and_is_deleted_at_any_time_after(
    ttl: int, waits: list[Any], kills: list[Any]
) -> None:
    world, end = World({**SPEC, "ttl": f"{ttl}s"}), NOW + timedelta(seconds=ttl)
    for seconds in waits:
        with suppress(KilledError):
            world.look(kills.pop() if kills else -1)
        world.advance(seconds=seconds)
    assert all(when >= end for _, when in world.deletions)
    world.now = max(world.now, end)
    live(world, 12)
    assert world.objects == {}


@FEW
@given(steps=st.lists(st.tuples(st.integers(0, 100), st.integers(1, 500)), max_size=5))
def test_extended_it_lives_as_long_as_its_ttl_says(steps: list[Any]) -> None:
    world, ttl = live(World(SPEC), 2), 60
    for wait, more in steps:
        left = (NOW + timedelta(seconds=ttl) - world.now).total_seconds()
        world.advance(seconds=min(wait, left - 2))
        live(world, 1)
        ttl += more
        world.extend(f"{ttl}s")
    world.now = NOW + timedelta(seconds=ttl - 1)
    live(world, 1)
    assert world.deletions == []
    live(world, 12)
    assert world.objects == {}
