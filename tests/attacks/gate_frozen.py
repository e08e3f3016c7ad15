"""Attacks on what an open gate asks for: its policy, plan, subject, deadline, by every way to a field."""

from typing import Any

from tests.attacks.denials import FROZEN, crd, schema
from tests.attacks.model import Attack, Twin, apply, patch, replacing
from tests.attacks.world import APPROVE, LEAD, MAG, MALLORY, SECURITY

MINE = {"decisions": {LEAD: APPROVE}}
DECIDE = Twin("lead-1", "decides, and changes nothing else", patch("approvals/gate", {"spec": MINE}))


def weaken(slug: str, what: str, change: dict[str, Any], who: str = "lead-1", peer: str = "", **more: Any) -> Attack:
    """Return an attack that changes what is being decided, by merge patch."""
    return Attack(slug, 4, who, what, patch("approvals/gate", {"spec": change}), FROZEN, DECIDE, peer, **more)


ATTACKS = [
    weaken(
        "lower-required-while-approving",
        "an approver lowers the required number in the patch that approves",
        {"policy": {"required": 1}, **MINE},
        peer=MAG,
    ),
    weaken("lower-required", "an approver lowers the required number", {"policy": {"required": 1}}),
    weaken("lower-required-as-admin", "cluster-admin lowers the required number", {"policy": {"required": 1}}, "admin"),
    weaken(
        "drop-required",
        "cluster-admin sets the required number to null, which would make it 1",
        {"policy": {"required": None}},
        "admin",
    ),
    weaken("raise-decline-threshold", "an approver makes declines count less", {"policy": {"declineThreshold": 9}}),
    weaken("move-deadline", "an approver moves the deadline", {"policy": {"deadline": "2101-01-01T00:00:00Z"}}),
    weaken("add-approver", "an approver lists a friend", {"policy": {"approvers": {"users": [MALLORY]}}}),
    weaken(
        "list-oneself",
        "who is not asked lists herself and approves in one patch",
        {"policy": {"approvers": {"users": [SECURITY]}}, "decisions": {SECURITY: APPROVE}},
        "security",
    ),
    weaken(
        "swap-group",
        "who is not asked puts her group in the place of the approvers'",
        {"policy": {"approvers": {"groups": ["security"]}}, "decisions": {SECURITY: APPROVE}},
        "security",
    ),
    weaken(
        "no-comment-needed",
        "an approver drops the rule that a decline needs a comment",
        {"policy": {"comment": "Never"}, "decisions": {LEAD: {"verdict": "Decline"}}},
    ),
    weaken("other-plan", "an approver changes the digest of what is being approved", {"plan": {"digest": "sha256:1"}}),
    weaken("other-document", "an approver changes the objects that are being approved", {"plan": {"document": "{}"}}),
    weaken("other-summary", "an approver rewrites what the others read about it", {"plan": {"summary": ["harmless"]}}),
    weaken("no-summary", "an approver takes the summary away", {"plan": {"summary": None}}),
    weaken("other-subject", "an approver points the gate at another run", {"subject": {"name": "done"}}),
    weaken("other-subject-uid", "an approver points the gate at another run's uid", {"subject": {"uid": "another"}}),
    weaken("other-action", "an approver names an Action that he may approve", {"action": "berth"}),
    weaken("other-stage", "an approver moves the gate to another stage", {"stage": "security"}),
    weaken(
        "other-requester",
        "the requester's friend rewrites who asked, to decide in the requester's name",
        {"requestedBy": {"username": "nobody"}},
    ),
    weaken("other-requester-groups", "an approver rewrites the requester's groups", {"requestedBy": {"groups": []}}),
    weaken("other-reason", "an approver rewrites the reason that was given", {"reason": "harmless"}),
    weaken(
        "other-notifications",
        "an approver has the others told nothing",
        {"notifications": [{"channels": ["signal"], "events": ["Expired"]}]},
    ),
    Attack(
        "null-policy",
        4,
        "admin",
        "cluster-admin sets the policy to null",
        patch("approvals/gate", {"spec": {"policy": None}}),
        schema("spec.policy: Required value"),
        DECIDE,
    ),
    Attack(
        "null-approvers",
        4,
        "admin",
        "cluster-admin sets the approvers to null",
        patch("approvals/gate", {"spec": {"policy": {"approvers": None}}}),
        schema("spec.policy.approvers: Required value"),
        DECIDE,
    ),
    Attack(
        "null-spec",
        4,
        "admin",
        "cluster-admin sets the spec to null, to fill it in anew",
        patch("approvals/gate", {"spec": None}),
        schema("spec: Required value"),
        DECIDE,
    ),
    Attack(
        "empty-approvers",
        4,
        "admin",
        "cluster-admin empties the lists of approvers",
        patch("approvals/gate", {"spec": {"policy": {"approvers": {"groups": None}}}}),
        crd("approvals", "approvers needs at least one user or group"),
        DECIDE,
        behind=(FROZEN,),
    ),
    Attack(
        "weaken-by-json-patch",
        4,
        "lead-1",
        "an approver lowers the number by JSON patch, after a true test",
        patch(
            "approvals/gate",
            [
                {"op": "test", "path": "/spec/policy/required", "value": 2},
                {"op": "replace", "path": "/spec/policy/required", "value": 1},
            ],
            "json",
        ),
        FROZEN,
        DECIDE,
    ),
    Attack(
        "weaken-by-copy",
        4,
        "lead-1",
        "an approver copies one list over another by JSON patch",
        patch(
            "approvals/gate",
            [{"op": "copy", "from": "/spec/policy/approvers/groups", "path": "/spec/policy/approvers/users"}],
            "json",
        ),
        FROZEN,
        DECIDE,
    ),
    Attack(
        "weaken-by-move",
        4,
        "lead-1",
        "an approver moves the reason away by JSON patch",
        patch("approvals/gate", [{"op": "move", "from": "/spec/plan/summary/0", "path": "/spec/reason"}], "json"),
        FROZEN,
        DECIDE,
    ),
    Attack(
        "weaken-by-apply",
        4,
        "lead-1",
        "an approver takes over the fields by server-side apply with force",
        apply("approvals/gate", {"spec": {"policy": {"required": 1}}}, force="true"),
        FROZEN,
        DECIDE,
    ),
    Attack(
        "weaken-by-replace",
        4,
        "lead-1",
        "an approver replaces the whole object",
        replacing("approvals/gate", lambda live: live["spec"]["policy"].update(required=1)),
        FROZEN,
        DECIDE,
    ),
    Attack(
        "weaken-own-request",
        4,
        "developer",
        "the requester lowers the number",
        patch("approvals/gate", {"spec": {"policy": {"required": 1}}}),
        FROZEN,
        DECIDE,
    ),
]
