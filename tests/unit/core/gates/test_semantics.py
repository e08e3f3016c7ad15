"""Where products disagree: for each question a rule, its people, what they say in order, and the state after each.

The operator's count and the API server's seal say the same of every line. Rows about one gate are `STORIES`, those about
two stages `STAGES`; stand-ins have their own in `test_standing_in`, plain counts in `test_approval`.
"""

from typing import Any

import pytest
from tests.builders.models import DEADLINE, approval, at, gate, run_plan, stage, vote
from tests.unit.core.gates.test_seal import sealed

from pratique.api.v1alpha1.approval import ApprovalSpec, GateRule
from pratique.api.v1alpha1.break_glass import BreakGlass, OwnGlass
from pratique.api.v1alpha1.counter_offer import ConsentRule, CounterOffer, OfferedValues
from pratique.api.v1alpha1.decisions import Decision, EarlierDecision, Verdict
from pratique.api.v1alpha1.escalation import Added, TimedStep
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.stages import Approvers, GroupCount, SamePeople
from pratique.core.gates.opening import excluded_from
from pratique.core.gates.tally import Tally, count, may_decide

A, D, U, B, P = "Approve", "Decline", "Undecided", "BreakGlass", "Offer"
DEV = "developer@example.com"
GROUPS = {
    **{"lead-1": ["platform-leads"], "lead-2": ["platform-leads"], "sec": ["security"], "oncall": ["sre-oncall"]},
    **{
        "both": ["platform-leads", "security"],
        "boss": ["directors"],
        DEV: ["platform-leads", "sre-oncall", "directors"],
    },
}
"""Who is in which group: a stamp holds those that the gate lists."""
LEADS = Approvers(groups=["platform-leads"])
Rule = dict[str, Any]
TWO: Rule = {"approvers": LEADS, "required": 2}
AND: Rule = {
    "approvers": Approvers(groups=["platform-leads", "security"]),
    **{"required": 2, "require_from": [GroupCount(group="platform-leads"), GroupCount(group="security")]},
}
OR: Rule = {
    "approvers": Approvers(users=["boss"], groups=["platform-leads"]),
    "alternatives": [GateRule(approvers=LEADS, required=2), GateRule(approvers=Approvers(users=["boss"]), required=1)],
}
NIGHT: Rule = {
    "approvers": LEADS,
    "escalation": [TimedStep(at=at(3)), TimedStep(at=at(5), to=Added(groups=["directors"]))],
}
GLASS: Rule = {"approvers": LEADS, "break_glass": BreakGlass(groups=["sre-oncall"], requester=OwnGlass.FORBID)}
OWN: Rule = {"approvers": LEADS, "break_glass": BreakGlass(groups=["sre-oncall"], requester=OwnGlass.ALLOW)}
OFFERS: Rule = {**TWO, "counter_offer": CounterOffer(inputs={"ttl": OfferedValues(values=["3d", "5d"])})}
CONSENT: Rule = {**TWO, "consent": ConsentRule.REQUIRED}

Line = tuple[str, str, float, str]
"""Who says what, at which minute, and what the gate is then."""
STORIES: dict[str, tuple[Rule, list[Line]]] = {
    "change of mind: while it is open": (
        TWO,
        [("lead-1", A, 1, "open"), ("lead-1", U, 2, "open"), ("lead-2", A, 3, "open"), ("lead-1", A, 4, "approved")],
    ),
    "change of mind: a yes that is taken back in time makes none of two": (
        TWO,
        [("lead-1", A, 1, "open"), ("lead-1", D, 2, "declined")],
    ),
    "one decline: ends it, also with one of two who approves": (
        TWO,
        [("lead-1", A, 1, "open"), ("lead-2", D, 2, "declined")],
    ),
    "one decline: not where two are asked for": (
        {**TWO, "decline_threshold": 2},
        [("lead-1", D, 1, "open"), ("lead-2", A, 2, "open"), ("both", A, 3, "approved")],
    ),
    "several groups: all of them, each with its count": (
        AND,
        [("lead-1", A, 1, "open"), ("lead-2", A, 2, "open"), ("sec", A, 3, "approved")],
    ),
    "several groups: one person fills two, and counts once": (
        AND,
        [("both", A, 1, "open"), ("lead-1", A, 2, "approved")],
    ),
    "several groups: nobody who is in one alone blocks it": (
        AND,
        [("sec", A, 1, "open"), ("both", A, 2, "approved")],
    ),
    "several rules: one of them is enough": (OR, [("lead-1", A, 1, "open"), ("boss", A, 2, "approved")]),
    "several rules: what counts for one does not for the other": (
        OR,
        [("lead-1", A, 1, "open"), ("sec", A, 2, "open"), ("lead-2", A, 3, "approved")],
    ),
    "escalation: adds, and not before its moment": (
        NIGHT,
        [("boss", A, 4, "open"), ("boss", A, 5, "approved")],
    ),
    "escalation: who was asked first is not refused afterwards": (NIGHT, [("lead-1", A, 6, "approved")]),
    "escalation: the same rule for who asks": (NIGHT, [(DEV, A, 6, "open"), ("boss", A, 7, "approved")]),
    "nobody decides: it has expired, and nothing else": (
        TWO,
        [("lead-1", A, 1, "open"), ("lead-2", A, 120, "too late")],
    ),
    "self-approval: forbidden, in any letter case": (
        {"approvers": LEADS},
        [(DEV, A, 1, "open"), (DEV.upper(), A, 2, "open"), ("lead-1", A, 3, "approved")],
    ),
    "break-glass: alone, with some of it said": (GLASS, [("oncall", B, 1, "broken")]),
    "break-glass: not for one's own request": (GLASS, [(DEV, B, 1, "open"), ("oncall", B, 2, "broken")]),
    "break-glass: unless the author says so": (OWN, [(DEV, B, 1, "broken")]),
    "break-glass: not against a decline": (
        {**GLASS, "decline_threshold": 2},
        [("lead-1", D, 1, "open"), ("oncall", B, 2, "open")],
    ),
    "break-glass: no approver's right": (GLASS, [("lead-1", B, 1, "open"), ("oncall", A, 2, "open")]),
    "counter-offer: one is enough, whatever others said": (
        OFFERS,
        [("lead-1", A, 1, "open"), ("lead-2", P, 2, "offered")],
    ),
    "counter-offer: none where the rule takes none": (TWO, [("lead-1", P, 1, "open")]),
    "counter-offer: not for oneself": (OFFERS, [(DEV, P, 1, "open")]),
    "counter-offer: after the last yes it is granted": (
        OFFERS,
        [("lead-1", A, 1, "open"), ("both", A, 2, "approved"), ("lead-2", P, 3, "approved")],
    ),
    "consent: nothing is granted without it": (
        CONSENT,
        [("lead-1", A, 1, "open"), ("lead-2", A, 2, "unaccepted"), ("both", D, 3, "unaccepted")],
    ),
    "consent: a no needs none": (CONSENT, [("lead-1", A, 1, "open"), ("lead-2", D, 2, "declined")]),
}


def say(spec: ApprovalSpec, who: str, verdict: str, minute: float) -> ApprovalSpec:
    """Return the gate as the API server would store it, with what somebody says; it keeps what they had said."""
    listed = {*spec.policy.approvers.groups, *(spec.policy.break_glass or Approvers()).groups}
    listed |= {name for step in spec.policy.escalation or () if step.to is not None for name in step.to.groups}
    stamped = [each for each in GROUPS.get(who.lower(), []) if each in listed]
    before = spec.decisions.get(who)
    said = amend(vote(verdict, minute, stamped), proposal={"ttl": "5d"} if verdict == P else None)
    if before is not None:
        kept = EarlierDecision(verdict=before.verdict, decided_at=before.decided_at, groups=before.groups)
        said = amend(said, history=[*(before.history or []), kept])
    return amend(spec, decisions={**spec.decisions, who: said})


@pytest.mark.parametrize("story", STORIES)
def test_a_story(story: str) -> None:
    rule, lines = STORIES[story]
    spec = gate(**rule)
    for who, verdict, minute, state in lines:
        spec = say(spec, who, verdict, minute)
        assert count(spec, at(minute)).tally is Tally(state), f"after {who}"
        is_open = state in ("open", "too late")
        assert (sealed(spec) == "") is is_open, f"after {who}: the API server says {sealed(spec) or 'open'}"


def test_who_leaves_the_group_has_said_what_they_said_and_cannot_change_it() -> None:
    spec = say(say(gate(**TWO), "lead-1", A, 1), "lead-2", A, 2)
    assert count(spec, at(3)).tally is Tally.APPROVED, "by the groups that were stamped"
    assert not may_decide(spec, "lead-1", ["former-leads"], at(3)) and may_decide(
        spec, "lead-1", ["platform-leads"], at(3)
    )


FIRST, SECOND = stage(name="first", approvers=LEADS, required=2), stage(name="second", approvers=AND["approvers"])
STAGES: dict[str, tuple[SamePeople, list[str], list[tuple[str, str]]]] = {
    "one person in two stages: forbidden": (
        SamePeople.FORBID,
        ["lead-1", "both"],
        [("lead-1", "open"), ("BOTH", "open"), ("sec", "approved")],
    ),
    "one person in two stages: unless the author allows it": (
        SamePeople.ALLOW,
        ["lead-1", "lead-2"],
        [("lead-1", "approved")],
    ),
    "one person in two stages: who said nothing in the first may": (
        SamePeople.FORBID,
        ["lead-1", "both"],
        [("lead-2", "approved")],
    ),
}


@pytest.mark.parametrize("story", STAGES)
def test_a_story_of_two_stages(story: str) -> None:
    same, granted, lines = STAGES[story]
    plan = run_plan(gates=[FIRST, SECOND], same_person_in_stages=same)
    first = gate(**TWO)
    for minute, who in enumerate(granted, start=1):
        first = say(first, who, A, minute)
    assert count(first, at(5)).tally is Tally.APPROVED
    rule: Rule = {"approvers": SECOND.all_approvers, "deadline": DEADLINE}
    second = amend(gate(**rule), excluded=excluded_from(plan, SECOND, [approval(first)], at(5)) or None)
    for minute, (who, state) in enumerate(lines, start=6):
        second = say(second, who, A, minute)
        assert count(second, at(minute)).tally is Tally(state), f"after {who}"
        assert bool(sealed(second)) == (state != "open")


def test_history_never_counts() -> None:
    spec = say(say(gate(**TWO), "lead-1", A, 1), "lead-1", U, 2)
    assert isinstance(spec.decisions["lead-1"], Decision) and spec.decisions["lead-1"].history
    assert count(say(spec, "lead-2", A, 3), at(3)).approvals == 1
    assert spec.decisions["lead-1"].verdict is Verdict.UNDECIDED
