"""Decides when a channel that fails is left alone, and how it is tried again: a circuit breaker. Pure.

Closed, everything is tried. After a few failures in a row it opens: nothing is tried for a while, then one message alone;
if that fails too, the while is longer. So a receiver that is down costs one try now and then, however many messages wait,
and none of them uses up its tries. Called by the lanes of the outbox, with a clock that never goes back (seconds).
"""

from dataclasses import dataclass, replace

from pratique.core.kernel.effects import Delivery

FAILURES = 5
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
MAX_RETRY_AFTER = 3600.0


@dataclass(frozen=True)
class Breaker:
    """The state of one channel. `until` is when it may be tried again; None if it is closed."""

    failures: int = 0
    pause: float = 0.0
    until: float | None = None
    probing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether messages wait for the channel to work again."""
        return self.until is not None

    def wait(self, now: float) -> float | None:
        """Return how many seconds to wait before a try; None if another try is under way that decides."""
        if self.until is None:
            return 0.0
        if self.probing:
            return None
        return max(self.until - now, 0.0)

    def begun(self) -> "Breaker":
        """Return the state once a try has begun: of an open one, no second may begin."""
        return replace(self, probing=self.is_open)

    def after(self, delivery: Delivery, now: float) -> "Breaker":
        """Return the state after a try. What a receiver refuses for the message's own sake says that it works."""
        if delivery.sent or delivery.message_fault or (delivery.permanent and not delivery.channel_fault):
            return Breaker()
        failures = self.failures + 1
        asked = min(delivery.retry_after or 0.0, MAX_RETRY_AFTER)
        if not self.is_open and failures < FAILURES and not asked and not delivery.channel_fault:
            return replace(self, failures=failures)
        if self.is_open and not self.probing:
            return replace(self, failures=failures)  # it had begun before the others failed: nothing new
        pause = max(min(max(self.pause * 2, FIRST_PAUSE), LONGEST_PAUSE), asked)
        return Breaker(failures, min(pause, LONGEST_PAUSE), now + pause)
