"""Conditions move when their status does, and the abnormal ones are there only while they hold."""

from datetime import datetime
from typing import Any

import pytest
from tests.builders.models import NOW as START
from tests.builders.models import at

from pratique.api.v1alpha1.conditions import Condition, ConditionStatus, Reason
from pratique.core.kernel.conditions import drop_condition, find_condition, set_condition, set_kstatus

LATER = at(minutes=60)
TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


def a_condition(kind: str, status: ConditionStatus = TRUE) -> Condition:
    return Condition(type=kind, status=status, reason="Before", message="as it was", last_transition_time=START)


def kstatus(
    conditions: list[Condition], ready: ConditionStatus = FALSE, *, reconciling: bool = False, stalled: bool = False
) -> list[Condition]:
    return set_kstatus(
        conditions,
        ready=ready,
        reconciling=reconciling,
        stalled=stalled,
        reason=Reason.ACTIVE,
        message="so it is",
        now=LATER,
        generation=3,
    )


@pytest.mark.parametrize(
    ("before", "status", "since"),
    [
        pytest.param([], TRUE, LATER, id="a new condition begins now"),
        pytest.param([a_condition("Ready", TRUE)], TRUE, START, id="the same status keeps its time"),
        pytest.param([a_condition("Ready", FALSE)], TRUE, LATER, id="another status begins now"),
        pytest.param([a_condition("Ready", UNKNOWN)], FALSE, LATER, id="unknown is not false"),
    ],
)
def test_the_time_moves_only_with_the_status(before: list[Any], status: ConditionStatus, since: datetime) -> None:
    (condition,) = set_condition(before, "Ready", status, Reason.ACTIVE, "said\nso", LATER, 7)
    assert condition == Condition(
        type="Ready",
        status=status,
        reason="Active",
        message="said so",
        last_transition_time=since,
        observed_generation=7,
    )


def test_conditions_are_sorted_and_the_given_list_stays_as_it_is() -> None:
    before = [a_condition("Stalled"), a_condition("Approved")]
    result = set_condition(before, "Decided", TRUE, Reason.GRANTED, "", START, 1)
    assert [condition.type for condition in result] == ["Approved", "Decided", "Stalled"]
    assert [condition.type for condition in before] == ["Stalled", "Approved"]


def test_a_message_is_never_longer_than_the_crd_takes() -> None:
    (condition,) = set_condition([], "Ready", FALSE, Reason.FAILED, "x" * 5000, START, 1)
    assert len(condition.message) == 2048
    assert condition.message.endswith("…")


@pytest.mark.parametrize(
    ("holds", "types"),
    [
        ({}, ["Ready"]),
        ({"reconciling": True}, ["Ready", "Reconciling"]),
        ({"stalled": True}, ["Ready", "Stalled"]),
        ({"reconciling": True, "stalled": True}, ["Ready", "Reconciling", "Stalled"]),
    ],
)
@pytest.mark.parametrize("before", [[], ["Reconciling"], ["Ready", "Reconciling", "Stalled"]])
def test_reconciling_and_stalled_are_there_exactly_while_they_hold(
    holds: dict[str, Any], types: list[str], before: list[Any]
) -> None:
    result = kstatus([a_condition(kind) for kind in before], **holds)
    assert [condition.type for condition in result] == types
    assert {condition.status for condition in result if condition.type != "Ready"} <= {TRUE}
    assert {(condition.reason, condition.message, condition.observed_generation) for condition in result} == {
        ("Active", "so it is", 3)
    }


def test_kstatus_is_stable_and_leaves_other_conditions_alone() -> None:
    once = kstatus([a_condition("Accepted")], TRUE, reconciling=True)
    assert kstatus(once, TRUE, reconciling=True) == once
    assert find_condition(once, "Accepted") == a_condition("Accepted")
    assert find_condition(once, "Stalled") is None
    assert drop_condition(once, "Ready") == [c for c in once if c.type != "Ready"]
