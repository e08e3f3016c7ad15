"""An Environment's time: when it ends, which warning is due, and when to look again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.models import NOW as START
from tests.builders.models import environment

from pratique.api.v1alpha1.scalars import duration_of
from pratique.core.environments.ttl import FOREVER, Judgement, Verdict, expires_at, judge, lifetime


def after(**length: float) -> datetime:
    """Return the moment this long after the creation."""
    return START + timedelta(**length)


KEEP, WARN, EXPIRE = Verdict.KEEP, Verdict.WARN, Verdict.EXPIRE
THREE = ["2d", "2h", "30m"]


def judged(now: datetime, ttl: str = "3d", warnings: list[str] = THREE, warned: tuple[str, ...] = ()) -> Judgement:
    return judge(environment(spec={"ttl": ttl, "warnings": warnings}, warned=list(warned)), now)


@pytest.mark.parametrize(
    ("ttl", "max_ttl", "expected"),
    [("3d", None, "3d"), ("3d", "10d", "3d"), ("10d", "3d", "3d"), ("999999999w", "999999998w", "999999999w")],
)
def test_max_ttl_bounds_ttl(ttl: str, max_ttl: str | None, expected: str) -> None:
    assert lifetime(environment(spec={"ttl": ttl, "maxTTL": max_ttl})) == expected


@pytest.mark.parametrize(
    ("ttl", "end"),
    [
        ("5s", after(seconds=5)),
        ("3d", after(days=3)),
        ("2w", after(weeks=2)),
        ("99999999d", FOREVER),  # more than the calendar has
        ("999999999w", FOREVER),  # more than a timedelta has
    ],
)
def test_the_end_is_counted_from_creation(ttl: str, end: datetime) -> None:
    assert expires_at(START, ttl) == end


STORY = [
    # when, warned before -> verdict, the warning given, warned from now on, when to look again
    (after(), (), KEEP, None, (), after(days=1)),
    (after(hours=23), (), KEEP, None, (), after(days=1)),
    (after(days=1), (), WARN, "2d", ("2d",), after(hours=70)),
    (after(days=1), ("2d",), KEEP, None, ("2d",), after(hours=70)),
    (after(hours=70), ("2d",), WARN, "2h", ("2d", "2h"), after(hours=71.5)),
    (after(hours=71.5), ("2d", "2h"), WARN, "30m", ("2d", "2h", "30m"), after(days=3)),
    (after(hours=71.9), ("2d", "2h", "30m"), KEEP, None, ("2d", "2h", "30m"), after(days=3)),
    (after(days=3), ("2d", "2h", "30m"), EXPIRE, None, ("2d", "2h", "30m"), None),
    # the operator was off
    (after(hours=70), (), WARN, "2h", ("2d", "2h"), after(hours=71.5)),
    (after(hours=71.9), (), WARN, "30m", ("2d", "2h", "30m"), after(days=3)),
    (after(days=30), (), EXPIRE, None, (), None),
    # a warning that was added later is not given after one that is nearer to the end
    (after(hours=71.9), ("30m",), KEEP, None, ("2d", "2h", "30m"), after(days=3)),
    # what was told is known by its length, however it was written
    (after(days=1), ("48h",), KEEP, None, ("2d",), after(hours=70)),
]


@pytest.mark.parametrize(("now", "before", "verdict", "warning", "warned", "wake_at"), STORY)
def test_a_life_of_three_days(
    now: datetime,
    before: tuple[Any, ...],
    verdict: Verdict,
    warning: str | None,
    warned: tuple[Any, ...],
    wake_at: datetime | None,
) -> None:
    assert judged(now, warned=before) == Judgement(verdict, after(days=3), warned, warning, wake_at)


@pytest.mark.parametrize(
    ("now", "before", "verdict", "warned", "wake_at"),
    [
        pytest.param(after(hours=71.9), THREE, KEEP, ("2d",), after(hours=94), id="lately extended by a day"),
        pytest.param(after(hours=94), ["2d"], WARN, ("2d", "2h"), after(hours=95.5), id="and warned again"),
        pytest.param(after(hours=1), THREE, KEEP, (), after(days=2), id="extended early: all of them again"),
    ],
)
def test_an_extension_puts_warnings_into_the_future_again(
    now: datetime, before: list[str], verdict: Verdict, warned: tuple[Any, ...], wake_at: datetime
) -> None:
    result = judged(now, ttl="4d", warned=tuple(before))
    assert (result.verdict, result.warned, result.wake_at) == (verdict, warned, wake_at)


@pytest.mark.parametrize("warnings", [["1h"], ["2h", "60m"], ["0s"], [], ["999999999w"]])
def test_a_warning_that_is_no_shorter_than_the_life_is_never_given(warnings: list[Any]) -> None:
    assert judged(after(minutes=59), ttl="1h", warnings=warnings) == Judgement(
        KEEP, after(hours=1), wake_at=after(hours=1)
    )


def test_the_same_length_written_twice_is_one_warning() -> None:
    assert judged(after(hours=1), ttl="2h", warnings=["60m", "1h"]).warned == ("60m",)


DURATIONS = st.builds("{}{}".format, st.integers(1, 400), st.sampled_from("smhd"))


@given(ttl=DURATIONS, warnings=st.lists(DURATIONS, max_size=5), looks=st.lists(st.integers(0, 10**8), max_size=20))
def test_each_warning_is_given_once_and_only_before_the_end(ttl: str, warnings: list[Any], looks: list[Any]) -> None:
    end = START + duration_of(ttl)
    warned: tuple[str, ...] = ()
    given_so_far: list[timedelta] = []
    for seconds in sorted(looks):
        now = after(seconds=seconds)
        result = judged(now, ttl, warnings, warned)
        assert (result.verdict is EXPIRE) == (now >= end)
        assert result.wake_at is None or now < result.wake_at <= end
        if result.warning is not None:
            given_so_far.append(duration_of(result.warning))
            assert result.verdict is WARN
            assert end - duration_of(result.warning) <= now < end
        warned = result.warned
    assert given_so_far == sorted(set(given_so_far), reverse=True)
    assert all(length < duration_of(ttl) for length in given_so_far)


def test_forever_is_a_moment_that_can_be_written() -> None:
    assert FOREVER.tzinfo is UTC
    assert timedelta(days=365 * 7000) < FOREVER - START
