"""What is protected when its time is up: kept, told of daily, never beyond maxTTL."""

from datetime import timedelta
from typing import Any

import pytest
from tests.builders.models import NOW, environment

from pratique.api.v1alpha1.environment import Environment, EnvironmentPhase
from pratique.api.v1alpha1.meta import ObjectMeta, amend
from pratique.core.environments.plan import EnvironmentSnapshot, plan_environment
from pratique.core.environments.status import FINALIZER
from pratique.core.environments.ttl import Verdict, judge
from pratique.core.kernel.effects import Delete, Plan

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def kept(phase: EnvironmentPhase = EnvironmentPhase.ACTIVE, **spec: Any) -> Any:
    return environment(
        meta={"finalizers": [FINALIZER]},
        spec={"protected": True, "maxTTL": "3d", **spec},
        phase=phase,
        expires_at=NOW + HOUR,
        observed_generation=1,
    )


def plan(after: timedelta, phase: EnvironmentPhase = EnvironmentPhase.ACTIVE, **spec: Any) -> Plan[Any]:
    return plan_environment(EnvironmentSnapshot(kept(phase, **spec)), NOW + after)


def test_its_time_is_up_and_it_stays() -> None:
    found = plan(HOUR)
    assert not found.effects
    assert not found.after
    assert (found.status.phase, found.status.conditions[0].status) == (EnvironmentPhase.EXPIRING, "True")
    assert {each.reason for each in found.status.conditions} >= {"Protected"}
    assert found.status.message == (
        "Its time was up at 2026-07-01 13:00 UTC, but it is protected: namespace env-demo is deleted once spec.protected is"
        " taken away, at 2026-07-04 12:00 UTC at the latest"
    ).replace("2026-07-01", NOW.date().isoformat()).replace("2026-07-04", (NOW + 3 * DAY).date().isoformat())
    assert found.wake_at == NOW + HOUR + DAY


def test_it_is_told_each_day_once() -> None:
    first = plan(HOUR).status
    told = [each.id for each in first.notifications]
    again = kept().model_copy(update={"status": first})
    assert (
        plan_environment(EnvironmentSnapshot(again), NOW + HOUR + DAY / 2).status.notifications == first.notifications
    )
    next_day = plan_environment(EnvironmentSnapshot(again), NOW + HOUR + DAY).status
    assert len(next_day.notifications) == len(told) + 1
    assert {each.event.value for each in next_day.notifications} == {"EnvironmentProtected"}


def test_without_a_limit_it_is_kept_until_that_is_taken_away() -> None:
    message = plan(30 * DAY, maxTTL=None).status.message
    assert message.endswith("once spec.protected is taken away")
    assert plan(30 * DAY, maxTTL=None, protected=None).status.phase is EnvironmentPhase.DELETING


@pytest.mark.parametrize(
    ("after", "phase", "verdict"),
    [
        (HOUR - timedelta(seconds=1), EnvironmentPhase.ACTIVE, Verdict.KEEP),
        (HOUR, EnvironmentPhase.ACTIVE, Verdict.HOLD),
        (3 * DAY, EnvironmentPhase.ACTIVE, Verdict.EXPIRE),
        (HOUR, EnvironmentPhase.DELETING, Verdict.HOLD),  # a status may be forged, and ends nothing
        (HOUR, EnvironmentPhase.EXPIRED, Verdict.HOLD),
    ],
)
def test_up_to_when(after: timedelta, phase: EnvironmentPhase, verdict: Verdict) -> None:
    assert judge(kept(phase, warnings=[]), NOW + after).verdict is verdict


def test_what_is_being_deleted_is_not_held() -> None:
    held: Environment = kept()
    metadata: ObjectMeta = held.metadata
    going = amend(held, metadata=amend(metadata, deletion_timestamp=NOW))
    assert judge(going, NOW + HOUR).verdict is Verdict.EXPIRE


def test_the_last_look_is_at_the_limit() -> None:
    assert judge(kept(), NOW + HOUR + 2 * DAY).wake_at == NOW + 3 * DAY


def test_one_that_failed_is_looked_at_no_more_often() -> None:
    assert plan(HOUR, EnvironmentPhase.FAILED).wake_at == NOW + HOUR + DAY


def test_at_the_limit_it_ends() -> None:
    ended = plan(3 * DAY)
    assert ended.status.phase is EnvironmentPhase.DELETING
    later = kept().model_copy(update={"status": ended.status})
    after = plan_environment(EnvironmentSnapshot(later), NOW + 3 * DAY).after
    assert [type(each) for each in after] == [Delete]
