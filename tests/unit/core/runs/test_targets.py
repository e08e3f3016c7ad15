"""A request that acts on an object: what is in the way of it, when it is judged, when it starts, and after a restart."""

from typing import Any

import pytest
from tests.builders.models import (
    NOW,
    action,
    approval_of,
    at,
    effects,
    failed,
    live,
    manifest,
    only,
    planned,
    run,
    run_plan,
    stage,
    tried,
    waiting,
)

from pratique.api.v1alpha1.action import Conflict
from pratique.api.v1alpha1.action_run import ActionRun, HeldUp, Phase, RunPlan, RunResource
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.calling import HttpRequest, RunRequest
from pratique.api.v1alpha1.planned import DryRun, FieldChange, PlannedRequest
from pratique.api.v1alpha1.target import PlannedTarget, Recheck
from pratique.core.execution.targets import TARGET
from pratique.core.gates.free import EVALUATE
from pratique.core.gates.guarded import VERIFY
from pratique.core.kernel.effects import EvaluateRun, Evaluation, ObjectRef, Plan, Stored, TargetSeen, Verified
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.runs.start import READ_ACTION

ACTS = action(actsOn={"apiVersion": "v1", "kind": "ConfigMap"})
IT = live(manifest(name="it"), "t1")
REF = ObjectRef("v1", "ConfigMap", "it", "team-a")
SEEN = {TARGET: TargetSeen(REF, may_get=True, found=Stored(IT))}
WHICH = PlannedTarget(
    api_version="v1",
    kind="ConfigMap",
    namespace="team-a",
    name="it",
    uid="t1",
    rechecks=[Recheck(rule="true", message="no")],
)
FREE = run_plan(planned("one"), target=WHICH)
HELD = run_plan(planned("one"), target=WHICH, gate=stage())
RIGHT = 'configmaps "it" is forbidden: User "x" cannot get resource "configmaps" in API group ""'


def ask(outcomes: dict[str, Any], minutes: float = 0, *, dry: bool = False, **status: Any) -> Plan[Any]:
    asked = run(meta={"creation_timestamp": NOW}, spec={"target_ref": {"name": "it"}, "dry_run": dry or None}, **status)
    return plan_action_run(RunSnapshot(asked, ACTS, outcomes=outcomes), at(minutes))


@pytest.mark.parametrize("dry", [False, True])
def test_it_is_looked_at_before_it_is_judged_and_judged_with_it(dry: bool) -> None:
    assert effects(ask({}, dry=dry)) == [TARGET]
    evaluate = only(ask(SEEN, dry=dry).effects)
    assert isinstance(evaluate, EvaluateRun) and evaluate.target == IT
    judged = ask(SEEN | {EVALUATE: Evaluation(plan=FREE)} | tried(FREE), dry=dry)
    assert (judged.status.phase, judged.effects) == (Phase.SUCCEEDED if dry else Phase.RUNNING, ())


@pytest.mark.parametrize("dry", [False, True])
def test_what_may_not_be_seen_is_refused(dry: bool) -> None:
    hidden = {TARGET: TargetSeen(REF, may_get=False, found=Stored(IT))}
    status = ask(hidden, dry=dry).status
    assert (status.phase, "or you may not read it" in status.message) == (Phase.REFUSED, True)


@pytest.mark.parametrize("dry", [False, True])
def test_a_right_of_the_account_may_be_on_its_way_and_no_answer_is_asked_for_again(dry: bool) -> None:
    lacks = {TARGET: TargetSeen(REF, may_get=True, found=failed("Forbidden", RIGHT))}
    waits = ask(lacks, dry=dry)
    assert (waits.status.phase, waits.status.held_up) == (Phase.PENDING, HeldUp(id="", since=NOW))
    assert waits.status.message.endswith("; it is tried again, as this may pass") and waits.wake_at is not None
    late = ask(lacks, 1, dry=dry, held_up=HeldUp(id="", since=NOW))
    assert (late.status.phase, "could not be read (as ServiceAccount" in late.status.message) == (Phase.REFUSED, True)
    unknown = ask({TARGET: failed("Timeout", "slow", transient=True)}, dry=dry)
    assert (unknown.status.phase, unknown.retry) == (Phase.PENDING, True)
    assert unknown.status.message == "The object that it acts on could not be looked at: slow"


def start(outcomes: dict[str, Any], plan: RunPlan = HELD) -> Plan[Any]:
    held = waiting(plan)
    granted = approval_of(held, ApprovalState.APPROVED)
    known = {VERIFY: Verified(), READ_ACTION: Stored(ACTS.to_wire()), **tried(plan)}
    return plan_action_run(RunSnapshot(held, approvals=(granted,), outcomes=known | outcomes), NOW)


def test_a_granted_run_starts_only_on_what_it_was_granted_for() -> None:
    assert effects(start({})) == [TARGET]
    assert effects(start(SEEN)) == ["target/recheck"]
    begun = start(SEEN | {"target/recheck": ()})
    assert (begun.status.phase, begun.effects, begun.wake_at) == (Phase.RUNNING, (), NOW), "on record before it acts"
    changed = start(SEEN | {"target/recheck": ("Only what is open",)})
    said = "It was approved for something else: ConfigMap team-a/it has changed: Only what is open"
    assert (changed.status.phase, changed.status.message) == (Phase.SUPERSEDED, said)
    unsure = start(SEEN | {"target/recheck": failed("EvaluationFailed", "no")})
    assert (unsure.status.phase, unsure.retry) == (Phase.WAITING_FOR_APPROVAL, True)


def test_a_granted_run_takes_by_force_from_nobody_but_whom_approvers_read_of() -> None:
    body = manifest(name="one", data={"a": "2"})
    shown = [FieldChange(path="data.a", before='"1"', after='"2"')]
    tried_then = DryRun(result="Passed", target_uid="o1", changes=shown, listing="ByEntry", forced=[])
    plan = run_plan(planned("one", body, patch=True, conflict=Conflict.FORCE, dry_run=tried_then), gate=stage())
    owner = {"manager": "flux", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}}
    for entries, phase in (([], Phase.RUNNING), ([owner], Phase.SUPERSEDED)):
        there = live(manifest(name="one", data={"a": "1"}), "o1", managedFields=entries)
        known = {
            "try/one/find": Stored(there),
            "try/one": Stored(live(body, "o1")),
        }
        status = start(known, plan).status
        assert (status.phase, "ConfigMap team-a/one: by force: data.a belongs to flux" in status.message) == (
            phase,
            bool(entries),
        )


def test_who_asks_nobody_knows_is_said_before_a_right_is_asked_for_nobody() -> None:
    asked = run(meta={"creation_timestamp": NOW}, spec={"target_ref": {"name": "it"}, "requested_by": None})
    assert effects(plan_action_run(RunSnapshot(asked, ACTS), NOW)) == [EVALUATE]


def test_a_target_that_is_gone_is_said_before_the_right_that_may_be_on_its_way() -> None:
    gone = {TARGET: TargetSeen(REF, may_get=True, found=failed("NotFound"))}
    lacks = failed("Forbidden", RIGHT.replace("get", "create"))
    status = start(gone | {"try/one": lacks}).status
    assert (status.phase, status.message.startswith("It was approved for something else: spec.targetRef")) == (
        Phase.SUPERSEDED,
        True,
    )


def under_way(outcomes: dict[str, Any], minutes: float, plan: RunPlan = HELD, **status: Any) -> Plan[Any]:
    """Look so long after NOW at a granted run that was started then: that is on record, and nothing else."""
    held = waiting(plan)
    granted = approval_of(held, ApprovalState.APPROVED)
    status = {"phase": Phase.RUNNING, "started_at": NOW, **status}
    begun = held.model_copy(update={"status": held.status.model_copy(update=status)})
    return plan_action_run(
        RunSnapshot(begun, approvals=(granted,), outcomes={VERIFY: Verified()} | outcomes), at(minutes)
    )


def test_one_that_was_started_and_made_nothing_is_held_to_its_target_and_its_time_before_it_does() -> None:
    """The operator may be away for days between the record and the first effect."""
    assert effects(under_way({}, 1)) == ["outset/find/one"]
    assert effects(under_way(UNMADE, 1)) == ["outset"], "read again, and the right to get it asked for"
    assert effects(under_way(UNMADE | {"outset": SEEN[TARGET]}, 1)) == ["outset/recheck"]
    assert effects(under_way(UNMADE | AGAIN, 1)) == ["create/one"]
    other = UNMADE | {"outset": TargetSeen(REF, may_get=False, found=Stored(IT))}
    for outcomes, why in (
        (UNMADE | AGAIN | {"outset/recheck": ("no",)}, "ConfigMap team-a/it has changed: no"),
        (other, "spec.targetRef: there is no ConfigMap team-a/it, or you may not read it"),
    ):
        ended = under_way(outcomes, 1)
        assert (ended.status.phase, ended.effects) == (Phase.FAILED, ())
        assert ended.status.message.startswith(f"It would not do any more what was planned: {why}")
    late = under_way(UNMADE, 3 * 24 * 60)
    said = "Not begun within 10m of its start, and nothing was made: ask again"
    assert (late.status.phase, late.status.message, late.effects) == (Phase.FAILED, said, ())
    unsure = under_way(UNMADE | AGAIN | {"outset/recheck": failed("EvaluationFailed", "no")}, 1)
    assert (unsure.status.phase, unsure.retry) == (Phase.RUNNING, True)


def test_what_it_made_just_before_a_crash_does_not_count_against_it() -> None:
    made: dict[str, Any] = {"outset/find/one": Stored(MADE)}
    assert effects(under_way(made, 3 * 24 * 60)) == ["create/one"], "which finds it, and adopts it"
    in_this_look: dict[str, Any] = UNMADE | {"create/one": Stored(MADE)}
    assert under_way(in_this_look, 3 * 24 * 60).status.phase is Phase.SUCCEEDED
    recorded = RunResource(id="one", api_version="v1", kind="ConfigMap", namespace="team-a", name="one", uid="o1")
    assert effects(under_way({}, 3 * 24 * 60, resources=[recorded])) == ["read/one"]
    theirs: dict[str, Any] = {
        "outset/find/one": Stored(live(manifest(name="one", data={"a": "b"}), "x") | {"metadata": {}})
    }
    assert effects(under_way(theirs, 1)) == ["outset"]


def test_one_without_a_target_costs_nothing_in_time_and_does_not_begin_after_it() -> None:
    plan = run_plan(planned("one"), gate=stage())
    assert effects(under_way({}, 1, plan)) == ["create/one"]
    assert effects(under_way({}, 11, plan)) == ["outset/find/one"]
    late = under_way(UNMADE, 11, plan)
    said = "Not begun within 10m of its start, and nothing was made: ask again"
    assert (late.status.phase, late.status.message, late.effects) == (Phase.FAILED, said, ())
    assert effects(under_way({"outset/find/one": Stored(MADE)}, 11, plan)) == ["create/one"], "which adopts it"
    call = PlannedRequest(id="told", request=HttpRequest(url="https://api.example.com/v1/runs"))
    assert under_way({}, 11, run_plan(call, gate=stage())).status.message == said
    lacking = {"message": "ConfigMap team-a/one could not be created: quota", "held_up": HeldUp(id="one", since=NOW)}
    why = "Not begun within 10m of its start, and nothing was made (ConfigMap team-a/one could not be created: quota)"
    assert under_way(UNMADE, 11, plan, **lacking).status.message.startswith(why)
    short = run_plan(planned("one"), gate=stage(), timeout="0s")
    assert effects(under_way({}, 0.5, short)) == ["create/one"], "the operator may be killed on the way there"
    assert effects(under_way({}, 1, short)) == ["outset/find/one"]


def test_what_could_not_be_looked_for_is_said() -> None:
    away: dict[str, Any] = {"outset/find/one": failed("Timeout", "slow", transient=True)}
    waits = under_way(away, 1)
    assert (waits.status.phase, waits.retry) == (Phase.RUNNING, True)
    assert waits.status.message == "ConfigMap team-a/one could not be looked for: slow"
    over = under_way(away, 11).status
    assert (over.phase, over.message) == (Phase.FAILED, f"Not ready within 10m: {waits.status.message}")
    blind: dict[str, Any] = {"outset/find/one": failed("Forbidden", "no")}
    assert effects(under_way(blind, 1)) == ["outset"]
    unsure = "nothing is on record as made (ConfigMap team-a/one could not be looked for: no)"
    assert under_way(blind, 11).status.message == f"Not begun within 10m of its start, and {unsure}: ask again"


def test_a_call_is_on_record_before_it_is_made_so_there_is_nothing_to_look_for() -> None:
    call = PlannedRequest(id="told", request=HttpRequest(url="https://api.example.com/v1/runs"))
    plan = run_plan(call, target=WHICH, gate=stage())
    assert effects(under_way({}, 1, plan)) == ["outset"]
    assert effects(under_way(AGAIN, 1, plan)) == ["reserve/told"]
    assert under_way({}, 11, plan).status.phase is Phase.FAILED
    assert effects(under_way({}, 1, plan, requests=[RunRequest(id="told", ticket="t")])) == ["confirm"]


def test_a_change_that_is_made_already_is_gone_on_with_and_one_that_is_not_is_looked_at_again() -> None:
    body = manifest(name="one", data={"a": "2"})
    plan = run_plan(planned("one", body, patch=True), target=WHICH, gate=stage())
    before, after = live(manifest(name="one", data={"a": "1"}), "o1"), live(body, "o1")
    assert effects(under_way({}, 1, plan)) == ["before/one/find"]
    done: dict[str, Any] = {"before/one/find": Stored(after), "before/one": Stored(after)}
    assert effects(under_way(done, 3 * 24 * 60, plan)) == ["change/one"], "which changes nothing, and is recorded"
    undone: dict[str, Any] = {"before/one/find": Stored(before), "before/one": Stored(after)}
    assert effects(under_way(undone, 1, plan)) == ["outset"]
    assert effects(under_way(undone | AGAIN, 1, plan)) == ["change/one"]
    assert under_way(undone, 11, plan).status.message.startswith(
        "Not begun within 10m of its start, and nothing was made"
    )
    assert under_way({"before/one/find": failed("NotFound")}, 1, plan).effects == ()


def going(minutes: float = 0, plan: RunPlan = FREE) -> ActionRun:
    """Return a free run that was made so long after NOW and is under way, as another process finds it."""
    meta = {"creation_timestamp": at(minutes)}
    return run(meta=meta, spec={"target_ref": {"name": "it"}}, phase=Phase.RUNNING, plan=plan, started_at=at(minutes))


MADE = live(manifest(name="one"), "o1")
UNMADE = {"outset/find/one": failed("NotFound")}
AGAIN = {"outset": SEEN[TARGET], "outset/recheck": ()}


def go_on(subject: ActionRun, outcomes: dict[str, Any], minutes: float = 2) -> Plan[Any]:
    return plan_action_run(RunSnapshot(subject, ACTS, outcomes=outcomes), at(minutes))


def test_a_free_run_under_way_is_proven_by_its_action_and_its_target() -> None:
    assert effects(go_on(going(), {})) == [TARGET]
    assert effects(go_on(going(), SEEN)) == [EVALUATE]
    known: dict[str, Any] = SEEN | UNMADE | {EVALUATE: Evaluation(plan=FREE)}
    assert effects(go_on(going(), known)) == ["outset"]
    assert effects(go_on(going(), known | AGAIN)) == ["create/one"]
    unsure = go_on(going(), {TARGET: failed("Timeout", "slow", transient=True)})
    assert (unsure.status.phase, unsure.status.message) == (
        Phase.RUNNING,
        "It is looked at again whether this may go on: slow",
    )


OTHER = {EVALUATE: Evaluation(refusals=("its filter is false",))}
GONE = {TARGET: TargetSeen(REF, may_get=True, found=failed("NotFound"))}


@pytest.mark.parametrize("now", [SEEN | OTHER, GONE], ids=["changed", "gone"])
def test_one_that_has_changed_its_target_is_proven_by_the_guard(now: dict[str, Any]) -> None:
    """Its status was written under guard, if the record of the guard is older than the run."""
    assert effects(go_on(going(1), now)) == [VERIFY]
    guarded: dict[str, Any] = {VERIFY: Verified(since=NOW)}
    made = guarded | {"outset/find/one": Stored(MADE)}
    assert effects(go_on(going(1), now | made)) == ["create/one"], "made before a crash: it is adopted"
    assert effects(go_on(going(1), now | guarded | UNMADE | AGAIN)) == ["create/one"]
    for minutes, verified in ((0, Verified(since=NOW)), (0.1, Verified(since=NOW)), (1, Verified())):
        status = go_on(going(minutes), now | {VERIFY: verified}).status
        assert (status.phase, "It cannot be proven any more" in status.message) == (Phase.FAILED, True)
    lapsed = go_on(going(1), now | {VERIFY: Verified("a policy is gone", NOW)})
    assert (lapsed.status.phase, lapsed.retry, lapsed.effects) == (Phase.RUNNING, True, ())


def test_one_without_a_target_is_never_proven_by_the_guard() -> None:
    bare = going(1, run_plan(planned("one")))
    assert go_on(bare, SEEN | OTHER | {VERIFY: Verified(since=NOW)}).status.phase is Phase.FAILED
