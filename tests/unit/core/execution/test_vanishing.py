"""Jobs that vanish once they are done: they run once, whoever looks with whatever cache, and nothing is stuck on us."""

from typing import Any

import pytest
from tests.builders.models import (
    MAKER,
    NOW,
    RUN_UID,
    at,
    effects,
    failed,
    live,
    manifest,
    only,
    planned,
    proven,
    run,
    run_plan,
    running,
)

from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunPlan, RunResource
from pratique.core.execution.vanishing import KEPT_SECONDS, as_sent, is_held, vanishes
from pratique.core.kernel.effects import Create, Failure, MergePatch, ObjectRef, Plan, Read, Stored
from pratique.core.runs.plan import plan_action_run

LATER = at(1)
JOB = manifest("Job", "migrate", "batch/v1", spec={"ttlSecondsAfterFinished": 0, "backoffLimit": 0})
PLANNED = planned("job", JOB)
PLAN = run_plan(PLANNED)
KEPT = {**JOB, "spec": {"ttlSecondsAfterFinished": KEPT_SECONDS, "backoffLimit": 0}}
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
REF = ObjectRef("batch/v1", "Job", "migrate", "team-a")
CONFIRMED = {"confirm": Stored({"metadata": {"uid": RUN_UID}})}


def look(subject: ActionRun, outcomes: dict[str, Any] | None = None) -> Plan[Any]:
    return plan_action_run(proven(subject, outcomes), LATER)


def kept(**changes: Any) -> dict[str, Any]:
    return live(KEPT, "u1", labels={"pratique.dev/run-uid": RUN_UID}, **changes)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"spec": {"ttlSecondsAfterFinished": 600}}, True),
        ({"spec": {"ttlSecondsAfterFinished": KEPT_SECONDS}}, False),
        ({"spec": {"ttlSecondsAfterFinished": None}}, False),
        ({"spec": {}}, False),
        ({"spec": "text"}, False),
        ({"kind": "CronJob"}, False),
        ({"apiVersion": "example.com/v1"}, False),
    ],
)
def test_what_may_vanish(change: dict[str, Any], expected: bool) -> None:
    assert vanishes({**JOB, **change}) is expected
    assert vanishes({"apiVersion": "batch/v1", "kind": "Job"}) is False


def test_is_sent_to_stay_and_nothing_else_is_changed() -> None:
    assert as_sent(PLANNED) == KEPT
    assert as_sent(planned("one")) == manifest(name="one")
    assert JOB["spec"]["ttlSecondsAfterFinished"] == 0


def test_reads_the_run_again_before_it_makes_one() -> None:
    assert look(running(PLAN)).effects == (
        Read("confirm", ObjectRef("pratique.dev/v1alpha1", "ActionRun", "ten-days", "team-a")),
    )
    assert look(running(PLAN), CONFIRMED).effects == (Create("create/job", KEPT, MAKER),)


@pytest.mark.parametrize(
    "answer",
    [failed("NotFound"), failed("Timeout", transient=True), Stored({"metadata": {"uid": "a namesake"}})],
    ids=["deleted", "no answer", "deleted and asked again"],
)
def test_makes_none_for_a_run_that_may_be_gone(answer: Failure | Stored) -> None:
    plan = look(running(PLAN), {"confirm": answer})
    assert (plan.effects, plan.retry, plan.status.phase, plan.status.resources) == ((), True, Phase.RUNNING, [])
    assert "the run could not be read again" in plan.status.message


def test_what_is_on_record_is_never_made_again() -> None:
    """Another process made it, and it is gone: the run that was read again says so."""
    fresh = running(PLAN, resources=[resource(held=True, ready=True)])
    plan = look(fresh, CONFIRMED)
    assert (plan.effects, plan.status.phase) == ((), Phase.SUCCEEDED)


def test_is_held_until_its_end_is_on_record() -> None:
    made = {"create/job": Stored(kept(status=COMPLETE))}
    status = look(running(PLAN), CONFIRMED | made).status
    assert (status.phase, [each.held for each in status.resources]) == (Phase.SUCCEEDED, [True])


def test_adopts_what_it_sent_before_it_was_killed() -> None:
    taken = {"create/job": failed("AlreadyExists", found=kept(status=COMPLETE))}
    assert look(running(PLAN), CONFIRMED | taken).status.phase is Phase.SUCCEEDED
    foreign = live(JOB, "u1", labels={"pratique.dev/run-uid": RUN_UID})
    status = look(running(PLAN), CONFIRMED | {"create/job": failed("AlreadyExists", found=foreign)}).status
    assert (status.phase, "was not made by this run" in status.message) == (Phase.FAILED, True)


def test_what_is_only_changed_or_has_its_ttl_is_not_held() -> None:
    assert not is_held(planned("job", JOB, patch=True), KEPT)
    assert not is_held(PLANNED, JOB)
    assert not is_held(planned("one"), manifest(name="one"))
    assert is_held(PLANNED, {"metadata": {}})


def resource(**changes: Any) -> RunResource:
    where = {"api_version": "batch/v1", "kind": "Job", "namespace": "team-a", "name": "migrate", "uid": "u1"}
    return RunResource(**{"id": "job", **where, **changes})


FREE = resource(id="free")


def ended(**status: Any) -> ActionRun:
    return run(**{"phase": Phase.SUCCEEDED, "plan": PLAN, "resources": [FREE, resource(held=True)], **status})


def test_gets_its_own_ttl_once_the_end_is_on_record() -> None:
    patch = {"spec": {"ttlSecondsAfterFinished": 0}}
    assert only(look(ended()).effects) == MergePatch("release/job", REF, "u1", patch, MAKER)
    plan = look(ended(), {"release/job": Stored(live(JOB))})
    assert ([each.held for each in plan.status.resources], plan.retry, plan.effects) == ([False, False], False, ())
    assert plan.status.phase is Phase.SUCCEEDED
    assert effects(look(ended(resources=[FREE]))) == []


BUSY = 'Operation cannot be fulfilled on resourcequotas "q": the object has been modified'


@pytest.mark.parametrize(
    ("answer", "held", "retry"),
    [
        (failed("NotFound"), False, False),
        (failed("Conflict", "Precondition failed: UID in precondition: a"), False, False),
        (failed("Conflict", BUSY), True, True),
        (failed("Timeout", transient=True), True, True),
        (failed("Forbidden"), True, False),
    ],
    ids=["deleted", "a namesake", "a busy quota", "slow", "forbidden"],
)
def test_giving_it_its_ttl_can_be_repeated(answer: Failure, held: bool, retry: bool) -> None:
    plan = look(ended(), {"release/job": answer})
    assert ([each.held for each in plan.status.resources], plan.retry) == ([False, held], retry)
    assert (effects(plan), plan.status.phase) == ([], Phase.SUCCEEDED)


@pytest.mark.parametrize("plan", [None, run_plan()], ids=["no plan", "not in the plan"])
def test_without_a_plan_it_goes_when_the_long_ttl_ends(plan: RunPlan | None) -> None:
    assert effects(look(ended(plan=plan))) == []


def test_a_run_that_is_being_deleted_makes_none() -> None:
    deleted = running(PLAN)
    gone = deleted.model_copy(update={"metadata": deleted.metadata.model_copy(update={"deletion_timestamp": NOW})})
    assert effects(look(gone)) == []
