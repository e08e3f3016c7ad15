"""Latencies at a calm rate: until a run is held, and from an approver's patch until it runs and has succeeded."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bench.load import WIDTH, close_bare, end_bare, grant, hold_bare, learn, open_bare, paced, pool
from bench.manifests import WRITER, Json, Pattern, gate_name
from bench.numbers import milliseconds, percentile
from bench.results import Results, Sizes
from bench.watch import RUNNING, SUCCEEDED, WAITING, Seen, watching
from bench.world import World


async def gate_latency(world: World, sizes: Sizes, results: Results) -> None:
    """Measure from the create's answer to the event that shows the run waiting; and the same with a bare client."""
    pattern = await learn(world)

    async def nothing(made: Json) -> None:
        """The operator does it."""

    async def bare(made: Json) -> None:
        await open_bare(world, pattern, made)

    for key, operator, work in (("gate", True, nothing), ("gate_bare", False, bare)):
        await world.fresh(operator=operator)
        took = await _held(world, sizes, work, warm=operator)
        results.samples[f"{key}_ms"] = took
        results.figures |= {f"{key}_p50_ms": percentile(took, 50), f"{key}_p99_ms": percentile(took, 99)}
    results.figures["gate_over_ms"] = results.figures["gate_p50_ms"] - results.figures["gate_bare_p50_ms"]


async def _held(world: World, sizes: Sizes, work: Callable[[Json], Awaitable[None]], *, warm: bool) -> list[float]:
    """Ask at a calm rate, `work` on each; return how many ms after the answer each run was seen waiting."""
    asked: dict[str, float] = {}

    async def ask(each: int) -> None:
        name = f"run-{each}"
        made = await world.ask(name)
        asked[name] = time.perf_counter()
        await work(made)

    async with watching(world) as seen:
        if warm:
            await make_waiting(world, seen, "warm", WIDTH)
        await paced(sizes.per_second * sizes.latency_seconds, sizes.per_second, ask)
        held = await seen.all(asked, WAITING)
    return milliseconds([at - before for at, before in zip(held, asked.values(), strict=True)])


async def decision_latency(world: World, sizes: Sizes, results: Results) -> None:
    """Measure from the answer to the approver's patch to the events that show the run running, and done.

    Once at the calm rate of all latencies, and once so that no decision comes within 100 ms after another: an API server
    asks etcd for its progress once in that time, and a consistent list waits for that. And the three writes that there
    are at least, by a bare client.
    """
    pattern = await learn(world)
    await world.fresh(operator=True)
    async with watching(world) as seen:
        names = await make_waiting(world, seen, "run", sizes.decisions)
        started, done = await _decided(world, seen, names, sizes.per_second)
        alone, _ = await _decided(
            world, seen, await make_waiting(world, seen, "alone", sizes.alone), sizes.alone_per_second
        )
        running = sum(RUNNING in seen.at[name] for name in names)
    bare = await _decided_bare(world, pattern, sizes)
    results.samples["decision_bare_ms"] = bare
    results.figures["decision_bare_p50_ms"] = percentile(bare, 50)
    results.figures["decision_over_ms"] = percentile(alone, 50) - percentile(bare, 50)
    results.samples |= {"decision_ms": started, "done_ms": done, "decision_alone_ms": alone}
    results.figures |= {"decision_p50_ms": percentile(started, 50), "decision_p99_ms": percentile(started, 99)}
    results.figures |= {"decision_alone_p50_ms": percentile(alone, 50)}
    results.figures |= {"done_p50_ms": percentile(done, 50), "done_p99_ms": percentile(done, 99)}
    results.notes.append(
        f"Decision latency: {running} of {len(names)} runs were seen Running; the others went to Succeeded in the"
        " status write that would have said Running, so Succeeded is what was seen first."
    )


async def _decided(world: World, seen: Seen, names: list[str], per_second: int) -> tuple[list[float], list[float]]:
    """Grant one after the other; return after how many ms each was seen to run, and to be done."""
    started, done = list[float](), list[float]()
    for name in names:
        begin = time.perf_counter()
        await grant(world, seen.gates[name])
        granted = time.perf_counter()
        done.append(await seen.first(name, SUCCEEDED) - granted)
        started.append(await seen.first(name, RUNNING, SUCCEEDED) - granted)
        await asyncio.sleep(max(begin + 1 / per_second - time.perf_counter(), 0))
    return milliseconds(started), milliseconds(done)


async def _decided_bare(world: World, pattern: Pattern, sizes: Sizes) -> list[float]:
    """Grant one after the other, and write what must be written; return after how many ms each was seen to be done."""
    await world.fresh(operator=False)
    done = list[float]()
    async with watching(world) as seen:
        held = [await hold_bare(world, pattern, f"bare-{each}") for each in range(sizes.alone)]
        for run in held:
            gate = await grant(world, gate_name(run))
            granted = time.perf_counter()
            await close_bare(world, pattern, run, gate)
            await world.people["operator"].request("POST", world.config_maps, pattern.config_map(run), run_as=WRITER)
            await end_bare(world, pattern, run)
            done.append(await seen.first(run["metadata"]["name"], SUCCEEDED) - granted)
            await asyncio.sleep(1 / sizes.alone_per_second)
    return milliseconds(done)


async def make_waiting(world: World, seen: Seen, prefix: str, number: int) -> list[str]:
    """Let a number of runs wait, and the operator come to rest; return their names."""
    names = [f"{prefix}-{each}" for each in range(number)]

    async def ask(each: int) -> None:
        await world.ask(names[each])

    await pool(number, ask)
    await seen.all(names, WAITING)
    await world.settled()
    return names
