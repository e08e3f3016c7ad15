"""Break-glass, for `pratique-decision`: who opens a gate at once, and what stands against it.

It is a decision like any other: under one's own name, stamped, in time, and sealed; but it asks another list and another
verb. `core.gates.glass` says who may in Python.
"""

from pratique.admission.asked import is_asker, is_excluded
from pratique.admission.language import Check, may, same_person

_RULE = "oldObject.spec.policy.breakGlass"
_TIME = "timestamp(variables.old[{0}].decidedAt)"


def is_no_asker(name: str, what: str) -> str:
    """Return CEL for a user being none of those who ask for what an Approval is about."""
    requester, person = (same_person(name, f"{what}.spec.{field}.username") for field in ("requestedBy", "onBehalfOf"))
    return f"!{requester} && (!has({what}.spec.onBehalfOf) || !{person})"


BROKE = f"""(
    has({_RULE}) && ((has({_RULE}.requester) && {_RULE}.requester == 'Allow') || ({is_no_asker("k", "oldObject")})) && (
      (has({_RULE}.users) && k in {_RULE}.users) ||
      (!k.startsWith('system:serviceaccount:') && has({_RULE}.groups) && has(variables.old[k].groups) &&
       variables.old[k].groups.exists(g, g in {_RULE}.groups)))
)"""
"""Whether `k`, whose verdict breaks the glass, might: by name, or by a group that was stamped."""

BROKEN = f"""
    variables.counted.filter(k, variables.old[k].verdict == 'BreakGlass' &&
      !variables.declines.exists(d, {_TIME.format("d")} <= {_TIME.format("k")}))
"""
"""Who has broken the glass, in the order of `core.gates.tally`: not against a decline."""


def _someone(users: str) -> str:
    """Return CEL for somebody of these users being able to review what the caller breaks."""
    return (
        f"{users}.exists(u, !(u.size() == variables.me.size() && {same_person('u', 'variables.me')}) &&"
        f" !{is_asker('u')} && !{is_excluded('u')})"
    )


_LEFT = f"""
    variables.listed.size() > 0 || variables.later.exists(s, has(s.to.groups) && s.to.groups.size() > 0) ||
    variables.glass.exists(b, has(b.groups) && b.groups.size() > 0) || {_someone("variables.users")} ||
    variables.later.exists(s, has(s.to.users) && {_someone("s.to.users")}) ||
    variables.glass.exists(b, has(b.users) && {_someone("b.users")})
"""
"""Whether anybody is left who reviews it, as `core.gates.review` finds them; who is in a group is not known."""

VARIABLES = {
    "breaking": "variables.deciding && has(variables.mine.verdict) && variables.mine.verdict == 'BreakGlass'",
    "glass": "object != null && has(object.spec.policy.breakGlass) ? [object.spec.policy.breakGlass] : []",
    "mayBreak": """
        variables.glass.exists(b, (has(b.users) && variables.me in b.users) ||
          (!variables.machine && has(b.groups) && variables.groups.exists(g, g in b.groups)))
    """,
    "against": "variables.breaking ? variables.declines.filter(k, k != variables.me) : []",
}
"""CEL that the rules below share. Needs `me`, `groups`, `machine`, `mine`, `deciding` and the seal's `declines`."""


def for_oneself() -> Check:
    """Return the rule that a stand-in breaks no glass: it comes before those of deciding for somebody."""
    return Check(
        "!variables.breaking || !(variables.acting || has(variables.prior.for))",
        "the glass is broken for oneself alone; you speak for somebody here, so another of spec.policy.breakGlass must",
    )


def only_who_may() -> tuple[Check, ...]:
    """Return the rules of who breaks the glass, and against what nobody does."""
    return (
        Check(
            "!variables.breaking || variables.glass.size() > 0",
            "this Approval has no break-glass: it is decided by its approvers (spec.policy.breakGlass is empty)",
        ),
        Check(
            "!variables.breaking || variables.glass.size() == 0 || variables.mayBreak",
            "you may not break the glass of this Approval: spec.policy.breakGlass says who may",
            """
            variables.me + ' may not break the glass of ' + object.metadata.name + '; who may: ' +
            variables.glass.map(b, ((has(b.users) ? b.users.map(u, string(u)) : []) +
              (has(b.groups) ? b.groups.map(g, 'group ' + string(g)) : [])).join(', ')).join('')
            """,
        ),
        Check(
            f"""
            !variables.breaking || variables.glass.exists(b, has(b.requester) && b.requester == 'Allow') ||
            ({is_no_asker("variables.me", "object")})
            """,
            "you cannot break the glass for your own request: spec.policy.breakGlass.requester forbids it",
        ),
        Check(
            f"!variables.breaking || variables.glass.size() == 0 || {_LEFT.strip()}",
            "nobody would be left to review it: decide it as an approver, if you are one, or let somebody else of"
            " spec.policy.breakGlass break it",
        ),
        Check(
            "!variables.breaking || variables.against.size() == 0",
            "no glass is broken against a decline: ask who declined, or let the others decide",
            "'no glass is broken against the decline of ' + variables.against.join(', ') +"
            " ': ask who declined, or let the others decide'",
        ),
        Check(
            f"!variables.breaking || {may('break-glass', 'actions', 'object.spec.action', 'object.metadata.namespace')}",
            "you may not break the glass of this Action: it needs the RBAC verb break-glass on actions.pratique.dev",
            "variables.me + ' may not break the glass of Action ' + string(object.spec.action) + ' in namespace ' +"
            " object.metadata.namespace + ': it needs the RBAC verb break-glass on actions.pratique.dev'",
        ),
    )
