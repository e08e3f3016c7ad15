"""Decides what a counter-offer asks for: who offered what, and what is put to the approvers next. Pure.

What was offered is asked for in gates of its own, by a plan that is made anew of it: nothing that was decided before counts
for it. Each such gate holds all that was offered so far, frozen, so that no status is believed.
"""

import json
from datetime import datetime

from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.approval import Approval, ApprovalSpec
from pratique.api.v1alpha1.counter_offer import Offered
from pratique.api.v1alpha1.decisions import RecordedDecision
from pratique.api.v1alpha1.meta import amend
from pratique.core.gates.tally import Tally, count
from pratique.core.kernel.effects import Json
from pratique.core.kernel.text import clean

_MAX_OFFER = 1024
NOTHING_OFFERED = (
    "this Approval takes no counter-offer: its rule names no input for which others may be offered"
    " (spec.policy.counterOffer is empty)"
)
NOT_OFFERED = (
    "a counter-offer names only inputs of spec.policy.counterOffer, and only values that it lists: texts as they"
    " are there, numbers of its range"
)
"""By which the API server does not take an offer, and `pratique test` either."""


def find_offer(approval: Approval, now: datetime) -> tuple[Offered | None, str]:
    """Return what is to be asked for after a gate in which somebody offered something else, and what is said of that.

    It is None if they may not offer that.

    Who asks accepts it where the rule says so, and where an earlier offer in it was to be accepted and never was.
    """
    spec = approval.spec
    counted, rule = count(spec, now), spec.policy.counter_offer
    if counted.tally is not Tally.OFFERED or counted.decisive is None or rule is None:
        return None, ""
    proposal = spec.decisions[counted.decisive.by].proposal or {}
    if not rule.holds(proposal):
        return None, ""
    before = spec.offered.inputs if spec.offered is not None else {}
    open_ = None if spec.is_accepted else spec.policy.consent
    by, consent, comment = clean(counted.decisive.author, 512), rule.consent or open_, counted.decisive.comment
    said = f": {comment}" if comment else ""
    needed = ". It starts only if the requester accepts it" if consent is not None else ""
    offered = Offered(inputs={**before, **proposal}, by=by, stage=spec.stage, consent=consent)
    return offered, f"{say_offer(spec, counted.decisive)}{said}{needed}"


def with_offered(run: ActionRun, offered: Offered | None) -> ActionRun:
    """Return the run as if it asked for what was offered."""
    if offered is None:
        return run
    return amend(run, spec=amend(run.spec, inputs={**run.spec.inputs, **offered.inputs}))


def say_offer(spec: ApprovalSpec, offer: RecordedDecision) -> str:
    """Return who offers what in a gate: `lead@example.com offers ttl: 5d`."""
    return f"{clean(offer.author, 512)} offers {say_values(spec.decisions[offer.by].proposal or {})}"


def say_values(inputs: Json) -> str:
    """Return inputs as people read them: `ttl: 5d, cpu: 2`."""
    shown = (f"{name}: {each if isinstance(each, str) else json.dumps(each)}" for name, each in sorted(inputs.items()))
    return clean(", ".join(shown), _MAX_OFFER)


def say_refused(why: str, offered: Offered | None) -> str:
    """Return why a request is refused: of one that somebody offered, also what that was."""
    return why if offered is None else f"{say_instead(offered)}, which cannot be: {why}"


def say_instead(offered: Offered) -> str:
    """Return what is asked for in place of what the run says."""
    return f"{offered.by} offered {say_values(offered.inputs)}"
