"""START HERE: decides what becomes of an ActionRun. Pure: everything it knows is in the snapshot and `now`.

    Pending ── evaluated ──► Refused
       │  └─ a gate applies ─► WaitingForApproval ─► Declined | Expired | Withdrawn | Superseded
       │                            └─ its gate was superseded ─► judged anew, a new gate (or any end above)
       └─ no gate applies ──► Running ◄── granted ──┘
                                 └─► Succeeded | Failed

`plan_action_run` is called for every look at a run, however late, often or out of order; an end is never changed again,
but for the marks of its outbox and of what it still keeps. Its siblings are `gates.plan`, `environments.plan` and
`channels.plan`; the frame around all of them is `telling.recorder`.
"""

import difflib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action import Action, Stage
from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase, RunApproval, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.core.execution.dry_run import try_plan, with_results
from pratique.core.execution.patience import POLL, allowed, mark
from pratique.core.execution.vanishing import release
from pratique.core.gates.guarded import unverified
from pratique.core.gates.opening import approval_name, open_gate, round_of
from pratique.core.gates.plan import as_decided, state_holds
from pratique.core.kernel.effects import Create, EvaluateRun, Failure, ObjectRef, Plan, Read
from pratique.core.kernel.identity import person_of
from pratique.core.plans.document import Document, is_plan_of
from pratique.core.runs import transitions
from pratique.core.runs.open_runs import too_many
from pratique.core.runs.running import begin, follow
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.runs.start import not_approved, not_free, not_the_gate_of, superseded
from pratique.core.telling.concerned import by_run
from pratique.core.telling.recipients import Concerned
from pratique.core.telling.recorder import framed
from pratique.core.telling.wording import gate_ended, held, suspended

EVALUATE = "evaluate"
OPEN_GATE = "open-gate"
TRY = "try"
READ_ACTION = "action"
FREE = "No approval is needed"
READ_GATE = "read-gate"
MAX_ROUNDS = 16
_ACTION_MAY_COME = timedelta(minutes=1)
_FIRST_RETRY, _LAST_RETRY = timedelta(seconds=30), timedelta(hours=1)


def plan_action_run(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Decide the next status of a run, what has to be done for it, and who is told what happened."""

    def decide(run: ActionRun) -> Plan[ActionRunStatus]:
        return _decide(replace(snapshot, run=run), now)

    def concerned(after: ActionRunStatus) -> Concerned:
        asked = snapshot.action.spec.notifications if snapshot.action is not None else []
        head = after.head or (snapshot.document.plan if snapshot.document is not None else None)
        rules = head.notifications if head is not None else asked
        return by_run(amend(snapshot.run, status=after), snapshot.approval, rules)

    return framed(snapshot.run, snapshot.deliveries, decide, concerned, snapshot.routing, now)


def _decide(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    run, status = snapshot.run, snapshot.run.status
    if run.metadata.deletion_timestamp is not None:
        return Plan(status)
    if snapshot.ended is not None and not status.phase.is_end:
        text = f"It had ended as {snapshot.ended.value}, and its status was changed since: an end stays, nothing runs again"
        return transitions.end(run, snapshot.ended, text, now, EventType.STATUS_FORGED, only_here=status.head is None)
    match status.phase:
        case Phase.PENDING:
            return _first_look(snapshot, now)
        case Phase.WAITING_FOR_APPROVAL:
            return _at_the_gate(snapshot, now)
        case Phase.RUNNING:
            return _go_on(snapshot, now)
        case _:
            document = snapshot.document if any(each.held for each in status.resources) else None
            return Plan(status) if document is None else release(status, document.plan, snapshot.outcomes)


@dataclass(frozen=True)
class _Again:
    """That a gate is opened once more: the how many-th it is, and why."""

    round: int = 1
    why: str = ""


def _first_look(snapshot: RunSnapshot, now: datetime, again: _Again = _Again()) -> Plan[ActionRunStatus]:
    """Judge a request by nothing but what it asks for and the Action as it is now."""
    run, action = snapshot.run, snapshot.action
    crowded = too_many(person_of(run.spec), snapshot.others) if snapshot.others and not snapshot.outcomes else None
    if crowded is not None:
        # told by an Event only: who sends hundreds must not flood a channel as well
        return transitions.end(run, Phase.REFUSED, crowded, now, only_here=True)
    if action is None:
        return _without_action(snapshot, now)
    if action.spec.suspend:
        return transitions.end(run, Phase.REFUSED, suspended(action.metadata.name), now)
    evaluate = EvaluateRun(EVALUATE, action, run)
    evaluation = evaluate.outcome(snapshot.outcomes)
    if evaluation is None:
        return Plan(run.status, effects=(evaluate,))
    if isinstance(evaluation, Failure):
        text = evaluation.message
        return Plan(transitions.hold(run, Reason.EVALUATION_FAILED, text, now), wake_at=_try_again_at(run, now))
    if evaluation.plan is None:
        return transitions.end(run, Phase.REFUSED, "; ".join(evaluation.refusals), now)
    return _enter(snapshot, evaluation.plan, now, again)


def _without_action(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Wait a minute for an Action that may be applied together with its run; then say which one may be meant."""
    run, name = snapshot.run, snapshot.run.spec.action_ref.name
    known_by = run.metadata.creation_timestamp + _ACTION_MAY_COME
    if now < known_by:
        text = f"There is no Action named {name} yet: waiting a minute for it"
        return Plan(transitions.hold(run, Reason.ACTION_NOT_FOUND, text, now, stalled=False), wake_at=known_by)
    close = difflib.get_close_matches(name, sorted(snapshot.actions), n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "`kubectl get actions` lists what there is"
    text = (
        f"There is no Action named {name}; {hint} (actionRef cannot be changed: apply the run again under another name)"
    )
    return Plan(transitions.hold(run, Reason.ACTION_NOT_FOUND, text if close else text.partition(" (")[0], now))


def _try_again_at(run: ActionRun, now: datetime) -> datetime:
    """Return when to evaluate a held run again: seldom and ever more seldom, since each try may cost seconds of CPU.

    A change of the Action asks for a look at once; this is for what was cut off on a machine that was too busy.
    """
    age = now - run.metadata.creation_timestamp
    return now + min(max(age, _FIRST_RETRY), _LAST_RETRY)


def _enter(snapshot: RunSnapshot, plan: RunPlan, now: datetime, again: _Again) -> Plan[ActionRunStatus]:
    """Let a run without a gate start at once; open the gate of any other, once its plan has passed a dry run."""
    run, stage = snapshot.run, plan.gate
    if stage is None and [each.patch for each in plan.resources] == [False]:  # the one POST says as much as a dry run
        return begin(snapshot, plan, FREE, now)
    trial = try_plan(run, plan, snapshot.outcomes, TRY)
    if trial.effects:
        return Plan(run.status, effects=trial.effects)
    goes_on = stage is None and trial.begun
    if trial.transient is not None and not goes_on:
        text = f"The dry run gave no answer: {trial.transient.message}"
        return Plan(transitions.hold(run, Reason.RETRYING, text, now), retry=True)
    if trial.problems and not goes_on:
        account = plan.service_account_ref
        text = f"As ServiceAccount {account.namespace}/{account.name}: {'; '.join(trial.problems)}"
        if (lacks := mark(run.status, "", allowed(trial.failures, approved=False), now)) is not None:
            status = transitions.hold(run, Reason.RETRYING, f"{text}; it is tried again, as this may pass", now)
            return Plan(amend(status, held_up=lacks), wake_at=now + POLL)
        return transitions.end(run, Phase.REFUSED, text, now)
    plan = with_results(plan, trial)
    if stage is None:
        return begin(snapshot, plan, FREE, now)
    return _open(snapshot, plan, stage, now, again)


def _open(snapshot: RunSnapshot, plan: RunPlan, stage: Stage, now: datetime, again: _Again) -> Plan[ActionRunStatus]:
    """Open the gate, and wait once it is there."""
    run = snapshot.run
    wanted = open_gate(run, plan, stage, now, again.round, snapshot.action)
    create = Create(OPEN_GATE, wanted)
    opened = create.outcome(snapshot.outcomes)
    if opened is None:
        return Plan(run.status, effects=(create,))
    there = opened.found if isinstance(opened, Failure) else opened  # just made, or made before a crash
    if there is None:
        reason = opened.message if isinstance(opened, Failure) else ""
        text = f"The Approval could not be created: {reason}"
        return Plan(transitions.hold(run, Reason.RETRYING, text, now), retry=True)
    approval = Approval.model_validate(there.object)
    phase, text = _not_ours(approval, Approval.model_validate(wanted))
    if phase is not None:
        return transitions.end(run, phase, text, now)
    gate = RunApproval(stage=stage.name, name=approval.metadata.name, state=ApprovalState.PENDING, round=again.round)
    text = held(stage, approval.spec.policy.deadline)
    return transitions.wait(run, approval, plan, gate, text, now, again.why)


def _not_ours(found: Approval, wanted: Approval) -> tuple[Phase | None, str]:
    """Return why an Approval of that name is not the one to be opened: all of it is compared, but for when it was."""
    name, spec, rule = found.metadata.name, found.spec, found.spec.policy
    if spec.subject.uid != wanted.spec.subject.uid:
        return Phase.REFUSED, f"The name {name} is taken by an Approval of another run: choose another name"
    if not is_plan_of(spec.plan, wanted.spec.plan):
        text = "The Action, or what it would do, changed while its gate was being opened"
        return Phase.SUPERSEDED, f"{text}: apply the request again under another name"
    same_time = amend(rule, deadline=wanted.spec.policy.deadline)
    asked = wanted.spec.inputs if spec.inputs is None else spec.inputs  # one opened by the version before has none
    written = amend(wanted.spec.plan, summary=spec.plan.summary, cost=spec.plan.cost)
    as_opened = amend(spec, policy=same_time, decisions={}, inputs=asked, plan=written)
    if as_opened != wanted.spec or rule.deadline > wanted.spec.policy.deadline:
        return Phase.REFUSED, f"The name {name} is taken by an Approval that this run did not open: choose another name"
    return None, ""


_ENDS = {
    ApprovalState.DECLINED: Phase.DECLINED,
    ApprovalState.EXPIRED: Phase.EXPIRED,
    ApprovalState.WITHDRAWN: Phase.WITHDRAWN,
}


def _at_the_gate(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Follow the Approval. It alone decides, by its decisions; it is durable before anything is created."""
    run, status, approval = snapshot.run, snapshot.run.status, snapshot.approval
    name = _gate_of(run, approval)
    if name is not None and (approval is None or approval.metadata.name != name):
        return _without_gate(snapshot, name, now)
    document = snapshot.document
    if approval is None or document is None:
        text = "What was approved is not known any more, since its plan is gone: apply the request again under another name"
        return transitions.end(run, Phase.SUPERSEDED, text, now, only_here=True)
    plan, state = document.plan, approval.status.state
    if state is ApprovalState.SUPERSEDED:
        return _ask_again(snapshot, plan, approval, now)
    if state is ApprovalState.PENDING or not state_holds(approval, run, now):
        return Plan(transitions.still_waiting(run, approval))
    # what ended it may have been forged together with the decisions, unless it was this process
    decided = state in (ApprovalState.APPROVED, ApprovalState.DECLINED)
    if decided and not snapshot.vouched and (unsure := unverified(status, snapshot.outcomes)) is not None:
        return unsure
    gates = [RunApproval(stage=approval.spec.stage, name=name, state=state, round=round_of(run))]
    run = amend(run, status=amend(status, approvals=gates))
    text = gate_ended(as_decided(approval, now))
    if state in _ENDS:
        return transitions.end(run, _ENDS[state], text, now)
    return _start(replace(snapshot, run=run), document, approval, text, now)


def _start(
    snapshot: RunSnapshot, document: Document, approval: Approval, why: str, now: datetime
) -> Plan[ActionRunStatus]:
    """Start what was granted, if it still is what was approved. The Action is read again: a cache may be behind."""
    run, plan = snapshot.run, document.plan
    different = not_the_gate_of(document, approval)
    if different is None:
        trial = try_plan(run, plan, snapshot.outcomes, TRY)
        look = Read(READ_ACTION, ObjectRef(API_VERSION, "Action", plan.action.name))
        read = look.outcome(snapshot.outcomes)
        if read is None:
            return Plan(run.status, effects=(*trial.effects, look))
        if trial.effects:
            return Plan(run.status, effects=trial.effects)
        unknown = trial.transient or (read if isinstance(read, Failure) and read.reason != "NotFound" else None)
        if unknown is not None and not trial.begun:
            text = f"{why}. It starts once the API server has answered: {unknown.message}"
            return Plan(transitions.retry_start(run, text), retry=True)
        if trial.problems and not trial.begun:
            lacks = mark(run.status, "", allowed(trial.failures, approved=True), now)
            if lacks is not None:
                text = f"{why}. It cannot start yet, which may pass: {'; '.join(trial.problems)}"
                status = amend(transitions.retry_start(run, text), held_up=lacks)
                return Plan(status, wake_at=now + POLL)
        action = None if isinstance(read, Failure) else Action.model_validate(read.object)
        different = superseded(plan, action, approval, trial, now)
    if different is not None:
        return transitions.end(run, Phase.SUPERSEDED, different, now)
    return begin(snapshot, plan, why, now)


def _go_on(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Go on with a run that is under way, if it can be proven that it was allowed: its status alone proves nothing."""
    run, document = snapshot.run, snapshot.document
    if document is None:
        return _without_document(snapshot, now)
    plan = document.plan
    if snapshot.proven == document.digest:
        return follow(snapshot, plan, run.status, now)
    if plan.gate is not None:
        if (unsure := unverified(run.status, snapshot.outcomes)) is not None:
            return unsure
        problem = not_approved(run, document, snapshot.approval, now)
    else:
        evaluate = EvaluateRun(EVALUATE, snapshot.action, run) if snapshot.action is not None else None
        evaluation = evaluate.outcome(snapshot.outcomes) if evaluate is not None else None
        if evaluate is not None and evaluation is None:
            return Plan(run.status, effects=(evaluate,))
        if isinstance(evaluation, Failure):
            text = f"It is looked at again whether this may go on: {evaluation.message}"
            return Plan(transitions.progress(run, run.status, text, now), wake_at=_try_again_at(run, now))
        problem = not_free(plan, snapshot.action, evaluation)
    if problem is None:
        return follow(snapshot, plan, run.status, now)
    text = f"It cannot be proven any more that this may run: {problem}; what was made stays"
    return transitions.end(run, Phase.FAILED, text, now)


def _gate_of(run: ActionRun, approval: Approval | None) -> str | None:
    """Return the name of the Approval that a run follows: the status says which one of its own it is, and no other's."""
    stages = [each.stage for each in run.status.approvals] or ([approval.spec.stage] if approval is not None else [])
    return approval_name(run, stages[0], round_of(run)) if stages else None


def _without_document(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """What a run that is under way was started for is not there: with its Approval, if it has one, which may be late."""
    name = _gate_of(snapshot.run, None)
    if name is not None and snapshot.approval is None:
        return _without_gate(snapshot, name, now)
    text = "The plan of this run is gone: it is not known any more what was started; what was made stays"
    return transitions.end(snapshot.run, Phase.FAILED, text, now, only_here=True)


def _without_gate(snapshot: RunSnapshot, name: str, now: datetime) -> Plan[ActionRunStatus]:
    """The cache has no gate of this run: it is not there yet, or was deleted while the API server did not guard."""
    run = snapshot.run
    read = Read(READ_GATE, ObjectRef(API_VERSION, "Approval", name, run.metadata.namespace))
    found = read.outcome(snapshot.outcomes)
    if found is None:
        return Plan(run.status, effects=(read,))
    if not isinstance(found, Failure) or found.reason != "NotFound":
        return Plan(run.status, retry=isinstance(found, Failure))
    if run.status.phase is Phase.RUNNING:
        text = f"Its Approval {name} was deleted, so it is not known any more what may run; what was made stays"
        return transitions.end(run, Phase.FAILED, text, now)
    text = f"Its Approval {name} was deleted: apply the request again under another name"
    return transitions.end(run, Phase.SUPERSEDED, text, now)


def _ask_again(snapshot: RunSnapshot, plan: RunPlan, approval: Approval, now: datetime) -> Plan[ActionRunStatus]:
    """Open a fresh gate for what a fresh look at the request shows: a stored plan may have been forged with its gate."""
    run = snapshot.run
    again = _Again(round_of(run) + 1, approval.status.message)
    if snapshot.action is None or snapshot.action.metadata.uid != plan.action.uid:
        text = f"The Action {plan.action.name} was deleted while the request waited"
    elif again.round > MAX_ROUNDS:
        text = f"Its gate was superseded {MAX_ROUNDS} times: apply the request again under another name"
    else:
        return _first_look(snapshot, now, again)
    return transitions.end(run, Phase.SUPERSEDED, text, now)
