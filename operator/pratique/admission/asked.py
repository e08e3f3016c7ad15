"""Whom a gate asks, and from when on: its approvers at once, others from a step of its ladder, by the request's own time.

Nobody adds approvers to a gate that is open: its steps were written when it was opened, with their moments. So a step needs
no operator, and nothing that anybody moves can bring one forward. `core.gates.tally` says the same in Python.
"""

from pratique.admission.language import Check

LISTED_GROUPS = """
    object != null
    ? (has(object.spec.policy.approvers.groups) ? object.spec.policy.approvers.groups : [])
      .filter(g, g in variables.groups) +
      (has(object.spec.policy.escalation) || has(object.spec.policy.breakGlass)
       ? variables.groups.filter(g,
           !(has(object.spec.policy.approvers.groups) && g in object.spec.policy.approvers.groups) && (
             (has(object.spec.policy.escalation) && object.spec.policy.escalation.exists(s,
               has(s.to) && has(s.to.groups) && g in s.to.groups)) ||
             (has(object.spec.policy.breakGlass) && has(object.spec.policy.breakGlass.groups) &&
              g in object.spec.policy.breakGlass.groups))) : [])
    : []
"""
"""The caller's groups that the gate lists, those of all its steps too: the time of a decision says whether one had come.

And those who may break its glass: of them too is known later why somebody might.
"""

STEPS = """
    has(oldObject.spec.policy.escalation) ? oldObject.spec.policy.escalation.filter(s, has(s.to)) : []
"""
ADDED = """(
    variables.steps.exists(s, timestamp(s.at) <= timestamp(variables.old[k].decidedAt) && (
      (has(s.to.users) && k in s.to.users) ||
      (!k.startsWith('system:serviceaccount:') && has(s.to.groups) && has(variables.old[k].groups) &&
       s.to.groups.exists(g, g in variables.old[k].groups))))
)"""
"""Whether one of `variables.steps` had added `k` when they decided."""

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
        variables.me in variables.users || variables.later.exists(s, has(s.to.users) && variables.me in s.to.users)
    """,
    "asked": """
        variables.me in variables.users ||
        (!variables.machine && variables.listedGroups.exists(g,
          has(object.spec.policy.approvers.groups) && g in object.spec.policy.approvers.groups)) ||
        variables.later.exists(s, timestamp(s.at) <= timestamp(variables.now) && (
          (has(s.to.users) && variables.me in s.to.users) ||
          (!variables.machine && has(s.to.groups) && variables.listedGroups.exists(g, g in s.to.groups))))
    """,
}
"""Who is asked in this very request. Needs `me`, `groups` and `owners`; two owners are no time, and no step has come."""


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
            variables.me + ' is not an approver of ' + object.metadata.name +
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
