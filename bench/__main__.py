"""The command: `python -m bench [--quick] [--only NAME ...] [--out FOLDER]`. Fails if a part could not be measured."""

import argparse
import asyncio
import dataclasses
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.admission import admission
from bench.compare import committed, compared
from bench.deadlines import deadlines
from bench.ended import ended
from bench.latency import decision_latency, gate_latency
from bench.pictures import draw
from bench.rates import gate_rate, lifecycle_rate
from bench.report import ended_table, figures_table, machine, readme, scale_table, summary
from bench.results import QUICK, Results, Sizes
from bench.scale import scale
from bench.world import World, bench_world
from bench.writes import writes_per_run

Scenario = Callable[[World, Sizes, Results], Awaitable[None]]
SCENARIOS: dict[str, Scenario] = {
    "gate-rate": gate_rate,
    "gate-latency": gate_latency,
    "decision-latency": decision_latency,
    "lifecycle-rate": lifecycle_rate,
    "writes": writes_per_run,
    "admission": admission,
    "scale": scale,
    "deadlines": deadlines,  # after scale, whose waiting runs it keeps
    "ended": ended,
}
_ROOT = Path(__file__).parents[1]
_DOCS, _SCRATCH = _ROOT / "docs" / "benchmark", _ROOT / ".run" / "bench"


def main() -> int:
    """Measure, print and write down; returns the exit code."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end what was started, as after Ctrl-C
    logging.getLogger("pratique").setLevel(logging.ERROR)  # its guard is asked here while there is none
    partial = options.quick or options.only
    folder = options.out or (_SCRATCH if partial else _DOCS)
    sizes = QUICK if options.quick else Sizes()
    if options.ended:
        sizes = dataclasses.replace(sizes, ended=(0, *options.ended))
    names = [name for name in SCENARIOS if not options.only or name in options.only]
    folder.mkdir(parents=True, exist_ok=True)
    date, before = committed(_DOCS / "results.json")  # before it is written anew
    results = asyncio.run(_measure(names, sizes, folder))
    print(f"\n{figures_table(results.figures)}\n")
    if results.scale:
        print(f"{scale_table(results.scale)}\n")
    if results.ended:
        print(f"{ended_table(results.ended)}\n")
    print(summary(results.figures))
    print(compared(before, results.figures, date))
    return 1 if results.failed else 0


async def _measure(names: list[str], sizes: Sizes, folder: Path) -> Results:
    results = Results()
    with tempfile.TemporaryDirectory(prefix="pratique-bench-") as scratch:
        print("...     a control plane", flush=True)
        async with bench_world(Path(scratch)) as world:
            version = (await world.people["admin"].request("GET", "/version"))["gitVersion"]
            where = machine(version, datetime.now(UTC).strftime("%Y-%m-%d"))
            for name in names:
                await _one(name, world, sizes, results)
                _write(results, where, sizes, folder)
    return results


async def _one(name: str, world: World, sizes: Sizes, results: Results) -> None:
    """Take one scenario; what fails is told, and the others are taken all the same."""
    print(f"...     {name}", flush=True)
    start, before = time.perf_counter(), set(results.figures)
    try:
        await SCENARIOS[name](world, sizes, results)
    except Exception as error:
        results.failed[name] = _why(error)
        print(f"failed  {name}: {results.failed[name]}", flush=True)
        await world.stop()
        return
    new = [f"{key} {value:.2f}" for key, value in results.figures.items() if key not in before]
    print(f"ok      {name}  {time.perf_counter() - start:.0f} s: {', '.join(new)}", flush=True)


def _why(error: BaseException) -> str:
    """Return the first cause: tasks wrap what went wrong in groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def _write(results: Results, where: dict[str, str], sizes: Sizes, folder: Path) -> None:
    (folder / "results.json").write_text(results.to_json(where, sizes))
    (folder / "README.md").write_text(readme(results, where, sizes, draw(results, folder)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Pratique on a control plane of its own."
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, about a minute; figures worth little")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, metavar="NAME", help=f"of: {', '.join(SCENARIOS)}")
    parser.add_argument("--out", type=Path, help="default: docs/benchmark, or .run/bench with --quick or --only")
    parser.add_argument("--ended", nargs="+", type=int, metavar="N", help="so many ended runs, beside none")
    return parser


if __name__ == "__main__":
    sys.exit(main())
