"""START HERE: decides what becomes of an ActionRun. Pure: everything it knows is in the snapshot and `now`.

    Pending ── evaluated ──► Refused
       │  └─ a gate applies ─► WaitingForApproval ─► Declined | Expired | Withdrawn | Superseded
       └─ no gate applies ──► Running ◄── granted ──┘
                                 └─► Succeeded | Failed

`plan_action_run` is called for every look at a run, however late, often or out of order; an end is never changed again,
but for the marks of its outbox and of what it still keeps. Its siblings are `gate.plan_approval` and
`environment.plan_environment`.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase, RunApproval, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.api.v1alpha1.common import EventType
from pratique.api.v1alpha1.conditions import Reason
from pratique.core import notification, transitions
from pratique.core.digest import plan_digest
from pratique.core.effects import Create, EvaluateRun, Evaluation, Outcome, Plan
from pratique.core.execution import advance
from pratique.core.gate import approval_name, open_gate
from pratique.core.snapshot import RunSnapshot
from pratique.core.vanishing import release
from pratique.core.wording import gate_ended, held

EVALUATE = "evaluate"
OPEN_GATE = "open-gate"
_FIRST_RETRY, _LAST_RETRY = timedelta(seconds=30), timedelta(hours=1)


def plan_action_run(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Decide the next status of a run and what has to be done for it."""
    run = snapshot.run
    outbox = notification.settle(list(run.status.notifications), snapshot.deliveries, now)
    status = run.status.model_copy(update={"notifications": outbox})
    plan = _decide(replace(snapshot, run=run.model_copy(update={"status": status})), now)
    wakes = [when for when in (plan.wake_at, notification.next_due(plan.status.notifications, now)) if when]
    return replace(plan, wake_at=min(wakes, default=None))


def _decide(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    run, status = snapshot.run, snapshot.run.status
    if run.metadata.deletion_timestamp is not None:
        return Plan(status)
    match status.phase:
        case Phase.PENDING:
            return _first_look(snapshot, now)
        case Phase.WAITING_FOR_APPROVAL:
            return _at_the_gate(snapshot, now)
        case Phase.RUNNING:
            return advance(snapshot, status, now)
        case _:
            return release(snapshot, status)


def _first_look(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    run, action = snapshot.run, snapshot.action
    if action is None:
        text = f"There is no Action named {run.spec.action_ref.name}; `kubectl get actions` lists what there is"
        return Plan(transitions.hold(run, Reason.ACTION_NOT_FOUND, text, now))
    outcome = snapshot.outcomes.get(EVALUATE)
    if outcome is None:
        return Plan(run.status, effects=(EvaluateRun(EVALUATE, action, run),))
    if outcome.failure is not None:
        text = outcome.failure.message
        return Plan(transitions.hold(run, Reason.EVALUATION_FAILED, text, now), wake_at=_try_again_at(run, now))
    evaluation: Evaluation = outcome.value
    if evaluation.plan is None:
        text = "; ".join(evaluation.refusals)
        rules = action.spec.notifications
        return Plan(transitions.end(run, Phase.REFUSED, text, now, EventType.REFUSED, rules))
    return _enter(snapshot, evaluation.plan, now)


def _try_again_at(run: ActionRun, now: datetime) -> datetime:
    """Return when to evaluate a held run again: seldom and ever more seldom, since each try may cost seconds of CPU.

    A change of the Action asks for a look at once; this is for what was cut off on a machine that was too busy.
    """
    age = now - run.metadata.creation_timestamp
    return now + min(max(age, _FIRST_RETRY), _LAST_RETRY)


def _enter(snapshot: RunSnapshot, plan: RunPlan, now: datetime) -> Plan[ActionRunStatus]:
    """Let a run without a gate start at once; open the gate of any other."""
    run, stage = snapshot.run, plan.gate
    if stage is None:
        return advance(snapshot, transitions.start(run, plan, "No approval is needed", now), now)
    opened = snapshot.outcomes.get(OPEN_GATE)
    if opened is None:
        return Plan(run.status, effects=(Create(OPEN_GATE, open_gate(run, plan, stage, now)),))
    approval = _opened_gate(opened)
    if approval is None:
        reason = opened.failure.message if opened.failure else ""
        text = f"The Approval could not be created: {reason}"
        return Plan(transitions.hold(run, Reason.RETRYING, text, now), retry=True)
    if approval.spec.subject.uid != run.metadata.uid:
        text = f"The name {approval.metadata.name} is taken by an Approval of another run: choose another name"
        return Plan(transitions.end(run, Phase.REFUSED, text, now, EventType.REFUSED, plan.notifications))
    if approval.spec.plan.digest != plan.digest:
        text = "The Action changed while its gate was being opened: apply the request again under another name"
        return Plan(transitions.end(run, Phase.SUPERSEDED, text, now, EventType.SUPERSEDED, plan.notifications))
    gate = RunApproval(stage=stage.name, name=approval.metadata.name, state=ApprovalState.PENDING)
    waiting = transitions.wait(run, plan, gate, held(stage, approval.spec.policy.deadline), now)
    return Plan(waiting)


def _opened_gate(outcome: Outcome) -> Approval | None:
    """Return the Approval that exists now: the one just made, or the one made before a crash."""
    return None if outcome.object is None else Approval.model_validate(outcome.object)


_ENDS = {
    ApprovalState.DECLINED: (Phase.DECLINED, EventType.DECLINED),
    ApprovalState.EXPIRED: (Phase.EXPIRED, EventType.EXPIRED),
    ApprovalState.WITHDRAWN: (Phase.WITHDRAWN, EventType.WITHDRAWN),
}


def _at_the_gate(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Follow the Approval. It alone decides; it is durable before anything is created."""
    run, status = snapshot.run, snapshot.run.status
    plan, approval = status.plan, snapshot.approval
    if plan is None or plan.gate is None:
        text = "status.plan of this run is gone: what was approved is not known any more"
        return Plan(transitions.end(run, Phase.SUPERSEDED, text, now, EventType.SUPERSEDED, []))
    if approval is None or approval.metadata.name != approval_name(run, plan.gate):
        return Plan(status)
    if approval.status.state is ApprovalState.PENDING:
        return Plan(transitions.still_waiting(run, approval))
    gates = [RunApproval(stage=plan.gate.name, name=approval.metadata.name, state=approval.status.state)]
    run = run.model_copy(update={"status": status.model_copy(update={"approvals": gates})})
    text = gate_ended(approval)
    if approval.status.state in _ENDS:
        phase, event = _ENDS[approval.status.state]
        return Plan(transitions.end(run, phase, text, now, event, plan.notifications))
    changed = _no_longer_what_was_approved(snapshot, plan, approval)
    if changed:
        return Plan(transitions.end(run, Phase.SUPERSEDED, changed, now, EventType.SUPERSEDED, plan.notifications))
    return advance(snapshot, transitions.start(run, plan, text, now), now)


def _no_longer_what_was_approved(snapshot: RunSnapshot, plan: RunPlan, approval: Approval) -> str | None:
    """Return why the granted plan must not run, or None. The stored plan is worth nothing without the gate's digest."""
    if plan_digest(plan) != approval.spec.plan.digest:
        return "What was approved is not what would run: status.plan does not have the digest that was approved"
    if snapshot.action is None:
        return f"The Action {plan.action.name} was deleted while the request waited"
    if snapshot.action.metadata.uid != plan.action.uid:
        return f"The Action {plan.action.name} was deleted and made again while the request waited"
    return None
