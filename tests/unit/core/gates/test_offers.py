"""Counter-offers: what may be offered, what is asked for then, and who has to accept it."""

from dataclasses import replace
from typing import Any

import pytest
from tests.builders.models import (
    action,
    approval,
    approved,
    at,
    failed,
    gate,
    only,
    run,
    run_plan,
    stage,
    tried,
    vote,
    waiting,
)

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase, RunApproval, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalSpec, ApprovalState, Purpose
from pratique.api.v1alpha1.counter_offer import Answer, Consent, ConsentRule, CounterOffer, Offered, OfferedValues
from pratique.api.v1alpha1.decisions import Decision
from pratique.api.v1alpha1.escalation import TimedStep
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType, Notification
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.gates.changes import changes
from pratique.core.gates.entries import approval_name
from pratique.core.gates.free import EVALUATE
from pratique.core.gates.grounds import ask
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.offers import find_offer, with_offered
from pratique.core.gates.opening import find_difference, open_gate, open_next_gate, policy_of
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval, state_holds
from pratique.core.gates.port import Granted, Question
from pratique.core.gates.tally import Tally, awaits, count, may_take_back
from pratique.core.kernel.effects import Create, EvaluateRun, Evaluation, Listing, ListOptions, Plan, Stored, Verified
from pratique.core.plans.document import Document, document
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.telling.messages import compose_run
from pratique.core.telling.wording import say_ended

GUARDED: dict[str, object] = {VERIFY: Verified()}
OFFERED, PENDING, SUPERSEDED = ApprovalState.OFFERED, ApprovalState.PENDING, ApprovalState.SUPERSEDED
REQUIRED = ConsentRule.REQUIRED
RULE = CounterOffer(
    inputs={"ttl": OfferedValues(values=["3d", "5d"]), "cpu": OfferedValues(minimum=1, maximum=4, whole=True)}
)
FIRST = stage(approvers=Approvers(groups=["platform-leads"]), counter_offer=RULE)
LAST = stage(name="security", approvers=Approvers(groups=["security"]))
PLAN = run_plan(gates=[FIRST], inputs={"ttl": "14d", "cpu": 2})
LESS = amend(PLAN, inputs={"ttl": "5d", "cpu": 2})
INSTEAD = Offered(inputs={"ttl": "5d"}, by="lead-1", stage="platform")
ACCEPT, REJECT = (Consent(answer=each, by="developer@example.com") for each in (Answer.ACCEPT, Answer.REJECT))


def offer(minute: float = 1, **proposal: Any) -> Decision:
    return amend(vote("Offer", minute, comment="ten days are too many"), proposal=proposal or {"ttl": "5d"})


def gated(said: dict[str, Decision] | None = None, state: ApprovalState = PENDING, **more: Any) -> Approval:
    """Return the gate of the first stage."""
    rule = more.pop("policy", {})
    spec = gate(said or {}, **{**dict(policy_of(FIRST, at(120))), **rule})
    return approval(
        amend(spec, plan=approved(PLAN), **more), name=approval_name(waiting(PLAN), "platform"), state=state
    )


def asked(round_: int = 1, **spec: Any) -> ActionRun:
    """Return a run that waits for its gate."""
    held = waiting(PLAN, inputs={"ttl": "14d", "cpu": 2}, **spec)
    name = approval_name(held, "platform", round_)
    entry = RunApproval(stage="platform", name=name, state=PENDING, round=round_)
    return amend(held, status=amend(held.status, approvals=[entry], document=None))


def look(gate_: Approval, minute: float = 3) -> Any:
    return plan_approval(ApprovalSnapshot(gate_, run(), GUARDED), at(minute))


def follow(owner: ActionRun, *gates: Approval, **outcomes: Any) -> Plan[ActionRunStatus]:
    return plan_action_run(RunSnapshot(owner, action(), gates, {**GUARDED, **outcomes}), at(3))


@pytest.mark.parametrize(
    ("proposal", "fits"),
    [
        ({"ttl": "5d"}, True),
        ({"ttl": "3d", "cpu": 4}, True),
        ({"cpu": 1}, True),
        ({}, False),
        ({"ttl": "14d"}, False),
        ({"ttl": 5}, False),
        ({"ttl": None}, False),
        ({"ttl": ["5d"]}, False),
        ({"cpu": 5}, False),
        ({"cpu": 0}, False),
        ({"cpu": "2"}, False),
        ({"cpu": 2.5}, False),
        ({"cpu": True}, False),
        ({"memory": "3d"}, False),
        ({"ttl": "5d", "memory": "3d"}, False),
    ],
)
def test_what_may_be_offered(proposal: dict[str, Any], fits: bool) -> None:
    assert RULE.holds(proposal) is fits
    said = gated({"lead-1": amend(vote("Offer"), proposal=proposal)})
    found, _ = find_offer(said, at(3))
    assert (found is not None) is fits
    assert found is None or (found.inputs, found.by, found.stage) == (proposal, "lead-1", "platform")


def test_a_range_takes_any_number_of_it_unless_whole() -> None:
    share = OfferedValues(minimum=0.5, maximum=2)
    assert [share.holds(each) for each in (0.5, 1, 1.5, 2.1)] == [True, True, True, False]


def test_it_ends_the_gate_as_offered() -> None:
    status = look(gated({"lead-1": offer()})).status
    assert (status.state, status.message) == (OFFERED, "lead-1 offers ttl: 5d")
    found = {each.type: (each.status.value, each.reason) for each in status.conditions}
    assert found["Approved"] == ("False", "CounterOffered") and found["Decided"] == ("True", "CounterOffered")
    assert found["Stalled"] == ("True", "CounterOffered")
    ended = amend(gated({"lead-1": offer()}), status=status)
    assert state_holds(ended, None, at(3)) and not state_holds(amend(gated(), status=status), None, at(3))
    assert say_ended(ended) == "lead-1 offers something else: ten days are too many"
    unsure = plan_approval(ApprovalSnapshot(gated({"lead-1": offer()}), run()), at(3))
    assert [each.key for each in unsure.effects] == [VERIFY], "not before it is known that the API server guarded"


@pytest.mark.parametrize(
    ("said", "rule", "tally"),
    [
        ({"lead-1": offer(1)}, {}, Tally.OFFERED),
        ({"lead-1": offer(1)}, {"required": 3}, Tally.OFFERED),
        ({"lead-1": vote("Approve", 1), "lead-2": offer(2)}, {"required": 2}, Tally.OFFERED),
        ({"lead-1": vote("Approve", 1), "lead-2": offer(2)}, {}, Tally.APPROVED),
        ({"lead-1": vote("Decline", 1), "lead-2": offer(2)}, {"decline_threshold": 2}, Tally.OFFERED),
        ({"lead-1": vote("Decline", 1), "lead-2": offer(1)}, {}, Tally.DECLINED),
        ({"lead-1": offer(1)}, {"counter_offer": None}, Tally.OPEN),
        ({"developer@example.com": offer(1)}, {}, Tally.OPEN),
        ({"lead-1": offer(120)}, {}, Tally.OPEN),
    ],
)
def test_what_it_counts_for(said: dict[str, Decision], rule: dict[str, Any], tally: Tally) -> None:
    assert count(gated(said, policy=rule).spec, at(3)).tally is tally


def test_the_plan_is_made_anew_of_what_was_offered() -> None:
    owner = asked()
    ended = gated({"lead-1": offer()}, OFFERED)
    evaluate = only(follow(owner, ended).effects)
    assert isinstance(evaluate, EvaluateRun)
    assert evaluate.run.spec.inputs == {"ttl": "5d", "cpu": 2} and evaluate.kept == "platform"
    opening = follow(owner, ended, **{EVALUATE: Evaluation(plan=LESS)}, **tried(LESS))
    create = only(opening.effects)
    assert isinstance(create, Create)
    spec = ApprovalSpec.model_validate(create.manifest["spec"])
    assert create.manifest["metadata"]["name"].endswith("-2") and spec.decisions == {}
    assert (spec.purpose, spec.offered, spec.policy.consent) == (Purpose.OFFER, INSTEAD, None)
    assert Document(spec.planned.document or "").plan.inputs == {"ttl": "5d", "cpu": 2}
    made = {EVALUATE: Evaluation(plan=LESS), "open-gate": Stored(create.manifest), **tried(LESS)}
    held = follow(owner, ended, **made)
    (entry,) = held.status.approvals
    assert (entry.round, entry.state) == (2, PENDING)
    events = {event for each in held.happened for event in each.events}
    assert {EventType.COUNTER_OFFERED, EventType.APPROVAL_REQUESTED} <= events
    assert [each.event for each in held.status.timeline] == ["CounterOffered", "WaitingForApproval"]
    first = approval(spec, name=create.manifest["metadata"]["name"])
    assert find_difference(Document(spec.planned.document or ""), first) is None
    again = follow(owner, ended, **{**made, "open-gate": Stored({**create.manifest, "metadata": {"name": "x"}})})
    assert again.status.phase is Phase.WAITING_FOR_APPROVAL, "made before a crash"


def test_what_cannot_be_made_of_it_ends_the_request() -> None:
    ended = gated({"lead-1": offer()}, OFFERED)
    refused = follow(asked(), ended, **{EVALUATE: Evaluation(refusals=("spec.inputs.ttl: too short",))})
    assert refused.status.phase is Phase.REFUSED
    assert refused.status.message == "lead-1 offered ttl: 5d, which cannot be: spec.inputs.ttl: too short"
    gone = follow(asked(), ended, **{EVALUATE: Evaluation(plan=run_plan())}, **tried(run_plan()))
    assert gone.status.phase is Phase.SUPERSEDED and "has no stage platform any more" in gone.status.message
    forged = follow(asked(), gated({}, OFFERED))
    assert forged.status.phase is Phase.WAITING_FOR_APPROVAL and forged.effects == (), "a status alone offers nothing"


def test_what_is_offered_is_looked_up_in_a_field_that_was_left_empty() -> None:
    """The field offers objects: what there is to choose from is looked at for what is asked now."""
    source = {"apiVersion": "v1", "kind": "ConfigMap"}
    schema = {"type": "object", "properties": {"ttl": {"type": "string"}}}
    listed = action(inputs={"schema": schema, "fields": {"ttl": {"options": {"from": source}}}})
    empty = amend(asked(), spec=amend(asked().spec, inputs={"cpu": 2}))
    ended = gated({"lead-1": offer()}, OFFERED)

    def went_on(**outcomes: Any) -> Plan[ActionRunStatus]:
        return plan_action_run(RunSnapshot(empty, listed, (ended,), {**GUARDED, **outcomes}), at(3))

    look_up = only(went_on().effects)
    assert isinstance(look_up, ListOptions) and look_up.key == "options/ttl"
    one = {"metadata": {"name": "5d", "uid": "u"}}
    evaluate = only(went_on(**{look_up.key: Listing("ConfigMaps", may_list=True, found=(one,))}).effects)
    assert isinstance(evaluate, EvaluateRun) and evaluate.listed == {"ttl": (one,)}
    assert evaluate.run.spec.inputs == {"ttl": "5d", "cpu": 2}
    unseen = went_on(**{look_up.key: Listing("ConfigMaps", may_list=False, found=())}).status
    assert unseen.phase is Phase.REFUSED and unseen.message.startswith(
        "lead-1 offered ttl: 5d, which cannot be: spec.inputs.ttl: it offers ConfigMaps, which you may not list"
    )
    away = went_on(**{look_up.key: failed("Timeout", "slow", transient=True)})
    assert (away.status.phase, away.retry) == (Phase.WAITING_FOR_APPROVAL, True)
    assert away.status.approvals == empty.status.approvals


def test_an_offer_that_the_rule_does_not_take_is_asked_again_without_it() -> None:
    ended = gated({"lead-1": offer(ttl="99d")}, OFFERED)
    evaluate = only(follow(asked(), ended).effects)
    assert isinstance(evaluate, EvaluateRun) and evaluate.run.spec.inputs["ttl"] == "14d" and evaluate.kept == ""


def test_what_is_asked_again_in_doubt_is_asked_as_it_was_offered() -> None:
    """Nobody knows who offered it: who asks accepts it anew, and is told so."""
    second = gated({}, SUPERSEDED, offered=INSTEAD, consent=ACCEPT)
    before = approval(
        second.spec, name=approval_name(asked(), "platform", 2), state=SUPERSEDED, message="nobody guarded"
    )
    evaluate = only(follow(asked(2), before).effects)
    assert isinstance(evaluate, EvaluateRun) and evaluate.run.spec.inputs["ttl"] == "5d"
    judged: dict[str, Any] = {EVALUATE: Evaluation(plan=LESS)}
    made = only(follow(asked(2), before, **judged, **tried(LESS)).effects)
    assert isinstance(made, Create)
    spec = ApprovalSpec.model_validate(made.manifest["spec"])
    assert (spec.policy.consent, spec.consent, spec.offered) == (REQUIRED, None, amend(INSTEAD, consent=REQUIRED))
    opened = follow(asked(2), before, **judged, **tried(LESS), **{made.key: Stored({**made.manifest, "status": {}})})
    assert [each.events for each in opened.happened] == [
        (EventType.COUNTER_OFFERED,),
        (EventType.APPROVAL_REQUESTED,),
    ]


@pytest.mark.parametrize(
    ("before", "rule", "consent", "needed"),
    [
        (None, RULE, None, None),
        (None, amend(RULE, consent=REQUIRED), None, REQUIRED),
        (REQUIRED, RULE, None, REQUIRED),
        (REQUIRED, RULE, ACCEPT, None),
    ],
)
def test_who_asks_accepts_what_was_never_accepted(
    before: ConsentRule | None, rule: CounterOffer, consent: Consent | None, needed: ConsentRule | None
) -> None:
    changed = {"counter_offer": rule, "consent": before}
    said = gated({"lead-1": offer(cpu=1)}, OFFERED, policy=changed, offered=INSTEAD, consent=consent)
    found, why = find_offer(said, at(3))
    assert found is not None
    assert why.startswith("lead-1 offers cpu: 1: ten days") and ("only if" in why) is (needed is not None)
    assert (found.inputs, found.consent) == ({"ttl": "5d", "cpu": 1}, needed)


def test_only_the_first_gate_of_a_round_asks_for_consent() -> None:
    plan = run_plan(gates=[FIRST, LAST])
    offered = amend(INSTEAD, consent=REQUIRED)
    owner = asked()
    first = Approval.model_validate({**open_gate(owner, plan, FIRST, at(1), 2, None, offered), "status": {}})
    assert first.spec.policy.consent is REQUIRED and first.spec.purpose is Purpose.OFFER
    after = ApprovalSpec.model_validate(open_next_gate(owner, plan, LAST, [first], at(2))["spec"])
    assert (after.policy.consent, after.offered) == (None, offered)


def unaccepted(consent: Consent | None = None) -> Approval:
    said = {"lead-1": vote("Approve", 1)}
    return gated(said, policy={"consent": REQUIRED}, offered=INSTEAD, consent=consent)


def test_nothing_is_granted_before_who_asks_has_accepted() -> None:
    status = look(unaccepted()).status
    assert (status.state, status.waiting_for) == (PENDING, ["developer@example.com"])
    assert status.message.startswith("Waiting for developer@example.com to accept the counter-offer until ")
    assert look(unaccepted(ACCEPT)).status.state is ApprovalState.APPROVED
    for answer in (ACCEPT, REJECT):
        forged = look(unaccepted(amend(answer, by="mallory@example.com"))).status
        assert forged.state is PENDING, "nobody else says it for them, however it came there"
    late = look(unaccepted(), 121).status
    assert late.state is ApprovalState.EXPIRED and "not both approved and accepted" in late.message
    assert "it was not declined" in say_ended(amend(unaccepted(), status=late))
    declined = gated({"lead-1": vote("Decline")}, policy={"consent": REQUIRED}, offered=INSTEAD)
    assert look(declined).status.state is ApprovalState.DECLINED


def test_meanwhile_nobody_else_is_asked() -> None:
    spec = unaccepted().spec
    assert not awaits(spec, "lead-2", ["platform-leads"], at(3))
    assert not may_take_back(spec, "lead-1", ["platform-leads"], at(3))
    step = {"escalation": [TimedStep(at=at(2))], "consent": REQUIRED}
    quiet = gated({"lead-1": vote("Approve", 1)}, policy=step, offered=INSTEAD)
    assert look(quiet).status.escalation == [] and look(quiet).wake_at == at(120)


def test_who_rejects_it_has_taken_it_back() -> None:
    rejected = unaccepted(REJECT)
    status = look(rejected).status
    assert (status.state, status.message) == (
        ApprovalState.WITHDRAWN,
        "The requester did not accept what was offered instead",
    )
    ended = amend(rejected, status=status)
    assert state_holds(ended, None, at(3)) and say_ended(ended) == status.message
    assert not unaccepted().spec.is_rejected and not gated(consent=REJECT).spec.is_rejected


def test_the_run_starts_from_the_second_gate_once_it_is_accepted() -> None:
    owner, plan = asked(2), LESS
    spec = ApprovalSpec.model_validate(
        open_gate(owner, plan, FIRST, at(0), 2, None, amend(INSTEAD, consent=REQUIRED))["spec"]
    )
    spec = amend(spec, decisions={"lead-1": vote("Approve", 1)})
    named = approval_name(owner, "platform", 2)
    held = follow(owner, approval(spec, name=named, state=ApprovalState.APPROVED))
    assert held.status.phase is Phase.WAITING_FOR_APPROVAL and not held.effects, "a forged status accepts nothing"
    going = follow(owner, approval(amend(spec, consent=ACCEPT), name=named, state=ApprovalState.APPROVED))
    assert any(each.key == "action" for each in going.effects), "it is about to start"
    written = document(plan)
    under_way = amend(owner, status=amend(owner.status, phase=Phase.RUNNING, document=written.text, started_at=at(2)))
    forged = follow(under_way, approval(spec, name=named, state=ApprovalState.APPROVED))
    assert forged.status.phase is Phase.FAILED and "nobody has approved it" in forged.status.message


@pytest.mark.parametrize(("ended", "minute"), [(None, 3), (at(2), 2), (at(0.5), 1), (at(500), 120)])
def test_the_time_to_start_runs_from_when_it_was_accepted(ended: Any, minute: float) -> None:
    owner = asked(2)
    spec = ApprovalSpec.model_validate(
        open_gate(owner, LESS, FIRST, at(0), 2, None, amend(INSTEAD, consent=REQUIRED))["spec"]
    )
    policy = amend(spec.policy, deadline=at(120))
    spec = amend(spec, decisions={"lead-1": vote("Approve", 1)}, consent=ACCEPT, policy=policy)
    gate_ = approval(spec, name=approval_name(owner, "platform", 2), state=ApprovalState.APPROVED, decided_at=ended)
    answer = ask(Question(owner, None, (gate_,), document(LESS), GUARDED), at(3))
    assert isinstance(answer, Granted) and answer.warrant.granted_at == at(minute)


def test_who_took_it_back_is_asked_nothing_more() -> None:
    ended = follow(asked(withdrawn=True), gated({"lead-1": offer()}, OFFERED))
    assert ended.status.phase is Phase.WITHDRAWN and ended.status.approvals[0].state is OFFERED


def test_who_asks_reads_how_to_accept_it() -> None:
    owner, second = asked(2), unaccepted()
    entry = Notification(id="1", event=EventType.COUNTER_OFFERED, channel="chat", at=at(1), message="lead-1 offers")
    told = compose_run(owner, second, entry)
    assert [label for label, _ in told.how_to_decide] == ["Accept", "Reject"]
    assert '"consent":{"answer":"Accept","by":"developer@example.com"}' in told.how_to_decide[0][1]
    assert compose_run(owner, unaccepted(ACCEPT), entry).how_to_decide == ()
    assert compose_run(owner, gated(), entry).how_to_decide == ()
    assert compose_run(owner, None, entry).how_to_decide == ()


def test_an_offer_is_no_change_of_mind() -> None:
    assert changes(gated({"lead-1": offer()}).spec) == []
    assert find_offer(gated({"lead-1": vote("Approve")}), at(3)) == (None, "")
    assert with_offered(run(), None) == run()


def test_a_stage_that_takes_offers_is_none_that_the_first_version_knows() -> None:
    assert not FIRST.is_plain and isinstance(replace(ApprovalSnapshot(gated(), None)), ApprovalSnapshot)
    assert isinstance(LESS, RunPlan)
