"""Change of mind: what it counts for, for whom a gate waits then, and the lines that a timeline has of it."""

from datetime import datetime
from typing import Any

import pytest
from tests.builders.models import NOW, approval, at, gate, run, vote

from pratique.api.v1alpha1.approval import Approval, ApprovalSpec, ApprovalState
from pratique.api.v1alpha1.decisions import Decision, EarlierDecision
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.gates.changes import changes
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval
from pratique.core.gates.tally import awaits, count, may_take_back
from pratique.core.telling.stakeholders import stakeholders_of_approval

A, D, U = "Approve", "Decline", "Undecided"
LEADS = ("platform-leads",)
TWO: dict[str, Any] = {"required": 2}


def minded(*verdicts: str, comment: str = "", start: int = 1) -> Decision:
    """Return the entry of somebody who said these one after the other, a minute each, as the API server keeps it."""
    said = [vote(verdict, start + number, comment=comment) for number, verdict in enumerate(verdicts)]
    past = [EarlierDecision.model_validate(each.to_wire()) for each in said[:-1]]
    return said[-1].model_copy(update={"history": past or None})


@pytest.mark.parametrize(
    ("spec", "username", "waits", "may_change"),
    [
        (gate(**TWO), "lead-1", True, False),
        (gate({"lead-1": minded(A)}, **TWO), "lead-1", False, True),
        (gate({"lead-1": minded(U)}, **TWO), "lead-1", True, False),
        (gate({"lead-1": minded(A, U)}, **TWO), "lead-1", True, False),
        (gate({"lead-1": minded(A, U)}, **TWO), "LEAD-1", False, False),
        (gate({"LEAD-1": minded(A)}, **TWO), "lead-1", False, False),
        (gate({"lead-1": minded(A, U, A, D)}, decline_threshold=2, **TWO), "lead-1", False, False),
        (gate({"lead-1": minded(A, U, A, U)}, **TWO), "lead-1", False, False),
        (gate({"lead-1": minded(A, U, A)}, **TWO), "lead-1", False, True),
        (gate({"lead-1": minded(A)}), "lead-1", False, False),
        (gate({"lead-1": minded(A)}, **TWO).model_copy(update={"excluded": ["lead-1"]}), "lead-1", False, False),
    ],
    ids=[
        "nobody has said a word",
        "decided",
        "looking",
        "taken back",
        "taken back, by another account of theirs",
        "decided, by another account of theirs",
        "changed three times",
        "changed three times, and undecided",
        "changed twice",
        "it is granted",
        "excluded since",
    ],
)
def test_whom_it_waits_for_and_who_may_change(spec: ApprovalSpec, username: str, waits: bool, may_change: bool) -> None:
    assert awaits(spec, username, LEADS, at(9)) is waits
    assert may_take_back(spec, username, LEADS, at(9)) is may_change


def test_who_left_the_group_cannot_change_and_counts() -> None:
    spec = gate({"lead-1": minded(A)}, **TWO)
    assert not may_take_back(spec, "lead-1", ("others",), at(9))
    assert count(spec, at(9)).approvals == 1


def test_nobody_changes_after_the_deadline() -> None:
    assert not may_take_back(gate({"lead-1": minded(A)}, **TWO), "lead-1", LEADS, at(120))


def test_a_gate_waits_for_who_took_it_back_unless_they_may_not_say_more() -> None:
    named: dict[str, Any] = {"approvers": Approvers(users=["ann", "ben", "cem"]), **TWO}
    spec = gate({"ann": minded(A, U), "ben": minded(A, U, A, U), "cem": minded(A)}, **named)
    found = count(spec, at(9))
    assert (found.approvals, found.waiting_for, found.missing) == (1, ("ann",), "1 more of ann")


LINES: dict[str, tuple[Decision, list[tuple[datetime, str, str]]]] = {
    "said once": (minded(A), []),
    "looking": (minded(U), [(at(1), "Undecided", "lead-1 is undecided yet")]),
    "taken back": (minded(A, U), [(at(2), "TakenBack", "lead-1 takes back the approval")]),
    "a no taken back, then a yes": (
        minded(D, U, A),
        [
            (at(2), "TakenBack", "lead-1 takes back the decline"),
            (at(3), "Changed", "lead-1 approves, and was undecided"),
        ],
    ),
    "back and forth": (
        minded(A, D, A),
        [
            (at(2), "Changed", "lead-1 declines, and had approved"),
            (at(3), "Changed", "lead-1 approves, and had declined"),
        ],
    ),
    "other words": (minded(A, A), [(at(2), "Changed", "lead-1 approves still, with another comment")]),
    "undecided still": (
        minded(U, U),
        [
            (at(1), "Undecided", "lead-1 is undecided yet"),
            (at(2), "Changed", "lead-1 is undecided still, with another comment"),
        ],
    ),
    "without a stamp": (minded(A, U).model_copy(update={"decided_at": None}), []),
}


@pytest.mark.parametrize("story", LINES)
def test_a_change_is_a_line_of_the_timeline(story: str) -> None:
    entry, expected = LINES[story]
    assert [(each.at, each.event, each.message) for each in changes(gate({"lead-1": entry}))] == expected


def test_lines_are_in_the_order_of_time_bounded_and_clean() -> None:
    crowd = {f"lead-{number:02}\u202e": minded(A, U, A, U, start=60 - number) for number in range(20)}
    found = changes(gate(crowd, required=32))
    assert len(found) == 32 and [each.at for each in found] == sorted(each.at for each in found)
    assert not any("\u202e" in each.message for each in found)


def look(before: Approval, decisions: dict[str, Decision]) -> Approval:
    """Return the Approval as a look leaves it that finds these decisions."""
    spec = before.spec.model_copy(update={"decisions": decisions})
    subject = before.model_copy(update={"spec": spec})
    plan = plan_approval(ApprovalSnapshot(subject, run()), NOW)
    return subject.model_copy(update={"status": plan.status})


def test_the_status_follows_what_is_taken_back() -> None:
    opened = approval(gate(**TWO))
    one = look(opened, {"lead-1": minded(A)})
    assert (one.status.tally, one.status.timeline) == ("1/2", [])
    back = look(one, {"lead-1": minded(A, U)})
    assert (back.status.tally, back.status.decisions, back.status.state) == ("0/2", [], ApprovalState.PENDING)
    assert back.status.message.startswith("Waiting for 2 more of group platform-leads")
    assert [each.event for each in back.status.timeline] == ["TakenBack"]
    assert look(back, {"lead-1": minded(A, U)}).status == back.status, "written once"
    again = look(back, {"lead-1": minded(A, U, A)})
    assert (again.status.tally, len(again.status.timeline)) == ("1/2", 2)


def test_who_took_it_back_last_is_told_how_it_ended() -> None:
    spec = gate({"lead-1": minded(A, U, start=5), "lead-2": minded(A)}, **TWO)
    assert stakeholders_of_approval(approval(spec)).deciders == ("lead-2",)
