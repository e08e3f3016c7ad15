"""Decides about an Environment's time: keep it, warn that its end is near, or end it.

Everything is counted from the object's creation and the spec of this moment, so that downtime, a late look or a status
that somebody forged can neither shorten nor lengthen a life. It must not decide what happens at the end: `environment`
does, which is the only caller.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pratique.api.v1alpha1.environment import Environment
from pratique.api.v1alpha1.scalars import duration_of

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
"""The end of what would live longer than a calendar goes: a ttl may be 999999999w."""
_DAY = timedelta(days=1)
"""How often it is told that one is kept beyond its time."""


class Verdict(StrEnum):
    """What its time says about an Environment."""

    KEEP = "Keep"
    WARN = "Warn"
    HOLD = "Hold"
    """Its time is up, and it is protected."""
    EXPIRE = "Expire"


@dataclass(frozen=True)
class Judgement:
    """The verdict, the end it was reached for, the one `warning` to give now, and what `status.warned` becomes.

    `wake_at` is the next moment at which the verdict can be another; None when it is final.
    """

    verdict: Verdict
    expires_at: datetime
    warned: tuple[str, ...] = ()
    warning: str | None = None
    wake_at: datetime | None = None
    days_over: int = 0
    """Of one that is held: the whole days since its time was up."""

    @property
    def next_end(self) -> datetime:
        """The next moment at which it may have to end: of one that is held, when it is looked at again."""
        return self.wake_at if self.wake_at is not None and self.verdict is Verdict.HOLD else self.expires_at


def expires_at(created: datetime, ttl: str) -> datetime:
    """Return the end of what was created then and lives this long."""
    length = _length(ttl)
    return created + length if length < FOREVER - created else FOREVER


def lifetime(environment: Environment) -> str:
    """Return the ttl that counts. The CRD refuses one above maxTTL; should it be there all the same, maxTTL counts."""
    spec = environment.spec
    return min(spec.ttl, spec.max_ttl or spec.ttl, key=_length)


def wall(environment: Environment) -> datetime:
    """Return the moment beyond which nothing keeps it: maxTTL."""
    most = environment.spec.max_ttl
    return FOREVER if most is None else expires_at(environment.metadata.creation_timestamp, most)


def is_held(environment: Environment, now: datetime) -> bool:
    """Say whether it is kept beyond its time. Its status is not asked: that may be forged, and would end it."""
    going = environment.metadata.deletion_timestamp is not None
    return bool(environment.spec.protected) and now < wall(environment) and not going


def judge(environment: Environment, now: datetime) -> Judgement:
    """Say what the time of `environment` asks for at `now`.

    Of several warnings that became due while nobody looked only the last one is given, and one is never given after
    another that was nearer to the end. A warning that an extension has put into the future again will be given again.
    """
    created = environment.metadata.creation_timestamp
    end = expires_at(created, lifetime(environment))
    told = environment.status.warned
    if now >= end and is_held(environment, now):
        days = (now - end) // _DAY
        again = min(end + (days + 1) * _DAY, wall(environment))
        return Judgement(Verdict.HOLD, end, warned=tuple(told), wake_at=again, days_over=days)
    if now >= end:
        return Judgement(Verdict.EXPIRE, end, warned=tuple(told))
    usable = _usable(environment.spec.warnings, end - created)
    past = [text for text in usable if end - _length(text) <= now]
    wake_at = min((end - _length(text) for text in usable if text not in past), default=end)
    nearest = past[-1] if past else None
    if nearest is None or _told_already(nearest, told, now, end):
        return Judgement(Verdict.KEEP, end, warned=tuple(past), wake_at=wake_at)
    return Judgement(Verdict.WARN, end, warned=tuple(past), warning=nearest, wake_at=wake_at)


def _usable(warnings: list[str], life: timedelta) -> list[str]:
    """Return the warnings that can ever be given, each length once, the nearest to the end last."""
    by_length = {_length(text): text for text in reversed(warnings)}
    return [by_length[length] for length in sorted(by_length, reverse=True) if timedelta(0) < length < life]


def _told_already(warning: str, told: list[str], now: datetime, end: datetime) -> bool:
    """Say whether this warning, or one nearer to this end, was given before."""
    lengths = [_length(text) for text in told]
    return any(length <= _length(warning) and end - length <= now for length in lengths)


def _length(text: str) -> timedelta:
    try:
        return duration_of(text)
    except OverflowError:
        return timedelta.max
