"""Decides who leads by a Lease: when it may be taken, whether it holds, and when to stop. Pure; the steady clock only.

A record's age is judged by when its change was seen here, never by the times that others wrote: clocks differ. Who leads
stops `renew_deadline` after the last renewal was sent, the others wait `duration` after they saw it: so there is a gap
without a leader, and never an instant with two, as long as the clocks go equally fast.
"""

from dataclasses import dataclass

LEASE_NAME = "pratique"
"""The Lease by which the operator's processes agree who leads."""
LEADER_ROLE = "pratique-leader"
"""The Role that lets them: it owns the Lease, so that whoever uninstalls leaves none that names a holder who is gone."""


@dataclass(frozen=True)
class Terms:
    """Seconds: how long a Lease holds for the others, for its holder, and how often it is renewed and looked at."""

    duration: float = 10.0
    renew_deadline: float = 7.0
    renew_every: float = 3.0
    look_every: float = 0.75


@dataclass(frozen=True)
class Record:
    """What a Lease says. `version` is its resourceVersion; an empty `holder` means that it was given up."""

    holder: str
    version: str
    duration: float
    transitions: int = 0


class Election:
    """What one candidate knows. It neither reads nor writes: it is told what was read and written, and when.

    `identity` names the place (a Pod), `token` this process in it: what an earlier process of the place held is taken over
    at once, since it ended before this one began.
    """

    def __init__(self, identity: str, token: str, terms: Terms) -> None:
        self._identity, self.terms = identity, terms
        self.holder = f"{identity}_{token}"
        self.record: Record | None = None
        self._seen_at = 0.0
        self._renewed_at: float | None = None
        self._ever_led = False

    @property
    def leading(self) -> bool:
        """Whether this candidate took the Lease and has not lost or left it; `valid` says whether that still counts."""
        return self._renewed_at is not None

    def valid(self, now: float) -> bool:
        """Whether this candidate may act at this instant."""
        return self._renewed_at is not None and now < self._renewed_at + self.terms.renew_deadline

    def age(self, now: float) -> float:
        """Return how many seconds ago the last renewal was sent; without one, as if it were too long ago."""
        return self.terms.renew_deadline if self._renewed_at is None else now - self._renewed_at

    def observed(self, record: Record | None, now: float) -> None:
        """Take in what was read: another's record ends our leadership; our own may be of a write without an answer."""
        if record is None or record.holder != self.holder:
            self._renewed_at = None
        if record is None or self.record is None or record.version != self.record.version:
            self._seen_at = now
        self.record = record

    def may_take(self, now: float) -> bool:
        """Whether the Lease as it was last seen may be taken: free, given up, expired, or our own from before a restart."""
        if self.record is None or self.record.holder in ("", self.holder):
            return True
        if self.record.holder.rpartition("_")[0] == self._identity and not self._ever_led:
            return True
        return now >= self._seen_at + max(self.record.duration, self.terms.duration)

    def next_record(self) -> Record:
        """Return what to write in order to take or to keep the Lease."""
        known = self.record
        changes_hands = known is not None and known.holder != self.holder
        transitions = (known.transitions if known else 0) + int(changes_hands)
        return Record(self.holder, known.version if known else "", self.terms.duration, transitions)

    def wrote(self, record: Record, sent_at: float) -> None:
        """Take in that our write was accepted; what counts is when it was sent."""
        self.record, self._seen_at, self._renewed_at, self._ever_led = record, sent_at, sent_at, True

    def stepped_down(self) -> None:
        """Take in that this candidate stopped acting."""
        self._renewed_at = None
