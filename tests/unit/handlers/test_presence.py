"""Which watch is missing, and when that is said, acted upon, and the end of the process."""

import asyncio
import threading

import pytest

from pratique.handlers.handover import Handover
from pratique.handlers.presence import ENDED_AFTER, UNHEALTHY_AFTER, UNREADY_AFTER, Presence


def test_a_watch_that_is_begun_again_was_never_away() -> None:
    presence = Presence(("a", "b"), 0.0)
    said = presence.not_ready(UNREADY_AFTER + 1)
    assert said == "no watch of a for 6 s (it was not begun yet), b for 6 s (it was not begun yet)"
    presence.opened("a", 1)
    presence.opened("b", 2)
    presence.opened("b", 3)
    presence.closed("b", 2, 10.0)
    assert presence.missing(1000.0) == []
    presence.closed("b", 3, 10.0)
    presence.closed("b", 3, 12.0)
    presence.closed("a", 99, 12.0)
    assert presence.missing(11.0) == ["b"]
    presence.opened("b", 4)
    assert presence.missing(1000.0) == []


def test_only_what_the_api_server_lists_is_a_reason_to_restart() -> None:
    presence = Presence(("a",), 0.0)
    presence.opened("a", 1)
    presence.answered("a", "it was answered with 410")
    presence.listed("a", None, 0.0)
    assert presence.missing(1000.0) == []
    presence.all_closed(100.0)
    presence.answered("a", "it was answered with 410")
    assert presence.not_ready(106.0) == "no watch of a for 6 s (it was answered with 410)"
    presence.listed("a", "the API server does not answer", 110.0)
    assert presence.not_ready(1000.0) == "no watch of a for 900 s (the API server does not answer)"
    assert presence.not_healthy(1000.0) is None and presence.ends(1000.0) is None
    presence.listed("a", None, 1000.0)
    presence.listed("a", None, 1005.0)
    assert presence.not_healthy(1000.0 + UNHEALTHY_AFTER) is None
    assert presence.not_healthy(1001.0 + UNHEALTHY_AFTER) == (
        f"no watch of a for {901 + UNHEALTHY_AFTER:.0f} s (the API server does not answer; the API server lists them)"
    )
    assert presence.ends(1001.0 + ENDED_AFTER) is not None
    presence.listed("a", "it is away again", 1100.0)
    assert presence.ends(5000.0) is None


async def test_calls_are_made_in_order_and_one_that_fails_holds_up_nothing(caplog: pytest.LogCaptureFixture) -> None:
    handover, seen = Handover(), list[int]()

    def fail() -> None:
        raise ValueError("odd")

    def give() -> None:
        for number in range(1000):
            handover.give(lambda number=number: seen.append(number))  # type: ignore[misc]
            if number == 500:
                handover.give(fail)

    thread = threading.Thread(target=give)
    thread.start()
    async with asyncio.timeout(10):
        while len(seen) < 1000:
            await asyncio.sleep(0.001)
    thread.join()
    assert seen == list(range(1000))
    assert "A bug while taking in what a watch told: ValueError at " in caplog.text


async def test_who_gives_faster_than_is_taken_can_see_it() -> None:
    handover = Handover()
    for _ in range(5000):
        handover.give(lambda: None)
    assert handover.full
    await asyncio.sleep(0.1)
    assert not handover.full


def test_a_loop_that_is_over_takes_nothing_and_nobody_fails() -> None:
    async def made() -> Handover:
        return Handover()

    handover = asyncio.run(made())
    handover.give(lambda: None)
    assert not handover.full
