"""When certificates are made anew: each step alone, and years of them, in which nothing is met that is not trusted."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.generated import examples

from pratique.core.operating.certificates import Life, Step, Stored, Terms, life, next_step

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
TERMS = Terms()
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def lasting(age: timedelta, left: timedelta) -> Life:
    """Return the life of what was made so long ago, with so much left."""
    return Life(NOW - age - TERMS.backdate, NOW + left)


FINE = Stored(
    authority=lasting(60 * DAY, 300 * DAY),
    serving=lasting(10 * DAY, 50 * DAY),
    signed_by_newest=True,
    names_fit=True,
    trusts_older=False,
)
NEW_AUTHORITY = replace(FINE, authority=lasting(15 * MINUTE, 365 * DAY), signed_by_newest=False, trusts_older=True)


@pytest.mark.parametrize(
    ("stored", "in_force", "step"),
    [
        (FINE, True, Step.KEEP),
        (FINE, False, Step.KEEP),
        (replace(FINE, authority=None), True, Step.CREATE),
        (replace(FINE, authority=lasting(365 * DAY, timedelta(0))), True, Step.CREATE),
        (replace(FINE, authority=lasting(-2 * DAY, 365 * DAY)), True, Step.CREATE),  # made by a clock that was wrong
        (replace(FINE, serving=None), False, Step.RENEW),
        (replace(FINE, serving=lasting(60 * DAY, timedelta(0))), False, Step.RENEW),
        (replace(FINE, serving=lasting(-2 * DAY, 60 * DAY)), True, Step.RENEW),
        (replace(FINE, names_fit=False), True, Step.RENEW),
        (replace(FINE, authority=lasting(245 * DAY, 120 * DAY)), True, Step.KEEP),
        (replace(FINE, authority=lasting(245 * DAY, 120 * DAY - MINUTE)), True, Step.ROTATE),
        (replace(FINE, serving=lasting(40 * DAY, 20 * DAY)), True, Step.KEEP),
        (replace(FINE, serving=lasting(40 * DAY, 20 * DAY - MINUTE)), True, Step.RENEW),
        (NEW_AUTHORITY, True, Step.RENEW),
        (NEW_AUTHORITY, False, Step.KEEP),  # not every API server was told
        (replace(NEW_AUTHORITY, authority=lasting(14 * MINUTE, 365 * DAY)), True, Step.KEEP),
        (replace(NEW_AUTHORITY, serving=lasting(60 * DAY, -MINUTE)), False, Step.RENEW),
        (replace(FINE, trusts_older=True), True, Step.RETIRE),
        (replace(FINE, trusts_older=True, serving=lasting(14 * MINUTE, 60 * DAY)), True, Step.KEEP),
    ],
)
def test_each_step(stored: Stored, in_force: bool, step: Step) -> None:
    assert next_step(stored, in_force=in_force, now=NOW, terms=TERMS) is step


def test_a_certificate_begins_earlier_and_does_not_outlive_its_authority() -> None:
    assert life(NOW, 60 * DAY, TERMS) == Life(NOW - TERMS.backdate, NOW + 60 * DAY)
    short = Life(NOW - DAY, NOW + 3 * DAY)
    assert life(NOW, 60 * DAY, TERMS, short).ends == short.ends
    assert life(NOW, 2 * DAY, TERMS, short).ends == NOW + 2 * DAY


@dataclass(frozen=True)
class _Certificate:
    authority: int
    lasts: Life


@dataclass
class _World:
    """A Secret, the configuration, replicas and API servers that learn late: authorities are numbers."""

    now: datetime = NOW
    authorities: tuple[tuple[int, Life], ...] = ()  # newest first
    certificate: _Certificate | None = None
    told: tuple[int, ...] = ()
    made: int = 0

    def stored(self) -> Stored:
        newest = self.authorities[0] if self.authorities else None
        serving = self.certificate
        return Stored(
            authority=newest[1] if newest else None,
            serving=serving.lasts if serving else None,
            signed_by_newest=bool(newest and serving and serving.authority == newest[0]),
            names_fit=True,
            trusts_older=len(self.authorities) > 1,
        )

    def look(self) -> Step:
        """Do what a replica does: one step, then tell the API servers."""
        trusted = tuple(number for number, _ in self.authorities)
        step = next_step(self.stored(), in_force=self.told == trusted, now=self.now, terms=TERMS)
        if step in (Step.CREATE, Step.ROTATE):
            self.made += 1
            kept = self.authorities if step is Step.ROTATE else ()
            self.authorities = ((self.made, life(self.now, TERMS.authority, TERMS)), *kept)
        if step in (Step.CREATE, Step.RENEW):
            number, lasts = self.authorities[0]
            self.certificate = _Certificate(number, life(self.now, TERMS.serving, TERMS, lasts))
        if step is Step.RETIRE:
            self.authorities = self.authorities[:1]
        self.told = tuple(number for number, _ in self.authorities)
        return step


LAG = 10 * MINUTE
"""Within which a replica takes a certificate and an API server a configuration; less than `settle`."""


@examples(100)
@given(pauses=st.lists(st.sampled_from([MINUTE, 5 * MINUTE, 3 * 60 * MINUTE, 5 * DAY, 15 * DAY]), max_size=80))
def test_for_years_every_replica_serves_what_every_api_server_trusts(pauses: list[timedelta]) -> None:
    """Between looks nobody looks, up to half a month; an API server and a replica may each be late by LAG."""
    world = _World()
    world.look()
    current, late = (world.told, world.certificate), []  # late: what was replaced, and when
    for pause in (*pauses, 15 * DAY):
        world.now += pause
        for step in iter(world.look, Step.KEEP):
            assert step is not Step.CREATE
            late.append((world.now, *current))
            current = (world.told, world.certificate)
            late = [each for each in late if each[0] > world.now - LAG]
            assert_all_fit(world, [current, *((told, certificate) for _, told, certificate in late)])
            world.now += MINUTE
        late = [each for each in late if each[0] > world.now - LAG]
        assert_all_fit(world, [current, *((told, certificate) for _, told, certificate in late)])
    assert len(world.authorities) <= 2


def assert_all_fit(world: _World, seen: list[tuple[tuple[int, ...], _Certificate | None]]) -> None:
    """Whatever an API server was told last, and whatever a replica serves: the one trusts the other."""
    for told, _ in seen:
        for _, certificate in seen:
            assert certificate is not None and certificate.authority in told
            assert certificate.lasts.holds(world.now)


def test_after_a_long_sleep_all_is_made_anew() -> None:
    world = _World()
    world.look()
    world.now += TERMS.authority * 3
    assert world.look() is Step.CREATE
    assert world.authorities[0][0] == 2 and len(world.authorities) == 1
    assert world.look() is Step.KEEP
