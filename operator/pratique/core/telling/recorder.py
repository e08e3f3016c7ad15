"""START HERE: the frame around every planner whose object tells: how it comes that people are told what happened. Pure.

    settle the outbox ─► decide ─► timeline and outbox from what happened, addressed to people ─► say what had no room
                                       └─► look again when the first is due; of an end: whether anything is left to do

Planners say in `Plan.happened` what happened; that people are told, and that a timeline has a line, is decided here for all
kinds alike, in the same write. What shall come of everything that happens is one more consumer in `record`.

    which events there are, for whom, how urgent     events         what is due, retried, given up       outbox
    whom an object concerns: its stakeholders        stakeholders   what an outbox has no room for       capacity
    who of them is told through a channel            recipients     until when a message is held         quiet
    how a channel reaches people, and at what pace   reach          what a message says                  messages, wording
    addresses of people and groups                   directory      to which address, after what         envelope
    one entry for each who is told, nothing moot     addressing     several messages as one              bundle
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Protocol, Self, TypeVar, cast, runtime_checkable

from pratique.api.v1alpha1.conditions import Condition
from pratique.api.v1alpha1.notifications import Notification
from pratique.api.v1alpha1.status import TimelineEntry
from pratique.core.kernel.effects import Deliveries, Plan
from pratique.core.kernel.happened import Happened
from pratique.core.kernel.limits import MAX_LINE_BYTES
from pratique.core.kernel.text import clean, fit
from pratique.core.telling import outbox
from pratique.core.telling.addressing import address
from pratique.core.telling.capacity import say_full
from pratique.core.telling.recipients import Routing, Stakeholders

MAX_TIMELINE = 32


class _Copied(Protocol):
    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self: ...


class Telling(_Copied, Protocol):
    """A status with an outbox, and with conditions."""

    @property
    def notifications(self) -> list[Notification]:
        """The outbox."""

    @property
    def conditions(self) -> list[Condition]:
        """The state for machines."""

    @property
    def observed_generation(self) -> int:
        """The generation last acted on."""


@runtime_checkable
class _Dated(Protocol):
    """A status with a timeline."""

    @property
    def timeline(self) -> list[TimelineEntry]:
        """What happened so far, oldest first."""


class _Ending(_Copied, Protocol):
    """A status that says of an end whether anything is left to do."""

    @property
    def settled(self) -> bool | None:
        """Whether nothing is, as far as it is on record."""

    @property
    def is_over(self) -> bool:
        """Whether it is one of an end."""


Status = TypeVar("Status", bound=Telling)
Status_co = TypeVar("Status_co", bound=Telling, covariant=True)


class Looked(_Copied, Protocol[Status_co]):
    """An object whose status has an outbox."""

    @property
    def status(self) -> Status_co:
        """What is on record."""


Object = TypeVar("Object", bound=Looked[Any])


def decide_and_record(
    before: Object,
    deliveries: Deliveries,
    decide: Callable[[Object], Plan[Status]],
    stakeholders: Callable[[Status], Stakeholders],
    routing: Routing,
    now: datetime,
) -> Plan[Status]:
    """Return what is decided for an object whose outbox is settled, with what happened on record.

    `stakeholders` says whom the object concerns once it has the status that is decided.
    """
    entries = outbox.settle(list(before.status.notifications), deliveries, now)
    settled = before.status.model_copy(update={"notifications": entries})
    plan = decide(before.model_copy(update={"status": settled}))
    return record(before.status, plan, stakeholders, routing, now)


def record(
    before: Telling, plan: Plan[Status], stakeholders: Callable[[Status], Stakeholders], routing: Routing, now: datetime
) -> Plan[Status]:
    """Return the plan with what happened in its status: in the timeline, and in the outbox for whom it concerns."""
    status = _add_lines(plan.status, plan.happened, now)
    if plan.happened or status.notifications != before.notifications:
        whom = stakeholders(status)
        entries = list(status.notifications)
        for each in plan.happened:
            entries = _enter(entries, each, whom, now)
        entries = address(list(before.notifications), entries, whom, routing, now)
        status = _say_full(status.model_copy(update={"notifications": entries}), entries, now)
    wakes = [when for when in (plan.wake_at, outbox.find_next_due(status.notifications, now)) if when]
    return _say_settled(replace(plan, status=status, wake_at=min(wakes, default=None)))


def _say_settled(plan: Plan[Status]) -> Plan[Status]:
    """Return the plan with what its status says of an end: settled once no look is asked for and nothing is to be told.

    The write that makes it so says it, and costs no other; an end that an earlier version wrote gets one for it. What is
    settled is neither listed nor kept in memory, so whatever still has to be done must keep it from being so.
    """
    if not _can_end(type(plan.status)):
        return plan
    status = cast(_Ending, plan.status)
    asks = bool(plan.effects or plan.after or plan.wake_at or plan.retry)
    settled = status.is_over and not asks and not outbox.has_pending(plan.status.notifications)
    if settled == bool(status.settled):
        return plan
    return replace(plan, status=plan.status.model_copy(update={"settled": settled or None}))


@cache
def _can_end(kind: type) -> bool:
    """Whether a kind of status is an `_Ending`: asked at each look, for which `isinstance` is too slow."""
    return hasattr(kind, "is_over")


def is_news(status: Telling, happened: Happened, stakeholders: Stakeholders, now: datetime) -> bool:
    """Whether somebody is to be told of it, and nothing of it is in the outbox yet.

    One channel that has an entry is enough: of what others had no room for, it would be news for ever.
    """
    entries = list(status.notifications)
    wanted = _enter([], happened, stakeholders, now)
    fresh = _enter(entries, happened, stakeholders, now)[len(entries) :]
    return 0 < len(wanted) == len(fresh)


def _enter(
    entries: list[Notification], happened: Happened, stakeholders: Stakeholders, now: datetime
) -> list[Notification]:
    """Return the outbox with an entry for each channel that tells of it; what is there already is left as it is."""
    rules = [] if happened.only_here else list(stakeholders.rules)
    for event in happened.events:
        entries = outbox.enter(entries, event, now, happened.sentence, rules, key=happened.key, stage=happened.stage)
    return entries


def _add_lines(status: Status, happened: Iterable[Happened], now: datetime) -> Status:
    """Return a status that keeps a timeline with a line for each that has a word in it."""
    lines = [TimelineEntry(at=now, event=each.word, message=_line(each.sentence)) for each in happened if each.word]
    if not lines or not isinstance(status, _Dated):
        return status
    return status.model_copy(update={"timeline": [*status.timeline, *lines][-MAX_TIMELINE:]})


def _say_full(status: Status, entries: list[Notification], now: datetime) -> Status:
    """Return the status with the condition that says that not everything has room in its outbox."""
    conditions = say_full(list(status.conditions), entries, now, status.observed_generation)
    return status if conditions == status.conditions else status.model_copy(update={"conditions": conditions})


def _line(sentence: str) -> str:
    return fit(clean(sentence, MAX_LINE_BYTES), MAX_LINE_BYTES)
