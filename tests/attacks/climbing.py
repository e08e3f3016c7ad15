"""Attacks on the clock of a gate: before one's step, by a step that names who asks, by a moved or an added step."""

from typing import Any

from tests.attacks.actions import STAGE, offer
from tests.attacks.deciding import decide
from tests.attacks.denials import (
    EXCLUDED,
    FROZEN,
    MACHINE,
    OWN_REQUEST,
    crd,
    not_listed,
    rbac,
)
from tests.attacks.forging import forge_time
from tests.attacks.model import Attack, Denial, Twin, by_headers, patch, replacing
from tests.attacks.world import APPROVE, DEVELOPER, LEAD, LEAD_2, MALLORY, NEXT_STEP, OPERATOR, ROBOT, SECURITY, STEP

from pratique.api.v1alpha1.people import ONE_NAME_SENTENCE

_BY_NAME = f"{SECURITY}; from {STEP} also {LEAD_2}; from {NEXT_STEP} also {LEAD}"
_BY_GROUP = f"{SECURITY}; from {NEXT_STEP} also group platform-leads"
_SECOND = Twin("lead-2", "decides it, whom a step has added", decide("climbs", LEAD_2))
_MEMBER = Twin("lead-1", "decides where that step has come", decide("climbed", LEAD))
_NIGHT = {"groups": ["security"]}


def moved(slug: str, who: str, what: str, steps: Any, answer: Denial = FROZEN, gate: str = "climbs") -> Attack:
    """Return an attack that writes another ladder into a gate, together with a decision where that is of use."""
    decisions = {} if who == "operator" else {"decisions": {LEAD: APPROVE}} if who == "lead-1" else {}
    body = {"spec": {"policy": {"escalation": steps}, **decisions}}
    return Attack(slug, 4, who, what, patch(f"approvals/{gate}", body), answer, _SECOND)


WHEN = [
    Attack(
        "before-the-step",
        15,
        "lead-1",
        "an approver decides whom a step adds that has not come",
        decide("climbs", LEAD),
        not_listed(LEAD, "climbs at TIME", _BY_NAME),
        _SECOND,
    ),
    Attack(
        "before-the-step-of-a-group",
        15,
        "lead-1",
        "an approver decides whose group a step adds that has not come",
        decide("climbs-later", LEAD),
        not_listed(LEAD, "climbs-later at TIME", _BY_GROUP),
        _MEMBER,
    ),
    Attack(
        "ghost-of-a-later-step",
        15,
        "lead-1",
        "an approver decides, and says in managed fields that it is long after the step",
        replacing("approvals/climbs", forge_time("somebody", {"f:decidedAt": {}}, "2099-06-01T00:00:00Z")),
        not_listed(LEAD, "climbs at TIME", _BY_NAME),
        _SECOND,
    ),
    Attack(
        "ghost-in-the-own-name",
        15,
        "lead-1",
        "an approver decides, and says so in the entry of managed fields that will be the own",
        replacing(
            "approvals/climbs",
            forge_time("attacks", {".": {}, "f:verdict": {}}, "2099-06-01T00:00:00Z"),
            fieldManager="attacks",
        ),
        not_listed(LEAD, "climbs at TIME", _BY_NAME),
        _SECOND,
    ),
]

WHO = [
    Attack(
        "own-request-by-a-step",
        3,
        "lead-1",
        "a requester decides whom a step of the rule names",
        decide("own-climbs", LEAD),
        OWN_REQUEST,
        Twin("lead-2", "decides it, whom the same step names", decide("own-climbs", LEAD_2)),
    ),
    Attack(
        "own-request-by-a-step-of-a-group",
        3,
        "lead-1",
        "a requester decides whose group a step of the rule names",
        decide("own-climbed", LEAD),
        OWN_REQUEST,
        Twin("lead-2", "decides it, of the same group", decide("own-climbed", LEAD_2)),
    ),
    Attack(
        "excluded-by-a-step",
        3,
        "lead-1",
        "an approver who decided an earlier stage is added to the next one by a step, and decides",
        decide("climbed-without", LEAD),
        EXCLUDED,
        Twin("lead-2", "decides it, of the same group", decide("climbed-without", LEAD_2)),
    ),
    Attack(
        "machine-in-the-group-of-a-step",
        14,
        "admin (as robot in platform-leads)",
        "a ServiceAccount whose token says that it is in the group of a step decides",
        by_headers(decide("climbed", ROBOT), ("Impersonate-User", ROBOT), ("Impersonate-Group", "platform-leads")),
        MACHINE,
        _MEMBER,
        behind=(not_listed(ROBOT, "climbed at TIME", f"{SECURITY}; from {STEP} also group platform-leads"),),
    ),
]

FROZEN_CLOCK = [
    moved(
        "bring-a-step-forward",
        "lead-1",
        "an approver moves the own step into the past, and decides",
        [{"at": STEP, "to": {"users": [LEAD]}}],
    ),
    moved(
        "bring-a-step-forward-as-admin",
        "admin",
        "cluster-admin moves a step into the past",
        [{"at": STEP, "to": {"users": [LEAD, LEAD_2]}}],
    ),
    moved("take-steps-away", "admin", "cluster-admin takes the steps out of a gate", None),
    moved(
        "add-a-step",
        "lead-1",
        "an approver adds a friend by a step, while deciding",
        [{"at": STEP, "to": {"users": [MALLORY]}}],
        gate="gate",
    ),
    moved(
        "add-a-step-as-the-operator",
        "operator",
        "the operator adds people to an open gate",
        [{"at": STEP, "to": _NIGHT}],
        rbac(OPERATOR, "patch", "approvals"),
        gate="gate",
    ),
    moved(
        "add-a-step-as-the-requester",
        "developer",
        "the requester adds people to the own gate",
        [{"at": STEP, "to": {"users": [DEVELOPER]}}],
        FROZEN,
        gate="gate",
    ),
]

_NOBODY = "`to` of escalation needs at least one user or group; leave `to` out for a reminder"
_PEOPLE = (
    "`to.groups` of escalation must name people: system:authenticated, system:unauthenticated and"
    " system:serviceaccounts… are not allowed"
)


def shaped(slug: str, what: str, to: dict[str, Any], rule: str) -> Attack:
    """Return an attack that writes a step into a gate that no gate may have, whoever writes it."""
    body = {"spec": {"policy": {"escalation": [{"at": STEP, "to": to}]}}}
    answer = crd("approvals", rule)
    return Attack(slug, 4, "admin", what, patch("approvals/gate", body), answer, _SECOND, behind=(FROZEN,))


def ladder(slug: str, what: str, steps: list[dict[str, Any]], rule: str, **changes: Any) -> Attack:
    """Return an Action with a ladder that is refused."""
    return offer(
        slug, 4, what, {f"{STAGE}.escalation": steps, **{f"{STAGE}.{key}": each for key, each in changes.items()}}, rule
    )


LADDERS = [
    shaped("a-step-to-nobody", "cluster-admin writes a step to nobody into a gate", {"users": []}, _NOBODY),
    shaped(
        "a-step-to-everybody",
        "cluster-admin writes a step to everybody into a gate",
        {"groups": ["system:authenticated"]},
        _PEOPLE,
    ),
    ladder("escalation-to-nobody", "an author escalates to nobody", [{"after": "1h", "to": {"users": []}}], _NOBODY),
    ladder(
        "escalation-to-machines",
        "an author escalates to all machines of a namespace",
        [{"after": "1h", "to": {"groups": ["system:serviceaccounts:team-a"]}}],
        _PEOPLE,
    ),
    ladder(
        "escalation-out-of-order",
        "an author escalates after the deadline",
        [{"after": "2d", "to": _NIGHT}],
        "escalation: each `after` must be longer than the one before it and shorter than deadline (24h, if none"
        " is written), and a deadline with escalation 3650d at most",
    ),
    ladder(
        "escalation-to-who-is-asked",
        "an author escalates to who is asked already",
        [{"after": "1h", "to": {"users": ["lead-1@example.com"]}}],
        "escalation: `to` names somebody who is asked already, by approvers or by another step: leave them out",
    ),
    ladder(
        "escalation-of-all",
        "an author adds people to a rule that all of a list must agree to",
        [{"after": "1h", "to": _NIGHT}],
        "escalation: `to` cannot add people to mode: All, which means every one of approvers.users: use required,"
        " or leave `to` out for a reminder",
        mode="All",
    ),
    ladder(
        "escalation-of-alternatives",
        "an author adds people to one of several rules, and does not say to which",
        [{"after": "1h", "to": _NIGHT}],
        "escalation: `to` cannot add people where there are alternatives, since it is not said to which rule: add"
        " them to one of the rules, or leave `to` out for a reminder",
        alternatives=[{"approvers": {"groups": ["ops"]}}],
    ),
    ladder(
        "escalation-to-two-in-one-string",
        "an author escalates to two people, in one string",
        [{"after": "1h", "to": {"users": ["lead-1@example.com, lead-2@example.com"]}}],
        f"escalation: each of users and groups {ONE_NAME_SENTENCE}",
    ),
]

ATTACKS = [*WHEN, *WHO, *FROZEN_CLOCK, *LADDERS]
