"""A run that has failed deletes what it has made: on record first, the last first, by uid, and nothing else."""

from typing import Any

import pytest
from tests.builders.models import (
    MAKER,
    NOW,
    RUN_UID,
    action,
    at,
    effects,
    failed,
    live,
    manifest,
    planned,
    proven,
    run,
    run_plan,
    running,
    waiting,
)
from tests.support.certain import certain

from pratique.api.v1alpha1.action_run import Phase, RunPlan, RunResource, RunRollback
from pratique.api.v1alpha1.calling import HttpRequest, RunRequest
from pratique.api.v1alpha1.deleting import ObjectToDelete
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import (
    DryRun,
    DryRunResult,
    LateValue,
    PlannedDeletion,
    PlannedRequest,
    as_late,
    as_temporary,
)
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.execution.dry_run import try_plan, with_results
from pratique.core.gates.port import Warrant
from pratique.core.kernel.effects import Evaluation, ObjectRef, Plan, Stored
from pratique.core.kernel.ending import DeleteAs, FindToEnd, MayDelete
from pratique.core.plans.document import document
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.running import follow
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.runs.transitions import start

PASSED = DryRun(result=DryRunResult.PASSED)
ONE, TWO = planned("one", manifest(name="one"), dry_run=PASSED), planned("two", manifest(name="two"), dry_run=PASSED)
THREE = planned("three", manifest(name="three"), dry_run=PASSED)
PLAN = run_plan(ONE, TWO, THREE, on_failure="Rollback")
WHY = "ConfigMap team-a/three failed"
NO = 'User "x" cannot delete'


def record(ident: str, **changes: Any) -> RunResource:
    fields = {"id": ident, "api_version": "v1", "kind": "ConfigMap", "namespace": "team-a", "name": ident, "uid": ident}
    return RunResource(**{**fields, **changes})


BOTH = [record("one", ready=True), record("two")]
BEGUN = RunRollback(since=NOW, reason=WHY)


def there(ident: str, uid: str = "", made: float = 0, mark: str = RUN_UID, **metadata: Any) -> Stored:
    when, labels = format_time(at(made)), {"pratique.dev/run-uid": mark}
    return Stored(live(manifest(name=ident), uid or ident, creationTimestamp=when, **{"labels": labels, **metadata}))


GOING: dict[str, Any] = {"deletionTimestamp": format_time(at(1))}


def look(outcomes: dict[str, Any] | None = None, minutes: float = 1, **status: Any) -> Plan[Any]:
    plan = status.pop("plan", PLAN)
    subject = running(plan, **{"resources": BOTH, "rollback": BEGUN, **status})
    return follow(RunSnapshot(subject, outcomes=outcomes or {}), plan, subject.status, at(minutes))


NONE = {"rollback/find/three": failed("NotFound")}
FOUND = {**NONE, "rollback/find/two": there("two")}
TWO_GONE = {**FOUND, "rollback/two": failed("NotFound")}
ONE_FOUND = {**TWO_GONE, "rollback/find/one": there("one")}


def test_the_decision_is_on_record_before_anything_is_deleted() -> None:
    decided = look(
        {"create/three": failed("Invalid", "odd")}, rollback=None, resources=[amend(each, ready=True) for each in BOTH]
    )
    why = "ConfigMap team-a/three could not be created: odd"
    assert (decided.effects, decided.status.phase, decided.wake_at) == ((), Phase.RUNNING, at(1))
    assert decided.status.rollback == RunRollback(since=at(1), reason=why)
    assert decided.status.message == f"Rolling back. It has failed: {why}"
    assert [(each.word, each.events) for each in decided.happened] == [("RollingBack", ())]


def test_without_it_what_was_made_stays() -> None:
    kept = look(
        {"create/three": failed("Invalid", "odd")},
        plan=amend(PLAN, on_failure=None),
        rollback=None,
        resources=[amend(each, ready=True) for each in BOTH],
    )
    assert kept.status.phase is Phase.FAILED and kept.status.rollback is None


def test_a_status_alone_rolls_nothing_back() -> None:
    """Who forged one, where no plan says so, deletes nothing; what was there before the start is dropped with it."""
    kept = amend(PLAN, on_failure=None)
    assert effects(look(plan=kept, resources=[])) == ["create/one"]
    planted = amend(waiting(PLAN), status=amend(waiting(PLAN).status, rollback=BEGUN, late={"one.data.host": "evil"}))
    begun = start(planted, Warrant(PLAN, "it may"), at(1)).status
    assert (begun.rollback, begun.late, begun.phase) == (None, None, Phase.RUNNING)


def test_the_last_goes_first_and_each_when_the_one_after_it_is_gone() -> None:
    assert look().effects == (FindToEnd("rollback/find/three", ObjectRef("v1", "ConfigMap", "three", "team-a"), MAKER),)
    assert effects(look(NONE)) == ["rollback/find/two"]
    assert look(FOUND).effects == (
        DeleteAs("rollback/two", ObjectRef("v1", "ConfigMap", "two", "team-a"), "two", MAKER),
    )
    held = look({**FOUND, "rollback/two": there("two", **GOING)})
    assert (held.effects, held.status.phase) == ((), Phase.RUNNING)
    assert held.status.message == (
        f"Rolling back, and waiting for ConfigMap team-a/two to go: it is being deleted. It has failed: {WHY}"
    )
    assert effects(look(TWO_GONE)) == ["rollback/find/one"]
    assert effects(look(ONE_FOUND)) == ["rollback/one"]
    done = look({**ONE_FOUND, "rollback/one": failed("NotFound")}).status
    assert done.phase is Phase.FAILED
    assert done.message == f"{WHY}. Rolled back: ConfigMap team-a/two, ConfigMap team-a/one were removed"
    assert [(each.id, each.ended_at, each.ready) for each in done.resources] == [
        ("one", at(1), False),
        ("two", at(1), False),
    ]


def test_what_is_gone_is_not_looked_for_again() -> None:
    known = [BOTH[0], record("two", ended_at=at(0.5))]
    assert effects(look(NONE, resources=known)) == ["rollback/find/one"]


def test_what_is_deleted_already_is_not_deleted_twice() -> None:
    assert look({**NONE, "rollback/find/two": there("two", **GOING)}).effects == ()


def test_who_holds_it_is_named_and_after_its_time_what_stays() -> None:
    hangs = {**NONE, "rollback/find/two": there("two", finalizers=["a.example.com/b", "c"], **GOING)}
    why = "it is being deleted; its finalizers have to go first: a.example.com/b, c"
    waits = look(hangs, minutes=9)
    assert why in waits.status.message and certain(waits.wake_at) <= at(10)
    assert [each.message for each in waits.status.resources] == ["", why]
    over = look(hangs, minutes=10).status
    assert over.phase is Phase.FAILED
    assert over.message == f"{WHY}; could not be removed: ConfigMap team-a/two ({why}), so ConfigMap team-a/one stays"
    only = look(hangs, minutes=10, resources=[record("two")]).status
    assert only.message == f"{WHY}; could not be removed: ConfigMap team-a/two ({why})"


@pytest.mark.parametrize(
    ("outcomes", "why", "retry"),
    [
        ({**FOUND, "rollback/two": failed("Forbidden", NO)}, f"it could not be deleted: {NO}", False),
        ({**FOUND, "rollback/two": failed("Timeout", "late", transient=True)}, "it could not be deleted: late", True),
        ({**NONE, "rollback/find/two": failed("Forbidden", NO)}, f"it could not be looked for: {NO}", False),
        ({"rollback/find/three": failed("Forbidden", NO)}, f"it could not be looked for: {NO}", False),
        (
            {**NONE, "rollback/find/two": there("two", mark="other")},
            "it does not carry the label pratique.dev/run-uid of this run, so it is not deleted",
            False,
        ),
        (
            {**NONE, "rollback/find/two": there("two", made=-99)},
            "it was there before this run made anything, so it is not deleted",
            False,
        ),
    ],
)
def test_what_cannot_be_deleted_holds_up_what_was_made_before_it(outcomes: Any, why: str, retry: bool) -> None:
    held = look(outcomes)
    assert (held.effects, held.status.phase, held.retry) == ((), Phase.RUNNING, retry)
    assert f"({why})" in look(outcomes, minutes=11).status.message and why in held.status.message


def test_a_namesake_stays() -> None:
    done = look({**NONE, "rollback/find/two": there("two", "other")})
    assert effects(done) == ["rollback/find/one"]
    assert effects(look({"rollback/find/three": there("three", mark="other")})) == ["rollback/find/two"]


def test_what_was_made_just_before_a_crash_is_found_and_deleted_too() -> None:
    (delete,) = look({"rollback/find/three": there("three", "u3")}).effects
    assert isinstance(delete, DeleteAs) and delete.uid == "u3"
    old = look({"rollback/find/three": there("three", "u3", made=-99)})
    assert old.effects == () and "was there before" in old.status.message


def test_what_never_could_be_made_is_not_looked_for() -> None:
    late = as_late(THREE, [LateValue(at="/data/a", reads=["one.data.a"])])
    assert effects(look(plan=amend(PLAN, resources=[ONE, TWO, late]))) == ["rollback/find/two"]


def test_where_nothing_was_made_it_says_no_more() -> None:
    nothing = {f"rollback/find/{each}": failed("NotFound") for each in ("one", "two", "three")}
    assert look(nothing, resources=[]).status.message == WHY


def test_what_cannot_be_taken_back_is_named() -> None:
    change = planned("change", manifest(name="change"), patch=True, dry_run=PASSED)
    goes = ObjectToDelete(api_version="v1", kind="Pod", namespace="team-a", name="old")
    gone = PlannedDeletion(id="gone", delete=goes)
    call = PlannedRequest(id="call", request=HttpRequest(url="https://ci.example.com/"))
    plan = run_plan(ONE, change, gone, call, on_failure="Rollback")
    known = [record("one"), record("change"), record("gone")]
    done = look(
        {"rollback/find/one": failed("NotFound")},
        plan=plan,
        resources=known,
        requests=[RunRequest(id="call", done=True)],
    )
    assert done.status.message == (
        f"{WHY}. Rolled back: ConfigMap team-a/one was removed; ConfigMap team-a/change was changed, and left so;"
        " Pod team-a/old was deleted before; POST https://ci.example.com/ was called before"
    )


def test_nothing_is_made_any_more_once_it_is_decided() -> None:
    assert not any(each.startswith("create/") for each in effects(look()))


def test_its_start_is_on_record_before_the_first_object() -> None:
    plan = amend(PLAN, gates=None)
    subject = running(plan, resources=[])
    begun = follow(RunSnapshot(subject), plan, subject.status, at(1))
    assert effects(begun) == ["create/one"]
    free = RunSnapshot(
        run(), action=action(), outcomes={"evaluate": Evaluation(plan=run_plan(ONE, on_failure="Rollback"))}
    )
    assert effects(plan_action_run(free, NOW)) == ["try/one"]


def test_an_older_object_with_its_mark_is_not_taken_for_its_own() -> None:
    labels = {"pratique.dev/run-uid": RUN_UID}
    older = failed(
        "AlreadyExists", found=live(ONE.manifest, "u1", labels=labels, creationTimestamp=format_time(at(-99)))
    )
    found = look({"create/one": older}, rollback=None, resources=[])
    assert "exists and was not made by this run" in certain(found.status.rollback).reason
    younger = failed("AlreadyExists", found=live(ONE.manifest, "u1", labels=labels, creationTimestamp=format_time(NOW)))
    assert effects(look({"create/one": younger}, rollback=None, resources=[])) == ["create/two"]


def trial(plan: RunPlan, outcomes: dict[str, Any]) -> Any:
    return try_plan(run(), plan, outcomes, "try")


def test_the_right_to_delete_is_asked_for_before_anybody_is() -> None:
    plan = run_plan(planned("one", manifest(name="one")), on_failure="Rollback")
    made = {"try/one": there("one")}
    (ask,) = trial(plan, made).effects
    assert isinstance(ask, MayDelete)
    (problem,) = trial(plan, {**made, "try/one/end": "the right to delete configmaps"}).problems
    assert problem == (
        "ConfigMap team-a/one could not be created: it could not be deleted again if the run fails (onFailure: Rollback):"
        " pratique-actions/maker lacks the right to delete configmaps"
    )
    lines = with_results(plan, trial(plan, {**made, "try/one/end": ""})).summary
    assert lines[1:] == ["If it fails, what it has made is deleted again, the last first"]


def test_a_version_before_cannot_read_such_a_plan() -> None:
    text = document(PLAN).text
    assert '"rollbackAfter":"10m"' in text and '"timeout"' not in text and "onFailure" not in text
    read = document(PLAN).plan
    assert read.rolls_back and read.timeout == "10m"
    assert document(read).text == text
    assert certain(waiting(PLAN).status.head).rolls_back
    assert not document(amend(PLAN, on_failure=None)).plan.rolls_back


def test_what_ends_by_itself_goes_with_it() -> None:
    brief = as_temporary(ONE, "8h")
    plan = run_plan(brief, on_failure="Rollback")
    known = [record("one", held=True, expires_at=at(480))]
    gone = look({"rollback/find/one": failed("NotFound"), "hold": Stored({})}, plan=plan, resources=known)
    assert [(each.held, each.ended_at) for each in gone.status.resources] == [(False, at(1))]
    assert proven(running(plan)).document is not None
