"""The load: so many at a time, or so many a second; and the bare client that writes what the operator would write."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bench.manifests import GRANT, WRITER, Json, Pattern, gate_name
from bench.watch import SUCCEEDED, WAITING, watching
from bench.world import World
from pratique.cluster.client import MERGE_PATCH

WIDTH = 20


async def pool(number: int, work: Callable[[int], Awaitable[None]], width: int = WIDTH) -> None:
    """Do `work` for 0 to `number`, `width` at a time."""
    numbers = iter(range(number))

    async def one() -> None:
        for each in numbers:
            await work(each)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(width):
            tasks.create_task(one())


async def paced(number: int, per_second: float, work: Callable[[int], Awaitable[None]]) -> None:
    """Begin `work` for 0 to `number` at fixed times, whether the last is done or not."""
    start = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for each in range(number):
            await asyncio.sleep(max(start + each / per_second - time.perf_counter(), 0))
            tasks.create_task(_coroutine(work(each)))


async def _coroutine(work: Awaitable[None]) -> None:
    await work


async def grant(world: World, gate: str) -> Json:
    """Approve as the lead; return the Approval."""
    path = f"{world.gates}/{gate}"
    return await world.people["lead-1"].request("PATCH", path, GRANT, content_type=MERGE_PATCH)


async def learn(world: World, name: str = "pattern") -> Pattern:
    """Let the operator bring one run to its end, once; return what it wrote."""
    if world.pattern is not None:
        return world.pattern
    if world.operator.process is None:
        await world.fresh(operator=True)
    admin = world.people["admin"]
    async with watching(world) as seen:
        await world.ask(name)
        await seen.first(name, WAITING)
        await world.settled()
        waiting = (await admin.request("GET", f"{world.runs}/{name}"))["status"]
        gate = await admin.request("GET", f"{world.gates}/{seen.gates[name]}")
        await grant(world, seen.gates[name])
        await seen.first(name, SUCCEEDED)
        await world.settled()
    ended = (await admin.request("GET", f"{world.runs}/{name}"))["status"]
    granted = (await admin.request("GET", f"{world.gates}/{gate['metadata']['name']}"))["status"]
    made = await admin.request("GET", f"{world.config_maps}/{name}")
    world.pattern = Pattern(gate, waiting, granted, ended, made)
    return world.pattern


async def hold_bare(world: World, pattern: Pattern, name: str, deadline: str | None = None) -> Json:
    """Write what must be written until a run waits at its gate: the run, the Approval, the status. Return the run."""
    return await open_bare(world, pattern, await world.ask(name), deadline)


async def open_bare(world: World, pattern: Pattern, made: Json, deadline: str | None = None) -> Json:
    """Write what the operator must write for a run that was asked for: the Approval, the status. Return the run."""
    operator, metadata = world.people["operator"], made["metadata"]
    await operator.request("POST", world.gates, pattern.approval(made, deadline))
    path = f"{world.runs}/{metadata['name']}"
    return await operator.write_status(path, metadata["resourceVersion"], pattern.status(made))


async def live_bare(world: World, pattern: Pattern, name: str) -> None:
    """Write what must be written for a whole life: seven writes."""
    held = await hold_bare(world, pattern, name)
    gate = await grant(world, gate_name(held))
    await close_bare(world, pattern, held, gate)
    await world.people["operator"].request("POST", world.config_maps, pattern.config_map(held), run_as=WRITER)
    await end_bare(world, pattern, held)


async def close_bare(world: World, pattern: Pattern, held: Json, gate: Json) -> None:
    """Write that a gate has ended, as the operator must."""
    version = gate["metadata"]["resourceVersion"]
    await world.people["operator"].write_status(f"{world.gates}/{gate_name(held)}", version, pattern.granted)


async def end_bare(world: World, pattern: Pattern, held: Json) -> None:
    """Write that a run has ended, as the operator must."""
    path, version = f"{world.runs}/{held['metadata']['name']}", held["metadata"]["resourceVersion"]
    await world.people["operator"].write_status(path, version, pattern.status(held, ended=True))


async def count(world: World, path: str) -> int:
    """Return how many objects a collection holds."""
    number = 0
    async for items, _ in world.people["admin"].pages(path):
        number += len(items)
    return number
