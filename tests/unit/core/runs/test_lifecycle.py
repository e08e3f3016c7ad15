"""What becomes of a run until it may start, and what each transition writes."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.builders.models import (
    DEADLINE,
    NOW,
    action,
    approval_of,
    at,
    counted,
    effects,
    failed,
    gates,
    live,
    manifest,
    only,
    planned,
    proven,
    run,
    run_plan,
    running,
    stage,
    tried,
    waiting,
)
from tests.support.certain import certain

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase, RunApproval, RunPlan, RunResource
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType, Notification
from pratique.api.v1alpha1.planned import DryRun
from pratique.api.v1alpha1.status import TimelineEntry
from pratique.core.execution.dry_run import without_results
from pratique.core.gates.entries import approval_name
from pratique.core.gates.free import EVALUATE
from pratique.core.gates.granted import OPEN_GATE, READ_GATE
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.opening import open_gate
from pratique.core.kernel.effects import Delivery, Evaluation, Failure, Plan, Stored, Verified
from pratique.core.plans.document import document, document_of, head_of
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.runs.start import READ_ACTION

FREE = run_plan()
EVALUATED = run_plan(gate=stage(message="Ten days is much"))
PASSED = DryRun(result="Passed")
HELD = run_plan(planned(dry_run=PASSED), gate=EVALUATED.gate)
"""As it is held: with what the dry run showed."""
MADE = {"create/made": Stored(live(manifest(name="made")))}
TRIED = tried(HELD)


def look(
    subject: ActionRun | None = None,
    outcomes: dict[str, Any] | None = None,
    now: datetime = NOW,
    approval: Approval | None = None,
    **known: Any,
) -> Plan[Any]:
    known = {"action": action(), "vouched": True, "approvals": gates(approval), **known}
    return plan_action_run(RunSnapshot(subject or run(), **known, outcomes=outcomes or {}), now)


def judged(plan: RunPlan | None = None, *refusals: str) -> dict[str, Any]:
    return {EVALUATE: Evaluation(refusals, plan)} | TRIED


def opened(**changed: Any) -> Stored:
    made = open_gate(run(), HELD, certain(HELD.gate), NOW)
    return Stored({**made, "spec": {**made["spec"], **changed}})


def conditions(status: ActionRunStatus) -> dict[str, tuple[str, str]]:
    return {each.type: (each.status.value, each.reason) for each in status.conditions}


def entries(status: ActionRunStatus) -> list[str]:
    return [entry.id for entry in status.notifications]


def test_first_the_action_is_evaluated() -> None:
    effect = only(look().effects)
    assert (effect.key, effect.action, effect.run) == (EVALUATE, action(), run())


@pytest.mark.parametrize(
    ("known", "outcomes", "message", "reason", "state", "retry"),
    [
        ({"action": None}, {}, "There is no Action named create-environment", "ActionNotFound", "Stalled", False),
        ({}, {EVALUATE: failed("EvaluationFailed", "spec.x: no")}, "spec.x: no", "EvaluationFailed", "Stalled", False),
        (
            {},
            judged(EVALUATED) | {OPEN_GATE: failed("Timeout", "slow", transient=True)},
            "The Approval could not be created: slow",
            "Retrying",
            "Reconciling",
            True,
        ),
        (
            {},
            judged(EVALUATED) | {OPEN_GATE: failed("Forbidden")},
            "The Approval could not be created",
            "Retrying",
            "Reconciling",
            True,
        ),
    ],
)
def test_what_cannot_be_judged_is_held(
    known: dict[str, Any], outcomes: dict[str, Any], message: str, reason: str, state: str, retry: bool
) -> None:
    plan = look(None, outcomes, **known)
    assert (plan.status.phase, plan.retry, plan.effects) == (Phase.PENDING, retry, ())
    assert plan.status.message.startswith(message)
    expected = {"Accepted": ("Unknown", reason), "Ready": ("False", reason), state: ("True", reason)}
    assert conditions(plan.status) == expected
    assert entries(plan.status) == []


@pytest.mark.parametrize(("age", "pause"), [(0, 0.5), (10, 10), (600, 60)])
def test_what_could_not_be_evaluated_is_tried_again_more_and_more_seldom(age: int, pause: float) -> None:
    held = run(meta={"creation_timestamp": NOW})
    assert look(held, {EVALUATE: failed("EvaluationFailed")}, at(age)).wake_at == at(age + pause)


def test_refused_says_every_reason() -> None:
    status = look(None, judged(None, "first", "second")).status
    assert (status.phase, status.message, status.finished_at) == (Phase.REFUSED, "first; second", NOW)
    no, refused = ("False", "Refused"), ("True", "Refused")
    assert conditions(status) == {"Accepted": no, "Decided": refused, "Approved": no, "Ready": no, "Stalled": refused}
    assert entries(status) == ["Refused/KubernetesEvents"]


def test_free_starts_and_ends_in_one_look() -> None:
    assert effects(look(None, judged(FREE))) == ["create/made"]
    status = look(None, judged(FREE) | MADE).status
    assert (status.phase, status.message, status.started_at) == (Phase.SUCCEEDED, "Done: ConfigMap team-a/made", NOW)
    yes = ("True", "NotNeeded")
    expected = {"Accepted": ("True", "Valid"), "Decided": yes, "Approved": yes, "Ready": ("True", "Succeeded")}
    assert conditions(status) == expected
    assert [line.event for line in status.timeline] == ["Running", "Succeeded"]
    assert entries(status) == ["Succeeded/KubernetesEvents", "Succeeded/chat"]


def test_held_opens_its_gate_first_and_then_waits() -> None:
    create = only(look(None, judged(EVALUATED)).effects)
    assert (create.key, create.manifest, create.run_as) == (OPEN_GATE, opened().object, None)
    status = look(None, judged(EVALUATED) | {OPEN_GATE: opened()}).status
    text = "Waiting for 1 of group platform-leads until 2026-11-24 14:00 UTC: Ten days is much"
    assert (status.phase, status.message, status.document) == (Phase.WAITING_FOR_APPROVAL, text, None)
    assert status.plan == head_of(document(HELD), HELD.summary)
    assert not {"inputs", "resources", "outputs"} & set(status.plan)
    assert [(gate.name, gate.state.value) for gate in status.approvals] == [("ten-days-platform-7d9f3a6000", "Pending")]
    no, reconciling = ("False", "WaitingForApproval"), ("True", "WaitingForApproval")
    expected = {"Decided": no, "Approved": no, "Ready": no, "Reconciling": reconciling, "Accepted": ("True", "Valid")}
    assert conditions(status) == expected
    assert entries(status) == ["ApprovalRequested/KubernetesEvents", "ApprovalRequested/chat"]


OTHERS = {"subject": {"kind": "ActionRun", "name": "ten-days", "uid": "another"}}
EASIER = {"approvers": {"users": ["mallory"]}, "deadline": "2026-11-24T14:00:00Z"}
LATER = {"approvers": {"groups": ["platform-leads"]}, "deadline": "2026-11-24T14:00:01Z"}
PLANTED = "The name ten-days-platform-7d9f3a6000 is taken by an Approval that this run did not open"


@pytest.mark.parametrize(
    ("changed", "phase", "message"),
    [
        (OTHERS, Phase.REFUSED, "The name ten-days-platform-7d9f3a6000 is taken by an Approval of another run"),
        ({"plan": {"digest": "sha256:1"}}, Phase.SUPERSEDED, "The Action, or what it would do, changed while its gate"),
        ({"policy": EASIER}, Phase.REFUSED, PLANTED),
        ({"policy": LATER}, Phase.REFUSED, PLANTED),
        ({"reason": "another"}, Phase.REFUSED, PLANTED),
        ({"requestedBy": {"username": "another@example.com"}}, Phase.REFUSED, PLANTED),
        ({"inputs": [{"name": "size", "title": "Size", "value": "small"}]}, Phase.REFUSED, PLANTED),
    ],
)
def test_a_gate_that_is_there_already_must_be_this_runs_own(
    changed: dict[str, Any], phase: Phase, message: str
) -> None:
    exists = failed("AlreadyExists", found=opened(**changed).object)
    status = look(None, judged(EVALUATED) | {OPEN_GATE: exists}).status
    assert (status.phase, status.message.startswith(message)) == (phase, True)


def test_a_gate_opened_before_a_crash_is_adopted_with_its_deadline() -> None:
    exists = failed("AlreadyExists", found=opened().object)
    status = look(None, judged(EVALUATED) | {OPEN_GATE: exists}, at(30)).status
    assert (status.phase, "until 2026-11-24 14:00 UTC" in status.message) == (Phase.WAITING_FOR_APPROVAL, True)


def test_a_gate_that_the_version_before_opened_shows_no_inputs_and_is_adopted() -> None:
    asked = judged(HELD.model_copy(update={"inputs": {"size": "large"}}))
    create = only(look(None, asked).effects)
    assert create.manifest["spec"]["inputs"] == [{"name": "size", "title": "size", "value": "large"}]
    before = {key: value for key, value in create.manifest["spec"].items() if key != "inputs"}
    exists = failed("AlreadyExists", found={**create.manifest, "spec": before})
    assert look(None, asked | {OPEN_GATE: exists}).status.phase is Phase.WAITING_FOR_APPROVAL


@pytest.mark.parametrize(
    ("state", "decisions", "phase", "message"),
    [
        (ApprovalState.DECLINED, [counted("l1", "Decline", "no")], Phase.DECLINED, "Declined by l1: no"),
        (ApprovalState.EXPIRED, [], Phase.EXPIRED, "Nobody decided before"),
        (ApprovalState.WITHDRAWN, [], Phase.WITHDRAWN, "The requester took it back"),
    ],
)
def test_follows_the_end_of_its_gate(state: ApprovalState, decisions: list[Any], phase: Phase, message: str) -> None:
    held = waiting(HELD, withdrawn=state is ApprovalState.WITHDRAWN)
    plan = look(held, approval=approval_of(held, state, decisions=decisions))
    assert (plan.status.phase, plan.effects, plan.status.finished_at) == (phase, (), NOW)
    assert plan.status.message.startswith(message)
    assert [gate.state for gate in plan.status.approvals] == [state]
    assert conditions(plan.status)["Approved"] == ("False", phase.value)
    assert entries(plan.status) == [f"{phase.value}/KubernetesEvents", f"{phase.value}/chat"]


def test_granted_starts_and_tells() -> None:
    held = waiting(HELD)
    granted = approval_of(held, ApprovalState.APPROVED, decisions=[counted("l1", comment="fine")])
    assert effects(look(held, approval=granted)) == ["try/made", READ_ACTION]
    checked = TRIED | {READ_ACTION: Stored(action().to_wire())}
    assert effects(look(held, checked, approval=granted)) == ["create/made"]
    status = look(held, checked | MADE, at(9), approval=granted).status
    assert (status.phase, status.started_at) == (Phase.SUCCEEDED, at(9))
    assert [line.message for line in status.timeline] == ["Approved by l1: fine", "Done: ConfigMap team-a/made"]
    assert conditions(status)["Approved"] == ("True", "Granted")
    assert entries(status)[:2] == ["Approved/KubernetesEvents", "Approved/chat"]


def test_a_forged_plan_does_not_run() -> None:
    """What runs is in the frozen spec of the Approval: what a status says of it is read by people alone."""
    held = waiting(HELD)
    granted = approval_of(held, ApprovalState.APPROVED)
    forged = HELD.model_copy(update={"resources": [planned(made=manifest("Secret"))]})
    assert look(waiting(forged), approval=granted).effects == look(held, approval=granted).effects
    text = document(forged).text
    other = granted.spec.planned.model_copy(update={"document": text})
    plan = look(held, approval=granted.model_copy(update={"spec": granted.spec.model_copy(update={"plan": other})}))
    assert (plan.status.phase, plan.effects) == (Phase.SUPERSEDED, ())
    assert plan.status.message.startswith("What was approved is not what would run")


def without_document(gate: Approval) -> Approval:
    plan = gate.spec.planned.model_copy(update={"document": None})
    return gate.model_copy(update={"spec": gate.spec.model_copy(update={"plan": plan})})


def held_by(plan: RunPlan, **stored: Any) -> ActionRun:
    """Return a run that waits, as it is stored: what runs is in its Approval."""
    held = waiting(plan)
    return held.model_copy(update={"status": held.status.model_copy(update={"document": None, **stored})})


def test_a_document_that_an_older_crd_has_cut_off_is_not_guessed_at() -> None:
    pruned = without_document(approval_of(waiting(HELD), ApprovalState.APPROVED))
    plan = look(held_by(HELD), approval=pruned)
    assert (plan.status.phase, plan.effects) == (Phase.SUPERSEDED, ())
    assert plan.status.message.startswith("What was approved is not known any more, since its plan is gone")


def test_a_gate_that_the_version_before_opened_leaves_the_plan_in_the_status() -> None:
    opened = Stored(
        without_document(Approval.model_validate(open_gate(run(), HELD, certain(HELD.gate), NOW))).to_wire()
    )
    status = look(None, judged(EVALUATED) | {OPEN_GATE: opened}).status
    assert status.phase is Phase.WAITING_FOR_APPROVAL
    assert document_of(status, Approval.model_validate(opened.object)) == document(HELD)
    assert status.plan["digest"] == document(HELD).digest


@pytest.mark.parametrize("plan", [None, FREE])
def test_a_lost_plan_is_superseded(plan: RunPlan | None) -> None:
    held = run(phase=Phase.WAITING_FOR_APPROVAL, plan=plan)
    assert look(held).status.phase is Phase.SUPERSEDED


def test_waits_while_its_gate_is_unknown_or_silent() -> None:
    held = waiting(HELD)
    own = approval_of(held)
    stranger = approval_of(held, ApprovalState.APPROVED)
    stranger = stranger.model_copy(update={"metadata": stranger.metadata.model_copy(update={"name": "x"})})
    there = {READ_GATE: Stored(live(manifest("Approval")))}
    for known in (None, stranger, own):
        plan = look(held, there, approval=known)
        assert (plan.status, plan.effects, plan.wake_at, plan.retry) == (held.status, (), None, False)
    assert approval_name(held, "platform") == own.metadata.name


def test_a_gate_that_is_not_in_the_cache_is_read() -> None:
    read = only(look(waiting(HELD)).effects)
    assert (read.key, str(read.ref)) == (READ_GATE, "Approval team-a/ten-days-platform-7d9f3a6000")
    plan = look(waiting(HELD), {READ_GATE: failed("Timeout", transient=True)})
    assert (plan.status, plan.retry) == (waiting(HELD).status, True)
    gone = look(waiting(HELD), {READ_GATE: failed("NotFound")}).status
    assert (gone.phase, gone.finished_at) == (Phase.SUPERSEDED, NOW)
    assert gone.message.startswith("Its Approval ten-days-platform-7d9f3a6000 was deleted: apply the request again")


@pytest.mark.parametrize("state", [ApprovalState.APPROVED, ApprovalState.DECLINED])
def test_an_end_of_its_gate_that_somebody_else_wrote_counts_only_under_guard(state: ApprovalState) -> None:
    held = waiting(HELD)
    known: dict[str, Any] = {"approval": approval_of(held, state), "vouched": False}
    assert effects(look(held, **known)) == [VERIFY]
    for outcome in (failed("Timeout", transient=True), Verified("ValidatingAdmissionPolicy x is gone")):
        unsure = look(held, {VERIFY: outcome}, **known)
        assert (unsure.status, unsure.effects, unsure.retry) == (held.status, (), True)
    verified = look(held, {VERIFY: Verified()}, **known)
    assert verified.effects or verified.status.phase is Phase.DECLINED


GAP = "The API server did not guard: ValidatingAdmissionPolicy pratique-decision was deleted and made again"


def superseded(held: ActionRun) -> Approval:
    return approval_of(held, ApprovalState.SUPERSEDED, message=GAP, decisions=[counted("l1")])


def test_a_superseded_gate_is_opened_again_for_what_a_fresh_look_shows() -> None:
    held = waiting(HELD, status={"timeline": [TimelineEntry(at=NOW, event="WaitingForApproval")]})
    known: dict[str, Any] = {"approval": superseded(held)}
    assert effects(look(held, **known)) == [EVALUATE]
    fresh = run_plan(planned("other", dry_run=DryRun(result="Passed")), gate=stage(required=2))
    judged_anew = judged(without_results(fresh)) | tried(fresh)
    create = only(look(held, judged_anew, at(90), **known).effects)
    assert create.manifest == open_gate(held, fresh, certain(fresh.gate), at(90), 2)
    status = look(held, judged_anew | {OPEN_GATE: Stored(create.manifest)}, at(90), **known).status
    assert (status.phase, status.plan) == (Phase.WAITING_FOR_APPROVAL, head_of(document(fresh), fresh.summary))
    assert [(each.name, each.round) for each in status.approvals] == [("ten-days-platform-7d9f3a6000-2", 2)]
    assert status.message == f"Waiting for 2 of group platform-leads until 2026-11-24 15:30 UTC. Asked again: {GAP}"
    assert [line.event for line in status.timeline] == ["WaitingForApproval", "Superseded", "WaitingForApproval"]
    assert status.timeline[1].message == GAP
    assert entries(status) == ["ApprovalRequested/2/KubernetesEvents", "ApprovalRequested/2/chat"]


def test_a_gate_that_was_opened_again_is_followed() -> None:
    gates = [RunApproval(stage="platform", name="any", state=ApprovalState.PENDING, round=2)]
    held = waiting(HELD, status={"approvals": gates})
    second = approval_of(held, ApprovalState.APPROVED, decisions=[counted("l1")])
    assert second.metadata.name.endswith("-2")
    checked = TRIED | {READ_ACTION: Stored(action().to_wire())}
    status = look(held, checked | MADE, approval=second).status
    assert (status.phase, status.approvals[0].round) == (Phase.SUCCEEDED, 2)
    assert look(waiting(HELD), {READ_GATE: Stored({})}, approval=second).status.phase is Phase.WAITING_FOR_APPROVAL


@pytest.mark.parametrize(
    ("round_", "known", "message"),
    [
        (16, {}, "It was asked for 16 times, as its gate was superseded or something else offered: ask anew"),
        (1, {"action": None}, "The Action create-environment was deleted while the request waited"),
    ],
)
def test_a_superseded_gate_is_not_opened_again_for_ever(round_: int, known: dict[str, Any], message: str) -> None:
    gates = [RunApproval(stage="platform", name="any", state=ApprovalState.PENDING, round=round_)]
    held = waiting(HELD, status={"approvals": gates})
    plan = look(held, judged(HELD), approval=superseded(held), **known)
    assert (plan.status.phase, plan.effects, plan.status.message.startswith(message)) == (Phase.SUPERSEDED, (), True)


@pytest.mark.parametrize(("why", "expected"), [("Much", "1 more: Much"), ("", "1 more")])
def test_shows_a_partial_tally(why: str, expected: str) -> None:
    held = waiting(run_plan(gate=stage(message=why)))
    partial = approval_of(held, decisions=[counted("l1")], message="1 more")
    assert look(held, approval=partial).status.message == expected
    back = TimelineEntry(at=NOW, event="TakenBack", message="l1 takes back the approval")
    none = approval_of(held, timeline=[back], message="1 more")
    assert look(held, approval=none).status.message == expected, "nobody counts any more, and it is said anew"


ENDS = [phase for phase in Phase if phase.is_end]


@pytest.mark.parametrize("phase", ENDS)
def test_an_end_never_changes(phase: Phase) -> None:
    ended = run(phase=phase, message="as it was", plan=HELD, settled=True)
    granted = approval_of(ended, ApprovalState.APPROVED)
    plan = look(ended, judged(FREE) | MADE, DEADLINE, approval=granted)
    assert (plan.status, plan.effects, plan.wake_at) == (ended.status, (), None)


def test_an_end_still_marks_its_outbox() -> None:
    entry = Notification(id="Failed/chat", event="Failed", channel="chat", at=NOW, next_attempt_at=at(5))
    ended = run(phase=Phase.FAILED, notifications=[entry])
    assert look(ended).wake_at == at(5)
    plan = look(ended, deliveries={entry.id: Delivery(sent=True)})
    assert ([each.state.value for each in plan.status.notifications], plan.wake_at) == (["Sent"], None)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_run_that_is_being_deleted_is_left_alone(phase: Phase) -> None:
    settled = True if phase.is_end else None
    going: ActionRun = run(meta={"deletion_timestamp": NOW}, phase=phase, plan=HELD, started_at=NOW, settled=settled)
    plan = look(going, judged(FREE))
    assert (plan.status, plan.effects) == (going.status, ())


def test_the_timeline_is_bounded() -> None:
    lines = [TimelineEntry(at=NOW, event="Running", message=str(index)) for index in range(32)]
    timeline = plan_action_run(proven(running(timeline=lines), MADE), NOW).status.timeline
    assert (len(timeline), timeline[0].message, timeline[-1].event) == (32, "1", "Succeeded")


def test_a_suspended_action_takes_no_run() -> None:
    status = look(action=action(suspend=True)).status
    assert (status.phase, status.message) == (
        Phase.REFUSED,
        "The Action create-environment is suspended: ask again when it takes requests",
    )


TWO = run_plan(planned("made"), planned("other"))
EXISTS = {"try/made": failed("AlreadyExists", found=live(manifest(name="made")))}
OTHER = {"try/other": Stored(live(manifest(name="other")))}


def test_held_is_tried_before_anybody_is_asked() -> None:
    asked = look(None, {EVALUATE: judged(EVALUATED)[EVALUATE]})
    assert effects(asked) == ["try/made"]
    no_rights = {"try/made": failed("Forbidden", "no rights")}
    status = look(None, judged(EVALUATED) | no_rights).status
    text = "As ServiceAccount pratique-actions/maker: ConfigMap team-a/made could not be created: no rights"
    assert (status.phase, status.message, entries(status)[0]) == (Phase.REFUSED, text, "Refused/KubernetesEvents")


NO_RIGHT = failed("Forbidden", 'configmaps is forbidden: User "x" cannot create resource "configmaps" in API group ""')


def test_a_right_that_may_be_on_its_way_is_waited_for() -> None:
    """Who applies an account, its rights and a run in one file is not refused for a tenth of a second."""
    known = judged(EVALUATED) | {"try/made": NO_RIGHT}
    waits = look(None, known)
    assert (waits.status.phase, waits.effects, waits.wake_at) == (Phase.PENDING, (), NOW + timedelta(seconds=1))
    assert waits.status.message.startswith("As ServiceAccount pratique-actions/maker: ")
    assert waits.status.message.endswith("; it is tried again, as this may pass")
    assert look(run(held_up=waits.status.held_up), known, NOW + timedelta(seconds=4)).status.phase is Phase.PENDING
    ended = look(run(held_up=waits.status.held_up), known, NOW + timedelta(seconds=5)).status
    assert (ended.phase, ended.held_up) == (Phase.REFUSED, None)


def test_a_dry_run_without_an_answer_is_asked_again() -> None:
    plan = look(None, judged(EVALUATED) | {"try/made": failed("Timeout", "slow", transient=True)})
    assert (plan.status.phase, plan.retry, plan.effects) == (Phase.PENDING, True, ())
    assert plan.status.message == "The dry run gave no answer: slow"


def test_several_free_objects_are_tried_before_the_first_is_made() -> None:
    assert effects(look(None, {EVALUATE: judged(TWO)[EVALUATE]})) == ["try/made", "try/other"]
    assert effects(look(None, judged(TWO) | OTHER)) == ["create/made"]
    refused = look(None, judged(TWO) | {"try/other": failed("Invalid", "data: no")}).status
    assert (refused.phase, "data: no" in refused.message) == (Phase.REFUSED, True)


@pytest.mark.parametrize("answer", [failed("Invalid", "no"), failed("Timeout", transient=True)])
def test_what_began_before_a_crash_is_never_refused(answer: Failure) -> None:
    assert effects(look(None, judged(TWO) | EXISTS | {"try/other": answer})) == ["create/made"]


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.WAITING_FOR_APPROVAL, Phase.RUNNING])
@pytest.mark.parametrize("plan", [None, HELD])
def test_an_end_that_was_seen_stays_whatever_is_written_since(phase: Phase, plan: RunPlan | None) -> None:
    forged = run(phase=phase, plan=plan, started_at=NOW)
    status = look(forged, judged(FREE) | MADE, ended=Phase.DECLINED).status
    assert (status.phase, status.message.startswith("It had ended as Declined")) == (Phase.DECLINED, True)
    assert entries(status)[0] == "StatusForged/KubernetesEvents"


NONE = "There is no Action named create-environment"


@pytest.mark.parametrize(
    ("age", "known", "said", "reconciling", "wakes"),
    [
        (0, ("create-env",), f"{NONE} yet: waiting a minute for it", True, True),
        (0.9, (), f"{NONE} yet: waiting a minute for it", True, True),
        (
            1,
            ("create-environmnet", "scale"),
            "There is no Action named create-environment; did you mean create-environmnet?",
            False,
            False,
        ),
        (
            5,
            ("scale",),
            "There is no Action named create-environment; `kubectl get actions` lists what there is",
            False,
            False,
        ),
    ],
)
def test_an_action_may_come_within_a_minute_and_then_the_nearest_is_named(
    age: float, known: tuple[Any, ...], said: str, reconciling: bool, wakes: bool
) -> None:
    asked = run()
    created = asked.metadata.creation_timestamp
    plan = plan_action_run(RunSnapshot(asked, actions=known), created + timedelta(minutes=age))
    assert plan.status.message.startswith(said)
    kinds = {each.type for each in plan.status.conditions if each.status.value == "True"}
    assert (kinds & {"Reconciling", "Stalled"}) == {"Reconciling" if reconciling else "Stalled"}
    assert plan.wake_at == (created + timedelta(minutes=1) if wakes else None)


class TestSettled:
    """What has ended and has nothing left to do says so, in the write that makes it so: nobody lists it any more."""

    @staticmethod
    def ended(**status: Any) -> ActionRun:
        entry = Notification(id="Succeeded/chat", event=EventType.SUCCEEDED, channel="chat", at=NOW)
        return run(phase=Phase.SUCCEEDED, finished_at=NOW, **{"notifications": [entry], **status})

    def test_an_end_is_settled_once_all_is_told(self) -> None:
        told = self.ended()
        ident = told.status.notifications[0].id
        assert look(told).status.settled is None
        assert look(told, deliveries={ident: Delivery(sent=False, error="x")}).status.settled is None
        assert look(told, deliveries={ident: Delivery(sent=True)}).status.settled is True

    def test_what_is_still_held_is_not_settled(self) -> None:
        kept = RunResource(id="job", api_version="batch/v1", kind="Job", name="j", uid="u", held=True)
        told = self.ended(resources=[kept])
        ident = told.status.notifications[0].id
        assert look(told, deliveries={ident: Delivery(sent=True)}).status.settled is None

    def test_an_end_of_the_version_before_gets_one_write_for_it_and_no_more(self) -> None:
        old = self.ended(notifications=[])
        settled = look(old).status
        assert settled == old.status.model_copy(update={"settled": True})
        assert look(self.ended(notifications=[], settled=True)).status == settled

    def test_what_never_ended_and_says_that_it_is_settled_is_put_right(self) -> None:
        back = waiting(HELD, status={"settled": True})
        assert look(back, approval=approval_of(back)).status == amend(back.status, settled=None)

    def test_an_end_that_was_set_back_is_not_settled_until_that_is_told(self) -> None:
        forged = run(phase=Phase.RUNNING, settled=True)
        status = look(forged, ended=Phase.SUCCEEDED).status
        assert (status.phase, status.settled) == (Phase.SUCCEEDED, None)
        assert status.notifications
