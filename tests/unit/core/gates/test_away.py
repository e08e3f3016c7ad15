"""Who stands in for whom when a gate opens: a table of Delegations, each with what becomes of it, and why."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.builders.cast import ACTION
from tests.builders.models import DEADLINE, NOW, action, at, gate, run, run_plan, stage, waiting

from pratique.api.v1alpha1.action_run import Phase
from pratique.api.v1alpha1.approval import Approval, ApprovalSpec
from pratique.api.v1alpha1.delegation import Delegation, DelegationSpec
from pratique.api.v1alpha1.delegations import DelegationRule
from pratique.api.v1alpha1.escalation import Added, TimedStep
from pratique.api.v1alpha1.meta import ObjectMeta
from pratique.api.v1alpha1.people import OnBehalfOf, Requester
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.gates.away import MOST, lend
from pratique.core.gates.delegated import DelegationSnapshot, plan_delegation
from pratique.core.gates.granted import GROUND
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.port import Fresh, Question, Unsure
from pratique.core.kernel.effects import AskRights, Create, Failure, Json, Verified, VerifyGuard

BORN = NOW - timedelta(days=1)
GUARDED = {VERIFY: Verified(since=BORN - timedelta(days=1))}
PEOPLE = Approvers(users=["ann", "eve"], groups=["ops", "dev"])


def away(who: str = "ann", to: str = "bob", until: float = 600, name: str = "", **more: Any) -> Delegation:
    """Return a Delegation that was made yesterday; minutes from now."""
    meta = {"name": name or f"{who}-{to}", "creation_timestamp": more.pop("born", BORN), "generation": 1, "uid": "d1"}
    meta |= {"deletion_timestamp": NOW} if more.pop("gone", False) else {}
    owner = Requester(username=who, groups=more.pop("groups", ["sales", "dev", "ops"]))
    return Delegation(metadata=ObjectMeta(**meta), spec=DelegationSpec(to=to, until=at(until), from_=owner, **more))


def opened(delegation: DelegationRule | None = DelegationRule.ALLOW, **changes: Any) -> ApprovalSpec:
    policy = {"approvers": PEOPLE, "delegation": delegation, **changes.pop("policy", {})}
    return gate(**policy).model_copy(update=changes)


def manifest(spec: ApprovalSpec) -> Json:
    approval = Approval(metadata=ObjectMeta(name="gate", namespace="team-a"), spec=spec)
    return {**approval.to_wire(), "spec": spec.to_wire()}


def lent(
    spec: ApprovalSpec, *given: Delegation, may: Any = True, guard: Any = None, now: datetime = NOW
) -> dict[str, str]:
    """Return whom each has named, by name, once everything is known."""
    outcomes = dict(guard or GUARDED) | {f"away/{each.metadata.name}": may for each in given}
    found = lend(manifest(spec), given, outcomes, now)
    assert not isinstance(found, Unsure)
    return {name: each["to"] for name, each in found["spec"].get("delegations", {}).items()}


HOLDS: dict[str, Delegation] = {
    "by name": away(),
    "as one of a group": away("cid"),
    "from later on, before the deadline": away(not_before=at(60)),
    "for the last minute": away(until=0.5),
}
OUT: dict[str, Delegation] = {
    "nobody who is asked": away("zoe", groups=["sales"]),
    "over": away(until=0),
    "begins when nobody decides any more": away(not_before=DEADLINE),
    "being deleted": away(gone=True),
    "whose is not known": away().model_copy(update={"spec": DelegationSpec(to="bob", until=at(600))}),
    "to who asks": away(to="DEVELOPER@example.com"),
    "to for whom it is asked": away(to="Boss"),
    "to who is excluded": away(to="Out"),
    "of who is excluded": away("out", groups=["ops"]),
    "of who asks": away("developer@example.com"),
    "to a machine": away(to="system:serviceaccount:ci:bot"),
    "of a machine": away("system:serviceaccount:ci:bot"),
    "to oneself": away(to="Ann"),
    "for too long": away(until=60 * 24 * 60),
}


@pytest.mark.parametrize("delegation", HOLDS.values(), ids=HOLDS)
def test_it_is_taken_in(delegation: Delegation) -> None:
    owner = delegation.spec.from_
    assert owner is not None
    assert lent(opened(), delegation) == {owner.username: "bob"}
    assert lent(opened(None), delegation) == lent(opened(DelegationRule.FORBID), delegation) == {}
    assert lent(opened(), delegation, may=False) == {}, "a list without the verb lends no seat"
    assert lent(opened(), delegation, may=Failure("Forbidden", "no")) == {}
    late = {VERIFY: Verified(since=BORN)}
    assert lent(opened(), delegation, guard=late) == {}, "nobody knows who made it"


@pytest.mark.parametrize("delegation", OUT.values(), ids=OUT)
def test_it_is_not(delegation: Delegation) -> None:
    spec = opened(excluded=["out"], on_behalf_of=OnBehalfOf(username="boss"))
    assert lend(manifest(spec), [delegation], {}, NOW) == manifest(spec), "and nothing is asked for it"


def test_the_copy_says_what_was_stamped_and_where_it_is_from() -> None:
    found = lend(manifest(opened()), [away(not_before=at(5))], GUARDED | {"away/ann-bob": True}, NOW)
    assert not isinstance(found, Unsure)
    assert found["spec"]["delegations"] == {
        "ann": {
            "to": "bob",
            "until": "2026-11-24T22:00:00Z",
            "notBefore": "2026-11-24T12:05:00Z",
            "at": "2026-11-23T12:00:00Z",
            "groups": ["ops", "dev"],
            "source": "Delegation/ann-bob",
        }
    }


def test_who_is_asked_by_a_step_later_is_asked() -> None:
    steps = [TimedStep(at=at(3), to=Added(users=["zoe"])), TimedStep(at=at(4))]
    assert lent(opened(policy={"escalation": steps}), away("zoe", groups=[])) == {"zoe": "bob"}


def test_one_a_person_and_a_part_of_all() -> None:
    earlier, later = away(to="bob", not_before=at(1)), away("Ann", to="cid", not_before=at(9), groups=["ops"])
    assert lent(opened(), later, earlier) == {"ann": "bob"}, "who begins first"
    crowd = [away(f"p{number}", name=f"a{number:02}") for number in range(70)]
    found = lent(opened(), *crowd, away(name="z"))
    assert len(found) == MOST and "ann" in found, "who is named goes before who is one of many"


def test_one_that_does_not_count_hides_none_that_does() -> None:
    """Of several of one person the one counts that holds now, else the one that holds longest; of those that count."""
    brief, long = away(until=1, name="brief"), away(to="cid", until=900, not_before=at(1), name="long")
    assert lent(opened(), long, brief) == {"ann": "bob"}
    unguarded = away(until=900, name="old", born=BORN - timedelta(days=2))
    assert lent(opened(), unguarded, away(to="cid", name="new")) == {"ann": "cid"}
    later = [away(to="cid", not_before=at(5), name="a"), away(to="dan", not_before=at(9), until=900, name="b")]
    assert lent(opened(), *later) == {"ann": "dan"}


def test_what_must_come_first() -> None:
    asked = [away(), away("eve")]
    first = lend(manifest(opened()), asked, {}, NOW)
    assert isinstance(first, Unsure) and not first.retry
    verify, ann, eve = first.effects
    assert isinstance(verify, VerifyGuard) and isinstance(ann, AskRights) and isinstance(eve, AskRights)
    assert (ann.username, ann.verb, ann.resource, ann.ref.name, ann.ref.namespace) == (
        "ann",
        "approve",
        "actions",
        ACTION,
        "team-a",
    )
    assert ann.groups == ("sales", "dev", "ops")
    unguarded = lend(manifest(opened()), asked, {VERIFY: Failure("NotGuarded", "no", transient=True)}, NOW)
    assert isinstance(unguarded, Unsure) and unguarded.retry
    rest = lend(manifest(opened()), asked, GUARDED | {"away/ann-bob": True}, NOW)
    assert isinstance(rest, Unsure) and [each.key for each in rest.effects] == ["away/eve-bob"]
    silent = GUARDED | {"away/ann-bob": True, "away/eve-bob": Failure("Timeout", "no", transient=True)}
    lost = lend(manifest(opened()), asked, silent, NOW)
    assert isinstance(lost, Unsure) and lost.retry and not lost.effects


def test_a_run_opens_its_gate_with_them() -> None:
    plan = run_plan(gate=stage(approvers=PEOPLE, delegation=DelegationRule.ALLOW))
    subject = run(phase=Phase.PENDING, plan=plan)
    question = Question(subject, action(), outcomes=dict(GUARDED), away=(away(),))
    first = GROUND.enter(question, Fresh(plan), NOW)
    assert isinstance(first, Unsure) and [each.key for each in first.effects] == ["away/ann-bob"]
    known = Question(subject, action(), outcomes=GUARDED | {"away/ann-bob": True}, away=(away(),))
    second = GROUND.enter(known, Fresh(plan), NOW)
    assert isinstance(second, Unsure)
    (create,) = second.effects
    assert isinstance(create, Create) and create.manifest["spec"]["delegations"]["ann"]["to"] == "bob"
    assert waiting(plan).status.phase is Phase.WAITING_FOR_APPROVAL


def ready(delegation: Delegation, outcomes: Json | None = None, now: datetime = NOW) -> tuple[str, str, str]:
    plan = plan_delegation(DelegationSnapshot(delegation, GUARDED if outcomes is None else outcomes), now)
    found = {each.type: each for each in plan.status.conditions}["Ready"]
    assert plan.wake_at == (None if found.reason == "Over" else delegation.spec.until)
    assert plan.status.observed_generation == 1
    return found.status.value, found.reason, found.message


def test_what_its_status_says() -> None:
    assert ready(away()) == (
        "True",
        "Honoured",
        "bob decides until 2026-11-24 22:00 UTC, in gates that open and take stand-ins",
    )
    assert "decides from 2026-11-24 12:05 UTC until" in ready(away(not_before=at(5)))[2]
    assert ready(away(), now=at(600))[:2] == ("False", "Over")
    found = ready(away(), {VERIFY: Verified(since=BORN)})
    assert found[:2] == ("False", "NotGuarded") and "delete it, and make it again" in found[2]
    first = plan_delegation(DelegationSnapshot(away()), NOW)
    assert [each.key for each in first.effects] == [VERIFY] and not first.status.conditions
