"""Stand-ins, for `pratique-decision`: an approver names under their own name who may decide for them, and until when.

Nothing is handed on: only who is asked themselves names somebody, and who decides for them does so under the own name, with
`for`. The API server stamps the time and the groups of the one who names, with which the stand-in decides. One person has
one vote, on whichever side of `for` they stand; their own word goes before that of their stand-in, until the seal.
"""

from pratique.admission.asked import OWN_GROUPS, is_asker, is_excluded
from pratique.admission.language import GROUPS, ME, Check, Match, Stamp, may, same_person
from pratique.api.v1alpha1.delegations import LONGEST_DAYS

NAME = "pratique-delegation"

_MINE, _PRIOR = f"object.spec.delegations[{ME}]", f"oldObject.spec.delegations[{ME}]"
_FIELDS = ("to", "until", "notBefore")


def _differs(mine: str, prior: str) -> str:
    """Return CEL for one entry naming somebody else, or another time, than another."""
    return " || ".join(
        f"(has({mine}.{field}) ? {mine}.{field} : '') != (has({prior}.{field}) ? {prior}.{field} : '')"
        for field in _FIELDS
    )


_NAMES = f"""
    has(object.spec) && type(object.spec) == map &&
    has(object.spec.delegations) && type(object.spec.delegations) == map &&
    {ME} in object.spec.delegations && type({_MINE}) == map &&
    (!(has(oldObject.spec.delegations) && {ME} in oldObject.spec.delegations) || {_differs(_MINE, _PRIOR)})
"""
"""Whether the caller names a stand-in in this very request; no schema has checked it yet."""

MAY_APPROVE = may("approve", "actions", "object.spec.action", "object.metadata.namespace")
MAY_DECIDE = may("approve", "approvals", "object.metadata.name", "object.metadata.namespace")
"""Whether RBAC lets the caller decide a gate of a run, and one without: whoever names a stand-in needs it as well."""

LOANS = {
    "lentBefore": "oldObject != null && has(oldObject.spec.delegations) ? oldObject.spec.delegations : {}",
    "acting": "has(variables.mine.for) && type(variables.mine.for) == string",
    "principal": "variables.acting ? variables.mine.for : variables.me",
    "loan": "variables.acting && variables.principal in variables.lentBefore"
    " ? variables.lentBefore[variables.principal] : {}",
    "asGroups": "variables.acting ? (has(variables.loan.groups) ? variables.loan.groups : []) : variables.groups",
}
"""For whom the caller decides, and with whose groups: only who was named before this request is one. Needs `mine`."""

_LOAN = {
    "lentNow": "object != null && has(object.spec.delegations) ? object.spec.delegations : {}",
    "loaned": "variables.me in variables.lentNow ? variables.lentNow[variables.me] : {}",
    "loanedBefore": "variables.me in variables.lentBefore ? variables.lentBefore[variables.me] : {}",
    "loanLeaf": """
        !has(variables.loaned.to) || !has(variables.loanedBefore.to) || variables.loaned.to != variables.loanedBefore.to
        ? 'f:to'
        : !has(variables.loaned.until) || variables.loaned.until != variables.loanedBefore.until ? 'f:until' : 'f:notBefore'
    """,
    "loanOwners": """
        object != null && has(object.metadata.managedFields)
        ? object.metadata.managedFields.filter(m,
            has(m.fieldsV1) && 'f:spec' in m.fieldsV1 && 'f:delegations' in m.fieldsV1['f:spec'] &&
            ('f:' + variables.me) in m.fieldsV1['f:spec']['f:delegations'] &&
            variables.loanLeaf in m.fieldsV1['f:spec']['f:delegations']['f:' + variables.me])
        : []
    """,
}


def delegation_stamp() -> Stamp:
    """Return what stamps a delegation with its time and groups."""
    path = '"/spec/delegations/" + jsonpatch.escapeKey(variables.me)'
    return Stamp(
        NAME,
        Match(("approvals",), ("UPDATE",)),
        {"mine-changes": _NAMES},
        {
            "me": ME,
            "groups": GROUPS,
            "lentBefore": LOANS["lentBefore"],
            **_LOAN,
            "loanGroups": OWN_GROUPS,
        },
        f"""
        variables.loanOwners.size() == 1
        ? [JSONPatch{{op: "add", path: {path} + "/at", value: variables.loanOwners[0].time}},
           JSONPatch{{op: "add", path: {path} + "/groups", value: variables.loanGroups}}]
        : []
        """,
    )


VARIABLES = {
    **_LOAN,
    "loanGroups": OWN_GROUPS,
    "naming": f"""
        variables.updating && variables.me in variables.lentNow &&
        (!(variables.me in variables.lentBefore) || {_differs("variables.loaned", "variables.loanedBefore")})
    """,
    "ending": "variables.updating && variables.me in variables.lentBefore && !(variables.me in variables.lentNow)",
    "since": """
        variables.loanOwners.size() == 1 ? timestamp(variables.loanOwners[0].time) : timestamp('9999-01-01T00:00:00Z')
    """,
}
"""What the rules below share: whether the caller names a stand-in or ends it, and when. Needs `LOANS` and `updating`."""


def naming() -> tuple[Check, ...]:
    """Return the rules of naming a stand-in, and of ending it."""
    return (*_own(), *_who_names(), *_whom(), *_how_long(), *_stamped())


def _own() -> tuple[Check, ...]:
    return (
        Check(
            """
            !variables.updating || (
              variables.lentBefore.all(k, k == variables.me ||
                (k in variables.lentNow && variables.lentNow[k] == variables.lentBefore[k])) &&
              variables.lentNow.all(k, k == variables.me || k in variables.lentBefore))
            """,
            "a stand-in is named under your own user name only: spec.delegations[you] (server-side apply needs a field"
            " manager of your own: --field-manager=$USER)",
        ),
        Check(
            """
            !(variables.naming || variables.ending) ||
            !variables.old.exists(k, has(variables.old[k].for) && variables.old[k].for == variables.me &&
              variables.old[k].verdict != 'Undecided')
            """,
            "your stand-in has decided: the delegation stays as the record of it; decide yourself, and your word counts",
        ),
        Check(
            "!(variables.naming || variables.ending) || variables.state == 'Pending'",
            "this Approval has ended: nobody stands in any more",
        ),
        Check(
            "!(variables.naming || variables.ending) || variables.sealed == ''",
            "this Approval is decided: stand-ins stay as the record of it",
        ),
    )


def _who_names() -> tuple[Check, ...]:
    return (
        Check(
            "!variables.naming || (has(object.spec.policy.delegation) && object.spec.policy.delegation == 'Allow')",
            "this gate takes no stand-ins: its rule does not say delegation: Allow",
        ),
        Check(
            "!variables.naming || !variables.me.startsWith('system:')",
            "a machine names no stand-in",
        ),
        Check(
            """
            !variables.naming || variables.me in variables.users ||
            variables.loanGroups.exists(g, g in variables.listed) || variables.later.exists(s,
              (has(s.to.users) && variables.me in s.to.users) ||
              (has(s.to.groups) && variables.loanGroups.exists(g, g in s.to.groups)))
            """,
            "only who is an approver themselves names a stand-in: a stand-in names none",
        ),
        Check(
            f"!variables.naming || !({is_asker('variables.me')} || {is_excluded('variables.me')})",
            "you may not decide this yourself, so nobody can for you: you asked for it, or spec.excluded names you",
        ),
        Check(
            f"!variables.naming || !has(object.spec.subject.kind) || {MAY_APPROVE}",
            "you may not approve this Action, so nobody can for you: it needs the RBAC verb approve on"
            " actions.pratique.dev",
        ),
        Check(
            f"!variables.naming || has(object.spec.subject.kind) || {MAY_DECIDE}",
            "you may not decide this Approval, so nobody can for you: it needs the RBAC verb approve on"
            " approvals.pratique.dev",
        ),
    )


def _whom() -> tuple[Check, ...]:
    to = "variables.loaned.to"
    return (
        Check(
            f"!variables.naming || !{to}.startsWith('system:')",
            "a stand-in is a person: user names of the system (system:…) are none",
        ),
        Check(
            rf"!variables.naming || {to}.matches(r'[^\s]')",
            "a stand-in needs a name: spec.delegations[you].to is blank",
        ),
        Check(
            f"!variables.naming || !{same_person(to, 'variables.me')}",
            "you cannot stand in for yourself: name somebody else in spec.delegations[you].to",
        ),
        Check(
            f"!variables.naming || !{is_asker(to)}",
            "who asks cannot be a stand-in: nobody decides their own request",
        ),
        Check(
            f"!variables.naming || !{is_excluded(to)}",
            "who decided an earlier stage, or is excluded by the rule, cannot be a stand-in (spec.excluded): name"
            " somebody else",
        ),
    )


def _how_long() -> tuple[Check, ...]:
    begin = "has(variables.loaned.notBefore) ? timestamp(variables.loaned.notBefore) : variables.since"
    return (
        Check(
            "!variables.naming || variables.loanOwners.size() != 1 || timestamp(variables.loaned.until) > variables.since",
            "until is over already: name a moment after now in spec.delegations[you].until",
        ),
        Check(
            f"""
            !variables.naming || variables.loanOwners.size() != 1 ||
            timestamp(variables.loaned.until) - ({begin}) <= duration('{LONGEST_DAYS * 24}h')
            """,
            f"a stand-in may decide for {LONGEST_DAYS} days at most: make until earlier",
        ),
        Check(
            """
            !variables.naming || variables.loanOwners.size() != 1 || !has(object.spec.policy.deadline) || (
              variables.since < timestamp(object.spec.policy.deadline) &&
              (!has(variables.loaned.notBefore) ||
               timestamp(variables.loaned.notBefore) < timestamp(object.spec.policy.deadline)))
            """,
            "nobody decides this any more when the stand-in would begin: name one, and notBefore, before"
            " spec.policy.deadline",
        ),
    )


def _stamped() -> tuple[Check, ...]:
    return (
        Check(
            """
            !variables.updating || variables.naming || variables.ending || !(variables.me in variables.lentBefore) ||
            variables.loaned == variables.loanedBefore
            """,
            "time and groups of a delegation are set by the API server: send to, until and notBefore alone",
        ),
        Check(
            "!variables.naming || !has(variables.loaned.source)",
            "source says which Delegation the operator copied: to replace a copy send source: null with it",
        ),
        Check(
            """
            !variables.naming || (variables.loanOwners.size() == 1 && has(variables.loaned.at) &&
              variables.loaned.at == variables.loanOwners[0].time)
            """,
            "the time of a delegation is set by the API server: do not send it, nor managedFields; notBefore is replaced,"
            " not removed",
        ),
        Check(
            "!variables.naming || (has(variables.loaned.groups) && variables.loaned.groups == variables.loanGroups)",
            "the groups of a delegation are set by the API server: leave them out",
        ),
    )


def standing_in() -> tuple[Check, ...]:
    """Return the rules of deciding for somebody."""
    for_principal, for_me = (
        same_person("variables.old[k].for", each) for each in ("variables.principal", "variables.me")
    )
    for_whom = "has(variables.old[k].for) && variables.old[k].verdict != 'Undecided'"
    return (
        Check(
            """
            !variables.deciding || !has(variables.prior.verdict) ||
            (has(variables.prior.for) ? variables.prior.for : '') == (has(variables.mine.for) ? variables.mine.for : '')
            """,
            "whom a decision is for cannot be changed: a person has one vote, for themselves or for one other",
        ),
        Check(
            """
            !variables.deciding || !variables.acting || (!variables.breaking &&
              has(object.spec.policy.delegation) && object.spec.policy.delegation == 'Allow' && !variables.machine &&
              has(variables.loan.to) && variables.loan.to == variables.me && variables.owners.size() == 1 &&
              timestamp(variables.now) < timestamp(variables.loan.until) &&
              (!has(variables.loan.notBefore) || timestamp(variables.loan.notBefore) <= timestamp(variables.now)))
            """,
            "you are no stand-in of that person here and now: spec.delegations says who is, from when and until when",
            "variables.me + ' is no stand-in of ' + variables.principal + ' here and now: spec.delegations says who is,"
            " from when and until when'",
        ),
        Check(
            f"!variables.deciding || !variables.acting || !({is_asker('variables.principal')} ||"
            f" {is_excluded('variables.principal')})",
            "nobody decides for who asks, nor for who decided an earlier stage or is excluded (spec.excluded)",
        ),
        Check(
            f"""
            !variables.deciding || !variables.acting || !variables.old.exists(k,
              {same_person("k", "variables.principal")} && variables.old[k].verdict != 'Undecided')
            """,
            "the one for whom you stand in has decided: their own word counts",
        ),
        Check(
            f"""
            !variables.deciding || !variables.old.exists(k, k != variables.me && {for_whom} && (
              variables.acting
              ? {for_principal} || {for_me}
              : variables.old[k].for != variables.me && {for_me}))
            """,
            "somebody has decided for the same person: one person counts once",
        ),
    )
