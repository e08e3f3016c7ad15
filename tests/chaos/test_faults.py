"""An API server that answers badly, late or not at all: the operator lives on, and the story ends right."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.chaos.cuts import Cutter
from tests.chaos.stories import STORIES
from tests.chaos.world import World, chaos_world
from tools.controlplane.processes import alive
from tools.faultproxy import Fault, Request

OUTAGE_SECONDS = 5.0
_LATER: list["asyncio.Task[None]"] = []


def writes(request: Request) -> bool:
    return request.method in ("POST", "PATCH") and "dryRun" not in request.path


def reads(request: Request) -> bool:
    return request.method in ("GET", "WATCH")


def everything(request: Request) -> bool:
    return True


async def some(world: World, *faults: Fault) -> None:
    """Answer so for the first requests that match."""
    world.proxy.faults = list(faults)


async def for_a_while(world: World, code: int) -> None:
    """Answer everything so, watches too, for some seconds; the story begins meanwhile."""
    world.proxy.faults = [Fault(everything, code)]
    world.proxy.freeze_watches()

    async def over() -> None:
        await asyncio.sleep(OUTAGE_SECONDS)
        world.proxy.faults = []

    _LATER.append(asyncio.create_task(over()))


async def slow(world: World) -> None:
    world.proxy.delay = 0.3


FAULTS: dict[str, Callable[[World], Awaitable[None]]] = {
    "409 to every other write": lambda world: some(world, *(Fault(writes, 409, times=1) for _ in range(3))),
    "429 with Retry-After": lambda world: some(world, Fault(writes, 429, {"Retry-After": "1"}, times=3)),
    "500 to the first writes": lambda world: some(world, Fault(writes, 500, times=6)),
    "connections broken off": lambda world: some(world, Fault(writes, 0, times=6)),
    "410 to all lists and watches": lambda world: some(
        world, Fault(lambda each: each.method in ("GET", "WATCH"), 410, times=12)
    ),
    "503 to everything for some seconds": lambda world: for_a_while(world, 503),
    "no answers for some seconds": lambda world: for_a_while(world, 0),
    "all answers late": slow,
}


@pytest.mark.timeout(400)
def test_the_operator_lives_on_and_the_story_ends_right(tmp_path: Path) -> None:
    async def play() -> list[str]:
        broken: list[str] = []
        async with chaos_world(tmp_path) as world:
            process = world.operator.process
            for name, begin in FAULTS.items():
                await begin(world)
                # A message is told again when the operator could not learn that its mark was written.
                played = await Cutter(world, tolerated_repeats=2).play(STORIES["granted"])
                broken += [f"{name}: {problem}" for problem in played.problems]
                world.proxy.faults, world.proxy.delay = [], 0.0
                assert process is not None and alive(process), f"{name}: the operator ended"
            assert "Traceback" not in world.operator.log.read_text()
        return broken

    assert asyncio.run(play()) == []


@pytest.mark.timeout(300)
def test_a_watch_that_dies_silently_is_noticed(tmp_path: Path) -> None:
    """No FIN, no error, no events: only that not even bookmarks come, once a minute, tells that a watch is dead."""

    async def play() -> list[str]:
        async with chaos_world(tmp_path) as world:
            world.patience = 120.0
            world.proxy.freeze_watches()
            return (await Cutter(world).play(STORIES["free"])).problems

    assert asyncio.run(play()) == []
