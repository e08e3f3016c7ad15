"""Whose turn it is when questions wait for a worker: those who lately used least go first, those who were cut off last.

A question has owners: the Action that asks it, the person who set it off. Whoever is at work leaves the last idle worker to
others, so that an innocent question waits for innocent ones only. Owners of a question that was cut off are suspects for a
while, together; one of them alone is, once that happened with two different others: so neither a hostile Action nor a
hostile person makes suspects of the others. Of those who are held up by their own, few may wait; the others come again, so
that the operator's own workers are free for others.

It decides who goes next, who has to come again, and what is not tried again for a while; it never answers a question.
Called by `pool` only, within one event loop.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from pratique.core.kernel.errors import SandboxError

Member = TypeVar("Member")
Owners = tuple[str, ...]

HALF_LIFE = 60.0
"""Seconds after which what somebody used counts half."""
SUSPECT_SECONDS = 300.0
"""For how long suspects may use one worker at a time only, after everybody else."""
STALLED_SECONDS = 0.5
"""An evaluation that takes longer holds up its owners; others take milliseconds."""
HELD_UP_WAITING = 2
FIRST_PAUSE, LAST_PAUSE = 30.0, 300.0
"""Seconds for which a question that was cut off is not tried again; they double from time to time."""
_MOST_KNOWN = 4096


class BusyError(SandboxError):
    """Too many wait already who are held up by their own: ask again later."""


class CutOff(NamedTuple):
    """What is remembered of a question that was cut off."""

    times: int
    until: float
    why: str


@dataclass(eq=False)
class Use(Generic[Member]):
    """A worker in somebody's hands."""

    member: Member
    owners: Owners
    since: float
    suspect: bool


@dataclass(eq=False)
class _Waiting(Generic[Member]):
    owners: Owners
    turn: "asyncio.Future[Use[Member]]"


class Line(Generic[Member]):
    """Some workers, and those who wait for one."""

    def __init__(self, members: Iterable[Member], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._idle = deque(members)
        self._waiting: list[_Waiting[Member]] = []
        self._at_work: list[Use[Member]] = []
        self._used: dict[str, tuple[float, float]] = {}
        self._suspect_until: dict[Owners, float] = {}
        self._cut_off: dict[str, CutOff] = {}

    async def take(self, owners: Owners) -> Use[Member]:
        """Wait for a worker; raises BusyError. It is to be given back."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting[Member](owners, loop.create_future())
        self._waiting.append(waiting)
        self.serve()
        if not waiting.turn.done():
            loop.call_later(STALLED_SECONDS, self.serve)
        try:
            return await waiting.turn
        except asyncio.CancelledError:
            if not waiting.turn.cancelled() and waiting.turn.exception() is None:
                self.give_back(waiting.turn.result())
            raise

    def give_back(self, use: Use[Member], *, cut_off: bool = False) -> None:
        """Let a worker be used by the next."""
        now = self._clock()
        for owner in use.owners:
            self._used[owner] = (self._lately(owner, now) + now - use.since, now)
        if cut_off and use.owners:
            self._suspect_until[use.owners] = now + SUSPECT_SECONDS
        self._at_work.remove(use)
        self._idle.append(use.member)
        self._forget(now)
        self.serve()

    @property
    def has_cut_off(self) -> bool:
        """Whether any question is remembered, so that it is worth to look for one."""
        return bool(self._cut_off)

    def refusal(self, question: str) -> str | None:
        """Return why a question is not tried again yet."""
        known = self._cut_off.get(question)
        return known.why if known is not None and self._clock() < known.until else None

    def was_cut_off(self, question: str, why: str) -> None:
        """Remember that a question was cut off."""
        times = self._cut_off[question].times + 1 if question in self._cut_off else 1
        pause = min(FIRST_PAUSE * 2 ** min(times - 1, 8), LAST_PAUSE)
        self._cut_off[question] = CutOff(times, self._clock() + pause, why)

    def serve(self) -> None:
        """Hand out what is idle, and send away those who need not wait here."""
        now = self._clock()
        self._waiting = [each for each in self._waiting if not each.turn.done()]  # who was cancelled does not wait
        while self._idle and (chosen := self._next(now)) is not None:
            use = Use(self._idle.popleft(), chosen.owners, now, self._is_suspect(chosen.owners, now))
            self._at_work.append(use)
            self._waiting.remove(chosen)
            chosen.turn.set_result(use)
        for waiting in self._held_up(now)[HELD_UP_WAITING:]:
            self._waiting.remove(waiting)
            waiting.turn.set_exception(BusyError("evaluations of this Action or requester take long, and others wait"))

    def _next(self, now: float) -> _Waiting[Member] | None:
        ready = [each for each in self._waiting if self._may_go(each.owners, now)]
        return min(
            ready, key=lambda each: self._rank(each.owners, now), default=None
        )  # of equals the one who came first

    def _may_go(self, owners: Owners, now: float) -> bool:
        if len(self._idle) == 1 and any(_related(owners, use.owners) for use in self._at_work):
            return False
        return not (self._is_suspect(owners, now) and any(use.suspect for use in self._at_work))

    def _held_up(self, now: float) -> list[_Waiting[Member]]:
        """Return those who wait and are held up by their own: none, as long as nobody is slow or suspect."""
        slow = [use.owners for use in self._at_work if now - use.since >= STALLED_SECONDS]
        if not slow and not self._suspect_until:
            return []
        return [
            each
            for each in self._waiting
            if self._is_suspect(each.owners, now) or any(_related(each.owners, other) for other in slow)
        ]

    def _rank(self, owners: Owners, now: float) -> tuple[bool, float]:
        return self._is_suspect(owners, now), sum(self._lately(owner, now) for owner in owners)

    def _is_suspect(self, owners: Owners, now: float) -> bool:
        if not self._suspect_until:
            return False
        known = [each for each, until in self._suspect_until.items() if until > now]
        return owners in known or any(sum(owner in each for each in known) > 1 for owner in owners)

    def _lately(self, owner: str, now: float) -> float:
        seconds, at = self._used.get(owner, (0.0, now))
        return float(seconds * 0.5 ** ((now - at) / HALF_LIFE))

    def _forget(self, now: float) -> None:
        """Keep what is remembered bounded: names are people's, and there may be any number of them."""
        if len(self._used) > _MOST_KNOWN:
            self._used = {owner: used for owner, used in self._used.items() if self._lately(owner, now) > 0.01}
        self._suspect_until = {owners: until for owners, until in self._suspect_until.items() if until > now}
        if len(self._cut_off) > _MOST_KNOWN:
            self._cut_off = {question: known for question, known in self._cut_off.items() if known.until > now}


def _related(one: Owners, other: Owners) -> bool:
    return not set(one).isdisjoint(other)


__all__ = ["BusyError", "Line", "Owners"]
