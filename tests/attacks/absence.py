"""Attacks on Delegations: made for others, by machines, for ever, in chains; redirected, lengthened, ended by others."""

from typing import Any

from tests.attacks.denials import (
    AWAY,
    AWAY_AS_WELL,
    AWAY_CHANGED,
    AWAY_DELETED,
    AWAY_HELD,
    AWAY_LONG,
    AWAY_MARKS,
    AWAY_OVER,
    AWAY_ROOM,
    AWAY_TWICE,
    FORGED_OWNER,
    LOAN_SOURCE,
    MACHINE_AWAY,
    SELF_AWAY,
    UNLENT,
    canary,
    crd,
    stamped,
)
from tests.attacks.model import Attack, Denial, Json, Request, Shows, Twin, create, delete, patch, replacing
from tests.attacks.world import LEAD, LEAD_2, MALLORY, ROBOT, SECURITY
from tests.builders.manifests import changed, delegation, in_days

_HOLIDAY = "delegations/holiday"
_UPPER = SECURITY.upper()
_STAYS = crd("delegations", "a Delegation stays as it was made, but for until: delete it, and make another")
_NOT_LATER = crd("delegations", "until may come earlier, never later: make another Delegation for the time after it")


def away(to: str = LEAD_2, days: int = 30, owner: Json | None = None, **spec: Any) -> Request:
    """Return the making of a Delegation."""
    return create(delegation("sea", to, days, **spec, **({} if owner is None else {"from": owner})))


def shorten(days: int = 10, **spec: Any) -> Request:
    """Return a change of the one that there is."""
    return patch(_HOLIDAY, {"spec": {"until": in_days(days)} | spec})


AWAY_TWIN = Twin("security", "says who decides for her while she is away", away())
SHORTENED = Twin("lead-1", "comes back earlier", shorten())
DELETED = Twin("lead-1", "deletes it", delete(_HOLIDAY))


def made(slug: str, what: str, answer: Denial | Shows, request: Request, who: str = "security", **more: Any) -> Attack:
    """Return an attack that makes a Delegation."""
    return Attack(slug, 13, who, what, request, answer, AWAY_TWIN, **more)


def _full(manifest: Json) -> Json:
    return changed(manifest, {"metadata.labels": {f"x{n}": "x" * 63 for n in range(5000)}})


MAKING = [
    made(
        "away-in-anothers-name",
        "somebody makes a Delegation in the name of a lead, to herself",
        FORGED_OWNER,
        away(MALLORY.replace("mallory", "deputy"), owner={"username": LEAD, "groups": ["platform-leads"]}),
        "mallory",
    ),
    made(
        "away-with-anothers-groups",
        "somebody makes one with groups that she is not in",
        FORGED_OWNER,
        away(owner={"username": MALLORY, "groups": ["platform-leads"]}),
        "mallory",
    ),
    made(
        "away-says-who",
        "who is away is written down by the API server",
        stamped(AWAY, "spec.from.username", SECURITY),
        away(),
        behind=(FORGED_OWNER,),
    ),
    made("machine-away", "a machine makes a Delegation", MACHINE_AWAY, away(), "robot"),
    made("operator-away", "the operator's own account makes a Delegation", MACHINE_AWAY, away(), "operator"),
    made("away-to-oneself", "somebody names herself, in other letter case", SELF_AWAY, away(_UPPER)),
    made(
        "away-to-a-machine",
        "somebody names a ServiceAccount",
        crd("delegations", "to names a person: user names of the system (system:…) are none"),
        away(ROBOT),
    ),
    made(
        "away-to-two",
        "somebody names two people as one",
        crd(
            "delegations",
            "to is one name, without blanks around it, invisible characters or a comma between two; write one entry for"
            " each",
        ),
        away(f"{LEAD_2}, {MALLORY}"),
    ),
    made(
        "away-between-no-times",
        "somebody is away until before she goes",
        crd("delegations", "until is not after notBefore: make until later, or leave notBefore out"),
        away(notBefore=in_days(31)),
    ),
    made("away-until-yesterday", "somebody was away until yesterday", AWAY_OVER, away(days=-1)),
    made("away-for-ever", "somebody is away for sixty-one days", AWAY_LONG, away(days=61)),
    made(
        "away-from-next-year",
        "somebody lends today's groups for a week in a year",
        AWAY_LONG,
        away(days=372, notBefore=in_days(365)),
    ),
    made(
        "away-and-undeletable",
        "somebody makes one that cannot be deleted",
        AWAY_MARKS,
        create(changed(delegation("sea", LEAD_2), {"metadata.finalizers": ["example.com/stays"]})),
    ),
    made(
        "away-with-our-mark",
        "somebody makes one with a label of ours",
        AWAY_MARKS,
        create(changed(delegation("sea", LEAD_2), {"metadata/labels": {"pratique.dev/run-uid": "x"}})),
    ),
    made(
        "away-and-full",
        "somebody makes one that is full of labels",
        AWAY_ROOM,
        create(_full(delegation("sea", LEAD_2))),
    ),
    made(
        "away-as-a-canary",
        "somebody makes one that says it is a canary",
        canary(AWAY, f" {SECURITY}"),
        create(changed(delegation("sea", LEAD_2), {"metadata/labels": {"pratique.dev/canary": "true"}})),
        behind=(AWAY_MARKS,),
    ),
    made("away-in-a-chain", "somebody names who is away herself", AWAY_AS_WELL, away(LEAD)),
    made(
        "away-in-a-circle",
        "who is named names back who named them, in capitals",
        Denial(AWAY_AS_WELL.by, AWAY_AS_WELL.rule, AWAY_AS_WELL.told.replace(LEAD, LEAD.upper())),
        away(LEAD.upper()),
        "lead-2",
    ),
    Attack(
        "away-twice",
        13,
        "lead-1",
        "somebody names a second one for the same time",
        away(SECURITY),
        AWAY_TWICE,
        Twin("lead-1", "names one for the time after it", away(SECURITY, 40, notBefore=in_days(31))),
    ),
]

CHANGING = [
    Attack(
        "redirect-a-delegation",
        13,
        "admin",
        "cluster-admin redirects somebody's Delegation",
        patch(_HOLIDAY, {"spec": {"to": "admin"}}),
        _STAYS,
        SHORTENED,
        behind=(AWAY_CHANGED,),
    ),
    Attack(
        "redirect-ones-delegation",
        13,
        "lead-1",
        "who is away names somebody else in the same Delegation",
        patch(_HOLIDAY, {"spec": {"to": SECURITY}}),
        _STAYS,
        SHORTENED,
    ),
    Attack(
        "groups-of-a-delegation",
        13,
        "lead-1",
        "who is away adds a group to what was stamped",
        patch(_HOLIDAY, {"spec": {"from": {"groups": ["security"]}}}),
        _STAYS,
        SHORTENED,
    ),
    Attack(
        "owner-of-a-delegation-left-out",
        13,
        "lead-1",
        "who is away replaces it without her name",
        replacing(_HOLIDAY, lambda live: live["spec"].pop("from")),
        stamped(AWAY, "spec.from.username", LEAD),
        SHORTENED,
        behind=(_STAYS,),
    ),
    Attack("lengthen-a-delegation", 13, "lead-1", "who is away stays away longer", shorten(59), _NOT_LATER, SHORTENED),
    Attack(
        "shorten-anothers-delegation",
        13,
        "admin",
        "cluster-admin ends somebody's Delegation early, as if she had",
        shorten(),
        AWAY_CHANGED,
        SHORTENED,
    ),
    Attack(
        "hold-a-delegation",
        13,
        "lead-1",
        "who is away makes it undeletable",
        patch(_HOLIDAY, {"metadata": {"finalizers": ["example.com/stays"]}}),
        AWAY_HELD,
        SHORTENED,
    ),
    Attack(
        "delete-anothers-delegation",
        13,
        "mallory",
        "somebody who may delete Delegations deletes another's",
        delete(_HOLIDAY),
        AWAY_DELETED,
        DELETED,
    ),
    Attack(
        "delete-a-delegation-by-owner-reference",
        13,
        "mallory",
        "somebody hangs another's Delegation on what will be gone",
        patch(
            _HOLIDAY,
            {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "x", "uid": "x"}]}},
        ),
        AWAY_CHANGED,
        Twin("admin", "deletes it, in an incident", delete(_HOLIDAY)),
        behind=(AWAY_HELD,),
    ),
]


def loan(gate: str, who: str = LEAD, **entry: Any) -> Request:
    """Return a change of a stand-in in a gate."""
    return patch(f"approvals/{gate}", {"spec": {"delegations": {who: entry}}})


REPLACED = Twin("lead-1", "names somebody else in its place", loan("lent-copied", to=SECURITY, source=None))
COPIES = [
    Attack(
        "edit-a-copy",
        13,
        "lead-1",
        "an approver names somebody else, as if it were still what the operator copied",
        loan("lent-copied", to=SECURITY),
        LOAN_SOURCE,
        REPLACED,
    ),
    Attack(
        "forge-a-source",
        13,
        "lead-1",
        "an approver names a stand-in, and says that a Delegation did",
        loan("lends", to=LEAD_2, until=in_days(30), source="Delegation/holiday"),
        LOAN_SOURCE,
        REPLACED,
    ),
    Attack(
        "source-afterwards",
        13,
        "lead-1",
        "an approver says afterwards that a Delegation named her stand-in",
        loan("lent", source="Delegation/holiday"),
        UNLENT,
        REPLACED,
    ),
]

ATTACKS = [*MAKING, *CHANGING, *COPIES]
