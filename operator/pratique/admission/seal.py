"""The seal: what the decisions of a gate amount to, counted by the API server from the old object and the frozen rule.

The same as `core.gates.tally.count`, which `tests/unit/core/gates/test_seal.py` holds to it: once it is not empty, no entry
changes any more. Part of `pratique-decision`.
"""

from pratique.admission import glass
from pratique.admission.asked import ADDED, STEPS, is_asker, is_excluded
from pratique.admission.language import same_person

_LISTED = "p in variables.askedUsers"
_MEMBER = """
    !p.startsWith('system:serviceaccount:') && has(variables.old[k].groups) &&
    variables.old[k].groups.exists(g, g in variables.askedGroups)
"""
_TIME = "timestamp(variables.old[{0}].decidedAt)"
_EARLIER = f"""
    {_TIME.format("o")} < {_TIME.format("k")} || ({_TIME.format("o")} == {_TIME.format("k")} && (
      variables.old[o].verdict == variables.old[k].verdict ? o < k
      : variables.old[o].verdict == 'Decline' || variables.old[k].verdict == 'Approve' ||
        (variables.old[o].verdict == 'Offer' && variables.old[k].verdict == 'BreakGlass')))
"""
"""The order of `core.gates.tally`: by second, declines of one second first, then offers, approvals last; by name."""

_SAME = f"""
    (o.size() == k.size() && {same_person("o", "k")}) ||
    (has(variables.old[o].for) && has(variables.old[k].for) &&
     variables.old[o].for in variables.twins && variables.old[k].for in variables.twins &&
     {same_person("variables.old[o].for", "variables.old[k].for")})
"""
"""Whether two entries are of one person, or for one person: then the first counts.

Two stand-ins of one name there are not, so only of those are asked who have two in other letter case.
"""

_PRINCIPAL = "(has(variables.old[k].for) ? variables.old[k].for : k)"
"""For whom `k` has decided."""
_OF_RULE = f"""
    variables.approvals.filter(k,
      (has(r.approvers.users) && {_PRINCIPAL} in r.approvers.users) ||
      (!{_PRINCIPAL}.startsWith('system:serviceaccount:') && has(r.approvers.groups) && has(variables.old[k].groups) &&
       variables.old[k].groups.exists(g, g in r.approvers.groups)))
"""


def _may(who: str) -> str:
    return f"!{is_asker(who, 'oldObject')} && !{is_excluded(who, 'oldObject')}"


_STANDS_IN = """
    p in variables.lenders && variables.lent[p].to == k &&
    timestamp(variables.old[k].decidedAt) < timestamp(variables.lent[p].until) &&
    (!has(variables.lent[p].notBefore) ||
     timestamp(variables.lent[p].notBefore) <= timestamp(variables.old[k].decidedAt)) &&
    !k.startsWith('system:serviceaccount:') && has(variables.old[k].groups) &&
    variables.old[k].groups.all(g, has(variables.lent[p].groups) && g in variables.lent[p].groups)
"""
"""Whether `k` stood in for `p` when they decided, with the groups of `p`."""
_MET = """
    [{0}].exists(yes, yes.size() >= {1}.required &&
      (!has({1}.requireFrom) || {1}.requireFrom.all(f,
        yes.filter(k, has(variables.old[k].groups) && f.group in variables.old[k].groups).size() >= f.count)))
"""
"""Whether a rule is met by the approvals that count for it, as `core.gates.quorum` says.

The list of one is a name for them, so that they are looked for once and not for each entry of requireFrom: the API server
bounds what an expression may cost.
"""

SEAL = {
    "askedUsers": "has(oldObject.spec.policy.approvers.users) ? oldObject.spec.policy.approvers.users : []",
    "askedGroups": "has(oldObject.spec.policy.approvers.groups) ? oldObject.spec.policy.approvers.groups : []",
    "steps": STEPS,
    "lent": """
        has(oldObject.spec.policy.delegation) && oldObject.spec.policy.delegation == 'Allow' &&
        has(oldObject.spec.delegations) ? oldObject.spec.delegations : {}
    """,
    "lenders": f"variables.lent.map(k, k).filter(p, {_may('p')})",
    "twins": f"""
        variables.lenders.filter(a, variables.lenders.exists(b,
          b != a && b.size() == a.size() && {same_person("b", "a")}))
    """,
    "valid": f"""
        variables.old.map(k, k).filter(k,
          variables.old[k].verdict != 'Undecided' &&
          (variables.old[k].verdict != 'Offer' || has(oldObject.spec.policy.counterOffer)) &&
          has(variables.old[k].decidedAt) &&
          (!has(oldObject.spec.policy.deadline) ||
           timestamp(variables.old[k].decidedAt) < timestamp(oldObject.spec.policy.deadline)) &&
          !{is_excluded("k", "oldObject")} &&
          (variables.old[k].verdict == 'BreakGlass' ? !has(variables.old[k].for) && {glass.BROKE}
           : !{is_asker("k", "oldObject")} && [{_PRINCIPAL}].exists(p,
               (!has(variables.old[k].for) || ({_STANDS_IN})) &&
               ({_LISTED} || ({_MEMBER}) || {ADDED}))))
    """,
    "heard": f"""
        variables.valid.filter(k, !has(variables.old[k].for) || !variables.valid.exists(o,
          o.size() == variables.old[k].for.size() && {same_person("o", "variables.old[k].for")}))
    """,
    "counted": f"""
        variables.heard.filter(k, !variables.heard.exists(o, o != k && ({_SAME}) && ({_EARLIER})))
    """,
    "approvals": "variables.counted.filter(k, variables.old[k].verdict == 'Approve')",
    "declines": "variables.counted.filter(k, variables.old[k].verdict == 'Decline')",
    "offers": "variables.counted.filter(k, variables.old[k].verdict == 'Offer')",
    "broken": glass.BROKEN,
    "granted": f"""
        has(oldObject.spec.policy.alternatives)
        ? oldObject.spec.policy.alternatives.exists(r, {_MET.format(_OF_RULE, "r")})
        : {_MET.format("variables.approvals", "oldObject.spec.policy")}
    """,
    "sealed": """
        variables.declines.size() >= oldObject.spec.policy.declineThreshold
        ? 'declined by ' + variables.declines.join(', ')
        : variables.offers.size() > 0
        ? 'something else is offered by ' + variables.offers.join(', ')
        : variables.broken.size() > 0
        ? 'its glass was broken by ' + variables.broken.join(', ')
        : variables.granted
        ? 'approved by ' + variables.approvals.join(', ')
        : ''
    """,
}
"""What the decisions of the old object amount to: `sealed` is empty while the gate is open. Needs `variables.old`.

Lazy: it costs only those who decide. Whoever is the same person has a name of the same length, which spares comparisons.
"""
