"""What becomes of an Approval: opened, watched, ended once and for all."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.models import (
    DEADLINE,
    NOW,
    RUN_UID,
    approval,
    approved,
    at,
    counted,
    effects,
    failed,
    gate,
    only,
    run,
    run_plan,
    stage,
    vote,
)
from tests.support.certain import certain

from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.api.v1alpha1.approval import Approval, ApprovalSpec, ApprovalState, ApprovalStatus
from pratique.api.v1alpha1.notifications import Notification
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.gates.entries import approval_name
from pratique.core.gates.guarded import VERIFY, ends_now
from pratique.core.gates.opening import open_gate
from pratique.core.gates.plan import READ_SUBJECT, ApprovalSnapshot, plan_approval
from pratique.core.gates.tally import count
from pratique.core.kernel.effects import Delivery, Failure, Plan, Stored, Verified
from pratique.core.telling.wording import approvers_phrase, moment, say_ended, say_held

A, D = "Approve", "Decline"
OPEN, APPROVED, BROKEN, OFFERED, DECLINED, EXPIRED, WITHDRAWN, SUPERSEDED = ApprovalState
TWO = {"required": 2}


GUARDED = {VERIFY: Verified()}


def look(
    spec: ApprovalSpec | None = None,
    now: datetime = NOW,
    subject: ActionRun | None = None,
    outcomes: dict[str, Any] | None = None,
    tainted: str | None = None,
    **status: Any,
) -> Plan[Any]:
    known = GUARDED if outcomes is None else outcomes
    return plan_approval(ApprovalSnapshot(approval(spec, **status), subject or run(), known, tainted=tainted), now)


def test_opens_with_the_rule_of_this_moment() -> None:
    plan = run_plan(gate=stage(message="Ten days\u202e is much", required=2))
    made = Approval.model_validate(open_gate(run(), plan, certain(plan.gate), NOW))
    assert made.metadata.name == approval_name(run(), certain(plan.gate).name) == "ten-days-platform-7d9f3a6000"
    assert made.metadata.labels == {"pratique.dev/run-uid": RUN_UID}
    assert (made.spec.policy.required, made.spec.policy.deadline) == (2, NOW + timedelta(hours=2))
    assert made.spec.plan == approved(plan)
    assert (made.spec.message, made.spec.requested_by.username) == ("Ten days is much", "developer@example.com")


def test_a_clock_that_is_behind_makes_no_deadline_shorter() -> None:
    """The API server refuses decisions after the deadline by its own clock, by which the run was created."""
    plan, asked = run_plan(gate=stage()), run()
    asked = asked.model_copy(update={"metadata": asked.metadata.model_copy(update={"creation_timestamp": NOW})})
    made = Approval.model_validate(open_gate(asked, plan, certain(plan.gate), NOW - timedelta(days=1)))
    assert made.spec.policy.deadline == NOW + timedelta(hours=2)


def test_opens_for_nobody_known_as_unknown() -> None:
    plan = run_plan(gate=stage())
    assert (
        open_gate(run(spec={"requested_by": None}), plan, certain(plan.gate), NOW)["spec"]["requestedBy"]["username"]
        == "unknown"
    )


@pytest.mark.parametrize(
    ("policy", "decisions", "minute", "state", "message", "reasons"),
    [
        ({}, {"lead-1": vote(A)}, 2, APPROVED, "Approved by lead-1", ("True", "True", "Granted")),
        (TWO, {"l2": vote(A, 2), "l1": vote(A, 1)}, 2, APPROVED, "Approved by l1, l2", ("True", "True", "Granted")),
        (TWO, {"l1": vote(A, 1), "l2": vote(D, 2)}, 2, DECLINED, "Declined by l2", ("True", "False", "Declined")),
        ({}, {}, 120, EXPIRED, "Nobody decided before 2026-11-24 14:00 UTC", ("True", "False", "Expired")),
    ],
)
def test_ends_by_the_decisions(
    policy: dict[str, Any],
    decisions: dict[str, Any],
    minute: int,
    state: ApprovalState,
    message: str,
    reasons: tuple[str, ...],
) -> None:
    status = look(gate(decisions, **policy), at(minute)).status
    assert (status.state, status.message, status.decided_at, status.waiting_for) == (state, message, at(minute), [])
    decided, approved = ({c.type: c for c in status.conditions}[kind] for kind in ("Decided", "Approved"))
    assert (decided.status, approved.status, approved.reason) == reasons
    assert (status.observed_generation, decided.observed_generation) == (3, 3)


def test_an_open_gate_is_not_written_before_somebody_decides() -> None:
    plan = look(now=at(5))
    assert plan.status == approval().status
    assert (plan.effects, plan.wake_at, plan.retry) == ((), DEADLINE, False)


WAITS = {("Decided", "False"), ("Approved", "False"), ("Ready", "False"), ("Reconciling", "True")}


def test_shows_a_partial_tally_once() -> None:
    spec = gate({"lead-1": vote(A)}, approvers=Approvers(users=["lead-1", "lead-2"]), required=2)
    first = look(spec, at(2))
    assert (first.status.tally, first.status.waiting_for) == ("1/2", ["lead-2"])
    assert first.status.message == "Waiting for 1 more of lead-2 until 2026-11-24 14:00 UTC"
    assert {(c.type, c.status.value) for c in first.status.conditions} == WAITS
    again = plan_approval(ApprovalSnapshot(approval(spec).model_copy(update={"status": first.status}), run()), at(9))
    assert again.status == first.status


def test_the_requester_takes_it_back() -> None:
    status = look(gate({"lead-1": vote(A)}), at(3), run(spec={"withdrawn": True}), waiting_for=["lead-2"]).status
    assert (status.state, status.message, status.waiting_for) == (WITHDRAWN, "The requester took it back", [])


CHANGED = "ValidatingAdmissionPolicy pratique-decision was deleted and made again"
GAP = f"The API server did not guard: {CHANGED}"


@pytest.mark.parametrize("verdict", [A, D])
@pytest.mark.parametrize(
    "outcome", [failed("Timeout", transient=True), failed("Forbidden"), Verified(CHANGED)], ids=str
)
def test_no_decision_counts_before_it_is_known_that_it_was_made_under_guard(
    verdict: str, outcome: Failure | Verified
) -> None:
    spec = gate({"lead-1": vote(verdict)})
    asked = look(spec, at(2), outcomes={})
    assert (effects(asked), asked.status) == ([VERIFY], approval().status)
    unsure = look(spec, at(2), outcomes={VERIFY: outcome})
    assert (unsure.status, unsure.effects, unsure.retry) == (approval().status, (), True)


@pytest.mark.parametrize("spec", [gate({"lead-1": vote(A)}), gate({"lead-1": vote(A)}, required=2), gate()])
def test_a_gate_that_was_not_guarded_is_superseded(spec: ApprovalSpec) -> None:
    plan = look(spec, at(2), outcomes={}, tainted=GAP)
    assert (plan.status.state, plan.status.message, plan.status.decided_at) == (SUPERSEDED, GAP, at(2))
    found = {each.type: (each.status.value, each.reason, each.message) for each in plan.status.conditions}
    ended = {"Decided": "True", "Approved": "False", "Ready": "False", "Stalled": "True"}
    assert found == {kind: (holds, "Superseded", GAP) for kind, holds in ended.items()}
    assert [(entry.id, entry.message) for entry in plan.status.notifications] == [("Superseded/KubernetesEvents", GAP)]


@pytest.mark.parametrize(
    ("state", "then"),
    [
        (APPROVED, SUPERSEDED),
        (BROKEN, SUPERSEDED),
        (OFFERED, SUPERSEDED),
        (DECLINED, SUPERSEDED),
        (EXPIRED, SUPERSEDED),
        (WITHDRAWN, WITHDRAWN),
        (SUPERSEDED, SUPERSEDED),
    ],
)
def test_an_end_that_may_be_forged_is_superseded(state: ApprovalState, then: ApprovalState) -> None:
    plan = look(gate({"lead-1": vote(A)}), outcomes={}, tainted=GAP, state=state, message="as it was")
    assert (plan.status.state, plan.status.message) == (then, "as it was" if state is then else GAP)


def test_what_was_taken_back_is_not_asked_again() -> None:
    assert look(subject=run(spec={"withdrawn": True}), tainted=GAP).status.state is WITHDRAWN


def test_the_next_gate_of_a_run_has_a_name_and_a_deadline_of_its_own() -> None:
    plan = run_plan(gate=stage())
    made = Approval.model_validate(open_gate(run(), plan, certain(plan.gate), at(60), 2))
    assert made.metadata.name == approval_name(run(), certain(plan.gate).name, 2) == "ten-days-platform-7d9f3a6000-2"
    assert made.spec.policy.deadline == at(60) + timedelta(hours=2)


GONE = "The request was deleted"


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Stored({"metadata": {"uid": RUN_UID}}), (OPEN, False)),
        (Stored({"metadata": {"uid": "another"}}), (WITHDRAWN, False)),
        (failed("NotFound"), (WITHDRAWN, False)),
        (failed("Timeout", transient=True), (OPEN, True)),
        (failed("Forbidden"), (OPEN, True)),
    ],
)
def test_a_run_that_is_not_in_the_cache_is_read(outcome: Failure | Stored, expected: tuple[Any, ...]) -> None:
    asked = plan_approval(ApprovalSnapshot(approval(), None), NOW)
    read = only(asked.effects)
    assert (read.key, str(read.ref), asked.status) == (READ_SUBJECT, "ActionRun team-a/ten-days", approval().status)
    plan = plan_approval(ApprovalSnapshot(approval(), None, {READ_SUBJECT: outcome}), NOW)
    assert (plan.status.state, plan.retry) == expected


def test_a_deleted_run_tells_the_approvers() -> None:
    status = look(subject=run(meta={"deletion_timestamp": NOW})).status
    assert (status.state, status.message) == (WITHDRAWN, GONE)
    assert [entry.id for entry in status.notifications] == ["Withdrawn/KubernetesEvents", "Withdrawn/chat"]
    assert status.notifications[0].message == "The request of developer@example.com was deleted"


def test_an_open_gate_also_wakes_for_its_outbox() -> None:
    entry = Notification(id="Withdrawn/chat", event="Withdrawn", channel="chat", at=NOW, next_attempt_at=at(7))
    assert look(now=at(5), notifications=[entry]).wake_at == at(7)


def test_after_the_end_only_the_outbox_is_marked() -> None:
    ended = look(subject=run(meta={"deletion_timestamp": NOW})).status
    seen = ApprovalSnapshot(
        approval(gate({"l": vote(A)})).model_copy(update={"status": ended}),
        None,
        deliveries={"Withdrawn/chat": Delivery(sent=True)},
    )
    plan = plan_approval(seen, at(1))
    assert plan.status.settled is None
    assert [entry.state.value for entry in plan.status.notifications] == ["Pending", "Sent"]
    assert plan.status.model_copy(update={"notifications": ended.notifications}) == ended
    assert plan.wake_at is None


def test_an_end_is_settled_by_the_write_after_which_nothing_is_to_be_told() -> None:
    granted = look(gate({"l": vote(A)}))
    assert (granted.status.state, granted.status.settled) == (APPROVED, True), "nobody is told by the gate itself"
    ended = look(subject=run(meta={"deletion_timestamp": NOW})).status
    assert (ended.state, ended.settled) == (WITHDRAWN, None)
    gone = approval(gate({"l": vote(A)})).model_copy(update={"status": ended})
    told = dict.fromkeys([each.id for each in ended.notifications], Delivery(sent=True))
    assert plan_approval(ApprovalSnapshot(gone, None, deliveries=told), at(1)).status.settled is True
    old = granted.status.model_copy(update={"settled": None})
    again = approval(gate({"l": vote(A)})).model_copy(update={"status": old})
    assert plan_approval(ApprovalSnapshot(again, None), at(1)).status == granted.status, (
        "an old end gets one write for it"
    )


def test_a_gate_whose_end_was_forged_is_not_settled_any_more() -> None:
    forged = look(gate(), state=APPROVED, settled=True)
    assert (forged.status.state, forged.status.settled) == (ApprovalState.PENDING, None)


maps = st.dictionaries(
    st.sampled_from(["l1", "l2", "l3"]), st.builds(vote, st.sampled_from([A, D]), st.integers(0, 130))
)


@given(
    st.sampled_from([APPROVED, DECLINED, EXPIRED, WITHDRAWN]),
    maps,
    st.integers(0, 999),
    st.sampled_from([None, *(run(phase=phase) for phase in Phase if phase.is_end)]),
)
def test_a_finished_approval_never_changes_state_once_nothing_waits_for_it(
    state: ApprovalState, decisions: dict[str, Any], minute: int, subject: ActionRun | None
) -> None:
    ended = approval(gate(decisions), state=state, message="as it was", decided_at=NOW, settled=True)
    plan = plan_approval(ApprovalSnapshot(ended, subject), at(minute))
    assert (plan.status, plan.effects, plan.after) == (ended.status, (), ())


FORGED = {
    APPROVED: gate(),
    DECLINED: gate({"mallory": vote(D, groups=[])}),
    EXPIRED: gate({"l1": vote(A, 119)}, required=2),
    WITHDRAWN: gate(),
}
HELD = run(phase=Phase.WAITING_FOR_APPROVAL)


def still_there(**spec: Any) -> Stored:
    return Stored({"metadata": {"uid": RUN_UID}, "spec": spec})


@pytest.mark.parametrize("state", FORGED)
def test_a_status_that_the_decisions_do_not_bear_out_is_put_right_and_told(state: ApprovalState) -> None:
    conditions = look(gate({"l1": vote(A)}), at(2)).status.conditions
    outcomes = {READ_SUBJECT: still_there()} if state is WITHDRAWN else {}
    plan = look(FORGED[state], at(3), HELD, outcomes, state=state, decided_at=NOW, conditions=conditions)
    status = plan.status
    assert (status.state, status.decided_at, plan.wake_at) == (OPEN, None, DEADLINE)
    assert {(c.type, c.status.value) for c in status.conditions} == WAITS
    key = f"StatusForged/{state.value}/2026-11-24T12:03:00Z"
    assert [entry.id for entry in status.notifications] == [f"{key}/KubernetesEvents", f"{key}/chat"]
    assert status.notifications[0].message.startswith(f"The status said {state.value}, which the decisions do not")
    again = plan_approval(ApprovalSnapshot(approval(FORGED[state]).model_copy(update={"status": status}), HELD), at(4))
    assert again.status == status


def test_a_forged_end_becomes_the_true_one_at_once() -> None:
    status = look(gate({"l1": vote(A)}), at(3), HELD, state=DECLINED, decided_at=NOW).status
    assert (status.state, status.message, status.decided_at) == (APPROVED, "Approved by l1", at(3))


@pytest.mark.parametrize(
    ("outcome", "retry"),
    [
        (still_there(withdrawn=True), False),
        (Stored({"metadata": {"uid": "another"}, "spec": {}}), False),
        (failed("NotFound"), False),
        (failed("Timeout", transient=True), True),
    ],
)
def test_a_withdrawal_that_the_cache_has_not_seen_is_no_forgery(outcome: Failure | Stored, retry: bool) -> None:
    ended = approval(state=WITHDRAWN, decided_at=NOW)
    asked = plan_approval(ApprovalSnapshot(ended, HELD), at(1))
    assert only(asked.effects).key == READ_SUBJECT
    plan = plan_approval(ApprovalSnapshot(ended, HELD, {READ_SUBJECT: outcome}), at(1))
    settled = None if retry else True
    assert (plan.status, plan.retry) == (ended.status.model_copy(update={"settled": settled}), retry)


@given(st.sampled_from([APPROVED, DECLINED, EXPIRED]), maps, st.integers(0, 200))
def test_while_a_run_waits_a_state_is_what_the_decisions_say(
    state: ApprovalState, decisions: dict[str, Any], minute: int
) -> None:
    ended = approval(gate(decisions), state=state, decided_at=NOW)
    status = plan_approval(ApprovalSnapshot(ended, HELD, GUARDED), at(minute)).status
    fresh = plan_approval(ApprovalSnapshot(approval(gate(decisions)), HELD, GUARDED), at(minute)).status
    assert status.state is fresh.state


@given(maps, st.integers(0, 200))
def test_a_look_ends_the_gate_exactly_when_the_tally_does(decisions: dict[str, Any], minute: int) -> None:
    spec = gate(decisions, required=2)
    ended = look(spec, at(minute)).status.state is not OPEN
    assert ended == (count(spec, at(minute)).tally.value != "open")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (
            {"state": APPROVED, "decisions": [counted("l1"), counted("l2", comment="ok\u200b")]},
            "Approved by l1, l2: ok",
        ),
        ({"state": DECLINED, "decisions": [counted("l1", D, "too long")]}, "Declined by l1: too long"),
        (
            {"state": APPROVED, "decisions": [counted("l1", D), counted("l2"), counted("l3")]},
            "Approved by l2, l3",
        ),
        ({"state": DECLINED, "decisions": [counted("l1", D), counted("l2"), counted("l3", D)]}, "Declined by l1, l3"),
        ({"state": DECLINED}, "Declined by an approver"),
        (
            {"state": EXPIRED},
            "Nobody decided before 2026-11-24 14:00 UTC: the request expired, it was not declined",
        ),
        ({"state": WITHDRAWN}, "The requester took it back"),
        ({"state": SUPERSEDED, "message": GAP}, GAP),
        ({}, "Waiting for a decision"),
    ],
)
def test_says_how_a_gate_ended(status: dict[str, Any], expected: str) -> None:
    assert say_ended(approval(**status)) == expected


def test_words() -> None:
    assert moment(NOW + timedelta(seconds=7)) == "2026-11-24 12:00:07 UTC"
    assert moment(NOW.astimezone(timezone(timedelta(hours=2)))) == "2026-11-24 12:00 UTC"
    assert approvers_phrase(Approvers(users=["b", "a"], groups=["y", "x"])) == "a, b, group x, group y"
    assert say_held(stage(required=2), DEADLINE) == "Waiting for 2 of group platform-leads until 2026-11-24 14:00 UTC"
    assert say_held(stage(message="Why"), DEADLINE).endswith("14:00 UTC: Why")


def test_names_of_many_approvers_fit_what_is_written() -> None:
    users = [f"{number:02}-{'x' * 200}@example.com" for number in range(32)]
    spec = gate({user: vote("Approve", groups=[]) for user in users[1:]}, approvers=Approvers(users=users), required=32)
    waiting = plan_approval(ApprovalSnapshot(approval(spec), run()), NOW).status
    assert waiting.message.startswith("Waiting for 1 more of 00-x") and len(waiting.message) <= 2048
    spec = spec.model_copy(update={"policy": spec.policy.model_copy(update={"required": 31})})
    ended = plan_approval(ApprovalSnapshot(approval(spec), run(), GUARDED), NOW).status
    assert ended.state is ApprovalState.APPROVED
    assert ended.message.startswith("Approved by 01-x") and len(ended.message) == 2048


def kstatus(status: ApprovalStatus, generation: int) -> str:
    """Return what kstatus makes of an object, and with it Flux, Helm and kubectl's plugins."""
    found = {each.type: each.status.value for each in status.conditions}
    if status.observed_generation != generation or found.get("Reconciling") == "True":
        return "InProgress"
    if found.get("Stalled") == "True":
        return "Failed"
    return "Current" if found.get("Ready", "True") == "True" else "InProgress"


ONE_NO, ONE_YES = {"lead-1": vote(D)}, {"lead-1": vote(A)}
TAKEN_BACK = HELD.model_copy(update={"spec": HELD.spec.model_copy(update={"withdrawn": True})})


@pytest.mark.parametrize(
    ("spec", "minute", "options", "expected"),
    [
        (gate(), 1, {}, "InProgress"),
        (gate(ONE_YES, required=2), 2, {}, "InProgress"),
        (gate(ONE_YES), 2, {}, "Current"),
        (gate(ONE_NO), 2, {}, "Failed"),
        (gate(), 121, {}, "Failed"),
        (
            gate(),
            1,
            {"subject": TAKEN_BACK},
            "Failed",
        ),
        (gate(ONE_YES), 2, {"tainted": GAP}, "Failed"),
    ],
    ids=["open", "half", "approved", "declined", "expired", "withdrawn", "superseded"],
)
def test_a_pipeline_passes_what_was_approved_and_nothing_else(
    spec: ApprovalSpec, minute: int, options: dict[str, Any], expected: str
) -> None:
    born = ApprovalStatus.model_validate(Approval.default_status).conditions
    status = look(spec, at(minute), **options, conditions=born, observed_generation=0).status
    assert kstatus(status, 3) == expected
    of_the_last_version = [each for each in born if each.type in ("Decided", "Approved")]
    again = look(spec, at(minute), **options, conditions=of_the_last_version, observed_generation=0).status
    assert kstatus(again, 3) == expected
    untouched = expected == "InProgress" and again.conditions == of_the_last_version
    assert untouched or [each.type for each in again.conditions] == [each.type for each in status.conditions]


def test_only_an_open_gate_ends_now() -> None:
    of = {state: approval(state=state).status for state in ApprovalState}
    ends = {(was, now) for was in ApprovalState for now in ApprovalState if ends_now(of[was], of[now])}
    assert ends == {(OPEN, now) for now in (APPROVED, BROKEN, OFFERED, DECLINED, EXPIRED, WITHDRAWN, SUPERSEDED)}
