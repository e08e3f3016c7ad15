"""Decides when the webhook's certificate and its authority are made anew, so that no request ever meets an ended one.

The API server knows the webhook by an authority of its own in the MutatingWebhookConfiguration. A new authority is trusted
first and used later: it is added beside the old one (ROTATE), signs the next certificate once every API server must have
seen it (RENEW), and the old one goes when every replica must have taken that certificate (RETIRE). Each step is one write,
each may be taken by any replica, and a crash between two is only a pause. Pure: it neither reads nor makes a certificate.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Step(StrEnum):
    """What to do next with the stored certificates."""

    KEEP = "Keep"
    CREATE = "Create"
    """Make an authority and a certificate at once: what is stored is nothing, or of no use."""
    ROTATE = "Rotate"
    """Make a new authority and trust it beside the old one; the certificate stays."""
    RENEW = "Renew"
    """Issue a new certificate, by the newest authority."""
    RETIRE = "Retire"
    """Trust the newest authority only."""


@dataclass(frozen=True)
class Terms:
    """How long things hold, and how early they are replaced."""

    authority: timedelta = timedelta(days=365)
    serving: timedelta = timedelta(days=60)
    authority_left: timedelta = timedelta(days=120)
    """An authority with less left is replaced; more than a certificate lives, or that would be cut short."""
    serving_left: timedelta = timedelta(days=20)
    """A certificate with less left is replaced."""
    settle: timedelta = timedelta(minutes=15)
    """In which every API server has taken a configuration, and every replica a certificate: both need seconds."""
    backdate: timedelta = timedelta(hours=1)
    """How far before its making a certificate begins: clocks differ."""


@dataclass(frozen=True)
class Life:
    """From when to when a certificate holds."""

    begins: datetime
    ends: datetime

    def holds(self, now: datetime) -> bool:
        """Whether it holds now."""
        return self.begins <= now < self.ends


@dataclass(frozen=True)
class Stored:
    """What is stored, as far as steps depend on it. `authority` is the newest; None is absent or unreadable."""

    authority: Life | None
    serving: Life | None
    signed_by_newest: bool
    names_fit: bool
    """Whether the certificate is for the names that the webhook is called by."""
    trusts_older: bool
    """Whether another authority is trusted beside the newest."""


def next_step(stored: Stored, *, in_force: bool, now: datetime, terms: Terms) -> Step:
    """Return the next step; `in_force` is whether the API server was told of every authority that is stored."""
    authority, serving = stored.authority, stored.serving
    if authority is None or not authority.holds(now):
        return Step.CREATE
    if serving is None or not serving.holds(now) or not stored.names_fit:
        return Step.RENEW  # nothing works with this one, so there is nothing to wait for
    if not stored.signed_by_newest:
        return Step.RENEW if in_force and _settled(authority, now, terms) else Step.KEEP
    if authority.ends - now < terms.authority_left:
        return Step.ROTATE
    if serving.ends - now < terms.serving_left:
        return Step.RENEW
    if stored.trusts_older and _settled(serving, now, terms):
        return Step.RETIRE
    return Step.KEEP


def life(now: datetime, lasts: timedelta, terms: Terms, within: Life | None = None) -> Life:
    """Return the life of a certificate that is made now; none outlives the authority that signs it."""
    begins, ends = now - terms.backdate, now + lasts
    return Life(begins, min(ends, within.ends) if within else ends)


def _settled(made: Life, now: datetime, terms: Terms) -> bool:
    return now >= made.begins + terms.backdate + terms.settle
