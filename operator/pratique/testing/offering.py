"""Puts an offer of a case to the gate in which it would be made: what is asked for then, or why it is not taken. Pure.

The gate is the one that the operator would open, and the offer is counted as the operator counts it. Whether who offers
holds the verb `approve`, only a cluster knows.
"""

from datetime import timedelta
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalSpec
from pratique.api.v1alpha1.counter_offer import CounterOffer, Offered, OfferedValues
from pratique.api.v1alpha1.decisions import Decision, Verdict
from pratique.api.v1alpha1.delegations import DelegationRule, StandIn
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.gates.offers import NOT_OFFERED, NOTHING_OFFERED, find_offer
from pratique.core.gates.opening import open_gate
from pratique.core.gates.standing_in import is_out
from pratique.core.gates.tally import find_part
from pratique.core.kernel.identity import askers, is_among
from pratique.core.kernel.text import clean
from pratique.testing.cases import Offer

_SOMEBODY = "approver@example.com"


def put_offer(offer: Offer, run: ActionRun, action: Action, plan: RunPlan, before: Offered | None) -> Offered | str:
    """Return what is asked for after an offer, or the sentence by which it is not taken."""
    names = [each.name for each in plan.stages]
    if not names:
        return "nobody is asked, so nobody can offer anything: the request is free"
    name = offer.stage or names[0]
    if name not in names:
        return f"stage {name} is not asked for this request; asked are: {', '.join(names)}"
    stage = plan.stages[names.index(name)]
    opened = run.metadata.creation_timestamp
    gate = Approval.model_validate(
        {**open_gate(run, plan, stage, opened, action=action, offered=before), "status": {"state": "Pending"}}
    )
    said = opened + timedelta(seconds=1)
    by = offer.by or somebody(gate.spec)
    lent = offer.for_
    spec = gate.spec
    if lent is not None:
        stands_in = StandIn(to=by.username, until=spec.policy.until, at=opened, groups=_listed(spec, lent))
        spec = amend(spec, delegations={lent.username: stands_in})
    if (refusal := _not_asked(spec, by, lent)) is not None:
        return refusal
    decision = Decision(
        verdict=Verdict.OFFER,
        proposal=offer.inputs,
        decided_at=said,
        for_=lent.username if lent is not None else None,
        groups=_listed(spec, lent or by),
    )
    if (refusal := _not_offered(spec.policy.counter_offer, offer.inputs)) is not None:
        return refusal
    offered, _ = find_offer(amend(gate, spec=amend(spec, decisions={by.username: decision})), said)
    return offered if offered is not None else NOT_OFFERED


def somebody(spec: ApprovalSpec) -> Requester:
    """Return one who may decide a gate: a user whom it names, or else one of its first group."""
    users = [each for each in spec.policy.approvers.users if not is_out(spec, each)]
    return Requester(username=users[0] if users else _SOMEBODY, groups=spec.policy.approvers.groups[:1])


def _listed(spec: ApprovalSpec, who: Requester) -> list[str]:
    """Return the groups of somebody that the API server would stamp."""
    return [each for each in who.groups if each in spec.policy.approvers.groups]


def _not_asked(spec: ApprovalSpec, by: Requester, lent: Requester | None) -> str | None:
    """Return why somebody may not say anything in a gate, or None."""
    if is_among(by.username, askers(spec)):
        return f"{by.username} cannot decide their own request"
    if is_out(spec, by.username):
        return f"{by.username} cannot decide stage {spec.stage}: its rule excludes them"
    if lent is not None and spec.policy.delegation is not DelegationRule.ALLOW:
        return f"nobody stands in for {lent.username} in stage {spec.stage}: its rule has no delegation: Allow"
    wanted = lent.username if lent is not None else None
    if wanted not in find_part(spec, by.username, _listed(spec, by), spec.policy.until - timedelta(seconds=1)):
        whom = wanted or by.username
        return f"{whom} is not an approver of stage {spec.stage}: asked are {_names(spec.policy.approvers)}"
    return None


def _names(approvers: Approvers) -> str:
    return ", ".join((*approvers.users, *(f"group {each}" for each in approvers.groups)))


def _not_offered(rule: CounterOffer | None, proposal: dict[str, Any]) -> str | None:
    """Return the sentence of the API server for a proposal that a gate does not take, with what of it; or None."""
    if rule is None:
        return NOTHING_OFFERED
    if rule.holds(proposal):
        return None
    for name, value in proposal.items():
        allowed = rule.inputs.get(name)
        if allowed is None:
            return f"{NOT_OFFERED}: {clean(name, 64)} is none of them; they are: {', '.join(rule.inputs)}"
        if not allowed.holds(value):
            return f"{NOT_OFFERED}: {name} may be {_shown(allowed)}"
    return NOT_OFFERED


def _shown(allowed: OfferedValues) -> str:
    if allowed.values is not None:
        return ", ".join(allowed.values)
    whole = ", whole" if allowed.whole else ""
    return f"from {allowed.minimum:g} to {allowed.maximum:g}{whole}"
