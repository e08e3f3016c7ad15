"""Makes of each transition of a run its status and what happened: phase, message and conditions, in one value.

What the decision is, `plan` and `execution` know; how it is written down is here, so that no transition forgets a part.
A change of phase is a `Plan` that says what happened; what only says more about a phase is a status.
"""

from datetime import datetime

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase, RunApproval, RunPlan
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.core.gates.entries import keep
from pratique.core.gates.port import Opened, Passed, Warrant
from pratique.core.kernel.conditions import set_condition, set_kstatus
from pratique.core.kernel.effects import Plan
from pratique.core.kernel.happened import Happened
from pratique.core.kernel.text import clean
from pratique.core.plans.document import document, head_of, whole_of

MAX_MESSAGE = 2048
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
    return amend(run.status, message=text, conditions=conditions, observed_generation=generation)


def wait(run: ActionRun, opened: Opened, now: datetime) -> Plan[ActionRunStatus]:
    """Say that a gate is open, for its approvers to hear of. What runs is in the Approval, if it holds the plan."""
    message, asked_again = opened.message, opened.again
    if asked_again:
        message = f"{message}. Asked again: {asked_again}"
    waiting = keep(run, opened.gate)
    status = _move(waiting, Phase.WAITING_FOR_APPROVAL, Reason.WAITING_FOR_APPROVAL, message, now)
    stage = opened.gate.stage if opened.plan is None else ""
    if opened.plan is not None:
        stored = head_of if opened.holds_plan else whole_of
        status = amend(status, plan=stored(document(opened.plan), opened.plan.summary), document=None)
    word, key = Phase.WAITING_FOR_APPROVAL.value, _gate_key(opened.gate, stage)
    asked = Happened(message, (EventType.APPROVAL_REQUESTED,), word, key, stage=opened.gate.stage)
    before = (_say_again(opened, key),) if asked_again else ()
    return Plan(status, happened=(*before, asked))


def _say_again(opened: Opened, key: str) -> Happened:
    """Return what is told of why it is asked again: who asked hears what was offered instead."""
    if not opened.offered:
        return Happened(opened.again, word=Phase.SUPERSEDED.value)
    offered = EventType.COUNTER_OFFERED
    return Happened(opened.again, (offered,), offered.value, key, stage=opened.gate.stage)


def pass_stage(run: ActionRun, passed: Passed, now: datetime) -> Plan[ActionRunStatus]:
    """Say that one stage is granted, or that its glass was broken, for its approvers to hear of: the next one opens."""
    gate = passed.gate
    status = _move(keep(run, gate), Phase.WAITING_FOR_APPROVAL, Reason.WAITING_FOR_APPROVAL, passed.why, now)
    event, word = (EventType.HANDLED, "StageApproved") if not passed.broke else (EventType.GLASS_BROKEN, "GlassBroken")
    granted = Happened(passed.why, (event,), word, _gate_key(gate, gate.stage), stage=gate.stage)
    return Plan(status, happened=(granted,), wake_at=now)


def _gate_key(gate: RunApproval, stage: str) -> str:
    """Return what tells the gates of a run apart where people are told of them; nothing for its first."""
    return "/".join(part for part in (str(gate.round) if gate.round > 1 else "", stage) if part)


def still_waiting(run: ActionRun, message: str) -> ActionRunStatus:
    """Show how far its gates are; nothing changes before somebody decided."""
    return amend(run.status, message=clean(message, MAX_MESSAGE)) if message else run.status


def retry_start(run: ActionRun, message: str) -> ActionRunStatus:
    """Say that it is granted and could not be started yet; nothing else changes."""
    return amend(run.status, message=clean(message, MAX_MESSAGE))


def freeze(run: ActionRun, warrant: Warrant, message: str, until: datetime) -> Plan[ActionRunStatus]:
    """Say that it is granted and starts at that moment, for who asked and who was asked to hear of it now."""
    text = clean(message, MAX_MESSAGE)
    if run.status.message == text:
        return Plan(run.status, wake_at=until)
    granted = Happened(text, warrant.told, "Frozen")
    return Plan(amend(run.status, message=text, frozen_until=until), happened=(granted,), wake_at=until)


def start(run: ActionRun, warrant: Warrant, now: datetime) -> Plan[ActionRunStatus]:
    """Say that nothing stands in the way any more, for who asked for it and who was asked.

    A run that nobody had to grant keeps its own document, since no Approval does. What its status says of a time after the
    start was written by somebody else, and is dropped.
    """
    status = amend(_move(run, Phase.RUNNING, Reason.RUNNING, warrant.why, now), late=None, rollback=None)
    begun = Happened(warrant.why, (*warrant.told, EventType.RUNNING), Phase.RUNNING.value)
    if warrant.granted_at is None:
        written = document(warrant.plan)
        status = amend(status, plan=head_of(written, warrant.plan.summary), document=written.text)
    return Plan(amend(status, started_at=now), happened=(begun,))


def progress(run: ActionRun, status: ActionRunStatus, message: str, now: datetime) -> ActionRunStatus:
    """Say what a running run waits for, without a line in its timeline."""
    text = clean(message, MAX_MESSAGE)
    conditions = _conditions(run, list(status.conditions), Phase.RUNNING, Reason.RUNNING, text, now, status.head)
    return amend(status, message=text, conditions=conditions)


def roll_back(run: ActionRun, status: ActionRunStatus, why: str, now: datetime) -> Plan[ActionRunStatus]:
    """Say that a run has failed and is rolled back; that it has failed is told at its end, with what became of it."""
    begun = progress(run, status, f"Rolling back. It has failed: {why}", now)
    return Plan(begun, happened=(Happened(begun.message, word="RollingBack"),), wake_at=now)


def end(
    run: ActionRun,
    phase: Phase,
    message: str,
    now: datetime,
    event: EventType | None = None,
    *,
    only_here: bool = False,
) -> Plan[ActionRunStatus]:
    """Say that a run ended, and how; the event is the one of that name, if no other is given."""
    status = _move(run, phase, Reason(phase.value), message, now)
    handled = (EventType.HANDLED,) if run.status.phase is Phase.WAITING_FOR_APPROVAL else ()
    ended = Happened(message, (event or EventType(phase.value), *handled), phase.value, only_here=only_here)
    return Plan(amend(status, finished_at=now), happened=(ended,))


def answer(
    run: ActionRun, phase: Phase, message: str, now: datetime, plan: RunPlan | None = None
) -> Plan[ActionRunStatus]:
    """Say on a dry run what would become of it, and tell nobody.

    It has no phase of its own: version 0.1.0 cannot start beside an object in a phase that it does not know.
    """
    reason = Reason.DRY_RUN if phase is Phase.SUCCEEDED else Reason(phase.value)
    status = _move(run, phase, reason, message, now)
    if plan is not None:
        written = document(plan)
        status = amend(status, plan=head_of(written, plan.summary), document=written.text)
    return Plan(amend(status, finished_at=now), happened=(Happened(message, word=reason.value, only_here=True),))


def _move(run: ActionRun, phase: Phase, reason: Reason, message: str, now: datetime) -> ActionRunStatus:
    text = clean(message, MAX_MESSAGE)
    status = run.status
    return amend(
        status,
        phase=phase,
        message=text,
        held_up=None,
        frozen_until=None,
        observed_generation=run.metadata.generation,
        conditions=_conditions(run, list(status.conditions), phase, reason, text, now, status.head),
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
    broken = any(each.state is ApprovalState.BROKEN for each in run.status.approvals)
    held = Reason.GLASS_BROKEN if broken else Reason.GRANTED
    no_gate = held if plan is not None and plan.stages else Reason.NOT_NEEDED
    denied = waiting or phase in _NOT_APPROVED or bool(run.spec.dry_run)
    approved = (FALSE, reason) if denied else (TRUE, no_gate)
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
