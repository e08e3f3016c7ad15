"""Attacks on decisions by those who may not decide: uncalled, without the verb, as a machine, on their own request."""

from typing import Any

from tests.attacks.denials import (
    EXCLUDED,
    FOR_YOU,
    MACHINE,
    OWN_REQUEST,
    crd,
    may_not_approve,
    not_listed,
    rbac,
    schema,
    sealed,
)
from tests.attacks.gate_frozen import DECIDE
from tests.attacks.model import Attack, Request, Shows, Twin, apply, by_headers, patch
from tests.attacks.world import APPROVE, LEAD, LEAD_2, MALLORY, ROBOT, SECURITY

NAMED = Twin(
    "robot", "decides where the policy names it", patch("approvals/robots", {"spec": {"decisions": {ROBOT: APPROVE}}})
)


OTHER = Twin(
    "lead-2", "decides the other's request", patch("approvals/own", {"spec": {"decisions": {LEAD_2: APPROVE}}})
)


_MASTERS = (("Impersonate-User", ROBOT), ("Impersonate-Group", "platform-leads"))


def decide(gate: str, who: str, **entry: Any) -> Request:
    """Return a decision by merge patch."""
    return patch(f"approvals/{gate}", {"spec": {"decisions": {who: APPROVE | entry}}})


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
        not_listed("developer-2@example.com"),
        DECIDE,
        behind=(may_not_approve("developer-2@example.com"),),
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
        behind=(not_listed(ROBOT),),
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


TWICE = [
    Attack(
        "excluded",
        3,
        "lead-1",
        "an approver who decided an earlier stage decides the next one too",
        decide("left-out", LEAD),
        EXCLUDED,
        Twin("lead-2", "decides it, who did not", decide("left-out", LEAD_2)),
    ),
    Attack(
        "excluded-in-capitals",
        3,
        "lead-2",
        "an approver whose name the list has in capitals decides all the same",
        decide("left-out-upper", LEAD_2),
        EXCLUDED,
        Twin("lead-1", "decides it, who is not on the list", decide("left-out-upper", LEAD)),
    ),
    Attack(
        "excluded-by-apply",
        3,
        "lead-1",
        "an approver who is excluded decides by server-side apply",
        apply("approvals/left-out", {"spec": {"decisions": {LEAD: APPROVE}}}),
        EXCLUDED,
        Twin("lead-2", "decides it, who is not", decide("left-out", LEAD_2)),
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
        decide("gate", LEAD, verdict="Veto"),
        schema('Unsupported value: "Veto": supported values: "Approve", "Decline", "Undecided", "BreakGlass"'),
        DECIDE,
    ),
]


HALF = Twin("lead-2", "decides where one of two has", decide("half", LEAD_2))

SEALED = [
    Attack(
        "approve-the-declined",
        4,
        "lead-2",
        "an approver approves what a colleague has just declined, before the operator has looked",
        decide("turned-down", LEAD_2),
        sealed(f"declined by {LEAD}"),
        HALF,
    ),
    Attack(
        "decline-the-granted",
        4,
        "lead-2",
        "an approver declines what a colleague has just granted, before the operator has looked",
        decide("granted", LEAD_2, verdict="Decline", comment="no"),
        sealed(f"approved by {LEAD}"),
        HALF,
    ),
    Attack(
        "approve-the-declined-by-apply",
        4,
        "lead-2",
        "an approver does so by server-side apply with force",
        apply("approvals/turned-down", {"spec": {"decisions": {LEAD_2: APPROVE}}}, manager="lead-2", force="true"),
        sealed(f"declined by {LEAD}"),
        HALF,
    ),
    Attack(
        "second-approval-of-the-granted",
        4,
        "lead-2",
        "an approver approves what is granted already",
        decide("granted", LEAD_2),
        sealed(f"approved by {LEAD}"),
        HALF,
    ),
]


ATTACKS = [*UNCALLED, *TWICE, *OWN, *COMMENTS, *SEALED]
