"""The tally: stories as tables, and what must hold for every map of decisions."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.models import DEADLINE, NOW, at, gate, vote

from pratique.api.v1alpha1.approval import ApprovalSpec
from pratique.api.v1alpha1.decisions import Decision, Verdict
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.gates.tally import Tally, awaits, count, decision_of, may_decide

A, D, U = "Approve", "Decline", "Undecided"
LEADS = {"approvers": Approvers(groups=["platform-leads"])}
NAMED = {"approvers": Approvers(users=["lead-1@example.com", "lead-2@example.com"])}
TWO = {**LEADS, "required": 2}

STORIES: dict[str, tuple[dict[str, Any], list[tuple[str, str, str]]]] = {
    "one is enough": (LEADS, [("lead-1", A, "approved")]),
    "one of two": (TWO, [("lead-1", A, "open"), ("lead-2", A, "approved")]),
    "one no ends it": (TWO, [("lead-1", A, "open"), ("lead-2", D, "declined")]),
    "a yes after the no does not count": (LEADS, [("lead-1", D, "declined"), ("lead-2", A, "declined")]),
    "a no after the last yes does not count": (LEADS, [("lead-1", A, "approved"), ("lead-2", D, "approved")]),
    "two must say no": (
        {**TWO, "decline_threshold": 2},
        [("lead-1", D, "open"), ("lead-2", A, "open"), ("lead-3", D, "declined")],
    ),
    "who takes it back does not count": (
        TWO,
        [("lead-1", A, "open"), ("lead-1", U, "open"), ("lead-2", A, "open"), ("lead-1", A, "approved")],
    ),
    "a yes that becomes a no": (TWO, [("lead-1", A, "open"), ("lead-1", D, "declined")]),
    "a no that becomes a yes": (
        {**TWO, "decline_threshold": 2},
        [("lead-1", D, "open"), ("lead-2", D, "declined"), ("lead-2", A, "open"), ("lead-1", A, "approved")],
    ),
    "who is not listed does not count": (
        {"approvers": Approvers(groups=["security"])},
        [("lead-1", A, "open"), ("lead-2", D, "open")],
    ),
    "one person counts once, however spelled": (
        {**TWO, "required": 3},
        [
            ("lead-1", A, "open"),
            ("LEAD-1", A, "open"),
            ("Lead-1", D, "open"),
            ("lead-2", A, "open"),
            ("l3", A, "approved"),
        ],
    ),
    "the requester does not count, however spelled": (
        LEADS,
        [("developer@example.com", A, "open"), ("Developer@Example.com", A, "open"), ("lead-1", A, "approved")],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_stories(story: str) -> None:
    policy, votes = STORIES[story]
    decisions: dict[str, Decision] = {}
    for minute, (who, verdict, expected) in enumerate(votes, start=1):
        decisions[who] = vote(verdict, minute)
        assert count(gate(decisions, **policy), at(minute)).tally is Tally(expected), f"after {who}"


@pytest.mark.parametrize(
    ("username", "groups", "expected"),
    [
        ("lead-1@example.com", [], True),
        ("LEAD-1@example.com", [], False),
        ("somebody", ["platform-leads"], True),
        ("somebody", ["Platform-Leads"], False),
        ("somebody", [], False),
        ("developer@example.com", ["platform-leads"], False),
        ("DEVELOPER@example.com", ["platform-leads"], False),
        ("system:serviceaccount:ci:bot", ["platform-leads"], False),
        ("system:serviceaccount:ci:listed", [], True),
    ],
)
def test_who_may_decide(username: str, groups: list[str], expected: bool) -> None:
    users = ["lead-1@example.com", "developer@example.com", "system:serviceaccount:ci:listed"]
    spec = gate(approvers=Approvers(users=users, groups=["platform-leads"]))
    assert may_decide(spec, username, groups, NOW) is expected


@pytest.mark.parametrize(
    ("spec", "username", "now", "expected"),
    [
        (gate(), "lead-1", at(119), True),
        (gate(), "developer@example.com", at(1), False),
        (gate(), "lead-1", DEADLINE, False),
        (gate({"lead-1": vote(A)}, required=2), "lead-1", at(2), False),
        (gate({"LEAD-1": vote(A)}, required=2), "lead-1", at(2), False),
        (gate({"lead-1": vote(A)}, required=2), "lead-2", at(2), True),
        (gate({"lead-1": vote(A)}), "lead-2", at(2), False),
        (gate({"lead-1": vote(D)}, required=2), "lead-2", at(2), False),
        (gate({"stranger": vote(A, groups=[])}), "lead-2", at(2), True),
    ],
    ids=[
        "open",
        "asked by them",
        "at the deadline",
        "they have decided",
        "they have, in other letters",
        "another has, one is missing",
        "approved, whatever the status says",
        "declined",
        "what another said does not count",
    ],
)
def test_for_whom_it_waits(spec: ApprovalSpec, username: str, now: datetime, expected: bool) -> None:
    assert awaits(spec, username, ["platform-leads"], now) is expected


def test_what_one_person_said() -> None:
    spec = gate({"Lead-1": vote(D), "lead-1": vote(A)})
    assert [decision_of(spec, name) for name in ("lead-1", "LEAD-1", "lead-2")] == [vote(A), vote(D), None]


@pytest.mark.parametrize(
    ("decision", "now", "expected"),
    [
        (None, at(119), Tally.OPEN),
        (None, DEADLINE, Tally.TOO_LATE),
        (vote(A, 119), at(180), Tally.APPROVED),
        (vote(A, 120), at(120), Tally.TOO_LATE),
        (Decision(verdict=Verdict.APPROVE, groups=["platform-leads"]), at(5), Tally.OPEN),
        (vote(A).model_copy(update={"groups": None}), at(5), Tally.OPEN),
    ],
    ids=["before the deadline", "at the deadline", "seen late", "stamped late", "without stamp", "without groups"],
)
def test_time_and_stamps(decision: Decision | None, now: datetime, expected: Tally) -> None:
    decisions = {"lead-1": decision} if decision else {}
    assert count(gate(decisions), now).tally is expected


def test_says_whom_it_waits_for() -> None:
    policy: dict[str, Any] = {
        "approvers": Approvers(users=["lead-2", "lead-1", "developer@example.com"], groups=["b", "a"]),
        "required": 2,
    }
    assert count(gate(**policy), NOW).waiting_for == ("lead-1", "lead-2", "group a", "group b")
    one = count(gate({"lead-1": vote(A)}, **policy), NOW)
    assert (one.approvals, one.required, one.waiting_for) == (1, 2, ("lead-2", "group a", "group b"))
    assert one.decisive is None


def test_names_the_decisive_decision() -> None:
    no = count(gate({"lead-2": vote(D, 2), "lead-1": vote(A, 1)}, **TWO), at(3))
    assert no.decisive is not None
    assert (no.decisive.by, no.waiting_for) == ("lead-2", ())
    assert [decision.by for decision in no.decisions] == ["lead-1", "lead-2"]


@pytest.mark.parametrize(
    ("policy", "yes", "no", "expected", "last"),
    [
        (LEADS, ["a"], ["b"], Tally.DECLINED, "b"),
        (LEADS, ["b"], ["a"], Tally.DECLINED, "a"),
        (TWO, ["a", "b"], ["c"], Tally.DECLINED, "c"),
        ({**TWO, "decline_threshold": 2}, ["a", "c"], ["b"], Tally.APPROVED, "c"),
        ({**TWO, "decline_threshold": 2}, ["a"], ["b", "c"], Tally.DECLINED, "c"),
        ({**TWO, "decline_threshold": 2}, ["a", "b"], ["c", "d"], Tally.DECLINED, "d"),
    ],
)
def test_within_a_second_no_name_comes_first(
    policy: dict[str, Any], yes: list[str], no: list[str], expected: Tally, last: str
) -> None:
    """All that is there counts; where both thresholds are reached, as only an older version left it, the decline."""
    both = {**{who: vote(A) for who in yes}, **{who: vote(D) for who in no}}
    found = count(gate(both, **policy), at(2))
    assert (found.tally, {each.by for each in found.decisions}) == (expected, set(both))
    assert found.decisive is not None and found.decisive.by == last


PEOPLE = ["lead-1", "lead-2", "lead-3", "stranger", "developer@example.com", "system:serviceaccount:ci:bot"]
policies = st.fixed_dictionaries({"required": st.integers(1, 3), "decline_threshold": st.integers(1, 3)})
votes = st.builds(
    vote,
    st.sampled_from([A, D, U]),
    st.integers(0, 130),
    st.sampled_from([["platform-leads"], ["others"], []]),
)
maps = st.dictionaries(st.sampled_from(PEOPLE), votes, max_size=6)
moments = st.integers(0, 200).map(at)


@given(policies, maps, moments, st.randoms())
def test_the_order_of_the_map_is_irrelevant(
    policy: dict[str, Any], decisions: dict[str, Any], now: datetime, random: Any
) -> None:
    shuffled = list(decisions.items())
    random.shuffle(shuffled)
    assert count(gate(dict(shuffled), **policy), now) == count(gate(decisions, **policy), now)


@given(policies, maps, moments, st.integers(0, 200))
def test_one_more_approval_never_unapproves(
    policy: dict[str, Any], decisions: dict[str, Any], now: datetime, minute: int
) -> None:
    if count(gate(decisions, **policy), now).tally is Tally.APPROVED:
        more = {**decisions, "lead-4": vote(A, minute)}
        assert count(gate(more, **policy), now).tally is Tally.APPROVED


@given(policies, maps, st.integers(0, 119), st.integers(0, 60), votes)
def test_what_was_decided_stays_decided(
    policy: dict[str, Any], decisions: dict[str, Any], minute: int, later: int, next_vote: Decision
) -> None:
    """A later look and a later vote change nothing: the API server stamps in the order of arrival."""
    seen = {who: each for who, each in decisions.items() if each.decided_at <= at(minute)}
    before = count(gate(seen, **policy), at(minute))
    after = {**seen, "lead-4": next_vote.model_copy(update={"decided_at": at(minute + 1 + later)})}
    if before.tally is not Tally.OPEN:
        assert count(gate(after, **policy), at(minute + 1 + later)) == before
