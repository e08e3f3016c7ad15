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
)
from pratique.api.v1alpha1.decisions import RecordedDecision
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.stages import Approvers, Stage
from pratique.api.v1alpha1.subject import Subject
from pratique.core.gates.broken import is_opened, who_broke
from pratique.core.kernel.effects import Json
from pratique.core.kernel.happened import Happened
from pratique.core.kernel.identity import askers, is_among
from pratique.core.kernel.text import clean
from pratique.core.plans.objects import RUN_UID_LABEL
from pratique.core.telling.wording import moment

REVIEW_LABEL = "pratique.dev/review"
OPEN_AGAIN = "open-review-again"
DUE = timedelta(days=3)
REMIND = timedelta(days=1)
_MOST = 32
"""Users, and groups, that one Approval can list."""
_MOST_EXCLUDED, _LONGEST_NAME = 512, 253
TOLD = {
    ApprovalState.APPROVED: (EventType.REVIEW_SIGNED, EventType.HANDLED),
    ApprovalState.DECLINED: (EventType.REVIEW_OBJECTED, EventType.HANDLED),
}
"""What people are told of its end."""


def review_name(gate: str, number: int = 1) -> str:
    """Return the name of the how many-th review of a gate: of a long one its end, which holds the uid of its run."""
    suffix = "-review" + (f"-{number}" if number > 1 else "")
    return gate[-(_LONGEST_NAME - len(suffix)) :].lstrip("-.") + suffix


def find_review(gate: str, reviews: Iterable[Approval]) -> Approval | None:
    """Return a review of a gate that is there already; any of them, since one leads to the next."""
    return next(
        (each for each in reviews if review_name(gate, _number(each.metadata.name)) == each.metadata.name), None
    )


def find_skipped(plan: RunPlan | None, gate: Approval | None, now: datetime) -> Approvers | None:
    """Return who was skipped where somebody broke the glass of this gate; None where nobody did."""
    if plan is None or gate is None or who_broke(gate, now) is None:
        return None
    return skipped_approvers(plan, gate, now)


def skipped_approvers(plan: RunPlan, gate: Approval, now: datetime) -> Approvers:
    """Return who was skipped by a break-glass: all who might have decided this gate, and the stages that it opened too."""
    users, groups = _names(plan, gate, now)
    return Approvers(users=users[:_MOST], groups=groups[:_MOST])


def _names(plan: RunPlan, gate: Approval, now: datetime) -> tuple[list[str], list[str]]:
    stages = _skipped(plan, gate, now)
    names = [each.all_approvers for each in stages] + [
        step.to for each in stages for step in each.escalation or () if step.to
    ]
    return _once(name for each in names for name in each.users), _once(name for each in names for name in each.groups)


def _skipped(plan: RunPlan, gate: Approval, now: datetime) -> list[Stage]:
    """Return the stages whose people were skipped; that of the gate first."""
    since = dropwhile(lambda each: each.name != gate.spec.stage, plan.stages)
    return [each for each in since if each.name == gate.spec.stage or is_opened(each, [gate], now)]


def open_review(run: ActionRun, plan: RunPlan, gate: Approval, broke: RecordedDecision, now: datetime) -> Json:
    """Return the Approval that reviews who broke the glass of this gate, to be created."""
    spec, breaker, why = gate.spec, broke.by, f"{moment(broke.decided_at)}: {broke.comment}"
    approvers, out = _reviewers(plan, gate, breaker, now)
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
        excluded=out,
        inputs=spec.inputs,
        plan=ApprovalPlan(digest=spec.planned.digest, summary=spec.planned.summary, cost=spec.planned.cost),
        policy=GatePolicy(approvers=approvers, due=now + DUE),
        notifications=spec.notifications,
    )
    return _manifest(review_name(gate.metadata.name), run.metadata.namespace, reviewed)


def reopen(review: Approval, now: datetime) -> Json:
    """Return the review that follows one that was superseded, as it may be forged: it is asked again."""
    name = review.metadata.name
    spec = amend(review.spec, decisions={}, policy=amend(review.spec.policy, due=now + DUE))
    next_name = review_name(name.rpartition("-review")[0], _number(name) + 1)
    return _manifest(next_name, review.metadata.namespace, spec)


def is_review_of(found: Approval, run: ActionRun, plan: RunPlan, gate: Approval, now: datetime) -> bool:
    """Whether an Approval that is there reviews this gate: of the same run, not by who broke it, by nobody but who might.

    The version before excluded fewer, so whom it asked need not be whom this one would ask.
    """
    spec, broke, glass = found.spec, who_broke(gate, now), gate.spec.policy.break_glass or Approvers()
    users, groups = _names(plan, gate, now)
    same_run = spec.is_review and (spec.subject.uid, spec.stage) == (run.metadata.uid, gate.spec.stage)
    left_out = broke is not None and is_among(broke.by, tuple(spec.excluded or ()))
    asked = spec.policy.approvers
    return (
        same_run
        and left_out
        and {*users, *glass.users} >= {*asked.users}
        and {*groups, *glass.groups} >= {*asked.groups}
    )


def can_be_signed(spec: ApprovalSpec) -> bool:
    """Whether anybody is left who may sign a review; who is in a group is not known. Else it would be open for ever."""
    cannot = (*askers(spec), *(spec.excluded or ()))
    approvers = spec.policy.approvers
    return bool(approvers.groups) or any(not is_among(each, cannot) for each in approvers.users)


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


def _reviewers(plan: RunPlan, gate: Approval, breaker: str, now: datetime) -> tuple[Approvers, list[str]]:
    """Return who signs, and who cannot: who broke it, who decided an earlier stage, and whom a skipped one excludes.

    Where nobody is left, whom a later stage alone excludes may sign: the API server knew no later stage when it took the
    break-glass.
    """
    stages = _skipped(plan, gate, now)
    here = _once([breaker, *(gate.spec.excluded or ()), *(name for each in stages[:1] for name in each.exclude or ())])
    stricter = _once([*here, *(name for each in stages for name in each.exclude or ())])
    for out in (stricter, here):
        signs = _who_signs(plan, gate, out, now)
        if signs is not None:
            return signs, out[:_MOST_EXCLUDED]
    return skipped_approvers(plan, gate, now), here[:_MOST_EXCLUDED]


def _who_signs(plan: RunPlan, gate: Approval, out: Sequence[str], now: datetime) -> Approvers | None:
    """Return who was skipped and may sign, or where nobody of them may, others who may break this glass; None if nobody."""
    glass, cannot = gate.spec.policy.break_glass or Approvers(), (*askers(gate.spec), *out)
    for users, groups in (_names(plan, gate, now), (glass.users, glass.groups)):
        left = [each for each in users if not is_among(each, cannot)]
        if left or groups:
            return Approvers(users=left[:_MOST], groups=groups[:_MOST])
    return None


def _number(name: str) -> int:
    """Return the how many-th review of its gate this is, by its name."""
    number = name.rpartition("-review")[2][1:]
    return int(number) if number.isdecimal() else 1


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _manifest(name: str, namespace: str | None, spec: ApprovalSpec) -> Json:
    labels = {RUN_UID_LABEL: spec.subject.uid, REVIEW_LABEL: "open"}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": API_VERSION, "kind": "Approval", "metadata": metadata, "spec": spec.to_wire()}
