"""How a granted run proceeds: exactly once, through crashes, namesakes, slow objects and refusals."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.builders.models import (
    MAKER,
    NOW,
    RUN_UID,
    at,
    effects,
    failed,
    failure,
    live,
    manifest,
    only,
    planned,
    proven,
    run,
    run_plan,
    running,
    stage,
)

from pratique.api.v1alpha1.action_run import Phase, RunPlan, RunResource
from pratique.api.v1alpha1.planned import DryRun, FieldChange, PlannedResource
from pratique.core.kernel.effects import (
    Create,
    EvaluateReady,
    Failure,
    Judged,
    MergePatch,
    ObjectRef,
    Plan,
    Read,
    Stored,
)
from pratique.core.kernel.explaining import Circumstances
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.running import follow
from pratique.core.runs.snapshot import RunSnapshot

LATER = at(1)
AGAIN = "; it is tried again, as this may pass"
NO_RIGHT = 'configmaps is forbidden: User "x" cannot create resource "configmaps" in API group ""'
JOB = manifest("Job", "migrate", "batch/v1")
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
BROKEN = {"conditions": [{"type": "Failed", "status": "True", "message": "exit 1"}]}
WAITS_FOR = planned("job", JOB)


def look(plan: RunPlan, outcomes: dict[str, Any] | None = None, now: datetime = LATER, **status: Any) -> Plan[Any]:
    """Look at a run of this plan; nothing explains its objects, unless the outcomes say so."""
    subject = running(plan, **status)
    nothing = {f"explain/{each.id}": Circumstances() for each in plan.objects}
    return follow(RunSnapshot(subject, outcomes=nothing | (outcomes or {})), plan, subject.status, now)


def made(each: PlannedResource, uid: str = "u1", **changes: Any) -> Stored:
    return Stored(live(each.manifest, uid, **changes))


def recorded(each: PlannedResource, **changes: Any) -> RunResource:
    body = each.manifest
    return RunResource(
        **{
            "id": each.id,
            "api_version": body["apiVersion"],
            "kind": body["kind"],
            "namespace": "team-a",
            "name": body["metadata"]["name"],
            "uid": "u1",
            **changes,
        }
    )


ONE, TWO = planned("one"), planned("two")


def test_one_object_after_the_other() -> None:
    plan = run_plan(ONE, TWO)
    assert look(plan).effects == (Create("create/one", ONE.manifest, MAKER),)
    outcomes = {"create/one": made(ONE)}
    assert look(plan, outcomes).effects == (Create("create/two", TWO.manifest, MAKER),)
    status = look(plan, outcomes | {"create/two": made(TWO, "u2")}).status
    assert status.phase is Phase.SUCCEEDED
    assert [(each.id, each.uid, each.ready) for each in status.resources] == [("one", "u1", True), ("two", "u2", True)]


def test_the_second_waits_for_the_first() -> None:
    plan = look(run_plan(WAITS_FOR, TWO), {"create/job": made(WAITS_FOR)})
    assert (plan.effects, plan.retry, plan.status.phase) == ((), False, Phase.RUNNING)
    assert plan.status.message == "Waiting for Job team-a/migrate: it has not started"
    assert [(each.id, each.ready, each.message) for each in plan.status.resources] == [
        ("job", False, "it has not started")
    ]


def test_the_second_does_not_wait_where_the_action_says_so_and_the_run_does() -> None:
    aside = planned("job", JOB, wait=False)
    plan = run_plan(aside, TWO, planned("three"))
    assert effects(look(plan, {"create/job": made(aside)})) == ["create/two"]
    others = {"create/two": made(TWO), "create/three": made(planned("three"))}
    waits = look(plan, {"create/job": made(aside), **others})
    assert (waits.status.phase, waits.effects) == (Phase.RUNNING, ())
    assert waits.status.message == "Waiting for Job team-a/migrate: it has not started"
    assert [(each.id, each.ready) for each in waits.status.resources] == [
        ("job", False),
        ("two", True),
        ("three", True),
    ]
    assert look(plan, {"create/job": made(aside, status=COMPLETE), **others}).status.phase is Phase.SUCCEEDED
    broken = look(plan, {"create/job": made(aside, status=BROKEN)})
    assert (broken.status.phase, broken.effects) == (Phase.FAILED, ()), "what failed is not gone on with"
    last = look(run_plan(TWO, aside), {"create/two": made(TWO), "create/job": made(aside)})
    assert last.status.phase is Phase.RUNNING


OURS, OTHERS = {"pratique.dev/run-uid": RUN_UID}, {"pratique.dev/run-uid": "another"}


@pytest.mark.parametrize(
    ("labels", "phase"),
    [(OURS, Phase.SUCCEEDED), (OTHERS, Phase.FAILED), ({}, Phase.FAILED), (None, Phase.FAILED)],
)
def test_a_taken_name_is_adopted_only_from_this_run(labels: dict[str, Any] | None, phase: Phase) -> None:
    """The run was killed between the creation and the write of its status, or the name is somebody else's."""
    exists = failed("AlreadyExists", found=live(ONE.manifest, labels=labels))
    plan = look(run_plan(ONE), {"create/one": exists})
    assert (plan.status.phase, plan.effects) == (phase, ())
    if phase is Phase.FAILED:
        assert "ConfigMap team-a/one exists and was not made by this run" in plan.status.message
        assert plan.status.resources == []


def test_a_planted_object_with_the_uid_of_the_run_is_not_adopted() -> None:
    """Who may create such objects can read the uid of a run that waits, and plant another object under it."""
    planted = live({**ONE.manifest, "data": {"role": "admin"}}, labels={"pratique.dev/run-uid": RUN_UID})
    intended = ONE.model_copy(update={"manifest": {**ONE.manifest, "data": {"role": "view"}}})
    status = look(run_plan(intended), {"create/one": failed("AlreadyExists", found=planted)}).status
    assert (status.phase, "was not made by this run" in status.message) == (Phase.FAILED, True)


def test_a_taken_name_that_cannot_be_read_is_not_adopted() -> None:
    status = look(run_plan(ONE), {"create/one": failed("AlreadyExists")}).status
    assert (status.phase, "was not made by this run" in status.message) == (Phase.FAILED, True)


@pytest.mark.parametrize("done", range(4))
def test_killed_after_any_effect_it_asks_for_the_same_again(done: int) -> None:
    """Outcomes die with the process. What was created comes back as AlreadyExists, and nothing gets another name."""
    plan, objects = run_plan(ONE, TWO, planned("three")), ["one", "two", "three"]
    server: dict[str, Stored] = {}
    outcomes: dict[str, object] = {}
    for step in range(20):
        if step == done:
            outcomes = {}
        step_plan = look(plan, outcomes)
        for effect in step_plan.effects:
            taken = server.get(effect.key)
            assert isinstance(effect, Create)
            server.setdefault(effect.key, Stored(live(effect.manifest, f"uid-of-{effect.key}")))
            outcomes[effect.key] = failed("AlreadyExists", found=taken.object) if taken else server[effect.key]
        if not step_plan.effects:
            break
    assert step_plan.status.phase is Phase.SUCCEEDED
    assert list(server) == [f"create/{each}" for each in objects]
    assert [each.uid for each in step_plan.status.resources] == [f"uid-of-create/{each}" for each in objects]


@pytest.mark.parametrize(
    ("why", "phase", "retry", "message"),
    [
        (
            Failure("Timeout", "slow", True),
            Phase.RUNNING,
            True,
            f"ConfigMap team-a/one could not be created: slow{AGAIN}",
        ),
        (Failure("Invalid", "bad"), Phase.FAILED, False, "ConfigMap team-a/one could not be created: bad"),
        (
            failure("Forbidden", NO_RIGHT),
            Phase.RUNNING,
            False,
            f"ConfigMap team-a/one could not be created (as ServiceAccount pratique-actions/maker): {NO_RIGHT}{AGAIN}",
        ),
    ],
)
def test_creation_fails(why: Failure, phase: Phase, retry: bool, message: str) -> None:
    plan = look(run_plan(ONE), {"create/one": why})
    assert (plan.status.phase, plan.retry, plan.status.message) == (phase, retry, message)
    assert plan.status.resources == []


def test_what_was_made_before_a_failure_is_recorded() -> None:
    status = look(run_plan(ONE, TWO), {"create/one": made(ONE), "create/two": failed("Invalid")}).status
    assert (status.phase, [each.id for each in status.resources]) == (Phase.FAILED, ["one"])


@pytest.mark.parametrize(
    ("elapsed", "pause"),
    [(0, 0.5), (4, 1), (40, 10), (240, 15), (595, 5)],
    ids=["at once", "a quarter of the time", "later", "at most", "not beyond the timeout"],
)
def test_looks_again_more_and_more_slowly(elapsed: int, pause: float) -> None:
    now = NOW + timedelta(seconds=elapsed)
    assert look(run_plan(WAITS_FOR), {"create/job": made(WAITS_FOR)}, now).wake_at == now + timedelta(seconds=pause)


def test_time_is_up() -> None:
    status = look(run_plan(WAITS_FOR), {"create/job": made(WAITS_FOR)}, at(10)).status
    assert (status.phase, status.finished_at) == (Phase.FAILED, at(10))
    assert status.message == "Not ready within 10m: Waiting for Job team-a/migrate: it has not started"
    slow = look(run_plan(ONE), {"create/one": failed("Timeout", "slow", transient=True)}, at(10))
    assert (slow.status.phase, slow.retry) == (Phase.FAILED, False)


def test_ready_in_the_look_at_the_timeout_is_done() -> None:
    assert look(run_plan(ONE), {"create/one": made(ONE)}, at(10)).status.phase is Phase.SUCCEEDED


def test_an_object_that_failed_fails_the_run() -> None:
    status = look(run_plan(WAITS_FOR, TWO), {"create/job": made(WAITS_FOR, status=BROKEN)}).status
    assert (status.phase, status.message) == (Phase.FAILED, "Job team-a/migrate failed: exit 1")
    assert [each.id for each in status.resources] == ["job"]


@pytest.mark.parametrize(
    ("outcome", "phase", "retry", "message"),
    [
        (made(WAITS_FOR, status=COMPLETE), Phase.SUCCEEDED, False, "Done: Job team-a/migrate"),
        (made(WAITS_FOR), Phase.RUNNING, False, "Waiting for Job team-a/migrate: it has not started"),
        (made(WAITS_FOR, "u2"), Phase.FAILED, False, "Job team-a/migrate was deleted and made again by somebody else"),
        (failed("NotFound"), Phase.FAILED, False, "Job team-a/migrate was deleted before it was ready"),
        (failed("Timeout", transient=True), Phase.RUNNING, True, f"Job team-a/migrate could not be read: no{AGAIN}"),
        (Stored({}), Phase.FAILED, False, "Job team-a/migrate was deleted and made again by somebody else"),
    ],
)
def test_looks_at_what_was_made_earlier(outcome: Failure | Stored, phase: Phase, retry: bool, message: str) -> None:
    plan = run_plan(WAITS_FOR)
    earlier = [recorded(WAITS_FOR)]
    read = only(look(plan, resources=earlier).effects)
    assert (read.key, str(read.ref), read.run_as) == ("read/job", "Job team-a/migrate", MAKER)
    seen = look(plan, {"read/job": outcome}, resources=earlier)
    assert (seen.status.phase, seen.retry, seen.status.message) == (phase, retry, message)
    assert [each.uid for each in seen.status.resources] == ["u1"]


def test_what_is_ready_is_not_looked_at_again() -> None:
    assert effects(look(run_plan(ONE, TWO), resources=[recorded(ONE, ready=True)])) == ["create/two"]


@pytest.mark.parametrize("changes", [{"plan": None}, {"started_at": None}])
def test_a_lost_plan_fails(changes: dict[str, Any]) -> None:
    subject = run(**{"phase": Phase.RUNNING, "plan": run_plan(), "started_at": NOW, **changes})
    plan = plan_action_run(proven(subject), NOW)
    assert (plan.status.phase, plan.effects) == (Phase.FAILED, ())
    assert plan.status.message.endswith("it is not known any more what was started; what was made stays")


@pytest.mark.parametrize(
    ("outcome", "phase", "message"),
    [
        (Judged(ready=True), Phase.SUCCEEDED, "Done: ConfigMap team-a/one"),
        (Judged(), Phase.RUNNING, "Waiting for ConfigMap team-a/one: its readyWhen is not true yet"),
        (
            Judged(missing="status.health"),
            Phase.RUNNING,
            "Waiting for ConfigMap team-a/one: its readyWhen reads status.health, which is not there yet",
        ),
        (Judged(failed=True), Phase.FAILED, "ConfigMap team-a/one failed: its failedWhen is true"),
        (
            failed("EvaluationFailed", "readyWhen: cannot convert string to int"),
            Phase.RUNNING,
            "Waiting for ConfigMap team-a/one: cannot say whether it is ready: readyWhen: cannot convert string to int",
        ),
    ],
)
def test_ready_when(outcome: Failure | Judged, phase: Phase, message: str) -> None:
    rule = planned("one", ready_when="self.data.ok == 'yes'")
    asked = look(run_plan(rule), {"create/one": made(rule)})
    assert asked.effects == (EvaluateReady("ready/one", live(rule.manifest), "self.data.ok == 'yes'"),)
    status = look(run_plan(rule), {"create/one": made(rule), "ready/one": outcome}).status
    assert (status.phase, status.message, status.resources[0].uid) == (phase, message, "u1")


CHANGE = planned("scale", manifest("Deployment", "web", "apps/v1", spec={"replicas": 3}), patch=True)
FOUND = {"before/scale/find": Stored(live(CHANGE.manifest, resourceVersion="7"))}
TRIED = FOUND | {"before/scale": made(CHANGE)}
REF = ObjectRef("apps/v1", "Deployment", "web", "team-a")
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def test_a_change_is_tried_and_then_made_in_the_very_version_that_was_tried() -> None:
    plan = run_plan(CHANGE.model_copy(update={"ready_when": "true"}))
    assert look(plan).effects == (Read("before/scale/find", REF, MAKER),)
    trial = MergePatch("before/scale", REF, "u1", CHANGE.manifest, MAKER, dry_run=True, by_entry=True)
    assert look(plan, FOUND).effects == (trial,)
    (change,) = look(plan, TRIED).effects
    assert change == replace(trial, key="change/scale", dry_run=False, resource_version="7")
    changed = {"change/scale": made(CHANGE), "ready/scale": Judged(ready=True)}
    status = look(plan, TRIED | changed).status
    assert status.phase is Phase.SUCCEEDED
    assert [(each.uid, each.held) for each in status.resources] == [("u1", False)]


@pytest.mark.parametrize(
    ("outcomes", "phase"),
    [
        ({"before/scale/find": failed("NotFound")}, Phase.FAILED),
        (FOUND | {"before/scale": failed("Invalid")}, Phase.FAILED),
        (FOUND | {"before/scale": failed("Conflict", MODIFIED)}, Phase.RUNNING),
        (TRIED | {"change/scale": failed("Conflict", MODIFIED)}, Phase.RUNNING),
        (TRIED | {"change/scale": failed("Timeout", transient=True)}, Phase.RUNNING),
    ],
)
def test_a_change_that_is_not_made(outcomes: dict[str, Any], phase: Phase) -> None:
    """An object that somebody changed at the same moment is looked at again, and tried again."""
    plan = look(run_plan(CHANGE), outcomes)
    assert (plan.status.phase, plan.retry) == (phase, phase is Phase.RUNNING)
    assert plan.status.message.startswith("Deployment team-a/web could not be changed: ")
    assert plan.status.message.endswith(AGAIN) is plan.retry


LATE = planned("late", dry_run=DryRun(result="Deferred", message="one makes its namespace first"))
LATER_STILL = planned("last", dry_run=DryRun(result="Deferred"))
DEPENDENT = run_plan(ONE, LATE, LATER_STILL)
FIRST = {"create/one": made(ONE)}


def test_what_was_deferred_is_tried_before_the_first_of_it_is_made() -> None:
    assert effects(look(DEPENDENT)) == ["create/one"]
    assert effects(look(DEPENDENT, FIRST)) == ["late/late", "late/last"]
    passed = FIRST | {"late/late": made(LATE), "late/last": made(LATER_STILL)}
    assert effects(look(DEPENDENT, passed)) == ["create/late"]
    again = look(DEPENDENT, passed | {"create/late": made(LATE)})
    assert effects(again) == ["create/last"]


@pytest.mark.parametrize(
    ("answer", "phase", "message", "retry"),
    [
        (failed("Invalid", "data: no"), Phase.FAILED, "ConfigMap team-a/last could not be created: data: no", False),
        (
            failed("Timeout", "slow", transient=True),
            Phase.RUNNING,
            "The dry run of what is left gave no answer: slow",
            True,
        ),
    ],
)
def test_what_was_deferred_and_is_refused_makes_none_of_the_rest(
    answer: Failure, phase: Phase, message: str, retry: bool
) -> None:
    plan = look(DEPENDENT, FIRST | {"late/late": made(LATE), "late/last": answer})
    assert (plan.status.phase, plan.status.message, plan.effects, plan.retry) == (phase, message, (), retry)
    assert [each.id for each in plan.status.resources] == ["one"]


BINDING = planned(
    "binding",
    manifest(
        "RoleBinding",
        "maker",
        "rbac.authorization.k8s.io/v1",
        subjects=[{"kind": "ServiceAccount", "namespace": "pratique-actions", "name": "maker"}],
    ),
)
GIVEN = {"create/binding": made(BINDING)}


@pytest.mark.parametrize(
    ("plan", "outcomes"),
    [
        (run_plan(BINDING, ONE), {"create/one": failed("Forbidden", NO_RIGHT)}),
        (run_plan(BINDING, LATE), {"late/late": failed("Forbidden", NO_RIGHT)}),
    ],
)
def test_a_right_that_an_earlier_object_gives_is_waited_for_and_not_for_ever(
    plan: RunPlan, outcomes: dict[str, Any]
) -> None:
    waits = look(plan, GIVEN | outcomes)
    assert (waits.status.phase, waits.effects, waits.wake_at) == (Phase.RUNNING, (), LATER + timedelta(seconds=1))
    assert NO_RIGHT in waits.status.message and waits.status.message.endswith(AGAIN)
    assert [each.id for each in waits.status.resources] == ["binding"]
    mark = {"held_up": waits.status.held_up, "resources": waits.status.resources}
    assert look(plan, GIVEN | outcomes, LATER + timedelta(seconds=59), **mark).status.phase is Phase.RUNNING
    failed_at_last = look(plan, GIVEN | outcomes, LATER + timedelta(seconds=60), **mark).status
    assert (failed_at_last.phase, failed_at_last.held_up) == (Phase.FAILED, None)
    assert NO_RIGHT in failed_at_last.message


def scaled(before: int, after: int = 3, uid: str = "u1") -> dict[str, object]:
    return {
        "before/scale/find": Stored(live({**CHANGE.manifest, "spec": {"replicas": before}}, uid)),
        "before/scale": Stored(live({**CHANGE.manifest, "spec": {"replicas": after}}, uid)),
    }


APPROVED = CHANGE.model_copy(
    update={
        "dry_run": DryRun(
            result="Passed",
            target_uid="u1",
            changes=[FieldChange(path="spec.replicas", before="1", after="3")],
            listing="ByEntry",
        )
    }
)
TWICE = planned("first", CHANGE.manifest, patch=True)


@pytest.mark.parametrize(
    ("plan", "outcomes", "why"),
    [
        (run_plan(APPROVED, gate=stage()), scaled(1), None),
        (run_plan(APPROVED, gate=stage()), scaled(3), None),
        (run_plan(APPROVED, gate=stage()), scaled(2), "spec.replicas was 1 → 3, is 2 → 3"),
        (run_plan(APPROVED, gate=stage()), scaled(1, 2), "spec.replicas was 1 → 3, is 1 → 2"),
        (run_plan(APPROVED), scaled(2), None),
        (run_plan(APPROVED), scaled(1, uid="namesake"), "was deleted and made again"),
        (run_plan(TWICE, APPROVED, gate=stage()), scaled(2), None),
    ],
)
def test_what_was_approved_is_done_to_the_object_that_was_meant_and_nothing_else(
    plan: RunPlan, outcomes: dict[str, Any], why: str | None
) -> None:
    """A free run decides by what is there when its turn comes; what the run itself did to the object is no news."""
    done = [RunResource(id="first", api_version="v1", kind="x", name="x", uid="u", ready=True)]
    found = look(plan, outcomes, resources=done)
    if why is None:
        assert effects(found) == ["change/scale"]
    else:
        assert (found.status.phase, found.effects) == (Phase.FAILED, ())
        assert why in found.status.message


CLAIM = planned("disk", manifest("PersistentVolumeClaim", "disk"))
VOLUMES = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "disk"}}]}
USER = planned("user", manifest("Pod", "user", spec=VOLUMES))
UNBOUND = "PersistentVolumeClaim team-a/disk: it is not bound to a volume"


def test_a_claim_is_awaited_once_its_consumer_is_made() -> None:
    """A class that waits for its first consumer binds the claim no sooner: waiting before would block both."""
    plan, claimed = run_plan(CLAIM, USER, ONE), {"create/disk": made(CLAIM)}
    assert effects(look(plan, claimed)) == ["create/user"]
    running_pod = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    seen = look(plan, claimed | {"create/user": made(USER, "u2", status=running_pod)})
    assert (seen.effects, seen.status.message) == ((), f"Waiting for {UNBOUND}")
    assert [(each.id, each.ready) for each in seen.status.resources] == [("disk", False), ("user", True)]
    without_more = look(run_plan(CLAIM, USER), claimed | {"create/user": made(USER, "u2", status=running_pod)})
    assert (without_more.effects, without_more.status.message) == ((), seen.status.message)
    bound = {"create/disk": made(CLAIM, status={"phase": "Bound"})}
    assert effects(look(plan, bound | {"create/user": made(USER, "u2", status=running_pod)})) == ["create/one"]


def test_what_waits_for_each_other_is_said_together() -> None:
    outcomes = {"create/disk": made(CLAIM), "create/user": made(USER, "u2")}
    both = f"Waiting for Pod team-a/user: it is not ready; Waiting for {UNBOUND}"
    assert look(run_plan(CLAIM, USER), outcomes).status.message == both
    status = look(run_plan(CLAIM, USER), outcomes, at(10)).status
    assert (status.phase, status.message) == (Phase.FAILED, f"Not ready within 10m: {both}")
    assert [each.id for each in status.resources] == ["disk", "user"]


def test_a_claim_that_is_lost_ends_the_run() -> None:
    status = look(run_plan(CLAIM, USER), {"create/disk": made(CLAIM, status={"phase": "Lost"})}).status
    assert (status.phase, status.message) == (
        Phase.FAILED,
        "PersistentVolumeClaim team-a/disk failed: its volume is lost",
    )


THING = planned("thing", manifest("Thing", "thing", "example.com/v1"))
SYNC_ERROR = {
    "health": {"status": "Degraded"},
    "sync": {"status": "OutOfSync"},
    "conditions": [{"type": "SyncError", "message": "no such image"}],
}


def test_a_kind_that_reports_is_not_ready_before_it_did() -> None:
    outcome = {"create/thing": Stored(live(THING.manifest), reports=True)}
    why = "Waiting for Thing team-a/thing: its controller has not reported yet"
    assert look(run_plan(THING, ONE), outcome).status.message == why
    remedy = 'if it never writes a status, set readyWhen: "true"'
    assert look(run_plan(THING, ONE), outcome, at(10)).status.message == f"Not ready within 10m: {why}; {remedy}"
    told = THING.model_copy(update={"ready_when": "true"})
    assert effects(look(run_plan(told), outcome)) == ["ready/thing"]
    assert look(run_plan(told), outcome | {"ready/thing": Judged(True)}).status.phase is Phase.SUCCEEDED


STALLED = {"conditions": [{"type": "Stalled", "status": "True", "message": "no such chart"}]}
NOT_SYNCED = {"conditions": [{"type": "Synced", "status": "False", "message": "storage too small"}]}


@pytest.mark.parametrize(
    ("rules", "status", "judged", "phase", "message"),
    [
        ({"ready_when": "true"}, STALLED, Judged(True), Phase.FAILED, "Thing team-a/thing failed: no such chart"),
        (
            {"ready_when": "r"},
            NOT_SYNCED,
            Judged(),
            Phase.RUNNING,
            "Waiting for Thing team-a/thing: its readyWhen is not true yet: storage too small",
        ),
        ({"ready_when": "r"}, NOT_SYNCED, Judged(True), Phase.SUCCEEDED, "Done: Thing team-a/thing"),
        (
            {"failed_when": "f"},
            NOT_SYNCED,
            Judged(failed=True),
            Phase.FAILED,
            "Thing team-a/thing failed: its failedWhen is true: storage too small",
        ),
        (
            {"failed_when": "f", "ready_when": "r"},
            {"phase": "Odd", "message": "out of paper"},
            Judged(failed=True),
            Phase.FAILED,
            "Thing team-a/thing failed: its failedWhen is true: out of paper",
        ),
        (
            {"failed_when": "f"},
            NOT_SYNCED,
            Judged(),
            Phase.RUNNING,
            "Waiting for Thing team-a/thing: storage too small",
        ),
        # what its kind calls a failure ends the waiting of a readyWhen, unless the Action says itself what a failure is
        ({"ready_when": "r"}, BROKEN, Judged(), Phase.FAILED, "Thing team-a/thing failed: exit 1"),
        (
            {"ready_when": "r", "failed_when": "f"},
            BROKEN,
            Judged(),
            Phase.RUNNING,
            "Waiting for Thing team-a/thing: its readyWhen is not true yet: exit 1",
        ),
    ],
)
def test_rules_of_the_action_and_words_of_the_controller(
    rules: dict[str, Any], status: dict[str, Any], judged: Judged, phase: Phase, message: str
) -> None:
    plan = run_plan(THING.model_copy(update=rules))
    seen = {"create/thing": Stored(live(THING.manifest, status=status), reports=True)}
    (asked,) = look(plan, seen).effects
    assert isinstance(asked, EvaluateReady)
    assert (asked.ready_when, asked.failed_when) == (rules.get("ready_when"), rules.get("failed_when"))
    ended = look(plan, seen | {"ready/thing": judged}).status
    assert (ended.phase, ended.message) == (phase, message)


@pytest.mark.parametrize(
    ("metadata", "status"),
    [({"deletionTimestamp": "2026-11-24T14:00:00Z"}, {}), ({"generation": 2}, {"observedGeneration": 1})],
)
def test_no_rule_is_asked_about_what_goes_or_is_old(metadata: dict[str, Any], status: dict[str, Any]) -> None:
    told = THING.model_copy(update={"ready_when": "true", "failed_when": "true"})
    seen = {"create/thing": Stored(live(THING.manifest, status=status, **metadata), reports=True)}
    plan = look(run_plan(told), seen)
    assert (plan.effects, plan.status.phase) == ((), Phase.RUNNING)


def test_a_sync_that_failed_is_said_at_once_also_with_a_rule() -> None:
    app = planned("app", manifest("Application", "app", "argoproj.io/v1alpha1"), ready_when="self.status.x == 1")
    seen = {"create/app": made(app, status=SYNC_ERROR), "ready/app": Judged(missing="status.x")}
    status = look(run_plan(app), seen).status
    words = "Application team-a/app failed: health Degraded, sync OutOfSync: no such image"
    assert (status.phase, status.message) == (Phase.FAILED, words)
