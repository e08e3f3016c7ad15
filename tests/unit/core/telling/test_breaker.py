"""When a channel that fails is left alone, and how it is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.core.kernel.effects import Delivery
from pratique.core.telling.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, MAX_RETRY_AFTER, Breaker

SENT, DOWN = Delivery(sent=True), Delivery(sent=False, error="503")
REFUSED = Delivery(sent=False, error="400", permanent=True)
LOCKED_OUT = Delivery(sent=False, error="403", channel_fault=True)


def after(*deliveries: Delivery, now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for delivery in deliveries:
        breaker = breaker.after(delivery, now)
    return breaker


def test_a_few_failures_in_a_row_open_it() -> None:
    assert not after(*[DOWN] * (FAILURES - 1)).is_open
    assert after(*[DOWN] * FAILURES).wait(1.0) == FIRST_PAUSE - 1
    assert not after(*[DOWN] * (FAILURES - 1), SENT, DOWN).is_open


def test_what_is_refused_for_its_own_sake_says_that_the_channel_works() -> None:
    assert after(*[DOWN] * (FAILURES - 1), REFUSED, DOWN).failures == 1
    assert after(*[REFUSED] * 20) == Breaker()


def test_a_mailbox_that_is_busy_holds_up_no_other() -> None:
    busy = Delivery(sent=False, error="450", retry_after=60.0, message_fault=True)
    assert after(*[busy] * 20) == Breaker()


def test_a_channel_at_fault_is_left_alone_at_once() -> None:
    assert after(LOCKED_OUT).is_open
    assert after(Delivery(sent=False, permanent=True, channel_fault=True)).is_open


@pytest.mark.parametrize(("asked", "wait"), [(0.5, FIRST_PAUSE), (90.0, 90.0), (1e9, MAX_RETRY_AFTER)])
def test_a_receiver_that_asks_for_a_pause_gets_it(asked: float, wait: float) -> None:
    assert after(Delivery(sent=False, retry_after=asked)).wait(0.0) == wait


def test_one_message_alone_tries_again_and_decides() -> None:
    breaker = after(*[DOWN] * FAILURES)
    assert breaker.wait(FIRST_PAUSE) == 0
    probing = breaker.begun()
    assert probing.wait(FIRST_PAUSE) is None
    assert probing.after(SENT, FIRST_PAUSE) == Breaker()
    longer = probing.after(DOWN, FIRST_PAUSE)
    assert longer.wait(FIRST_PAUSE) == 2 * FIRST_PAUSE
    assert longer.after(DOWN, 6.0).until == longer.until, "that one had begun before"
    assert Breaker().begun() == Breaker()


def test_the_pauses_grow_and_end() -> None:
    breaker, now, pauses = after(*[DOWN] * FAILURES), 0.0, []
    for _ in range(12):
        wait = breaker.wait(now)
        assert wait is not None
        pauses.append(wait)
        now += wait
        breaker = breaker.begun().after(DOWN, now)
    assert pauses[:3] == [5.0, 10.0, 20.0] and pauses[-1] == LONGEST_PAUSE and pauses == sorted(pauses)


@given(st.lists(st.tuples(st.sampled_from([SENT, DOWN, REFUSED, LOCKED_OUT]), st.floats(0, 400)), max_size=40))
def test_it_always_comes_to_a_next_try(story: list[tuple[Delivery, float]]) -> None:
    breaker, now = Breaker(), 0.0
    for delivery, seconds in story:
        wait = breaker.wait(now)
        if wait == 0:
            breaker = breaker.begun()
            assert breaker.probing == breaker.is_open
            breaker = breaker.after(delivery, now)
        now += seconds
        wait = breaker.wait(now)
        assert wait is not None and wait <= LONGEST_PAUSE
        assert breaker.is_open or wait == 0
