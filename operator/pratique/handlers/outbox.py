"""Delivers what the outboxes hold, beside the reconcilers: a dead or slow channel never delays a run.

Each channel is a lane with its own few workers. What became of a try is kept until the mark is in the object's status; an
entry is never tried twice at once. A kill between delivery and mark sends again, with the same idempotency key.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from pratique.api.v1alpha1.common import KUBERNETES_EVENTS, Notification
from pratique.core.effects import Delivery
from pratique.core.messages import Message
from pratique.handlers.kinds import Key

Deliver = Callable[[Notification, Message], Awaitable[Delivery]]
_WORKERS = 4
_PATIENCE, _PAUSE_SECONDS = 200, 0.02


@dataclass(frozen=True)
class Job:
    """One message to deliver."""

    key: Key
    uid: str
    entry: Notification
    message: Message


@dataclass
class Outbox:
    """Lanes, what is under way, and what came of it."""

    deliver: Deliver
    wake: Callable[[Key], None]
    busy: Callable[[], bool] = lambda: False
    """Whether decisions wait for a worker: Kubernetes Events, which nobody is waiting for, then let them go first."""
    _lanes: dict[str, asyncio.Queue[Job]] = field(default_factory=dict)
    _workers: list[asyncio.Task[None]] = field(default_factory=list)
    _under_way: set[tuple[str, str]] = field(default_factory=set)
    _results: defaultdict[str, dict[str, Delivery]] = field(default_factory=lambda: defaultdict(dict))

    def offer(self, key: Key, uid: str, due: Iterable[tuple[Notification, Message]]) -> None:
        """Take what is due; what is under way, or delivered and not yet marked, is not taken again."""
        for entry, message in due:
            ident = (uid, entry.id)
            if ident in self._under_way or entry.id in self._results.get(uid, {}):
                continue
            self._under_way.add(ident)
            self._lane(entry.channel).put_nowait(Job(key, uid, entry, message))

    def results(self, uid: str) -> dict[str, Delivery]:
        """Return what became of tries that are not marked yet."""
        return dict(self._results.get(uid, {}))

    def marked(self, uid: str, ids: Iterable[str]) -> None:
        """Forget results that are in the object's status now."""
        results = self._results.get(uid)
        if results is None:
            return
        for ident in ids:
            results.pop(ident, None)
        if not results:
            del self._results[uid]

    def forget(self, uid: str) -> None:
        """Forget an object that is gone."""
        self._results.pop(uid, None)

    @property
    def depth(self) -> int:
        """How many messages are under way."""
        return len(self._under_way)

    async def close(self) -> None:
        """Stop the workers and forget what was not delivered: it is in the objects' status, for whoever leads next."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        self._lanes.clear()
        self._under_way.clear()

    def _lane(self, channel: str) -> "asyncio.Queue[Job]":
        if channel not in self._lanes:
            lane: asyncio.Queue[Job] = asyncio.Queue()
            self._lanes[channel] = lane
            self._workers += [
                asyncio.create_task(self._work(channel, lane), name=f"outbox {channel}") for _ in range(_WORKERS)
            ]
        return self._lanes[channel]

    async def _work(self, channel: str, lane: "asyncio.Queue[Job]") -> None:
        while True:
            job = await lane.get()
            if channel == KUBERNETES_EVENTS:
                await self._until_quiet()
            try:
                result = await self.deliver(job.entry, job.message)
            except Exception as error:
                result = Delivery(sent=False, error=f"{type(error).__name__} while delivering")
            self._results[job.uid][job.entry.id] = result
            self._under_way.discard((job.uid, job.entry.id))
            self.wake(job.key)

    async def _until_quiet(self) -> None:
        """Wait while there is more urgent work, but not for ever: a few seconds for each message."""
        for _ in range(_PATIENCE):
            if not self.busy():
                return
            await asyncio.sleep(_PAUSE_SECONDS)
