"""Decides who broke the glass of a gate, and which later stages that opens as well. Pure; the review: `review`."""

from collections.abc import Sequence
from datetime import datetime

from pratique.api.v1alpha1.approval import Approval, ApprovalSpec
from pratique.api.v1alpha1.decisions import RecordedDecision
from pratique.api.v1alpha1.stages import Stage
from pratique.core.gates.glass import may_break
from pratique.core.gates.tally import Tally, count
from pratique.core.kernel.identity import askers


def who_broke(approval: Approval, now: datetime) -> RecordedDecision | None:
    """Return the decision that broke the glass of a gate, counted again from its frozen spec; None if nobody has."""
    counted = count(approval.spec, now)
    return counted.decisive if counted.tally is Tally.BROKEN else None


def is_opened(stage: Stage, passed: Sequence[Approval], now: datetime) -> bool:
    """Whether who broke the glass of an earlier gate has opened this stage with it: its rule names them as well."""
    return any(_opens(stage, approval.spec, broke.by) for approval in passed if (broke := who_broke(approval, now)))


def _opens(stage: Stage, spec: ApprovalSpec, username: str) -> bool:
    stamped = spec.decisions[username].groups or ()
    return may_break(stage.break_glass, username, stamped, askers(spec), stage.exclude or ())
