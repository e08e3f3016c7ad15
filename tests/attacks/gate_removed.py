"""Attacks on the gate as an object: take it away, mark it, hang it on something, open one's own."""

from functools import partial
from typing import Any

from tests.attacks.denials import (
    BORN_DECIDED,
    GATE_MARKS,
    MANAGED,
    OPENED,
    OPENED_BY_ANOTHER,
    PENDING,
    TAKES_NO_PART,
    TIMEOUT,
    a_record,
    canary,
    not_its_creators,
    rbac,
)
from tests.attacks.gate_frozen import DECIDE, MINE
from tests.attacks.model import Attack, Json, Twin, apply, create, delete, patch, replacing
from tests.attacks.world import APPROVE, LEAD, LEAD_2, MAG, MALLORY, OPERATOR, gate

OPEN = Twin("operator", "opens a gate without decisions", create(gate("fresh")))
END = Twin("admin", "deletes a gate that has ended, holding the verb purge", delete("approvals/ended"))
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a12"}

_ENDED = ("ended", "lent-ended", "alone-ended", "alone-withdrawn", "consents-ended", "talks-ended")

DELETED = [
    Attack(
        "delete-pending",
        4,
        "admin",
        "cluster-admin deletes a pending gate, so that it returns empty",
        delete("approvals/gate"),
        PENDING,
        END,
        MAG,
    ),
    Attack(
        "delete-pending-foreground",
        4,
        "admin",
        "cluster-admin deletes it with propagation Foreground",
        delete("approvals/gate", {"propagationPolicy": "Foreground"}),
        PENDING,
        END,
    ),
    Attack(
        "delete-pending-orphan",
        4,
        "admin",
        "cluster-admin deletes it with propagation Orphan and no grace",
        delete("approvals/gate", {"propagationPolicy": "Orphan", "gracePeriodSeconds": 0}),
        PENDING,
        END,
    ),
    Attack(
        "delete-collection",
        4,
        "mallory",
        "who may delete collections deletes all gates at once",
        delete("approvals", fieldSelector=",".join(f"metadata.name!={name}" for name in _ENDED)),
        PENDING,
        END,
    ),
    Attack(
        "delete-by-selector",
        4,
        "mallory",
        "who may delete collections deletes by a field selector",
        delete("approvals", fieldSelector="metadata.name=gate"),
        PENDING,
        END,
    ),
    Attack(
        "delete-as-approver",
        4,
        "lead-1",
        "an approver deletes the gate",
        delete("approvals/gate"),
        rbac(LEAD, "delete", "approvals"),
        END,
    ),
    Attack(
        "operator-deletes-pending",
        4,
        "operator",
        "the operator's own account deletes a pending gate",
        delete("approvals/gate"),
        rbac(OPERATOR, "delete", "approvals"),
        END,
    ),
    Attack(
        "delete-the-record",
        4,
        "mallory",
        "who may delete Approvals deletes the record of a decision",
        delete("approvals/ended"),
        a_record(MALLORY),
        END,
    ),
    Attack(
        "delete-the-records",
        4,
        "mallory",
        "who may delete collections deletes the records",
        delete("approvals", fieldSelector="metadata.name=ended"),
        a_record(MALLORY),
        END,
    ),
    Attack(
        "owner-reference",
        4,
        "lead-1",
        "an approver hangs the gate on an object that is gone: the garbage collector would delete it",
        patch("approvals/gate", {"metadata": {"ownerReferences": [OWNER]}}),
        GATE_MARKS,
        DECIDE,
    ),
    Attack(
        "finalizer",
        4,
        "admin",
        "cluster-admin hangs a finalizer on the gate",
        patch("approvals/gate", {"metadata": {"finalizers": ["example.com/mine"]}}),
        GATE_MARKS,
        DECIDE,
    ),
    Attack(
        "finalizer-orphan",
        4,
        "lead-1",
        "an approver sets the garbage collector's own finalizer",
        patch("approvals/gate", {"metadata": {"finalizers": ["foregroundDeletion"]}}),
        GATE_MARKS,
        DECIDE,
    ),
]


def _claim(fields: dict[str, Any], who: str = LEAD_2) -> Json:
    """Return managed fields by which somebody owns a part of a decision that `who` has not made."""
    return {
        "apiVersion": "pratique.dev/v1alpha1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:decisions": {f"f:{who}": fields}}},
        "manager": "somebody",
        "operation": "Update",
        "time": "2020-01-01T00:00:00Z",
    }


def _claiming(live: Json) -> None:
    live["metadata"]["managedFields"].append(_claim({"f:decidedAt": {}}))


def _claiming_while_deciding(live: Json) -> None:
    _claiming(live)
    live["spec"]["decisions"] = {LEAD: APPROVE}


def _claiming_an_answer(live: Json) -> None:
    live["metadata"]["managedFields"].append(
        {**_claim({}), "fieldsV1": {"f:spec": {"f:consent": {"f:answer": {}, "f:by": {}}}}}
    )
    live["spec"]["decisions"] = {LEAD: APPROVE}


def _filling(empty: Json, live: Json) -> None:
    claims: Json = {f"f:{number}": {} for number in range(1000)}
    live["metadata"]["managedFields"].append({**_claim({}), "fieldsV1": {"f:spec": {"f:consent": claims}}})
    live["spec"] |= empty


SILENCED = [
    Attack(
        "claim-a-colleagues-key",
        4,
        "mallory",
        "somebody says that a field manager owns a part of a lead's decision, so that the lead cannot decide any more",
        replacing("approvals/gate", _claiming),
        MANAGED,
        DECIDE,
    ),
    Attack(
        "claim-by-merge-patch",
        4,
        "security",
        "an approver of other things does so by merge patch",
        patch("approvals/gate", {"metadata": {"managedFields": [_claim({"f:nonsense": {}})]}}),
        MANAGED,
        DECIDE,
    ),
    Attack(
        "claim-while-deciding",
        4,
        "lead-1",
        "an approver approves, and in the same request takes the second approver's key",
        replacing("approvals/gate", _claiming_while_deciding),
        MANAGED,
        DECIDE,
    ),
    Attack(
        "crowd-of-managers",
        4,
        "mallory",
        "somebody applies what is there already under ever new field managers, until the gate is full",
        apply("approvals/gate", {"spec": {"stage": "platform"}}, manager="m1"),
        MANAGED,
        DECIDE,
    ),
    *(
        Attack(
            f"fill-by-{slug}",
            4,
            "mallory",
            f"somebody writes {what}, and with it managed fields until the gate is full",
            replacing("approvals/gate", partial(_filling, empty)),
            TAKES_NO_PART,
            DECIDE,
            behind=(MANAGED,),
        )
        for slug, what, empty in (
            ("not-withdrawing", "that the gate is not withdrawn", {"withdrawn": False}),
            ("no-decisions", "no decisions", {"decisions": {}}),
            ("no-stand-ins", "no stand-ins", {"delegations": {}}),
        )
    ),
    Attack(
        "claim-an-answer",
        4,
        "lead-1",
        "an approver approves, and in the same request takes the answer of who asks",
        replacing("approvals/gate", _claiming_an_answer),
        MANAGED,
        DECIDE,
    ),
    Attack(
        "fill-with-labels",
        4,
        "security",
        "an approver of other things fills the gate with labels, until it has no room for its own status",
        patch("approvals/gate", {"metadata": {"labels": {f"x{n}": "x" * 63 for n in range(3000)}}}),
        GATE_MARKS,
        DECIDE,
    ),
    Attack(
        "any-annotation",
        4,
        "admin",
        "cluster-admin writes an annotation that some tool of the approvers believes",
        patch("approvals/gate", {"metadata": {"annotations": {"example.com/checked-by": "lead-1"}}}),
        GATE_MARKS,
        DECIDE,
    ),
]

MARKED = [
    Attack(
        "our-label",
        4,
        "lead-1",
        "an approver gives the gate another run's label",
        patch("approvals/gate", {"metadata": {"labels": {"pratique.dev/run-uid": "x"}}}),
        GATE_MARKS,
        DECIDE,
    ),
    Attack(
        "our-annotation",
        4,
        "mallory",
        "somebody with the right to patch gates writes an annotation of ours",
        patch("approvals/gate", {"metadata": {"annotations": {"pratique.dev/x": "x"}}}),
        GATE_MARKS,
        DECIDE,
    ),
    Attack(
        "our-label-by-apply",
        4,
        "admin",
        "cluster-admin applies a label of ours with force",
        apply("approvals/gate", {"metadata": {"labels": {"pratique.dev/run-uid": "x"}}}, force="true"),
        GATE_MARKS,
        DECIDE,
    ),
    Attack(
        "canary-label",
        9,
        "lead-1",
        "an approver says that the gate is a canary, to be let through",
        patch("approvals/gate", {"metadata": {"labels": {"pratique.dev/canary": "true"}}, "spec": MINE}),
        canary("pratique-decision", " stamped"),
        DECIDE,
        behind=(GATE_MARKS,),
    ),
]

_NOT_ALONE = (OPENED_BY_ANOTHER, not_its_creators("stage, action, plan"), TIMEOUT)
"""Who else refuses a gate of a run that somebody opens who is not the operator."""

OPENED_BY_OTHERS = [
    Attack(
        "open-a-gate",
        4,
        "admin",
        "cluster-admin opens a gate of his own",
        create(gate("fresh")),
        OPENED,
        OPEN,
        behind=_NOT_ALONE,
    ),
    Attack(
        "open-a-gate-generated",
        4,
        "mallory",
        "somebody opens a gate under a generated name",
        create({**gate("fresh"), "metadata": {"generateName": "fresh-"}}),
        OPENED,
        OPEN,
        behind=_NOT_ALONE,
    ),
    Attack(
        "open-by-apply",
        4,
        "mallory",
        "somebody opens a gate by server-side apply",
        apply("approvals/fresh", {"spec": gate("fresh")["spec"]}),
        OPENED,
        OPEN,
        behind=_NOT_ALONE,
    ),
    Attack(
        "open-decided",
        4,
        "mallory",
        "somebody opens a gate that is decided already",
        create({**gate("fresh"), "spec": {**gate("fresh")["spec"], **MINE}}),
        OPENED,
        OPEN,
        behind=(*_NOT_ALONE, BORN_DECIDED),
    ),
    Attack(
        "operator-opens-decided",
        4,
        "operator",
        "the operator's own account opens a gate that is decided already",
        create({**gate("fresh"), "spec": {**gate("fresh")["spec"], **MINE}}),
        BORN_DECIDED,
        OPEN,
    ),
    Attack(
        "operator-decides",
        3,
        "operator",
        "the operator's own account decides",
        patch("approvals/gate", {"spec": MINE}),
        rbac(OPERATOR, "patch", "approvals"),
        DECIDE,
    ),
]

ATTACKS = [*SILENCED, *DELETED, *MARKED, *OPENED_BY_OTHERS]
