"""Judges an API server's answer, once and for every caller: does it pass by itself, is it a verdict, or is it ours to mend.

What may be said of it is made here too (`quoting`): after this nobody sees the API server's own message. Pure. Called by
`cluster.client`; what a run or an Environment then does about an answer, `patience` knows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from pratique.core.kernel.hiding import hide
from pratique.core.kernel.quoting import Piece, quote, show


class Standing(Enum):
    """What an answer is to whoever asked."""

    PASSES = "the same request may work in a moment"
    FINAL = "the same request gets the same answer, until somebody changes something"
    OURS = "it was made from what is not so any more: look again, then ask"


class Cause(Enum):
    """What an answer is about, where its code does not say enough."""

    OTHER = "whatever its reason says"
    BUSY_QUOTA = "a quota was changed by others at the same moment"
    NEW_QUOTA = "a quota whose use is not counted yet"
    RIGHTS = "the account lacks a right, or the right has not arrived yet"
    GRANT = "the account would give a right that it does not have, or that has not arrived yet"
    MISSING = "something that it needs is not there, or not yet"
    TERMINATING = "its namespace is being deleted"
    WEBHOOK_AWAY = "an admission webhook gives no answer"
    NO_DRY_RUN = "an admission webhook cannot say what it would do"
    STARTING = "the API server is not ready"
    UNMERGEABLE = "the patch is no patch of this kind, which is said as if the API server had failed"
    CHANGED = "somebody changed the object at the same moment"
    REPLACED = "the object of that name is another one now"


_PASSING_CODES = frozenset({0, 401, 408, 429, 500, 502, 503, 504})
"""0: no answer. 401: it is the operator that is not known, as while its token is renewed: no verdict about a request."""
_PASSING = frozenset({Cause.BUSY_QUOTA, Cause.NEW_QUOTA, Cause.WEBHOOK_AWAY, Cause.STARTING})
_UNDONE = frozenset({Cause.BUSY_QUOTA, Cause.NEW_QUOTA, Cause.STARTING})
_NOT_FOUND, _TOO_MANY = 404, 429
_CONFLICTS = (
    (re.compile(r"^Operation cannot be fulfilled on resourcequotas\b"), Cause.BUSY_QUOTA),
    (re.compile(r"the object has been modified; please apply your changes to the latest version"), Cause.CHANGED),
    (re.compile(r"precondition|\bUID\b", re.IGNORECASE), Cause.REPLACED),
)
_FORMS = (
    (re.compile(r"\bcannot [a-z]+ (?:resource|path) \""), Cause.RIGHTS),
    (re.compile(r"attempting to grant RBAC permissions not currently held"), Cause.GRANT),
    (re.compile(r"failed calling webhook \""), Cause.WEBHOOK_AWAY),
    (re.compile(r"does not support dry run"), Cause.NO_DRY_RUN),
    (re.compile(r"because it is being terminated"), Cause.TERMINATING),
    (re.compile(r"status unknown for quota"), Cause.NEW_QUOTA),
    (re.compile(r"not yet ready to handle request"), Cause.STARTING),
    (re.compile(r"does not contain declared merge key|unknown patch type|invalid patch format"), Cause.UNMERGEABLE),
)
_WRITTEN_BY_OTHERS = re.compile(r"denied (?:the )?request|violates PodSecurity")
_MISSING = re.compile(r'"([^"\n]{1,253})" not found|with name "?([^"\s]{1,253}?)"? was found')


@dataclass(frozen=True)
class Answer:
    """A judged answer that is no success; `pieces` are what may be said of it, `missing` names what was not found."""

    code: int
    reason: str
    pieces: tuple[Piece, ...]
    standing: Standing
    cause: Cause = Cause.OTHER
    missing: str = ""

    @property
    def message(self) -> str:
        """What people may read."""
        return show(self.pieces)

    @property
    def undone(self) -> bool:
        """Whether the server says that it did nothing, and may do it in a moment: safe to send again at once."""
        return self.code == _TOO_MANY or self.cause in _UNDONE

    @property
    def has_words(self) -> bool:
        """Whether somebody's own words are in it, which may repeat an object."""
        return any(piece.words for piece in self.pieces)

    def without(self, *objects: Any) -> "Answer":  # noqa: ANN401 - any JSON value
        """Return it with the values of these objects hidden in what others wrote."""
        return replace(self, pieces=tuple(Piece(each.frame, hide(each.words, *objects)) for each in self.pieces))

    def bare(self) -> "Answer":
        """Return it without what others wrote: for when the object is not known whose values might be in it."""
        return replace(self, pieces=tuple(Piece(each.frame) for each in self.pieces))


def judge(code: int, status: Mapping[str, Any] | None) -> Answer:
    """Return what an answer is worth, and what may be said of it; `status` is its body if that is a Status."""
    reason = _reason(code, status)
    line = str((status or {}).get("message") or "")[:100_000].split("\n", 1)[0]
    pieces = quote(code, status)
    if _WRITTEN_BY_OTHERS.search(
        line
    ):  # whatever code and reason they chose: it is a verdict, unless they are at fault
        passes = code >= 500
        return Answer(code, "Forbidden", pieces, Standing.PASSES if passes else Standing.FINAL)
    cause = _cause(code, reason, line, status)
    found = _MISSING.search(line) if cause is Cause.MISSING else None
    return Answer(code, reason, pieces, _standing(code, cause), cause, (found[1] or found[2]) if found else "")


def _reason(code: int, status: Mapping[str, Any] | None) -> str:
    text = str((status or {}).get("reason") or "")
    return text if re.fullmatch(r"[A-Za-z]{1,40}", text) else f"HTTP{code}"


def _cause(code: int, reason: str, line: str, status: Mapping[str, Any] | None) -> Cause:
    if reason == "Conflict":
        return next((cause for form, cause in _CONFLICTS if form.search(line)), Cause.OTHER)
    for form, cause in _FORMS:
        if form.search(line):
            return cause
    if reason == "Invalid" and _fields(status) == {"metadata.uid"}:
        return Cause.REPLACED
    missing = reason in ("Forbidden", "Invalid") and _MISSING.search(line)
    return Cause.MISSING if missing or code == _NOT_FOUND else Cause.OTHER


def _fields(status: Mapping[str, Any] | None) -> set[str]:
    details = (status or {}).get("details")
    causes = details.get("causes") if isinstance(details, Mapping) else None
    return {str(each.get("field")) for each in causes or () if isinstance(each, Mapping)}


def _standing(code: int, cause: Cause) -> Standing:
    if cause is Cause.UNMERGEABLE:
        return Standing.FINAL
    if cause in _PASSING or code in _PASSING_CODES:
        return Standing.PASSES
    return Standing.OURS if cause is Cause.CHANGED else Standing.FINAL
