"""Says how people changed their minds about a gate: its timeline, made of nothing but what the API server stamped. Pure.

Made anew at each count, so it can neither lose a line nor keep one that somebody forged. What counts now, `tally` says.
"""

from itertools import pairwise

from pratique.api.v1alpha1.approval import ApprovalSpec
from pratique.api.v1alpha1.decisions import Decision, EarlierDecision, Verdict
from pratique.api.v1alpha1.status import TimelineEntry
from pratique.core.kernel.text import clean
from pratique.core.telling.recorder import MAX_TIMELINE

_Said = Decision | EarlierDecision
_LOOKS, _TAKEN_BACK, _CHANGED, _BROKEN = "Undecided", "TakenBack", "Changed", "GlassBroken"
_NOW = {
    Verdict.APPROVE: "approves",
    Verdict.DECLINE: "declines",
    Verdict.UNDECIDED: "is undecided",
}
_BEFORE = {
    Verdict.APPROVE: "had approved",
    Verdict.DECLINE: "had declined",
    Verdict.UNDECIDED: "was undecided",
    Verdict.BREAK_GLASS: "had broken the glass",
}
_NOUN = {Verdict.APPROVE: "approval", Verdict.DECLINE: "decline", Verdict.BREAK_GLASS: "break-glass"}


def changes(spec: ApprovalSpec) -> list[TimelineEntry]:
    """Return a line for each time that somebody changed what they had said, or said that they are undecided."""
    found = [
        (after.decided_at, username, *line)
        for username, decision in spec.decisions.items()
        for before, after in pairwise((None, *(decision.history or ()), decision))
        if after is not None and after.decided_at is not None and (line := _line(before, after)) is not None
    ]
    lines = [
        TimelineEntry(at=at, event=event, message=clean(f"{clean(who, 253)} {text}", 1024))
        for at, who, event, text in sorted(found, key=lambda each: each[:2])
    ]
    return lines[-MAX_TIMELINE:]


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
