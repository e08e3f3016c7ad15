"""The faults of `make chaos`, each for a short while; and a watch that dies without a word."""

import asyncio
import random
from pathlib import Path

import pytest
from tests.chaos.cuts import Cutter
from tests.chaos.faults import lives_on
from tests.chaos.stories import STORIES
from tests.chaos.storms import OPTIONS, Storm, storms
from tests.chaos.world import chaos_world

OUTAGE_SECONDS = 5.0


@pytest.mark.timeout(900)
def test_the_operator_lives_on_the_story_ends_right_and_nothing_leaks(tmp_path: Path) -> None:
    async def play() -> tuple[list[str], str]:
        async with chaos_world(tmp_path) as world:
            return await lives_on(world, OUTAGE_SECONDS), world.operator.log.read_text()

    broken, log = asyncio.run(play())
    assert not broken, "\n".join(broken)
    ours = [line for line in log.splitlines() if " ERROR " in line and " pratique." in line]
    assert ours == [], "Kopf may say what it likes about answers that it does not know; we say nothing of mistakes"


@pytest.mark.timeout(900)
def test_a_watch_that_dies_silently_is_noticed(tmp_path: Path) -> None:
    """No FIN, no error, no events: only that not even bookmarks come, once a minute, tells that a watch is dead."""

    async def play() -> list[str]:
        async with chaos_world(tmp_path) as world:
            world.patience = 120.0
            world.proxy.freeze_watches()
            return (await Cutter(world).play(STORIES["free"])).problems

    assert asyncio.run(play()) == []


@pytest.mark.timeout(900)
def test_faults_at_random_moments_leave_no_kind_unwatched(tmp_path: Path) -> None:
    """A bounded part of `make chaos`: whatever the moment, each kind is watched again within the bound."""
    chance = random.Random()

    async def play() -> list[Storm]:
        async with chaos_world(tmp_path, *OPTIONS) as world:
            return await storms(world, 6, chance, print)

    broken = [str(each) for each in asyncio.run(play()) if each.problems]
    assert not broken, "\n".join(broken)
