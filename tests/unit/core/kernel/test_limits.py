"""Whatever people write, an object and its status stay below what the API server stores: 1.5 MiB, all records included."""

import json
from typing import Any

import pytest
from tests.builders.models import NOW, approval, gate, run, run_plan, stage, vote

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase
from pratique.api.v1alpha1.notifications import EventType, NotificationRule
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.planned import DryRun, DryRunResult, FieldChange
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval
from pratique.core.gates.port import Warrant
from pratique.core.kernel.effects import Delivery, Plan
from pratique.core.kernel.limits import MAX_INPUT_BYTES, MAX_METADATA_LENGTH, MAX_OUTPUT_BYTES, MAX_PLAN_BYTES
from pratique.core.kernel.text import fit
from pratique.core.plans.changes import changes_of_patched
from pratique.core.plans.field_changes import MAX_CHANGES
from pratique.core.plans.listing import list_changes
from pratique.core.runs import transitions
from pratique.core.telling import outbox as notification
from pratique.core.telling.capacity import keep_within
from pratique.core.telling.recipients import Routing
from pratique.core.telling.recorder import MAX_TIMELINE, record
from pratique.core.telling.stakeholders import stakeholders_of_run

STORED = 1_572_864
"""What etcd takes in one request, by default."""
WIDE = "\N{GRINNING FACE}"
"""Four bytes of UTF-8, one character."""
RULES = [
    NotificationRule(channels=[f"{'c' * 240}-{a}-{b}" for b in range(8)], events=list(EventType)) for a in range(8)
]


def record_of(value: Any) -> int:
    """Return about how many bytes a record of who set which field takes for this value."""
    if isinstance(value, dict):
        return sum(len(key.encode()) + 8 + record_of(each) for key, each in value.items())
    if isinstance(value, list):
        return sum(
            len(json.dumps(each.get("id", ""))) + 12 + record_of(each) for each in value if isinstance(each, dict)
        )
    return 0


def size_of(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def told(outbox: list[Any]) -> list[Any]:
    """Return the outbox with as many entries as there can be, none of which could be delivered so far."""
    for event in EventType:
        outbox = keep_within(notification.enter(outbox, event, NOW, WIDE * 5000, RULES), "", NOW)
    failed = Delivery(sent=False, error=WIDE * 5000)
    return [
        each.model_copy(update={"sender": "s" * 253})
        for each in notification.settle(outbox, {entry.id: failed for entry in outbox}, NOW)
    ]


def on_record(asked: ActionRun, plan: Plan[ActionRunStatus]) -> ActionRunStatus:
    return record(asked.status, plan, lambda after: stakeholders_of_run(asked, None, RULES), Routing(), NOW).status


@pytest.mark.thorough
def test_the_largest_run_fits() -> None:
    inputs = {f"{'k' * (MAX_INPUT_BYTES // 4000)}{number}": "v" for number in range(760)}
    inputs["rest"] = "v" * (MAX_INPUT_BYTES - size_of(inputs) - 100)
    plan = run_plan(inputs=inputs, gate=stage(approvers=Approvers(users=["u" * 253] * 32)), notifications=RULES)
    names = {f"k{number}": 1 for number in range((MAX_PLAN_BYTES - size_of(plan.to_wire())) // 13)}
    (first,) = plan.objects
    template = [f"{'f' * 300}{number}" for number in range(40)]
    before, after = dict.fromkeys(template, WIDE * 500), dict.fromkeys(template, WIDE * 400)
    shown = list_changes(changes_of_patched(dict.fromkeys(template, 1), before, after, replaced=False))
    assert len(shown) == MAX_CHANGES + 1
    tried = DryRun(result=DryRunResult.PASSED, changes=shown)
    resources = [first.model_copy(update={"id": f"r{number}", "dry_run": tried}) for number in range(16)]
    resources[0] = resources[0].model_copy(update={"manifest": {**first.manifest, "data": names}})
    plan = plan.model_copy(update={"resources": resources})
    assert size_of(plan.to_wire()) > MAX_PLAN_BYTES
    asked = run(
        spec={
            "inputs": inputs,
            "reason": WIDE * 1024,
            "requested_by": Requester(username="u", groups=["g" * 250] * 256),
        }
    )
    warrant = Warrant(plan, WIDE * 5000)
    for _ in range(40):
        asked = asked.model_copy(update={"status": on_record(asked, transitions.start(asked, warrant, NOW))})
    status = on_record(asked, transitions.end(asked, Phase.FAILED, WIDE * 5000, NOW))
    assert len(status.timeline) == MAX_TIMELINE
    outputs = {f"k{number}": 1 for number in range(MAX_OUTPUT_BYTES // 13)}
    status = status.model_copy(update={"outputs": outputs, "notifications": told(status.notifications)})
    wire = asked.model_copy(update={"status": status}).to_wire()
    assert size_of(wire) + record_of(wire["status"]) + MAX_METADATA_LENGTH < STORED


@pytest.mark.thorough
def test_the_largest_gate_fits() -> None:
    people = [f"{'u' * 240}{number}" for number in range(64)]
    votes = {who: vote("Approve", comment=WIDE * 1024, groups=["platform-leads"]) for who in people}
    spec = gate(votes, approvers=Approvers(groups=["platform-leads"], users=people[:32]), required=32)
    spec = spec.model_copy(update={"notifications": RULES})
    opened = approval(spec.model_copy(update={"reason": WIDE * 1024, "message": WIDE * 512}))
    status = plan_approval(ApprovalSnapshot(opened, run()), NOW).status
    status = status.model_copy(update={"notifications": told(status.notifications)})
    wire = opened.model_copy(update={"status": status}).to_wire()
    assert size_of(wire) + record_of(wire["status"]) + MAX_METADATA_LENGTH < STORED


def test_a_text_is_cut_at_a_whole_character() -> None:
    assert fit("abc", 3) == "abc"
    assert fit("abcd" * 10, 10) == "abcdabc…"
    assert fit(WIDE * 10, 12) == f"{WIDE * 2}…"
    assert len(fit(f"{WIDE}é" * 300, 100).encode()) <= 100


def test_a_change_has_room_in_its_field() -> None:
    (long,) = list_changes(changes_of_patched({"a": 1}, {"a": WIDE * 300}, {"a": "é" * 300}, replaced=False))
    assert FieldChange.model_validate(long.to_wire()) == long
    assert "sha256" in long.before and "sha256" in long.after and len(long.before.encode()) <= 160
