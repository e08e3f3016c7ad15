"""Counter-offers, for `pratique-decision`: what an approver offers instead, and who accepts it.

An offer is a decision like any other: under one's own name, stamped, in time, and it seals. What may be offered is written
out in the frozen rule, so it is compared in the very request. `core.gates.offers` says what follows.
"""

from pratique.admission.language import Check
from pratique.core.gates.offers import NOT_OFFERED, NOTHING_OFFERED

_RULE = "object.spec.policy.counterOffer"
_FITS = """
    has(a.values)
    ? type(variables.proposal[k]) == string && variables.proposal[k] in a.values
    : (type(variables.proposal[k]) == int ||
       (type(variables.proposal[k]) == double && !(has(a.whole) && a.whole))) &&
      variables.proposal[k] >= a.minimum && variables.proposal[k] <= a.maximum
"""

VARIABLES = {
    "offering": "variables.deciding && has(variables.mine.verdict) && variables.mine.verdict == 'Offer'",
    "proposal": "has(variables.mine.proposal) ? variables.mine.proposal : {}",
    "offerable": f"object != null && has({_RULE}) ? {_RULE}.inputs : {{}}",
    "answering": """
        variables.updating && has(object.spec.consent) &&
        (!has(oldObject.spec.consent) || object.spec.consent != oldObject.spec.consent)
    """,
    "answerOwners": """
        object != null && has(object.metadata.managedFields)
        ? object.metadata.managedFields.filter(m,
            has(m.fieldsV1) && 'f:spec' in m.fieldsV1 && 'f:consent' in m.fieldsV1['f:spec'] &&
            'f:answer' in m.fieldsV1['f:spec']['f:consent'])
        : []
    """,
}
"""CEL that the rules below share. Needs `me`, `mine`, `deciding` and `updating`."""


def offering() -> tuple[Check, ...]:
    """Return the rules of offering something else: only where the rule takes offers, and what it names."""
    return (
        Check(
            "!variables.offering || variables.offerable.size() > 0",
            NOTHING_OFFERED,
        ),
        Check(
            f"""
            !variables.offering || variables.offerable.size() == 0 || (variables.proposal.size() > 0 &&
              variables.proposal.all(k, k in variables.offerable && [variables.offerable[k]].all(a, {_FITS})))
            """,
            NOT_OFFERED,
        ),
    )


def accepting() -> tuple[Check, ...]:
    """Return the rules of what who asks says of a counter-offer."""
    return (
        Check(
            """
            !variables.answering || (object.spec.consent.by == variables.me && (
              variables.me == object.spec.requestedBy.username ||
              (has(object.spec.onBehalfOf) && variables.me == object.spec.onBehalfOf.username)))
            """,
            "only who asks accepts a counter-offer or rejects it, under their own name: spec.consent.by",
        ),
        Check(
            "!variables.answering || variables.state == 'Pending'",
            "this Approval has ended: there is nothing to accept any more",
        ),
        Check(
            """
            !variables.answering || !has(object.spec.policy.deadline) || (variables.answerOwners.size() == 1 &&
              timestamp(variables.answerOwners[0].time) < timestamp(object.spec.policy.deadline))
            """,
            "the deadline has passed, or managedFields were sent: a counter-offer is accepted before spec.policy.deadline",
        ),
    )
