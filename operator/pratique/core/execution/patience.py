"""Decides how long something is waited for that may pass or arrive by itself, and remembers since when. Pure.

A right that was just given takes a moment until every API server knows it. So a lack is no verdict at once: it is one when
it has lasted. What passes for certain (no answer, a busy quota) is tried for as long as the run may take. Called by
`lifecycle` and `execution`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRunStatus, HeldUp
from pratique.core.execution.prerequisites import LACKS_RIGHTS
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import Failure

FREE = timedelta(seconds=5)
"""For a request that nobody decided on: rights and kinds that were applied together with it."""
APPROVED = timedelta(seconds=15)
"""For one that people approved: it costs more to ask them again than to wait."""
GIVEN = timedelta(seconds=60)
"""For what an object of the same plan gives that is there already."""
POLL = timedelta(seconds=1)


def allowed(failures: Sequence[Failure], *, approved: bool, given: bool = False) -> timedelta | None:
    """Return how long these failures are worth waiting for, or None if one of them is a verdict at once."""
    if given:
        return GIVEN
    if not all(_may_be_on_its_way(each) for each in failures):
        return None
    return APPROVED if approved else FREE


def mark(status: ActionRunStatus, what: str, limit: timedelta | None, now: datetime) -> HeldUp | None:
    """Return since when `what` is waited for, or None once that was long enough."""
    if limit is None:
        return None
    before = status.held_up
    since = before.since if before is not None and before.id == what else now
    return HeldUp(id=what, since=since) if now < since + limit else None


def _may_be_on_its_way(failure: Failure) -> bool:
    """Whether somebody may have made just now what is lacking: rights, kinds, accounts; not an object that is not there."""
    return failure.cause in LACKS_RIGHTS or (failure.cause is Cause.MISSING and failure.reason != "NotFound")
