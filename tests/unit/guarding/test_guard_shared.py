"""The guard of one shard of several: it acts on the record that it has read, and on none that was marked or is another."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from tests.unit.guarding.test_guard_takeover import POLICY, VALUES, Json, Nothing, Server

from pratique.cluster.client import ApiError
from pratique.core.kernel.effects import Failure, Verified
from pratique.guarding.record import ident_of, to_data
from pratique.guarding.shared import SharedGuard, Times

TIMES = Times(look=0.01, fresh=5.0, barrier=0.05)


class Kept(Server):
    """One whose record can be written."""

    def __init__(self) -> None:
        super().__init__()
        self.version, self.written = 1, list[dict[str, str]]()

    async def request(self, method: str, path: str, body: object = None, **more: Any) -> Json:
        if path.startswith("/api/v1/") and not self.away and method in ("GET", "PUT"):
            if method == "PUT":
                assert isinstance(body, dict)
                if body["metadata"]["resourceVersion"] != str(self.version):
                    raise ApiError(409, "Conflict", "somebody was faster")
                self.record(body["data"])
            return {"metadata": {"resourceVersion": str(self.version)}, "data": dict(self.data)}
        return await super().request(method, path, body, **more)

    def record(self, data: dict[str, str]) -> None:
        self.data = dict(data)
        self.version += 1
        self.written.append(self.data)


class World:
    """A guard, and what it was told to do."""

    def __init__(self, *, keeps: bool) -> None:
        self.server, self.now = Kept(), 0.0
        self.swept, self.listed, self.said = list[str](), 0, list[str | None]()

        async def sweep(gap: str) -> None:
            self.swept.append(gap)

        async def relist() -> None:
            self.listed += 1

        self.guard = SharedGuard(
            self.server,
            VALUES,
            sweep,
            self.said.append,
            Nothing(),
            every=60.0,
            settle=0.0,
            keeps=keeps,
            relist=relist,
            steady=lambda: self.now,
            times=TIMES,
        )

    async def lapses(self) -> str:
        async with asyncio.timeout(3):
            return await self.guard.until_lapsed()


async def test_who_follows_acts_on_the_record_without_listing_anything() -> None:
    world = World(keeps=False)
    await world.guard.restored()
    assert world.said == [None] and world.listed == 0 and world.server.written == []
    assert isinstance(await world.guard.verify(), Verified)


async def test_what_was_not_read_lately_is_not_acted_on() -> None:
    world = World(keeps=False)
    assert world.guard.fresh(), "nothing is decided yet"
    await world.guard.restored()
    world.now = 4.9
    assert world.guard.fresh()
    world.now = 5.0
    assert not world.guard.fresh()
    await world.guard.verify()
    assert world.guard.fresh()
    keeper = World(keeps=True)
    await keeper.guard.restored()
    keeper.now = 3600.0
    assert keeper.guard.fresh()


async def test_a_record_that_is_marked_ends_what_is_decided_and_the_next_one_is_taken_over_after_a_list() -> None:
    world = World(keeps=False)
    await world.guard.restored()
    good = dict(world.server.data)
    world.server.record({**good, "gap": "a policy was gone"})
    assert await world.guard.verify() == Verified("a policy was gone", None)
    assert await world.lapses() == "a policy was gone"
    waiting = asyncio.create_task(world.guard.restored())
    while "a policy was gone; the first shard sees to it" not in world.said:
        await asyncio.sleep(0.01)
    assert world.listed == 0
    world.server.record(good)
    await asyncio.wait_for(waiting, 3)
    assert world.listed == 1 and world.swept == []
    assert len(world.server.written) == 2, "who follows writes no record"


async def test_a_record_that_was_written_anew_is_taken_over_after_a_list() -> None:
    """Its mark was not seen, but what was superseded meanwhile must be known."""
    world = World(keeps=False)
    await world.guard.restored()
    world.server.record(dict(world.server.data))
    assert await world.lapses() == "the record of the guard was written anew"
    await world.guard.restored()
    assert world.listed == 1 and len(world.server.written) == 1


async def test_a_record_that_changes_while_all_is_listed_is_not_taken_over() -> None:
    world = World(keeps=False)
    good = dict(world.server.data)
    world.server.record({**good, "gap": "first"})
    waiting = asyncio.create_task(world.guard.restored())
    while world.said[-1:] != ["first; the first shard sees to it"]:
        await asyncio.sleep(0.01)

    async def relist() -> None:
        world.listed += 1
        if world.listed == 1:
            world.server.record({**good, "gap": "second"})

    world.guard.relist = relist
    world.server.record(good)
    while world.said[-1:] != ["second; the first shard sees to it"]:
        await asyncio.sleep(0.01)
    assert not waiting.done()
    world.server.record(good)
    await asyncio.wait_for(waiting, 3)
    assert world.listed == 2


async def test_what_only_a_follower_has_seen_is_marked_once_for_the_keeper() -> None:
    world = World(keeps=False)
    await world.guard.restored()
    good = dict(world.server.data)
    world.server.accepts = "pratique-requester"
    await world.guard._inspect()
    why = await world.lapses()
    assert "pratique-requester does not guard (its canary was accepted)" in why
    world.server.accepts = ""
    waiting = asyncio.create_task(world.guard.restored())
    while not world.server.written:
        await asyncio.sleep(0.01)
    assert world.server.data["gap"] == why
    keeper = World(keeps=True)
    keeper.guard.api = keeper.server = world.server
    await keeper.guard.restored()
    assert keeper.swept == [why] and world.server.data == good
    await asyncio.wait_for(waiting, 3)
    await asyncio.sleep(0.6)
    assert [("gap" in each) for each in world.server.written] == [True, False]
    assert world.listed == 1


async def test_a_follower_of_another_version_marks_nothing_that_it_did_not_take_over() -> None:
    """While a new version is rolled out it waits; else the keeper would sweep again and again."""
    world = World(keeps=False)
    world.server.change(POLICY, failurePolicy="Ignore")
    with suppress(TimeoutError):
        await asyncio.wait_for(world.guard.restored(), 1.2)
    assert world.server.written == [] and "failurePolicy is not the one of this version" in str(world.said[-1])


async def test_the_keeper_sees_a_mark_and_waits_before_it_sweeps() -> None:
    world = World(keeps=True)
    await world.guard.restored()
    world.server.record({**world.server.data, "gap": "seen by another"})
    assert await world.lapses() == "seen by another"
    loop = asyncio.get_running_loop()
    began = loop.time()
    await world.guard.restored()
    assert world.swept == ["seen by another"] and loop.time() - began >= TIMES.barrier
    assert world.server.data == to_data({key: ident_of(live) for key, live in world.server.there.items()})


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_record_that_is_gone_counts_for_nobody(keeps: bool) -> None:
    world = World(keeps=keeps)
    await world.guard.restored()
    world.server.record({})
    assert await world.lapses() == "there is no record of the guard"


async def test_an_api_server_that_is_away_proves_nothing() -> None:
    world = World(keeps=False)
    assert isinstance(await world.guard.verify(), Failure)
    await world.guard.restored()
    world.server.away = True
    assert isinstance(await world.guard.verify(), Failure)
    world.now = 6.0
    assert not world.guard.fresh()
