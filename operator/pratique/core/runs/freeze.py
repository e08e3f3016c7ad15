"""When an Action starts nothing: until when a run has to wait, and how long it was kept from starting. Pure."""

from datetime import datetime, timedelta

from pratique.api.v1alpha1.action import Action
from pratique.core.telling.wording import moment


def find_end(action: Action, now: datetime) -> datetime | None:
    """Return the first moment after `now` at which nothing is frozen; None if nothing is now.

    Windows that meet or overlap are one: their end is that of the last.
    """
    return next((until for since, until in _periods(action) if since <= now < until), None)


def say_frozen(action: Action, now: datetime, end: datetime) -> str:
    """Return that it starts once this end has come, and what people wrote as the reason of what holds it now."""
    reasons = dict.fromkeys(
        each.reason for each in action.spec.freeze if each.reason and each.from_ <= now < each.until
    )
    why = f": {'; '.join(reasons)}" if reasons else ""
    return f"The Action {action.metadata.name} starts nothing until {moment(end)} (spec.freeze){why}"


def frozen_between(action: Action, since: datetime, until: datetime) -> timedelta:
    """Return for how long of the time between these two moments nothing could start."""
    overlaps = (min(end, until) - max(begin, since) for begin, end in _periods(action))
    return sum((each for each in overlaps if each > timedelta()), timedelta())


def _periods(action: Action) -> list[tuple[datetime, datetime]]:
    """Return when nothing starts, in order, without two that meet."""
    periods = list[tuple[datetime, datetime]]()
    for each in sorted(action.spec.freeze, key=lambda each: each.from_):
        if periods and each.from_ <= periods[-1][1]:
            periods[-1] = (periods[-1][0], max(periods[-1][1], each.until))
        else:
            periods.append((each.from_, each.until))
    return periods
