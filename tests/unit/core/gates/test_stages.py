"""Stages in turn: which gate is open, who is left out of it, and what a run may do once all are granted."""

from dataclasses import replace
from typing import Any

import pytest
from tests.builders.models import (
    NOW,
    approval,
    approved,
    at,
    failed,
    gate,
    only,
    run_plan,
    running,
    stage,
    vote,
    waiting,
)
from tests.support.certain import certain

from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunApproval, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalState, GateRule
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.stages import Approvers, RuleApprovers, SamePeople
from pratique.core.gates.entries import approval_name
from pratique.core.gates.grounds import ask
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.opening import find_asked, policy_of
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval
from pratique.core.gates.port import Answer, Ended, Granted, Open, Opened, Passed, Question, Unsure
from pratique.core.gates.quorum import Progress, say_missing
from pratique.core.gates.tally import count
from pratique.core.kernel.effects import Stored, Verified
from pratique.core.plans.document import document
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot

APPROVED, PENDING = ApprovalState.APPROVED, ApprovalState.PENDING
LEADS, SECURITY = Approvers(groups=["platform-leads"]), Approvers(groups=["security"])
FIRST, SECOND = stage(approvers=LEADS), stage(name="security", approvers=SECURITY, message="It faces the world")
TWO = run_plan(gates=[FIRST, SECOND])


def held(plan: RunPlan = TWO, **states: ApprovalState) -> ActionRun:
    """Return a run that waits, with what its status says of its gates."""
    asked = waiting(plan)
    entries = [RunApproval(stage=name, name=approval_name(asked, name), state=state) for name, state in states.items()]
    return amend(asked, status=amend(asked.status, approvals=entries, document=None))


def opened(name: str, state: ApprovalState, plan: RunPlan = TWO, by: str = "", **more: Any) -> Approval:
    """Return the gate of a stage; with `by` it was decided by them, at minute 1, or at minute 2 if it is a later one."""
    index = [each.name for each in plan.stages].index(name)
    rule = plan.stages[index]
    groups = rule.all_approvers.groups
    decided = {each: vote("Approve", 1 + index, groups=groups) for each in by.split()}
    spec = gate(decided, **dict(policy_of(rule, at(120))))
    spec = amend(spec, plan=approved(plan), stage=name, **more)
    return approval(spec, name=approval_name(waiting(plan), name), state=state)


def answer(run: ActionRun, *gates: Approval, plan: RunPlan = TWO, **outcomes: Any) -> Answer:
    known = {VERIFY: Verified(), **{key.replace("_", "-"): value for key, value in outcomes.items()}}
    return ask(Question(run, None, gates, document(plan), known), at(3))


def test_the_first_that_is_open_holds_the_run() -> None:
    assert isinstance(answer(held(platform=PENDING), opened("platform", PENDING)), Open)


def test_a_stage_that_is_granted_is_put_on_record_before_the_next_opens() -> None:
    granted = opened("platform", APPROVED, by="lead-1")
    passed = answer(held(platform=PENDING), granted)
    assert passed == Passed(
        RunApproval(stage="platform", name=granted.metadata.name, state=APPROVED),
        "Stage platform, 1 of 2: Approved by lead-1",
    )


def test_then_the_next_opens_for_all_but_who_decided() -> None:
    granted, now_held = opened("platform", APPROVED, by="lead-1"), held(platform=APPROVED)
    asked = answer(now_held, granted)
    assert isinstance(asked, Unsure)
    made = only(asked.effects).manifest
    assert (made["spec"]["stage"], made["spec"]["excluded"]) == ("security", ["lead-1"])
    assert made["spec"]["plan"] == granted.spec.planned.to_wire(), "the same text, whatever version reads it"
    done = answer(now_held, granted, open_gate=Stored(made))
    assert isinstance(done, Opened) and done.gate.stage == "security" and done.plan is None
    assert done.message.startswith("Stage security, 2 of 2: waiting for 1 of group security until")


def test_or_for_them_too_where_the_action_says_so() -> None:
    plan = amend(TWO, same_person_in_stages=SamePeople.ALLOW)
    asked = answer(held(plan, platform=APPROVED), opened("platform", APPROVED, plan, by="lead-1"), plan=plan)
    assert isinstance(asked, Unsure) and "excluded" not in only(asked.effects).manifest["spec"]


def test_whoever_the_rule_excludes_is_so_in_every_stage_that_says_it() -> None:
    plan = run_plan(gates=[FIRST, amend(SECOND, exclude=["author@example.com", "lead-1"])])
    asked = answer(held(plan, platform=APPROVED), opened("platform", APPROVED, plan, by="lead-1"), plan=plan)
    assert isinstance(asked, Unsure)
    made = only(asked.effects).manifest["spec"]
    assert made["excluded"] == ["author@example.com", "lead-1"]


def test_a_request_that_was_taken_back_meanwhile_wakes_nobody() -> None:
    back = held(platform=APPROVED)
    back = amend(back, spec=amend(back.spec, withdrawn=True))
    ended = answer(back, opened("platform", APPROVED, by="lead-1"))
    assert ended == Ended(Phase.WITHDRAWN, "The requester took it back")


def test_a_stage_that_nobody_is_left_for_is_not_opened() -> None:
    plan = run_plan(gates=[FIRST, amend(SECOND, approvers=RuleApprovers(users=["lead-1"]))])
    ended = answer(held(plan, platform=APPROVED), opened("platform", APPROVED, plan, by="lead-1"), plan=plan)
    assert isinstance(ended, Ended) and ended.phase is Phase.REFUSED
    assert "Stage security, 2 of 2, could never be approved: it needs 1 of lead-1" in ended.why


def both(**second: Any) -> tuple[Approval, Approval]:
    return opened("platform", APPROVED, by="lead-1"), opened("security", APPROVED, **{"by": "sec-1", **second})


def test_all_of_them_grant_it_and_each_is_named() -> None:
    done = answer(held(platform=APPROVED, security=PENDING), *both())
    assert isinstance(done, Granted)
    assert done.warrant.why == "platform: Approved by lead-1; security: Approved by sec-1"
    assert done.warrant.granted_at == at(2), "from the last it has its time to start"
    assert certain(done.gate).stage == "security"


@pytest.mark.parametrize("twice", ["lead-1", "LEAD-1"])
def test_one_person_in_two_stages_is_not_two_people(twice: str) -> None:
    ended = answer(held(platform=APPROVED, security=PENDING), *both(by=twice))
    assert isinstance(ended, Ended) and ended.phase is Phase.SUPERSEDED
    assert f"{twice} decided in two stages, platform and security" in ended.why
    failed_ = answer(going(), *both(by=twice))
    assert isinstance(failed_, Ended) and failed_.phase is Phase.FAILED


def going(plan: RunPlan = TWO) -> ActionRun:
    started = running(plan)
    return amend(started, status=amend(started.status, document=None))


def test_what_is_under_way_is_proven_by_every_gate() -> None:
    assert isinstance(answer(going(), *both()), Granted)
    without = answer(going(), both()[1])
    assert isinstance(without, Unsure), "the cache may be late: it is looked for"
    gone = answer(going(), both()[1], read_gate=failed("NotFound"))
    assert isinstance(gone, Ended) and gone.phase is Phase.FAILED
    unproven = answer(going(), opened("platform", PENDING), both()[1])
    assert isinstance(unproven, Ended) and "nobody has approved it" in unproven.why


def test_a_later_gate_that_was_opened_and_is_not_there_is_looked_for() -> None:
    seen = answer(held(platform=APPROVED, security=PENDING), both()[0])
    assert isinstance(seen, Unsure) and [each.key for each in seen.effects] == ["read-gate"]


def test_a_gate_without_whom_its_rule_excludes_is_none_of_this_plan() -> None:
    plan = run_plan(gates=[amend(FIRST, exclude=["author@example.com"])])
    bare = opened("platform", APPROVED, plan, by="lead-1")
    ended = answer(held(plan, platform=PENDING), bare, plan=plan)
    assert isinstance(ended, Ended) and ended.why.startswith("The rule by which it was approved is not the one")
    said = opened("platform", APPROVED, plan, by="lead-1", excluded=["author@example.com"])
    assert isinstance(answer(held(plan, platform=PENDING), said, plan=plan), Granted)


def test_of_a_plan_without_any_rule_no_approval_grants_anything() -> None:
    none = amend(TWO, gates=None)
    ended = ask(Question(held(TWO, platform=PENDING), None, both(), document(none), {VERIFY: Verified()}), NOW)
    assert isinstance(ended, Ended) and ended.phase is Phase.SUPERSEDED


def test_the_people_of_each_stage_are_told_of_it_and_no_others() -> None:
    granted = opened("platform", APPROVED, by="lead-1")
    first = plan_action_run(RunSnapshot(held(platform=PENDING), approvals=(granted,), outcomes=GUARDED), at(3))
    assert [(each.event, each.stage) for each in first.status.notifications if each.channel == "chat"] == [
        (EventType.HANDLED, "platform")
    ]
    assert first.wake_at is not None, "the next gate opens at once"
    passed = replace(first, status=amend(first.status, notifications=[]))
    next_run = amend(held(), status=passed.status)
    look = RunSnapshot(next_run, approvals=(granted,), outcomes=GUARDED)
    made = only(plan_action_run(look, at(3)).effects).manifest
    second = plan_action_run(replace(look, outcomes={**GUARDED, "open-gate": Stored(made)}), at(3)).status
    assert second.phase is Phase.WAITING_FOR_APPROVAL and len(second.approvals) == 2
    (asked,) = [each for each in second.notifications if each.channel == "chat"]
    assert (asked.event, asked.stage, asked.id) == (
        EventType.APPROVAL_REQUESTED,
        "security",
        "ApprovalRequested/security/chat",
    )


GUARDED: dict[str, object] = {VERIFY: Verified()}


def test_a_gate_that_its_run_does_not_follow_any_more_ends() -> None:
    """An earlier stage may be superseded, or its Approval deleted, while people look at the next."""
    over, second = held(platform=APPROVED, security=PENDING), opened("security", PENDING)
    again = RunApproval(stage="platform", name="any", state=PENDING, round=2)
    anew = amend(over, status=amend(over.status, approvals=[again]))
    ended = amend(over, status=amend(over.status, phase=Phase.SUPERSEDED, message="gone"))
    for subject, said in ((anew, "asked again"), (ended, "Its request has ended as Superseded: gone")):
        status = plan_approval(ApprovalSnapshot(second, subject, GUARDED), at(3)).status
        assert status.state is ApprovalState.SUPERSEDED and said in status.message
    asked = amend(second, metadata=amend(second.metadata, name=approval_name(anew, "security", 2)))
    for subject, found in ((over, second), (anew, asked)):
        assert plan_approval(ApprovalSnapshot(found, subject, GUARDED), at(3)).status.state is PENDING


def test_who_is_told_of_a_gate_that_is_just_opened() -> None:
    """Nobody who cannot decide it; and all of them again, when the request is asked anew from its first stage."""
    plan = run_plan(gates=[amend(FIRST, exclude=["author@example.com"]), SECOND])
    granted, second = opened("platform", APPROVED, plan, by="lead-1"), opened("security", PENDING, plan)
    first = [RunApproval(stage="platform", name=granted.metadata.name, state=PENDING)]
    both_ = [*first, RunApproval(stage="security", name=second.metadata.name, state=PENDING)]
    anew = [RunApproval(stage="platform", name="again", state=PENDING, round=2)]
    assert find_asked(first, plan, (), NOW) == (None, ["author@example.com"])
    assert find_asked(first, plan, (granted,), NOW) == (granted, [])
    assert find_asked(both_, plan, (granted,), NOW) == (None, ["lead-1"])
    assert find_asked(anew, plan, (granted, second), NOW) == (None, ["author@example.com"])
    assert find_asked((), None, (), NOW) == find_asked(first, None, (), NOW) == (None, [])


@pytest.mark.parametrize(
    ("approvals", "lacking", "sentence"),
    [
        (0, (), "2 more of ann, group ops"),
        (1, (("ops", 1),), "1 more of group ops"),
        (0, (("ops", 1),), "2 more of ann, group ops, of them 1 of group ops"),
        (0, (("ops", 1), ("security", 1)), "2 more of ann, group ops, of them 1 of group ops and 1 of group security"),
    ],
)
def test_what_a_rule_lacks_is_said_once(approvals: int, lacking: tuple[tuple[str, int], ...], sentence: str) -> None:
    rule = GateRule(approvers=Approvers(users=("ann",), groups=("ops",)), required=2)
    assert say_missing(Progress(rule, approvals, lacking), ("ann", "group ops")) == sentence


def test_of_several_rules_each_says_what_it_lacks() -> None:
    several = [
        GateRule(approvers=Approvers(users=("ann",)), required=1),
        GateRule(approvers=Approvers(groups=("ops",)), required=2),
    ]
    anybody = Approvers(users=("ann",), groups=("ops",))
    found = count(gate(approvers=anybody, required=1, alternatives=several), at(2))
    assert found.missing == "1 more of ann or 2 more of group ops"
