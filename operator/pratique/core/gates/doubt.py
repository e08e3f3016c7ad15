"""Decides which gates are in doubt after the API server did not guard for a while: those that somebody may have forged.

Only what still matters is in doubt: a gate from which its run has gone on is history, and none is ended twice. Bodies are
read as they are stored, not as models, so that one that a later version wrote is no hole. Called by the sweep; what becomes
of a gate in doubt, `plan` decides. Pure.
"""

from collections.abc import Iterable

from pratique.api.v1alpha1.action_run import Phase
from pratique.api.v1alpha1.approval import ApprovalState, Purpose
from pratique.core.kernel.effects import Json

FORGEABLE = (
    ApprovalState.APPROVED,
    ApprovalState.BROKEN,
    ApprovalState.OFFERED,
    ApprovalState.DECLINED,
    ApprovalState.EXPIRED,
)
"""The ends that rest on decisions, or on there being none: the others grant nothing, and what they say can be seen."""
_NOT_FORGED = (ApprovalState.WITHDRAWN.value, ApprovalState.SUPERSEDED.value)
_BEFORE_IT_RUNS = (None, Phase.PENDING.value, Phase.WAITING_FOR_APPROVAL.value)


def doubt(gap: str) -> str:
    """Return the sentence for a gate that was not guarded all the time."""
    return f"The API server did not guard this decision all the time: {gap}. What was decided does not count"


def may_be_forged(approval: Json, runs: Iterable[Json]) -> bool:
    """Whether somebody may have tampered with a gate that still matters; `runs` are those of its run's uid.

    The generation of an untouched gate is 1: only a change of its spec moves it, be it a decision or a lower count. A state
    that is not known is no proof of anything. Of a gate without a run, who asks may be forged as well, so an open one is in
    doubt by itself; from one that has ended, whoever waited for it has gone on. Nothing waits for a review: it matters
    until all is said of its end.
    """
    state = (approval.get("status") or {}).get("state", ApprovalState.PENDING.value)
    if state == ApprovalState.PENDING:
        said = any(approval["spec"].get(each) for each in ("decisions", "delegations"))
        touched = said or approval["metadata"].get("generation", 0) > 1
        return touched or not approval["spec"]["subject"].get("kind")
    if approval["spec"].get("purpose") == Purpose.REVIEW:  # no run waits for it
        return state not in _NOT_FORGED and not approval["status"].get("settled")
    if state == ApprovalState.OFFERED:
        return any(_waits(run) and _may_hold(run, approval["metadata"]["name"]) for run in runs)
    return state not in _NOT_FORGED and any(_waits(run) for run in runs)


def _may_hold(run: Json, name: str) -> bool:
    """Whether a run waits at this gate; once it waits at others, it has asked for what was offered in it."""
    held = [each["name"] for each in (run.get("status") or {}).get("approvals") or ()]
    return not held or name in held


def _waits(run: Json) -> bool:
    """Whether a run has not gone on yet from what its gate says."""
    return (run.get("status") or {}).get("phase") in _BEFORE_IT_RUNS
