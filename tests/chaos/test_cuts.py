"""A bounded part of `make chaos`: the writes of the stories that matter most, killed before, during and after."""

import asyncio
from pathlib import Path

import pytest
from tests.chaos.cuts import Cutter, every_cut
from tests.chaos.stories import STORIES
from tests.chaos.world import chaos_world
from tools.faultproxy import Moment

BOUNDED = {
    "granted": 2,
    "free": 2,
    "declined": 3,
    "expired": 4,
    "withdrawn": 4,
    "deleted": 4,
    "superseded": 4,
    "failed": 5,
    "job": 4,
    "called": 15,
    "waited": 25,
    "aimed": 15,
    "removed": 15,
    "filled": 15,
    "undone": 15,
    "found": 15,
    "broken": 20,
    "frozen": 15,
    "lent": 15,
}
"""By story, of how many moments of its writes it is killed at one; up to three, each write has its turn."""


@pytest.mark.timeout(2000)
def test_killed_at_writes_everything_happens_once(tmp_path: Path) -> None:
    async def play() -> list[str]:
        broken: list[str] = []
        async with chaos_world(tmp_path) as world:
            for name, every in BOUNDED.items():
                passes = await every_cut(Cutter(world), STORIES[name], list(Moment), every, writes=True)
                killed = sum(bool(each.killed_at) for each in passes)
                if killed < (len(passes) - 1) * 0.8 or not killed:
                    broken.append(f"{name} was killed {killed} times in {len(passes)} passes: {passes[-1].requests}")
                broken += [f"{name}, {each.killed_at}: {each.problems}" for each in passes if each.problems]
        return broken

    assert asyncio.run(play()) == []
