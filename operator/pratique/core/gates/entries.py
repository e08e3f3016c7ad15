"""What a run's status says of its gates: one entry for each stage, in the order in which they were opened. Pure.

The list tells which Approvals a run follows, and nothing more: what they grant, they say themselves.
"""

from collections.abc import Iterable, Sequence

from pratique.api.v1alpha1.action_run import ActionRun, RunApproval
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.api.v1alpha1.meta import amend

Name = tuple[str, str]
"""Namespace and name."""


def round_of(run: ActionRun) -> int:
    """Return how often the gates of a run were opened, as far as its status tells."""
    return run.status.approvals[-1].round if run.status.approvals else 1


def approval_name(run: ActionRun, stage: str, round_: int = 1) -> str:
    """Return the name of a run's gate: it carries the run's uid, so that a namesake never meets an older gate."""
    again = f"-{round_}" if round_ > 1 else ""
    return f"{run.metadata.name}-{stage}-{run.metadata.uid.replace('-', '')[:10]}{again}"


def name_of_gate(run: ActionRun, approvals: Sequence[Approval] = ()) -> str | None:
    """Return the name of the Approval that a run waits for: its status says which of its own it is, and no other's."""
    stages = [each.stage for each in run.status.approvals] or [each.spec.stage for each in approvals]
    return approval_name(run, stages[-1], round_of(run)) if stages else None


def is_listed(run: ActionRun, stage: str) -> bool:
    """Whether a run's status says that the gate of this stage was opened."""
    return any(each.stage == stage for each in run.status.approvals)


def has_passed(run: ActionRun, stage: str) -> bool:
    """Whether a run's status says that this stage was granted."""
    return any(
        each.stage == stage and each.state in (ApprovalState.APPROVED, ApprovalState.BROKEN)
        for each in run.status.approvals
    )


def choose_followed(run: ActionRun, names: Iterable[Name]) -> list[Name]:
    """Return those of a run's Approvals that it follows, in order: older ones that were superseded are there as well."""
    there = list(names)
    listed = [each.name for each in run.status.approvals]
    followed = sorted((each for each in there if each[1] in listed), key=lambda each: listed.index(each[1]))
    return followed or there[:1]


def keep(run: ActionRun, gate: RunApproval | None) -> ActionRun:
    """Return the run with this gate in its list, in place of what was known of it; those of earlier rounds go."""
    if gate is None:
        return run
    others = [each for each in run.status.approvals if each.round == gate.round]
    stages = [each.stage for each in others]
    kept = [gate if each.stage == gate.stage else each for each in others]
    return amend(run, status=amend(run.status, approvals=kept if gate.stage in stages else [*kept, gate]))
