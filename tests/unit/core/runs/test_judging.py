"""A request whose approvers are found in objects: what is looked at before it is judged, and what its gate says of it."""

from typing import Any

import pytest
from tests.builders.models import (
    NOW,
    action,
    at,
    effects,
    failed,
    only,
    planned,
    run,
    run_plan,
    running,
    stage,
    tried,
    waiting,
)

from pratique.api.v1alpha1.action_run import Phase, RunPlan
from pratique.api.v1alpha1.approval import Approval
from pratique.api.v1alpha1.found import FoundInStage, FoundPeople
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.stages import RuleApprovers
from pratique.core.gates.free import EVALUATE
from pratique.core.gates.granted import OPEN_GATE
from pratique.core.kernel.effects import Evaluation, Json, ObjectRef, Plan, Stored
from pratique.core.kernel.looking import Power, SourceSeen, key_of
from pratique.core.plans.document import document, is_plan_of
from pratique.core.runs.judging import EVALUATE_FOUND
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot

SPACE = ObjectRef("v1", "Namespace", "team-a")
LOOK = f"source/{key_of(SPACE)}"
LIVE: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a", "uid": "n1"}}
WANTED = {EVALUATE: Evaluation(wanted=(SPACE,))}
SEEN = WANTED | {LOOK: SourceSeen(SPACE, None, Stored(LIVE))}
OWNER = "owner@example.com"


def plan_of(version: str = "7", *users: str) -> RunPlan:
    names = list(users or (OWNER,))
    found = FoundPeople(
        api_version="v1", kind="Namespace", name="team-a", uid="n1", resource_version=version, users=names
    )
    gate = stage(approvers=RuleApprovers(users=names))
    return run_plan(planned("one"), gate=gate, found=[FoundInStage(stage=gate.name, sources=[found])])


FOUND = plan_of()
JUDGED = SEEN | {EVALUATE_FOUND: Evaluation(plan=FOUND)} | tried(FOUND)


def ask(outcomes: dict[str, Any], minutes: float = 0, *, dry: bool = False, **status: Any) -> Plan[Any]:
    asked = run(meta={"creation_timestamp": NOW}, spec={"dry_run": dry or None}, **status)
    return plan_action_run(RunSnapshot(asked, action(), outcomes=outcomes), at(minutes))


@pytest.mark.parametrize("dry", [False, True])
def test_it_is_judged_to_hear_of_the_objects_and_once_more_with_them(dry: bool) -> None:
    assert effects(ask(WANTED, dry=dry)) == [LOOK]
    again = only(ask(SEEN, dry=dry).effects)
    assert (again.key, again.sources) == (EVALUATE_FOUND, {key_of(SPACE): LIVE})


def test_a_dry_run_says_who_is_found_and_where() -> None:
    said = ask(JUDGED, dry=True).status.message
    assert f"1 of {OWNER} (Namespace team-a names {OWNER}) (stage platform" in said


@pytest.mark.parametrize("dry", [False, True])
def test_who_may_write_the_object_is_refused_and_no_answer_holds(dry: bool) -> None:
    writes = ask(WANTED | {LOOK: SourceSeen(SPACE, Power("dev", "patch namespaces"), Stored(LIVE))}, dry=dry).status
    assert (writes.phase, "dev asks and may patch namespaces" in writes.message) == (Phase.REFUSED, True)
    gone = ask(WANTED | {LOOK: SourceSeen(SPACE, None, failed("NotFound"))}, dry=dry).status
    assert (gone.phase, "Namespace team-a, which is not there" in gone.message) == (Phase.REFUSED, True)
    slow = ask(WANTED | {LOOK: failed("Timeout", "slow", transient=True)}, dry=dry)
    assert (slow.status.phase, slow.retry) == (Phase.PENDING, True)
    assert slow.status.message == "It could not be looked up who may approve: slow"
    unread = WANTED | {LOOK: SourceSeen(SPACE, None, failed("Forbidden", 'User "x" cannot get resource "namespaces"'))}
    assert ask(unread, dry=dry).status.phase is Phase.PENDING, "a right may be on its way"


def opened(found: Json | None = None) -> Plan[Any]:
    return ask(JUDGED | ({OPEN_GATE: Stored(found)} if found is not None else {}))


def test_the_gate_holds_the_names_and_where_they_are_from() -> None:
    manifest = only(opened().effects).manifest
    spec = Approval.model_validate(manifest).spec
    assert spec.policy.approvers.users == [OWNER]
    assert [(each.kind, each.resource_version, each.users) for each in spec.found or ()] == [
        ("Namespace", "7", [OWNER])
    ]
    held = opened(manifest).status
    assert held.phase is Phase.WAITING_FOR_APPROVAL
    assert f"Waiting for 1 of {OWNER} (Namespace team-a names {OWNER}) until" in held.message


def test_a_gate_that_was_opened_before_a_crash_is_the_same_though_the_object_was_written_since() -> None:
    """What it says is the same; a namespace is written often, for reasons of its own."""
    before = only(ask(SEEN | {EVALUATE_FOUND: Evaluation(plan=plan_of("6"))} | tried(FOUND)).effects).manifest
    held = opened(before).status
    assert held.phase is Phase.WAITING_FOR_APPROVAL
    assert held.plan["digest"] == before["spec"]["plan"]["digest"] and held.plan["summary"] == list(FOUND.summary)


def test_a_gate_of_other_people_is_not_adopted() -> None:
    other = SEEN | {EVALUATE_FOUND: Evaluation(plan=plan_of("6", "mallory"))} | tried(FOUND)
    ended = opened(only(ask(other).effects).manifest).status
    assert (ended.phase, "changed while its gate was being opened" in ended.message) == (Phase.SUPERSEDED, True)
    forged = only(opened().effects).manifest
    forged["spec"]["found"][0]["users"] = ["mallory"]
    ended = opened(forged).status
    assert (ended.phase, "this run did not open" in ended.message) == (Phase.REFUSED, True)


def test_what_is_found_is_in_the_digest() -> None:
    written, other = document(FOUND), document(plan_of("7", "mallory"))
    assert written.digest != other.digest and OWNER in written.text
    shown = waiting(FOUND).status.plan or {}
    assert "found" not in shown and shown["gate"]["approvers"]["users"] == [OWNER]
    assert not is_plan_of(
        *(Approval.model_validate(_gate(each)).spec.planned for each in (FOUND, amend(FOUND, found=None)))
    )


def _gate(plan: RunPlan) -> Json:
    judged = SEEN | {EVALUATE_FOUND: Evaluation(plan=plan)} | tried(plan)
    manifest: Json = only(ask(judged).effects).manifest
    return manifest


def test_a_run_that_says_nobody_has_to_approve_is_no_proof_against_a_stage_that_looks_for_people() -> None:
    free = run_plan(planned("one"))
    ended = plan_action_run(RunSnapshot(running(free), action(), outcomes=WANTED), NOW).status
    assert (ended.phase, "its plan is not what its Action makes of it" in ended.message) == (Phase.FAILED, True)
