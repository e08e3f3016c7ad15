"""Whom a gate asks, and from when on: its approvers at once, others from a step of its ladder, by the request's own time.

Nobody adds approvers to a gate that is open: its steps were written when it was opened, with their moments. So a step needs
no operator, and nothing that anybody moves can bring one forward. `core.gates.tally` says the same in Python.
"""

from pratique.admission.language import Check, same_person


def _listed(groups: str) -> str:
    """Return CEL for those of these groups that the gate lists: its approvers', those of its steps, and of its glass."""
    return f"""
    object != null
    ? (has(object.spec.policy.approvers.groups) ? object.spec.policy.approvers.groups : [])
      .filter(g, g in {groups}) +
      (has(object.spec.policy.escalation) || has(object.spec.policy.breakGlass)
       ? {groups}.filter(g,
           !(has(object.spec.policy.approvers.groups) && g in object.spec.policy.approvers.groups) && (
             (has(object.spec.policy.escalation) && object.spec.policy.escalation.exists(s,
               has(s.to) && has(s.to.groups) && g in s.to.groups)) ||
             (has(object.spec.policy.breakGlass) && has(object.spec.policy.breakGlass.groups) &&
              g in object.spec.policy.breakGlass.groups))) : [])
    : []
"""


LISTED_GROUPS = _listed("variables.asGroups")
"""The groups with which the caller decides, of those that the gate lists, of all its steps too.

The time of a decision says whether a step had come. And those who may break its glass: of them too is known later why.
"""
OWN_GROUPS = _listed("variables.groups")
"""The caller's own groups that the gate lists."""

STEPS = """
    has(oldObject.spec.policy.escalation) ? oldObject.spec.policy.escalation.filter(s, has(s.to)) : []
"""
ADDED = """(
    variables.steps.exists(s, timestamp(s.at) <= timestamp(variables.old[k].decidedAt) && (
      (has(s.to.users) && p in s.to.users) ||
      (!p.startsWith('system:serviceaccount:') && has(s.to.groups) && has(variables.old[k].groups) &&
       s.to.groups.exists(g, g in variables.old[k].groups))))
)"""
"""Whether one of `variables.steps` had added `p` when `k` decided, for themselves or for them."""

VARIABLES = {
    "users": "object != null && has(object.spec.policy.approvers.users) ? object.spec.policy.approvers.users : []",
    "listedGroups": LISTED_GROUPS,
    "later": """
        object != null && has(object.spec.policy.escalation)
        ? object.spec.policy.escalation.filter(s, has(s.to)) : []
    """,
    "now": "variables.owners.size() == 1 ? string(variables.owners[0].time) : '1970-01-01T00:00:00Z'",
    "machine": "variables.me.startsWith('system:serviceaccount:')",
    "named": """
        variables.principal in variables.users ||
        variables.later.exists(s, has(s.to.users) && variables.principal in s.to.users)
    """,
    "asked": """
        variables.principal in variables.users ||
        (!variables.machine && variables.listedGroups.exists(g,
          has(object.spec.policy.approvers.groups) && g in object.spec.policy.approvers.groups)) ||
        variables.later.exists(s, timestamp(s.at) <= timestamp(variables.now) && (
          (has(s.to.users) && variables.principal in s.to.users) ||
          (!variables.machine && has(s.to.groups) && variables.listedGroups.exists(g, g in s.to.groups))))
    """,
}
"""Who is asked in this very request. Needs `me`, `principal`, `asGroups` and `owners`; two owners are no
time, and no step has come."""


def is_asker(who: str, gate: str = "object") -> str:
    """Return CEL for somebody being one of those who ask, in any letter case."""
    return (
        f"({same_person(who, f'{gate}.spec.requestedBy.username')} ||"
        f" (has({gate}.spec.onBehalfOf) && {same_person(who, f'{gate}.spec.onBehalfOf.username')}))"
    )


def is_excluded(who: str, gate: str = "object") -> str:
    """Return CEL for somebody being one of those whom the gate excludes; the same person has a name of the same length."""
    return (
        f"(has({gate}.spec.excluded) ? {gate}.spec.excluded : []).exists(x,"
        f" x.size() == {who}.size() && {same_person(who, 'x')})"
    )


def only_asked() -> tuple[Check, ...]:
    """Return the rules that who decides is asked, now."""
    return (
        Check(
            "!variables.deciding || variables.breaking || !variables.machine || variables.named",
            "a ServiceAccount decides only where the policy lists it by its exact name",
        ),
        Check(
            "!variables.deciding || variables.breaking || variables.asked",
            "you are not an approver: spec.policy.approvers says who is, and spec.policy.escalation who is later",
            """
            variables.principal + ' is not an approver of ' + object.metadata.name +
            (variables.later.size() > 0 && variables.owners.size() == 1 ? ' at ' + variables.now : '') +
            '; approvers are: ' +
            (variables.users.map(u, string(u)) +
             (has(object.spec.policy.approvers.groups)
              ? object.spec.policy.approvers.groups.map(g, 'group ' + string(g)) : [])).join(', ') +
            variables.later.map(s, '; from ' + string(s.at) + ' also ' +
              ((has(s.to.users) ? s.to.users.map(u, string(u)) : []) +
               (has(s.to.groups) ? s.to.groups.map(g, 'group ' + string(g)) : [])).join(', ')).join('')
            """,
        ),
    )
