"""Many deadlines at one instant while many others wait: how late the last ones are.

The gate's deadline counts from when the operator opens it, so runs that are asked for one after the other end one after
the other. Here a bare client writes, as the operator and while that is stopped, Approvals with one and the same deadline.
"""

import asyncio
import time
from datetime import UTC, datetime

from bench.load import close_bare, end_bare, hold_bare, learn, pool
from bench.manifests import Json, Pattern, gate_name
from bench.numbers import percentile
from bench.results import Results, Sizes
from bench.scale import populate
from bench.watch import EXPIRED, watching
from bench.world import World

_MARGIN = 10.0


async def deadlines(world: World, sizes: Sizes, results: Results) -> None:
    """Measure from the deadline to the event that shows the run expired."""
    pattern = await learn(world)
    if world.operator.process is None:
        await world.fresh(operator=True)
    await populate(world, sizes.waiting[-1])
    await world.stop()
    ahead = _start_takes(results, sizes) + sizes.deadlines / 50 + _MARGIN
    due = int(time.time() + ahead)
    deadline = datetime.fromtimestamp(due, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    names = [f"due-{each}" for each in range(sizes.deadlines)]

    async def hold(each: int) -> None:
        await hold_bare(world, pattern, names[each], deadline)

    await pool(sizes.deadlines, hold)
    await world.start()
    await world.settled()
    early = due - time.time()
    if early < 1:
        raise RuntimeError(f"the operator was not at rest before the deadline ({early:.1f} s): nothing was measured")
    async with watching(world) as seen:
        await asyncio.sleep(max(due - time.time(), 0))
        at = time.perf_counter() - (time.time() - due)
        ended = await seen.all(names, EXPIRED)
    late = [each - at for each in ended]
    results.figures["late_floor_s"] = await _floor(world, pattern, sizes)
    results.samples["late_s"] = late
    results.figures |= {"late_p50_s": percentile(late, 50), "late_p99_s": percentile(late, 99), "late_max_s": max(late)}
    results.notes.append(
        f"Deadlines: {len(names)} with one deadline, to the second the same, {sizes.waiting[-1]:,} others waiting;"
        f" the first was seen expired after {min(late):.2f} s, half of them after {percentile(late, 50):.2f} s."
    )


async def _floor(world: World, pattern: Pattern, sizes: Sizes) -> float:
    """Return how many seconds a bare client takes for as many gates and runs, each of which is written once."""
    await world.stop()
    held = dict[int, tuple[Json, Json]]()

    async def hold(each: int) -> None:
        run = await hold_bare(world, pattern, f"floor-{each}")
        held[each] = run, await world.people["admin"].request("GET", f"{world.gates}/{gate_name(run)}")

    async def end(each: int) -> None:
        run, gate = held[each]
        await close_bare(world, pattern, run, gate)
        await end_bare(world, pattern, run)

    await pool(sizes.deadlines, hold)
    start = time.perf_counter()
    await pool(sizes.deadlines, end)
    return time.perf_counter() - start


def _start_takes(results: Results, sizes: Sizes) -> float:
    """Return in how many seconds the operator will be at rest after a start, as far as is known."""
    known = [entry["calm_s"] for entry in results.scale if "calm_s" in entry]
    return 2 * max(known, default=5 + sizes.waiting[-1] / 300)
