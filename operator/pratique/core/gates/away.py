"""Decides who stands in for whom when a gate opens: the Delegations of those whom it asks, as far as they hold then. Pure.

They are written into the gate with it, and the operator never writes there again: who is away later names somebody in the
gate itself. A Delegation gives nobody more than its owner has: they are asked here, and hold the verb `approve`. Nothing is
handed on, and one that was not made under guard is nobody's word. The API server has said most of this when it was
made (`admission/away.py`); it is asked again, since what is believed here decides who decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.approval import Approval, ApprovalSpec
from pratique.api.v1alpha1.delegation import Delegation
from pratique.api.v1alpha1.delegations import LONGEST_DAYS, MAX_STAND_INS, DelegationRule, StandIn
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.gates.guarded import is_guarded_since, verify_guard
from pratique.core.gates.port import Unsure
from pratique.core.gates.quorum import is_listed
from pratique.core.gates.standing_in import is_out
from pratique.core.kernel.effects import AskRights, Failure, Json, ObjectRef, Outcomes
from pratique.core.kernel.identity import fold

MOST = MAX_STAND_INS - 8
"""Of one gate: the others are left for those who name somebody in the gate itself."""
_ASKED = 64
"""Of so many it is asked whether they hold the verb: some may not."""
_SYSTEM = "system:"


@dataclass(frozen=True)
class _Loan:
    """That somebody who is asked is away, and whom they named."""

    delegation: Delegation
    owner: Requester


def lend(wanted: Json, away: Sequence[Delegation], outcomes: Outcomes, now: datetime) -> Json | Unsure:
    """Return an Approval that is about to be opened with the stand-ins that hold for it, or what must come first."""
    approval = Approval.model_validate(wanted)
    loans = _find(approval.spec, away, now)
    if not loans:
        return wanted
    asks = [_ask(approval, each) for each in loans]
    unsure, todo = verify_guard(outcomes), tuple(each for each in asks if each.outcome(outcomes) is None)
    if unsure is not None or todo:
        first = unsure.effects if unsure is not None else ()
        return Unsure(effects=(*first, *todo), retry=unsure is not None and unsure.retry)
    answers = [each.outcome(outcomes) for each in asks]
    if any(isinstance(each, Failure) and each.transient for each in answers):
        return Unsure(retry=True, why="It could not be asked which stand-ins may decide")
    kept = [
        each
        for each, may in zip(loans, answers, strict=True)
        if may is True and is_guarded_since(outcomes, each.delegation.metadata.creation_timestamp)
    ]
    if not kept:
        return wanted
    best = dict[str, _Loan]()
    for each in sorted(kept, key=lambda each: (each.delegation.begins > now, -each.delegation.spec.until.timestamp())):
        best.setdefault(fold(each.owner.username), each)  # the one that holds now, else the one that holds longest
    chosen = [each for each in kept if best[fold(each.owner.username)] is each]
    entries = {each.owner.username: _entry(approval.spec, each) for each in chosen[:MOST]}
    return {**wanted, "spec": amend(approval.spec, delegations=entries).to_wire()}


def _find(spec: ApprovalSpec, away: Iterable[Delegation], now: datetime) -> list[_Loan]:
    """Return what may hold for a gate; who is named comes before those who are asked as one of a group."""
    if spec.policy.delegation is not DelegationRule.ALLOW:
        return []
    loans = [
        _Loan(each, owner)
        for each in away
        if (owner := each.spec.from_) is not None
        and _overlaps(each, now, spec.policy.until)
        and _holds(spec, each, owner)
    ]
    named = _asked(spec).users
    loans.sort(key=lambda each: (each.delegation.begins, each.delegation.metadata.name))
    return sorted(loans, key=lambda each: each.owner.username not in named)[:_ASKED]


def _overlaps(delegation: Delegation, opens: datetime, closes: datetime) -> bool:
    gone = delegation.metadata.deletion_timestamp is not None
    return not gone and delegation.spec.until > opens and delegation.begins < closes


def _holds(spec: ApprovalSpec, delegation: Delegation, owner: Requester) -> bool:
    """Whether the gate asks its owner, and the two may stand in for one another: the rules of naming somebody in a gate."""
    to, name = delegation.spec.to, owner.username
    machine = to.startswith(_SYSTEM) or name.startswith(_SYSTEM)
    too_long = delegation.spec.until - delegation.metadata.creation_timestamp > timedelta(days=LONGEST_DAYS)
    if machine or too_long or fold(to) == fold(name) or is_out(spec, to) or is_out(spec, name):
        return False
    return is_listed(_asked(spec), name, owner.groups)


def _asked(spec: ApprovalSpec) -> Approvers:
    """Return whom the gate asks, at some time: who is on call alone is not among them."""
    return spec.policy.approvers_after(step.at for step in spec.policy.escalation or ())


def _ask(approval: Approval, loan: _Loan) -> AskRights:
    """Return the question whether who is away may decide this: a list without the verb lends no seat."""
    who, name = loan.owner, loan.delegation.metadata.name
    ref = ObjectRef(API_VERSION, "Action", approval.spec.action, approval.metadata.namespace)
    return AskRights(f"away/{name}", who.username, tuple(who.groups), "approve", "actions", ref)


def _entry(spec: ApprovalSpec, loan: _Loan) -> StandIn:
    """Return the copy: of their groups those that the gate lists, and the time at which they said it."""
    delegation, listed = loan.delegation, _asked(spec).groups
    return StandIn(
        to=delegation.spec.to,
        until=delegation.spec.until,
        not_before=delegation.spec.not_before,
        at=delegation.metadata.creation_timestamp,
        groups=[each for each in listed if each in loan.owner.groups],
        source=f"Delegation/{delegation.metadata.name}",
    )
