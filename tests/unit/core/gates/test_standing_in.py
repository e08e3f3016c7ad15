"""Stand-ins: stories as tables (rule, who named whom, votes in order, state after each), who is asked, and who is told."""

from datetime import datetime
from typing import Any

import pytest
from tests.builders.models import CHAT, NOW, approval, at, gate, lending, lent, run, run_plan, stage, vote

from pratique.api.v1alpha1.approval import ApprovalSpec, ApprovalState
from pratique.api.v1alpha1.decisions import Decision
from pratique.api.v1alpha1.delegations import DelegationRule, StandIn
from pratique.api.v1alpha1.escalation import Added, TimedStep
from pratique.api.v1alpha1.meta import ObjectMeta
from pratique.api.v1alpha1.notifications import EventType, Recipient, RecipientKind
from pratique.api.v1alpha1.stages import Approvers, GroupCount, SamePeople
from pratique.core.gates.changes import changes
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.opening import excluded_from, find_mismatch, find_shared, open_gate, policy_of
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval
from pratique.core.gates.tally import Tally, awaits, count, find_part, may_take_back, open_parts
from pratique.core.kernel.effects import Verified
from pratique.core.telling.commands import decision_command
from pratique.core.telling.messages import compose_approval
from pratique.core.telling.stakeholders import approvers_of_entry, stakeholders_of_approval, stakeholders_of_run

A, D, U = "Approve", "Decline", "Undecided"
Rule = dict[str, Any]
TEAM: Rule = {"approvers": Approvers(users=["ann", "eve"], groups=["ops"])}
TWO: Rule = {**TEAM, "required": 2}
OPS = {**TWO, "require_from": [GroupCount(group="ops")]}
ALL = {"approvers": Approvers(users=["ann", "eve"]), "required": 2}
NIGHT = {"approvers": Approvers(users=["eve"]), "escalation": [TimedStep(at=at(3), to=Added(users=["ann"]))]}
FOR_ANN, FOR_CID = {"ann": lent("bob", groups=[])}, {"cid": lent("bob", groups=["ops"])}

Votes = list[tuple[str, Decision, str]]
STORIES: dict[str, tuple[dict[str, Any], dict[str, StandIn], Votes]] = {
    "one for another": (TEAM, FOR_ANN, [("bob", vote(A, 1, [], for_="ann"), "approved")]),
    "a stand-in says no": (TEAM, FOR_ANN, [("bob", vote(D, 1, [], for_="ann"), "declined")]),
    "not for themselves": (TEAM, FOR_ANN, [("bob", vote(A, 1, []), "open")]),
    "two people of two": (
        TWO,
        FOR_ANN,
        [("bob", vote(A, 1, [], for_="ann"), "open"), ("eve", vote(A, 2, []), "approved")],
    ),
    "her own word goes before that of her stand-in": (
        TWO,
        FOR_ANN,
        [
            ("bob", vote(A, 1, [], for_="ann"), "open"),
            ("ann", vote(A, 2, []), "open"),
            ("eve", vote(A, 3, []), "approved"),
        ],
    ),
    "her no, after his yes": (
        TWO,
        FOR_ANN,
        [("bob", vote(A, 1, [], for_="ann"), "open"), ("ann", vote(D, 2, []), "declined")],
    ),
    "who looks has said nothing": (
        TWO,
        FOR_ANN,
        [
            ("bob", vote(A, 1, [], for_="ann"), "open"),
            ("ann", vote(U, 2, []), "open"),
            ("eve", vote(A, 3, []), "approved"),
        ],
    ),
    "he takes it back": (
        TWO,
        FOR_ANN,
        [
            ("bob", vote(A, 1, [], for_="ann"), "open"),
            ("bob", vote(U, 2, [], for_="ann"), "open"),
            ("eve", vote(A, 3, []), "open"),
            ("bob", vote(A, 4, [], for_="ann"), "approved"),
        ],
    ),
    "of the group of her for whom he stands in": (
        OPS,
        FOR_CID,
        [("eve", vote(A, 1, []), "open"), ("bob", vote(A, 2, ["ops"], for_="cid"), "approved")],
    ),
    "of no group of his own": (
        OPS,
        FOR_ANN,
        [("eve", vote(A, 1, []), "open"), ("bob", vote(A, 2, ["ops"], for_="ann"), "open")],
    ),
    "everybody, one by a stand-in": (
        ALL,
        FOR_ANN,
        [("bob", vote(A, 1, [], for_="ann"), "open"), ("eve", vote(A, 2, []), "approved")],
    ),
    "everybody, and one has one vote": (
        ALL,
        {"ann": lent("eve", groups=[])},
        [("eve", vote(A, 1, [], for_="ann"), "open"), ("ann", vote(A, 2, []), "open")],
    ),
    "for two, with one vote": (
        TWO,
        {"ann": lent("bob", groups=[]), "eve": lent("BOB", groups=[])},
        [("bob", vote(A, 1, [], for_="ann"), "open"), ("BOB", vote(A, 2, [], for_="eve"), "open")],
    ),
    "too late": (TEAM, {"ann": lent("bob", 2, groups=[])}, [("bob", vote(A, 2, [], for_="ann"), "open")]),
    "too early": (
        TEAM,
        {"ann": lent("bob", groups=[], not_before=2)},
        [("bob", vote(A, 1, [], for_="ann"), "open"), ("bob", vote(A, 2, [], for_="ann"), "approved")],
    ),
    "once a step has added her": (
        NIGHT,
        FOR_ANN,
        [("bob", vote(A, 2, [], for_="ann"), "open"), ("bob", vote(A, 3, [], for_="ann"), "approved")],
    ),
    "a chain": (
        TEAM,
        {"ann": lent("bob", groups=[]), "bob": lent("dan", groups=["others"])},
        [("dan", vote(A, 1, [], for_="bob"), "open"), ("dan", vote(A, 1, [], for_="ann"), "open")],
    ),
    "a machine": (
        TEAM,
        {"ann": lent("system:serviceaccount:a:b", groups=[])},
        [("system:serviceaccount:a:b", vote(A, 1, [], for_="ann"), "open")],
    ),
    "without a stamp": (
        TEAM,
        FOR_ANN,
        [("bob", vote(A, 1, [], for_="ann").model_copy(update={"groups": None}), "open")],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_story(story: str) -> None:
    rule, named, votes = STORIES[story]
    said: dict[str, Decision] = {}
    for who, each, state in votes:
        said[who] = each
        assert count(lending(gate(dict(said), **rule), **named), at(9)).tally is Tally(state), who
        without = count(gate(dict(said), **rule).model_copy(update={"delegations": named}), at(9))
        assert not any(counted.for_ for counted in without.decisions), "where the rule allows none"


@pytest.mark.parametrize("out", ["ann", "ANN", "bob", "Bob"])
def test_nobody_on_either_side_may_be_excluded_or_ask(out: str) -> None:
    spec = lending(gate({"bob": vote(A, 1, [], for_="ann")}, **TEAM), **FOR_ANN)
    assert count(spec, at(9)).tally is Tally.APPROVED
    assert count(spec.model_copy(update={"excluded": [out]}), at(9)).tally is Tally.OPEN
    asks = spec.requested_by.model_copy(update={"username": out})
    assert count(spec.model_copy(update={"requested_by": asks}), at(9)).tally is Tally.OPEN


def open_gate_of(*said: tuple[str, Decision], **rule: Any) -> ApprovalSpec:
    return lending(
        gate(dict(said), **{**TWO, **rule}), ann=lent("bob", 30, groups=[]), cid=lent("bob", 30, groups=["ops"])
    )


def test_a_stand_in_is_asked_in_the_place_of_those_who_have_not_spoken() -> None:
    spec = open_gate_of()
    assert find_part(spec, "bob", (), at(1)) == open_parts(spec, "bob", (), at(1)) == ("ann", "cid")
    assert find_part(spec, "bob", ("ops",), at(1)) == (None, "ann", "cid")
    assert find_part(spec, "dan", (), at(1)) == open_parts(spec, "dan", (), at(1)) == ()
    assert not awaits(spec, "bob", (), at(30))
    assert open_parts(open_gate_of(("ann", vote(A, 1, []))), "bob", (), at(2)) == ("cid",)
    assert open_parts(open_gate_of(("bob", vote(U, 1, [], for_="ann"))), "bob", ("ops",), at(2)) == ("ann",)
    assert open_parts(open_gate_of(("bob", vote(U, 1, [], for_="dan"))), "bob", (), at(2)) == ()
    assert open_parts(open_gate_of(("bob", vote(U, 1, ["ops"]))), "bob", ("ops",), at(2)) == (None,)
    assert open_parts(open_gate_of(("ann", vote(A, 1, [])), required=1), "bob", (), at(2)) == ()


def test_who_has_a_stand_in_who_decided_is_not_waited_for_and_may_speak() -> None:
    spec = open_gate_of(("bob", vote(A, 1, [], for_="ann")))
    assert not awaits(spec, "ann", (), at(2)) and find_part(spec, "ann", (), at(2)) == (None,)
    assert may_take_back(spec, "bob", (), at(2)) and not may_take_back(spec, "bob", (), at(30))


@pytest.mark.parametrize(
    ("said", "waiting"),
    [
        ((), ("ann", "eve", "bob for ann", "bob for cid", "group ops")),
        ((("bob", vote(A, 1, [], for_="ann")),), ("eve", "group ops")),
        ((("ann", vote(A, 1, [])),), ("eve", "bob for cid", "group ops")),
    ],
)
def test_for_whom_it_waits(said: tuple[tuple[str, Decision], ...], waiting: tuple[str, ...]) -> None:
    assert count(open_gate_of(*said), at(2)).waiting_for == waiting


def looked(spec: ApprovalSpec, when: datetime = NOW, **status: Any) -> Any:
    before = approval(spec, **status)
    return plan_approval(ApprovalSnapshot(before, run(), {VERIFY: Verified()}), when)


def told(plan: Any) -> list[str]:
    return [f"{each.event.value} {each.message}" for each in plan.status.notifications if each.channel == "chat"]


def test_a_stand_in_is_told_once_and_the_gate_says_who_it_is() -> None:
    spec = lending(gate(**TWO), ann=lent("bob", 30, groups=[], not_before=10))
    first = looked(spec)
    line = "bob may decide for ann from 2026-11-24 12:10 UTC until 2026-11-24 12:30 UTC"
    waits = "Waiting for 2 more of ann, eve, group ops until 2026-11-24 14:00 UTC"
    assert told(first) == [f"ApprovalRequested {line}. {waits}"]
    assert [(each.event, each.message) for each in first.status.timeline] == [("StandsIn", line)]
    assert first.wake_at == at(10)
    again = looked(spec, at(5), **dict(first.status))
    assert (again.status.timeline, again.happened) == (first.status.timeline, ())
    begun = looked(spec, at(10), **dict(again.status))
    assert begun.status.waiting_for == ["ann", "eve", "bob for ann", "group ops"] and begun.wake_at == at(30)
    assert looked(spec, at(30), **dict(begun.status)).status.waiting_for == ["ann", "eve", "group ops"]


def test_it_ends_as_approved_by_one_for_another() -> None:
    ended = looked(lending(gate({"bob": vote(A, 1, [], "go", for_="ann")}, **TEAM), **FOR_ANN), at(2))
    assert (ended.status.state, ended.status.message) == (ApprovalState.APPROVED, "Approved by bob for ann")
    assert [(each.by, each.for_) for each in ended.status.decisions] == [("bob", "ann")]


def test_the_timeline_says_who_stands_in_and_for_whom_somebody_is_undecided() -> None:
    entry = lent("bob", 30, groups=[])
    lines = changes(lending(gate({"bob": vote(U, 1, [], for_="ann")}, **TEAM), ann=entry))
    assert [each.message for each in lines] == [
        "bob may decide for ann until 2026-11-24 12:30 UTC",
        "bob for ann is undecided yet",
    ]
    unstamped = lending(gate(**TEAM), ann=entry.model_copy(update={"at": None}))
    assert changes(unstamped) == []


def test_a_new_gate_without_a_run_asks_stand_ins_with_all_others() -> None:
    spec = lending(gate(**TEAM), **FOR_ANN)
    alone = spec.model_copy(update={"subject": spec.subject.model_copy(update={"kind": None, "title": "Deploy"})})
    found = stakeholders_of_approval(approval(alone), named=["ann"])
    assert found.approvers is not None and found.approvers.users == ["ann", "eve", "bob"]
    assert EventType.APPROVAL_REQUESTED not in found.asked
    later = stakeholders_of_approval(approval(alone, tally="0/1"), named=["ann"])
    assert later.asked[EventType.APPROVAL_REQUESTED].users == ["bob"]
    plan = plan_approval(ApprovalSnapshot(approval(alone), None, rules=(CHAT,)), NOW)
    assert len(told(plan)) == 1 and told(plan)[0].startswith("ApprovalRequested Deploy: waiting for 1 more of")


def test_a_run_tells_stand_ins_how_it_ended_and_the_gate_asks_them() -> None:
    opened = approval(lending(gate(**TEAM), **FOR_ANN))
    found = stakeholders_of_run(run(plan=run_plan(gate=stage())), opened, [CHAT])
    assert found.approvers is not None and found.approvers.users == ["ann", "eve", "bob"]
    assert found.asked[EventType.APPROVAL_REQUESTED].users == ["ann", "eve"]


def test_a_message_says_how_to_decide_in_whose_place() -> None:
    opened = approval(lending(gate(**TEAM), **FOR_ANN))
    entry = looked(opened.spec).status.notifications[0]
    assert approvers_of_entry(opened, entry).users == ["bob"]
    message = compose_approval(opened, entry)
    assert message.audience.users == ("bob",)
    to_bob = entry.model_copy(update={"recipient": Recipient(kind=RecipientKind.USER, name="bob")})
    approve = dict(compose_approval(opened, to_bob).how_to_decide)["Approve"]
    assert approve == decision_command(opened, A, "bob", principal="ann")
    assert '"bob":{"verdict":"Approve","for":"ann","comment":"…"}' in approve
    to_ann = entry.model_copy(update={"recipient": Recipient(kind=RecipientKind.USER, name="ann")})
    assert '"for"' not in dict(compose_approval(opened, to_ann).how_to_decide)["Approve"]


def test_the_gate_of_a_stage_takes_stand_ins_where_its_rule_says_so() -> None:
    allowing = stage(delegation=DelegationRule.ALLOW)
    assert policy_of(allowing, at(120)).delegation is DelegationRule.ALLOW and not allowing.is_plain
    forbidding = stage(delegation=DelegationRule.FORBID)
    assert policy_of(forbidding, at(120)) == policy_of(stage(), at(120)) and forbidding.is_plain


def test_a_gate_that_is_there_is_the_same_with_stand_ins_named_since() -> None:
    plan = run_plan(gate=stage(delegation=DelegationRule.ALLOW))
    wanted = approval().model_validate(open_gate(run(), plan, plan.stages[0], NOW))
    found = wanted.model_copy(update={"spec": wanted.spec.model_copy(update={"delegations": FOR_ANN})})
    assert find_mismatch(found, wanted) is None


def test_both_sides_have_had_their_part_in_later_stages() -> None:
    first = lending(gate({"bob": vote(A, 1, [], for_="ann")}, **TEAM), **FOR_ANN).model_copy(update={"stage": "one"})
    second = gate({"ANN": vote(A, 2, ["ops"])}, **TEAM).model_copy(update={"stage": "two"})
    passed = [approval(first), approval(second).model_copy(update={"metadata": ObjectMeta(name="two")})]
    plan = run_plan()
    assert excluded_from(plan, stage(), passed[:1], at(9)) == ["bob", "ann"]
    assert find_shared(plan, passed, at(9)) == "ANN decided in two stages, one and two: ask again"
    allowed = plan.model_copy(update={"same_person_in_stages": SamePeople.ALLOW})
    assert find_shared(allowed, passed, at(9)) is None
