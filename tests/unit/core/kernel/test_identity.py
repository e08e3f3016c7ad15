"""Who asks: the caller, and the person for whom a submitter asks; neither of them decides, both are named."""

from typing import Any

import pytest
from tests.builders.messages import entry
from tests.builders.models import NOW, action, approval, at, effects, gate, run, run_plan, stage, vote

from pratique.api.v1alpha1.approval import ApprovalSpec
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.people import OnBehalfOf, Requester
from pratique.api.v1alpha1.stages import Approvers
from pratique.api.v1alpha1.subject import Subject
from pratique.core.gates.opening import open_gate
from pratique.core.gates.plan import READ_SUBJECT, ApprovalSnapshot, plan_approval
from pratique.core.gates.tally import Tally, count, may_decide
from pratique.core.judging.judge import judge
from pratique.core.kernel.effects import Stored
from pratique.core.kernel.identity import asked_by, askers, is_among, person_of
from pratique.core.telling.messages import compose_approval, compose_run

ARGO = "system:serviceaccount:argocd:argocd-application-controller"
PERSON = "developer@example.com"
FOR_PERSON = {"requested_by": Requester(username=ARGO), "on_behalf_of": OnBehalfOf(username=PERSON)}
BOTH = f"{PERSON} (by {ARGO})"


def held(**policy: Any) -> ApprovalSpec:
    """Return a gate for a run that Argo CD asked for on the developer's behalf."""
    return gate(**policy).model_copy(update=FOR_PERSON)


def maker(**body: object) -> dict[str, object]:
    """Return how an Action makes a ConfigMap."""
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}, **body}
    account = {"namespace": "pratique-actions", "name": "maker"}
    return {"serviceAccountRef": account, "resources": [{"id": "made", "template": made}]}


def test_the_person_is_told_and_both_are_named() -> None:
    spec = run(spec=FOR_PERSON).spec
    assert (askers(spec), person_of(spec), asked_by(spec)) == ((ARGO, PERSON), PERSON, BOTH)
    own = run().spec
    assert (askers(own), person_of(own), asked_by(own)) == ((PERSON,), PERSON, PERSON)
    unknown = run(spec={"requested_by": None}).spec
    assert (askers(unknown), person_of(unknown), asked_by(unknown)) == ((), "", "")


@pytest.mark.parametrize(
    ("username", "same"),
    [
        ("developer@example.com", True),
        ("DEVELOPER@EXAMPLE.COM", True),
        ("Ärztin@example.com", False),
        ("dеveloper@example.com", False),  # a Cyrillic е: another user
        ("developer@example.com ", False),
        ("", False),
    ],
)
def test_letter_case_is_one_person_and_a_look_alike_is_another(username: str, same: bool) -> None:
    assert is_among(username, (ARGO, PERSON)) is same


def test_letter_case_beyond_ascii() -> None:
    assert is_among("ÄRZTIN@example.com", ("ärztin@example.com",))


@pytest.mark.parametrize("username", [PERSON, "Developer@Example.COM", ARGO, ARGO.upper()])
def test_neither_of_the_two_decides(username: str) -> None:
    spec = held(approvers=Approvers(users=[username], groups=["platform-leads"]))
    assert not may_decide(spec, username, ["platform-leads"], at(1))
    assert may_decide(spec, "lead-1@example.com", ["platform-leads"], at(1))
    decided = spec.model_copy(update={"decisions": {username: vote("Approve")}})
    assert count(decided, at(5)).tally is Tally.OPEN


def test_a_gate_that_only_the_person_could_open_is_refused_at_once() -> None:
    only = stage(approvers=Approvers(users=[PERSON])).to_wire()
    offered = action(approval={"stages": [only]}, execution=maker(), allowServiceAccounts=True)
    (refusal,) = judge(offered, run(spec=FOR_PERSON)).refusals
    assert refusal == f"This could never be approved: it needs 1 of {PERSON}, and a requester cannot decide"
    assert judge(offered, run(spec={**FOR_PERSON, "on_behalf_of": None})).plan is not None


def test_a_machine_asks_for_itself_where_the_action_says_so() -> None:
    own = {"requested_by": Requester(username=ARGO)}
    (refusal,) = judge(action(execution=maker()), run(spec=own)).refusals
    assert refusal.startswith("This Action is for people, and a ServiceAccount asked: ")
    assert judge(action(execution=maker(), allowServiceAccounts=True), run(spec=own)).plan is not None
    assert judge(action(execution=maker()), run(spec=FOR_PERSON)).plan is not None


@pytest.mark.parametrize(("spec", "who"), [(FOR_PERSON, PERSON), ({}, PERSON)])
def test_expressions_see_for_whom_it_is(spec: dict[str, object], who: str) -> None:
    plan = judge(action(execution=maker(data={"for": "${run.onBehalfOf.username}"})), run(spec=spec)).plan
    assert plan is not None
    assert plan.objects[0].manifest["data"] == {"for": who}


def test_the_gate_carries_both() -> None:
    plan = run_plan(gate=stage())
    spec = open_gate(run(spec=FOR_PERSON), plan, stage(), NOW)["spec"]
    assert (spec["requestedBy"]["username"], spec["onBehalfOf"]) == (ARGO, {"username": PERSON})
    assert "onBehalfOf" not in open_gate(run(), plan, stage(), NOW)["spec"]


def test_messages_are_for_the_person_and_name_both() -> None:
    asked = run(spec=FOR_PERSON, plan=run_plan(gate=stage()))
    told = compose_run(asked, approval(held()), entry(EventType.DECLINED))
    assert told.audience.users == (PERSON,)
    assert ("Requested by", BOTH) in told.facts
    assert ("Requested by", BOTH) in compose_approval(approval(held()), entry(EventType.WITHDRAWN)).facts


def test_a_run_that_was_deleted_is_told_with_both_names() -> None:
    spec = held().model_copy(update={"subject": Subject(kind="ActionRun", name="gone", uid="u")})
    first = plan_approval(ApprovalSnapshot(approval(spec), None), at(1))
    assert effects(first) == [READ_SUBJECT]
    other = {READ_SUBJECT: Stored({"metadata": {"uid": "another"}})}
    ended = plan_approval(ApprovalSnapshot(approval(spec), None, other), at(1)).status
    assert ended.notifications[0].message == f"The request of {BOTH} was deleted"
