"""The keyed work queue: each key once, one worker per key at a time, backoff on failure, heaps for everything due later.

`KeyedQueue` is a state machine without clock or tasks: every call is told what time it is; `workers` drives it. A key that
is added while it is worked on is worked on again afterwards; nothing added is ever lost. Deadlines are instants of the
wall clock, which may be set; backoffs are of the steady clock. What became due and what is new are taken in turns, so ten
thousand deadlines at one instant do not hold up a new request. While nobody works it is paused: what another process
works off meanwhile is told here all the same, and what was told last is what that one may not have come to.
"""

import heapq
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)

FIRST_BACKOFF = 0.1
LAST_BACKOFF = 60.0
"""Seconds; a backoff doubles from the first to the last, less up to a quarter that is left to chance."""


class Now(NamedTuple):
    """One moment on both clocks, in seconds."""

    wall: float
    steady: float


class DueHeap(Generic[Key]):
    """Keys by the time they are due; each has one time, the last that was set."""

    def __init__(self) -> None:
        self._times: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._times)

    def set(self, key: Key, when: float) -> None:
        """Let a key be due at this time, and at no other."""
        if self._times.get(key) == when:
            return
        self._times[key] = when
        self._sequence += 1
        heapq.heappush(self._heap, (when, self._sequence, key))
        if len(self._heap) > 2 * len(self._times) + 64:  # mostly times that were replaced
            self._heap = [entry for entry in self._heap if self._times.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)

    def discard(self, key: Key) -> None:
        """Let a key be due at no time."""
        self._times.pop(key, None)

    def next(self) -> float | None:
        """Return the earliest time, or None."""
        while self._heap and self._times.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> tuple[Key, float] | None:
        """Return a key that is due and since when, or None; it is not due any more."""
        when = self.next()
        if when is None or when > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._times[key]
        return key, when

    def drain(self) -> list[Key]:
        """Return all keys that have a time, the earliest first; none has one any more."""
        keys = sorted(self._times, key=self._times.__getitem__)
        self._times.clear()
        self._heap.clear()
        return keys


@dataclass
class KeyedQueue(Generic[Key]):
    """What is ready, what is being worked on, and what is due when."""

    jitter: Callable[[], float] = lambda: 0.0
    """From 0 to 1, for the length of a backoff."""
    late: Callable[[float], None] = lambda seconds: None
    """Told how many seconds after its time a deadline was seen to be due."""
    paused: bool = False
    """Whether nobody takes anything now."""
    _fresh: OrderedDict[Key, None] = field(default_factory=OrderedDict)
    _overdue: OrderedDict[Key, None] = field(default_factory=OrderedDict)
    _ready_since: dict[Key, float] = field(default_factory=dict)
    _active_since: dict[Key, float] = field(default_factory=dict)
    _dirty: set[Key] = field(default_factory=set)
    _broken_off: list[Key] = field(default_factory=list)
    _deadlines: DueHeap[Key] = field(default_factory=DueHeap)
    _backoffs: DueHeap[Key] = field(default_factory=DueHeap)
    _failures: dict[Key, int] = field(default_factory=dict)
    _overdue_first: bool = False

    def add(self, key: Key, now: Now, *, at_leisure: bool = False) -> None:
        """Ask for a look at this key as soon as possible; at leisure, it goes with what became due."""
        if self.paused and not at_leisure and key in self._ready_since:
            self._overdue.pop(key, None)
            self._fresh[key] = None
            self._fresh.move_to_end(key)
        self._make_ready(key, self._overdue if at_leisure else self._fresh, now)

    def pause(self) -> None:
        """Take in that nobody takes anything from now on, or that another process works."""
        self.paused = True

    def resume(self, now: Now) -> None:
        """Let all that is ready be taken again, in turns with what is new from now on.

        First what was broken off, then what was told last: only that may be what the process that worked did not come to.
        """
        self.paused = False
        first = [key for key in self._broken_off if key in self._ready_since]
        self._overdue = OrderedDict.fromkeys([*first, *reversed(self._fresh), *self._overdue])
        self._broken_off.clear()
        self._fresh = OrderedDict()
        self._ready_since = dict.fromkeys(self._overdue, now.steady)

    def forget(self, key: Key) -> None:
        """Look no more at what is gone; unless it is being looked at, which ends by itself."""
        if key in self._active_since:
            return
        self._fresh.pop(key, None)
        self._overdue.pop(key, None)
        self._ready_since.pop(key, None)
        self._failures.pop(key, None)
        self._deadlines.discard(key)
        self._backoffs.discard(key)

    def take(self, now: Now) -> Key | None:
        """Return the next key to work on, or None; it is this caller's until `done`. What it was due for is seen now."""
        self.promote(now)
        self._overdue_first = not self._overdue_first
        first, second = (self._overdue, self._fresh) if self._overdue_first else (self._fresh, self._overdue)
        lane = first or second
        if not lane:
            return None
        key, _ = lane.popitem(last=False)
        del self._ready_since[key]
        self._active_since[key] = now.steady
        self._deadlines.discard(key)
        self._backoffs.discard(key)
        return key

    def done(self, key: Key, now: Now, *, wake_at: float | None = None, failed: bool = False) -> None:
        """Give a key back: the next look is at `wake_at` (wall clock), sooner after a failure, at once if it was added."""
        del self._active_since[key]
        if wake_at is not None:
            self._deadlines.set(key, wake_at)
        if failed:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            pause = min(FIRST_BACKOFF * 2 ** min(failures - 1, 16), LAST_BACKOFF)
            self._backoffs.set(key, now.steady + pause * (1 - self.jitter() / 4))
        else:
            self._failures.pop(key, None)
        if key in self._dirty:
            self._dirty.discard(key)
            self.add(key, now)

    def abandon(self, key: Key, now: Now) -> None:
        """Give a key back whose look was broken off: it is looked at again."""
        self._broken_off.append(key)
        self._dirty.add(key)
        self.done(key, now)

    def set_back(self, now: Now) -> None:
        """Let everything that waits for the wall clock be ready: it was set back, and the times were of the old one."""
        for key in self._deadlines.drain():
            self._make_ready(key, self._overdue, now)

    def next_due_in(self, now: Now, longest: float) -> float:
        """Return in how many seconds the next time that is set comes; `longest` at most."""
        deadline, backoff = self._deadlines.next(), self._backoffs.next()
        to_deadline = longest if deadline is None else deadline - now.wall
        to_backoff = longest if backoff is None else backoff - now.steady
        return max(min(longest, to_deadline, to_backoff), 0.0)

    @property
    def depth(self) -> int:
        """How many keys are ready."""
        return len(self._ready_since)

    @property
    def active(self) -> int:
        """How many keys are being worked on."""
        return len(self._active_since)

    @property
    def waiting(self) -> int:
        """How many times are set, deadlines and backoffs."""
        return len(self._deadlines) + len(self._backoffs)

    def oldest(self, now: Now) -> float:
        """Return for how many seconds the key that is next in its lane has been ready; 0 if none is, or nobody works."""
        if self.paused:
            return 0.0
        heads = [self._ready_since[next(iter(lane))] for lane in (self._fresh, self._overdue) if lane]
        return now.steady - min(heads, default=now.steady)

    def longest_active(self, now: Now) -> tuple[Key, float] | None:
        """Return the key that has been worked on for longest and for how many seconds, or None."""
        if not self._active_since:
            return None
        key = min(self._active_since, key=self._active_since.__getitem__)
        return key, now.steady - self._active_since[key]

    def _make_ready(self, key: Key, lane: OrderedDict[Key, None], now: Now) -> None:
        if key in self._active_since:
            self._dirty.add(key)
        elif key not in self._ready_since:
            self._ready_since[key] = now.steady
            lane[key] = None

    def promote(self, now: Now) -> int:
        """Let what has become due be ready; return how many keys are ready."""
        while (due := self._deadlines.pop(now.wall)) is not None:
            self.late(now.wall - due[1])
            self._make_ready(due[0], self._overdue, now)
        while (due := self._backoffs.pop(now.steady)) is not None:
            self._make_ready(due[0], self._overdue, now)
        return len(self._ready_since)
