"""Rates of bursts, each beside its floor: the same writes, as fast as the API server takes them from a bare client.

The watch that measures is open on both sides, so what it costs is in both.
"""

import time
from collections.abc import Awaitable, Callable
from statistics import median

from bench.load import WIDTH, count, grant, hold_bare, learn, live_bare, pool
from bench.numbers import ratio_of_rounds
from bench.results import Results, Sizes
from bench.watch import SUCCEEDED, WAITING, Seen, watching
from bench.world import World

_Work = Callable[[World, Seen, str], Awaitable[None]]


async def gate_rate(world: World, sizes: Sizes, results: Results) -> None:
    """Measure how fast runs get to their gate."""

    async def ask(world: World, seen: Seen, name: str) -> None:
        await world.ask(name)

    async def bare(world: World, seen: Seen, name: str) -> None:
        await hold_bare(world, pattern, name)

    pattern = await learn(world)
    await _rounds(world, results, "gate", sizes, sizes.burst, WAITING, ask, bare)


async def lifecycle_rate(world: World, sizes: Sizes, results: Results) -> None:
    """Measure how fast runs get from their creation to their end."""

    async def live(world: World, seen: Seen, name: str) -> None:
        await world.ask(name)
        await seen.first(name, WAITING)
        await grant(world, seen.gates[name])
        await seen.first(name, SUCCEEDED)

    async def bare(world: World, seen: Seen, name: str) -> None:
        await live_bare(world, pattern, name)

    pattern = await learn(world)
    await _rounds(world, results, "lifecycle", sizes, sizes.lifecycles, SUCCEEDED, live, bare)


async def _rounds(
    world: World,
    results: Results,
    name: str,
    sizes: Sizes,
    number: int,
    phase: str,
    ours: _Work,
    bare: _Work,
) -> None:
    """Take both rates, round by round; who goes first changes."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for each in range(sizes.rounds):
        for with_operator in (True, False) if each % 2 == 0 else (False, True):
            await world.fresh(operator=with_operator)
            rate = await _burst(world, number, phase, ours if with_operator else bare)
            rates[with_operator].append(rate)
    results.rounds |= {f"{name}_rate": rates[True], f"{name}_floor": rates[False]}
    results.figures |= {
        f"{name}_ratio": ratio_of_rounds(rates[True], rates[False]),
        f"{name}_rate": median(rates[True]),
        f"{name}_floor": median(rates[False]),
    }


async def _burst(world: World, number: int, phase: str, work: _Work) -> float:
    async with watching(world) as seen:
        await pool(WIDTH, lambda each: work(world, seen, f"warm-{each}"))
        await seen.all([f"warm-{each}" for each in range(WIDTH)], phase)
        if world.operator.process is not None:
            await world.settled()
        names = [f"run-{each}" for each in range(number)]
        start = time.perf_counter()
        await pool(number, lambda each: work(world, seen, names[each]))
        took = max(await seen.all(names, phase)) - start
    gates = await count(world, world.gates)
    if gates != number + WIDTH:
        raise RuntimeError(f"{gates} Approvals for {number + WIDTH} runs")
    return number / took
