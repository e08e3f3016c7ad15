"""Says of a run whether its break-glasses are reviewed: while it runs, and after its end, for as long as one is open. Pure.

A run with an open review is not settled, so that it is told when somebody signs. A review that the API server had not
guarded is followed by the next, which `core.gates.plan` has opened as it superseded the first, or which is opened here.
Called by `plan`, around every decision about a run.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action_run import ActionRunStatus, RunApproval
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.api.v1alpha1.conditions import ConditionStatus, ConditionType, Reason
from pratique.api.v1alpha1.meta import amend
from pratique.core.gates.review import OPEN_AGAIN, reopen
from pratique.core.kernel.conditions import drop_condition, set_condition
from pratique.core.kernel.effects import Create, Failure, ObjectRef, Plan, Read, Stored
from pratique.core.runs.snapshot import RunSnapshot

READ_REVIEW = "read-review"
_LOOK = timedelta(days=1)
_CLOSED = {ApprovalState.APPROVED: Reason.SIGNED, ApprovalState.DECLINED: Reason.OBJECTED}

Found = dict[str, Approval | None]
"""By name; None is gone."""


def with_reviews(plan: Plan[ActionRunStatus], snapshot: RunSnapshot, now: datetime) -> Plan[ActionRunStatus]:
    """Return a decision about a run with what became of its reviews, or what has to be looked up for that first."""
    names = [each.review for each in plan.status.approvals if each.review]
    if plan.effects or snapshot.run.metadata.deletion_timestamp is not None:
        return plan
    if not names:
        left = drop_condition(list(plan.status.conditions), ConditionType.REVIEWED)
        return (
            plan if left == list(plan.status.conditions) else replace(plan, status=amend(plan.status, conditions=left))
        )
    found, first = _find(names, snapshot, now)
    if first is not None:
        return first
    status = amend(plan.status, approvals=[_follow(each, found) for each in plan.status.approvals])
    told = _say(names, found)
    conditions = set_condition(
        list(status.conditions), ConditionType.REVIEWED, *told, now, snapshot.run.metadata.generation
    )
    wake = plan.wake_at
    if status.phase.is_end and told[0] is ConditionStatus.FALSE:
        wake = min(wake or now + _LOOK, now + _LOOK)
    return replace(plan, status=amend(status, conditions=conditions), wake_at=wake)


def _find(names: Iterable[str], snapshot: RunSnapshot, now: datetime) -> tuple[Found, Plan[ActionRunStatus] | None]:
    """Return the reviews by name, and under the name of a superseded one the next; or what must be done to know them."""
    known, found = {each.metadata.name: each for each in snapshot.reviews}, Found()
    status, namespace = snapshot.run.status, snapshot.run.metadata.namespace
    for name in names:
        review = known.get(name)
        if review is None:
            read = Read(f"{READ_REVIEW}-{name}", ObjectRef(API_VERSION, "Approval", name, namespace))
            asked = read.outcome(snapshot.outcomes)
            if asked is None:
                return {}, Plan(status, effects=(read,))
            if isinstance(asked, Failure) and asked.reason != "NotFound":
                return {}, Plan(status, retry=True)
            review = Approval.model_validate(asked.object) if isinstance(asked, Stored) else None
        if review is not None and review.status.state is ApprovalState.SUPERSEDED:
            create = Create(f"{OPEN_AGAIN}-{name}", reopen(review, now))
            made = create.outcome(snapshot.outcomes)
            if made is None:
                return {}, Plan(status, effects=(create,))
            there = made.found if isinstance(made, Failure) else made
            if there is None:
                return {}, Plan(status, retry=True)
            review = Approval.model_validate(there.object)
        found[name] = review
    return found, None


def _follow(gate: RunApproval, found: Found) -> RunApproval:
    """Return what a run's status says of a gate, with the name of the review that is to be signed now."""
    review = found.get(gate.review or "")
    return gate if review is None else amend(gate, review=review.metadata.name)


def _say(names: Iterable[str], found: Found) -> tuple[ConditionStatus, Reason, str]:
    """Return the condition: open while one of them is, then how they ended; an objection prevails."""
    reviews = [found[name] for name in names]
    there = [each for each in reviews if each is not None]
    open_ = [each.metadata.name for each in there if each.status.state not in _CLOSED]
    if open_:
        text = f"Somebody broke the glass, and nobody has looked at it since: sign or object in Approval {', '.join(open_)}"
        return ConditionStatus.FALSE, Reason.REVIEW_OPEN, text
    if len(there) < len(reviews):
        return ConditionStatus.UNKNOWN, Reason.REVIEW_GONE, "The Approval that reviews its break-glass is gone"
    objected = [each for each in there if each.status.state is ApprovalState.DECLINED]
    last = (objected or there)[-1]
    return ConditionStatus.TRUE, _CLOSED[last.status.state], last.status.message
