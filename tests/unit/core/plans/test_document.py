"""The plan as a document: what was written once is read by every version, and hashed as it was written."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.builders.models import (
    NOW,
    action,
    approval_of,
    approved,
    effects,
    failed,
    live,
    manifest,
    only,
    planned,
    run,
    run_plan,
    running,
    stage,
    waiting,
)
from tests.doubles.later_version import ADDED, WIRE, models_in, wider
from tests.support.certain import certain

from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunPlan, SkippedStage
from pratique.api.v1alpha1.approval import Approval, ApprovalPlan, ApprovalSpec, ApprovalState
from pratique.api.v1alpha1.break_glass import BreakGlass, OwnGlass
from pratique.api.v1alpha1.calling import (
    EventAttributes,
    HeaderFrom,
    HttpRequest,
    RequestSigning,
    SecretValueRef,
    Until,
)
from pratique.api.v1alpha1.counter_offer import CounterOffer, OfferedValues
from pratique.api.v1alpha1.deleting import ObjectToDelete
from pratique.api.v1alpha1.escalation import Added, EscalationStep
from pratique.api.v1alpha1.explain import Explain
from pratique.api.v1alpha1.found import ApproverSource, FoundInStage, FoundPeople
from pratique.api.v1alpha1.notifications import NotificationRule
from pratique.api.v1alpha1.options import ChosenObject, Options, PlannedChoice, PlannedChoices
from pratique.api.v1alpha1.people import People
from pratique.api.v1alpha1.planned import (
    DryRun,
    FieldChange,
    LateValue,
    PlannedDeletion,
    PlannedFollowUp,
    PlannedRequest,
    as_late,
    as_temporary,
)
from pratique.api.v1alpha1.stages import Approvers, GroupCount, Quorum, RuleApprovers
from pratique.api.v1alpha1.target import PlannedTarget, Recheck
from pratique.core.execution.dry_run import without_results
from pratique.core.gates.free import EVALUATE
from pratique.core.gates.granted import OPEN_GATE
from pratique.core.gates.guarded import VERIFY
from pratique.core.kernel.effects import Evaluation, Listing, ObjectRef, Plan, Stored, TargetSeen, Verified
from pratique.core.plans.document import Document, document, document_of, head_of, is_plan_of, is_same, whole_of
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.runs.start import READ_ACTION

SEEN = DryRun(result="Passed", changes=[FieldChange(path="data.a", before='"1"', after='"2"')], listing="ByEntry")
TOLD = NotificationRule(channels=["chat"], events=["Failed"], people=People(users=["ann@example.com"]))
LEADS = Approvers(groups=["platform-leads"])
NAMES = ApproverSource.model_validate({"apiVersion": "v1", "kind": "Namespace", "name": "team-a", "users": "[]"})
OR_LEAD = Quorum(approvers=RuleApprovers(users=["lead@example.com"], from_=[NAMES]))
GATE = stage(
    approvers=LEADS,
    message="It is much",
    require_from=[GroupCount(group="platform-leads")],
    alternatives=[OR_LEAD],
    escalation=[EscalationStep(after="1h", to=Added(groups=["directors"]))],
    break_glass=BreakGlass(groups=["sre-oncall"], requester=OwnGlass.FORBID),
    counter_offer=CounterOffer(inputs={"ttl": OfferedValues(values=["3d"])}),
)
INPUTS = {"size": "large", "né": "\N{GRINNING FACE}"}
NOTE = planned(made=manifest(data={"a": "1"}), dry_run=SEEN)
BRIEF = as_temporary(planned("brief", dry_run=DryRun(result="Passed", listing="ByEntry")), "8h")
WAITS_FOR_IT = DryRun(result="Deferred", message="it reads what is not there yet")
READS = [LateValue(at="/data/a", reads=["made.data.a"], texts=["<", ">"])]
LATE = as_late(planned("late", manifest(data={"a": "<${resources.made.data.a}>"}), dry_run=WAITS_FOR_IT), READS)
LATE_BRIEF = as_late(as_temporary(planned("soon", LATE.manifest, dry_run=WAITS_FOR_IT), "8h"), READS)
FROM = SecretValueRef(name="github", key="token")
CALL = PlannedRequest(
    id="told",
    dry_run=DryRun(result="Passed"),
    request=HttpRequest(
        url="https://api.example.com/v1/runs",
        headers_from=[HeaderFrom(name="Authorization", secret_ref=FROM)],
        body={"size": "large"},
        cloud_event=EventAttributes(type="dev.example.asked.v1"),
        signing=RequestSigning(style="GitHub", secret_ref=FROM),
        answer={"number": "body.id"},
    ),
)
GONE = PlannedDeletion(
    id="old",
    delete=ObjectToDelete(api_version="v1", kind="ConfigMap", namespace="team-a", name="old"),
    dry_run=DryRun(result="Passed", target_uid="u4"),
)
OLD = Stored(live({"metadata": {"name": "old"}}, "u4"))
FOLLOW_UP = PlannedFollowUp(
    id="ended",
    dry_run=DryRun(result="Passed"),
    request=HttpRequest(
        url="https://api.example.com/v1/runs/${resources.told.number}",
        method="GET",
        until=Until(done="answer.body.status == 'done'"),
    ),
)
SKIPPED = SkippedStage(name="security", when="inputs.size == 'huge'")
TARGET = PlannedTarget(
    api_version="v1", kind="ConfigMap", name="it", uid="u2", rechecks=[Recheck(rule="true", message="no")], inputs={}
)
SOURCE = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "catalogue", "selector": {"a": "b"}}
CHOICES = PlannedChoices(
    fields=[
        PlannedChoice(
            field="size",
            options=Options.model_validate({"from": SOURCE, "filter": "true"}),
            chosen=[ChosenObject(value="large", label="Large", name="large", uid="u3")],
        )
    ],
    rechecks=[Recheck(rule="true", message="no")],
)
FOUND = FoundPeople(api_version="v1", kind="Namespace", name="team-a", uid="u4", resource_version="7", users=["ann"])
HELD = run_plan(
    NOTE,
    CALL,
    FOLLOW_UP,
    GONE,
    BRIEF,
    LATE,
    LATE_BRIEF,
    gate=GATE,
    inputs=INPUTS,
    notifications=[TOLD],
    skipped=[SKIPPED],
    target=TARGET,
    choices=CHOICES,
    found=[FoundInStage(stage=GATE.name, sources=[FOUND])],
    explain=Explain(logs=10),
)
FREE = HELD.model_copy(update={"gate": None})
SHOWN: dict[str, object] = {"try/made": Stored(live(manifest(data={"a": "2"}))), "try/told": True, "try/ended": True}
SHOWN |= {"try/old/find": OLD, "try/old": OLD}
SHOWN |= {"try/brief": Stored(live(BRIEF.manifest)), "try/brief/end": "", "hold": Stored({})}
SHOWN |= {"try/late": Stored(live(LATE.manifest)), "try/soon": Stored(live(LATE.manifest)), "try/soon/end": ""}
GUARDED = {VERIFY: Verified()}
IT = Stored(live({"metadata": {"name": "it"}}, "u2"))
AIMED: dict[str, object] = {
    key: TargetSeen(ObjectRef("v1", "ConfigMap", "it"), may_get=True, found=IT) for key in ("target", "outset")
}
AIMED |= {f"{key}/options/size": Listing("ConfigMaps", may_list=True, found=()) for key in ("target", "outset")}
AIMED |= {f"{key}/recheck": () for key in ("target", "outset")} | {"outset/find/made": failed("NotFound")}
MODELS = models_in(RunPlan)
WRITTEN, WRITTEN_FREE = document(HELD), document(FREE)


def test_it_is_ascii_in_order_and_says_everything_but_the_summary() -> None:
    text = document(HELD).text
    assert text.isascii() and text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert set(json.loads(text)) == set(HELD.to_wire()) - {"summary"}
    assert document(HELD).plan == HELD.model_copy(update={"summary": []})


def test_every_model_of_a_plan_is_in_the_one_that_is_tried() -> None:
    """Else a field of a model that the example leaves out would be tried nowhere."""
    said = repr(HELD)
    assert set(MODELS) == {"RunPlan", *(name for name in MODELS if f"{name}(" in said)}


def test_where_it_is_kept() -> None:
    own, gate = document(FREE), approval_of(waiting(HELD))
    held = waiting(HELD).status.model_copy(update={"document": None})
    frozen = document(HELD)
    assert document_of(held, gate) == frozen
    assert document_of(held.model_copy(update={"document": own.text}), gate) == frozen
    assert document_of(running(FREE).status, gate) == own
    assert document_of(held.model_copy(update={"phase": Phase.RUNNING}), gate) == frozen
    bare = gate.model_copy(update={"spec": gate.spec.model_copy(update={"plan": ApprovalPlan(digest=frozen.digest)})})
    whole = held.model_copy(update={"plan": whole_of(frozen, HELD.summary)})
    assert document_of(whole, bare) == document_of(whole, None) == frozen
    assert document_of(held, bare) is None
    assert document_of(run().status, None) is None


def test_what_people_read_beside_it_is_what_a_version_before_needs_to_go_on_waiting() -> None:
    """It asks of a plan what version 0.1.0 required of one; and it must not be more, since a status is written often."""
    head = head_of(document(HELD), ["one line"])
    assert {"digest", "action", "serviceAccountRef", "timeout", "gate", "notifications"} <= set(head)
    assert not {"inputs", "resources", "outputs", "choices"} & set(head)
    assert head["target"] == {"apiVersion": "v1", "kind": "ConfigMap", "name": "it", "uid": "u2"}
    assert (head["digest"], head["summary"]) == (document(HELD).digest, ["one line"])
    assert RunPlan.model_validate(head).gate == HELD.gate


def opening(outcomes: dict[str, Any] | None = None) -> Plan[Any]:
    """Look at a run whose gate has to be opened."""
    fresh = without_results(WRITTEN.plan).model_copy(update={"summary": HELD.summary})
    judged = {EVALUATE: Evaluation(plan=fresh)} | SHOWN
    return plan_action_run(RunSnapshot(run(), action=action(), outcomes=judged | (outcomes or {})), NOW)


STORED = [each.to_wire() for each in (waiting(HELD), approval_of(waiting(HELD), ApprovalState.APPROVED), running(FREE))]
OPENED = only(opening().effects).manifest


@pytest.fixture(scope="module", params=list(MODELS.values()), ids=list(MODELS))
def _later(request: pytest.FixtureRequest) -> Iterator[Any]:
    """This version, as one that has a field more in one model of a plan; what is stored is of before."""
    with wider(request.param):
        yield
    assert ADDED not in request.param.model_fields


@pytest.mark.usefixtures("_later")
class TestLater:
    def test_a_digest_over_what_is_read_would_be_another(self) -> None:
        written = document(WRITTEN.plan)
        assert WIRE in written.text and written.digest != STORED[1]["spec"]["plan"]["digest"]

    def test_a_run_that_was_held_does_what_was_approved(self) -> None:
        held, gate = ActionRun.model_validate(STORED[0]), Approval.model_validate(STORED[1])
        assert certain(document_of(held.status, gate)).digest == gate.spec.planned.digest
        known = SHOWN | GUARDED | AIMED | {READ_ACTION: Stored(action().to_wire())}
        begun = plan_action_run(RunSnapshot(held, action=action(), approvals=(gate,), outcomes=known), NOW)
        going = held.model_copy(update={"status": begun.status})
        plan = plan_action_run(RunSnapshot(going, action=action(), approvals=(gate,), outcomes=known), NOW)
        assert effects(plan) == ["create/made"], plan.status.message

    def test_a_free_run_that_is_under_way_goes_on(self) -> None:
        going = ActionRun.model_validate(STORED[2])
        judged = AIMED | {EVALUATE: Evaluation(plan=without_results(WRITTEN_FREE.plan)), "hold": Stored({})}
        plan = plan_action_run(RunSnapshot(going, action=action(), outcomes=judged), NOW)
        assert effects(plan) == ["create/made"], plan.status.message

    def test_a_gate_that_was_opened_before_a_crash_is_adopted_with_its_own_text(self) -> None:
        assert only(opening().effects).manifest["spec"]["plan"]["document"] != OPENED["spec"]["plan"]["document"]
        adopted = opening({OPEN_GATE: failed("AlreadyExists", found=OPENED)})
        assert adopted.status.phase is Phase.WAITING_FOR_APPROVAL, adopted.status.message


OTHER = run_plan(planned("other"), gate=GATE)


def test_which_plan_a_gate_that_is_there_holds() -> None:
    found, wanted = approved(HELD), approved(HELD)
    assert is_plan_of(found, wanted)
    assert not is_plan_of(found, approved(OTHER))
    assert is_plan_of(found.model_copy(update={"document": None}), wanted)
    respelt = Document(json.dumps(json.loads(document(HELD).text), indent=1))
    earlier = found.model_copy(update={"document": respelt.text, "digest": respelt.digest})
    assert is_plan_of(earlier, wanted) and not is_plan_of(earlier, approved(OTHER))
    assert not is_plan_of(earlier.model_copy(update={"document": None}), wanted)
    assert not is_plan_of(earlier.model_copy(update={"document": document(OTHER).text}), wanted)
    unknown = Document(respelt.text.replace("Passed", "Bananas"))
    assert not is_plan_of(earlier.model_copy(update={"document": unknown.text, "digest": unknown.digest}), wanted)


def test_same_is_what_says_the_same_now() -> None:
    assert is_same(HELD, HELD.model_copy(update={"summary": []}))
    assert not is_same(HELD, OTHER)


def test_the_spec_of_a_gate_may_get_fields_too() -> None:
    with wider(ApprovalSpec, ApprovalPlan):
        adopted = opening({OPEN_GATE: failed("AlreadyExists", found=OPENED)})
        assert adopted.status.phase is Phase.WAITING_FOR_APPROVAL, adopted.status.message
