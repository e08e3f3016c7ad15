"""Attacks on decisions: in another name, with another time or group, late, twice, uncalled, on one's own request."""

from typing import Any

from tests.attacks.denials import (
    DECISION,
    ENDED,
    FOR_YOU,
    FROZEN,
    GROUPS_STAMPED,
    LATE,
    MACHINE,
    OWN_REQUEST,
    RECORDED,
    TIME_STAMPED,
    crd,
    may_not_approve,
    not_listed,
    own_name,
    rbac,
    schema,
    stamped,
)
from tests.attacks.gate_frozen import DECIDE, MINE
from tests.attacks.model import NOW, Attack, Denial, Request, Shows, Twin, apply, by_headers, patch, replacing
from tests.attacks.world import APPROVE, LEAD, LEAD_2, MAG, MALLORY, ROBOT, SECURITY

FORGED = [
    Attack(
        "decide-as-another",
        2,
        "lead-1",
        "an approver appends a second approver who never looked",
        patch("approvals/gate", {"spec": {"decisions": {LEAD: APPROVE, LEAD_2: APPROVE}}}),
        own_name(LEAD),
        DECIDE,
        MAG,
    ),
    Attack(
        "decide-only-as-another",
        2,
        "lead-1",
        "an approver decides under a colleague's name",
        patch("approvals/gate", {"spec": {"decisions": {LEAD_2: APPROVE}}}),
        own_name(LEAD),
        DECIDE,
    ),
    Attack(
        "decide-as-another-as-admin",
        2,
        "admin",
        "cluster-admin decides under an approver's name",
        patch("approvals/gate", {"spec": MINE}),
        own_name("admin"),
        DECIDE,
    ),
    Attack(
        "decide-as-another-by-apply",
        2,
        "mallory",
        "somebody applies a decision under an approver's name",
        apply("approvals/gate", {"spec": MINE}),
        own_name(MALLORY),
        DECIDE,
    ),
    Attack(
        "decide-in-other-case",
        2,
        "lead-1",
        "an approver decides twice, the second time in other letter case",
        patch("approvals/half", {"spec": {"decisions": {"Lead-1@Example.com": APPROVE}}}),
        own_name(LEAD),
        Twin("lead-2", "adds the second decision", patch("approvals/half", {"spec": {"decisions": {LEAD_2: APPROVE}}})),
    ),
    Attack(
        "decide-with-space",
        2,
        "lead-1",
        "an approver decides twice, the second time with a space behind the name",
        patch("approvals/half", {"spec": {"decisions": {LEAD + " ": APPROVE}}}),
        own_name(LEAD),
        Twin("lead-2", "adds the second decision", patch("approvals/half", {"spec": {"decisions": {LEAD_2: APPROVE}}})),
    ),
    Attack(
        "rewrite-message",
        2,
        "lead-2",
        "an approver rewrites a colleague's comment",
        patch("approvals/half", {"spec": {"decisions": {LEAD: {"comment": "never mind"}}}}),
        RECORDED,
        Twin("lead-2", "adds the second decision", patch("approvals/half", {"spec": {"decisions": {LEAD_2: APPROVE}}})),
        MAG,
    ),
]


SECOND = Twin("lead-2", "adds the second decision", patch("approvals/half", {"spec": {"decisions": {LEAD_2: APPROVE}}}))
NAMED = Twin(
    "robot", "decides where the policy names it", patch("approvals/robots", {"spec": {"decisions": {ROBOT: APPROVE}}})
)
IN_TIME = DECIDE
OTHER = Twin(
    "lead-2", "decides the other's request", patch("approvals/own", {"spec": {"decisions": {LEAD_2: APPROVE}}})
)
_MASTERS = (("Impersonate-User", ROBOT), ("Impersonate-Group", "platform-leads"))


def decide(gate: str, who: str, **entry: Any) -> Request:
    """Return a decision by merge patch."""
    return patch(f"approvals/{gate}", {"spec": {"decisions": {who: APPROVE | entry}}})


def _forge_time(manager: str, fields: dict[str, Any]) -> Any:
    """Return a change that decides, and says that a field manager did so long ago."""
    entry = {
        "apiVersion": "pratique.dev/v1alpha1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:decisions": {f"f:{LEAD}": fields}}},
        "manager": manager,
        "operation": "Update",
        "time": "2020-01-01T00:00:00Z",
    }

    def change(live: dict[str, Any]) -> None:
        live["spec"]["decisions"] = {LEAD: dict(APPROVE)}
        live["metadata"]["managedFields"].append(entry)

    return change


STAYS = [
    Attack(
        "change-own-decision",
        4,
        "lead-1",
        "an approver turns a recorded approval into a decline",
        patch("approvals/half", {"spec": {"decisions": {LEAD: {"verdict": "Decline", "comment": "no"}}}}),
        RECORDED,
        SECOND,
    ),
    Attack(
        "remove-own-decision",
        4,
        "lead-1",
        "an approver removes the own decision",
        patch("approvals/half", {"spec": {"decisions": {LEAD: None}}}),
        RECORDED,
        SECOND,
    ),
    Attack(
        "remove-decision",
        4,
        "lead-2",
        "an approver removes a colleague's decision",
        patch("approvals/half", {"spec": {"decisions": {LEAD: None}}}),
        RECORDED,
        SECOND,
        MAG,
    ),
    Attack(
        "remove-all-decisions",
        4,
        "admin",
        "cluster-admin sets the decisions to null",
        patch("approvals/half", {"spec": {"decisions": None}}),
        RECORDED,
        SECOND,
    ),
    Attack(
        "remove-by-json-patch",
        4,
        "mallory",
        "somebody removes a decision by JSON patch",
        patch("approvals/half", [{"op": "remove", "path": f"/spec/decisions/{LEAD}"}], "json"),
        RECORDED,
        SECOND,
    ),
    Attack(
        "move-decision",
        2,
        "lead-2",
        "an approver moves a colleague's approval under the own name",
        patch(
            "approvals/half",
            [{"op": "move", "from": f"/spec/decisions/{LEAD}", "path": f"/spec/decisions/{LEAD_2}"}],
            "json",
        ),
        RECORDED,
        SECOND,
    ),
    Attack(
        "restamp-decision",
        15,
        "lead-1",
        "an approver changes the time of the own decision",
        patch("approvals/half", {"spec": {"decisions": {LEAD: {"decidedAt": "2020-01-01T00:00:00Z"}}}}),
        RECORDED,
        SECOND,
    ),
    Attack(
        "regroup-decision",
        2,
        "lead-1",
        "an approver adds a group to the own decision afterwards",
        patch("approvals/half", {"spec": {"decisions": {LEAD: {"groups": ["directors"]}}}}),
        RECORDED,
        SECOND,
    ),
    Attack(
        "replace-decisions",
        4,
        "mallory",
        "somebody replaces the object as it was before the decision",
        replacing("approvals/half", lambda live: live["spec"].pop("decisions")),
        RECORDED,
        SECOND,
    ),
]

UNCALLED = [
    Attack(
        "not-asked",
        13,
        "security",
        "somebody who may approve other things decides",
        decide("gate", SECURITY),
        not_listed(SECURITY),
        DECIDE,
    ),
    Attack(
        "not-asked-as-admin", 13, "admin", "cluster-admin decides", decide("gate", "admin"), not_listed("admin"), DECIDE
    ),
    Attack(
        "not-asked-by-apply",
        13,
        "security",
        "somebody who is not asked decides by server-side apply",
        apply("approvals/gate", {"spec": {"decisions": {SECURITY: APPROVE}}}),
        not_listed(SECURITY),
        DECIDE,
    ),
    Attack(
        "listed-without-the-verb",
        13,
        "mallory",
        "somebody who is listed, but was never given the verb, decides",
        decide("unverbed", MALLORY),
        may_not_approve(MALLORY),
        Twin("lead-1", "decides there, listed and with the verb", decide("unverbed", LEAD)),
    ),
    Attack(
        "developer-decides",
        13,
        "developer-2",
        "a developer decides",
        decide("gate", "developer-2@example.com"),
        rbac("developer-2@example.com", "patch", "approvals"),
        DECIDE,
    ),
    Attack(
        "nobody-decides",
        13,
        "nobody",
        "somebody without rights decides",
        decide("gate", "nobody"),
        rbac("nobody", "patch", "approvals"),
        DECIDE,
    ),
    Attack(
        "decides-as-group-member-by-header",
        2,
        "lead-1",
        "an approver adds a group by a header of a proxy",
        by_headers(decide("gate", LEAD), ("X-Remote-User", "director"), ("X-Remote-Group", "directors")),
        Shows(f"spec/decisions/{LEAD}/groups", ["platform-leads"]),
    ),
    Attack(
        "machine-in-group",
        14,
        "admin (as robot in platform-leads)",
        "a ServiceAccount whose token says that it is a lead decides",
        by_headers(decide("gate", ROBOT), *_MASTERS),
        MACHINE,
        NAMED,
    ),
    Attack(
        "machine-not-listed",
        14,
        "robot",
        "a ServiceAccount with the verb decides where it is not listed",
        decide("gate", ROBOT),
        MACHINE,
        NAMED,
        behind=(not_listed(ROBOT),),
    ),
]

OWN = [
    Attack(
        "approve-for-oneself",
        3,
        "lead-1",
        "an approver decides what a pipeline asked for on the approver's behalf",
        decide("for-lead", LEAD),
        FOR_YOU,
        Twin("lead-2", "decides it", decide("for-lead", LEAD_2)),
    ),
    Attack(
        "approve-for-oneself-in-other-case",
        3,
        "lead-2",
        "an approver decides what was asked for on behalf of the same name in capitals",
        decide("for-lead-upper", LEAD_2),
        FOR_YOU,
        Twin("lead-1", "decides it", decide("for-lead-upper", LEAD)),
    ),
    Attack(
        "self-approval",
        3,
        "lead-1",
        "an approver decides the own request, being listed by name and by group",
        decide("own", LEAD),
        OWN_REQUEST,
        OTHER,
        "Port",
    ),
    Attack(
        "self-approval-in-other-case",
        3,
        "lead-1",
        "an approver decides what the same name in capitals asked for",
        decide("own-upper", LEAD),
        OWN_REQUEST,
        Twin("lead-2", "decides it", decide("own-upper", LEAD_2)),
    ),
    Attack(
        "self-approval-as-admin",
        3,
        "admin",
        "cluster-admin, who is listed, decides the own request",
        decide("own-admin", "admin"),
        OWN_REQUEST,
        Twin("lead-1", "decides it", decide("own-admin", LEAD)),
    ),
    Attack(
        "self-decline",
        3,
        "lead-1",
        "an approver declines the own request instead of withdrawing it",
        decide("own", LEAD, verdict="Decline", comment="no"),
        OWN_REQUEST,
        OTHER,
    ),
]

LATER = [
    Attack("late", 15, "lead-1", "an approver decides after the deadline", decide("late", LEAD), LATE, DECIDE),
    Attack(
        "late-by-moving-the-deadline",
        15,
        "lead-1",
        "an approver moves the deadline in the patch that decides late",
        patch("approvals/late", {"spec": {"policy": {"deadline": "2100-01-01T00:00:00Z"}, **MINE}}),
        FROZEN,
        DECIDE,
    ),
    Attack(
        "after-the-end",
        15,
        "lead-1",
        "an approver decides when the gate has ended",
        decide("ended", LEAD),
        ENDED,
        DECIDE,
    ),
    Attack(
        "decline-after-the-end",
        15,
        "lead-2",
        "an approver declines what is approved already",
        decide("ended", LEAD_2, verdict="Decline", comment="stop"),
        ENDED,
        DECIDE,
    ),
    Attack(
        "backdated",
        15,
        "lead-1",
        "an approver sends an early time along",
        decide("gate", LEAD, decidedAt="2020-01-01T00:00:00Z"),
        stamped(DECISION, f"spec/decisions/{LEAD}/decidedAt", NOW),
        behind=(TIME_STAMPED, GROUPS_STAMPED),
    ),
    Attack(
        "forged-groups",
        2,
        "lead-1",
        "an approver sends a group along that is not the own",
        decide("gate", LEAD, groups=["directors"]),
        stamped(DECISION, f"spec/decisions/{LEAD}/groups", ["platform-leads"]),
        behind=(TIME_STAMPED, GROUPS_STAMPED),
    ),
    Attack(
        "backdated-managed-fields",
        15,
        "lead-1",
        "an approver replaces the object with managed fields that say that it was decided long ago",
        replacing("approvals/gate", _forge_time("somebody", {".": {}, "f:verdict": {}})),
        Shows(f"spec/decisions/{LEAD}/decidedAt", NOW),
    ),
    Attack(
        "two-owners",
        15,
        "lead-1",
        "an approver decides, and says that another field manager owns a part of it since long ago",
        replacing("approvals/gate", _forge_time("somebody", {"f:decidedAt": {}})),
        TIME_STAMPED,
        DECIDE,
        behind=(GROUPS_STAMPED, Denial(DECISION, LATE.rule, "the deadline 2100-01-01T00:00:00Z has passed")),
    ),
]

COMMENTS = [
    Attack(
        "decline-without-comment",
        4,
        "lead-1",
        "an approver declines without the comment that is asked for",
        decide("gate", LEAD, verdict="Decline"),
        crd("approvals", "this decision needs a comment: the requester will read it (spec.decisions[you].comment)"),
        DECIDE,
    ),
    Attack(
        "decline-with-blank-comment",
        4,
        "lead-1",
        "an approver declines with a comment of spaces",
        decide("gate", LEAD, verdict="Decline", comment=" \t "),
        crd("approvals", "this decision needs a comment: the requester will read it (spec.decisions[you].comment)"),
        DECIDE,
    ),
    Attack(
        "endless-comment",
        4,
        "lead-1",
        "an approver writes a comment of a megabyte",
        decide("gate", LEAD, comment="x" * 1_000_000),
        schema("may not be more than 1024"),
        DECIDE,
    ),
    Attack(
        "unknown-verdict",
        4,
        "lead-1",
        "an approver invents a verdict",
        decide("gate", LEAD, verdict="BreakGlass"),
        schema('Unsupported value: "BreakGlass": supported values: "Approve", "Decline"'),
        DECIDE,
    ),
]

ATTACKS = [*FORGED, *STAYS, *UNCALLED, *OWN, *LATER, *COMMENTS]
