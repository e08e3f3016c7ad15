"""Makes a GET again and again, while looks ask what it came to: of a run that has ended nobody asks, and nothing is called.

Nothing is on record of it: a new process asks at once.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from pratique.calling.kept import Kept
from pratique.calling.room import FullError, Room
from pratique.core.execution.pacing import is_miss, pause_after
from pratique.core.kernel.calling import Called, Outgoing, Poll, Polled

_KEPT = 256
"""Of what was forgotten the next look asks at once."""
_SOON = timedelta(seconds=1)
_PLACES = 16
"""A room of its own: what waits takes no place from what is to be done."""


@dataclass
class _Watch:
    kept: Kept | None = None
    misses: int = 0
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
        self._room = Room(_PLACES)

    @property
    def open(self) -> list[asyncio.Task[None]]:
        """The calls that are under way."""
        return [each.task for each in self._watches.values() if each.task is not None]

    async def poll(self, effect: Poll, patience: float) -> Polled:
        """Make the call if it is due, wait for it for so many seconds, and return what the last one came to."""
        watch = self._watches.setdefault(effect.watch, _Watch())
        self._watches.move_to_end(effect.watch)
        self._forget()
        now = asyncio.get_running_loop().time
        if watch.task is None and now() >= watch.due:
            watch.task = asyncio.create_task(self._make(effect, watch))
        if (task := watch.task) is not None:
            await asyncio.wait({task}, timeout=patience)
            if not task.done():
                task.add_done_callback(lambda _: self._wake(effect.run))
            elif not task.cancelled():
                task.result()  # a mistake of ours is the look's
        # the look began up to `patience` ago: no look comes before the next call is due
        again = _SOON if watch.task is not None else timedelta(seconds=max(watch.due - now(), 0) + patience)
        return Polled(None if watch.kept is None else watch.kept.seen(), watch.misses, again)

    async def _make(self, effect: Poll, watch: _Watch) -> None:
        """Make one call, and keep what it came to until the next."""
        pause = effect.every
        try:
            async with self._room.place(effect.action):
                called = await self._send(effect.outgoing)
            watch.misses = watch.misses + 1 if is_miss(called, effect.expect) else 0
            watch.kept, pause = Kept.of(called), pause_after(called, effect.every, watch.misses)
        except FullError:
            pass  # the last answer stays: nobody is told of our own limits each time
        finally:
            watch.due = asyncio.get_running_loop().time() + pause.total_seconds()
            watch.task = None

    def _forget(self) -> None:
        """Forget the oldest that are not under way."""
        for name in [name for name, each in self._watches.items() if each.task is None][: len(self._watches) - _KEPT]:
            del self._watches[name]
