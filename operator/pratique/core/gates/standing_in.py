"""Decides who may decide for whom: the stand-ins that approvers have named in a gate. Pure.

A stand-in decides as the one who named them would: entitled by the name and the stamped groups of that person, and never
where either of the two asks or is excluded. Nothing is handed on, since only who is asked themselves names anybody. The
API server says the same (`admission/delegating.py`, `admission/seal.py`).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from pratique.api.v1alpha1.approval import ApprovalSpec
from pratique.api.v1alpha1.decisions import Decision, RecordedDecision, Verdict
from pratique.core.gates.quorum import is_listed
from pratique.core.kernel.identity import askers, fold, is_among, is_service_account


def is_out(spec: ApprovalSpec, username: str) -> bool:
    """Whether somebody may not decide in any case, in any letter case: who asks, and who is excluded."""
    return is_among(username, (*askers(spec), *(spec.excluded or ())))


def may_stand_in(spec: ApprovalSpec, username: str, principal: str, when: datetime) -> bool:
    """Whether somebody may decide for this person then."""
    lent = spec.stand_ins.get(principal)
    if lent is None or lent.to != username or not lent.is_open(when) or is_service_account(username):
        return False
    if is_out(spec, username) or is_out(spec, principal):
        return False
    return is_listed(spec.policy.approvers_at(when), principal, lent.groups or ())


def counts_for(spec: ApprovalSpec, username: str, decision: Decision, decided_at: datetime) -> bool:
    """Whether what somebody decided for another counts: as their stand-in then, with no group but theirs."""
    lent = spec.stand_ins.get(decision.for_ or "")
    if lent is None or decision.groups is None or not set(decision.groups) <= set(lent.groups or ()):
        return False
    listed = is_listed(spec.policy.approvers_at(decided_at), decision.for_ or "", decision.groups)
    return listed and may_stand_in(spec, username, decision.for_ or "", decided_at)


def first_of_each(valid: Iterable[RecordedDecision]) -> Iterator[RecordedDecision]:
    """Return what counts of decisions in order: each person has one vote, on whichever side of `for` they stand.

    The own word of somebody goes before that of their stand-in, and of others the first counts.
    """
    entries = list(valid)
    spoken = {fold(each.by) for each in entries}
    heard = [each for each in entries if each.for_ is None or fold(each.for_) not in spoken]
    hands, principals = set[str](), set[str]()
    for each in heard:
        principal = fold(each.for_) if each.for_ is not None else None
        if fold(each.by) not in hands and principal not in principals:
            yield each
        hands.add(fold(each.by))
        principals |= {principal} if principal is not None else set()


def next_turn(spec: ApprovalSpec, now: datetime) -> datetime | None:
    """Return when a stand-in of a gate may decide who could not before, or may not any more."""
    moments = (each for lent in spec.stand_ins.values() for each in (lent.not_before, lent.until))
    return min((each for each in moments if each is not None and each > now), default=None)


def principals_of(spec: ApprovalSpec, username: str, now: datetime) -> list[str]:
    """Return for whom somebody may decide now, by name: nobody has spoken for them yet, nor they themselves."""
    named = (name for name, each in spec.stand_ins.items() if each.to == username)
    return sorted(name for name in named if may_stand_in(spec, username, name, now) and not has_spoken(spec, name))


def has_spoken(spec: ApprovalSpec, username: str) -> bool:
    """Whether somebody has decided, or their stand-in has for them, in any letter case."""
    said = ((name, each.for_) for name, each in spec.decisions.items() if each.verdict is not Verdict.UNDECIDED)
    return any(is_among(username, tuple(filter(None, who))) for who in said)
