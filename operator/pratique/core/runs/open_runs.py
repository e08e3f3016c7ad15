"""Decides whether one more request of somebody is one too many: who asks faster than things end is stopped, and only they.

Counted by the operator over runs that are not at an end, per person (on whose behalf counts). A run that was looked at once
was let in, and stays; of those that nobody has looked at yet, the ones that came first go first, so that the newest is the
one refused, in whatever order they are looked at. Pure; called by `plan` at the first look at a run.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.core.kernel.limits import OPEN_RUNS_PER_REQUESTER
from pratique.core.kernel.text import clean

Name = tuple[str | None, str]
"""Namespace and name."""
_SHOWN = 5


@dataclass(frozen=True)
class OpenRuns:
    """What is open for the person of a run, or let in before it: whichever of them was looked at first, it is the same.

    `names` are those in its own namespace: of others none is shown.
    """

    ahead: int = 0
    names: tuple[str, ...] = ()
    limit: int = OPEN_RUNS_PER_REQUESTER


def come_first(version: int, let_in: int, new: Iterable[tuple[int, Name]], limit: int) -> list[Name]:
    """Return the new runs that are let in before one of this version: so many as there is room for beside `let_in`.

    Nobody has written to what is new but who created it, so its resourceVersion tells which came first. If somebody has,
    it is as if it came later, and a decision about its older version is refused when it is written.
    """
    earlier = sorted(each for each in new if each[0] < version)
    return [name for _, name in earlier[: max(limit - let_in, 0)]]


def is_let_in(run: ActionRun, *, asked: bool) -> bool:
    """Whether a run was looked at before, or somebody is asked about it: it stays, however many more there are."""
    return run.status.phase is not Phase.PENDING or bool(run.status.observed_generation) or asked


def too_many(who: str, others: OpenRuns) -> str | None:
    """Return the sentence that refuses a run, or None if there is room for it."""
    if others.ahead < others.limit:
        return None
    shown = list(others.names[:_SHOWN])
    more = len(others.names) - len(shown)
    named = f" ({', '.join(shown)}{f' and {more} more in this namespace' if more else ''})" if shown else ""
    requests = "request" if others.ahead == 1 else "requests"
    return (
        f"{clean(who, 253)} has {others.ahead} open {requests}, {others.limit} allowed at once: wait until one ends,"
        f" or withdraw or delete one{named}; then delete this one and apply it again"
    )
