"""Who answers when a run asks whether it may start, and what its status keeps of its gates."""

import pytest
from tests.builders.models import (
    NOW,
    action,
    approval_of,
    counted,
    gates,
    run,
    run_plan,
    running,
    stage,
    vote,
    waiting,
)

from pratique.api.v1alpha1.action_run import RunApproval, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.core.gates import free, granted
from pratique.core.gates.entries import approval_name, choose_followed, keep, name_of_gate, round_of
from pratique.core.gates.grounds import GROUNDS, ask
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.port import Ended, Fresh, Granted, Ground, Question, Unsure
from pratique.core.kernel.effects import Verified
from pratique.core.plans.document import document

OPEN = run_plan()
HELD = run_plan(gate=stage())


def question(plan: RunPlan, *approvals: Approval | None, fresh: bool = False) -> Question:
    subject = running(plan)
    written = None if fresh else document(plan)
    made = Fresh(plan) if fresh else None
    return Question(subject, action(), gates(*approvals), written, {VERIFY: Verified()}, fresh=made)


def entry(name: str, round_: int = 1, state: ApprovalState = ApprovalState.PENDING) -> RunApproval:
    return RunApproval(stage=name, name=approval_name(run(), name, round_), state=state, round=round_)


@pytest.mark.parametrize("plan", [OPEN, HELD])
def test_for_each_plan_one_ground_answers_whatever_their_order(plan: RunPlan) -> None:
    entered = [each for each in GROUNDS if each.enter(question(plan, fresh=True), Fresh(plan), NOW) is not None]
    proves = [each for each in GROUNDS if each.prove(question(plan, None), NOW) is not None]
    assert entered == proves == [free.GROUND if plan is OPEN else granted.GROUND]


def test_a_ground_that_has_no_part_in_it_says_nothing() -> None:
    silent = Ground()
    asked = question(HELD)
    assert silent.enter(asked, Fresh(HELD), NOW) is silent.follow(asked, NOW) is silent.prove(asked, NOW) is None


def test_a_warrant_says_on_what_ground_a_run_may_start() -> None:
    answer = ask(question(OPEN, fresh=True), NOW)
    assert isinstance(answer, Granted)
    warrant = answer.warrant
    assert (warrant.plan, warrant.why, warrant.granted_at, warrant.told) == (OPEN, "No approval is needed", None, ())
    held = waiting(HELD)
    answer = ask(question(HELD, approval_of(held, ApprovalState.APPROVED, decisions=[counted("l1")])), NOW)
    assert isinstance(answer, Granted)
    granted_at = vote("Approve").decided_at
    assert (answer.warrant.why, answer.warrant.granted_at) == ("Approved by l1", granted_at)


def test_what_stands_on_no_ground_ends() -> None:
    lost = Question(running(OPEN))
    assert isinstance(ask(lost, NOW), Ended)
    assert isinstance(ask(Question(waiting(HELD, status={"approvals": []})), NOW), Ended)


def test_a_gate_of_another_stage_does_not_grant_it() -> None:
    """Two stages may have the same rule: each is granted by its own Approval."""
    held = waiting(HELD)
    other = approval_of(held, ApprovalState.APPROVED)
    other = other.model_copy(update={"spec": other.spec.model_copy(update={"stage": "another"})})
    answer = ask(question(HELD, other), NOW)
    assert isinstance(answer, Ended) and "The rule by which it was approved is not the one of its plan" in answer.why


def test_an_answer_that_is_not_known_yet_changes_nothing() -> None:
    status = running(OPEN).status
    plan = Unsure(retry=True).as_plan(status)
    assert (plan.status, plan.effects, plan.retry) == (status, (), True)


def test_the_list_of_gates_has_one_entry_for_each_stage_of_this_round() -> None:
    subject = run()
    assert (keep(subject, None), round_of(subject), name_of_gate(subject)) == (subject, 1, None)
    first = keep(subject, entry("platform"))
    granted_first = keep(first, entry("platform", state=ApprovalState.APPROVED))
    second = keep(granted_first, entry("security"))
    listed = [(each.stage, each.state) for each in second.status.approvals]
    assert listed == [("platform", ApprovalState.APPROVED), ("security", ApprovalState.PENDING)]
    assert name_of_gate(second) == approval_name(run(), "security")
    again = keep(second, entry("platform", 2))
    assert [(each.stage, each.round) for each in again.status.approvals] == [("platform", 2)]
    assert round_of(again) == 2


def test_of_many_approvals_those_are_followed_that_the_status_lists_in_their_order() -> None:
    there = [("team-a", approval_name(run(), name)) for name in ("security", "old", "platform")]
    subject = keep(keep(run(), entry("platform")), entry("security"))
    assert choose_followed(subject, there) == [there[2], there[0]]
    assert choose_followed(run(), there) == [there[0]]
    assert choose_followed(run(), []) == []
