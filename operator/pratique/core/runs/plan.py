"""START HERE: decides what becomes of an ActionRun. Pure: everything it knows is in the snapshot and `now`.

    Pending ── evaluated ──► Refused       ┌─ granted, and another stage follows: its gate opens
       │  └─ a gate applies ─► WaitingForApproval ─► Declined | Expired | Withdrawn | Superseded
       │                            └─ its gate was superseded ─► judged anew, a new gate (or any end above)
       └─ no gate applies ──► Running ◄── granted ──┘
                                 └─► Succeeded | Failed

A dry run is answered (`answer`) and goes none of these ways.
`plan_action_run` is called for every look at a run, however late, often or out of order; an end is never changed again,
but for the marks of its outbox and of what it still keeps. Its siblings are `core.gates.plan`, `core.environments.plan`
and `core.channels.plan`; the frame around all of them is `core.telling.recorder`.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase, RunPlan
from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.planned import PlannedResource
from pratique.core.execution.dry_run import try_plan, with_results
from pratique.core.execution.ending import temporaries
from pratique.core.execution.targets import Found
from pratique.core.execution.vanishing import release
from pratique.core.gates.entries import keep
from pratique.core.gates.grounds import ask
from pratique.core.gates.offers import say_instead, say_refused, with_offered
from pratique.core.gates.opening import find_asked
from pratique.core.gates.port import Ended, Fresh, Granted, Open, Opened, Passed, Question, Unsure, Void, Warrant
from pratique.core.gates.review import find_skipped
from pratique.core.kernel.effects import Failure, Plan
from pratique.core.kernel.identity import person_of
from pratique.core.runs import transitions
from pratique.core.runs.answer import answer
from pratique.core.runs.ending import end_at_once, with_ends
from pratique.core.runs.judged import wait_for_action, wait_for_trial
from pratique.core.runs.judging import judge_run
from pratique.core.runs.open_runs import too_many
from pratique.core.runs.reviewed import with_reviews
from pratique.core.runs.running import begin, follow, go_on
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.runs.start import TRY, start, start_free
from pratique.core.runs.targets import aim
from pratique.core.telling.recipients import Stakeholders
from pratique.core.telling.recorder import decide_and_record
from pratique.core.telling.stakeholders import stakeholders_of_run
from pratique.core.telling.wording import say_suspended

_FIRST_RETRY, _LAST_RETRY = timedelta(seconds=30), timedelta(hours=1)


def plan_action_run(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Decide the next status of a run, what has to be done for it, and who is told what happened."""

    def decide(run: ActionRun) -> Plan[ActionRunStatus]:
        known = replace(snapshot, run=run)
        plan = with_reviews(with_ends(_decide(known, now), known, now), known, now)
        # it is let go in a look that writes nothing: that is tied to the version that was seen
        return Plan(run.status, wake_at=now) if plan.after and run.status != snapshot.run.status else plan

    def stakeholders(after: ActionRunStatus) -> Stakeholders:
        asked = snapshot.action.spec.notifications if snapshot.action is not None else []
        head = after.head or (snapshot.document.plan if snapshot.document is not None else None)
        rules = head.notifications if head is not None else asked
        approval, excluded = find_asked(after.approvals, head, snapshot.approvals, now)
        skipped = find_skipped(head, approval, now)
        return stakeholders_of_run(amend(snapshot.run, status=after), approval, rules, excluded, skipped)

    return decide_and_record(snapshot.run, snapshot.deliveries, decide, stakeholders, snapshot.routing, now)


def _decide(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    run, status = snapshot.run, snapshot.run.status
    if run.metadata.deletion_timestamp is not None:
        return end_at_once(snapshot, now)
    if run.spec.dry_run:
        return answer(snapshot, now)
    if snapshot.ended is not None and not status.phase.is_end:
        text = f"It had ended as {snapshot.ended.value}, and its status was changed since: an end stays, nothing runs again"
        return transitions.end(run, snapshot.ended, text, now, EventType.STATUS_FORGED, only_here=status.head is None)
    match status.phase:
        case Phase.PENDING:
            return _first_look(snapshot, now)
        case Phase.WAITING_FOR_APPROVAL:
            return _ask_gates(snapshot, snapshot.question(snapshot.document), start, now)
        case Phase.RUNNING:
            return _go_on(snapshot, now)
        case _:
            document = snapshot.document if any(each.held for each in status.resources) else None
            return Plan(status) if document is None else release(status, document.plan, snapshot.outcomes)


def _first_look(snapshot: RunSnapshot, now: datetime, again: Void | None = None) -> Plan[ActionRunStatus]:
    """Judge a request by nothing but what it asks for and the Action as it is now."""
    run, action = snapshot.run, snapshot.action
    crowded = too_many(person_of(run.spec), snapshot.others) if snapshot.others and not snapshot.outcomes else None
    if crowded is not None:
        # told by an Event only: who sends hundreds must not flood a channel as well
        return transitions.end(run, Phase.REFUSED, crowded, now, only_here=True)
    if action is None:
        waits = wait_for_action(run, snapshot.actions, now)
        return waits if isinstance(waits, Plan) else Plan(transitions.hold(run, Reason.ACTION_NOT_FOUND, waits, now))
    if action.spec.suspend:
        return transitions.end(run, Phase.REFUSED, say_suspended(action.metadata.name), now)
    offered = again.offered if again is not None else None
    asked, kept = with_offered(run, offered), offered.stage if offered is not None else ""
    target = aim(asked, action, snapshot.outcomes, now)
    if isinstance(target, Plan):
        return target
    if not isinstance(target, Found):
        return transitions.end(run, Phase.REFUSED, say_refused(target, offered), now)
    evaluation = judge_run(asked, action, target, snapshot.outcomes, now, kept)
    if isinstance(evaluation, Plan):
        return evaluation
    if isinstance(evaluation, str):
        return transitions.end(run, Phase.REFUSED, say_refused(evaluation, offered), now)
    if isinstance(evaluation, Failure):
        text = evaluation.message
        return Plan(transitions.hold(run, Reason.EVALUATION_FAILED, text, now), wake_at=_try_again_at(run, now))
    if evaluation.plan is None:
        return transitions.end(run, Phase.REFUSED, say_refused("; ".join(evaluation.refusals), offered), now)
    if offered is not None and not evaluation.plan.stages:
        text = (
            f"{say_instead(offered)}, and the Action has no stage {offered.stage} any more: ask for it in a new request"
        )
        return transitions.end(run, Phase.SUPERSEDED, text, now)
    plan = evaluation.plan
    fresh = Fresh(plan, again.round, again.why, again.offered, again.fresh) if again is not None else Fresh(plan)
    return _enter(snapshot, fresh, now)


def _try_again_at(run: ActionRun, now: datetime) -> datetime:
    """Return when to evaluate a held run again: seldom and ever more seldom, since each try may cost seconds of CPU.

    A change of the Action asks for a look at once; this is for what was cut off on a machine that was too busy.
    """
    age = now - run.metadata.creation_timestamp
    return now + min(max(age, _FIRST_RETRY), _LAST_RETRY)


def _enter(snapshot: RunSnapshot, fresh: Fresh, now: datetime) -> Plan[ActionRunStatus]:
    """Ask whether it may start, once its plan has passed a dry run; what nobody has to approve may start without."""
    run, plan, free = snapshot.run, fresh.plan, not fresh.plan.stages
    if free and _is_one_post(plan):  # which says as much as a dry run
        return _ask_gates(snapshot, snapshot.question(None, fresh), start_free, now)
    trial = try_plan(run, plan, snapshot.outcomes, TRY)
    if trial.effects:
        return Plan(run.status, effects=trial.effects)
    goes_on = free and trial.begun
    refused = None if goes_on else wait_for_trial(run, plan, trial, now)
    if refused is not None:
        return refused if isinstance(refused, Plan) else transitions.end(run, Phase.REFUSED, refused, now)
    fresh = replace(fresh, plan=with_results(plan, trial))
    return _ask_gates(snapshot, snapshot.question(None, fresh), begin if goes_on else start_free, now)


def _is_one_post(plan: RunPlan) -> bool:
    if len(plan.resources) != 1 or temporaries(plan) or plan.rolls_back:
        return False
    (only,) = plan.resources
    return isinstance(only, PlannedResource) and not only.patch


def _go_on(snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Go on with a run that is under way, if it can be proven that it was allowed: its status alone proves nothing."""
    document = snapshot.document
    if document is not None and snapshot.proven == document.digest:
        return follow(snapshot, document.plan, snapshot.run.status, now)
    return _ask_gates(snapshot, snapshot.question(document), go_on, now)


_Next = Callable[[RunSnapshot, Warrant, datetime], Plan[ActionRunStatus]]


def _ask_gates(snapshot: RunSnapshot, question: Question, granted: _Next, now: datetime) -> Plan[ActionRunStatus]:
    """Ask the gates whether it may start or go on, and do as they say."""
    run, answer = snapshot.run, ask(question, now)
    match answer:
        case Granted():
            return granted(replace(snapshot, run=keep(run, answer.gate)), answer.warrant, now)
        case Ended():
            ended = keep(run, answer.gate)
            return transitions.end(ended, answer.phase, answer.why, now, only_here=answer.only_here)
        case Opened():
            return transitions.wait(run, answer, now)
        case Open():
            return Plan(transitions.still_waiting(run, answer.message))
        case Passed():
            return transitions.pass_stage(run, answer, now)
        case Void():
            return _first_look(snapshot, now, answer)
        case Unsure(why=""):
            return answer.as_plan(run.status)
        case Unsure() if run.status.phase is Phase.RUNNING:
            return Plan(transitions.progress(run, run.status, answer.why, now), wake_at=_try_again_at(run, now))
        case _:
            return Plan(transitions.hold(run, Reason.RETRYING, answer.why, now), retry=answer.retry)
