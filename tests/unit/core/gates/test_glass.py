"""Break-glass: what ends a gate and what does not, which stages it opens, and the review that stays open afterwards."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders.models import NOW, approval, approved, at, failed, gate, only, run, run_plan, stage, vote, waiting
from tests.support.certain import certain

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase, RunApproval, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalSpec, ApprovalState, Purpose
from pratique.api.v1alpha1.break_glass import BreakGlass, OwnGlass
from pratique.api.v1alpha1.decisions import EarlierDecision
from pratique.api.v1alpha1.escalation import Added, EscalationStep
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType, Notification, Recipient, RecipientKind
from pratique.api.v1alpha1.stages import Approvers, RuleApprovers
from pratique.core.gates.broken import who_broke
from pratique.core.gates.changes import changes
from pratique.core.gates.entries import approval_name
from pratique.core.gates.grounds import ask
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.opening import policy_of
from pratique.core.gates.plan import ApprovalSnapshot, as_decided, plan_approval
from pratique.core.gates.port import Answer, Ended, Granted, Passed, Question, Unsure
from pratique.core.gates.review import (
    DUE,
    find_review,
    find_skipped,
    next_reminder,
    open_review,
    reopen,
    review_name,
)
from pratique.core.gates.tally import count, may_decide
from pratique.core.kernel.conditions import find_condition
from pratique.core.kernel.effects import Plan, Stored, Verified
from pratique.core.plans.document import document
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.telling.messages import compose_approval, compose_run
from pratique.core.telling.wording import policy_phrase, say_ended

A, D, U, B = "Approve", "Decline", "Undecided", "BreakGlass"
PENDING, BROKEN, SUPERSEDED = ApprovalState.PENDING, ApprovalState.BROKEN, ApprovalState.SUPERSEDED
GUARDED: dict[str, object] = {VERIFY: Verified()}
WHY = "the database is down"
NIGHT = BreakGlass(groups=["sre-oncall"], requester=OwnGlass.FORBID)
LEADS, SECURITY = Approvers(groups=["platform-leads"]), Approvers(users=["sec-1"], groups=["security"])
FIRST = stage(approvers=LEADS, break_glass=NIGHT)
ALSO = stage(name="security", approvers=SECURITY, break_glass=BreakGlass(users=["oncall"], requester=OwnGlass.FORBID))
LAST = stage(name="owners", approvers=Approvers(users=["owner"]))
PLAN = run_plan(gates=[FIRST])


@pytest.mark.parametrize(
    ("said", "rule", "state"),
    [
        ({"oncall": (B, 1)}, {}, BROKEN),
        ({"oncall": (B, 1)}, {"required": 3}, BROKEN),
        ({"lead-1": (A, 1), "oncall": (B, 2)}, {"required": 2}, BROKEN),
        ({"lead-1": (D, 1), "oncall": (B, 2)}, {}, ApprovalState.DECLINED),
        ({"lead-1": (D, 1), "oncall": (B, 2)}, {"decline_threshold": 2}, PENDING),
        ({"lead-1": (D, 2), "oncall": (B, 1)}, {"decline_threshold": 2}, BROKEN),
        ({"lead-1": (D, 1), "oncall": (B, 1)}, {"decline_threshold": 2}, PENDING),
        ({"lead-1": (A, 1), "oncall": (B, 1)}, {}, BROKEN),
        ({"oncall": (B, 1), "ONCALL": (A, 1)}, {}, BROKEN),
        ({"stranger": (B, 1)}, {}, PENDING),
        ({"oncall": (B, 120)}, {}, PENDING),
        ({"oncall": (U, 1)}, {}, PENDING),
    ],
)
def test_what_a_break_glass_ends(
    said: dict[str, tuple[str, float]], rule: dict[str, Any], state: ApprovalState
) -> None:
    groups = {"oncall": ["sre-oncall"], "ONCALL": ["platform-leads"], "stranger": ["others"]}
    votes = {who: vote(verdict, minute, groups.get(who)) for who, (verdict, minute) in said.items()}
    spec = gate(votes, **{**dict(policy_of(FIRST, at(120))), **rule})
    assert plan_approval(ApprovalSnapshot(approval(spec), run(), GUARDED), at(3)).status.state is state


def test_its_end_is_no_approval_and_yet_ready() -> None:
    status = plan_approval(ApprovalSnapshot(broken(state=PENDING), run(), GUARDED), at(3)).status
    found = {each.type: (each.status.value, each.reason) for each in status.conditions}
    assert found["Approved"] == ("False", "GlassBroken") and found["Decided"] == ("True", "GlassBroken")
    assert found["Ready"] == ("True", "GlassBroken")
    assert status.message == "oncall broke the glass"
    assert [each.message for each in status.timeline] == [f"oncall breaks the glass: {WHY}"]
    unsure = plan_approval(ApprovalSnapshot(broken(state=PENDING), run()), at(3))
    assert [each.key for each in unsure.effects] == [VERIFY], "not before it is known that the API server guarded"


def test_who_had_approved_before_is_seen_in_the_timeline() -> None:
    before = vote(A, 1)
    after = amend(
        vote(B, 2, comment=WHY), history=[EarlierDecision(verdict=before.verdict, decided_at=before.decided_at)]
    )
    (line,) = changes(gate({"oncall": after}))
    assert (line.event, line.message) == ("GlassBroken", f"oncall breaks the glass, and had approved: {WHY}")


def broken(
    plan: RunPlan = PLAN, name: str = "platform", by: str = "oncall", state: ApprovalState = BROKEN, **more: Any
) -> Approval:
    """Return the gate of a stage whose glass was broken at minute 1."""
    rule = next(each for each in plan.stages if each.name == name)
    spec = gate({by: vote(B, 1, ["sre-oncall"], WHY)}, **dict(policy_of(rule, at(120))))
    spec = amend(spec, plan=approved(plan), stage=name, title="Create", **more)
    return approval(spec, name=approval_name(waiting(plan), name), state=state)


def held(plan: RunPlan = PLAN, phase: Phase = Phase.WAITING_FOR_APPROVAL, **states: ApprovalState) -> ActionRun:
    """Return a run with what its status says of its gates; a broken one has its review there."""
    asked = waiting(plan)
    names = {name: approval_name(asked, name) for name in states}
    entries = [
        RunApproval(
            stage=name, name=names[name], state=state, review=f"{names[name]}-review" if state is BROKEN else None
        )
        for name, state in states.items()
    ]
    return amend(asked, status=amend(asked.status, approvals=entries, document=None, phase=phase))


def answer(
    run: ActionRun, *gates: Approval, plan: RunPlan = PLAN, reviews: tuple[Approval, ...] = (), **done: Any
) -> Answer:
    known = {VERIFY: Verified(), **{key.replace("_", "-"): value for key, value in done.items()}}
    return ask(Question(run, None, gates, document(plan), known, reviews=reviews), at(3))


def review_of(found: Approval, plan: RunPlan = PLAN, **status: Any) -> Approval:
    made = Approval.model_validate(open_review(held(plan), plan, found, certain(who_broke(found, at(3))), at(3)))
    return amend(made, status=amend(made.status, **status))


def test_nothing_goes_on_before_its_review_is_there() -> None:
    asked = answer(held(platform=PENDING), broken())
    assert isinstance(asked, Unsure)
    made = only(asked.effects)
    assert made.key == "open-review-platform"
    assert made.manifest["metadata"]["labels"]["pratique.dev/review"] == "open"
    lost = answer(held(platform=PENDING), broken(), open_review_platform=failed("Forbidden", "quota"))
    assert isinstance(lost, Unsure) and lost.retry and lost.why.endswith("its review could not be opened: quota")
    nobody_says = answer(held(platform=PENDING), broken(), open_review_platform=failed("AlreadyExists"))
    assert isinstance(nobody_says, Unsure) and nobody_says.retry
    for there in (Stored(made.manifest), failed("AlreadyExists", found=made.manifest)):
        passed = answer(held(platform=PENDING), broken(), open_review_platform=there)
        assert isinstance(passed, Passed) and passed.broke
        assert passed.why == f"oncall broke the glass: {WHY}"
        assert certain(passed.gate).review == made.manifest["metadata"]["name"] == f"{broken().metadata.name}-review"


def test_a_name_that_somebody_took_is_no_review() -> None:
    other = amend(review_of(broken()), spec=amend(review_of(broken()).spec, excluded=["somebody"]))
    ended = answer(held(platform=PENDING), broken(), reviews=(other,))
    assert isinstance(ended, Ended) and ended.phase is Phase.REFUSED and "is taken by an Approval" in ended.why


def test_then_it_starts_and_its_start_is_proven_by_who_broke_it() -> None:
    there = (review_of(broken()),)
    started = answer(held(platform=BROKEN), broken(), reviews=there)
    assert isinstance(started, Granted)
    warrant = started.warrant
    assert (warrant.why, warrant.granted_at, warrant.told) == (f"oncall broke the glass: {WHY}", at(1), ())
    going = held(phase=Phase.RUNNING, platform=BROKEN)
    assert isinstance(answer(going, broken(), reviews=there), Granted)
    forged = answer(going, broken(by="lead-1", plan=run_plan(gates=[amend(FIRST, break_glass=None)])), plan=PLAN)
    assert isinstance(forged, Ended) and forged.phase is Phase.FAILED
    nobody = amend(broken(), spec=amend(broken().spec, decisions={"x": vote(B, 1, ["others"])}))
    unproven = answer(going, nobody)
    assert isinstance(unproven, Ended) and "nobody has approved it" in unproven.why


def test_a_phase_alone_spares_nobody_the_review() -> None:
    """A status that was forged to Running has it opened as well, or ends where its name is taken."""
    going = held(phase=Phase.RUNNING, platform=BROKEN)
    asked = answer(going, broken())
    assert isinstance(asked, Unsure) and only(asked.effects).key == "open-review-platform"
    there = Stored(only(asked.effects).manifest)
    assert isinstance(answer(going, broken(), open_review_platform=there), Granted)
    taken = amend(review_of(broken()), spec=amend(review_of(broken()).spec, excluded=["somebody"]))
    ended = answer(going, broken(), reviews=(taken,))
    assert isinstance(ended, Ended) and ended.phase is Phase.FAILED and "is taken by an Approval" in ended.why


def test_a_review_that_nobody_could_sign_is_not_opened() -> None:
    """An API server that guards takes no such break-glass; one that was taken before opens nothing, and starts nothing."""
    users = RuleApprovers(users=["oncall", "developer@example.com"])
    own = BreakGlass(users=["oncall"], requester=OwnGlass.FORBID)
    plan = run_plan(gates=[amend(FIRST, approvers=users, break_glass=own)])
    ended = answer(held(plan, platform=PENDING), broken(plan), plan=plan)
    assert isinstance(ended, Ended) and ended.phase is Phase.REFUSED
    assert ended.why == (
        "oncall broke the glass of stage platform, and nobody is left who could review that:"
        " name another approver in the Action, or in breakGlass, and ask again"
    )
    opened = answer(held(plan, platform=PENDING), broken(plan), plan=plan, reviews=(review_of(broken(plan), plan),))
    assert isinstance(opened, Passed), "one that the version before has opened is the record"


def test_who_decided_an_earlier_stage_or_is_excluded_from_a_skipped_one_does_not_sign_it() -> None:
    before = stage(name="team", approvers=Approvers(users=["ann", "carl"]))
    second = stage(name="platform", approvers=Approvers(users=["ann", "bob", "sec-2"]), break_glass=NIGHT)
    third = amend(ALSO, approvers=RuleApprovers(users=["sec-1", "sec-2"]), exclude=["sec-2"])
    plan = run_plan(gates=[before, second, third])
    gate_ = broken(plan, excluded=["ann", "deputy"])  # ann decided the first one through her deputy: both sides are in
    made = review_of(gate_, plan)
    assert made.spec.excluded == ["oncall", "ann", "deputy", "sec-2"]
    assert made.spec.policy.approvers == Approvers(users=["bob", "sec-1"], groups=[])
    for who in ("ann", "ANN", "deputy", "sec-2"):
        assert not may_decide(made.spec, who, ["platform-leads"], at(5))
    earlier = amend(
        made.spec,
        excluded=["oncall"],
        policy=amend(made.spec.policy, approvers=Approvers(users=["ann", "bob", "sec-1"])),
    )
    opened_before = amend(made, spec=earlier)
    asked = held(plan, team=ApprovalState.APPROVED, platform=PENDING)
    first = approval(
        amend(gate({"carl": vote(A, 1, [])}, **dict(policy_of(before, at(120)))), plan=approved(plan), stage="team"),
        name=approval_name(waiting(plan), "team"),
        state=ApprovalState.APPROVED,
    )
    found = answer(asked, first, gate_, plan=plan, reviews=(opened_before,))
    assert isinstance(found, Passed), "one that the version before has opened goes on"
    foreign = amend(earlier, policy=amend(earlier.policy, approvers=Approvers(users=["mallory"])))
    taken = answer(asked, first, gate_, plan=plan, reviews=(amend(made, spec=foreign),))
    assert isinstance(taken, Ended) and taken.phase is Phase.REFUSED


def test_whom_a_later_stage_alone_excludes_signs_where_nobody_else_is_left() -> None:
    """When the glass was broken, the API server knew no later stage: what it took must not end the run."""
    own = BreakGlass(users=["oncall"], requester=OwnGlass.FORBID)
    first = amend(FIRST, approvers=RuleApprovers(users=["oncall", "author"]), break_glass=own)
    second = stage(
        name="security", approvers=Approvers(users=["oncall", "author"]), exclude=["author"], break_glass=own
    )
    made = review_of(broken(run_plan(gates=[first, second])), run_plan(gates=[first, second]))
    assert (made.spec.policy.approvers.users, made.spec.excluded) == (["author"], ["oncall"])


def test_thirty_two_who_cannot_sign_leave_room_for_one_who_can() -> None:
    out = [f"out-{n}" for n in range(32)]
    step = EscalationStep(after="1h", to=Added(users=["night"]))
    plan = run_plan(gates=[amend(FIRST, approvers=RuleApprovers(users=out), escalation=[step])])
    assert review_of(broken(plan, excluded=out), plan).spec.policy.approvers == Approvers(users=["night"])


@pytest.mark.parametrize("number", [1, 2, 16, 100])
def test_the_name_of_a_review_has_room_in_any_round(number: int) -> None:
    longest = f"{'r' * 200}-{'s' * 32}-0123456789-16"
    name = review_name(longest, number)
    assert len(name) <= 253 and "-0123456789-16-review" in name and name[0].isalnum()
    there = approval(review_of(broken()).spec, name=name)
    assert find_review(longest, [approval(), there]) is there
    assert find_review(longest.removesuffix("-16"), [there]) is None, "of another round"
    after = Approval.model_validate(reopen(there, at(9)))
    assert after.metadata.name == review_name(longest, number + 1)
    assert find_review("gate", [approval(name="gate"), approval(name="gate-review-x")]) is None


@pytest.mark.parametrize("name", ["oncall", "other"])
def test_it_opens_later_stages_whose_rules_name_the_same_person(name: str) -> None:
    plan = run_plan(gates=[FIRST, ALSO])
    first = broken(plan, by=name)
    there = (review_of(first, plan),)
    found = answer(held(plan, platform=BROKEN), first, plan=plan, reviews=there)
    if name == "oncall":
        assert isinstance(found, Granted)
        assert found.warrant.why == f"platform: oncall broke the glass: {WHY}; security: opened by the same break-glass"
        assert isinstance(answer(held(plan, Phase.RUNNING, platform=BROKEN), first, plan=plan, reviews=there), Granted)
    else:
        assert isinstance(found, Unsure) and only(found.effects).manifest["spec"]["stage"] == "security"
        assert only(found.effects).manifest["spec"]["excluded"] == ["other"], "who broke one decides no other"


@pytest.mark.parametrize(
    ("changed", "opened"),
    [
        ({}, True),
        ({"break_glass": BreakGlass(groups=["sre-oncall"], requester=OwnGlass.FORBID)}, True),
        ({"break_glass": BreakGlass(groups=["others"], requester=OwnGlass.FORBID)}, False),
        ({"break_glass": None}, False),
        ({"exclude": ["ONCALL"]}, False),
    ],
)
def test_by_name_or_by_a_group_that_was_stamped(changed: dict[str, Any], opened: bool) -> None:
    plan = run_plan(gates=[FIRST, amend(ALSO, **changed)])
    first = broken(plan)
    found = answer(held(plan, platform=BROKEN), first, plan=plan, reviews=(review_of(first, plan),))
    assert isinstance(found, Granted) is opened


def test_a_stage_between_is_opened_and_the_last_waits_as_usual() -> None:
    plan = run_plan(gates=[FIRST, ALSO, LAST])
    first = broken(plan)
    asked = answer(held(plan, platform=BROKEN), first, plan=plan, reviews=(review_of(first, plan),))
    assert isinstance(asked, Unsure)
    made = only(asked.effects).manifest["spec"]
    assert (made["stage"], made["excluded"]) == ("owners", ["oncall"])


def test_a_requester_opens_later_stages_only_where_they_allow_it() -> None:
    own = BreakGlass(groups=["sre-oncall"], requester=OwnGlass.ALLOW)
    for second, opened in ((OwnGlass.ALLOW, True), (OwnGlass.FORBID, False)):
        rules = [amend(FIRST, break_glass=own), amend(ALSO, break_glass=amend(own, requester=second))]
        plan = run_plan(gates=rules)
        first = broken(plan, by="developer@example.com")
        found = answer(held(plan, platform=BROKEN), first, plan=plan, reviews=(review_of(first, plan),))
        assert isinstance(found, Granted) is opened


def test_all_who_were_skipped_review_it_but_for_who_broke_it() -> None:
    later = EscalationStep(after="1h", to=Added(users=["night"]))
    names = RuleApprovers(users=["oncall", "lead-1", "author", "developer@example.com"], groups=["platform-leads"])
    plan = run_plan(gates=[amend(FIRST, approvers=names, escalation=[later], exclude=["author"]), ALSO, LAST])
    made = review_of(broken(plan), plan)
    assert made.spec.policy.approvers == Approvers(
        users=["lead-1", "sec-1", "night"], groups=["platform-leads", "security"]
    )
    assert (made.spec.excluded, made.spec.purpose) == (["oncall", "author"], Purpose.REVIEW)
    assert (made.spec.policy.deadline, made.spec.policy.due, made.spec.policy.required) == (None, at(3) + DUE, 1)
    assert made.spec.message == f"oncall broke the glass of stage platform at 2026-11-24 12:01 UTC: {WHY}"
    assert made.spec.planned.document is None, "the gate keeps it"
    assert find_skipped(plan, None, at(3)) is find_skipped(None, broken(), at(3)) is None
    assert find_skipped(plan, approval(), at(3)) is None


def test_where_nobody_of_them_is_left_others_on_call_review_it() -> None:
    alone = RuleApprovers(users=["oncall", "developer@example.com"])
    for glass, reviewers in (
        (BreakGlass(users=["oncall", "second"], requester=OwnGlass.FORBID), Approvers(users=["second"])),
        (NIGHT, Approvers(groups=["sre-oncall"])),
        (BreakGlass(users=["oncall"], requester=OwnGlass.FORBID), Approvers(users=alone.users)),
    ):
        plan = run_plan(gates=[amend(FIRST, approvers=alone, break_glass=glass)])
        assert review_of(broken(plan), plan).spec.policy.approvers == reviewers


def look(review: Approval, minutes: float = 5, **known: Any) -> Plan[Any]:
    return plan_approval(
        ApprovalSnapshot(review, known.pop("run", None), known.pop("outcomes", GUARDED), **known), at(minutes)
    )


def test_a_review_outlives_its_run_and_waits_without_end() -> None:
    first = look(review_of(broken()))
    assert first.status.state is PENDING and not first.effects, "nobody asks whether its run is there"
    assert first.status.message == (
        f"oncall broke the glass of stage platform at 2026-11-24 12:01 UTC: {WHY}."
        " To be signed by one of group platform-leads, due 2026-11-27 12:03 UTC"
    )
    kept = amend(review_of(broken()), status=first.status)
    again = look(kept)
    assert again.status == first.status and again.wake_at == at(3) + DUE
    withdrawn = run(spec={"withdrawn": True})
    ended = held(phase=Phase.SUPERSEDED, platform=BROKEN)
    for subject in (withdrawn, ended, run(meta={"deletion_timestamp": NOW})):
        assert look(kept, run=subject).status.state is PENDING
    assert look(kept, 60 * 24 * 400).status.state is PENDING


def test_who_is_to_sign_is_reminded_once_it_is_due_and_every_day_after() -> None:
    review = amend(review_of(broken()), status=look(review_of(broken())).status)
    told = []
    for hours in (71, 73, 74, 97, 98, 24 * 30):
        plan = look(review, 3 + hours * 60)
        review = amend(review, status=plan.status)
        told.append(len([each for each in plan.status.notifications if each.event is EventType.REVIEW_DUE]) // 2)
        assert certain(plan.wake_at) > at(3 + hours * 60)
    assert told == [0, 1, 1, 2, 2, 3], "what was missed meanwhile is said once"
    assert next_reminder(review, at(3 + 73 * 60)) == at(3) + DUE + timedelta(days=1)


@pytest.mark.parametrize(
    ("verdict", "state", "event", "said"),
    [
        (A, ApprovalState.APPROVED, EventType.REVIEW_SIGNED, "Signed by lead-1"),
        (D, ApprovalState.DECLINED, EventType.REVIEW_OBJECTED, "Objected to by lead-1"),
    ],
)
def test_one_of_them_signs_or_objects(verdict: str, state: ApprovalState, event: EventType, said: str) -> None:
    review = review_of(broken())
    spec = amend(review.spec, decisions={"lead-1": vote(verdict, 5, comment="seen")})
    plan = look(amend(review, spec=spec))
    assert (plan.status.state, plan.status.message) == (state, said)
    told = {each.event: each.message for each in plan.status.notifications}
    assert told[event].startswith(f"{said}: seen. oncall broke the glass")
    silent = amend(review, spec=amend(review.spec, decisions={"lead-1": vote(verdict, 5)}))
    assert any(f"{said}. oncall" in each.message for each in look(silent).status.notifications)
    assert [each.key for each in look(amend(review, spec=spec), outcomes={}).effects] == [VERIFY]
    ended = amend(review, spec=spec, status=plan.status)
    assert look(ended).status.state is state
    forged = look(amend(ended, spec=review.spec), 60 * 24 * 5)
    assert forged.status.state is PENDING, "a status alone signs nothing"


@pytest.mark.parametrize("who", ["oncall", "developer@example.com", "stranger"])
def test_nobody_else_does(who: str) -> None:
    groups = [] if who == "stranger" else ["platform-leads"]
    review = review_of(broken())
    signed = amend(review, spec=amend(review.spec, decisions={who: vote(A, 5, groups)}))
    assert look(signed).status.state is PENDING


def test_what_may_be_forged_is_asked_again_under_another_name() -> None:
    review = review_of(broken())
    signed = amend(review, spec=amend(review.spec, decisions={"lead-1": vote(A, 5)}))
    first = look(signed, tainted="a gap")
    create = only(first.effects)
    assert (create.manifest["metadata"]["name"], first.status.state) == (f"{review.metadata.name}-2", PENDING)
    assert look(signed, tainted="a gap", outcomes={create.key: failed("Timeout", transient=True)}).retry
    for there in (Stored(create.manifest), failed("AlreadyExists", found=create.manifest)):
        assert look(signed, tainted="a gap", outcomes={create.key: there}).status.state is SUPERSEDED
    anew = Approval.model_validate(reopen(amend(signed, status=amend(signed.status, state=SUPERSEDED)), at(9)))
    assert (anew.metadata.name, anew.spec.decisions) == (f"{review.metadata.name}-2", {})
    assert Approval.model_validate(reopen(anew, at(9))).metadata.name == f"{review.metadata.name}-3"
    assert anew.spec.policy.due == at(9) + DUE


def seen(
    subject: ActionRun, *reviews: Approval, gates: tuple[Approval, ...] = (), outcomes: dict[str, object] | None = None
) -> Plan[ActionRunStatus]:
    done = {**GUARDED, **(outcomes or {})}
    return plan_action_run(RunSnapshot(subject, approvals=gates, reviews=reviews, outcomes=done), at(9))


def reviewed(plan: Plan[ActionRunStatus]) -> tuple[str, str]:
    found = certain(find_condition(list(plan.status.conditions), "Reviewed"))
    return found.status.value, str(found.reason)


OVER = held(phase=Phase.SUCCEEDED, platform=BROKEN)


def test_an_ended_run_says_that_nobody_has_signed_it_and_is_not_settled() -> None:
    plan = seen(OVER, review_of(broken()))
    assert (reviewed(plan), plan.status.phase, plan.status.settled) == (("False", "ReviewOpen"), Phase.SUCCEEDED, None)
    assert plan.wake_at == at(9) + timedelta(days=1)
    going = seen(held(platform=BROKEN), review_of(broken()), gates=(broken(),))
    assert going.effects, "whatever comes first, comes first"


@pytest.mark.parametrize(
    ("state", "reason"), [(ApprovalState.APPROVED, "Signed"), (ApprovalState.DECLINED, "Objected")]
)
def test_until_somebody_has(state: ApprovalState, reason: str) -> None:
    plan = seen(OVER, review_of(broken(), state=state, message="said"))
    assert (reviewed(plan), plan.status.settled) == (("True", reason), True)


def test_of_two_reviews_an_open_one_prevails_and_then_an_objection() -> None:
    plan = run_plan(gates=[FIRST, amend(ALSO, break_glass=NIGHT)])
    both = held(plan, Phase.FAILED, platform=BROKEN, security=BROKEN)
    first, second = (review_of(broken(plan, name), plan) for name in ("platform", "security"))
    signed, objected = ApprovalState.APPROVED, ApprovalState.DECLINED
    ended = [
        amend(first, status=amend(first.status, state=objected)),
        amend(second, status=amend(second.status, state=signed)),
    ]
    assert reviewed(seen(both, ended[0], second)) == ("False", "ReviewOpen")
    assert reviewed(seen(both, *ended)) == ("True", "Objected")


def test_a_review_that_the_cache_does_not_know_is_read() -> None:
    name = certain(OVER.status.approvals[0].review)
    assert [each.key for each in seen(OVER).effects] == [f"read-review-{name}"]
    review = review_of(broken())
    found = seen(
        OVER, outcomes={f"read-review-{name}": Stored(review.model_dump(mode="json", by_alias=True, exclude_none=True))}
    )
    assert reviewed(found) == ("False", "ReviewOpen")
    assert seen(OVER, outcomes={f"read-review-{name}": failed("Timeout", transient=True)}).retry
    gone = seen(OVER, outcomes={f"read-review-{name}": failed("NotFound")})
    assert (reviewed(gone), gone.status.settled) == (("Unknown", "ReviewGone"), True)


def test_a_review_that_was_superseded_is_opened_again() -> None:
    review = review_of(broken(), state=SUPERSEDED)
    first = seen(OVER, review)
    create = only(first.effects)
    key = create.key
    assert create.manifest["metadata"]["name"] == f"{review.metadata.name}-2"
    assert seen(OVER, review, outcomes={key: failed("Forbidden")}).retry
    for there in (Stored(create.manifest), failed("AlreadyExists", found=create.manifest)):
        plan = seen(OVER, review, outcomes={key: there})
        assert plan.status.approvals[0].review == f"{review.metadata.name}-2"
        assert reviewed(plan) == ("False", "ReviewOpen")


def test_a_run_that_is_deleted_or_has_none_says_nothing_of_reviews() -> None:
    going = amend(OVER, metadata=amend(OVER.metadata, deletion_timestamp=NOW))
    assert not seen(going).effects
    forgotten = amend(seen(OVER, review_of(broken())).status, approvals=[])
    plan = seen(amend(OVER, status=forgotten))
    assert find_condition(list(plan.status.conditions), "Reviewed") is None


def test_all_who_were_skipped_are_told_at_once_and_the_requester_too() -> None:
    plan = run_plan(gates=[FIRST, ALSO])
    first = broken(plan)
    look = RunSnapshot(
        held(plan, platform=PENDING), approvals=(first,), reviews=(review_of(first, plan),), outcomes=GUARDED
    )
    decided = plan_action_run(look, at(3))
    (told,) = [each for each in decided.status.notifications if each.channel == "chat"]
    assert (told.event, told.stage) == (EventType.GLASS_BROKEN, "platform")
    assert told.message == f"Stage platform, 1 of 2: oncall broke the glass: {WHY}"
    assert [each.event for each in decided.status.timeline] == ["GlassBroken"]
    skipped = certain(find_skipped(plan, first, at(3)))
    assert skipped == Approvers(users=["sec-1"], groups=["platform-leads", "security"])
    next_look = replace(look, run=amend(look.run, status=decided.status))
    assert plan_action_run(next_look, at(3)).effects, "then its start is tried"


def test_who_counts_is_asked_of_the_spec_alone() -> None:
    spec: ApprovalSpec = broken().spec
    assert certain(count(spec, at(3)).decisive).by == "oncall"


def test_how_a_review_ended_is_said_in_its_own_words() -> None:
    ends = ((A, ApprovalState.APPROVED, "Signed by"), (D, ApprovalState.DECLINED, "Objected to by"))
    for verdict, state, said in ends:
        review = review_of(broken(), state=state)
        signed = amend(review, spec=amend(review.spec, decisions={"lead-1": vote(verdict, 5, comment="seen")}))
        assert say_ended(as_decided(signed, at(9))) == f"{said} lead-1: seen"


def test_approvers_read_who_may_break_the_glass() -> None:
    both = amend(NIGHT, users=["oncall"])
    policy = policy_of(amend(FIRST, break_glass=both), at(120))
    assert policy_phrase(policy) == "1 of group platform-leads; oncall, group sre-oncall may break the glass"
    assert policy_phrase(policy_of(LAST, at(120))) == "1 of owner"


@pytest.mark.parametrize(("to", "name"), [(None, "YOUR-USER-NAME"), ("lead-1", "lead-1")])
def test_who_is_told_of_it_finds_the_lines_to_sign_or_object(to: str | None, name: str) -> None:
    recipient = Recipient(kind=RecipientKind.USER, name=to) if to is not None else None
    entry = Notification(id="a", event=EventType.GLASS_BROKEN, channel="chat", at=at(3), stage="platform")
    told = compose_run(held(platform=BROKEN), broken(), amend(entry, recipient=recipient))
    review = f"{broken().metadata.name}-review"
    assert ("To be reviewed in", f"Approval {review}") in told.facts
    assert [label for label, _ in told.how_to_decide] == ["Sign", "Object"]
    assert all(f"patch approval {review} -n team-a" in line and f'"{name}"' in line for _, line in told.how_to_decide)
    unknown = compose_run(held(platform=PENDING), broken(), entry)
    assert not unknown.how_to_decide, "an older version may have written the run's status"
    due = compose_approval(review_of(broken()), amend(entry, event=EventType.REVIEW_DUE, recipient=recipient))
    assert due.how_to_decide == told.how_to_decide
    assert ("Who may sign", "group platform-leads") in due.facts and ("Due", "2026-11-27 12:03 UTC") in due.facts
    signed = review_of(broken(), state=ApprovalState.APPROVED)
    ended = compose_approval(signed, amend(entry, event=EventType.REVIEW_DUE))
    assert ended.how_to_decide == () and ended.headline.startswith("Approved")
