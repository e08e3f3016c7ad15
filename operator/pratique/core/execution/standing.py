"""Where an execution stands: all that a run asks of it. How a run's phase, timeline and messages follow, `runs` decides."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pratique.api.v1alpha1.action_run import ActionRunStatus
from pratique.core.kernel.effects import AnyEffect


class End(Enum):
    """How an execution ends."""

    MADE = "all of it was made, and is ready"
    FAILED = "it cannot go on"


@dataclass(frozen=True)
class Standing:
    """Where an execution stands: effects that must come first, or its end, or what it waits for.

    `status` differs from the one given in what an execution keeps there: `resources`, `heldUp` and `outputs`. `message` is
    for people; `wake_at` is when to look again, `retry` asks for a backed-off look after a failure that may pass.
    """

    status: ActionRunStatus
    effects: tuple[AnyEffect, ...] = ()
    end: End | None = None
    message: str = ""
    wake_at: datetime | None = None
    retry: bool = False
