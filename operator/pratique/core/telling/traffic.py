"""What has lately gone through a channel: for its status. Kept by the outbox of the process that leads; pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from pratique.core.kernel.effects import Delivery


@dataclass(frozen=True)
class Traffic:
    """`failing` is whether the channel is left alone for a while because too many tries in a row have failed."""

    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_failure: str = ""
    failing: bool = False

    def after(self, delivery: Delivery, failing: bool, now: datetime) -> "Traffic":
        """Return what is known after one more try."""
        if delivery.sent:
            return replace(self, last_success_at=now, failing=failing)
        return replace(self, last_failure_at=now, last_failure=delivery.error, failing=failing)
