"""The workers: one look per key at a time, at the time that was asked for, and again after what went wrong."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from tests.doubles.clock import FakeClock

from pratique.handlers.kinds import Key
from pratique.handlers.queue import KeyedQueue
from pratique.handlers.workers import Workers

A, B = ("actionruns", "n", "a"), ("actionruns", "n", "b")


@dataclass(frozen=True)
class Seen:
    wake_at: datetime | None = None
    failed: bool = False


class Looker:
    """Answers as it is told; waits where a gate is set."""

    def __init__(self) -> None:
        self.looks: list[Key] = []
        self.answers: list[Seen | Exception] = []
        self.gate: asyncio.Event | None = None
        self.at_once = self.most_at_once = 0

    async def __call__(self, key: Key) -> Seen:
        self.looks.append(key)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.at_once -= 1
        answer = self.answers.pop(0) if self.answers else Seen()
        if isinstance(answer, Exception):
            raise answer
        return answer


@asynccontextmanager
async def running(workers: Workers) -> AsyncIterator[None]:
    task = asyncio.create_task(workers.run())
    await settle()
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def settle(seconds: float = 0.0) -> None:
    for _ in range(10):
        await asyncio.sleep(seconds / 10)


def new(look: Looker, clock: FakeClock, number: int = 4) -> Workers:
    return Workers(KeyedQueue(), look, clock, number)


async def test_a_key_is_looked_at_by_one_worker_at_a_time_and_again_if_it_was_added_meanwhile() -> None:
    look, clock = Looker(), FakeClock()
    workers = new(look, clock)
    async with running(workers):
        look.gate = asyncio.Event()
        for _ in range(5):
            workers.add(A)
            await settle()
        assert look.looks == [A] and look.most_at_once == 1
        look.gate.set()
        await settle()
        assert look.looks == [A, A] and look.most_at_once == 1


async def test_different_keys_are_looked_at_side_by_side() -> None:
    look, clock = Looker(), FakeClock()
    workers = new(look, clock)
    look.gate = asyncio.Event()
    async with running(workers):
        for number in range(6):
            workers.add(("actionruns", "n", str(number)))
        await settle()
        assert look.most_at_once == 4 and workers.busy
        look.gate.set()
        await settle()
        assert len(look.looks) == 6 and not workers.busy


async def test_a_look_comes_when_it_is_due_and_not_before() -> None:
    look, clock = Looker(), FakeClock()
    workers = new(look, clock)
    look.answers = [Seen(wake_at=clock.now() + timedelta(seconds=0.2))]
    async with running(workers):
        workers.add(A)
        await settle(0.3)
        assert look.looks == [A]  # the alarm rang, but by the wall clock it was not time yet
        clock.advance(0.2)
        await settle(0.3)
        assert look.looks == [A, A]


async def test_a_wall_clock_that_jumps_forward_is_noticed_within_a_second() -> None:
    look, clock = Looker(), FakeClock()
    workers = new(look, clock)
    look.answers = [Seen(wake_at=clock.now() + timedelta(hours=1))]
    async with running(workers):
        workers.add(A)
        await settle()
        clock.set_wall(3700)
        await settle(1.2)
        assert look.looks == [A, A]


async def test_a_wall_clock_that_is_set_back_makes_everything_be_looked_at_that_waits_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    look, clock = Looker(), FakeClock()
    workers = new(look, clock)
    look.answers = [Seen(wake_at=clock.now() + timedelta(hours=1))]
    async with running(workers):
        workers.add(A)
        await settle(1.2)
        assert look.looks == [A]
        clock.set_wall(-86_400)
        await settle(1.2)
        assert look.looks == [A, A]
    assert "The clock was set back by 86400 s" in caplog.text


async def test_a_failure_is_logged_and_tried_again_and_a_refusal_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    look, clock = Looker(), FakeClock()
    results: list[str] = []
    workers = Workers(KeyedQueue(), look, clock, 2, lambda kind, result, seconds: results.append(f"{kind} {result}"))
    look.answers = [ValueError("planted"), Seen(failed=True), Seen()]
    with caplog.at_level(logging.ERROR):
        async with running(workers):
            workers.add(A)
            for _ in range(4):
                await settle(0.25)
                clock.advance(1)
    assert look.looks == [A, A, A]
    assert results == ["actionruns error", "actionruns retry", "actionruns ok"]
    assert "planted" in caplog.text and "actionruns/n/a" in caplog.text


async def test_what_was_broken_off_is_looked_at_first_when_work_goes_on() -> None:
    look, clock = Looker(), FakeClock()
    workers = new(look, clock)
    look.gate = asyncio.Event()
    async with running(workers):
        workers.add(A)
        await settle()
    assert look.looks == [A] and workers.queue.active == 0
    workers.add(B)
    look.gate.set()
    async with running(workers):
        await settle()
    assert look.looks == [A, A, B]


async def test_a_standby_forgets_what_is_gone_and_a_leader_looks_at_it_once_more() -> None:
    """A standby hears for weeks of what another process works off: it keeps no name of what is over."""
    look, clock, there = Looker(), FakeClock(), {A}
    workers = new(look, clock)
    workers.exists = there.__contains__
    for key in (A, B):
        workers.add(key)
    assert workers.queue.depth == 1
    workers.forget(A)
    assert workers.queue.depth == 1, (
        "it is there again under its name, and that was heard of before the end of the old one"
    )
    there.clear()
    workers.forget(A)
    assert workers.queue.depth == 0
    async with running(workers):
        workers.add(B)
        workers.forget(B)
        await settle()
    assert look.looks == [B]
