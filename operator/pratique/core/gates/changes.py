"""Says how people changed their minds about a gate: its timeline, made of nothing but what the API server stamped. Pure.

Made anew at each count, so it can neither lose a line nor keep one that somebody forged. What counts now, `tally` says.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from pratique.api.v1alpha1.approval import ApprovalSpec
from pratique.api.v1alpha1.decisions import Decision, EarlierDecision, Verdict
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.status import TimelineEntry
from pratique.core.kernel.text import clean
from pratique.core.telling.recorder import MAX_TIMELINE
from pratique.core.telling.wording import moment

_Said = Decision | EarlierDecision
_LOOKS, _TAKEN_BACK, _CHANGED = "Undecided", "TakenBack", "Changed"
_BROKEN, _STANDS_IN = "GlassBroken", "StandsIn"
_NOW = {
    Verdict.APPROVE: "approves",
    Verdict.DECLINE: "declines",
    Verdict.UNDECIDED: "is undecided",
    Verdict.OFFER: "offers something else",
}
_BEFORE = {
    Verdict.APPROVE: "had approved",
    Verdict.DECLINE: "had declined",
    Verdict.UNDECIDED: "was undecided",
    Verdict.BREAK_GLASS: "had broken the glass",
    Verdict.OFFER: "had offered something else",
}
_NOUN = {
    Verdict.APPROVE: "approval",
    Verdict.DECLINE: "decline",
    Verdict.BREAK_GLASS: "break-glass",
    Verdict.OFFER: "counter-offer",
}


def changes(spec: ApprovalSpec) -> list[TimelineEntry]:
    """Return a line for each change of mind, for each who said that they are undecided, and for each stand-in."""
    found = [
        (after.decided_at, " for ".join(filter(None, (username, decision.for_))), *line)
        for username, decision in spec.decisions.items()
        for before, after in pairwise((None, *(decision.history or ()), decision))
        if after is not None and after.decided_at is not None and (line := _line(before, after)) is not None
    ]
    lines = [
        TimelineEntry(at=at, event=event, message=clean(f"{clean(who, 512)} {text}", 1024))
        for at, who, event, text in sorted([*found, *_named(spec)], key=lambda each: each[:2])
    ]
    return lines[-MAX_TIMELINE:]


def find_new(spec: ApprovalSpec, before: Iterable[TimelineEntry]) -> list[str]:
    """Return who has named a stand-in since a timeline was written."""
    known, alone = list(before), amend(spec, decisions={})
    found = []
    for name, lent in spec.stand_ins.items():
        lines = changes(amend(alone, delegations={name: lent}))
        found += [name for line in lines if line not in known]
    return found


def say_named(spec: ApprovalSpec, name: str) -> str:
    """Return who stands in for somebody, from when and until when."""
    lent = spec.stand_ins[name]
    begin = f"from {moment(lent.not_before)} " if lent.not_before is not None else ""
    return f"{clean(lent.to, 253)} may decide for {clean(name, 253)} {begin}until {moment(lent.until)}"


def _named(spec: ApprovalSpec) -> Iterator[tuple[datetime, str, str, str]]:
    """Return a line for each stand-in, as the gate has it: one that was never used leaves none once it is removed."""
    for name, lent in spec.stand_ins.items():
        if lent.at is not None:
            said = say_named(spec, name).removeprefix(clean(lent.to, 253)).strip()
            yield lent.at, lent.to, _STANDS_IN, said


def _line(before: _Said | None, after: _Said) -> tuple[str, str] | None:
    """Return what a change is called, and how it reads behind a name; a first yes or no is none."""
    if after.verdict is Verdict.BREAK_GLASS:
        but = f", and {_BEFORE[before.verdict]}" if before is not None else ""
        return _BROKEN, f"breaks the glass{but}: {after.comment}"
    if before is None:
        return (_LOOKS, "is undecided yet") if after.verdict is Verdict.UNDECIDED else None
    if before.verdict is after.verdict:
        return _CHANGED, f"{_NOW[after.verdict]} still, with another comment"
    if after.verdict is Verdict.UNDECIDED:
        return _TAKEN_BACK, f"takes back the {_NOUN[before.verdict]}"
    return _CHANGED, f"{_NOW[after.verdict]}, and {_BEFORE[before.verdict]}"
