"""`make chaos`: every story, killed at every request, before, during and after it; then every fault, and a long outage.

Prints a line per story and per fault, and writes what was seen to .run/chaos.json. `--help` shows how to run a part.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from tests.chaos.cuts import Cutter, Played, every_cut, pairs
from tests.chaos.faults import lives_on
from tests.chaos.stories import STORIES
from tests.chaos.storms import OPTIONS, storms
from tests.chaos.world import chaos_world
from tools.faultproxy import Moment

SEED = 4
SUMMARY = Path(".run") / "chaos.json"


async def run(
    names: list[str], every: int, writes: bool, moments: list[Moment], twice: int, outage: float, number: int
) -> int:
    """Cut these stories, once and twice, then plant the faults, each and at random; return how many broke an invariant."""
    chance = random.Random(SEED)
    summary: dict[str, object] = {}
    broken = 0
    async with AsyncExitStack() as stack:
        if names:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            world = await stack.enter_async_context(chaos_world(Path(folder)))
            for name in names:
                passes = await every_cut(Cutter(world), STORIES[name], moments, every, writes)
                passes += await pairs(Cutter(world), STORIES[name], twice, chance) if twice else []
                bad = [each for each in passes if each.problems]
                broken += len(bad)
                summary[name] = _summary(passes)
                print(_line(name, passes, bad), flush=True)
                for each in bad:
                    print(f"        {each.killed_at or 'undisturbed'}: {'; '.join(each.problems)}", flush=True)
    if outage:
        with tempfile.TemporaryDirectory() as folder:
            async with chaos_world(Path(folder)) as world:
                problems = await lives_on(world, outage, lambda line: print(line, flush=True))
                print(*(f"        {problem}" for problem in problems), sep="\n", end="", flush=True)
                summary["faults"], broken = {"outage": outage, "broken": problems}, broken + len(problems)
    if number:
        summary["storms"], failed = await _weather(number, chance)
        broken += failed
    SUMMARY.parent.mkdir(exist_ok=True)
    SUMMARY.write_text(json.dumps(summary, indent=2) + "\n")
    return broken


async def _weather(number: int, chance: random.Random) -> tuple[dict[str, object], int]:
    with tempfile.TemporaryDirectory() as folder:
        async with chaos_world(Path(folder), *OPTIONS) as world:
            seen = await storms(world, number, chance, lambda line: print(line, flush=True))
    worst, bad = max(each.blind for each in seen), [str(each) for each in seen if each.problems]
    print(f"{'FAILED ' if bad else 'ok     '} {len(seen)} faults: watched again within {worst:.1f} s", flush=True)
    return {"faults": len(seen), "worst": worst, "broken": bad}, len(bad)


def _summary(passes: list[Played]) -> dict[str, object]:
    return {
        "requests": [f"{each.method} {each.path}" for each in passes[0].requests],
        "kills": sum(each.kills for each in passes),
        "broken": [{"at": each.killed_at, "problems": each.problems} for each in passes if each.problems],
        "told twice": sum(each.told_twice for each in passes),
    }


def _line(name: str, passes: list[Played], bad: list[Played]) -> str:
    kills = sum(each.kills for each in passes)
    seconds = sum(each.seconds for each in passes)
    twice = sum(each.told_twice for each in passes)
    word = "FAILED " if bad else "ok     "
    return (
        f"{word} {name}: {len(passes[0].requests)} requests, {kills} kills, {twice} messages repeated, {seconds:.0f} s"
    )


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--story", choices=sorted(STORIES), action="append", help="default: all")
    parser.add_argument("--every", type=int, default=1, help="cut at each n-th moment only")
    parser.add_argument("--writes", action="store_true", help="cut at writes only")
    parser.add_argument("--moment", choices=[each.name for each in Moment], action="append", help="default: all")
    parser.add_argument("--twice", type=int, default=20, help="how often each story is killed twice, anywhere")
    parser.add_argument("--outage", type=float, default=120.0, help="seconds that the API server is away; 0: no faults")
    parser.add_argument("--storms", type=int, default=50, help="how many faults at random moments, under load")
    parser.add_argument("--only-storms", action="store_true", help="nothing but those")
    options = parser.parse_args()
    moments = [Moment[each] for each in options.moment] if options.moment else list(Moment)
    outage = 0.0 if options.story else options.outage
    number = 0 if options.story else options.storms
    names = options.story or ([] if options.only_storms else list(STORIES))
    broken = asyncio.run(
        run(
            names, options.every, options.writes, moments, options.twice, 0.0 if options.only_storms else outage, number
        )
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
