"""Writes per run, counted by the API server; the marks of the outbox are told apart by the watch, where the phase stays."""

from collections import Counter

from bench.latency import make_waiting
from bench.load import WIDTH, grant, pool
from bench.metrics import total, writes
from bench.results import Results, Sizes
from bench.watch import SUCCEEDED, WAITING, Seen, watching
from bench.world import World


async def writes_per_run(world: World, sizes: Sizes, results: Results) -> None:
    """Count what runs cost the API server, with a gate and without."""
    await world.fresh(operator=True)
    async with watching(world) as seen:
        await make_waiting(world, seen, "warm", WIDTH)
        for kind in ("gated", "free"):
            asked = await _requests(world)
            before, marks = writes(await world.server_metrics()), seen.marks
            await pool(sizes.counted, lambda each, kind=kind: _live(world, seen, f"{kind}-{each}", kind == "gated"))  # type: ignore[misc]
            await world.settled()
            spent = writes(await world.server_metrics()) - before
            _record(results, kind, spent, seen.marks - marks, sizes.counted)
            results.figures[f"requests_{kind}"] = (await _requests(world) - asked) / sizes.counted
        names = await make_waiting(world, seen, "decided", sizes.counted)
        asked = await _requests(world)
        await pool(len(names), lambda each: _decide(world, seen, names[each]))
        await world.settled()
        results.figures["requests_decision"] = (await _requests(world) - asked) / len(names)


async def _requests(world: World) -> float:
    """Return what the operator has asked the API server for so far, its Lease left out."""
    text = await world.operator_metrics()
    name = "pratique_api_requests_total"
    return total(text, name) - total(text, name, resource="leases")


async def _decide(world: World, seen: Seen, name: str) -> None:
    await grant(world, seen.gates[name])
    await seen.first(name, SUCCEEDED)


def _record(results: Results, kind: str, spent: Counter[str], marks: int, number: int) -> None:
    results.figures |= {
        f"writes_{kind}": (spent.total() - marks) / number,
        f"marks_{kind}": marks / number,
    }
    parts = ", ".join(f"{what} {times / number:.2f}" for what, times in sorted(spent.items()))
    results.notes.append(f"Writes per run, {kind}, marks included: {parts}.")


async def _live(world: World, seen: Seen, name: str, gated: bool) -> None:
    await world.ask(name, gated=gated)
    if gated:
        await seen.first(name, WAITING)
        await grant(world, seen.gates[name])
    await seen.first(name, SUCCEEDED)
