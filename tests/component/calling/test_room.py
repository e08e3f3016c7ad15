"""The room for calls: bounded, shared between Actions, and nobody waits for it for long."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from pratique.calling.room import FullError, Room


async def test_no_action_has_more_than_half_of_it() -> None:
    room = Room(4, patience=0.05)
    async with AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(room.place("greedy"))
        with pytest.raises(FullError, match=r"^2 calls of its Action are under way$"):
            async with room.place("greedy"):
                raise AssertionError
        for _ in range(2):
            await held.enter_async_context(room.place("other"))
        with pytest.raises(FullError, match=r"^4 calls are under way$"):
            async with room.place("third"):
                raise AssertionError
    async with room.place("greedy"), room.place("greedy"), room.place("third"), room.place("third"):
        pass
    assert (room._of, room._there) == ({}, {}), "nothing is kept of Actions that call nothing now"


async def test_a_place_that_gets_free_in_time_is_taken() -> None:
    room = Room(2, patience=5)
    free = asyncio.Event()

    async def hold() -> None:
        async with room.place("deploy"):
            await free.wait()

    first = asyncio.create_task(hold())
    await asyncio.sleep(0)
    second = asyncio.create_task(hold())
    await asyncio.sleep(0)
    free.set()
    await asyncio.wait_for(asyncio.gather(first, second), 1)


async def test_who_is_ended_while_it_waits_leaves_nothing() -> None:
    room = Room(2, patience=5)
    async with room.place("deploy"):
        waiting = asyncio.create_task(room.place("deploy").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with room.place("deploy"):
        pass
    assert room._of == {}
