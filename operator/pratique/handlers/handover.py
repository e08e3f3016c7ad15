"""Hands calls from another thread over to an event loop: in order, many at a time, and never too many at once."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable

from pratique.core.kernel.frames import frames_of

log = logging.getLogger(__name__)
_AT_ONCE = 100
"""How many calls are made before others in the loop have their turn."""
_FULL = 5000


class Handover:
    """Made in the loop that is to make the calls."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._calls: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._due = False

    @property
    def full(self) -> bool:
        """Whether whoever hands over should wait."""
        return len(self._calls) >= _FULL

    def give(self, call: Callable[[], None]) -> None:
        """Have this called in the loop, after all that was given before; from any thread, returns at once."""
        with self._lock:
            self._calls.append(call)
            if self._due:
                return
            self._due = True
        try:
            self._loop.call_soon_threadsafe(self._take)
        except RuntimeError:  # the loop is closed: the process is ending
            self._calls.clear()

    def _take(self) -> None:
        for _ in range(_AT_ONCE):
            with self._lock:
                if not self._calls:
                    self._due = False
                    return
                call = self._calls.popleft()
            try:
                call()
            except Exception as error:  # one that cannot be taken in must not hold up the others
                log.error("A bug while taking in what a watch told: %s", frames_of(error))
        self._loop.call_soon(self._take)
