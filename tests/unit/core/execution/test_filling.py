"""What earlier entries give is read of the very object, put on record, tried, and used from then on, whatever happens."""

from typing import Any

import pytest
from tests.builders.models import (
    MAKER,
    RUN_UID,
    at,
    effects,
    failed,
    failure,
    live,
    manifest,
    planned,
    run,
    run_plan,
    running,
    stage,
)
from tests.support.certain import certain

from pratique.api.v1alpha1.action_run import Phase, RunPlan, RunResource
from pratique.api.v1alpha1.calling import HttpRequest, RunRequest
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import DryRun, DryRunResult, LateValue, PlannedRequest, as_late, as_temporary
from pratique.core.execution.adoption import is_made_by
from pratique.core.execution.dry_run import Trial, try_plan, with_results
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import Create, MergePatch, ObjectRef, Plan, Read, Stored
from pratique.core.runs.running import follow
from pratique.core.runs.snapshot import RunSnapshot

DEFERRED = DryRun(result=DryRunResult.DEFERRED, message="it reads what is not there yet")
PASSED = DryRun(result=DryRunResult.PASSED)
DB = planned("db", manifest("Database", "db", "platform.example.com/v1"), dry_run=PASSED)
HOST, PORT = "db.status.host", "db.status.port"
READ = Read("read/db", ObjectRef("platform.example.com/v1", "Database", "db", "team-a"), MAKER)
UNFINISHED = manifest(data={"host": "${resources.db.status.host}"})
FINISHED = manifest(data={"host": "10.0.0.7"})
NOTE = as_late(planned("note", UNFINISHED, dry_run=DEFERRED), [LateValue(at="/data/host", reads=[HOST])])
OTHER = as_late(
    planned("other", manifest(name="other", data={"port": ""}), dry_run=DEFERRED),
    [LateValue(at="/data/port", reads=[PORT], texts=["", ""])],
)
CALL = PlannedRequest(
    id="call",
    dry_run=PASSED,
    request=HttpRequest(url="https://ci.example.com/", answer={"number": "answer.body.id"}),
)
OF_CALL = as_late(planned("note", UNFINISHED, dry_run=DEFERRED), [LateValue(at="/data/host", reads=["call.number"])])
LEFT = {"late/note": Stored(FINISHED)}


def look(plan: RunPlan, outcomes: dict[str, Any] | None = None, **status: Any) -> Plan[Any]:
    subject = running(plan, **status)
    return follow(RunSnapshot(subject, outcomes=outcomes or {}), plan, subject.status, at(1))


def db(uid: str = "u1", **status: Any) -> Stored:
    return Stored(live(DB.manifest, uid, status=status))


def record(**changes: Any) -> RunResource:
    fields = {"id": "db", "api_version": "platform.example.com/v1", "kind": "Database", "namespace": "team-a"}
    return RunResource(**{**fields, "name": "db", "uid": "u1", "ready": True, **changes})


def after(outcomes: dict[str, Any] | None = None, *more: Any, **status: Any) -> Plan[Any]:
    """Look once the database is ready."""
    plan = run_plan(DB, NOTE, *more, **status.pop("gated", {}))
    return look(plan, outcomes, **{"resources": [record()], **status})


def test_it_is_read_and_on_record_before_anything_is_made_of_it() -> None:
    assert after().effects == (READ,)
    known = after({"read/db": db(host="10.0.0.7")})
    assert known.effects == () and known.status.late == {HOST: "10.0.0.7"}
    assert certain(known.wake_at) == at(1) and known.status.message == "ConfigMap team-a/made is made next"


def test_what_this_very_look_has_seen_needs_no_other_read() -> None:
    plan = run_plan(DB, NOTE)
    assert look(plan, {"create/db": db(host="10.0.0.7")}).status.late == {HOST: "10.0.0.7"}
    waits = [record(ready=False)]
    assert look(plan, {"read/db": db(host="10.0.0.7")}, resources=waits).status.late == {HOST: "10.0.0.7"}


def test_what_is_on_record_is_not_read_again() -> None:
    both = as_late(NOTE, [LateValue(at="/data/host", reads=[HOST, PORT], texts=["", ":", ""])])
    plan, kept = run_plan(DB, both), {"resources": [record()], "late": {HOST: "10.0.0.7"}}
    assert look(plan, {"read/db": db(host="x", port=1)}, **kept).status.late == {HOST: "10.0.0.7", PORT: 1}


def test_what_was_made_just_before_a_crash_gives_it_too() -> None:
    mine = live(DB.manifest, "u1", status={"host": "10.0.0.7"}, labels={"pratique.dev/run-uid": RUN_UID})
    assert look(run_plan(DB, NOTE), {"create/db": failed("AlreadyExists", found=mine)}).status.late == {
        HOST: "10.0.0.7"
    }


def test_then_it_is_tried_and_made_with_what_is_on_record_whatever_the_source_says_now() -> None:
    kept = {"late": {HOST: "10.0.0.7"}}
    assert after(**kept).effects == (Create("late/note", FINISHED, MAKER, dry_run=True),)
    assert after(LEFT, **kept).effects == (Create("create/note", FINISHED, MAKER),)
    made = after({**LEFT, "create/note": Stored(live(FINISHED, "u2")), "read/db": db(host="other")}, **kept)
    assert made.status.phase is Phase.SUCCEEDED and made.status.late == {HOST: "10.0.0.7"}
    assert made.status.message == "Done: Database team-a/db; ConfigMap team-a/made"


def test_after_a_crash_what_was_made_of_it_is_its_own_and_nothing_else_is() -> None:
    taken = failed("AlreadyExists", found=live(FINISHED, "u2", labels={"pratique.dev/run-uid": RUN_UID}))
    kept = {"late": {HOST: "10.0.0.7"}}
    assert after({**LEFT, "create/note": taken}, **kept).status.phase is Phase.SUCCEEDED
    unlike = failed(
        "AlreadyExists", found=live(manifest(data={"host": "x"}), "u2", labels={"pratique.dev/run-uid": RUN_UID})
    )
    assert after({**LEFT, "create/note": unlike}, **kept).status.phase is Phase.FAILED
    assert not is_made_by(run(), NOTE, live(UNFINISHED, "u2", labels={"pratique.dev/run-uid": RUN_UID}))


@pytest.mark.parametrize(
    ("seen", "phase", "message"),
    [
        (
            db(),
            Phase.RUNNING,
            "Waiting for Database team-a/db: ConfigMap team-a/made reads its status.host, which is not there yet",
        ),
        (
            db(host=""),
            Phase.RUNNING,
            "Waiting for Database team-a/db: ConfigMap team-a/made reads its status.host, which is not there yet",
        ),
        (
            db(host=["a"]),
            Phase.FAILED,
            "Database team-a/db: ConfigMap team-a/made reads its status.host, which is a list: a text, a number or a"
            " boolean can be read",
        ),
        (
            db(host="a" * 2000),
            Phase.FAILED,
            "Database team-a/db: ConfigMap team-a/made reads its status.host, which is longer than 1024 bytes",
        ),
        (db("u9", host="a"), Phase.FAILED, "Database team-a/db was deleted and made again by somebody else"),
        (failed("NotFound"), Phase.FAILED, "Database team-a/db was deleted, and what comes next reads it"),
        (
            failed("Timeout", "no answer", transient=True),
            Phase.RUNNING,
            "Database team-a/db could not be read (as ServiceAccount pratique-actions/maker): no answer; it is tried again,"
            " as this may pass",
        ),
        (
            failed("Invalid"),
            Phase.FAILED,
            "Database team-a/db could not be read (as ServiceAccount pratique-actions/maker): no",
        ),
    ],
)
def test_what_is_not_to_be_had_is_said_with_who_owes_it(seen: Any, phase: Phase, message: str) -> None:
    found = after({"read/db": seen})
    assert (found.status.phase, found.status.message, found.status.late) == (phase, message, None)


def test_a_right_to_read_may_be_on_its_way() -> None:
    no = 'databases is forbidden: User "x" cannot get resource "databases" in API group "" in the namespace "team-a"'
    found = after({"read/db": failure("Forbidden", no)}, gated={"gate": stage()})
    assert found.status.phase is Phase.RUNNING and certain(found.status.held_up).id == "note"


def test_its_time_is_that_of_the_run() -> None:
    plan = run_plan(DB, NOTE)
    subject = running(plan, resources=[record()])
    late = follow(RunSnapshot(subject, outcomes={"read/db": db()}), plan, subject.status, at(60))
    assert late.status.message.startswith("Not ready within 10m: Waiting for Database team-a/db: ConfigMap")


def test_nothing_after_it_is_made_before_though_nobody_waits_for_it() -> None:
    aside = amend(NOTE, wait=False)
    plan = run_plan(DB, aside, planned("last", dry_run=PASSED))
    waits = look(plan, {"read/db": db()}, resources=[record()])
    assert effects(waits) == [] and waits.status.phase is Phase.RUNNING


def test_all_that_can_be_known_is_tried_before_the_first_is_made() -> None:
    kept = {"late": {HOST: "10.0.0.7"}}
    assert after(None, OTHER, **kept).effects == (READ,)
    both = after({"read/db": db(port=5432)}, OTHER, **kept)
    assert [(each.key, each.manifest["data"]) for each in both.effects] == [  # type: ignore[attr-defined]
        ("late/note", {"host": "10.0.0.7"}),
        ("late/other", {"port": "5432"}),
    ]
    tried: dict[str, Any] = {"read/db": db(port=5432), "late/note": Stored(FINISHED)}
    refused = after({**tried, "late/other": failed("Invalid", "no such port")}, OTHER, **kept)
    assert (
        refused.status.phase is Phase.FAILED and "ConfigMap team-a/other could not be created" in refused.status.message
    )
    begun = after({**tried, "late/other": Stored(OTHER.manifest)}, OTHER, **kept)
    assert effects(begun) == ["create/note"]
    made = {**tried, "late/other": Stored(OTHER.manifest), "create/note": Stored(live(FINISHED, "u2"))}
    assert after(made, OTHER, **kept).status.late == {HOST: "10.0.0.7", PORT: 5432}


def test_what_is_not_there_yet_of_a_later_one_is_no_reason_to_wait() -> None:
    kept = {"late": {HOST: "10.0.0.7"}}
    assert effects(after({"read/db": db()}, OTHER, **kept)) == ["late/note", "late/other"]
    shown = {"read/db": db(), **LEFT, "late/other": failed("Invalid", "no such port")}
    assert effects(after(shown, OTHER, **kept)) == ["create/note"]
    of_note = as_late(OTHER, [LateValue(at="/data/port", reads=["note.data.host"])])
    assert effects(after(None, of_note, **kept)) == ["late/note", "late/other"]


def test_an_answer_is_there_or_never() -> None:
    plan = run_plan(CALL, OF_CALL)
    answered = RunRequest(id="call", done=True, code=200, answer={"number": 7})
    assert look(plan, requests=[answered]).status.late == {"call.number": 7}
    empty = look(plan, requests=[amend(answered, answer={})])
    assert empty.status.phase is Phase.FAILED
    assert empty.status.message == (
        "POST https://ci.example.com/: ConfigMap team-a/made reads its number, which is empty: it has answered, and will"
        " not again"
    )


def test_a_change_is_tried_and_made_with_it() -> None:
    change = amend(NOTE, patch=True, dry_run=amend(DEFERRED, target_uid="u5"))
    plan, kept = run_plan(DB, change), {"resources": [record()], "late": {HOST: "10.0.0.7"}}
    there = Stored(live(manifest(data={"host": "old"}), "u5"))
    after_it = Stored(live(FINISHED, "u5"))
    outcomes: dict[str, Any] = {"late/note/find": there, "late/note": after_it}
    (tries,) = look(plan, {"late/note/find": there}, **kept).effects
    assert isinstance(tries, MergePatch) and tries.patch["data"] == {"host": "10.0.0.7"} and tries.dry_run
    outcomes |= {"before/note/find": there, "before/note": after_it}
    (changes,) = look(plan, outcomes, **kept).effects
    assert isinstance(changes, MergePatch) and changes.patch["data"] == {"host": "10.0.0.7"} and not changes.dry_run
    done = look(plan, {**outcomes, "change/note": after_it}, **kept).status.message
    assert done.startswith("Done: Database team-a/db; Change ConfigMap team-a/made: ")
    assert done.endswith('data.host="${resources.db.status.host}"')
    other = {**outcomes, "before/note/find": Stored(live(manifest(data={"host": "old"}), "u6"))}
    assert look(plan, other, **kept).status.message == (
        "It would not do any more what was planned: ConfigMap team-a/made: was deleted and made again"
    )


def trial(planned_: Any, outcomes: dict[str, Any] | None = None, first: Any = DB) -> Trial:
    return try_plan(run(), run_plan(first, planned_), {"try/db": db(), "try/call": True, **(outcomes or {})}, "try")


BARE, OF_NOBODY = amend(NOTE, dry_run=None), amend(OF_CALL, dry_run=None)


@pytest.mark.parametrize(
    "shown", [Stored(UNFINISHED), failed("Invalid", "no such host"), failed("Forbidden", "not so")]
)
def test_before_it_is_known_nothing_is_said_of_it(shown: Any) -> None:
    assert effects(trial(BARE)) == ["try/note"]
    plan = with_results(run_plan(DB, BARE), trial(BARE, {"try/note": shown}))
    assert plan.objects[1].dry_run == DEFERRED
    assert plan.summary[1].endswith(" (not checked yet: it reads what is not there yet)")


def test_what_is_certain_before_is_said_before_anybody_is_asked() -> None:
    taken = trial(BARE, {"try/note": failed("AlreadyExists", found=live(FINISHED))})
    assert taken.problems == ["ConfigMap team-a/made exists and was not made by this run: choose another name"]
    no = 'configmaps is forbidden: User "x" cannot create resource "configmaps" in API group "" in the namespace "team-a"'
    assert certain(trial(OF_NOBODY, {"try/note": failure("Forbidden", no)}, CALL).failures)[0].cause is Cause.RIGHTS
    assert trial(BARE, {"try/note": failed("Timeout", transient=True)}).transient
    nowhere = trial(BARE, {"try/note": failure("NotFound", 'namespaces "team-a" not found')})
    ((_, _), (_, shown)) = nowhere.tried
    assert certain(shown.dry_run).message.endswith("may make its namespace first")


def test_whether_it_may_be_ended_is_asked_all_the_same() -> None:
    brief = as_late(as_temporary(amend(BARE, late=None), "8h"), [LateValue(at="/data/host", reads=[HOST])])
    assert effects(trial(brief, {"try/note": failed("Invalid")})) == ["try/note/end"]
    brief = amend(brief, late=OF_CALL.late)
    lacks = trial(brief, {"try/note": failed("Invalid"), "try/note/end": "the right to delete configmaps"}, CALL)
    (problem,) = lacks.problems
    assert problem.endswith("pratique-actions/maker lacks the right to delete configmaps")


def test_of_a_change_it_is_frozen_which_object_it_is() -> None:
    change = amend(BARE, patch=True)
    assert effects(trial(change)) == ["try/note/find"]
    ((_, _), (_, shown)) = trial(change, {"try/note/find": Stored(live(FINISHED, "u5"))}).tried
    assert shown.dry_run == amend(DEFERRED, target_uid="u5")
    (problem,) = trial(change, {"try/note/find": failed("Invalid", "odd")}).problems
    assert problem == "ConfigMap team-a/made could not be changed: odd"
