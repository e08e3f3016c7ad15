"""What a process remembers of runs: what it saw itself, and not what a status says afterwards."""

import pytest
from tests.builders.models import NOW, approval, effects, gate, planned, run, run_plan, running, vote

from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.core.execution.adoption import ref_of
from pratique.core.kernel.effects import Plan, Read
from pratique.core.plans.document import document
from pratique.handlers.memory import Memory, Vouched

PLAN = run_plan(planned("one"))
ASKS = (Read("read", ref_of(PLAN.objects[0].manifest)),)


def of(uid: str, phase: Phase) -> ActionRun:
    return run(meta={"uid": uid}, phase=phase, plan=PLAN, started_at=NOW)


def test_a_run_that_goes_on_with_nothing_left_to_ask_is_proven() -> None:
    memory, subject = Memory(), running(PLAN)
    uid = subject.metadata.uid
    asking = Plan(subject.status, effects=ASKS)
    assert effects(asking) == ["read"]
    memory.looked_at(subject, asking)
    assert memory.proven(uid) is None
    memory.looked_at(subject, Plan(subject.status))
    assert memory.proven(uid) == document(PLAN).digest
    memory.looked_at(subject, Plan(of(uid, Phase.SUCCEEDED).status))
    assert memory.proven(uid) is None


def test_the_first_end_that_is_stored_is_remembered() -> None:
    """What was only decided is not: its write may have been refused."""
    memory = Memory()
    memory.looked_at(of("u", Phase.RUNNING), Plan(of("u", Phase.FAILED).status))
    assert memory.ended("u") is None
    for phase in (Phase.SUCCEEDED, Phase.FAILED, Phase.PENDING):
        memory.looked_at(of("u", phase), Plan(of("u", phase).status))
    assert memory.ended("u") is Phase.SUCCEEDED


def test_the_oldest_are_forgotten() -> None:
    memory = Memory(size=2)
    for uid in ("a", "b", "c"):
        ended = of(uid, Phase.EXPIRED)
        memory.looked_at(ended, Plan(ended.status))
    assert [memory.ended(uid) for uid in ("a", "b", "c")] == [None, Phase.EXPIRED, Phase.EXPIRED]


GRANTED = approval(gate({"lead-1@example.com": vote("Approve")}))
ENDED = GRANTED.model_copy(update={"status": GRANTED.status.model_copy(update={"state": ApprovalState.APPROVED})})
FORGED: dict[str, Approval] = {
    "another state": ENDED.model_copy(
        update={"status": ENDED.status.model_copy(update={"state": ApprovalState.DECLINED})}
    ),
    "a decision more": ENDED.model_copy(
        update={"spec": gate({who: vote("Approve") for who in ("lead-1@example.com", "lead-2@example.com")})}
    ),
    "another plan": ENDED.model_copy(
        update={
            "spec": ENDED.spec.model_copy(
                update={"plan": ENDED.spec.planned.model_copy(update={"digest": "sha256:other"})}
            )
        }
    ),
    "another object": ENDED.model_copy(update={"metadata": ENDED.metadata.model_copy(update={"uid": "other"})}),
}


def test_an_end_is_vouched_for_before_its_write_is_answered() -> None:
    """The watch may show it first: it is known by what it says, and a mark of its outbox changes nothing of that."""
    vouched = Vouched()
    assert ENDED not in vouched
    vouched.remember(GRANTED, ENDED.status)
    assert ENDED in vouched and GRANTED not in vouched
    later = ENDED.metadata.model_copy(update={"resource_version": "99"})
    assert ENDED.model_copy(update={"metadata": later}) in vouched


@pytest.mark.parametrize("how", FORGED)
def test_nothing_else_is_vouched_for(how: str) -> None:
    vouched = Vouched()
    vouched.remember(GRANTED, ENDED.status)
    assert FORGED[how] not in vouched


def test_the_ends_that_are_vouched_for_are_few() -> None:
    vouched = Vouched(size=1)
    other = FORGED["another object"]
    for each in (GRANTED, other):
        vouched.remember(each, ENDED.status)
    assert other in vouched and ENDED not in vouched


def test_who_counts_the_ends_hears_of_each_once() -> None:
    told: list[str] = []
    vouched = Vouched(told=lambda approval, status: told.append(f"{approval.metadata.name} {status.state}"))
    for each in (GRANTED, GRANTED, FORGED["another object"]):
        vouched.remember(each, ENDED.status)
    assert told == [f"{GRANTED.metadata.name} Approved"] * 2
