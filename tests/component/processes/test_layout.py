"""Shards by two Leases, against Leases in memory and in short terms: two numbers of shards never act at one instant."""

import asyncio
import random
from dataclasses import dataclass, field
from functools import partial

import pytest
from tests.component.processes.test_leader import TERMS, FakeLease, Led, Way, stop, until

from pratique.clock import SystemClock
from pratique.core.operating.sharding import Shard
from pratique.processes.leader import Leadership


@dataclass
class Cluster:
    """The Leases of one installation."""

    leases: dict[str, FakeLease] = field(default_factory=dict)

    def way(self, name: str) -> Way:
        return self.leases.setdefault(name, FakeLease()).way()

    def candidate(self, shard: Shard, identity: str = "") -> Leadership:
        layout = None if shard.is_alone else (self.way("pratique"), shard.layout)
        own = self.way(shard.lease_name)
        return Leadership(own, identity or f"p{shard}", SystemClock(), TERMS, layout)

    def holder(self, name: str) -> str:
        record = self.leases[name].record
        return record.holder if record else ""


def _runs(led: Led) -> bool:
    return led.running


async def test_all_of_one_number_lead_and_another_number_waits_for_the_last_of_them() -> None:
    cluster, tasks, led = Cluster(), {}, {}
    shards = [Shard(1, 2), Shard(2, 2), Shard(), Shard(3, 3)]
    candidates = {shard: cluster.candidate(shard) for shard in shards}
    for shard in shards:
        led[shard] = Led()
        tasks[shard] = asyncio.create_task(candidates[shard].run(led[shard]))
        if shard.of == 2:
            await until(partial(_runs, led[shard]))
    await asyncio.sleep(1.0)
    assert [led[shard].running for shard in shards] == [True, True, False, False]
    assert cluster.holder("pratique") == "shards-of-2_layout"
    await stop(tasks.pop(shards[0]))
    assert cluster.holder("pratique-1-of-2") == ""
    await asyncio.sleep(0.8)
    assert [led[shard].running for shard in shards[1:]] == [True, False, False]
    await stop(tasks.pop(shards[1]))
    await until(lambda: led[shards[2]].running != led[shards[3]].running)
    for task in tasks.values():
        await stop(task)


async def test_one_that_leads_alone_and_gives_up_makes_room_for_shards_at_once() -> None:
    cluster, alone, first = Cluster(), Led(), Led()
    task = asyncio.create_task(cluster.candidate(Shard()).run(alone))
    await until(lambda: alone.running)
    other = asyncio.create_task(cluster.candidate(Shard(1, 2)).run(first))
    await asyncio.sleep(0.3)
    assert not first.running
    await stop(task)
    assert await until(lambda: first.running) < 0.3
    await stop(other)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_hangs_and_comes_back_two_numbers_never_act_at_once(seed: int) -> None:
    chance, cluster = random.Random(seed), Cluster()
    shards = [Shard(1, 2), Shard(2, 2), Shard(), Shard(1, 3), Shard(2, 3)]
    ways: list[Way] = []
    candidates = {}
    for shard in shards:
        own, layout = cluster.way(shard.lease_name), cluster.way("pratique")
        ways += [own, layout]
        held = None if shard.is_alone else (layout, shard.layout)
        candidates[shard] = Leadership(own, f"p{shard}", SystemClock(), TERMS, held)
    tasks = [asyncio.create_task(each.run(Led())) for each in candidates.values()]
    seen: set[int] = set()
    for step in range(600):
        acting = {shard.of for shard, each in candidates.items() if each.valid()}
        assert len(acting) <= 1, acting
        seen |= acting
        if step % 40 == 0:
            for way in ways:
                way.broken, way.hangs = chance.random() < 0.3, chance.random() < 0.2
        await asyncio.sleep(0.005)
    assert seen
    for task in tasks:
        await stop(task)


async def test_a_lease_is_not_kept_for_nothing() -> None:
    """Whoever has its own Lease and does not get the layout gives it back."""
    cluster = Cluster()
    alone, lost = cluster.candidate(Shard()), cluster.candidate(Shard(1, 2))
    task = asyncio.create_task(alone.run(Led()))
    await until(lambda: alone.leading)
    before = asyncio.create_task(lost.run(Led()))
    await asyncio.sleep(0.5)
    assert not lost.leading and not lost.valid()
    lease = cluster.leases.get("pratique-1-of-2")
    assert lease is not None and (lease.record is None or lease.record.holder == "")
    await stop(before)
    await stop(task)
