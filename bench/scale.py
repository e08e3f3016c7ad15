"""Many runs that wait: memory, what they cost when nothing happens, a start with all of them, and one run more."""

import asyncio
import time

from bench.load import pool
from bench.numbers import milliseconds, percentile
from bench.processes import cpu_seconds, memory_mb
from bench.results import Results, Sizes
from bench.watch import WAITING, watching
from bench.world import World

_PAUSE, _QUIET = 0.05, 1.5


async def scale(world: World, sizes: Sizes, results: Results) -> None:
    """Grow in steps; at each, look at the operator as it is, and again after a restart."""
    await world.fresh(operator=True)
    results.scale.clear()
    for number in sizes.waiting:
        print(f"...     scale: {number:,} waiting", flush=True)
        entry: dict[str, float] = {"waiting": number}
        results.scale.append(entry)
        entry |= await populate(world, number)
        entry |= {f"rss_made{key}": value for key, value in _memory(world).items()}
        entry["idle_cpu_percent"] = await _idle(world, sizes.idle_seconds)
        entry |= await cold_start(world)
        entry |= {f"rss_restarted{key}": value for key, value in _memory(world).items()}
        entry |= await _one_more(world, sizes.one_more, f"more-{number}")
        results.figures |= {f"{key}_{number}": value for key, value in entry.items()}


async def populate(world: World, number: int) -> dict[str, float]:
    """Let runs wait until there are so many; return how fast they came, and how long until their Events were written."""
    there = await _waiting(world)
    missing = max(number - there, 0)
    names = [f"waiting-{there + each}" for each in range(missing)]

    async def ask(each: int) -> None:
        await world.ask(names[each])

    async with watching(world) as seen:
        start = time.perf_counter()
        await pool(missing, ask)
        last = max(await seen.all(names, WAITING), default=start)
    settled = await world.settled(_QUIET)
    if not missing:
        return {}
    return {"made_per_s": missing / (last - start), "all_told_after_s": settled.caught_up_at - last}


async def _waiting(world: World) -> int:
    phases = [
        (item.get("status") or {}).get("phase")
        async for items, _ in world.people["admin"].pages(world.runs)
        for item in items
    ]
    return phases.count(WAITING)


def _memory(world: World) -> dict[str, float]:
    return {"": memory_mb(world.pid), "_with_children": memory_mb(world.pid, children=True)}


async def _idle(world: World, seconds: int) -> float:
    before, start = cpu_seconds(world.pid), time.perf_counter()
    await asyncio.sleep(seconds)
    return 100 * (cpu_seconds(world.pid) - before) / (time.perf_counter() - start)


async def cold_start(world: World) -> dict[str, float]:
    """Start the operator anew; return how long that took."""
    before = time.perf_counter()
    await world.stop()
    start = time.perf_counter()
    await world.start()
    ready = time.perf_counter()
    settled = await world.settled(_QUIET)
    return {
        "stop_s": start - before,
        "ready_s": ready - start,
        "caught_up_s": settled.caught_up_at - start,
        "calm_s": settled.calm_at - start,
    }


async def _one_more(world: World, number: int, prefix: str) -> dict[str, float]:
    took = []
    async with watching(world) as seen:
        for each in range(number):
            await world.ask(f"{prefix}-{each}")
            answered = time.perf_counter()
            took.append(await seen.first(f"{prefix}-{each}", WAITING) - answered)
            await asyncio.sleep(_PAUSE)
    await world.settled()
    took = milliseconds(took)
    return {"one_more_p50_ms": percentile(took, 50), "one_more_p99_ms": percentile(took, 99)}
