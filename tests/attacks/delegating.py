"""Attacks on stand-ins: named by others, by a stand-in, for ever; who decides for whom, when, and how often."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.attacks.deciding import decide
from tests.attacks.denials import (
    ASKING_STAND_IN,
    BLANK_STAND_IN,
    DELEGATION,
    EXCLUDED,
    EXCLUDED_STAND_IN,
    FOR_WHOM_STAYS,
    HAS_DECIDED_FOR_YOU,
    HAS_SPOKEN,
    LOAN_ENDED,
    LOAN_GROUPS,
    LOAN_SEALED,
    LOAN_TIME,
    MACHINE_NAMES,
    MANAGED,
    NAMES_NONE,
    NAMES_TOO_LATE,
    NO_STAND_INS,
    NOT_YOURSELF,
    OLD_UNTIL,
    OUT_FOR,
    OUT_NAMES,
    OWN_STAND_IN,
    SAME_PERSON,
    STAND_IN_IS_MACHINE,
    STAND_IN_STAYS,
    TOO_LONG,
    UNCHANGED,
    UNLENT,
    UNVERBED_NAMES,
    UNVERBED_NAMES_ALONE,
    crd,
    may_not_approve,
    no_stand_in,
    own_name,
    schema,
    stamped,
)
from tests.attacks.model import NOW, Attack, Denial, Json, Request, Twin, apply, patch, replacing
from tests.attacks.world import APPROVE, DEVELOPER, LEAD, LEAD_2, LEAD_UPPER, MALLORY, ONCALL, ROBOT, SECURITY

_NOW = datetime.now(UTC)
UNTIL, TOO_LATE = (f"{_NOW + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (30, 61))


def name(gate: str, who: str = LEAD, **entry: Any) -> Request:
    """Return the naming of a stand-in by merge patch: what is not sent stays."""
    return patch(f"approvals/{gate}", {"spec": {"delegations": {who: {"to": LEAD_2, "until": UNTIL} | entry}}})


def change(gate: str, who: str = LEAD, entry: Json | None = None) -> Request:
    """Return a change of somebody's entry by merge patch."""
    return patch(f"approvals/{gate}", {"spec": {"delegations": {who: entry}}})


NAMES = Twin("lead-1", "names a stand-in, for thirty days", name("lends"))
STANDS_IN = Twin("lead-2", "decides for the one who named them", decide("lent", LEAD_2, **{"for": LEAD}))
ENDS = Twin("lead-1", "ends it", change("lent"))


def badly(slug: str, what: str, answer: Denial, gate: str = "lends", who: str = "lead-1", **entry: Any) -> Attack:
    """Return an attack that names a stand-in who may be none."""
    owner = {
        "lead-1": LEAD,
        "lead-2": LEAD_2,
        "robot": ROBOT,
        "security": SECURITY,
        "mallory": MALLORY,
        "oncall": ONCALL,
    }
    return Attack(slug, 13, who, what, name(gate, owner[who], **entry), answer, NAMES)


NAMING = [
    badly(
        "stand-in-where-none-are", "an approver names a stand-in where the rule takes none", NO_STAND_INS, "own-none"
    ),
    badly("stand-in-of-a-machine", "a machine that is listed names a stand-in", MACHINE_NAMES, "lends-robot", "robot"),
    badly("stand-in-of-nobody-asked", "somebody who is not asked names a stand-in", NAMES_NONE, "lends", "security"),
    badly(
        "stand-in-of-a-stand-in",
        "a stand-in hands on to a third, in a chain",
        NAMES_NONE,
        "lent-named",
        "lead-2",
        to=SECURITY,
    ),
    badly(
        "stand-in-of-who-is-on-call",
        "who may break the glass, and is no approver, names a stand-in",
        NAMES_NONE,
        "lends-night",
        "oncall",
    ),
    badly(
        "lend-a-seat-without-the-verb",
        "somebody who is listed, but was never given the verb, lets a lead decide",
        UNVERBED_NAMES,
        "lends-unverbed",
        "mallory",
    ),
    badly(
        "lend-a-seat-alone-without-the-verb",
        "the same in a gate without a run",
        UNVERBED_NAMES_ALONE,
        "alone-lends",
        "mallory",
    ),
    badly(
        "stand-in-after-the-deadline",
        "an approver names a stand-in when nobody decides any more",
        NAMES_TOO_LATE,
        "lends-late",
    ),
    badly("requester-names-a-stand-in", "a requester who is listed names a stand-in", OUT_NAMES, "lends-own"),
    badly("excluded-names-a-stand-in", "who decided an earlier stage names a stand-in", OUT_NAMES, "lends-out"),
    badly("machine-as-stand-in", "an approver names a ServiceAccount as stand-in", STAND_IN_IS_MACHINE, to=ROBOT),
    badly("nobody-as-stand-in", "an approver names a blank as stand-in", BLANK_STAND_IN, to="  "),
    badly("oneself-as-stand-in", "an approver names herself, in other letter case", NOT_YOURSELF, to=LEAD_UPPER),
    badly("requester-as-stand-in", "an approver names who asks", ASKING_STAND_IN, to=DEVELOPER),
    badly("requester-as-stand-in-upper", "the same in capitals", ASKING_STAND_IN, to=DEVELOPER.upper()),
    badly("excluded-as-stand-in", "an approver names who decided an earlier stage", EXCLUDED_STAND_IN, to=MALLORY),
    badly(
        "stand-in-until-yesterday",
        "an approver names a stand-in until a time that is over",
        OLD_UNTIL,
        until="2020-01-01T00:00:00Z",
    ),
    badly("stand-in-for-ever", "an approver names a stand-in for sixty-one days", TOO_LONG, until=TOO_LATE),
    badly(
        "stand-in-between-no-times",
        "an approver names a stand-in who begins after the end",
        crd(
            "approvals",
            "a stand-in may decide until a moment after notBefore: make until later, or leave notBefore out",
        ),
        notBefore=TOO_LATE,
    ),
    Attack(
        "name-for-another",
        2,
        "mallory",
        "somebody names a stand-in of an approver",
        name("lends", to=MALLORY),
        OWN_STAND_IN,
        NAMES,
    ),
    Attack(
        "name-for-another-as-admin",
        2,
        "admin",
        "cluster-admin names a stand-in of an approver",
        name("lends", to="admin"),
        OWN_STAND_IN,
        NAMES,
    ),
    Attack(
        "name-for-another-as-operator",
        2,
        "operator",
        "the operator's own account names a stand-in in an open gate",
        apply("approvals/lends", {"spec": {"delegations": {LEAD: {"to": MALLORY, "until": UNTIL}}}}, force="true"),
        Denial("RBAC", "", 'User "system:serviceaccount:pratique-system:pratique" cannot patch resource "approvals"'),
        NAMES,
    ),
    Attack(
        "end-anothers-stand-in",
        2,
        "mallory",
        "somebody ends the stand-in of an approver",
        change("lent"),
        OWN_STAND_IN,
        ENDS,
    ),
    Attack(
        "prolong-as-stand-in",
        2,
        "lead-2",
        "a stand-in makes the own time longer",
        change("lent", LEAD, {"until": "2101-01-01T00:00:00Z"}),
        OWN_STAND_IN,
        ENDS,
    ),
    Attack(
        "endless-name-in-delegations",
        17,
        "mallory",
        "somebody writes a user name of a thousand characters into the delegations",
        name("lends", "x" * 1000),
        crd("approvals", "a user name in delegations may have 253 characters at most"),
        NAMES,
        behind=(OWN_STAND_IN,),
    ),
    Attack(
        "crowd-of-stand-ins",
        17,
        "mallory",
        "somebody fills the delegations, so that nobody else has room",
        patch(
            "approvals/lends",
            {"spec": {"delegations": {f"user-{n}": {"to": MALLORY, "until": UNTIL} for n in range(33)}}},
        ),
        schema("spec.delegations: Too many: 33: must have at most 32 items"),
        NAMES,
    ),
]


def _claim(live: Json) -> None:
    live["spec"]["decisions"] = {LEAD: dict(APPROVE)}
    live["metadata"]["managedFields"].append(
        {
            "apiVersion": "pratique.dev/v1alpha1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:delegations": {f"f:{LEAD_2}": {"f:to": {}, "f:until": {}}}}},
            "manager": "first",
            "operation": "Update",
            "time": "2020-01-01T00:00:00Z",
        }
    )


FORGING = [
    Attack(
        "forged-time-of-a-delegation",
        15,
        "lead-1",
        "an approver names a stand-in as if long ago, with the groups of others",
        name("lends", at="2020-01-01T00:00:00Z", groups=["security"]),
        stamped(DELEGATION, f"spec/delegations/{LEAD}/at", NOW),
        behind=(LOAN_TIME, LOAN_GROUPS),
    ),
    Attack(
        "forged-groups-of-a-delegation",
        13,
        "lead-1",
        "an approver lends a group that she is not in",
        name("lends", groups=["security"]),
        stamped(DELEGATION, f"spec/delegations/{LEAD}/groups", ["platform-leads"]),
        behind=(LOAN_TIME, LOAN_GROUPS),
    ),
    Attack(
        "groups-of-a-delegation-later",
        13,
        "lead-1",
        "an approver adds a group to what a stand-in has",
        change("lent", LEAD, {"groups": ["platform-leads", "security"]}),
        UNLENT,
        ENDS,
    ),
    Attack(
        "time-of-a-delegation-removed",
        15,
        "lead-1",
        "an approver takes away from when on a stand-in may decide",
        change("lent", LEAD, {"notBefore": None}),
        LOAN_TIME,
        ENDS,
    ),
    Attack(
        "claim-a-delegation",
        4,
        "lead-1",
        "an approver claims in managed fields to be the first to name a colleague's stand-in",
        replacing("approvals/lends", _claim),
        MANAGED,
        NAMES,
    ),
    Attack(
        "name-after-use",
        4,
        "lead-1",
        "an approver makes the time shorter of a stand-in who has decided",
        change("lent-used", LEAD, {"until": UNTIL}),
        STAND_IN_STAYS,
        Twin("lead-1", "decides herself, and her word counts", decide("lent-used", LEAD)),
    ),
    Attack(
        "remove-after-use",
        4,
        "lead-1",
        "an approver removes a stand-in who has decided",
        change("lent-used"),
        STAND_IN_STAYS,
        Twin("lead-1", "removes one who has said Undecided alone", change("lent-looked")),
    ),
    Attack(
        "name-after-the-end",
        4,
        "lead-1",
        "an approver names a stand-in in a gate that has ended",
        change("lent-ended", LEAD, {"until": UNTIL}),
        LOAN_ENDED,
        NAMES,
    ),
    Attack(
        "name-after-the-seal",
        4,
        "lead-2",
        "an approver names a stand-in in a gate that is granted, before the operator has looked",
        name("lent-granted", LEAD_2, to=SECURITY),
        LOAN_SEALED,
        NAMES,
    ),
]


NOBODY: dict[str, Any] = {"for": None}


def acting(slug: str, what: str, answer: Denial, gate: str, who: str = "lead-2", **entry: Any) -> Attack:
    """Return an attack by who decides for lead-1."""
    owner = {"lead-2": LEAD_2, "mallory": MALLORY, "security": SECURITY, "robot": ROBOT}[who]
    return Attack(slug, 13, who, what, decide(gate, owner, **{"for": LEAD} | entry), answer, STANDS_IN)


ACTING = [
    Attack(
        "name-and-decide-at-once",
        2,
        "mallory",
        "somebody decides for an approver, and writes in the same request that she may",
        patch(
            "approvals/lends",
            {
                "spec": {
                    "delegations": {LEAD: {"to": MALLORY, "until": UNTIL}},
                    "decisions": {MALLORY: APPROVE | {"for": LEAD}},
                }
            },
        ),
        OWN_STAND_IN,
        NAMES,
        behind=(no_stand_in(MALLORY), EXCLUDED, may_not_approve(MALLORY)),
    ),
    acting("decide-for-another", "an approver decides for a colleague who named nobody", no_stand_in(LEAD_2), "lends"),
    acting("decide-too-late-for-another", "a stand-in decides whose time is over", no_stand_in(LEAD_2), "lent-over"),
    acting(
        "decide-too-early-for-another", "a stand-in decides whose time has not come", no_stand_in(LEAD_2), "lent-later"
    ),
    acting(
        "decide-for-another-where-none-are",
        "a stand-in decides where the rule takes none",
        no_stand_in(LEAD_2),
        "lent-forbidden",
    ),
    acting(
        "decide-as-third-for-another",
        "somebody decides for who named another",
        no_stand_in(SECURITY),
        "lent",
        "security",
    ),
    acting("decide-for-the-excluded", "a stand-in decides for who decided an earlier stage", OUT_FOR, "lent-out"),
    acting("decide-for-the-requester", "a stand-in decides for who asks", OUT_FOR, "lent-own"),
    acting("decide-after-ones-principal", "a stand-in decides for who has decided", HAS_SPOKEN, "lent-spoken"),
    acting(
        "stand-in-without-the-verb",
        "a stand-in decides who was never given the verb",
        may_not_approve(MALLORY),
        "lent-unverbed",
        "mallory",
    ),
    acting(
        "change-for-whom",
        "a stand-in takes a word for another as the own",
        FOR_WHOM_STAYS,
        "lent-looked",
        **NOBODY,
    ),
    Attack(
        "decide-after-ones-stand-in-upper",
        3,
        "lead-1-upper",
        "an approver whose stand-in has decided decides too, by an account in other letter case",
        decide("lent-used", LEAD_UPPER),
        SAME_PERSON,
        Twin("lead-1", "decides herself, and her word counts", decide("lent-used", LEAD)),
    ),
    Attack(
        "change-what-a-stand-in-said",
        4,
        "lead-1",
        "an approver takes back what her stand-in said",
        patch("approvals/lent-used", {"spec": {"decisions": {LEAD_2: {"verdict": "Undecided"}}}}),
        HAS_DECIDED_FOR_YOU,
        Twin("lead-1", "decides herself, and her word counts", decide("lent-used", LEAD)),
    ),
    Attack(
        "decide-as-the-principal",
        2,
        "lead-2",
        "a stand-in decides under the name of who named them",
        decide("lent", LEAD),
        own_name(LEAD_2),
        STANDS_IN,
    ),
    Attack(
        "for-without-a-verdict",
        4,
        "lead-2",
        "an approver says afterwards that the decision was for another",
        patch("approvals/lent-own-word", {"spec": {"decisions": {LEAD_2: {"for": LEAD}}}}),
        UNCHANGED,
        Twin(
            "lead-2",
            "takes it back",
            patch("approvals/lent-own-word", {"spec": {"decisions": {LEAD_2: {"verdict": "Undecided"}}}}),
        ),
    ),
]

ATTACKS = [*NAMING, *FORGING, *ACTING]
