"""Leading and standing by, against a Lease in memory and in short terms: what is led stops before the Lease does."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from pratique.clock import SystemClock
from pratique.cluster.client import ApiError
from pratique.core.operating.leadership import Record, Terms
from pratique.processes.leader import Leadership

TERMS = Terms(duration=0.5, renew_deadline=0.3, renew_every=0.1, look_every=0.03)


class FakeLease:
    """One Lease for several candidates; each has its own way there, which may be broken."""

    def __init__(self) -> None:
        self.record: Record | None = None
        self.version = 0

    def way(self) -> "Way":
        return Way(self)


class Way:
    def __init__(self, lease: FakeLease) -> None:
        self.lease, self.broken, self.hangs = lease, False, False

    async def pass_through(self) -> None:
        if self.hangs:
            await asyncio.sleep(3600)
        if self.broken:
            raise ApiError(0, "Unreachable", "the API server did not answer")

    async def read(self) -> Record | None:
        await self.pass_through()
        return self.lease.record

    async def write(self, record: Record) -> Record | None:
        await self.pass_through()
        lease = self.lease
        if record.version != (lease.record.version if lease.record else ""):
            return None
        lease.version += 1
        lease.record = replace(record, version=str(lease.version))
        return lease.record


class Led:
    """What is led; knows whether it runs."""

    def __init__(self) -> None:
        self.running, self.times = False, 0

    async def __call__(self) -> None:
        self.running, self.times = True, self.times + 1
        try:
            await asyncio.sleep(3600)
        finally:
            self.running = False


async def until(condition: Callable[[], bool], seconds: float = 3.0) -> float:
    """Wait for a condition; return how long it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():
        assert loop.time() < began + seconds, "not in time"
        await asyncio.sleep(0.005)
    return loop.time() - began


async def stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_one_leads_and_after_a_clean_stop_the_other_at_once() -> None:
    lease, first, second = FakeLease(), Led(), Led()
    one, two = (Leadership(lease.way(), name, SystemClock(), TERMS) for name in ("one", "two"))
    task = asyncio.create_task(one.run(first))
    await until(lambda: first.running)
    other = asyncio.create_task(two.run(second))
    await asyncio.sleep(1.0)  # two durations: it is renewed
    assert one.valid() and first.running and not second.running and two.holder.startswith("one_")
    await stop(task)
    assert not first.running and not one.leading
    assert await until(lambda: second.running) < 0.3
    await stop(other)
    assert lease.record is not None and lease.record.holder == ""


@pytest.mark.parametrize("fault", ["broken", "hangs"])
async def test_who_cannot_renew_stops_before_another_may_begin_and_comes_back(fault: str) -> None:
    lease, first, second = FakeLease(), Led(), Led()
    way = lease.way()
    one, two = Leadership(way, "one", SystemClock(), TERMS), Leadership(lease.way(), "two", SystemClock(), TERMS)
    task = asyncio.create_task(one.run(first))
    await until(lambda: first.running)
    other = asyncio.create_task(two.run(second))
    await until(lambda: bool(two.holder))
    setattr(way, fault, True)
    await until(lambda: not first.running)
    assert not second.running and not one.valid()
    await until(lambda: second.running)
    setattr(way, fault, False)
    await stop(other)
    await until(lambda: first.running)
    assert first.times == 2
    await stop(task)


async def test_what_is_led_and_ends_with_an_error_ends_the_process_and_gives_the_lease_up() -> None:
    lease = FakeLease()

    async def fails() -> None:
        raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        await Leadership(lease.way(), "one", SystemClock(), TERMS).run(fails)
    assert lease.record is not None and lease.record.holder == ""


async def test_an_answer_that_was_lost_does_not_end_a_leadership() -> None:
    lease, led = FakeLease(), Led()
    way = lease.way()
    one = Leadership(way, "one", SystemClock(), TERMS)
    task = asyncio.create_task(one.run(led))
    await until(lambda: led.running)
    written = way.write

    async def without_an_answer(record: Record) -> Record | None:
        await written(record)
        way.write = written  # type: ignore[method-assign]
        raise ApiError(0, "Unreachable", "the API server did not answer")

    way.write = without_an_answer  # type: ignore[method-assign]
    await asyncio.sleep(1.0)
    assert led.times == 1 and led.running
    await stop(task)
