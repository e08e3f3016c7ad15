"""What a process remembers of runs: what it saw itself, and not what a status says afterwards."""

from tests.support.builders import NOW, effects, planned, run, run_plan, running

from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.core.adoption import ref_of
from pratique.core.digest import plan_digest
from pratique.core.effects import Plan, Read
from pratique.handlers.memory import Memory

PLAN = run_plan(planned("one"))
ASKS = (Read("read", ref_of(PLAN.resources[0].manifest)),)


def of(uid: str, phase: Phase) -> ActionRun:
    return run(meta={"uid": uid}, phase=phase, plan=PLAN, started_at=NOW)


def test_a_run_that_goes_on_with_nothing_left_to_ask_is_proven():
    memory, subject = Memory(), running(PLAN)
    uid = subject.metadata.uid
    asking = Plan(subject.status, effects=ASKS)
    assert effects(asking) == ["read"]
    memory.looked_at(subject, asking)
    assert memory.proven(uid) is None
    memory.looked_at(subject, Plan(subject.status))
    assert memory.proven(uid) == plan_digest(PLAN)
    memory.looked_at(subject, Plan(of(uid, Phase.SUCCEEDED).status))
    assert memory.proven(uid) is None


def test_the_first_end_that_is_stored_is_remembered():
    """What was only decided is not: its write may have been refused."""
    memory = Memory()
    memory.looked_at(of("u", Phase.RUNNING), Plan(of("u", Phase.FAILED).status))
    assert memory.ended("u") is None
    for phase in (Phase.SUCCEEDED, Phase.FAILED, Phase.PENDING):
        memory.looked_at(of("u", phase), Plan(of("u", phase).status))
    assert memory.ended("u") is Phase.SUCCEEDED


def test_the_oldest_are_forgotten():
    memory = Memory(size=2)
    for uid in ("a", "b", "c"):
        ended = of(uid, Phase.EXPIRED)
        memory.looked_at(ended, Plan(ended.status))
    assert [memory.ended(uid) for uid in ("a", "b", "c")] == [None, Phase.EXPIRED, Phase.EXPIRED]
