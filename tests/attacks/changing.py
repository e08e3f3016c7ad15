"""Attacks on a change of mind: on what was said before, after the end, once too often, by those who may not any more."""

from typing import Any

from tests.attacks.denials import (
    DECISION,
    HISTORY_STAMPED,
    ONLY_GROWS,
    RECORDED,
    REPLACED,
    TIME_STAMPED,
    TOO_OFTEN,
    UNCHANGED,
    not_listed,
    sealed,
    stamped,
)
from tests.attacks.model import Attack, Json, Request, Seen, Twin, apply, patch, replacing
from tests.attacks.world import APPROVE, LEAD, LEAD_2

UNDECIDED = {"verdict": "Undecided"}


def change(gate: str, who: str = LEAD, **entry: Any) -> Request:
    """Return a change of somebody's entry by merge patch: what is not sent stays."""
    return patch(f"approvals/{gate}", {"spec": {"decisions": {who: entry}}})


def _take_back(live: Json) -> None:
    live["spec"]["decisions"][LEAD]["verdict"] = "Undecided"


def _add_past(live: Json) -> None:
    live["spec"]["decisions"][LEAD]["history"].append({"verdict": "Decline"})


TAKES_BACK = Twin("lead-1", "takes the own approval back", change("half", **UNDECIDED))
CHANGES = Twin("lead-1", "approves after all", change("back", **APPROVE))
ONE_APPROVAL = Seen(
    "the approval", lambda found: isinstance(found, list) and [e["verdict"] for e in found] == ["Approve"]
)

ATTACKS = [
    Attack(
        "forged-history",
        4,
        "lead-1",
        "an approver takes an approval back, and sends along that it was a decline",
        change("half", **UNDECIDED, history=[{"verdict": "Decline"}]),
        stamped(DECISION, f"spec/decisions/{LEAD}/history", ONE_APPROVAL),
        behind=(TIME_STAMPED, HISTORY_STAMPED),
    ),
    Attack(
        "history-without-a-change",
        4,
        "lead-1",
        "an approver gives the own decision a past that it does not have",
        change("half", history=[{"verdict": "Decline"}]),
        UNCHANGED,
        TAKES_BACK,
    ),
    Attack(
        "empty-own-history",
        4,
        "lead-1",
        "an approver who took an approval back empties the history of it",
        change("back", history=[]),
        ONLY_GROWS,
        CHANGES,
        behind=(UNCHANGED,),
    ),
    Attack(
        "rewrite-history",
        4,
        "lead-2",
        "an approver rewrites what a colleague said before",
        change("back", history=[{"verdict": "Decline"}]),
        ONLY_GROWS,
        CHANGES,
        behind=(RECORDED,),
    ),
    Attack(
        "add-to-anothers-history",
        4,
        "mallory",
        "somebody adds to what an approver said before, by PUT",
        replacing("approvals/back", _add_past),
        RECORDED,
        CHANGES,
    ),
    Attack(
        "take-back-anothers",
        4,
        "admin",
        "cluster-admin takes an approver's decision back",
        change("half", **UNDECIDED),
        RECORDED,
        TAKES_BACK,
    ),
    Attack(
        "take-back-anothers-by-apply",
        4,
        "lead-2",
        "an approver takes a colleague's approval back by server-side apply with force",
        apply("approvals/half", {"spec": {"decisions": {LEAD: UNDECIDED}}}, manager="lead-2", force="true"),
        RECORDED,
        TAKES_BACK,
    ),
    Attack(
        "take-back-what-granted",
        4,
        "lead-1",
        "an approver takes back what has granted, before the operator has looked",
        change("granted", **UNDECIDED),
        sealed(f"approved by {LEAD}"),
        TAKES_BACK,
    ),
    Attack(
        "take-back-what-declined",
        4,
        "lead-1",
        "an approver turns a decline into an approval, before the operator has looked",
        change("turned-down", **APPROVE),
        sealed(f"declined by {LEAD}"),
        TAKES_BACK,
    ),
    Attack(
        "once-too-often",
        4,
        "lead-1",
        "an approver changes the own mind a fourth time",
        change("often", **APPROVE),
        TOO_OFTEN,
        Twin("lead-2", "decides there", change("often", LEAD_2, **APPROVE)),
        behind=(TIME_STAMPED, HISTORY_STAMPED),
    ),
    Attack(
        "remove-own-comment",
        4,
        "lead-1",
        "an approver empties the comment of the own decision",
        change("half", comment=""),
        REPLACED,
        Twin("lead-1", "puts another in its place", change("half", comment="fine by me, until Friday")),
    ),
    Attack(
        "take-back-after-leaving",
        13,
        "lead-1-moved",
        "who approved, and has left the group since, takes the approval back",
        replacing("approvals/half", _take_back),
        not_listed(LEAD, "half"),
        TAKES_BACK,
    ),
]
