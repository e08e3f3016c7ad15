"""Decides until when a message is held: a channel's quiet hours, and its digest. Pure.

What cannot wait is not held: what is urgent, and what would come too late to be of use. Called by `addressing`.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pratique.api.v1alpha1.notification_channel import NotificationChannelSpec
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.pace import QuietHours, Weekday
from pratique.api.v1alpha1.scalars import duration_of
from pratique.core.telling.events import EVENTS

_DAYS = list(Weekday)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_STEPS = 16
"""Two a day for a week of quiet days, and the hours around it."""


def hold_until(
    spec: NotificationChannelSpec, event: EventType, now: datetime, before: datetime | None, *, quietly: bool = False
) -> datetime | None:
    """Return when an event may go through a channel; None for at once.

    `before` is when it is of no use any more: it is only held if at least half of that time is left afterwards.
    What somebody is told `quietly` may go into a digest, though it asks others for something.
    """
    info = EVENTS[event]
    if info.urgent:
        return None
    when = now
    if spec.digest is not None and (info.collected or quietly):
        when = _next_digest(now, duration_of(spec.digest.every))
    if spec.quiet_hours is not None:
        when = quiet_until(spec.quiet_hours, when)
    too_late = before is not None and when > now + max(before - now, timedelta(0)) / 2
    return None if when <= now or too_late else when


def quiet_until(quiet: QuietHours, moment: datetime) -> datetime:
    """Return the first moment from this one on at which it is not quiet; `moment` itself if no such moment comes."""
    zone = zone_of(quiet)
    if zone is None:
        return moment
    local = moment.astimezone(zone)
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    for _ in range(_MOST_STEPS):
        after = _end_of_quiet(local, start, end, quiet.days)
        if after is None:
            return local.astimezone(UTC) if local.astimezone(UTC) > moment else moment
        local = after
    return moment


def zone_of(quiet: QuietHours) -> ZoneInfo | None:
    """Return the time zone, or None if there is none of that name."""
    try:
        return ZoneInfo(quiet.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _end_of_quiet(local: datetime, start: time, end: time, days: list[Weekday]) -> datetime | None:
    """Return where the stretch of quiet ends that this moment is in; None if it is in none."""
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if _DAYS[local.weekday()] in days:
        return midnight + timedelta(days=1)
    at = local.time()
    if start <= end:
        inside = start <= at < end
    else:
        inside = at >= start or at < end
        if at >= start:
            midnight += timedelta(days=1)
    return midnight.replace(hour=end.hour, minute=end.minute) if inside else None


def _next_digest(now: datetime, every: timedelta) -> datetime:
    return _EPOCH + ((now - _EPOCH) // every + 1) * every
