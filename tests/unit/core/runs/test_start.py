"""Whether a granted run may start, and whether one that is under way was ever allowed: every reason, and its twin."""

from datetime import datetime
from typing import Any

import pytest
from tests.builders.models import (
    NOW,
    RUN_UID,
    action,
    approval_of,
    at,
    counted,
    effects,
    failed,
    gate,
    gates,
    live,
    manifest,
    planned,
    proven,
    run_plan,
    running,
    stage,
    waiting,
)

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, HeldUp, Phase, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalPlan, ApprovalState, ApprovalStatus
from pratique.api.v1alpha1.deleting import ObjectToDelete
from pratique.api.v1alpha1.options import ChosenObject, Options, PlannedChoice, PlannedChoices
from pratique.api.v1alpha1.planned import DryRun, FieldChange, PlannedDeletion
from pratique.core.execution.dry_run import without_results
from pratique.core.gates.free import EVALUATE
from pratique.core.gates.granted import READ_GATE
from pratique.core.gates.guarded import VERIFY
from pratique.core.kernel.effects import Evaluation, Failure, Listing, Plan, Stored, Verified
from pratique.core.plans.document import document
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.runs.start import READ_ACTION

APPROVED = ApprovalState.APPROVED
GUARDED = {VERIFY: Verified()}
DEPLOYMENT = manifest("Deployment", "web", "apps/v1", spec={"replicas": 10})


ACTION = action()


def change(before: str, after: str = "10", path: str = "spec.replicas") -> FieldChange:
    return FieldChange(path=path, before=before, after=after)


def scale(*changes: FieldChange, uid: str = "d1") -> DryRun:
    return DryRun(result="Passed", target_uid=uid, changes=list(changes), listing="ByEntry")


SCALED = run_plan(planned("web", DEPLOYMENT, patch=True, dry_run=scale(change("3"))), gate=stage())
MADE = run_plan(planned("one", dry_run=DryRun(result="Passed")), gate=stage())
DEFERRED = run_plan(
    planned("one", dry_run=DryRun(result="Deferred", message="Environment x makes its namespace first")), gate=stage()
)


def shows(replicas: object, uid: str = "d1") -> dict[str, object]:
    found = live({**DEPLOYMENT, "spec": {"replicas": replicas}}, uid)
    return {"try/web/find": Stored(found), "try/web": Stored(live(DEPLOYMENT, uid))}


def start(
    plan: RunPlan = MADE,
    outcomes: dict[str, Any] | None = None,
    now: datetime = NOW,
    approval: Approval | None = None,
    found: Action | Failure = ACTION,
    held_up: HeldUp | None = None,
    **status: Any,
) -> Plan[Any]:
    """Look at a run that was granted a minute after NOW; `found` is the Action that is there then."""
    held = waiting(plan)
    held = held.model_copy(update={"status": held.status.model_copy(update={"held_up": held_up})})
    granted = approval or approval_of(held, APPROVED, **status)
    tried: dict[str, Any] = {"try/one": Stored(live(manifest(name="one")))} if outcomes is None else outcomes
    known: dict[str, Any] = {READ_ACTION: found if isinstance(found, Failure) else Stored(found.to_wire())}
    return plan_action_run(RunSnapshot(held, approvals=(granted,), outcomes=GUARDED | tried | known), now)


def superseded(plan: Plan[ActionRunStatus]) -> str:
    assert (plan.status.phase, plan.effects) == (Phase.SUPERSEDED, ())
    return plan.status.message


def test_what_shows_the_same_as_before_starts() -> None:
    held = waiting(MADE)
    asked = plan_action_run(RunSnapshot(held, approvals=(approval_of(held, APPROVED),), outcomes=GUARDED), NOW)
    assert effects(asked) == ["try/one", READ_ACTION]
    assert effects(start(outcomes={})) == ["try/one"]
    assert effects(start()) == ["create/one"]
    assert effects(start(SCALED, shows(3))) == ["before/web/find"]
    deferred = {"try/one": failed("NotFound")}
    assert "the dry run is refused now" in superseded(start(DEFERRED, deferred))
    assert effects(start(DEFERRED)) == ["late/one"]


def test_a_right_that_may_be_on_its_way_does_not_undo_an_approval() -> None:
    right = 'configmaps is forbidden: User "x" cannot create resource "configmaps" in API group ""'
    known = {"try/one": failed("Forbidden", right)}
    waits = start(outcomes=known)
    assert (waits.status.phase, waits.effects) == (Phase.WAITING_FOR_APPROVAL, ())
    assert "It cannot start yet, which may pass: ConfigMap team-a/one could not be created: " in waits.status.message
    long_ago = HeldUp(id="", since=at(-1))
    assert "the dry run is refused now" in superseded(start(outcomes=known, held_up=long_ago))


def test_what_is_so_already_starts_too() -> None:
    """Somebody was faster, or the operator was killed after it had changed the object."""
    assert effects(start(SCALED, shows(10))) == ["before/web/find"]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (failed("NotFound"), "The Action create-environment was deleted while the request waited"),
        (action(uid="act-2"), "The Action create-environment was deleted and made again while"),
        (action(suspend=True), "The Action create-environment is suspended: ask again"),
    ],
)
def test_superseded_by_its_action(found: Action | Failure, message: str) -> None:
    assert superseded(start(found=found)).startswith(message)


def test_an_edited_action_changes_nothing_for_it() -> None:
    edited = action(title="Another")
    edited = edited.model_copy(update={"metadata": edited.metadata.model_copy(update={"generation": 7})})
    assert effects(start(found=edited)) == ["create/one"]


def test_an_approval_is_used_in_time_or_not_at_all() -> None:
    plan = run_plan(*MADE.objects, gate=stage(), start_deadline="10m")
    assert effects(start(plan, now=at(10.9))) == ["create/one"]
    message = superseded(start(plan, now=at(11)))
    assert message == "It was approved, and not started within 10m, before 2026-11-24 12:11 UTC: ask again"


@pytest.mark.parametrize(
    ("plan", "outcomes", "message"),
    [
        (
            SCALED,
            shows(5),
            "Deployment team-a/web: spec.replicas was 3 → 10, is 5 → 10",
        ),
        (SCALED, shows(3, "d2"), "Deployment team-a/web: was deleted and made again"),
        (
            SCALED,
            {"try/web/find": failed("NotFound", "no web")},
            "Deployment team-a/web: the dry run is refused now: no web",
        ),
        (
            MADE,
            {"try/one": failed("Forbidden", "no rights")},
            "ConfigMap team-a/one: the dry run is refused now: no rights",
        ),
        (
            MADE,
            {"try/one": Stored(live({**manifest(name="one"), "metadata": {"name": "one", "labels": {}}}))},
            'metadata.labels.pratique.dev/run-uid would change: "7d9f3a60-0000-4000-8000-000000000001" → null',
        ),
        (
            MADE,
            {"try/one": failed("BadRequest", "webhook does not support dry run")},
            "could be tried then, and cannot now: an admission webhook",
        ),
    ],
)
def test_superseded_by_what_the_dry_run_shows_now(plan: RunPlan, outcomes: dict[str, Any], message: str) -> None:
    said = superseded(start(plan, outcomes))
    assert said.startswith("It would not do any more what was approved: ")
    assert message in said


def test_what_should_go_and_is_gone_before_the_start_is_told() -> None:
    goes = ObjectToDelete(api_version="v1", kind="ConfigMap", namespace="team-a", name="it")
    passed = DryRun(result="Passed", target_uid="u1")
    plan = run_plan(PlannedDeletion(id="old", delete=goes, dry_run=passed), gate=stage())
    said = superseded(start(plan, {"try/old/find": failed("NotFound", 'configmaps "it" not found')}))
    assert said.endswith("ConfigMap team-a/it: is gone already: there is nothing left to delete")


def test_a_change_that_is_gone_is_told_too() -> None:
    mirrored = planned(
        "one", dry_run=DryRun(result="Passed", changes=[change('"a"', '"b"', "data.x")], listing="ByEntry")
    )
    said = superseded(start(run_plan(mirrored, gate=stage())))
    assert 'data.x would not change any more: "a" → "b"' in said


def test_of_many_differences_three_are_told() -> None:
    many = [planned(f"r{n}", dry_run=DryRun(result="Passed")) for n in range(5)]
    said = superseded(start(run_plan(*many, gate=stage()), {f"try/r{n}": failed("Forbidden", "no") for n in range(5)}))
    assert said.count("refused now") == 3
    assert said.endswith("; and 2 more")


SLOW = failed("Timeout", "slow", transient=True)


@pytest.mark.parametrize("answers", [{"outcomes": {"try/one": SLOW}}, {"found": SLOW}])
def test_no_answer_leaves_it_granted_and_asks_again(answers: dict[str, Any]) -> None:
    plan = start(**answers)
    assert (plan.status.phase, plan.retry) == (Phase.WAITING_FOR_APPROVAL, True)
    assert plan.status.message == "Approved by lead-1: no. It starts once the API server has answered: slow"


FROM = {"from": {"apiVersion": "v1", "kind": "ConfigMap"}}
CHOSEN = PlannedChoices(
    fields=[
        PlannedChoice(
            field="size",
            options=Options.model_validate(FROM),
            chosen=[ChosenObject(value="small", name="small", uid="u1")],
        )
    ]
)


def test_what_others_offer_besides_does_not_undo_an_approval() -> None:
    chose = run_plan(*MADE.objects, gate=stage(), choices=CHOSEN, start_deadline="10m")
    seen = {
        "try/one": Stored(live(manifest(name="one"))),
        "target/options/size": Listing("x", may_list=True, found=(), too_many="there are more than 500 objects"),
    }
    held = start(chose, seen)
    assert (held.status.phase, held.effects, held.retry) == (Phase.WAITING_FOR_APPROVAL, (), True)
    assert held.status.message == (
        "Approved by lead-1: no. It starts once what it rests on can be judged: spec.inputs.size: there are more than"
        " 500 objects; delete some of them, or take it back and ask again"
    )
    assert "not started within 10m" in superseded(start(chose, seen, now=at(11)))
    assert "is suspended" in superseded(start(chose, seen, found=action(suspend=True)))
    cut = seen | {
        "target/options/size": Listing("x", may_list=True, found=()),
        "target/recheck": failed("EvaluationFailed"),
    }
    assert start(chose, cut).status.message.endswith("It starts once what it rests on can be judged: no")
    assert "not started within 10m" in superseded(start(chose, cut, now=at(11)))


@pytest.mark.parametrize("found", [failed("NotFound"), action(suspend=True), SLOW])
def test_what_began_before_a_crash_goes_on(found: Action | Failure) -> None:
    """A run that made something cannot end as if nothing had been made."""
    exists = failed("AlreadyExists", found=live(manifest(name="one"), labels={"pratique.dev/run-uid": RUN_UID}))
    assert effects(start(outcomes={"try/one": exists}, now=at(9999), found=found)) == ["create/one"]


def test_a_gate_with_another_rule_grants_nothing() -> None:
    held = waiting(MADE)
    easy = approval_of(held, APPROVED)
    policy = easy.spec.policy.model_copy(update={"decline_threshold": 9})
    easy = easy.model_copy(update={"spec": easy.spec.model_copy(update={"policy": policy})})
    assert "The rule by which it was approved is not the one of its plan" in superseded(start(approval=easy))


@pytest.mark.parametrize("state", [APPROVED, ApprovalState.DECLINED, ApprovalState.EXPIRED, ApprovalState.WITHDRAWN])
def test_a_forged_state_of_the_gate_is_not_followed(state: ApprovalState) -> None:
    held = waiting(MADE)
    forged = approval_of(held).model_copy(update={"status": approval_of(held, state).status})
    plan = plan_action_run(RunSnapshot(held, action=action(), approvals=(forged,)), NOW)
    assert (plan.status.phase, plan.effects) == (Phase.WAITING_FOR_APPROVAL, ())


# ---- what is under way


def go_on(
    subject: ActionRun, outcomes: dict[str, Any] | None = None, approval: Approval | None = None, **known: Any
) -> Plan[Any]:
    known = {"action": action(), "approvals": gates(approval), **known}
    return plan_action_run(RunSnapshot(subject, **known, outcomes=GUARDED | (outcomes or {})), NOW)


def unproven(plan: Plan[ActionRunStatus]) -> str:
    assert (plan.status.phase, plan.effects) == (Phase.FAILED, ())
    assert plan.status.message.startswith("It cannot be proven any more that this may run: ")
    return plan.status.message


def granted(plan: RunPlan, **status: Any) -> Approval:
    return approval_of(waiting(plan), APPROVED, **status)


def test_a_gated_run_under_way_is_proven_by_the_decisions() -> None:
    assert effects(go_on(running(MADE), approval=granted(MADE))) == ["create/one"]
    assert effects(plan_action_run(proven(running(MADE)), NOW)) == ["create/one"]


@pytest.mark.parametrize(
    ("approval", "why"),
    [
        (None, "the Approval of ten-days is gone"),
        (approval_of(waiting(MADE)), "nobody has approved it"),
        (
            granted(MADE).model_copy(update={"status": ApprovalStatus(state=ApprovalState.SUPERSEDED)}),
            "the Approval of ten-days was superseded",
        ),
        (
            granted(MADE).model_copy(
                update={"spec": gate().model_copy(update={"plan": ApprovalPlan(digest="sha256:other")})}
            ),
            "the plan does not have the digest that was approved",
        ),
    ],
)
def test_a_forged_run_under_way_makes_nothing(approval: Approval | None, why: str) -> None:
    assert why in unproven(go_on(running(MADE), approval=approval))


def test_a_run_that_only_its_status_says_is_under_way_goes_on_only_under_guard() -> None:
    asked = plan_action_run(RunSnapshot(running(MADE), approvals=(granted(MADE),)), NOW)
    assert effects(asked) == [VERIFY]
    changed = go_on(running(MADE), {VERIFY: Verified("x is gone")}, approval=granted(MADE))
    assert (changed.status, changed.effects, changed.retry) == (running(MADE).status, (), True)


def test_another_plan_than_the_proven_one_is_proven_anew() -> None:
    forged = run_plan(planned("one", manifest("Secret", "one")), gate=stage())
    subject = running(forged)
    known: dict[str, Any] = {"approvals": (granted(MADE),), "proven": document(MADE).digest, "outcomes": GUARDED}
    snapshot = RunSnapshot(subject, action=action(), **known)
    assert "does not have the digest that was approved" in unproven(plan_action_run(snapshot, NOW))


def held_running(plan: RunPlan) -> ActionRun:
    """Return a run that was granted, as it is stored: what runs is in its Approval."""
    going = running(plan, approvals=waiting(plan).status.approvals)
    return going.model_copy(update={"status": going.status.model_copy(update={"document": None})})


def test_what_runs_under_a_gate_is_read_from_the_approval() -> None:
    assert effects(go_on(held_running(MADE), approval=granted(MADE))) == ["create/one"]
    known: dict[str, Any] = {"approvals": (granted(MADE),), "proven": document(MADE).digest}
    assert effects(plan_action_run(RunSnapshot(held_running(MADE), **known), NOW)) == ["create/one"]


@pytest.mark.parametrize(
    ("answer", "phase", "retry"),
    [
        (Stored(live(manifest("Approval"))), Phase.RUNNING, False),
        (failed("Timeout", transient=True), Phase.RUNNING, True),
        (failed("NotFound"), Phase.FAILED, False),
    ],
)
@pytest.mark.parametrize("head", [True, False])
def test_a_gate_that_is_late_in_the_cache_is_waited_for_and_one_that_is_deleted_is_not(
    answer: Failure | Stored, phase: Phase, retry: bool, head: bool
) -> None:
    going = held_running(MADE)
    if not head:
        going = going.model_copy(update={"status": going.status.model_copy(update={"plan": {"gate": "no gate"}})})
    asked = plan_action_run(RunSnapshot(going), NOW)
    assert effects(asked) == [READ_GATE]
    plan = plan_action_run(RunSnapshot(going, outcomes={READ_GATE: answer}), NOW)
    assert (plan.status.phase, plan.effects, plan.retry) == (phase, (), retry)
    if phase is Phase.FAILED:
        assert "was deleted, so it is not known any more what may run; what was made stays" in plan.status.message
        assert [each.channel for each in plan.status.notifications] == ["KubernetesEvents", *(["chat"] if head else [])]


def test_a_gate_without_its_document_proves_nothing() -> None:
    cut = granted(MADE)
    plan = cut.spec.planned.model_copy(update={"document": None})
    cut = cut.model_copy(update={"spec": cut.spec.model_copy(update={"plan": plan})})
    assert go_on(held_running(MADE), approval=cut).status.phase is Phase.FAILED


TWO = run_plan(planned("one", dry_run=DryRun(result="Passed")), planned("two"))
BARE = without_results(TWO)


def judged(plan: RunPlan | None = None, *refusals: Any) -> dict[str, Any]:
    return {EVALUATE: Evaluation(refusals, plan)}


def test_a_free_run_under_way_is_proven_by_its_action() -> None:
    assert effects(go_on(running(TWO))) == [EVALUATE]
    assert effects(go_on(running(TWO), judged(BARE))) == ["create/one"]


@pytest.mark.parametrize(
    ("outcomes", "known", "why"),
    [
        (judged(BARE), {"action": action(uid="act-2")}, "the Action create-environment changed since"),
        ({}, {"action": None}, "the Action create-environment changed since"),
        (judged(None, "no"), {}, "its Action refuses it"),
        (judged(run_plan(planned("other"))), {}, "its plan is not what its Action makes of it"),
        (judged(run_plan(*BARE.objects, gate=stage())), {}, "its plan is not what its Action makes of it"),
    ],
)
def test_a_forged_free_run_makes_nothing(outcomes: dict[str, Any], known: dict[str, Any], why: str) -> None:
    assert why in unproven(go_on(running(TWO), outcomes, **known))


def test_a_free_run_that_cannot_be_judged_now_waits() -> None:
    plan = go_on(running(TWO), {EVALUATE: failed("EvaluationFailed", "busy")})
    assert (plan.status.phase, plan.status.message) == (
        Phase.RUNNING,
        "It is looked at again whether this may go on: busy",
    )
    assert plan.wake_at is not None


def test_a_run_whose_plan_is_lost_fails() -> None:
    lost = running()
    lost = lost.model_copy(update={"status": lost.status.model_copy(update={"document": None})})
    assert go_on(lost).status.phase is Phase.FAILED


def test_the_decisive_decision_starts_the_time() -> None:
    two = run_plan(*MADE.objects, gate=stage(required=2), start_deadline="10m")
    both = [counted("l1"), counted("l2")]
    assert effects(start(two, now=at(10.9), decisions=both)) == ["create/one"]
