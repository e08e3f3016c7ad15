"""Drives the queue: a few tasks that take keys, look, and give them back; they sleep until there is something to do.

Called by the operator while it leads. Cancelled, it gives back what it was at, so that the next leadership begins there.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pratique.clock import Clock
from pratique.handlers.kinds import Key
from pratique.handlers.queue import KeyedQueue, Now

log = logging.getLogger(__name__)
LONGEST_SLEEP = 1.0
"""Seconds: a wall clock may be set, and nothing tells a process."""
SET_BACK = 1.0
"""Seconds between two rings of the alarm by which a clock is not slewed but set."""


class Verdict(Protocol):
    """What a look gives back."""

    @property
    def wake_at(self) -> datetime | None:
        """When to look again."""

    @property
    def failed(self) -> bool:
        """Whether to look again after a backoff."""


Observe = Callable[[str, str, float], None]
"""Told after each look: kind, result (ok, retry or error), and how many seconds it took."""


@dataclass
class Workers:
    """A number of tasks that work on one queue."""

    queue: KeyedQueue[Key]
    look: Callable[[Key], Awaitable[Verdict]]
    clock: Clock
    number: int = 16
    observe: Observe = lambda kind, result, seconds: None
    exists: Callable[[Key], bool] = lambda key: True
    """Whether there is such an object: a standby hears of all that another process works off, for weeks."""
    _sleepers: deque[asyncio.Future[None]] = field(default_factory=deque)
    _alarm: asyncio.TimerHandle | None = None
    _ahead: float | None = None
    """By how much the wall clock was ahead of the steady one when the alarm last rang, in seconds."""

    def __post_init__(self) -> None:
        self.queue.pause()

    def now(self) -> Now:
        """Return this moment."""
        return Now(self.clock.now().timestamp(), self.clock.steady())

    def add(self, key: Key, *, at_leisure: bool = False) -> None:
        """Ask for a look at this key as soon as possible; at leisure, in turns with what is new."""
        if self.queue.paused and not self.exists(key):
            self.queue.forget(key)
            return
        self.queue.add(key, self.now(), at_leisure=at_leisure)
        self._wake(1)

    def forget(self, key: Key) -> None:
        """Take in that an object is gone: who leads looks once more, a standby need not remember it.

        What was made again under its name may have been heard of before.
        """
        if self.queue.paused and not self.exists(key):
            self.queue.forget(key)

    @property
    def busy(self) -> bool:
        """Whether there is more to do than a few workers manage at once."""
        return self.queue.depth > 0 or self.queue.active > self.number // 4

    async def run(self) -> None:
        """Work until cancelled."""
        self.queue.resume(self.now())
        try:
            async with asyncio.TaskGroup() as tasks:
                for number in range(self.number):
                    tasks.create_task(self._one(), name=f"worker {number}")
                self._ring()
        finally:
            self.queue.pause()
            self._sleepers.clear()
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None

    async def _one(self) -> None:
        while True:
            key = self.queue.take(self.now())
            if key is None:
                await self._sleep()
                continue
            started = self.clock.steady()
            try:
                verdict = await self.look(key)
            except Exception:
                log.exception("A look at %s failed", "/".join(key))
                self._give_back(key, None, failed=True)
                self.observe(key[0], "error", self.clock.steady() - started)
                continue
            except BaseException:
                self.queue.abandon(key, self.now())
                raise
            wake_at = verdict.wake_at.timestamp() if verdict.wake_at is not None else None
            self._give_back(key, wake_at, failed=verdict.failed)
            self.observe(key[0], "retry" if verdict.failed else "ok", self.clock.steady() - started)

    def _give_back(self, key: Key, wake_at: float | None, *, failed: bool) -> None:
        self.queue.done(key, self.now(), wake_at=wake_at, failed=failed)
        if wake_at is not None or failed:
            self._set_alarm()

    async def _sleep(self) -> None:
        """Wait for `add` or for the alarm; one alarm serves all, and what is added wakes one worker, not all of them."""
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append(sleeper)
        await sleeper

    def _wake(self, number: int) -> None:
        while number and self._sleepers:
            sleeper = self._sleepers.popleft()
            if not sleeper.done():
                sleeper.set_result(None)
                number -= 1

    def _ring(self) -> None:
        """Wake workers for what has become due, and set the alarm for what is due next."""
        now = self.now()
        ahead, before = now.wall - now.steady, self._ahead
        self._ahead = ahead
        if before is not None and ahead < before - SET_BACK:
            log.warning(
                "The clock was set back by %.0f s: everything that waits for a time is looked at", before - ahead
            )
            self.queue.set_back(now)
        self._wake(self.queue.promote(now))
        self._alarm = None
        self._set_alarm()

    def _set_alarm(self) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time() + self.queue.next_due_in(self.now(), LONGEST_SLEEP)
        if self._alarm is not None:
            if self._alarm.when() <= at + 0.001:
                return
            self._alarm.cancel()
        self._alarm = loop.call_at(at, self._ring)
