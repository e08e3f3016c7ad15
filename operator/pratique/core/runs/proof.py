"""Decides what a process may take from its own looks at a run: that it was allowed to run, and that it has ended.

What is stored proves nothing, since whoever may write a status could have written it. What counts is what this process saw:
a decision with nothing left to ask, made from what the API server guards. The edge only remembers it. Pure.
"""

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase
from pratique.api.v1alpha1.approval import Approval
from pratique.core.kernel.effects import Plan
from pratique.core.plans.document import document_of


def is_running(plan: Plan[ActionRunStatus]) -> bool:
    """Whether a run goes on; of any other what was proven before is of no use, and must not outlive it."""
    return plan.status.phase is Phase.RUNNING


def proof_of(plan: Plan[ActionRunStatus], approval: Approval | None) -> str | None:
    """Return the digest of the plan that a decision has shown to be allowed: it goes on with nothing left to ask."""
    if plan.effects or not is_running(plan):
        return None
    document = document_of(plan.status, approval)
    return document.digest if document is not None else None


def end_of(run: ActionRun) -> Phase | None:
    """Return the end that is stored. One that was only decided is none: its write may have been refused."""
    return run.status.phase if run.status.phase.is_end else None
