"""What goes is on record before it goes, goes by its uid, and is waited for; a namesake stays."""

from typing import Any

import pytest
from tests.builders.models import (
    MAKER,
    RUN_UID,
    at,
    effects,
    failed,
    failure,
    manifest,
    planned,
    proven,
    run,
    run_plan,
    running,
    stage,
)
from tests.support.certain import certain

from pratique.api.v1alpha1.action_run import Phase, RunPlan, RunResource
from pratique.api.v1alpha1.calling import HttpRequest
from pratique.api.v1alpha1.deleting import ObjectToDelete
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import DryRun, DryRunResult, PlannedDeletion, PlannedRequest, PlannedResource
from pratique.api.v1alpha1.target import PlannedTarget, Recheck
from pratique.core.execution.dry_run import Trial, try_plan, with_results, without_results
from pratique.core.execution.targets import is_target
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import AskRights, Delete, EvaluateTarget, ObjectRef, Plan, Read, Stored
from pratique.core.plans.differences import differences
from pratique.core.plans.document import document
from pratique.core.runs.plan import plan_action_run

REF = ObjectRef("v1", "Pod", "db-0", "team-a")
PASSED = DryRun(result=DryRunResult.PASSED, target_uid="p1")
REPLACED = failure("Conflict", "Precondition failed: UID in precondition: p1, UID in object meta: p2")
NO_HOOK = failure("BadRequest", "admission webhook h does not support dry run")
CHANGED = failure(
    "Conflict", "the object has been modified; please apply your changes to the latest version and try again"
)


def step(dry_run: DryRun | None = PASSED, kind: str = "Pod", version: str = "v1", **more: Any) -> PlannedDeletion:
    goes = ObjectToDelete(api_version=version, kind=kind, namespace="team-a", name="db-0")
    return PlannedDeletion(id="old", delete=goes, dry_run=dry_run, **more)


def pod(uid: str = "p1", **metadata: Any) -> Stored:
    return Stored({"metadata": {"name": "db-0", "namespace": "team-a", "uid": uid, "resourceVersion": "7", **metadata}})


def known(**changes: Any) -> RunResource:
    fields = {"id": "old", "api_version": "v1", "kind": "Pod", "namespace": "team-a", "name": "db-0", "uid": "p1"}
    return RunResource(**{**fields, **changes})


def look(outcomes: dict[str, Any] | None = None, *steps: Any, minutes: float = 1, **status: Any) -> Plan[Any]:
    gates = {"gate": stage()} if status.pop("gated", False) else {}
    plan = status.pop("plan", None) or run_plan(*(steps or (step(),)), **gates)
    return plan_action_run(proven(running(plan, **status), outcomes), at(minutes))


def recorded(outcomes: dict[str, Any], *steps: Any, **status: Any) -> Plan[Any]:
    return look(outcomes, *steps, **{"resources": [known()], **status})


def trial(outcomes: dict[str, Any] | None = None, planned: PlannedDeletion | None = None) -> Trial:
    return try_plan(run(), run_plan(planned or step(None)), outcomes or {}, "try")


def test_it_is_found_and_tried_as_the_account() -> None:
    assert trial().effects == (Read("try/old/find", REF, MAKER),)
    found = {"try/old/find": pod()}
    assert trial(found).effects == (Delete("try/old", REF, "p1", run_as=MAKER, dry_run=True),)
    tried = trial({**found, "try/old": pod()})
    plan = with_results(run_plan(step(None)), tried)
    assert plan.resources == [step()] and plan.summary == ["Delete Pod team-a/db-0"]
    assert document(without_results(plan)) == document(run_plan(step(None)))


@pytest.mark.parametrize(
    ("find", "delete", "sentence"),
    [
        (failed("NotFound"), None, "Pod team-a/db-0 is not there: there is nothing to delete"),
        (pod(), failed("Forbidden", "no"), "Pod team-a/db-0 could not be deleted: no"),
    ],
)
def test_what_may_not_go_is_said_before_anybody_is_asked(find: Any, delete: Any, sentence: str) -> None:
    assert trial({"try/old/find": find, "try/old": delete}).problems == [sentence]


def test_what_is_replaced_while_it_is_tried_is_tried_again() -> None:
    assert certain(trial({"try/old/find": pod(), "try/old": REPLACED}).transient).cause is Cause.REPLACED


def test_where_a_webhook_takes_no_dry_run_the_uid_is_frozen_all_the_same() -> None:
    tried = trial({"try/old/find": pod(), "try/old": NO_HOOK})
    ((_, shown),) = tried.tried
    assert certain(shown.dry_run).target_uid == "p1" and certain(shown.dry_run).result is DryRunResult.DEFERRED
    (line,) = with_results(run_plan(step(None)), tried).summary
    assert line == ("Delete Pod team-a/db-0 (not checked yet: an admission webhook of this cluster takes no dry runs)")


def test_an_environment_goes_for_whose_it_is_and_for_who_may_delete_it() -> None:
    env = step(None, "Environment", "pratique.dev/v1alpha1")
    asked = trial({"try/old/find": pod()}, env)
    (question,) = asked.effects
    assert isinstance(question, AskRights)
    assert (question.verb, question.resource, question.ref.name) == ("end", "environments", "db-0")
    may_not = trial({"try/old/find": pod(), "try/old/rights": False}, env)
    (sentence,) = may_not.problems
    assert sentence.endswith("it needs the RBAC verb end on environments")
    assert effects(trial({"try/old/find": pod(), "try/old/rights": True}, env)) == ["try/old"]
    mine = pod(labels={"pratique.dev/run-uid": RUN_UID})
    assert effects(trial({"try/old/find": mine}, env)) == ["try/old"]


def test_one_may_take_the_place_of_another() -> None:
    anew = planned("new", manifest("Pod", "db-0"))
    found = {"try/old/find": pod(), "try/old": pod(), "try/new": failed("AlreadyExists", found={"metadata": {}})}
    tried = try_plan(run(), run_plan(step(None), anew), found, "try")
    assert tried.problems == []
    assert with_results(run_plan(step(None), anew), tried).summary == [
        "Delete Pod team-a/db-0",
        "Pod team-a/db-0 (not checked yet: the one that has its name is deleted first)",
    ]
    (sentence,) = try_plan(run(), run_plan(anew, step(None)), found, "try").problems
    assert sentence == "Pod team-a/db-0 exists and was not made by this run: choose another name"


def pair(number: int, uid: str | None = None) -> tuple[PlannedDeletion, PlannedResource]:
    """A deletion, and what takes its place; `uid` as its dry run has seen it."""
    goes = ObjectToDelete(api_version="v1", kind="Pod", namespace="team-a", name=f"db-{number}")
    passed = DryRun(result=DryRunResult.PASSED, target_uid=uid or f"p{number}")
    anew = planned(f"new{number}", manifest("Pod", f"db-{number}"))
    deferred = DryRun(result=DryRunResult.DEFERRED, message="the one that has its name is deleted first")
    return PlannedDeletion(id=f"old{number}", delete=goes, dry_run=passed), amend(anew, dry_run=deferred)


TAKEN = failed("AlreadyExists", found={"metadata": {}})


def test_each_of_two_may_take_the_place_of_another() -> None:
    """The first has gone when all that is left is tried: what holds the name of the second goes later."""
    plan = run_plan(*pair(1), *pair(2))
    gone = [known(id="old1", name="db-1", ready=True)]
    outcomes: dict[str, Any] = {"late/new1": pod(), "late/new2": TAKEN}
    assert effects(look(plan=plan, resources=gone)) == ["late/new1", "late/new2"]
    assert effects(look(outcomes, plan=plan, resources=gone)) == ["create/new1"]


def test_what_was_tried_late_before_a_deletion_may_still_be_replaced() -> None:
    deferred = DryRun(result=DryRunResult.DEFERRED, message="its kind is made first")
    first = amend(planned("one"), dry_run=deferred)
    outcomes: dict[str, Any] = {"late/one": pod(), "late/new1": TAKEN}
    assert effects(look(outcomes, first, *pair(1))) == ["create/one"]


def test_a_name_that_is_taken_again_after_a_deletion_is_not_deferred() -> None:
    gone = [known(id="old1", name="db-1", ready=True)]
    plan = look({"late/new1": TAKEN}, plan=run_plan(*pair(1)), resources=gone)
    assert plan.status.phase is Phase.FAILED
    assert plan.status.message == "Pod team-a/db-1 exists and was not made by this run: choose another name"
    early = look({"late/new1": TAKEN}, plan=run_plan(*reversed(pair(1))))
    assert early.status.phase is Phase.FAILED


def test_another_object_of_that_name_is_another_plan() -> None:
    other = DryRun(result=DryRunResult.PASSED, target_uid="p2")
    assert differences(step(), "Pod team-a/db-0", other) == ["Pod team-a/db-0: was deleted and made again"]
    assert differences(step(), "Pod team-a/db-0", PASSED) == []


def test_it_is_on_record_before_it_goes() -> None:
    assert effects(look()) == ["read/old"]
    plan = look({"read/old": pod()})
    assert plan.effects == () and plan.wake_at == at(1)
    assert plan.status.resources == [known()]
    assert plan.status.message == "Pod team-a/db-0 is deleted next"


def test_it_goes_by_its_uid_and_is_done_when_it_is_gone() -> None:
    assert effects(recorded({})) == ["read/old"]
    outcomes: dict[str, Any] = {"read/old": pod()}
    assert recorded(outcomes).effects == (Delete("delete/old", REF, "p1", run_as=MAKER),)
    outcomes["delete/old"] = pod()
    assert effects(recorded(outcomes)) == ["gone/old"]
    for gone in (failed("NotFound"), pod("p2")):
        plan = recorded({**outcomes, "gone/old": gone})
        assert plan.status.phase is Phase.SUCCEEDED
        assert plan.status.message == "Done: Pod team-a/db-0 was deleted"
        assert plan.status.resources == [known(ready=True)]


@pytest.mark.parametrize("gone", [failed("NotFound"), pod("p2")])
def test_what_a_dead_process_has_deleted_is_done(gone: Any) -> None:
    assert recorded({"read/old": gone}).status.phase is Phase.SUCCEEDED


@pytest.mark.parametrize("answer", [failed("NotFound"), REPLACED])
def test_whoever_is_quicker_has_done_it(answer: Any) -> None:
    plan = recorded({"read/old": pod(), "delete/old": answer, "gone/old": failed("NotFound")})
    assert plan.status.phase is Phase.SUCCEEDED


def test_what_is_gone_before_it_was_on_record_is_done_if_it_was_the_one() -> None:
    assert look({"read/old": failed("NotFound")}).status.phase is Phase.SUCCEEDED
    plan = look({"read/old": failed("NotFound")}, step(None))
    assert plan.status.phase is Phase.FAILED
    assert plan.status.message == "Pod team-a/db-0 is not there: there is nothing to delete"


def test_a_namesake_stays() -> None:
    plan = look({"read/old": pod("p2")})
    assert plan.status.phase is Phase.FAILED
    assert plan.status.message == (
        "It would not do any more what was planned: Pod team-a/db-0 was deleted and made again: it is left as it is"
    )


def test_an_object_with_finalizers_is_waited_for() -> None:
    going = pod(deletionTimestamp="2026-11-24T12:00:00Z", finalizers=["example.com/a", "example.com/b"])
    why = "it is being deleted; its finalizers have to go first: example.com/a, example.com/b"
    waits = f"Waiting for Pod team-a/db-0: {why}"
    for outcomes in ({"read/old": going}, {"read/old": pod(), "delete/old": pod(), "gone/old": going}):
        plan = recorded(outcomes)
        assert plan.effects == () and plan.status.message == waits
    late = recorded({"read/old": going}, minutes=11)
    assert late.status.phase is Phase.FAILED and late.status.message == f"Not ready within 10m: {waits}"
    bare = recorded({"read/old": pod(deletionTimestamp="2026-11-24T12:00:00Z")})
    assert bare.status.message == "Waiting for Pod team-a/db-0: it is being deleted"


@pytest.mark.parametrize("which", ["read/old", "delete/old", "gone/old"])
def test_a_failure_that_may_pass_is_tried_again(which: str) -> None:
    outcomes: dict[str, Any] = {"read/old": pod(), "delete/old": pod(), "gone/old": pod()}
    plan = recorded({**outcomes, which: failed("ServerTimeout", "busy", transient=True)})
    assert plan.retry and plan.status.phase is Phase.RUNNING
    assert plan.status.message.endswith("busy; it is tried again, as this may pass")
    assert "(as ServiceAccount pratique-actions/maker)" in plan.status.message


def test_a_right_that_is_taken_away_ends_it() -> None:
    no = failed("Forbidden", "policy says no")
    plan = recorded({"read/old": pod(), "delete/old": no})
    assert plan.status.phase is Phase.FAILED
    assert plan.status.message == (
        "Pod team-a/db-0 could not be deleted (as ServiceAccount pratique-actions/maker): policy says no"
    )


def test_the_next_step_waits_unless_it_need_not() -> None:
    other = planned("new")
    going = {"read/old": pod(deletionTimestamp="2026-11-24T12:00:00Z")}
    assert recorded(going, step(), other).effects == ()
    assert effects(recorded(going, step(wait=False), other)) == ["create/new"]


def target_plan(rechecks: list[Recheck] | None = None) -> RunPlan:
    target = PlannedTarget(api_version="v1", kind="Pod", namespace="team-a", name="db-0", uid="p1", rechecks=rechecks)
    return run_plan(step(), target=target)


def test_a_step_before_it_may_be_still_to_come() -> None:
    """What is gone is not looked at again; what a call before it did is no news of its target."""
    gone = recorded({}, step(), planned("new"), resources=[known(ready=True)])
    assert effects(gone) == ["create/new"]
    call = PlannedRequest(id="told", request=HttpRequest(url="https://api.example.com/"))
    plan = run_plan(call, step(), target=PlannedTarget(api_version="v1", kind="Pod", name="db-0", uid="p1"))
    assert not is_target(plan, step())


def test_a_target_goes_in_the_version_that_its_conditions_were_held_to() -> None:
    plan = target_plan([Recheck(rule="true", holds=True, message="open")])
    outcomes: dict[str, Any] = {"read/old": pod()}
    (ask,) = recorded(outcomes, plan=plan).effects
    assert isinstance(ask, EvaluateTarget) and ask.key == "recheck/old"
    (delete,) = recorded({**outcomes, "recheck/old": ()}, plan=plan).effects
    assert delete == Delete("delete/old", REF, "p1", "7", run_as=MAKER)
    changed = recorded({**outcomes, "recheck/old": ("it is closed",)}, plan=plan)
    assert changed.status.phase is Phase.FAILED and "it is closed" in changed.status.message
    unknown = recorded({**outcomes, "recheck/old": failed("EvaluationFailed", "too slow")}, plan=plan)
    assert unknown.retry and "What it rests on cannot be judged: too slow" in unknown.status.message
    assert recorded({**outcomes, "recheck/old": (), "delete/old": CHANGED}, plan=plan).retry


def test_a_run_that_begins_with_a_deletion_and_comes_too_late_has_not_begun() -> None:
    late = look({}, minutes=30)
    assert late.status.message == "Not begun within 10m of its start, and nothing was made: ask again"


def test_a_version_that_deletes_nothing_cannot_read_such_a_plan() -> None:
    (entry,) = run_plan(step()).to_wire()["resources"]
    assert "manifest" not in entry and entry["delete"]["kind"] == "Pod"
    assert document(run_plan(step())).plan.resources == [step()]
