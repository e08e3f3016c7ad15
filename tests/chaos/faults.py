"""An API server that answers badly, late or not at all: the operator lives on, the story ends right, nothing leaks."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from prometheus_client.parser import text_string_to_metric_families
from tests.chaos.cuts import Cutter
from tests.chaos.stories import STORIES
from tests.chaos.world import COLLECTIONS, World
from tools.controlplane.processes import alive
from tools.faultproxy import Fault, Request

SPARE = 3
"""How many tasks or descriptors more than before are no leak: a request or a message may be on its way."""
RECOVER_SECONDS = 60.0


def writes(request: Request) -> bool:
    """Writes that count."""
    return request.method in ("POST", "PATCH") and "dryRun" not in request.path


def reads(request: Request) -> bool:
    """Lists, gets and the beginnings of watches."""
    return request.method in ("GET", "WATCH")


def watches(request: Request) -> bool:
    """The beginnings of watches."""
    return request.method == "WATCH"


def everything(_: Request) -> bool:
    """All there is."""
    return True


@asynccontextmanager
async def some(world: World, *faults: Fault) -> AsyncIterator[None]:
    """Answer so for the first requests that match."""
    world.proxy.faults = list(faults)
    yield


@asynccontextmanager
async def for_a_while(world: World, code: int, seconds: float) -> AsyncIterator[None]:
    """Answer everything so, watches too, for some seconds; the story begins meanwhile."""
    world.proxy.faults = [Fault(everything, code)]
    world.proxy.break_watches()

    async def over() -> None:
        await asyncio.sleep(seconds)
        world.proxy.faults = []

    world.patience += seconds
    task = asyncio.create_task(over())
    yield
    await task
    world.patience -= seconds


@asynccontextmanager
async def slow(world: World) -> AsyncIterator[None]:
    """Answer everything late."""
    world.proxy.delay = 0.3
    yield


Begin = Callable[[World], AbstractAsyncContextManager[None]]


def faults(outage: float) -> dict[str, Begin]:
    """Return what may be wrong with the answers; `outage` is how many seconds a whole outage lasts."""
    return {
        "409 to the first writes": lambda world: some(world, *(Fault(writes, 409, times=1) for _ in range(3))),
        "429 with Retry-After": lambda world: some(world, Fault(writes, 429, {"Retry-After": "1"}, times=3)),
        "500 to the first writes": lambda world: some(world, Fault(writes, 500, times=6)),
        "connections broken off": lambda world: some(world, Fault(writes, 0, times=6)),
        "410 to lists and watches": lambda world: some(world, Fault(reads, 410, times=12)),
        f"503 to everything for {outage:g} s": lambda world: for_a_while(world, 503, outage),
        f"no answers for {outage:g} s": lambda world: for_a_while(world, 0, outage),
        "all answers late": slow,
    }


async def lives_on(world: World, outage: float, say: Callable[[str], None] = lambda line: None) -> list[str]:
    """Play a story under each fault by one process; return what went wrong."""
    broken = [str(problem) for problem in (await Cutter(world).play(STORIES["granted"])).problems]
    process, before = world.operator.process, await asyncio.to_thread(measured, world)
    for name, begin in faults(outage).items():
        async with begin(world):
            # A message is told again when the operator could not learn that its mark was written.
            played = await Cutter(world, tolerated_repeats=2).play(STORIES["granted"])
        world.proxy.faults, world.proxy.delay = [], 0.0
        problems = list(played.problems)
        if process is None or not alive(process) or world.operator.process is not process:
            problems.append("the operator ended")
        say(f"{'FAILED ' if problems else 'ok     '} {name}: {played.seconds:.0f} s")
        broken += [f"{name}: {problem}" for problem in problems]
    leaked = await leaks(world, before)
    say(f"{'FAILED ' if leaked else 'ok     '} nothing leaks: {before} before")
    afterwards = [f"afterwards: {each}" for each in (await Cutter(world).play(STORIES["granted"])).problems]
    return broken + leaked + afterwards


async def leaks(world: World, before: dict[str, float]) -> list[str]:
    """Delete all runs and gates during a gap in the watches; return what the operator still keeps of them."""
    world.proxy.faults = [Fault(watches, 503)]
    world.proxy.break_watches()
    for plural in ("actionruns", "approvals"):
        await world.people["admin"].request("DELETE", COLLECTIONS[plural])
    world.proxy.faults = [Fault(watches, 410, times=9)]
    seen: dict[str, float] = {}

    async def nothing() -> bool:
        seen.update(await asyncio.to_thread(measured, world))
        few = all(seen[name] <= before[name] + SPARE for name in ("tasks", "descriptors"))
        return few and not any(seen[name] for name in ("objects", "scheduled", "outbox"))

    try:
        await world.until("nothing is kept", nothing, RECOVER_SECONDS)
    except AssertionError:
        return [f"kept after all runs were deleted: {seen}; before there were {before}"]
    return []


def measured(world: World) -> dict[str, float]:
    """Return what the operator says of itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{world.operator.port}/metrics", timeout=5) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    names = {
        "pratique_tasks": "tasks",
        "process_open_fds": "descriptors",
        "pratique_queue_scheduled": "scheduled",
        "pratique_outbox_depth": "outbox",
    }
    found = {"objects": 0.0}
    for sample in (each for family in families for each in family.samples):
        if sample.name in names:
            found[names[sample.name]] = sample.value
        elif sample.name == "pratique_objects" and sample.labels["kind"] in ("actionruns", "approvals"):
            found["objects"] += sample.value
    return found
