"""Attacks on what a decision says: under another name, with another time or group, late, changed afterwards."""

from typing import Any

from tests.attacks.deciding import decide
from tests.attacks.denials import (
    DECISION,
    ENDED,
    FROZEN,
    GROUPS_STAMPED,
    LATE,
    ONCE,
    ONLY_GROWS,
    RECORDED,
    TIME_STAMPED,
    UNCHANGED,
    own_name,
    stamped,
)
from tests.attacks.gate_frozen import DECIDE, MINE
from tests.attacks.model import NOW, Attack, Shows, Twin, apply, patch, replacing
from tests.attacks.world import APPROVE, LEAD, LEAD_2, LEAD_UPPER, MAG, MALLORY

SECOND = Twin("lead-2", "adds the second decision", patch("approvals/half", {"spec": {"decisions": {LEAD_2: APPROVE}}}))
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


def forge_time(manager: str, fields: dict[str, Any], when: str = "2020-01-01T00:00:00Z") -> Any:
    """Return a change that decides, and says that a field manager did so at another time."""
    entry = {
        "apiVersion": "pratique.dev/v1alpha1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:decisions": {f"f:{LEAD}": fields}}},
        "manager": manager,
        "operation": "Update",
        "time": when,
    }

    def change(live: dict[str, Any]) -> None:
        live["spec"]["decisions"] = {LEAD: dict(APPROVE)}
        live["metadata"]["managedFields"].append(entry)

    return change


STAYS = [
    Attack(
        "decide-twice",
        3,
        "lead-1-upper",
        "an approver decides again, by an account whose name differs in letter case only",
        patch("approvals/half", {"spec": {"decisions": {LEAD_UPPER: APPROVE}}}),
        ONCE,
        SECOND,
    ),
    Attack(
        "remove-own-decision",
        4,
        "lead-1",
        "an approver removes the own decision",
        patch("approvals/half", {"spec": {"decisions": {LEAD: None}}}),
        ONLY_GROWS,
        SECOND,
        behind=(RECORDED,),
    ),
    Attack(
        "remove-decision",
        4,
        "lead-2",
        "an approver removes a colleague's decision",
        patch("approvals/half", {"spec": {"decisions": {LEAD: None}}}),
        ONLY_GROWS,
        SECOND,
        MAG,
        behind=(RECORDED,),
    ),
    Attack(
        "remove-all-decisions",
        4,
        "admin",
        "cluster-admin sets the decisions to null",
        patch("approvals/half", {"spec": {"decisions": None}}),
        ONLY_GROWS,
        SECOND,
        behind=(RECORDED,),
    ),
    Attack(
        "remove-by-json-patch",
        4,
        "mallory",
        "somebody removes a decision by JSON patch",
        patch("approvals/half", [{"op": "remove", "path": f"/spec/decisions/{LEAD}"}], "json"),
        ONLY_GROWS,
        SECOND,
        behind=(RECORDED,),
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
        ONLY_GROWS,
        SECOND,
        behind=(RECORDED,),
    ),
    Attack(
        "restamp-decision",
        15,
        "lead-1",
        "an approver changes the time of the own decision",
        patch("approvals/half", {"spec": {"decisions": {LEAD: {"decidedAt": "2020-01-01T00:00:00Z"}}}}),
        UNCHANGED,
        SECOND,
    ),
    Attack(
        "regroup-decision",
        2,
        "lead-1",
        "an approver adds a group to the own decision afterwards",
        patch("approvals/half", {"spec": {"decisions": {LEAD: {"groups": ["directors"]}}}}),
        UNCHANGED,
        SECOND,
    ),
    Attack(
        "replace-decisions",
        4,
        "mallory",
        "somebody replaces the object as it was before the decision",
        replacing("approvals/half", lambda live: live["spec"].pop("decisions")),
        ONLY_GROWS,
        SECOND,
        behind=(RECORDED,),
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
        replacing("approvals/gate", forge_time("somebody", {".": {}, "f:verdict": {}})),
        Shows(f"spec/decisions/{LEAD}/decidedAt", NOW),
    ),
    Attack(
        "two-owners",
        15,
        "lead-1",
        "an approver decides, and says that another field manager owns a part of it since long ago",
        replacing("approvals/gate", forge_time("somebody", {"f:decidedAt": {}})),
        Shows(f"spec/decisions/{LEAD}/decidedAt", NOW),
    ),
]


ATTACKS = [*FORGED, *STAYS, *LATER]
