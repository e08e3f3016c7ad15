"""A clock that tests set."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until it is told otherwise."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC), steady: float = 1000.0) -> None:
        self._now, self._steady = now, steady

    def now(self) -> datetime:
        return self._now

    def steady(self) -> float:
        return self._steady

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._steady += seconds

    def set_wall(self, seconds: float) -> None:
        """Set the wall clock forward, or back; no time passes."""
        self._now += timedelta(seconds=seconds)
