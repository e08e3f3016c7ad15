"""Whose turn it is: those who used least first, those who were cut off last and one at a time; nobody is forgotten."""

import asyncio
from contextlib import suppress

import pytest
from tests.doubles.clock import FakeClock

from pratique.sandbox.line import (
    FIRST_PAUSE,
    LAST_PAUSE,
    STALLED_SECONDS,
    SUSPECT_SECONDS,
    BusyError,
    Line,
    Owners,
    Use,
)

GOOD, BAD, OTHER = ("action good", "user a"), ("action bad", "user b"), ("action other", "user c")


class Users:
    """Users of a line, each a task that holds its worker until told."""

    def __init__(self, workers: int) -> None:
        self.clock = FakeClock()
        self.line: Line[int] = Line(range(workers), self.clock.steady)
        self.order: list[str] = []
        self.tasks: dict[str, asyncio.Task[Use[int]]] = {}

    async def comes(self, name: str, owners: Owners) -> None:
        async def use() -> Use[int]:
            taken = await self.line.take(owners)
            self.order.append(name)
            return taken

        self.tasks[name] = asyncio.create_task(use())
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def goes(self, name: str, seconds: float, *, cut_off: bool = False) -> None:
        self.clock.advance(seconds)
        self.line.give_back(await self.tasks[name], cut_off=cut_off)
        for _ in range(3):
            await asyncio.sleep(0)


async def test_of_equals_the_first_who_came_and_else_who_used_least() -> None:
    users = Users(1)
    for name, owners in (("bad", BAD), ("bad 2", BAD), ("bad 3", BAD), ("good", GOOD), ("other", OTHER)):
        await users.comes(name, owners)
    await users.goes("bad", 1.0)
    await users.goes("good", 0.5)
    await users.goes("other", 0.1)
    await users.goes("bad 2", 1.0)
    assert users.order == ["bad", "good", "other", "bad 2", "bad 3"]


async def test_what_was_used_long_ago_does_not_count() -> None:
    users = Users(1)
    await users.comes("bad", BAD)
    await users.goes("bad", 2.0)
    users.clock.advance(3600)
    for name, owners in (("good", GOOD), ("good 2", GOOD), ("bad 2", BAD)):
        await users.comes(name, owners)
    await users.goes("good", 0.1)
    assert users.order == ["bad", "good", "bad 2"]


async def test_suspects_use_one_worker_at_a_time_and_only_two_wait() -> None:
    users = Users(2)
    await users.comes("bad", BAD)
    await users.goes("bad", 2.0, cut_off=True)
    for number in range(2, 6):
        await users.comes(f"bad {number}", BAD)
    assert users.order == ["bad", "bad 2"]
    with pytest.raises(BusyError, match="take long"):
        await users.tasks["bad 5"]
    await users.comes("good", GOOD)
    assert users.order == ["bad", "bad 2", "good"]
    await users.comes("other", OTHER)
    await users.goes("bad 2", 2.0)
    assert users.order == ["bad", "bad 2", "good", "other"]
    await users.goes("good", 0.1)
    await users.goes("bad 3", 2.0)
    assert users.order[4:] == ["bad 3", "bad 4"]


async def test_those_who_wait_are_suspects_from_the_moment_that_one_of_theirs_is_cut_off() -> None:
    users = Users(1)
    for number in range(6):
        await users.comes(f"bad {number}", BAD)
    await users.comes("good", GOOD)
    await users.goes("bad 0", 2.0, cut_off=True)
    assert users.order == ["bad 0", "good"]
    waiting = [number for number in range(1, 6) if not users.tasks[f"bad {number}"].done()]
    assert waiting == [1, 2]
    for number in (3, 4, 5):
        with pytest.raises(BusyError):
            await users.tasks[f"bad {number}"]


async def test_one_of_two_owners_is_a_suspect_after_two_different_others() -> None:
    users = Users(2)
    await users.comes("first", ("action one", "user b"))
    await users.goes("first", 2.0, cut_off=True)
    assert not users.line._is_suspect(("action two", "user b"), users.clock.steady())
    assert not users.line._is_suspect(("action one", "user a"), users.clock.steady())
    await users.comes("second", ("action two", "user b"))
    await users.goes("second", 2.0, cut_off=True)
    assert users.line._is_suspect(("action three", "user b"), users.clock.steady())
    assert not users.line._is_suspect(("action one", "user a"), users.clock.steady())
    users.clock.advance(SUSPECT_SECONDS)
    assert not users.line._is_suspect(("action one", "user b"), users.clock.steady())


async def test_the_last_idle_worker_is_left_to_others() -> None:
    users = Users(3)
    for number in range(4):
        await users.comes(f"bad {number}", BAD)
    assert users.order == ["bad 0", "bad 1"]
    await users.comes("related", ("action bad", "user c"))
    await users.comes("good", GOOD)
    assert users.order == ["bad 0", "bad 1", "good"]
    await users.goes("good", 0.1)
    await users.goes("bad 0", 0.1)
    assert users.order[3:] == ["related"]


async def test_those_who_are_held_up_by_their_own_come_again() -> None:
    users = Users(2)
    for number in range(5):
        await users.comes(f"bad {number}", BAD)
    users.clock.advance(STALLED_SECONDS / 2)
    users.line.serve()
    assert len(users.line._waiting) == 4
    users.clock.advance(STALLED_SECONDS / 2)
    users.line.serve()
    assert len(users.line._waiting) == 2
    for number in (3, 4):
        with pytest.raises(BusyError, match="take long, and others wait"):
            await users.tasks[f"bad {number}"]
    await users.comes("good", GOOD)
    assert users.order == ["bad 0", "good"]


async def test_who_stops_waiting_takes_nobodys_turn() -> None:
    users = Users(1)
    for name in ("first", "second", "third"):
        await users.comes(name, GOOD)
    users.tasks["second"].cancel()
    with suppress(asyncio.CancelledError):
        await users.tasks["second"]
    await users.goes("first", 0.1)
    assert users.order == ["first", "third"]
    await users.comes("fourth", GOOD)
    await users.comes("fifth", GOOD)
    users.line.give_back(await users.tasks["third"])  # the fourth's turn, who does not take it
    users.tasks["fourth"].cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert users.order == ["first", "third", "fifth"]


def test_a_question_that_was_cut_off_is_refused_for_longer_each_time() -> None:
    clock = FakeClock()
    line: Line[int] = Line([1], clock.steady)
    assert not line.has_cut_off
    pauses = []
    for _ in range(6):
        line.was_cut_off("q", "it took too long")
        began = clock.steady()
        while line.refusal("q") is not None:
            assert line.refusal("q") == "it took too long"
            clock.advance(10)
        pauses.append(clock.steady() - began)
    assert pauses == [FIRST_PAUSE, 60, 120, 240, LAST_PAUSE, LAST_PAUSE]
    assert line.has_cut_off and line.refusal("another") is None


def test_what_is_remembered_is_bounded() -> None:
    clock = FakeClock()
    line: Line[int] = Line([1], clock.steady)
    for number in range(5000):
        line.was_cut_off(f"q{number}", "no")
    for number in range(5000):
        clock.advance(1)
        line._idle.clear()
        line._at_work.append(use := Use(1, (f"user {number}",), clock.steady() - 1, suspect=False))
        line.give_back(use, cut_off=True)
    assert len(line._used) < 5000 and len(line._suspect_until) <= SUSPECT_SECONDS and len(line._cut_off) < 5000
