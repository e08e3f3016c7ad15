"""Until when messages are held, and which are not."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.api.v1alpha1.notification_channel import NotificationChannelSpec
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.pace import QuietHours, Weekday
from pratique.core.telling.quiet import hold_until, quiet_until, zone_of

REQUESTED, SUCCEEDED = EventType.APPROVAL_REQUESTED, EventType.SUCCEEDED
NIGHT = {"timeZone": "Europe/Berlin", "start": "20:00", "end": "07:30", "days": ["Saturday", "Sunday"]}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def quiet(**changes: object) -> QuietHours:
    return QuietHours.model_validate({**NIGHT, **changes})


def spec(**more: object) -> NotificationChannelSpec:
    return NotificationChannelSpec.model_validate(more)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-25T12:00", "2026-11-25T12:00"),  # a Wednesday, noon
        ("2026-11-25T18:59:59", "2026-11-25T18:59:59"),
        ("2026-11-25T19:00", "2026-11-26T06:30"),  # 20:00 in Berlin
        ("2026-11-26T02:00", "2026-11-26T06:30"),
        ("2026-11-26T06:30", "2026-11-26T06:30"),
        ("2026-11-27T19:00", "2026-11-30T06:30"),  # Friday evening: Monday morning
        ("2026-11-28T12:00", "2026-11-30T06:30"),
        ("2026-03-28T23:00", "2026-03-30T05:30"),  # the clocks go forward in between
        ("2026-10-24T12:00", "2026-10-26T06:30"),  # and back
    ],
)
def test_quiet_hours_end(now: str, until: str) -> None:
    assert quiet_until(quiet(), at(now)) == at(until)


def test_quiet_hours_within_one_day() -> None:
    siesta = quiet(timeZone="UTC", start="13:00", end="15:00", days=[])
    assert quiet_until(siesta, at("2026-11-25T14:00")) == at("2026-11-25T15:00")
    assert quiet_until(siesta, at("2026-11-25T12:59")) == at("2026-11-25T12:59")
    assert quiet_until(siesta, at("2026-11-25T15:00")) == at("2026-11-25T15:00")


def test_a_zone_that_is_none_and_a_quiet_that_never_ends_hold_nothing() -> None:
    assert zone_of(quiet(timeZone="Europe/Atlantis")) is None
    assert quiet_until(quiet(timeZone="Europe/Atlantis"), at("2026-11-28T12:00")) == at("2026-11-28T12:00")
    week = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    never = quiet().model_copy(update={"days": [Weekday(day) for day in week]})
    assert quiet_until(never, at("2026-11-28T12:00")) == at("2026-11-28T12:00")


@given(
    st.integers(0, 20 * 365 * 24 * 60),
    st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"]),
)
def test_the_end_of_quiet_is_not_quiet_and_not_before(minutes: int, zone: str) -> None:
    now = at("2020-01-01T00:00") + timedelta(minutes=minutes)
    until = quiet_until(quiet(timeZone=zone), now)
    assert now <= until <= now + timedelta(days=4)
    assert quiet_until(quiet(timeZone=zone), until) == until


NIGHT_TIME, MORNING = at("2026-11-25T22:00"), at("2026-11-26T06:30")


def test_what_may_wait_is_held_and_what_may_not_is_not() -> None:
    sleeping = spec(quietHours=NIGHT)
    assert hold_until(sleeping, SUCCEEDED, NIGHT_TIME, None) == MORNING
    assert hold_until(sleeping, EventType.STATUS_FORGED, NIGHT_TIME, None) is None
    assert hold_until(sleeping, SUCCEEDED, MORNING, None) is None
    assert hold_until(spec(), SUCCEEDED, NIGHT_TIME, None) is None


@pytest.mark.parametrize(("hours", "held"), [(24, True), (17, True), (16, False), (8, False), (0, False), (-1, False)])
def test_a_request_that_would_be_too_late_wakes_people(hours: int, held: bool) -> None:
    before = NIGHT_TIME + timedelta(hours=hours)
    until = hold_until(spec(quietHours=NIGHT), REQUESTED, NIGHT_TIME, before)
    assert until == (MORNING if held else None)


def test_a_digest_collects_all_but_requests() -> None:
    hourly = spec(digest={"every": "1h"})
    assert hold_until(hourly, SUCCEEDED, at("2026-11-25T12:10"), None) == at("2026-11-25T13:00")
    assert hold_until(hourly, SUCCEEDED, at("2026-11-25T13:00"), None) == at("2026-11-25T14:00")
    assert hold_until(hourly, REQUESTED, at("2026-11-25T12:10"), None) is None


def test_a_digest_does_not_break_quiet_hours() -> None:
    both = spec(digest={"every": "1h"}, quietHours=NIGHT)
    assert hold_until(both, SUCCEEDED, at("2026-11-25T18:10"), None) == MORNING
    assert hold_until(both, SUCCEEDED, at("2026-11-25T17:10"), None) == at("2026-11-25T18:00")
