"""Decides what the decisions of an Approval add up to. Pure; called by `gate.plan_approval`, and by the views.

The API server has already refused what must not be there (core of the trust model: who, under which name, how late). The
tally still believes none of it: who is listed, the stamped groups and the stamped time are checked again for every entry.
`awaits` says of one person whether a gate waits for them, for everything that shows people what they have to decide.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import groupby

from pratique.api.v1alpha1.approval import ApprovalSpec, ApprovalState
from pratique.api.v1alpha1.decisions import MAX_CHANGES, Decision, RecordedDecision, Verdict
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.gates.glass import may_break
from pratique.core.gates.quorum import is_listed, progress, say_missing
from pratique.core.gates.standing_in import (
    counts_for,
    first_of_each,
    has_spoken,
    is_out,
    may_stand_in,
    principals_of,
)
from pratique.core.kernel.identity import askers, is_among
from pratique.core.kernel.text import clean


class Tally(Enum):
    """What the decisions amount to at a moment. Unaccepted: enough approve, and who asks has not accepted it yet."""

    OPEN = "open"
    APPROVED = "approved"
    BROKEN = "broken"
    OFFERED = "offered"
    UNACCEPTED = "unaccepted"
    DECLINED = "declined"
    TOO_LATE = "too late"


STATES = {
    Tally.OPEN: ApprovalState.PENDING,
    Tally.APPROVED: ApprovalState.APPROVED,
    Tally.BROKEN: ApprovalState.BROKEN,
    Tally.OFFERED: ApprovalState.OFFERED,
    Tally.UNACCEPTED: ApprovalState.PENDING,
    Tally.DECLINED: ApprovalState.DECLINED,
    Tally.TOO_LATE: ApprovalState.EXPIRED,
}
"""What an Approval is by what its decisions amount to."""
_DECIDING = {
    Tally.APPROVED: Verdict.APPROVE,
    Tally.BROKEN: Verdict.BREAK_GLASS,
    Tally.OFFERED: Verdict.OFFER,
    Tally.DECLINED: Verdict.DECLINE,
}
"""What people said last where what they said has ended it."""
_GRANTING = (Tally.APPROVED, Tally.BROKEN)
_LAST = (Verdict.DECLINE, Verdict.OFFER, Verdict.BREAK_GLASS, Verdict.APPROVE)
"""Which of several accounts of one person counts that spoke in one second: the first of these."""


@dataclass(frozen=True)
class Count:
    """The tally, and who made it.

    `approvals` and `required` are those of the rule that is nearest to being met, `missing` says what each rule lacks.
    """

    tally: Tally
    decisions: tuple[RecordedDecision, ...]
    approvals: int
    required: int
    waiting_for: tuple[str, ...] = ()
    missing: str = ""

    @property
    def decisive(self) -> RecordedDecision | None:
        """The decision that ended it: the last that counted."""
        return self.decisions[-1] if self.tally in _DECIDING else None


def may_decide(spec: ApprovalSpec, username: str, groups: Iterable[str], when: datetime) -> bool:
    """Whether the policy lets this person decide then: listed, none of those who ask and not excluded, in any letter case.

    Listed are the approvers of its rules, and whom a step of its escalation has added until that moment.
    A ServiceAccount counts only where it is listed by its exact name: machines do not approve as members of a group.
    """
    return not is_out(spec, username) and is_listed(spec.policy.approvers_at(when), username, groups)


def find_part(spec: ApprovalSpec, username: str, groups: Iterable[str], when: datetime) -> tuple[str | None, ...]:
    """Return for whom somebody may decide then: None is for themselves; nothing, if they may not.

    Who has said something says it for the same person ever after.
    """
    said = spec.decisions.get(username)
    if said is not None and said.for_ is not None:
        return (said.for_,) if may_stand_in(spec, username, said.for_, when) else ()
    own = (None,) if may_decide(spec, username, groups, when) else ()
    return own if said is not None else (*own, *principals_of(spec, username, when))


def awaits(spec: ApprovalSpec, username: str, groups: Iterable[str], now: datetime) -> bool:
    """Whether this person has to decide: the gate is open, the policy lets them, and they have not, or took it back.

    Who took it back does so by the same account, and not too often. Nobody has to for whom a stand-in has decided.
    """
    return bool(open_parts(spec, username, groups, now))


def open_parts(spec: ApprovalSpec, username: str, groups: Iterable[str], now: datetime) -> tuple[str | None, ...]:
    """Return for whom this person has to decide: None is for themselves."""
    said = decision_of(spec, username)
    undecided = said is None or (username in spec.decisions and said.verdict is Verdict.UNDECIDED and may_change(said))
    if not undecided or has_spoken(spec, username) or count(spec, now).tally is not Tally.OPEN:
        return ()
    return tuple(each for each in find_part(spec, username, groups, now) if each is None or not has_spoken(spec, each))


def may_take_back(spec: ApprovalSpec, username: str, groups: Iterable[str], now: datetime) -> bool:
    """Whether this person has decided, and can still say something else: the gate is open, and they are still asked."""
    said = spec.decisions.get(username)
    decided = said is not None and said.verdict is not Verdict.UNDECIDED and may_change(said)
    return decided and bool(find_part(spec, username, groups, now)) and count(spec, now).tally is Tally.OPEN


def may_change(decision: Decision) -> bool:
    """Whether somebody has not changed their mind so often that what they said last stays."""
    return len(decision.history or ()) < MAX_CHANGES


def decision_of(spec: ApprovalSpec, username: str) -> Decision | None:
    """Return what this person decided, under their name in any letter case: one person counts once."""
    if username in spec.decisions:
        return spec.decisions[username]
    return next((each for name, each in spec.decisions.items() if is_among(username, (name,))), None)


def count(spec: ApprovalSpec, now: datetime) -> Count:
    """Add up the decisions, second by second; the first to reach its threshold ends the gate.

    A decision counts as it is now, at the time of its last change; Undecided counts for nothing. It counts if its author
    may decide and the API server stamped it before the deadline; of one person, whose accounts differ in letter case only,
    the first, and their own word before that of a stand-in. What follows the decisive second does not count. The order of
    the map does not matter, nor that of names. Who breaks the glass ends it alone, but not against a decline; so does who
    offers something else. Where consent is asked for, nothing is granted without it, and the decisions stay.

    The API server takes no entry after the decisive one (the seal in `admission/decision.py`), so at most one threshold is
    reached, and all that is there counts. Where both are, as an older version left it or a gap in the guard, the earlier
    second wins, and of one second the decline: stamps are no finer, and a wrong no costs but a new request.
    """
    policy = spec.policy
    counted: list[RecordedDecision] = []
    tally = Tally.OPEN
    for _, same_second in groupby(_in_order(spec), key=lambda each: each.decided_at):
        before, together = counted, list(same_second)
        counted = [*before, *together]
        declines = _said(counted, Verdict.DECLINE)
        if declines >= policy.decline_threshold:
            tally = Tally.DECLINED
        elif _said(together, Verdict.OFFER):
            tally = Tally.OFFERED
        elif not declines and _said(together, Verdict.BREAK_GLASS):
            tally = Tally.BROKEN
        elif any(each.is_met for each in progress(spec, counted)):
            tally = Tally.APPROVED
        if tally is not Tally.OPEN:
            deciding = _DECIDING[tally]
            counted = [*before, *sorted(together, key=lambda each: (each.verdict is deciding, each.by))]
            break
    if tally in _GRANTING and not spec.is_accepted:
        tally = Tally.UNACCEPTED
    if tally in (Tally.OPEN, Tally.UNACCEPTED) and now >= policy.until:
        tally = Tally.TOO_LATE
    ways = progress(spec, counted)
    nearest = min(ways, key=lambda each: each.missing)
    spent = (
        name for name, said in spec.decisions.items() if said.verdict is Verdict.UNDECIDED and not may_change(said)
    )
    done = {*(name for decision in counted for name in decision.people), *spent}
    if tally is Tally.UNACCEPTED:
        asking = tuple(sorted(askers(spec)))
        missing = f"{' or '.join(asking)} to accept the counter-offer"
        return Count(tally, tuple(counted), nearest.approvals, nearest.way.required, asking, missing)
    if tally is not Tally.OPEN:
        return Count(tally, tuple(counted), nearest.approvals, nearest.way.required)
    waiting = _who(spec, policy.approvers_at(now), done, now)
    if policy.alternatives:
        missing = " or ".join(say_missing(each, _who(spec, each.way.approvers, done, now)) for each in ways)
    else:
        missing = say_missing(nearest, waiting)
    return Count(tally, tuple(counted), nearest.approvals, nearest.way.required, waiting, missing)


def _said(decisions: Iterable[RecordedDecision], verdict: Verdict) -> int:
    return sum(decision.verdict is verdict for decision in decisions)


def _in_order(spec: ApprovalSpec) -> list[RecordedDecision]:
    valid = [
        RecordedDecision(
            by=username,
            for_=decision.for_,
            verdict=decision.verdict,
            comment=clean(decision.comment, 1024, multiline=True),
            decided_at=decision.decided_at,
        )
        for username, decision in spec.decisions.items()
        if decision.decided_at is not None and _counts(spec, username, decision, decision.decided_at)
    ]
    ordered = sorted(valid, key=lambda each: (each.decided_at, _LAST.index(each.verdict), each.by))
    return sorted(first_of_each(ordered), key=lambda each: (each.decided_at, each.by))


def _counts(spec: ApprovalSpec, username: str, decision: Decision, decided_at: datetime) -> bool:
    groups = decision.groups or ()
    if decision.verdict is Verdict.UNDECIDED or decided_at >= spec.policy.until:
        return False
    if decision.verdict is Verdict.BREAK_GLASS:  # for nobody else
        return decision.for_ is None and may_break(
            spec.policy.break_glass, username, groups, askers(spec), spec.excluded or ()
        )
    if decision.verdict is Verdict.OFFER and spec.policy.counter_offer is None:
        return False
    if decision.for_ is not None:
        return counts_for(spec, username, decision, decided_at)
    return may_decide(spec, username, groups, decided_at)


def _who(spec: ApprovalSpec, approvers: Approvers, decided: set[str], now: datetime) -> tuple[str, ...]:
    """Return those of these approvers who can still decide: user names, and groups."""
    done = tuple(decided)
    users = [user for user in approvers.users if not is_among(user, done) and may_decide(spec, user, (), now)]
    lent = [
        f"{each.to} for {name}"
        for name, each in spec.stand_ins.items()
        if not (is_among(name, done) or is_among(each.to, done))
        and may_stand_in(spec, each.to, name, now)
        and is_listed(approvers, name, each.groups or ())
    ]
    return (*sorted(users), *sorted(lent), *(f"group {group}" for group in sorted(approvers.groups)))
