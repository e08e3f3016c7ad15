"""Decides what becomes of an Approval. Pure; the Approval's only writer of status.

`plan_approval` runs for every look at an Approval. An Approval that ended is never changed again, but for the marks of its
outbox; only an end that may be forged is, while nothing has followed from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.approval import Approval, ApprovalSpec, ApprovalState, ApprovalStatus
from pratique.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason
from pratique.api.v1alpha1.escalation import TakenStep, TimedStep
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType, NotificationRule
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.gates import review
from pratique.core.gates.changes import changes, find_new, say_named
from pratique.core.gates.doubt import FORGEABLE
from pratique.core.gates.entries import approval_name, round_of
from pratique.core.gates.guarded import verify_guard
from pratique.core.gates.ladder import find_due, next_moment
from pratique.core.gates.offers import say_offer
from pratique.core.gates.standalone import is_new, say_asked, tell_end
from pratique.core.gates.standing_in import next_turn
from pratique.core.gates.talk import heard, tell_news
from pratique.core.gates.tally import STATES, Count, Tally, count
from pratique.core.kernel.conditions import find_condition, ready_or_stalled, set_condition, set_kstatus
from pratique.core.kernel.effects import Create, Deliveries, Failure, ObjectRef, Outcomes, Plan, Read, object_of
from pratique.core.kernel.happened import Happened
from pratique.core.kernel.identity import asked_by
from pratique.core.kernel.text import clean
from pratique.core.telling.addressing import ask_no_more
from pratique.core.telling.recipients import Routing
from pratique.core.telling.recorder import decide_and_record
from pratique.core.telling.stakeholders import stakeholders_of_approval
from pratique.core.telling.wording import NOT_ACCEPTED, approvers_phrase, moment, say_too_late, say_waiting

READ_SUBJECT = "subject"
_MAX_MESSAGE = 2048
"""What the CRD takes: names of many approvers are longer, and the gate must end all the same."""


@dataclass(frozen=True)
class ApprovalSnapshot:
    """Everything that a look at an Approval knows. `run` is None when the cache has none of its uid."""

    approval: Approval
    run: ActionRun | None
    outcomes: Outcomes = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=dict)
    routing: Routing = field(default_factory=Routing)
    rules: tuple[NotificationRule, ...] = ()
    """By which a gate without a run tells: those of a run have their Action's in the spec."""
    tainted: str | None = None
    """Why neither its decisions nor its end are believed: the API server did not guard when they may have been made.

    Only said of a gate from which nothing has followed yet.
    """


def plan_approval(snapshot: ApprovalSnapshot, now: datetime) -> Plan[ApprovalStatus]:
    """Decide what an Approval is, and to whom goes what it tells."""
    return decide_and_record(
        snapshot.approval,
        snapshot.deliveries,
        lambda approval: tell_end(approval, _decide(replace(snapshot, approval=approval), now)),
        lambda after: stakeholders_of_approval(
            snapshot.approval,
            [each.at for each in after.escalation],
            snapshot.rules,
            find_new(snapshot.approval.spec, snapshot.approval.status.timeline),
        ),
        snapshot.routing,
        now,
    )


def _decide(snapshot: ApprovalSnapshot, now: datetime) -> Plan[ApprovalStatus]:
    """Decide about an Approval that is open, or that ended and whose end may be forged; any other end stays."""
    approval, status = snapshot.approval, snapshot.approval.status
    if status.state is ApprovalState.PENDING or (snapshot.tainted and status.state in FORGEABLE):
        return _judge(snapshot, now)
    forged = _is_forged(snapshot, now)
    if isinstance(forged, Plan):
        return forged
    if not forged:
        return Plan(status)
    right, happened = _put_right(approval, now)
    opened = amend(approval, status=right)
    return _judge(replace(snapshot, approval=opened), now).after_that(happened)


def _judge(snapshot: ApprovalSnapshot, now: datetime) -> Plan[ApprovalStatus]:
    """Decide whether a gate is still open, or ended, and how. Withdrawal comes first, then the decisions.

    An end that rests on decisions, a decline too, waits until it is known that they were made under guard.
    """
    approval = snapshot.approval
    ended = None if approval.spec.is_review else _end_with_its_run(snapshot, now)
    if ended is not None:
        return ended
    if snapshot.tainted is not None:
        first = _ask_for_review_again(snapshot, now) if approval.spec.is_review else None
        return first or _supersede(approval, snapshot.tainted, now)
    left = _find_left_behind(approval, snapshot.run)
    if left is not None:
        return _end(approval, ApprovalState.SUPERSEDED, left, now)
    tally = count(approval.spec, now)
    if tally.decisive is not None and (unsure := verify_guard(snapshot.outcomes)) is not None:
        return unsure.as_plan(approval.status)
    counted = amend(approval, status=_with_count(approval.status, approval.spec, tally))
    if approval.spec.is_review:
        return _judge_review(approval, counted, tally, now)
    match tally.tally:
        case Tally.APPROVED:
            return _end(counted, ApprovalState.APPROVED, f"Approved by {_by(tally)}", now)
        case Tally.BROKEN:
            return _end(counted, ApprovalState.BROKEN, f"{_by(tally)} broke the glass", now)
        case Tally.OFFERED if tally.decisive is not None:
            return _end(counted, ApprovalState.OFFERED, say_offer(approval.spec, tally.decisive), now)
        case Tally.DECLINED:
            return _end(counted, ApprovalState.DECLINED, f"Declined by {_by(tally)}", now)
        case Tally.TOO_LATE:
            text = say_too_late(approval.spec)
            return _end(counted, ApprovalState.EXPIRED, text, now)
        case _:
            return _still_open(approval, counted.status, tally, now)


def _end_with_its_run(snapshot: ApprovalSnapshot, now: datetime) -> Plan[ApprovalStatus] | None:
    """Return how a gate ends whose request is gone or was taken back; a review is not ended by that."""
    approval = snapshot.approval
    gone = _subject_is_gone(snapshot)
    if isinstance(gone, Plan):
        return gone
    if gone:
        asked = Happened(f"The request of {asked_by(approval.spec)} was deleted", (EventType.WITHDRAWN,))
        return _end(approval, ApprovalState.WITHDRAWN, "The request was deleted", now).after_that(asked)
    if approval.spec.withdrawn or (snapshot.run is not None and snapshot.run.spec.withdrawn):
        return _end(approval, ApprovalState.WITHDRAWN, "The requester took it back", now)
    if approval.spec.is_rejected:
        return _end(approval, ApprovalState.WITHDRAWN, NOT_ACCEPTED, now)
    return None


def _judge_review(approval: Approval, counted: Approval, tally: Count, now: datetime) -> Plan[ApprovalStatus]:
    """Decide whether a review is signed, or objected to; until then it stays open, and people are reminded."""
    if tally.decisive is not None:
        state = STATES[tally.tally]
        text = review.say_end(state, _by(tally))
        return _end(counted, state, text, now).and_that(review.tell_end(approval, tally.decisive, state))
    wake, due = review.next_reminder(approval, now), review.find_reminder(approval, now)
    if due is None and approval.status.is_counted and approval.status.timeline == counted.status.timeline:
        return Plan(approval.status, wake_at=wake)
    text = clean(review.say_open(approval, tally.waiting_for), _MAX_MESSAGE)
    generation = approval.metadata.generation
    conditions = _open_conditions(list(counted.status.conditions), text, now, generation)
    status = amend(counted.status, message=text, conditions=conditions, observed_generation=generation)
    if due is None:
        return Plan(status, wake_at=wake)
    reminded = Happened(text, (EventType.REVIEW_DUE,), key=format_time(due), stage=approval.spec.stage)
    return Plan(amend(status, reminded_at=due), wake_at=wake, happened=(reminded,))


def state_holds(approval: Approval, run: ActionRun | None, now: datetime) -> bool:
    """Return whether a gate ended as its status says, counted again from the decisions of its frozen spec."""
    if approval.status.state is ApprovalState.WITHDRAWN:
        gone = run is not None and (run.spec.withdrawn or run.metadata.deletion_timestamp is not None)
        return gone or bool(approval.spec.withdrawn) or approval.spec.is_rejected
    if approval.status.state is ApprovalState.SUPERSEDED:
        return True  # it grants nothing: at worst somebody makes the run ask again
    return STATES[count(approval.spec, now).tally] is approval.status.state


def as_decided(approval: Approval, now: datetime) -> Approval:
    """Return the Approval with the decisions that count in its status, whatever its status says of them."""
    decisions = list(count(approval.spec, now).decisions)
    return amend(approval, status=amend(approval.status, decisions=decisions))


def _is_forged(snapshot: ApprovalSnapshot, now: datetime) -> bool | Plan[ApprovalStatus]:
    """Whether a status says that a gate has ended which holds a run and has not. Asked as long as it matters to the run.

    The cache may know of an end and not yet of the withdrawal that caused it, so that is confirmed by a read.
    """
    approval, run = snapshot.approval, snapshot.run
    if approval.spec.is_standalone or approval.spec.is_review:
        return not state_holds(approval, None, now)
    if run is None or run.status.phase.is_end or state_holds(approval, run, now):
        return False
    if approval.status.state is not ApprovalState.WITHDRAWN:
        return True
    gone = _subject_is_gone(replace(snapshot, run=None))
    if isinstance(gone, Plan):
        return gone
    subject = object_of(_read_subject(approval).outcome(snapshot.outcomes)) or {"spec": {}}
    return not gone and not subject["spec"].get("withdrawn")


def _put_right(approval: Approval, now: datetime) -> tuple[ApprovalStatus, Happened]:
    """Return the status of a gate that is open again, since nothing but its status said that it had ended."""
    status = approval.status
    text = f"The status said {status.state.value}, which the decisions do not: it was put right"
    key = f"{status.state.value}/{format_time(now)}"
    conditions = _open_conditions(list(status.conditions), text, now, approval.metadata.generation)
    right = amend(status, state=ApprovalState.PENDING, message=text, decided_at=None, decisions=[], tally="0")
    right = amend(right, conditions=conditions)
    return right, Happened(text, (EventType.STATUS_FORGED,), key=key)


def _subject_is_gone(snapshot: ApprovalSnapshot) -> bool | Plan[ApprovalStatus]:
    """Whether the run was deleted. The cache may be behind, so its absence is confirmed by a read."""
    approval = snapshot.approval
    if approval.spec.is_standalone:
        return False
    if snapshot.run is not None:
        return snapshot.run.metadata.deletion_timestamp is not None
    read = _read_subject(approval)
    found = read.outcome(snapshot.outcomes)
    if found is None:
        return Plan(approval.status, effects=(read,))
    if not isinstance(found, Failure):
        return bool(found.object["metadata"]["uid"] != approval.spec.subject.uid)
    return True if found.reason == "NotFound" else Plan(approval.status, retry=True)


def _read_subject(approval: Approval) -> Read:
    subject = approval.spec.subject
    return Read(READ_SUBJECT, ObjectRef(API_VERSION, "ActionRun", subject.name, approval.metadata.namespace))


def _find_left_behind(approval: Approval, run: ActionRun | None) -> str | None:
    """Return why a gate is open that nothing follows any more: of a run with several stages, another may have ended it."""
    if run is None or approval.spec.is_review:
        return None
    if run.status.phase.is_end:
        return f"Its request has ended as {run.status.phase.value}: {run.status.message}"
    stage, name = approval.spec.stage, approval.metadata.name
    earlier = {approval_name(run, stage, each) for each in range(1, round_of(run))}
    return "An earlier stage is asked again, and this one then too, by another Approval" if name in earlier else None


def _supersede(approval: Approval, why: str, now: datetime) -> Plan[ApprovalStatus]:
    """End a gate whose decisions may be forged. Its run asks again, and tells the approvers; here stands why."""
    if approval.spec.is_standalone:
        return _end(approval, ApprovalState.SUPERSEDED, f"{why}: ask again", now)
    happened = Happened(why, (EventType.SUPERSEDED,), only_here=True)
    return _end(approval, ApprovalState.SUPERSEDED, why, now).after_that(happened)


def _ask_for_review_again(snapshot: ApprovalSnapshot, now: datetime) -> Plan[ApprovalStatus] | None:
    """Return what opens the review that follows one in doubt, until it is there: its run may be gone, or follow others."""
    approval = snapshot.approval
    create = Create(review.OPEN_AGAIN, review.reopen(approval, now))
    made = create.outcome(snapshot.outcomes)
    if made is None:
        return Plan(approval.status, effects=(create,))
    return Plan(approval.status, retry=True) if isinstance(made, Failure) and made.found is None else None


def _by(tally: Count) -> str:
    decisive = tally.decisive
    verdict = decisive.verdict if decisive else None
    return ", ".join(decision.author for decision in tally.decisions if decision.verdict is verdict)


def _with_count(status: ApprovalStatus, spec: ApprovalSpec, tally: Count) -> ApprovalStatus:
    return amend(
        status,
        tally=f"{tally.approvals}/{tally.required}",
        waiting_for=list(tally.waiting_for),
        decisions=list(tally.decisions),
        timeline=changes(spec),
        heard=heard(spec),
    )


def _still_open(approval: Approval, status: ApprovalStatus, tally: Count, now: datetime) -> Plan[ApprovalStatus]:
    """Write only when a decision arrived or changed, or a step is due: an open gate was born with what it needs to say.

    One of version 0.1.0 was born without Ready.
    """
    policy, before, generation = approval.spec.policy, approval.status, approval.metadata.generation
    wake, due = next_moment(policy, now), find_due(policy, approval.status.escalation, now)
    due = due if tally.tally is Tally.OPEN else ()  # approvers have nothing left to do: who asks has
    turn = next_turn(approval.spec, now)
    wake = min(wake, turn) if turn is not None else wake
    same_people = not approval.spec.stand_ins or before.waiting_for == status.waiting_for
    said = tuple(before.decisions) == tally.decisions and before.timeline == status.timeline and same_people
    said = said and before.heard == status.heard
    if said and not due and not is_new(approval):
        kept = before
        if before.conditions and find_condition(before.conditions, ConditionType.READY) is None:  # of version 0.1.0
            conditions = _open_conditions(list(before.conditions), before.message, now, generation)
            kept = amend(before, conditions=conditions)
        return Plan(kept, wake_at=wake)
    text = clean(say_waiting(policy, tally.missing, now), _MAX_MESSAGE)
    conditions = _open_conditions(list(status.conditions), text, now, generation)
    taken = [*before.escalation, *(TakenStep(at=each.at, done_at=now) for each in due)]
    status = amend(status, message=text, conditions=conditions, observed_generation=generation, escalation=taken)
    asked = (say_asked(approval, text),) if is_new(approval) else ()
    news = (*tell_news(approval), *_lent(approval, text), *_climbed(approval, due, text))
    return Plan(status, wake_at=wake, happened=(*asked, *news))


def _lent(approval: Approval, text: str) -> tuple[Happened, ...]:
    """Return what stand-ins are told who were named since the last look: that they are asked, and in whose place."""
    spec, named = approval.spec, find_new(approval.spec, approval.status.timeline)
    if not named or is_new(approval):  # all who are asked are told of a new one
        return ()
    said = "; ".join(say_named(spec, name) for name in named)
    key = format_time(max(lent.at for name in named if (lent := spec.stand_ins[name]).at))
    return (Happened(f"{said}. {text}", (EventType.APPROVAL_REQUESTED,), key=key, stage=spec.stage),)


def _climbed(approval: Approval, due: Sequence[TimedStep], text: str) -> tuple[Happened, ...]:
    """Return what people are told of steps that are due: of several reminders one, and of all that were added at once."""
    stage = approval.spec.stage
    reminders = [each for each in due if each.to is None]
    adding = [each for each in due if each.to is not None]
    happened = []
    if reminders:
        key = format_time(reminders[-1].at)
        happened.append(Happened(text, (EventType.APPROVAL_REMINDER,), key=key, stage=stage))
    if adding:
        who, since = " and ".join(approvers_phrase(each.to) for each in adding if each.to), moment(adding[-1].at)
        said = f"Not decided yet, so since {since} {who} may decide as well. {text}"
        happened.append(Happened(said, (EventType.APPROVAL_ESCALATED,), key=format_time(adding[-1].at), stage=stage))
    return tuple(happened)


def _open_conditions(conditions: list[Condition], text: str, now: datetime, generation: int) -> list[Condition]:
    for kind in (ConditionType.DECIDED, ConditionType.APPROVED):
        conditions = set_condition(
            conditions, kind, ConditionStatus.FALSE, Reason.WAITING_FOR_APPROVAL, text, now, generation
        )
    return set_kstatus(
        conditions,
        ready=ConditionStatus.FALSE,
        reconciling=True,
        stalled=False,
        reason=Reason.WAITING_FOR_APPROVAL,
        message=text,
        now=now,
        generation=generation,
    )


_REASONS = {
    ApprovalState.APPROVED: Reason.GRANTED,
    ApprovalState.BROKEN: Reason.GLASS_BROKEN,
    ApprovalState.OFFERED: Reason.COUNTER_OFFERED,
    ApprovalState.DECLINED: Reason.DECLINED,
    ApprovalState.EXPIRED: Reason.EXPIRED,
    ApprovalState.WITHDRAWN: Reason.WITHDRAWN,
    ApprovalState.SUPERSEDED: Reason.SUPERSEDED,
}


def _end(approval: Approval, state: ApprovalState, message: str, now: datetime) -> Plan[ApprovalStatus]:
    message = clean(message, _MAX_MESSAGE)
    generation = approval.metadata.generation
    approved = ConditionStatus.TRUE if state is ApprovalState.APPROVED else ConditionStatus.FALSE
    passed = ConditionStatus.TRUE if state in (ApprovalState.APPROVED, ApprovalState.BROKEN) else ConditionStatus.FALSE
    reason = _REASONS[state]
    conditions = list(approval.status.conditions)
    for kind, holds in ((ConditionType.DECIDED, ConditionStatus.TRUE), (ConditionType.APPROVED, approved)):
        conditions = set_condition(conditions, kind, holds, reason, message, now, generation)
    # granted is what it was asked to be, and so is broken, though nobody approved it; any other end is one that nothing
    # mends, so that no pipeline passes it
    conditions = ready_or_stalled(conditions, passed, reason, message, now, generation)
    ended = amend(
        approval.status,
        notifications=ask_no_more(list(approval.status.notifications), state.value, now),
        state=state,
        message=message,
        waiting_for=[],
        decided_at=now,
        observed_generation=generation,
        conditions=conditions,
    )
    return Plan(ended)
