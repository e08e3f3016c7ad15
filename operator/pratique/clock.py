"""The two clocks of the operator: the wall clock that deadlines are written in, and a steady one that only goes forward.

A wall clock may be set, forward or back; what is promised to people (a deadline, a TTL) follows it all the same. What is
between us and a machine (a backoff, a lease, the age of something in a queue) is measured by the steady clock.
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Return the wall clock's time, in UTC."""

    def steady(self) -> float:
        """Return seconds that only go forward, also while the machine or the process is suspended."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the wall clock's time, in UTC."""
        return datetime.now(UTC)

    def steady(self) -> float:
        """Return seconds since boot, suspension included where the machine counts it."""
        return time.clock_gettime(_STEADY)


_STEADY: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
