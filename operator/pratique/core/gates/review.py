"""The review of a break-glass: an Approval that nothing waits for and that has no deadline; it ends when somebody signs it.

Whoever was skipped signs or objects; neither undoes anything. It outlives its run, nobody deletes it while it is open, and
who is to sign is reminded once it is due, every day. Called by `granted` and `core.runs.reviewed`, which open it, and by
`plan`, which ends it. Pure.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import dropwhile

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.approval import (
    Approval,
    ApprovalPlan,
    ApprovalSpec,
    ApprovalState,
    GatePolicy,
    Purpose,
    Subject,
)
from pratique.api.v1alpha1.decisions import RecordedDecision
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.stages import Approvers, Stage
from pratique.core.gates.broken import is_opened, who_broke
from pratique.core.kernel.effects import Json
from pratique.core.kernel.happened import Happened
from pratique.core.kernel.identity import askers, is_among
from pratique.core.kernel.text import clean
from pratique.core.plans.objects import RUN_UID_LABEL
from pratique.core.telling.wording import moment

REVIEW_LABEL = "pratique.dev/review"
DUE = timedelta(days=3)
REMIND = timedelta(days=1)
_MOST = 32
"""Users, and groups, that one Approval can list."""
TOLD = {
    ApprovalState.APPROVED: (EventType.REVIEW_SIGNED, EventType.HANDLED),
    ApprovalState.DECLINED: (EventType.REVIEW_OBJECTED, EventType.HANDLED),
}
"""What people are told of its end."""


def review_name(gate: str, number: int = 1) -> str:
    """Return the name of the how many-th review of a gate."""
    return f"{gate}-review" + (f"-{number}" if number > 1 else "")


def find_skipped(plan: RunPlan | None, gate: Approval | None, now: datetime) -> Approvers | None:
    """Return who was skipped where somebody broke the glass of this gate; None where nobody did."""
    if plan is None or gate is None or who_broke(gate, now) is None:
        return None
    return skipped_approvers(plan, gate, now)


def skipped_approvers(plan: RunPlan, gate: Approval, now: datetime) -> Approvers:
    """Return who was skipped by a break-glass: all who might have decided this gate, and the stages that it opened too."""
    stages = _skipped(plan, gate, now)
    names = [each.all_approvers for each in stages] + [
        step.to for each in stages for step in each.escalation or () if step.to
    ]
    return Approvers(
        users=_first(name for each in names for name in each.users),
        groups=_first(name for each in names for name in each.groups),
    )


def _skipped(plan: RunPlan, gate: Approval, now: datetime) -> list[Stage]:
    """Return the stages whose people were skipped; that of the gate first."""
    since = dropwhile(lambda each: each.name != gate.spec.stage, plan.stages)
    return [each for each in since if each.name == gate.spec.stage or is_opened(each, [gate], now)]


def open_review(run: ActionRun, plan: RunPlan, gate: Approval, broke: RecordedDecision, now: datetime) -> Json:
    """Return the Approval that reviews who broke the glass of this gate, to be created."""
    spec, breaker, why = gate.spec, broke.by, f"{moment(broke.decided_at)}: {broke.comment}"
    out = [breaker, *(name for each in _skipped(plan, gate, now)[:1] for name in each.exclude or ())]
    reviewed = ApprovalSpec(
        subject=Subject(kind="ActionRun", name=run.metadata.name, uid=run.metadata.uid),
        purpose=Purpose.REVIEW,
        stage=spec.stage,
        action=spec.action,
        title=spec.title,
        message=clean(f"{breaker} broke the glass of stage {spec.stage} at {why}", 512),
        reason=spec.reason,
        requested_by=spec.requested_by or Requester(username="unknown"),
        on_behalf_of=spec.on_behalf_of,
        excluded=list(dict.fromkeys(out)),
        inputs=spec.inputs,
        plan=ApprovalPlan(digest=spec.planned.digest, summary=spec.planned.summary, cost=spec.planned.cost),
        policy=GatePolicy(approvers=_reviewers(plan, gate, out, now), due=now + DUE),
        notifications=spec.notifications,
    )
    return _manifest(review_name(gate.metadata.name), run.metadata.namespace, reviewed)


def reopen(review: Approval, now: datetime) -> Json:
    """Return the review that follows one that was superseded, as it may be forged: it is asked again."""
    name, _, number = review.metadata.name.rpartition("-review")
    spec = amend(review.spec, decisions={}, policy=amend(review.spec.policy, due=now + DUE))
    return _manifest(review_name(name, int(number[1:] or 1) + 1), review.metadata.namespace, spec)


def is_review_of(found: Approval, wanted: Approval) -> bool:
    """Whether an Approval that is there is this review: of the same run, by the same people, not by who broke the glass."""
    mine, theirs = found.spec, wanted.spec
    same_run = mine.is_review and mine.subject.uid == theirs.subject.uid
    return same_run and (mine.policy.approvers, mine.excluded) == (theirs.policy.approvers, theirs.excluded)


def say_open(review: Approval, waiting_for: Sequence[str]) -> str:
    """Return on whom a review waits, and until when it should be signed."""
    due = review.spec.policy.due
    by = f", due {moment(due)}" if due is not None else ""
    return f"{review.spec.message}. To be signed by one of {', '.join(waiting_for)}{by}"


def find_reminder(review: Approval, now: datetime) -> datetime | None:
    """Return the moment that people have to be reminded of now: the last that has come and that they were not told of."""
    due, told = review.spec.policy.due or now, review.status.reminded_at
    if now < due:
        return None
    last = due + (now - due) // REMIND * REMIND
    return None if told is not None and told >= last else last


def next_reminder(review: Approval, now: datetime) -> datetime:
    """Return when people are reminded next: at the moment when it is due, and then every day, without end."""
    due = review.spec.policy.due or now
    return due if now < due else due + ((now - due) // REMIND + 1) * REMIND


def say_end(state: ApprovalState, who: str) -> str:
    """Return how a review ended."""
    return f"Signed by {who}" if state is ApprovalState.APPROVED else f"Objected to by {who}"


def tell_end(review: Approval, decisive: RecordedDecision, state: ApprovalState) -> Happened:
    """Return what people are told of the end of a review."""
    said = f": {decisive.comment}" if decisive.comment else ""
    return Happened(f"{say_end(state, decisive.by)}{said}. {review.spec.message}", TOLD[state])


def _reviewers(plan: RunPlan, gate: Approval, out: Sequence[str], now: datetime) -> Approvers:
    """Return who signs: who was skipped, or where nobody of them may, others who may break this glass."""
    skipped, glass = skipped_approvers(plan, gate, now), gate.spec.policy.break_glass
    cannot = (*askers(gate.spec), *out)
    users = [each for each in skipped.users if not is_among(each, cannot)]
    if users or skipped.groups or glass is None:
        return Approvers(users=users, groups=skipped.groups)
    others = [each for each in glass.users if not is_among(each, cannot)]
    return Approvers(users=others, groups=glass.groups) if others or glass.groups else skipped


def _first(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))[:_MOST]


def _manifest(name: str, namespace: str | None, spec: ApprovalSpec) -> Json:
    labels = {RUN_UID_LABEL: spec.subject.uid, REVIEW_LABEL: "open"}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": API_VERSION, "kind": "Approval", "metadata": metadata, "spec": spec.to_wire()}
