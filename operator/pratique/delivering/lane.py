"""The lane of one channel: a few workers that deliver what waits, at the pace that the channel takes.

A channel that fails is left alone for a while (`core.telling.breaker`); what waits meanwhile uses up none of its tries,
until it has waited so long that its object should say so. What was held for the same receiver goes as one digest. Must not
know objects: results go to the outbox, which wakes them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from aiolimiter import AsyncLimiter

from pratique.api.v1alpha1.notifications import KUBERNETES_EVENTS, Notification, Recipient
from pratique.clock import Clock
from pratique.core.kernel.effects import Delivery
from pratique.core.kernel.frames import frames_of
from pratique.core.telling.breaker import Breaker
from pratique.core.telling.bundle import MAX_MESSAGES, bundle
from pratique.core.telling.messages import Message
from pratique.logs import looking_at

log = logging.getLogger(__name__)
Key = tuple[str, str, str]
Deliver = Callable[[Notification, Message], Awaitable[Delivery]]
Pause = Callable[[float], Awaitable[None]]
WORKERS = 4
GATHER_SECONDS = 2.0
RENEW_SECONDS = 1.0
"""A message that has waited for so long, for its turn or for its channel, is composed anew before it is sent."""
PATIENCE_SECONDS = 3600.0
"""How long a message waits for a channel that fails, before that counts as a try of its own."""


@dataclass(frozen=True)
class Job:
    """One message to deliver."""

    key: Key
    uid: str
    entry: Notification
    message: Message


Renew = Callable[[Job], Message | None]


@dataclass
class Lane:
    """What waits for one channel. `settled` is told what became of a job, and whether the channel is failing."""

    name: str
    deliver: Deliver
    settled: Callable[[Job, Delivery, bool], None]
    clock: Clock
    pause: Pause = asyncio.sleep
    limiter: AsyncLimiter | None = None
    breaker: Breaker = field(default_factory=Breaker)
    renew: Renew = lambda job: job.message
    """Asked again for the message of a job that has waited: None if it need not be told any more."""
    dropped: Callable[[Job], None] = lambda job: None
    """Told of each job that is not delivered for that."""
    _waiting: deque[tuple[float, list[Job]]] = field(default_factory=deque)
    _held: dict[Recipient | None, list[Job]] = field(default_factory=dict)
    _arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    _tried: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _last: str = ""

    def put(self, job: Job) -> None:
        """Take a job; the first one starts the workers. One that was held waits a moment for its like."""
        if not self._tasks:
            for _ in range(WORKERS):
                self._start(self._work())
        if job.entry.not_before is None:
            self._queue([job])
        elif (group := self._held.get(job.entry.recipient)) is not None:
            group.append(job)
        else:
            self._held[job.entry.recipient] = [job]
            self._start(self._gather(job.entry.recipient))

    def reset(self) -> None:
        """Forget that the channel failed: somebody has changed it."""
        self.breaker = Breaker()
        self._tried.set()

    async def close(self) -> None:
        """Stop the workers; what waits is in the objects' status."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._waiting.clear()
        self._held.clear()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name=f"outbox {self.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _queue(self, jobs: list[Job]) -> None:
        self._waiting.append((self.clock.steady(), jobs))
        self._arrived.release()

    async def _gather(self, recipient: Recipient | None) -> None:
        """Make digests of what becomes due for one receiver at about the same moment."""
        await self.pause(GATHER_SECONDS)
        jobs = self._held.pop(recipient)
        for start in range(0, len(jobs), MAX_MESSAGES):
            self._queue(jobs[start : start + MAX_MESSAGES])

    async def _work(self) -> None:
        while True:
            await self._arrived.acquire()
            await self._until_open()
            if not self._waiting:
                self._let_another_probe()
                continue
            since, jobs = self._waiting.popleft()
            if self.limiter is not None:
                await self.limiter.acquire()
            if self.clock.steady() - since >= RENEW_SECONDS:
                jobs = self._renew_all(jobs)
            if jobs:
                self._tell(jobs, await self._try(jobs))
            else:
                self._let_another_probe()

    def _renew_all(self, jobs: list[Job]) -> list[Job]:
        """Return the jobs with what is true now; what was decided while they waited is not offered any more."""
        fresh = []
        for job in jobs:
            message = self.renew(job)
            if message is None:
                self.dropped(job)
            else:
                fresh.append(replace(job, message=message))
        return fresh

    async def _until_open(self) -> None:
        """Wait while the channel is left alone; only one try at a time may end that."""
        if self.name == KUBERNETES_EVENTS:
            return
        while (seconds := self.breaker.wait(self.clock.steady())) != 0:
            self._tried.clear()
            tried = asyncio.ensure_future(self._tried.wait())
            later = [] if seconds is None else [asyncio.ensure_future(self.pause(seconds))]
            try:
                await asyncio.wait({tried, *later}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for waiting in (tried, *later):
                    waiting.cancel()
        self.breaker = self.breaker.begun()

    def _let_another_probe(self) -> None:
        """Let another one probe: what this worker was to try is gone, for its age."""
        if self.breaker.probing:
            self.breaker = Breaker(self.breaker.failures, self.breaker.pause, self.breaker.until)
            self._tried.set()

    async def _try(self, jobs: Sequence[Job]) -> Delivery:
        message = bundle([job.message for job in jobs], self._now()) if len(jobs) > 1 else jobs[0].message
        job = jobs[0]
        with looking_at(*job.key, job.uid):  # whatever is logged meanwhile is about this object
            try:
                return await self.deliver(job.entry, message)
            except Exception as error:
                log.error("A bug while delivering %s through %s: %s", job.entry.event, self.name, frames_of(error))
                told = f"{type(error).__name__} while delivering: the operator's log has more"
                return Delivery(sent=False, error=told)

    def _tell(self, jobs: Sequence[Job], delivery: Delivery) -> None:
        self._last = delivery.error
        if self.name != KUBERNETES_EVENTS:
            self.breaker = self.breaker.after(delivery, self.clock.steady())
        self._tried.set()
        for job in jobs:
            self.settled(job, delivery, self.breaker.is_open)
        if self.breaker.is_open:
            self._give_back()

    def _give_back(self) -> None:
        """Say of what has waited too long that it was not tried, and why: it comes again when it is due."""
        limit = self.clock.steady() - PATIENCE_SECONDS
        while self._waiting and self._waiting[0][0] < limit:
            _, jobs = self._waiting.popleft()
            error = f"not tried: the channel has been failing: {self._last}"
            for job in jobs:
                self.settled(job, Delivery(sent=False, error=error), True)

    def _now(self) -> datetime:
        return self.clock.now()
