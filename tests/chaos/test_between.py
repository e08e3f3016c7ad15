"""Killed between a delivery and its mark: by the receiver itself, at the moment that it has the message.

What nobody can know is repeated once, and known as a repeat; what is marked is never told again, after any restart.
"""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.chaos import invariants
from tests.chaos.receivers import Heard
from tests.chaos.stories import STORIES, ask, ended, free, status
from tests.chaos.world import World, chaos_world

CHANNELS = ("hook", "teams", "slack", "mail")
MOMENTS = ("taken", "answered")
"""Before its answer, and right after it."""
MARKED_LATE = 0.3
"""Seconds that each request of the operator takes meanwhile: the kill comes before the mark."""


async def killed_by(world: World, channel: str, moment: str) -> tuple[str, list[str]]:
    """Let a receiver kill the operator over the message of a run; return the run and what was wrong until all was told."""
    name, since = f"{channel}-{moment}", len(world.receivers.heard)
    over: list[Heard] = []

    def kill(heard: Heard) -> None:
        if heard.channel == channel and heard.about == name and not over and world.operator.process is not None:
            os.kill(world.operator.process.pid, signal.SIGKILL)
            over.append(heard)

    async def is_over() -> list[Heard]:
        return over

    setattr(world.receivers, moment, kill)
    world.proxy.delay = MARKED_LATE
    await ask(world, name, "note")
    await world.until(f"{channel} has killed the operator", is_over)
    await asyncio.to_thread(world.operator.kill)  # reaps it
    world.proxy.delay = 0.0
    outbox = (await status(world, name))["notifications"]
    marked = [entry["id"] for entry in outbox if entry["channel"] == channel and entry["state"] != "Pending"]
    problems = [f"{ident} was marked before the kill" for ident in marked]
    world.restart()
    await ended(world, name)
    told = world.receivers.told(name, since)
    problems += invariants.told(told, STORIES["free"].tells, repeats=1)
    again = [each for each in told if (each.receiver, each.key) == (over[0].receiver, over[0].key)]
    if len(again) != 2:
        problems.append(f"{over[0]} arrived {len(again)} times")
    return name, [f"{name}: {problem}" for problem in problems]


@pytest.mark.timeout(600)
def test_what_is_not_marked_is_told_once_more_by_the_same_key_and_never_a_third_time(tmp_path: Path) -> None:
    async def play() -> list[str]:
        async with chaos_world(tmp_path) as world:
            played = [await killed_by(world, channel, moment) for channel in CHANNELS for moment in MOMENTS]
            heard = len(world.receivers.heard)
            await asyncio.to_thread(world.operator.kill)
            world.restart()
            await asyncio.to_thread(world.operator.wait_ready)
            await free(world, "afterwards")  # by then, all that was there has been looked at
            names = {name for name, _ in played}
            late = [f"{each} came again" for each in world.receivers.heard[heard:] if each.about in names]
            return [problem for _, problems in played for problem in problems] + late

    assert asyncio.run(play()) == []
