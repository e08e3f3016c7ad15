"""Attacks on Approvals without a run: forge who asks or until when, fill in what is the operator's, take one back."""

from datetime import datetime, timedelta
from typing import Any

from tests.attacks.denials import (
    BARE,
    BY_ITS_RUN,
    DEADLINE_STAMPED,
    GATE_NOT_BACK,
    GATE_NOT_OPEN,
    NAME_OF_A_RUN,
    NEVER,
    NOT_YOUR_GATE,
    OF_NO_GROUP,
    OPENED_BY_ANOTHER,
    OWN_REQUEST,
    PENDING,
    TIMEOUT,
    a_record,
    crd,
    may_not_decide,
    not_its_creators,
    schema,
)
from tests.attacks.gate_removed import OWNER
from tests.attacks.model import NOW, Attack, Denial, Seen, Shows, Twin, create, delete, patch
from tests.attacks.spelling import sentence_of
from tests.attacks.world import APPROVE, LEAD, LEAD_2, MALLORY, ROBOT, alone

from pratique.api.v1alpha1 import spelling

OPEN = Twin("robot", "opens a gate for its pipeline", create(alone("fresh")))
DECIDE = Twin("lead-2", "decides it", patch("approvals/alone", {"spec": {"decisions": {LEAD_2: APPROVE}}}))
BACK = {"spec": {"withdrawn": True}}
WITHDRAW = Twin("robot", "takes back its own", patch("approvals/alone", BACK))


_GHOST = {
    "manager": "ghost",
    "operation": "Update",
    "apiVersion": "pratique.dev/v1alpha1",
    "time": "2099-01-01T00:00:00Z",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:spec": {"f:policy": {"f:timeout": {}}}},
}


def _is_tomorrow(found: Any) -> bool:
    return isinstance(found, str) and NOW.holds((datetime.fromisoformat(found) - timedelta(days=1)).isoformat())


def opened(name: str, point: int, told: str, answer: Denial, behind: tuple[Denial, ...] = (), **changes: Any) -> Attack:
    """Return an attack by which a pipeline opens a gate."""
    what = f"a pipeline {told}"
    return Attack(name, point, "robot", what, create(alone("fresh", **changes)), answer, OPEN, behind=behind)


ATTACKS = [
    opened(
        "alone-as-another",
        2,
        "opens a gate in a lead's name, to have it decided by itself",
        OPENED_BY_ANOTHER,
        spec__requestedBy={"username": LEAD, "groups": []},
    ),
    Attack(
        "alone-without-requester",
        2,
        "robot",
        "a pipeline leaves out who asks, to be nobody",
        create(alone("fresh")),
        Shows("spec.requestedBy.username", ROBOT, "pratique-standalone", "stamp"),
        behind=(schema("spec.requestedBy: Required value"),),
    ),
    opened(
        "alone-with-a-plan",
        5,
        "shows approvers a plan that nobody made",
        not_its_creators("plan"),
        spec__plan={"digest": "sha256:0", "summary": ["Nothing at all"]},
    ),
    opened(
        "alone-under-the-name-of-a-gate",
        4,
        "takes the name of the gate of a run, before the operator opens it",
        NAME_OF_A_RUN,
        metadata__name="deploy-platform-7f3a9c01bd",
    ),
    opened(
        "alone-hung-on-something",
        4,
        "hangs its gate on something, so that the record goes with that",
        BARE,
        metadata__ownerReferences=[OWNER],
    ),
    opened(
        "alone-that-cannot-go",
        4,
        "puts a finalizer on its gate, so that its namespace never goes",
        BARE,
        metadata__finalizers=["example.com/never"],
    ),
    opened("alone-for-ever", 15, "opens a gate for a hundred days", TIMEOUT, spec__policy__timeout="100d"),
    opened(
        "alone-in-other-words",
        15,
        "opens a gate for what is no length of time",
        crd("approvals", sentence_of(spelling.Duration)),
        (TIMEOUT,),
        spec__policy__timeout="1 day",
    ),
    opened(
        "alone-until-later",
        15,
        "opens a gate for an hour, and sends another deadline",
        DEADLINE_STAMPED,
        spec__policy__timeout="1h",
        spec__policy__deadline="2099-01-01T00:00:00Z",
    ),
    Attack(
        "alone-since-later",
        15,
        "robot",
        "a pipeline sends managedFields of the future, so that its time ends later",
        create(alone("fresh", metadata__managedFields=[_GHOST])),
        Shows("spec.policy.deadline", Seen("a day after the request", _is_tomorrow)),
    ),
    opened(
        "alone-for-itself",
        3,
        "names itself as the only approver",
        NEVER,
        spec__policy__approvers={"users": [ROBOT]},
    ),
    opened(
        "alone-counted-from-elsewhere",
        4,
        "asks for somebody of a group that cannot decide",
        OF_NO_GROUP,
        spec__policy__requireFrom=[{"group": "security", "count": 1}],
    ),
    opened(
        "alone-with-a-stand-in",
        4,
        "writes a stand-in of an approver into a gate that it opens",
        not_its_creators("delegations"),
        spec__delegations={LEAD: {"to": MALLORY, "until": "2100-01-01T00:00:00Z"}},
    ),
    opened(
        "alone-about-nothing",
        17,
        "asks for a decision without saying about what",
        crd("approvals", "subject needs a title: what is to be decided, in one line"),
        spec__subject={"title": "   "},
    ),
    opened(
        "alone-with-a-script",
        17,
        "puts a script in place of a link, for approvers to click on",
        crd("approvals", "url is a link without blanks, and begins with https:// or http://"),
        spec__subject={"title": "Deploy", "url": "javascript:alert(1)"},
    ),
    Attack(
        "gate-of-a-run-without-a-plan",
        5,
        "operator",
        "the operator's own account opens a gate of a run that shows no plan",
        create(
            alone(
                "fresh",
                spec__subject={"kind": "ActionRun", "name": "a", "uid": "b"},
                **{"spec__requestedBy": {"username": ROBOT}, "spec__policy__deadline": "2100-01-01T00:00:00Z"},
            )
        ),
        crd("approvals", "a gate of a run names its action, its stage and its plan"),
        OPEN,
    ),
    Attack(
        "alone-decided-by-its-pipeline",
        3,
        "robot",
        "a pipeline decides its own gate, in which it is listed",
        patch("approvals/alone-both", {"spec": {"decisions": {ROBOT: APPROVE}}}),
        OWN_REQUEST,
        DECIDE,
        behind=(may_not_decide(ROBOT, "alone-both"),),
    ),
    Attack(
        "alone-without-the-verb",
        13,
        "mallory",
        "somebody decides whom a pipeline lists, and nobody gave a right",
        patch("approvals/alone-unverbed", {"spec": {"decisions": {MALLORY: APPROVE}}}),
        may_not_decide(MALLORY, "alone-unverbed"),
        DECIDE,
    ),
    Attack(
        "withdraw-anothers-gate",
        16,
        "mallory",
        "somebody takes back the gate of a pipeline",
        patch("approvals/alone", BACK),
        NOT_YOUR_GATE,
        WITHDRAW,
    ),
    Attack(
        "withdraw-the-gate-of-a-run",
        16,
        "mallory",
        "somebody withdraws a run by its gate",
        patch("approvals/gate", BACK),
        BY_ITS_RUN,
        WITHDRAW,
        behind=(NOT_YOUR_GATE,),
    ),
    Attack(
        "withdraw-gate-and-back",
        16,
        "robot",
        "a pipeline takes back that it took its gate back",
        patch("approvals/alone-withdrawn", {"spec": {"withdrawn": False}}),
        GATE_NOT_BACK,
        WITHDRAW,
    ),
    Attack(
        "withdraw-ended-gate",
        16,
        "robot",
        "a pipeline takes back what was approved",
        patch("approvals/alone-ended", BACK),
        GATE_NOT_OPEN,
        WITHDRAW,
    ),
    Attack(
        "delete-alone",
        4,
        "mallory",
        "somebody deletes a gate of a pipeline that is open",
        delete("approvals/alone"),
        PENDING,
        Twin("admin", "deletes a gate that has ended, holding the verb purge", delete("approvals/ended")),
    ),
    Attack(
        "delete-withdrawn-of-another",
        4,
        "mallory",
        "somebody deletes a gate that another pipeline took back",
        delete("approvals/alone-withdrawn"),
        a_record(MALLORY, "Withdrawn"),
        Twin("admin", "deletes a gate that has ended, holding the verb purge", delete("approvals/ended")),
    ),
]
