"""The keyed work queue: each key once, one worker per key at a time, backoff on failure, one heap for everything due.

`KeyedQueue` is a state machine without clock or tasks: every call says what time it is (seconds, monotonic). `run_workers`
drives it. A key that is added while it is worked on is worked on again afterwards; nothing added is ever lost.
"""

import heapq
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

FIRST_BACKOFF = 0.1
LAST_BACKOFF = 60.0


@dataclass
class KeyedQueue(Generic[Key]):
    """What is ready, what is being worked on, and what is due when."""

    _ready: deque[Key] = field(default_factory=deque)
    _queued: set[Key] = field(default_factory=set)
    _active: set[Key] = field(default_factory=set)
    _dirty: set[Key] = field(default_factory=set)
    _due: dict[Key, float] = field(default_factory=dict)
    _heap: list[tuple[float, int, Key]] = field(default_factory=list)
    _failures: dict[Key, int] = field(default_factory=dict)
    _sequence: int = 0

    def add(self, key: Key) -> None:
        """Ask for a look at this key as soon as possible."""
        if key in self._active:
            self._dirty.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.append(key)

    def add_at(self, key: Key, when: float) -> None:
        """Ask for a look at this time; of several times the earliest counts."""
        if when >= self._due.get(key, float("inf")):
            return
        self._due[key] = when
        self._sequence += 1
        heapq.heappush(self._heap, (when, self._sequence, key))

    def take(self, now: float) -> Key | None:
        """Return the next key to work on, or None; it is this caller's until `done`."""
        self._promote(now)
        if not self._ready:
            return None
        key = self._ready.popleft()
        self._queued.discard(key)
        self._active.add(key)
        self._due.pop(key, None)
        return key

    def done(self, key: Key, *, failed: bool, now: float) -> None:
        """Give a key back. A failed one comes again after a backoff that doubles up to `LAST_BACKOFF` seconds."""
        self._active.discard(key)
        if failed:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            self.add_at(key, now + min(FIRST_BACKOFF * 2 ** min(failures - 1, 16), LAST_BACKOFF))
        else:
            self._failures.pop(key, None)
        if key in self._dirty:
            self._dirty.discard(key)
            self.add(key)

    def next_due(self) -> float | None:
        """Return when something is due next, if nothing is ready before."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    @property
    def depth(self) -> int:
        """How many keys are ready."""
        return len(self._ready)

    @property
    def active(self) -> int:
        """How many keys are being worked on."""
        return len(self._active)

    def _promote(self, now: float) -> None:
        while (when := self.next_due()) is not None and when <= now:
            _, _, key = heapq.heappop(self._heap)
            del self._due[key]
            self.add(key)
