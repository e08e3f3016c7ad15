"""The wall clock of the operator is set forward and back: deadlines and TTLs follow it, nothing ends early or is stuck.

The operator runs in this process, with a clock that is ahead of the machine's or behind it; the API server's is right.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.stories import ask, ask_environment, decide, ended, gate_of, status
from tests.chaos.world import SPACE, World, chaos_world
from tests.support.channelling import LOOPBACK

from pratique.clock import SystemClock
from pratique.cluster.connection import connect
from pratique.processes.operator import Operator
from pratique.processes.settings import Settings


class SetClock(SystemClock):
    """The machine's clock, set forward or back by `ahead`."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@asynccontextmanager
async def operating(world: World, clock: SetClock) -> AsyncIterator[None]:
    """Run the operator in this process, straight at the API server."""
    world.operator.kill()
    stop = asyncio.Event()
    connection = connect(str(world.operator.kubeconfig))
    settings = Settings(health_port=world.operator.port, identity="set", channel_egress=LOOPBACK)
    operator = Operator(connection, settings, clock)
    task = asyncio.create_task(operator.run(stop))
    try:
        await asyncio.to_thread(world.operator.wait_ready)
        yield
    finally:
        stop.set()
        await task


async def environment(world: World, name: str, ttl: str) -> None:
    """Ask for an Environment; return once it is there."""
    await ask_environment(world, name, ttl)

    async def active() -> bool:
        return (await status(world, name, "environments")).get("phase") == "Active"

    await world.until(f"{name} is there", active)


async def phase(world: World, name: str, wanted: str) -> dict[str, Any]:
    """Return the status of a run once it is in this phase."""

    async def there() -> dict[str, Any] | None:
        seen = await status(world, name)
        return seen if seen.get("phase") == wanted else None

    return dict(await world.until(f"{name} is {wanted}", there))


async def set_forward(world: World, clock: SetClock) -> None:
    for name in ("forward", "kept"):
        await ask(world, name, "note" if name == "forward" else "patient", gated=True)
        await gate_of(world, name)
    await environment(world, "short", "2h")
    await environment(world, "long", "3d")
    clock.ahead = timedelta(hours=1, minutes=1)
    await phase(world, "forward", "Expired")
    assert (await status(world, "kept"))["phase"] == "WaitingForApproval"
    assert (await status(world, "short", "environments"))["phase"] == "Active"
    clock.ahead = timedelta(hours=2, minutes=1)

    async def gone() -> bool:
        return await world.get("environments", "short") is None

    await world.until("the Environment whose time is up is gone", gone)
    assert (await status(world, "long", "environments"))["phase"] == "Active"
    await decide(world, "kept", "Approve")
    await ended(world, "kept")
    assert (await status(world, "kept"))["phase"] == "Succeeded"


async def set_back(world: World, clock: SetClock) -> None:
    await ask(world, "waits", "note", gated=True)
    await gate_of(world, "waits")
    await environment(world, "stays", "1h")
    await ask(world, "polled", "job")
    await phase(world, "polled", "Running")
    clock.ahead -= timedelta(days=1)
    await ask(world, "afterwards", "note", gated=True)
    await decide(world, "afterwards", "Approve")  # by the API server's clock there is an hour for it
    for name in ("afterwards", "waits"):
        if name == "waits":
            await decide(world, name, "Approve")
        await ended(world, name)
        assert (await status(world, name))["phase"] == "Succeeded"
    assert (await status(world, "stays", "environments"))["phase"] == "Active"
    job = await world.get("jobs", "polled")
    assert job is not None
    await world.people["admin"].request("DELETE", f"/apis/batch/v1/namespaces/{SPACE}/jobs/polled", {})
    # Nobody is told of a foreign object: only a look that comes in time can see that it is gone.
    failed = await phase(world, "polled", "Failed")
    assert "was deleted before it was ready" in failed["message"]


@pytest.mark.timeout(480)
def test_deadlines_and_ttls_follow_a_clock_that_is_set(tmp_path: Path) -> None:
    async def play() -> None:
        async with chaos_world(tmp_path) as world:
            clock = SetClock()
            async with operating(world, clock):
                await set_back(world, clock)
                clock.ahead = timedelta()
                await set_forward(world, clock)

    asyncio.run(play())
