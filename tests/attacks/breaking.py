"""Attacks by breaking the glass: uncalled, for oneself, against a no, too late, in silence; and on its review."""

from typing import Any

from tests.attacks.actions import STAGE, offer
from tests.attacks.deciding import decide
from tests.attacks.denials import (
    AGAINST_A_DECLINE,
    DECISION,
    EXCLUDED,
    FOR_ONESELF,
    FROZEN,
    GATE_MARKS,
    GROUPS_STAMPED,
    LATE,
    NAME_OF_A_RUN,
    NO_GLASS,
    NOBODY_LEFT,
    OWN_GLASS,
    OWN_REQUEST,
    REVIEW_STAYS,
    TIME_STAMPED,
    crd,
    may_not_break,
    may_not_sign,
    no_stand_in,
    not_in_glass,
    not_its_creators,
    not_listed,
    own_name,
    rbac,
    sealed,
    stamped,
)
from tests.attacks.model import Attack, Denial, Request, Twin, apply, by_headers, create, delete, patch
from tests.attacks.standalone import OPEN as OPEN_ALONE
from tests.attacks.world import AUTHOR, DEVELOPER, LEAD, LEAD_2, MALLORY, ONCALL, OPERATOR, ROBOT, alone, gate, review

from pratique.api.v1alpha1.people import ONE_NAME_SENTENCE

_WHY = "the database is down, and nobody answers"
BREAKS = {"verdict": "BreakGlass", "comment": _WHY}


def break_(name: str, who: str = ONCALL, **entry: Any) -> Request:
    """Return a break-glass by merge patch."""
    return patch(f"approvals/{name}", {"spec": {"decisions": {who: BREAKS | entry}}})


BREAK = Twin("oncall", "breaks the glass, and says why", break_("glass"))
SIGN = Twin("lead-1", "signs it, who was skipped", decide("review", LEAD))
OPEN_GATE = Twin("operator", "opens a gate with a deadline", create(gate("fresh")))
OPEN_REVIEW = Twin("operator", "opens a review with none", create(review("fresh")))

WHO = [
    Attack(
        "break-without-glass",
        11,
        "oncall",
        "who is on call breaks the glass of a gate that has none",
        break_("gate"),
        NO_GLASS,
        BREAK,
    ),
    Attack(
        "break-unlisted",
        11,
        "lead-2",
        "an approver breaks the glass, who may approve and is not on call",
        break_("glass", LEAD_2),
        not_in_glass(LEAD_2),
        BREAK,
        behind=(may_not_break(LEAD_2),),
    ),
    Attack(
        "break-as-a-machine",
        14,
        "admin (as robot in sre-oncall)",
        "a ServiceAccount whose token says that it is on call breaks the glass",
        by_headers(break_("glass", ROBOT), ("Impersonate-User", ROBOT), ("Impersonate-Group", "sre-oncall")),
        not_in_glass(ROBOT),
        BREAK,
    ),
    Attack(
        "break-without-the-verb",
        13,
        "lead-1",
        "an approver breaks the glass, who is listed and holds the verb approve alone",
        break_("glass", LEAD),
        may_not_break(LEAD),
        BREAK,
    ),
    Attack(
        "break-for-somebody-else",
        2,
        "oncall",
        "who is on call breaks the glass in a lead's name",
        break_("glass", LEAD),
        own_name(ONCALL),
        BREAK,
    ),
    Attack(
        "break-with-forged-groups",
        2,
        "oncall",
        "who is on call sends groups along that are not the own",
        break_("glass", groups=["platform-leads"]),
        stamped(DECISION, f"spec/decisions/{ONCALL}/groups", ["sre-oncall"]),
        behind=(TIME_STAMPED, GROUPS_STAMPED),
    ),
    Attack(
        "break-with-nobody-left",
        11,
        "oncall",
        "who is on call breaks a glass that nobody else may break, where who asks is the only other approver: no review"
        " of it could ever be signed",
        break_("glass-last"),
        NOBODY_LEFT,
        Twin("oncall", "approves it, as an approver", decide("glass-last", ONCALL)),
    ),
    Attack(
        "break-as-a-stand-in",
        2,
        "oncall",
        "who is on call breaks the glass for the approver in whose place they have looked at it",
        break_("lent-night"),
        FOR_ONESELF,
        BREAK,
        behind=(no_stand_in(ONCALL),),
    ),
    Attack(
        "break-when-excluded",
        3,
        "oncall",
        "who approved an earlier stage breaks the glass of the next",
        break_("glass-without"),
        EXCLUDED,
        BREAK,
    ),
]

_ALLOWED = Twin("oncall", "does so where the rule says Allow", break_("glass-own-allowed"))

OWN = [
    Attack(
        "break-for-oneself",
        3,
        "oncall",
        "who is on call breaks the glass for the own request, where the rule says Forbid",
        break_("glass-own"),
        OWN_GLASS,
        _ALLOWED,
    ),
    Attack(
        "break-for-oneself-in-capitals",
        3,
        "oncall",
        "who is on call does so for what the same name in capitals asked for",
        break_("glass-own-upper"),
        OWN_GLASS,
        _ALLOWED,
    ),
    Attack(
        "break-on-own-behalf",
        3,
        "oncall",
        "who is on call breaks the glass of what a pipeline asked for on their behalf",
        break_("glass-for"),
        OWN_GLASS,
        _ALLOWED,
    ),
    Attack(
        "approve-where-one-may-break",
        3,
        "oncall",
        "who may break the glass for the own request approves it instead",
        decide("glass-own-allowed", ONCALL),
        OWN_REQUEST,
        _ALLOWED,
        behind=(not_listed(ONCALL, "glass-own-allowed"),),
    ),
]

_REASON = (
    "breaking the glass needs a comment: why it could not wait, for whoever reviews it (spec.decisions[you].comment)"
)

_COMMENT = "this decision needs a comment: the requester will read it (spec.decisions[you].comment)"

AGAINST = [
    Attack(
        "break-against-a-decline",
        11,
        "oncall",
        "who is on call breaks the glass after one of two leads has declined",
        break_("glass-declined"),
        AGAINST_A_DECLINE,
        Twin("lead-2", "decides there, since two must decline", decide("glass-declined", LEAD_2)),
    ),
    Attack(
        "break-late",
        15,
        "oncall",
        "who is on call breaks the glass after the deadline",
        break_("glass-late"),
        LATE,
        BREAK,
    ),
    Attack(
        "break-in-silence",
        11,
        "oncall",
        "who is on call breaks the glass and does not say why",
        patch("approvals/glass", {"spec": {"decisions": {ONCALL: {"verdict": "BreakGlass"}}}}),
        crd("approvals", _REASON),
        BREAK,
        behind=(crd("approvals", _COMMENT),),
    ),
    Attack(
        "break-with-blanks",
        11,
        "oncall",
        "who is on call breaks the glass with a comment of blanks, where no comment is asked for",
        break_("glass-silent", comment=" \t "),
        crd("approvals", _REASON),
        BREAK,
    ),
    Attack(
        "decline-the-broken",
        11,
        "lead-1",
        "an approver declines what was broken, before the operator has looked",
        decide("glass-broken", LEAD, verdict="Decline", comment="no"),
        sealed(f"its glass was broken by {ONCALL}"),
        SIGN,
    ),
    Attack(
        "mend-the-glass",
        11,
        "oncall",
        "who broke the glass takes it back, as if nothing had been",
        decide("glass-broken", ONCALL, verdict="Undecided"),
        not_listed(ONCALL, "glass-broken"),
        BREAK,
        behind=(sealed(f"its glass was broken by {ONCALL}"),),
    ),
    Attack(
        "mend-the-glass-by-apply",
        11,
        "oncall",
        "who broke the glass does so by server-side apply with force",
        apply("approvals/glass-broken", {"spec": {"decisions": {ONCALL: {"verdict": "Undecided"}}}}, force="true"),
        not_listed(ONCALL, "glass-broken"),
        BREAK,
        behind=(sealed(f"its glass was broken by {ONCALL}"),),
    ),
]


def removed(slug: str, who: str, what: str, answer: Denial, request: Request | None = None) -> Attack:
    """Return an attack that takes an open review away: by a DELETE, if nothing else is said."""
    return Attack(slug, 11, who, what, request or delete("approvals/review"), answer, SIGN)


REVIEWS = [
    removed("delete-a-review", "admin", "cluster-admin deletes a review before anybody has signed it", REVIEW_STAYS),
    removed(
        "delete-a-review-with-its-options",
        "mallory",
        "who may delete Approvals deletes it without grace",
        REVIEW_STAYS,
        delete("approvals/review", {"gracePeriodSeconds": 0}),
    ),
    removed("delete-a-review-as-lead", "lead-1", "a lead deletes it", rbac(LEAD, "delete", "approvals")),
    removed("delete-a-review-as-breaker", "oncall", "who broke the glass does", rbac(ONCALL, "delete", "approvals")),
    removed(
        "delete-a-review-as-operator",
        "operator",
        "the operator's own account does",
        rbac(OPERATOR, "delete", "approvals"),
    ),
    removed(
        "unmark-a-review",
        "mallory",
        "who may patch Approvals takes its label away, by which it is found",
        GATE_MARKS,
        patch("approvals/review", {"metadata": {"labels": {"pratique.dev/review": None}}}),
    ),
    removed(
        "put-a-review-off",
        "admin",
        "cluster-admin lets it be due in a hundred years",
        FROZEN,
        patch("approvals/review", {"spec": {"policy": {"due": "2125-01-01T00:00:00Z"}}}),
    ),
    Attack(
        "sign-for-oneself",
        3,
        "lead-2",
        "who broke the glass signs the review of it",
        decide("review", LEAD_2),
        EXCLUDED,
        SIGN,
    ),
    Attack(
        "sign-the-own-request",
        3,
        "lead-1",
        "who asked signs that the glass was broken for it",
        decide("review-own", LEAD),
        OWN_REQUEST,
        Twin("lead-2", "signs it, who was skipped", decide("review-own", LEAD_2)),
    ),
    Attack(
        "sign-without-a-verb",
        13,
        "mallory",
        "somebody who is to sign, but was never given a verb, signs",
        decide("review-by-name", MALLORY),
        may_not_sign(MALLORY),
        Twin("author", "signs it with the verb break-glass alone", decide("review-by-name", AUTHOR)),
    ),
    Attack(
        "object-in-silence",
        11,
        "lead-1",
        "one of those who were skipped objects and does not say why",
        decide("review", LEAD, verdict="Decline"),
        crd("approvals", _COMMENT),
        SIGN,
    ),
    Attack(
        "break-a-review",
        11,
        "oncall",
        "who is on call breaks the glass of a review",
        break_("review"),
        NO_GLASS,
        SIGN,
    ),
    Attack(
        "sign-as-developer",
        13,
        "developer",
        "a developer signs the review of the own request",
        decide("review", DEVELOPER),
        OWN_REQUEST,
        SIGN,
        behind=(not_listed(DEVELOPER, "review"), may_not_sign(DEVELOPER)),
    ),
]

_IS_REVIEW = (
    "a review is of a run, and has policy.due in place of a deadline: it ends when somebody signs it or objects, and no"
    " glass is broken in it"
)

OPENED = [
    Attack(
        "gate-without-end",
        15,
        "operator",
        "the operator's own account opens a gate without a deadline",
        create(gate("fresh", spec__policy__deadline=None)),
        crd("approvals", "a gate needs spec.policy.deadline: without one it would be open for ever"),
        OPEN_GATE,
    ),
    Attack(
        "review-that-ends-by-itself",
        11,
        "operator",
        "the operator's own account opens a review with a deadline",
        create(review("fresh", spec__policy__deadline="2100-01-01T00:00:00Z")),
        crd("approvals", _IS_REVIEW),
        OPEN_REVIEW,
    ),
    Attack(
        "alone-with-a-glass",
        11,
        "robot",
        "a pipeline opens a gate whose glass it may break",
        create(alone("fresh", spec__policy__breakGlass={"users": [ROBOT], "requester": "Allow"})),
        not_its_creators("policy.breakGlass"),
        OPEN_ALONE,
    ),
    Attack(
        "alone-as-a-review",
        11,
        "robot",
        "a pipeline opens a review, to sign what it did",
        create(alone("fresh", spec__purpose="Review")),
        crd("approvals", _IS_REVIEW),
        OPEN_ALONE,
        behind=(not_its_creators("purpose"),),
    ),
    Attack(
        "alone-under-the-name-of-a-review",
        11,
        "robot",
        "a pipeline takes the name of a review, before anybody breaks the glass",
        create(alone("fresh", metadata__name="deploy-platform-7f3a9c01bd-review")),
        NAME_OF_A_RUN,
        OPEN_ALONE,
    ),
]


def glass(slug: str, point: int, what: str, rule: str, approvers: dict[str, Any] | None = None, **said: Any) -> Attack:
    """Return an Action with a break-glass that is refused."""
    changes = {f"{STAGE}.breakGlass": {"groups": ["sre-oncall"], "requester": "Forbid"} | said}
    changes |= {f"{STAGE}.approvers": approvers} if approvers is not None else {}
    changes[f"{STAGE}.breakGlass"] = {
        key: each for key, each in changes[f"{STAGE}.breakGlass"].items() if each is not None
    }
    return offer(slug, point, what, changes, rule)


_REQUESTER = (
    "breakGlass needs requester: Forbid, or Allow if whoever asks may break the glass for their own request; there is"
    " no default, since nobody should find out at night which one it is"
)
_NOBODY = "breakGlass needs at least one user or group; leave breakGlass out if nobody may break the glass"
_PEOPLE = (
    "breakGlass.groups must name people: system:authenticated, system:unauthenticated and"
    " system:serviceaccounts… are not allowed"
)


def shaped(slug: str, what: str, glass: dict[str, Any], rule: str) -> Attack:
    """Return an attack that writes a break-glass into a gate that no gate may have, whoever writes it."""
    body = {"spec": {"policy": {"breakGlass": glass}}}
    return Attack(
        slug, 4, "admin", what, patch("approvals/gate", body), crd("approvals", rule), BREAK, behind=(FROZEN,)
    )


SHAPED = [
    shaped(
        "a-glass-for-nobody", "cluster-admin lets nobody break the glass of a gate", {"requester": "Allow"}, _NOBODY
    ),
    shaped(
        "a-glass-for-everybody",
        "cluster-admin lets everybody break the glass of a gate",
        {"groups": ["system:authenticated"], "requester": "Allow"},
        _PEOPLE,
    ),
    shaped(
        "a-glass-without-a-word-on-requesters",
        "cluster-admin writes a break-glass into a gate that does not say whether one may break it for oneself",
        {"users": [MALLORY]},
        _REQUESTER,
    ),
    Attack(
        "lend-a-glass",
        4,
        "admin",
        "cluster-admin lets a friend break the glass of an open gate",
        patch("approvals/gate", {"spec": {"policy": {"breakGlass": {"users": [MALLORY], "requester": "Allow"}}}}),
        FROZEN,
        BREAK,
    ),
]


ACTIONS = [
    glass(
        "glass-without-a-word-on-requesters",
        3,
        "an author does not say whether one may break it for oneself",
        _REQUESTER,
        requester=None,
    ),
    glass(
        "glass-for-nobody",
        11,
        "an author lets nobody break the glass",
        _NOBODY,
        groups=None,
    ),
    glass(
        "glass-for-everybody",
        14,
        "an author lets everybody who is authenticated break the glass",
        _PEOPLE,
        groups=["system:authenticated"],
    ),
    glass(
        "glass-of-the-only-approver",
        11,
        "an author lets the only approver break the glass, so that nobody reviews it",
        "breakGlass names the only approver, so nobody would be left to review what they did: name another approver,"
        " or leave them out of breakGlass",
        {"users": [LEAD]},
        users=[LEAD],
    ),
    glass(
        "glass-for-two-in-one-string",
        14,
        "an author lets two people break the glass, in one string",
        f"breakGlass: each of users and groups {ONE_NAME_SENTENCE}",
        users=["lead-1@example.com, lead-2@example.com"],
    ),
]

ATTACKS = [*WHO, *OWN, *AGAINST, *REVIEWS, *OPENED, *SHAPED, *ACTIONS]
