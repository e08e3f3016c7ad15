"""Writes a run's status for each transition: phase, message, conditions, timeline and outbox, all in one value.

What the decision is, `lifecycle` and `execution` know; how it is recorded is here, so that no transition forgets a part.
"""

from datetime import datetime

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase, RunApproval, RunPlan
from pratique.api.v1alpha1.approval import Approval
from pratique.api.v1alpha1.common import Condition, ConditionStatus, EventType, NotificationRule, TimelineEntry
from pratique.api.v1alpha1.conditions import ConditionType, Reason
from pratique.core.kernel.conditions import set_condition, set_kstatus
from pratique.core.kernel.limits import MAX_LINE_BYTES
from pratique.core.kernel.text import clean, fit
from pratique.core.plans.document import document, head_of, whole_of
from pratique.core.telling import outbox as notification

MAX_MESSAGE = 2048
MAX_TIMELINE = 32
TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


def hold(
    run: ActionRun, reason: Reason, message: str, now: datetime, *, stalled: bool | None = None
) -> ActionRunStatus:
    """Leave a run Pending: it cannot be judged until somebody changes something, and is never waved through."""
    text = clean(message, MAX_MESSAGE)
    generation = run.metadata.generation
    stalled = reason is not Reason.RETRYING if stalled is None else stalled
    conditions = set_condition(
        list(run.status.conditions), ConditionType.ACCEPTED, UNKNOWN, reason, text, now, generation
    )
    conditions = set_kstatus(
        conditions,
        ready=FALSE,
        reconciling=not stalled,
        stalled=stalled,
        reason=reason,
        message=text,
        now=now,
        generation=generation,
    )
    update = {"message": text, "conditions": conditions, "observed_generation": generation}
    return run.status.model_copy(update=update)


def wait(
    run: ActionRun, approval: Approval, plan: RunPlan, gate: RunApproval, message: str, now: datetime, again: str = ""
) -> ActionRunStatus:
    """Record that the gate is open; approvers are told by the same write. `again` says why, if it is not the first.

    What runs is in the Approval; only one that version 0.1.0 opened, before a crash, leaves it to the status.
    """
    if again:
        line = TimelineEntry(at=now, event=Phase.SUPERSEDED.value, message=clean(again, 1024))
        timeline = [*run.status.timeline, line]
        run = run.model_copy(update={"status": run.status.model_copy(update={"timeline": timeline})})
        message = f"{message}. Asked again: {again}"
    status = _move(run, Phase.WAITING_FOR_APPROVAL, Reason.WAITING_FOR_APPROVAL, message, now)
    key = str(gate.round) if gate.round > 1 else ""
    outbox = notification.record(
        list(status.notifications), EventType.APPROVAL_REQUESTED, now, status.message, plan.notifications, key=key
    )
    stored = head_of if approval.spec.plan.document is not None else whole_of
    kept = {"plan": stored(document(plan), plan.summary), "document": None}
    return status.model_copy(update={**kept, "approvals": [gate], "notifications": outbox})


def still_waiting(run: ActionRun, approval: Approval) -> ActionRunStatus:
    """Show a partial tally of the gate in the run's message; nothing changes before somebody decided."""
    if not approval.status.decisions:
        return run.status
    why = f": {approval.spec.message}" if approval.spec.message else ""
    return run.status.model_copy(update={"message": clean(f"{approval.status.message}{why}", MAX_MESSAGE)})


def retry_start(run: ActionRun, message: str) -> ActionRunStatus:
    """Say that it is granted and could not be started yet; nothing else changes."""
    return run.status.model_copy(update={"message": clean(message, MAX_MESSAGE)})


def start(run: ActionRun, plan: RunPlan, why: str, now: datetime) -> ActionRunStatus:
    """Record that nothing stands in the way any more; who asked for it, and who was asked, is told.

    A run without a gate keeps its own document, since no Approval does.
    """
    status = _move(run, Phase.RUNNING, Reason.RUNNING, why, now)
    events = [EventType.APPROVED, EventType.HANDLED] if plan.gate is not None else []
    told = _told(status, [*events, EventType.RUNNING], plan.notifications, now)
    written = document(plan)
    own = {"plan": head_of(written, plan.summary), "document": written.text} if plan.gate is None else {}
    return told.model_copy(update={**own, "started_at": now})


def progress(run: ActionRun, status: ActionRunStatus, message: str, now: datetime) -> ActionRunStatus:
    """Say what a running run waits for, without a line in its timeline."""
    text = clean(message, MAX_MESSAGE)
    conditions = _conditions(run, list(status.conditions), Phase.RUNNING, Reason.RUNNING, text, now, status.head)
    return status.model_copy(update={"message": text, "conditions": conditions})


def end(
    run: ActionRun, phase: Phase, message: str, now: datetime, event: EventType, rules: list[NotificationRule]
) -> ActionRunStatus:
    """Record an end; those who are to be told are in the outbox of the same write."""
    status = _move(run, phase, Reason(phase.value), message, now)
    handled = [EventType.HANDLED] if run.status.phase is Phase.WAITING_FOR_APPROVAL else []
    return _told(status, [event, *handled], rules, now).model_copy(update={"finished_at": now})


def _told(
    status: ActionRunStatus, events: list[EventType], rules: list[NotificationRule], now: datetime
) -> ActionRunStatus:
    outbox = list(status.notifications)
    for event in events:
        outbox = notification.record(outbox, event, now, status.message, rules)
    return status.model_copy(update={"notifications": outbox})


def _move(run: ActionRun, phase: Phase, reason: Reason, message: str, now: datetime) -> ActionRunStatus:
    text = clean(message, MAX_MESSAGE)
    status = run.status
    line = TimelineEntry(at=now, event=phase.value, message=fit(clean(message, MAX_LINE_BYTES), MAX_LINE_BYTES))
    return status.model_copy(
        update={
            "phase": phase,
            "message": text,
            "held_up": None,
            "observed_generation": run.metadata.generation,
            "timeline": [*status.timeline, line][-MAX_TIMELINE:],
            "conditions": _conditions(run, list(status.conditions), phase, reason, text, now, status.head),
        }
    )


_NOT_APPROVED = (Phase.REFUSED, Phase.DECLINED, Phase.EXPIRED, Phase.WITHDRAWN, Phase.SUPERSEDED)


def _conditions(
    run: ActionRun,
    conditions: list[Condition],
    phase: Phase,
    reason: Reason,
    message: str,
    now: datetime,
    plan: RunPlan | None,
) -> list[Condition]:
    """Return all conditions of a phase: the same table for every run that is in it."""
    generation = run.metadata.generation
    waiting = phase is Phase.WAITING_FOR_APPROVAL
    no_gate = Reason.NOT_NEEDED if plan is None or plan.gate is None else Reason.GRANTED
    approved = (FALSE, reason) if waiting or phase in _NOT_APPROVED else (TRUE, no_gate)
    facts = (
        (ConditionType.ACCEPTED, FALSE if phase is Phase.REFUSED else TRUE, _accepted(phase)),
        (ConditionType.DECIDED, FALSE if waiting else TRUE, approved[1]),
        (ConditionType.APPROVED, *approved),
    )
    for kind, holds, why in facts:
        conditions = set_condition(conditions, kind, holds, why, message, now, generation)
    return set_kstatus(
        conditions,
        ready=TRUE if phase is Phase.SUCCEEDED else FALSE,
        reconciling=not phase.is_end,
        stalled=phase.is_end and phase is not Phase.SUCCEEDED,
        reason=reason,
        message=message,
        now=now,
        generation=generation,
    )


def _accepted(phase: Phase) -> Reason:
    return Reason.REFUSED if phase is Phase.REFUSED else Reason.VALID
