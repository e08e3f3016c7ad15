"""Makes a GET again and again, while looks ask what it came to: of a run that has ended nobody asks, and nothing is called.

Nothing is on record of it: a new process asks at once.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from pratique.calling.kept import Kept
from pratique.calling.room import FullError, Room
from pratique.core.execution.pacing import is_miss, pause_after, says_no
from pratique.core.kernel.calling import Called, Outgoing, Poll, Polled

_KEPT = 256
"""Answers. Of one that was forgotten its run goes on saying what it said, until the next."""
_KNOWN = 16_384
"""How often each said no, and when it is due: a few hundred bytes each. What is forgotten altogether is asked at once."""
_SOON = timedelta(seconds=1)
_PLACES = 16
"""A room of its own: what waits takes no place from what is to be done."""


@dataclass(slots=True)
class _Watch:
    misses: int = 0
    noes: int = 0
    asked: bool = False
    due: float = 0
    task: asyncio.Task[None] | None = None


class Watches:
    """What this process waits for outside of the cluster."""

    def __init__(
        self, send: Callable[[Outgoing], Awaitable[Called]], wake: Callable[[tuple[str, str]], object]
    ) -> None:
        """Send with `send`; `wake` has the run looked at whose answer took longer than its look."""
        self._send, self._wake = send, wake
        self._watches: OrderedDict[tuple[str, str], _Watch] = OrderedDict()
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
        self._room = Room(_PLACES)

    @property
    def open(self) -> list[asyncio.Task[None]]:
        """The calls that are under way."""
        return [each.task for each in self._watches.values() if each.task is not None]

    async def poll(self, effect: Poll, patience: float) -> Polled:
        """Make the call if it is due, wait for it for so many seconds, and return what the last one came to."""
        watch = self._watches.setdefault(effect.watch, _Watch())
        self._watches.move_to_end(effect.watch)
        now = asyncio.get_running_loop().time
        if watch.task is None and now() >= watch.due:
            watch.task = asyncio.create_task(self._make(effect, watch))
        self._forget()
        if (task := watch.task) is not None:
            await asyncio.wait({task}, timeout=patience)
            if not task.done():
                task.add_done_callback(lambda _: self._wake(effect.run))
            elif not task.cancelled():
                task.result()  # a mistake of ours is the look's
        # the look began up to `patience` ago: no look comes before the next call is due
        again = _SOON if watch.task is not None else timedelta(seconds=max(watch.due - now(), 0) + patience)
        kept = self._kept.get(effect.watch)
        return Polled(None if kept is None else kept.seen(), watch.misses, again, watch.noes, watch.asked)

    async def _make(self, effect: Poll, watch: _Watch) -> None:
        """Make one call, and keep what it came to until the next."""
        pause = effect.every
        try:
            async with self._room.place(effect.action):
                watch.asked = True
                called = await self._send(effect.outgoing)
            watch.misses = watch.misses + 1 if is_miss(called, effect.request.expect) else 0
            watch.noes = watch.noes + 1 if says_no(called, effect.request) else 0
            pause = pause_after(called, effect.every, watch.misses)
            self._keep(effect.watch, Kept.of(called))
        except FullError:
            pass  # the last answer stays: nobody is told of our own limits each time
        finally:
            watch.due = asyncio.get_running_loop().time() + pause.total_seconds()
            watch.task = None

    def _keep(self, name: tuple[str, str], kept: Kept) -> None:
        """Keep an answer, and forget the oldest where there are too many."""
        self._kept[name] = kept
        self._kept.move_to_end(name)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _forget(self) -> None:
        """Forget the oldest that are not under way."""
        too_many = max(len(self._watches) - _KNOWN, 0)
        idle = (name for name, each in self._watches.items() if each.task is None)
        for name in list(islice(idle, too_many)):
            del self._watches[name]
            self._kept.pop(name, None)
