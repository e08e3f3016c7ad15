"""Attacks by counter-offers: of what nobody may offer, for oneself, too late; and accepting them for somebody else."""

from typing import Any

from tests.attacks.actions import STAGE, offer
from tests.attacks.deciding import decide
from tests.attacks.denials import (
    ACCEPTED_LATE,
    ASKER_ACCEPTS,
    FROZEN,
    LATE,
    NO_OFFERS,
    NOTHING_TO_ACCEPT,
    OUTSIDE_OF_OFFERS,
    OWN_REQUEST,
    UNCHANGED,
    crd,
    may_not_approve,
    not_listed,
    sealed,
)
from tests.attacks.model import Attack, Request, Twin, patch
from tests.attacks.world import DEVELOPER, LEAD, LEAD_2, MALLORY

LESS: dict[str, Any] = {"ttl": "5d"}


def offer_(name: str, who: str = LEAD, proposal: Any = None, **entry: Any) -> Request:
    """Return a counter-offer by merge patch."""
    said = {"verdict": "Offer", "comment": "too long", "proposal": LESS if proposal is None else proposal, **entry}
    return patch(f"approvals/{name}", {"spec": {"decisions": {who: said}}})


def answer(name: str, by: str = DEVELOPER, what: str = "Accept") -> Request:
    """Return what who asks says of it."""
    return patch(f"approvals/{name}", {"spec": {"consent": {"answer": what, "by": by}}})


OFFER = Twin("lead-1", "offers what the rule names", offer_("offers"))
ACCEPT = Twin("developer", "who asks accepts it", answer("consents"))
_TOGETHER = (
    "a proposal goes with the verdict Offer, and Offer with a proposal: spec.decisions[you].proposal has the inputs that"
    " you offer"
)


def outside(slug: str, what: str, proposal: dict[str, Any]) -> Attack:
    """Return an offer of what nobody may offer."""
    return Attack(
        slug,
        5,
        "lead-1",
        f"an approver offers {what}",
        offer_("offers", proposal=proposal),
        OUTSIDE_OF_OFFERS,
        OFFER,
    )


OFFERING = [
    Attack(
        "offer-where-none-is-taken",
        5,
        "lead-1",
        "an approver offers something else in a gate whose rule names nothing",
        offer_("gate"),
        NO_OFFERS,
        OFFER,
    ),
    outside("offer-more", "more than may be offered", {"ttl": "14d"}),
    outside(
        "offer-another-input", "an input that the rule does not name, beside one that it names", LESS | {"image": "x"}
    ),
    outside("offer-another-type", "a number as text", {"cpu": "2"}),
    outside("offer-beyond-a-range", "a number beyond the range", {"cpu": 8}),
    outside("offer-a-part", "a part of what is whole", {"cpu": 1.5}),
    outside("offer-a-list", "a list of values", {"ttl": ["3d", "5d"]}),
    outside("offer-nothing", "nothing", {}),
    Attack(
        "offer-on-own-request",
        3,
        "lead-1",
        "who asks offers themselves something else",
        offer_("offers-own"),
        OWN_REQUEST,
        Twin("lead-2", "offers it to them", offer_("offers-own", LEAD_2)),
    ),
    Attack(
        "offer-uncalled",
        13,
        "mallory",
        "somebody who is not asked offers something else",
        offer_("offers", MALLORY),
        not_listed(MALLORY, "offers"),
        OFFER,
        behind=(may_not_approve(MALLORY),),
    ),
    Attack("offer-late", 15, "lead-1", "an approver offers after the deadline", offer_("offers-late"), LATE, OFFER),
    Attack(
        "decide-after-an-offer",
        4,
        "lead-2",
        "an approver approves what was asked for, after somebody has offered something else",
        decide("offers-made", LEAD_2),
        sealed("something else is offered by lead-1@example.com"),
        Twin("lead-2", "approves before that", decide("offers", LEAD_2)),
    ),
    Attack(
        "raise-an-offer",
        5,
        "lead-1",
        "an approver changes what they have offered",
        offer_("offers-made", proposal={"ttl": "3d"}),
        UNCHANGED,
        OFFER,
    ),
    Attack(
        "approve-with-a-proposal",
        5,
        "lead-1",
        "an approver approves, and proposes something else in the same breath",
        decide("offers", LEAD, proposal=LESS),
        crd("approvals", _TOGETHER),
        OFFER,
    ),
    Attack(
        "move-the-goal-of-offers",
        4,
        "lead-1",
        "an approver lets more be offered in an open gate",
        patch("approvals/offers", {"spec": {"policy": {"counterOffer": {"inputs": {"ttl": {"values": ["99d"]}}}}}}),
        FROZEN,
        OFFER,
    ),
]
_STAYS = "an answer to a counter-offer stays: withdraw the run, if you do not want it any more"
_UNASKED = "nobody asked for consent: spec.policy.consent of this Approval is empty"

ACCEPTING = [
    Attack(
        "accept-for-who-asks",
        3,
        "lead-1",
        "an approver accepts in place of who asks",
        answer("consents"),
        ASKER_ACCEPTS,
        ACCEPT,
    ),
    Attack(
        "accept-as-an-approver",
        3,
        "lead-1",
        "an approver accepts under the own name",
        answer("consents", LEAD),
        ASKER_ACCEPTS,
        ACCEPT,
    ),
    Attack(
        "accept-as-admin",
        3,
        "admin",
        "cluster-admin accepts it for who asks",
        answer("consents"),
        ASKER_ACCEPTS,
        ACCEPT,
    ),
    Attack(
        "accept-under-another-name",
        2,
        "developer",
        "who asks accepts in somebody else's name",
        answer("consents", LEAD),
        ASKER_ACCEPTS,
        ACCEPT,
    ),
    Attack(
        "accept-late",
        15,
        "developer",
        "who asks accepts after the deadline",
        answer("consents-late"),
        ACCEPTED_LATE,
        ACCEPT,
    ),
    Attack(
        "accept-after-the-end",
        15,
        "developer",
        "who asks accepts what has ended",
        answer("consents-ended"),
        NOTHING_TO_ACCEPT,
        ACCEPT,
    ),
    Attack(
        "accept-unasked",
        4,
        "developer",
        "who asks accepts where nobody offered anything",
        answer("gate"),
        crd("approvals", _UNASKED),
        ACCEPT,
    ),
    Attack(
        "accept-and-reject",
        4,
        "developer",
        "who asks rejects what they have accepted",
        answer("consents-given", what="Reject"),
        crd("approvals", _STAYS),
        ACCEPT,
    ),
    Attack(
        "accept-and-decide",
        3,
        "developer",
        "who asks accepts, and approves in the same request",
        patch(
            "approvals/consents",
            {
                "spec": {
                    "consent": {"answer": "Accept", "by": DEVELOPER},
                    "decisions": {DEVELOPER: {"verdict": "Approve"}},
                }
            },
        ),
        OWN_REQUEST,
        ACCEPT,
        behind=(not_listed(DEVELOPER, "consents"), may_not_approve(DEVELOPER)),
    ),
    Attack(
        "waive-consent",
        4,
        "admin",
        "cluster-admin takes the need for consent away",
        patch("approvals/consents", {"spec": {"policy": {"consent": None}}}),
        FROZEN,
        ACCEPT,
    ),
]
_EITHER = (
    "what may be offered is either values, a list of texts, or numbers from minimum to maximum, both of which are"
    " needed"
)
_NAMES = "counterOffer.inputs names at least one input of the form, by its name"


def shaped(slug: str, what: str, inputs: dict[str, Any], rule: str) -> list[Attack]:
    """Return an Action with such a rule, and a gate into which cluster-admin writes one."""
    body = {"spec": {"policy": {"counterOffer": {"inputs": inputs}}}}
    return [
        offer(slug, 5, f"an author {what}", {f"{STAGE}.counterOffer": {"inputs": inputs}}, rule),
        Attack(
            f"{slug}-in-a-gate",
            4,
            "admin",
            f"cluster-admin {what} in an open gate",
            patch("approvals/gate", body),
            crd("approvals", rule),
            OFFER,
            behind=(FROZEN,),
        ),
    ]


SHAPED = [
    *shaped(
        "offers-of-two-kinds",
        "names texts and numbers for one input",
        {"ttl": {"values": ["3d"], "minimum": 1}},
        _EITHER,
    ),
    *shaped("offers-of-nothing", "lets nothing be offered", {}, _NAMES),
]

ATTACKS = [*OFFERING, *ACCEPTING, *SHAPED]
