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

from pratique.api.v1alpha1.action_run import ActionRun, HeldUp, Phase, RunPlan
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.target import PlannedTarget, Recheck
from pratique.core.execution.targets import TARGET
from pratique.core.gates.free import EVALUATE
from pratique.core.gates.guarded import VERIFY
from pratique.core.kernel.effects import EvaluateRun, Evaluation, Failure, ObjectRef, Plan, Stored, TargetSeen, Verified
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
    assert effects(start(SEEN)) == ["recheck"]
    begun = start(SEEN | {"recheck": ()})
    assert (begun.status.phase, begun.effects, begun.wake_at) == (Phase.RUNNING, (), NOW), "on record before it acts"
    changed = start(SEEN | {"recheck": ("Only what is open",)})
    said = "It was approved for something else: ConfigMap team-a/it has changed: Only what is open"
    assert (changed.status.phase, changed.status.message) == (Phase.SUPERSEDED, said)
    unsure = start(SEEN | {"recheck": failed("EvaluationFailed", "no")})
    assert (unsure.status.phase, unsure.retry) == (Phase.WAITING_FOR_APPROVAL, True)


def test_a_target_that_is_gone_is_said_before_the_right_that_may_be_on_its_way() -> None:
    gone = {TARGET: TargetSeen(REF, may_get=True, found=failed("NotFound"))}
    lacks = failed("Forbidden", RIGHT.replace("get", "create"))
    status = start(gone | {"try/one": lacks}).status
    assert (status.phase, status.message.startswith("It was approved for something else: spec.targetRef")) == (
        Phase.SUPERSEDED,
        True,
    )


def going(minutes: float = 0, plan: RunPlan = FREE) -> ActionRun:
    """Return a free run that was made so long after NOW and is under way, as another process finds it."""
    meta = {"creation_timestamp": at(minutes)}
    return run(meta=meta, spec={"target_ref": {"name": "it"}}, phase=Phase.RUNNING, plan=plan, started_at=at(minutes))


def go_on(subject: ActionRun, outcomes: dict[str, Any]) -> Plan[Any]:
    return plan_action_run(RunSnapshot(subject, ACTS, outcomes=outcomes), at(2))


def test_a_free_run_under_way_is_proven_by_its_action_and_its_target() -> None:
    assert effects(go_on(going(), {})) == [TARGET]
    assert effects(go_on(going(), SEEN)) == [EVALUATE]
    assert effects(go_on(going(), SEEN | {EVALUATE: Evaluation(plan=FREE)})) == ["create/one"]
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
    guarded: dict[str, Verified | Failure] = {VERIFY: Verified(since=NOW)}
    assert effects(go_on(going(1), now | guarded)) == ["create/one"]
    for minutes, verified in ((0, Verified(since=NOW)), (0.1, Verified(since=NOW)), (1, Verified())):
        status = go_on(going(minutes), now | {VERIFY: verified}).status
        assert (status.phase, "It cannot be proven any more" in status.message) == (Phase.FAILED, True)
    lapsed = go_on(going(1), now | {VERIFY: Verified("a policy is gone", NOW)})
    assert (lapsed.status.phase, lapsed.retry, lapsed.effects) == (Phase.RUNNING, True, ())


def test_one_without_a_target_is_never_proven_by_the_guard() -> None:
    bare = going(1, run_plan(planned("one")))
    assert go_on(bare, SEEN | OTHER | {VERIFY: Verified(since=NOW)}).status.phase is Phase.FAILED
