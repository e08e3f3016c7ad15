"""What people read of objects that a run made for a time: the condition, the warning, how they ended. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRunStatus, RunResource
from pratique.api.v1alpha1.conditions import ConditionStatus, ConditionType, Reason
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.planned import PlannedTemporary
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.environments.ttl import expires_at
from pratique.core.execution.awaiting import name_of_resource
from pratique.core.execution.ending import Ends, unended
from pratique.core.kernel.conditions import set_condition
from pratique.core.kernel.happened import Happened
from pratique.core.kernel.text import clean
from pratique.core.telling.wording import moment

NOTICE = timedelta(minutes=30)
"""How long before its end people are told of it, as of an Environment; of what lives no longer they are not."""
_MAX_TEXT = 1024
_UNENDED = (Reason.NOT_ENDED.value, Reason.NOT_PROVEN.value)


def notice_at(resource: RunResource, planned: PlannedTemporary | None) -> datetime | None:
    """Return when people are to be told that an object ends soon; None if they were, or never are."""
    if resource.expires_at is None or resource.warned or planned is None:
        return None
    at = resource.expires_at - NOTICE
    return at if expires_at(at, planned.expires_after) > resource.expires_at else None


def warn(
    resources: Sequence[RunResource], planned: Mapping[str, PlannedTemporary], now: datetime
) -> tuple[list[RunResource], list[RunResource]]:
    """Return all objects, and those of them that people are to be told of now: they end soon."""
    due = [
        each.id
        for each in unended(resources)
        if (at := notice_at(each, planned.get(each.id))) is not None and at <= now
    ]
    after = [amend(each, warned=True) if each.id in due else each for each in resources]
    soon = [each for each in after if each.id in due and each.expires_at is not None and now < each.expires_at]
    return after, soon


def tell_soon(soon: Sequence[RunResource]) -> list[Happened]:
    """Return what is told of objects that end soon, those of one moment together."""
    moments = sorted({each.expires_at for each in soon if each.expires_at is not None})
    return [_tell_one(at, [each for each in soon if each.expires_at == at]) for at in moments]


def _tell_one(at: datetime, ending: Sequence[RunResource]) -> Happened:
    text = (
        f"{_names(ending)} will be deleted at {moment(at)}. That is not extended: ask again for what is needed longer"
    )
    return Happened(text, (EventType.OBJECT_ENDING,), key=format_time(at))


def tell_ended(gone: Sequence[RunResource], now: datetime, *, deleted: bool = False) -> list[Happened]:
    """Return what is told of objects that have ended."""
    if not gone:
        return []
    last = max((each.expires_at for each in gone if each.expires_at is not None), default=None)
    planned = f"The time was up at {moment(last)}" if last is not None else "The time was up"
    why = "The run was deleted" if deleted else planned
    text = f"{why}: {_names(gone)} {'is' if len(gone) == 1 else 'are'} gone"
    event = EventType.OBJECT_ENDED
    return [Happened(clean(text, _MAX_TEXT), (event,), event.value, format_time(now))]


def tell_problems(ends: Ends, now: datetime) -> list[Happened]:
    """Return what is told where something could not be ended: once of each object."""
    if not ends.news:
        return []
    text = clean("; ".join(ends.news), _MAX_TEXT)
    event = EventType.OBJECT_NOT_ENDED
    return [Happened(text, (event,), event.value, format_time(now))]


def tell_left(left: Sequence[RunResource], why: str) -> list[Happened]:
    """Return what is told where a run goes, though something that it made for a time is still there."""
    text = clean(f"{_names(left)} could not be ended, and the run does not wait any longer: {why}", _MAX_TEXT)
    return [Happened(text, (EventType.OBJECT_NOT_ENDED,), "ObjectsLeft", "left")]


def _is_unended(status: ActionRunStatus) -> bool:
    return any(each.type == ConditionType.ENDED and each.reason in _UNENDED for each in status.conditions)


def with_condition(status: ActionRunStatus, ends: Ends, generation: int, now: datetime) -> ActionRunStatus:
    """Return the status with the condition Ended, if anything was made for a time."""
    timed = [each for each in status.resources if each.expires_at is not None or each.id in ends.unknown]
    if not timed and not ends.problems:
        return status
    left = unended(status.resources)
    if ends.problems and not ends.proven:
        told = ConditionStatus.UNKNOWN, Reason.NOT_PROVEN, "; ".join(ends.problems)
    elif ends.problems:
        told = ConditionStatus.FALSE, Reason.NOT_ENDED, "; ".join(ends.problems)
    elif left and ends.retry and _is_unended(status):  # nothing was answered that is newer
        return status
    elif left:
        told = ConditionStatus.FALSE, Reason.TEMPORARY, "; ".join(_until(each) for each in reversed(left))
    elif any(each.ended_at is None for each in timed):  # it was left to others
        return status
    else:
        told = ConditionStatus.TRUE, Reason.ENDED, f"{_names(timed)} {'is' if len(timed) == 1 else 'are'} gone"
    holds, reason, text = told
    conditions = set_condition(
        list(status.conditions), ConditionType.ENDED, holds, reason, clean(text, _MAX_TEXT), now, generation
    )
    return amend(status, conditions=conditions)


def _until(resource: RunResource) -> str:
    when = f" ends at {moment(resource.expires_at)}" if resource.expires_at is not None else ""
    return name_of_resource(resource) + (f": {resource.message}" if resource.message else when)


def _names(resources: Iterable[RunResource]) -> str:
    return ", ".join(name_of_resource(each) for each in resources)
