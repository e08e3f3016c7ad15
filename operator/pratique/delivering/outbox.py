"""Delivers what the outboxes hold, beside the reconcilers: a dead or slow channel never delays a run.

Each channel is a lane of its own. What became of a try is kept until the mark is in the object's status; an entry is never
tried twice at once. A kill between delivery and mark sends again, with the same idempotency key.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiolimiter import AsyncLimiter

from pratique.api.v1alpha1.notifications import KUBERNETES_EVENTS, DeliveryState, Notification
from pratique.clock import Clock, SystemClock
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.messages import Message
from pratique.core.telling.traffic import Traffic
from pratique.delivering.lane import Deliver, Job, Key, Lane, Pause, Renew

CHANNELS = "notificationchannels"
REPORT_SECONDS = 30.0
_PATIENCE, _PAUSE_SECONDS = 200, 0.02
Rate = tuple[float, float]
"""Messages, and in how many seconds."""


@dataclass
class Outbox:
    """Lanes, what is under way, and what came of it."""

    deliver: Deliver
    wake: Callable[[Key], None]
    busy: Callable[[], bool] = lambda: False
    """Whether decisions wait for a worker: Kubernetes Events, which nobody is waiting for, then let them go first."""
    rate: Callable[[str], Rate | None] = lambda channel: None
    """How many messages a channel takes."""
    clock: Clock = field(default_factory=SystemClock)
    renew: Renew = lambda job: job.message
    """Composes anew what has waited; None for what need not be told any more."""
    pause: Pause = asyncio.sleep
    _lanes: dict[str, Lane] = field(default_factory=dict)
    _rates: dict[str, Rate | None] = field(default_factory=dict)
    _traffic: defaultdict[str, Traffic] = field(default_factory=lambda: defaultdict(Traffic))
    _pending: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _waiting: Counter[str] = field(default_factory=Counter)
    _reports: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    _under_way: set[tuple[str, str]] = field(default_factory=set)
    _events: Counter[str] = field(default_factory=Counter)
    """How many Kubernetes Events of an object are under way: one mark serves all that came of one look."""
    _results: defaultdict[str, dict[str, Delivery]] = field(default_factory=lambda: defaultdict(dict))

    def offer(self, key: Key, uid: str, due: Iterable[tuple[Notification, Message]]) -> None:
        """Take what is due; what is under way, or delivered and not yet marked, is not taken again."""
        for entry, message in due:
            if not self.wants(uid, entry):
                continue
            self._under_way.add((uid, entry.id))
            self._events[uid] += entry.channel == KUBERNETES_EVENTS
            self._lane(entry.channel).put(Job(key, uid, entry, message))

    def wants(self, uid: str, entry: Notification) -> bool:
        """Whether an entry that is due is neither under way nor delivered: only then its message need be composed."""
        return (uid, entry.id) not in self._under_way and entry.id not in self._results.get(uid, {})

    def count_waiting(self, uid: str, outbox: Iterable[Notification]) -> None:
        """Take in what waits in an object, to be counted by channel."""
        pending = [each.channel for each in outbox if each.state is DeliveryState.PENDING]
        now = tuple(channel for channel in pending if channel != KUBERNETES_EVENTS)
        before = self._pending.pop(uid, ())
        if now:
            self._pending[uid] = now
        if now != before:
            self._waiting.subtract(before)
            self._waiting.update(now)
            for channel in {*before, *now}:
                self._report(channel)

    def results(self, uid: str) -> dict[str, Delivery]:
        """Return what became of tries that are not marked yet."""
        return dict(self._results.get(uid, {}))

    def forget_marked(self, uid: str, ids: Iterable[str]) -> None:
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
        self.count_waiting(uid, ())

    def traffic(self, channel: str) -> tuple[Traffic, int]:
        """Return what has gone through a channel, and how many messages wait for it."""
        return self._traffic.get(channel, Traffic()), self._waiting[channel]

    def retry(self, channel: str) -> None:
        """Try a channel again at once: its settings are others now."""
        lane = self._lanes.get(channel)
        if lane is not None:
            lane.reset()

    @property
    def depth(self) -> int:
        """How many messages are under way."""
        return len(self._under_way)

    async def close(self) -> None:
        """Stop the workers and forget what was not delivered: it is in the objects' status, for whoever leads next."""
        for report in self._reports.values():
            report.cancel()
        self._reports.clear()
        lanes, self._lanes = list(self._lanes.values()), {}
        for lane in lanes:
            await lane.close()
        self._under_way.clear()
        self._events.clear()

    def _lane(self, channel: str) -> Lane:
        lane = self._lanes.get(channel)
        if lane is None:
            deliver = self._deliver_event if channel == KUBERNETES_EVENTS else self.deliver
            lane = Lane(channel, deliver, self._take_result, self.clock, self.pause)
            lane.renew, lane.dropped = self.renew, self._end
            self._lanes[channel] = lane
        rate = self.rate(channel)
        if rate != self._rates.get(channel) or (rate and lane.limiter is None):
            self._rates[channel] = rate
            lane.limiter = AsyncLimiter(*rate) if rate is not None else None
        return lane

    async def _deliver_event(self, entry: Notification, message: Message) -> Delivery:
        await self._until_quiet()
        return await self.deliver(entry, message)

    def _take_result(self, job: Job, delivery: Delivery, failing: bool) -> None:
        self._results[job.uid][job.entry.id] = delivery
        self._end(job)
        channel = job.entry.channel
        if channel != KUBERNETES_EVENTS:
            before = self._traffic[channel]
            self._traffic[channel] = before.after(delivery, failing, self.clock.now())
            self._report(channel, at_once=failing != before.failing)

    def _end(self, job: Job) -> None:
        """Have the object look, to mark what came of it; an Event waits for the others, which are a request away."""
        self._under_way.discard((job.uid, job.entry.id))
        is_event = job.entry.channel == KUBERNETES_EVENTS
        self._events[job.uid] -= is_event
        left = self._events[job.uid]
        if left <= 0:
            del self._events[job.uid]
        if job.uid in self._results and not (is_event and left > 0):
            self.wake(job.key)

    def _report(self, channel: str, *, at_once: bool = False) -> None:
        """Have the channel say in its status how it goes: at once if that changed, else now and then."""
        key = (CHANNELS, "", channel)
        if at_once:
            self.wake(key)
        elif channel not in self._reports:
            self._reports[channel] = asyncio.get_running_loop().call_later(REPORT_SECONDS, self._report_now, channel)

    def _report_now(self, channel: str) -> None:
        del self._reports[channel]
        self.wake((CHANNELS, "", channel))

    async def _until_quiet(self) -> None:
        """Wait while there is more urgent work, but not for ever: a few seconds for each message."""
        for _ in range(_PATIENCE):
            if not self.busy():
                return
            await asyncio.sleep(_PAUSE_SECONDS)
