"""Decides which gates wait for somebody, and which they have decided. Pure; called by `inbox`.

Who may decide, and what counts, `core.gates.tally` knows. No gate is both: who has decided is not waited for, and who took
it back has not decided.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.approval import Approval, ApprovalState, Purpose
from pratique.api.v1alpha1.decisions import Decision, Verdict
from pratique.api.v1alpha1.delegations import LONGEST_DAYS, DelegationRule
from pratique.api.v1alpha1.notifications import EventType
from pratique.core.gates.changes import changes
from pratique.core.gates.tally import awaits, count, decision_of, may_take_back, open_parts
from pratique.core.kernel.identity import asked_by
from pratique.core.kernel.text import clean
from pratique.core.telling.commands import decision_command, delegation_command, offer_command, talk_command
from pratique.core.telling.messages import title_of
from pratique.core.telling.wording import say_ended, say_found, say_range
from pratique.views.rows import Asked, Decided, Said, Undelivered, Viewer, Waiting
from pratique.views.told import LINE, TEXT, lines, place, undelivered, words

Runs = Mapping[str, ActionRun]
"""By uid. A gate whose run is not seen is shown without what only the run knows."""


def is_open(approval: Approval) -> bool:
    """Whether a gate still takes decisions, as far as its status says."""
    return approval.status.state is ApprovalState.PENDING and approval.metadata.deletion_timestamp is None


def waits_for(approval: Approval, viewer: Viewer, now: datetime) -> bool:
    """Whether a gate waits for this person, now."""
    return is_open(approval) and awaits(approval.spec, viewer.username, viewer.groups, now)


def waiting(approval: Approval, runs: Runs, viewer: Viewer, now: datetime, since: datetime, kubectl: str) -> Waiting:
    """Return what an approver needs to decide."""
    spec, meta, tally = approval.spec, approval.metadata, count(approval.spec, now)
    parts = open_parts(spec, viewer.username, viewer.groups, now)
    places = [each for each in parts if each is not None]
    principal = places[0] if places and None not in parts else None
    return Waiting(
        approval=meta.name,
        namespace=meta.namespace or "",
        run=clean(spec.subject.name, LINE),
        action=clean(spec.action, LINE),
        title=title_of(approval),
        url=clean(spec.subject.url or "", 2 * LINE),
        requested_by=clean(asked_by(spec), LINE),
        reason=clean(spec.reason),
        inputs=tuple(
            Asked(clean(each.name, LINE), clean(each.title, LINE), clean(each.value, LINE))
            for each in spec.inputs or ()
        ),
        held_because=clean(spec.message, LINE),
        summary=lines(spec.planned.summary),
        cost=clean(spec.planned.cost or "", LINE),
        approvals=tally.approvals,
        required=tally.required,
        said=tuple(
            Said(clean(each.author, LINE), each.verdict.value, clean(each.comment), each.decided_at)
            for each in tally.decisions
        ),
        thread=words(approval),
        ask=talk_command(approval, viewer.username, kubectl),
        changes=lines(each.message for each in changes(spec)),
        waiting_for=lines(tally.waiting_for),
        found=lines(say_found([each]) for each in spec.found or ()),
        opened_at=meta.creation_timestamp,
        deadline=spec.policy.deadline,
        purpose=(spec.purpose or Purpose.GATE).value,
        due=spec.policy.due,
        in_place_of=lines(places),
        approve=decision_command(approval, "Approve", viewer.username, kubectl, principal),
        decline=decision_command(approval, "Decline", viewer.username, kubectl, principal),
        offer=_offer(approval, viewer, principal, kubectl),
        may_offer=lines(_offered(approval)),
        name_stand_in=_name_stand_in(approval, viewer, kubectl) if None in parts else None,
        unread=meta.creation_timestamp > since,
        undelivered=_undelivered(approval, runs),
    )


def decided(
    approval: Approval, runs: Runs, viewer: Viewer, now: datetime, since: datetime, kubectl: str
) -> Decided | None:
    """Return what became of a gate that this person has decided; None if they have not, or took it back."""
    decision = decision_of(approval.spec, viewer.username)
    if decision is None or decision.verdict is Verdict.UNDECIDED:
        return None
    spec, status, meta = approval.spec, approval.status, approval.metadata
    at, run = _when(decision, approval), runs.get(spec.subject.uid)
    ended = None if status.state is ApprovalState.PENDING else status.decided_at or at
    return Decided(
        approval=meta.name,
        namespace=meta.namespace or "",
        run=clean(spec.subject.name, LINE),
        title=title_of(approval),
        requested_by=clean(asked_by(spec), LINE),
        verdict=decision.verdict.value,
        comment=clean(decision.comment),
        at=at,
        state=status.state.value,
        outcome=clean(status.message if status.state is ApprovalState.PENDING else say_ended(approval), TEXT),
        take_back=_take_back(approval, viewer, now, kubectl),
        ended_at=ended,
        run_phase=None if run is None else run.status.phase.value,
        unread=(ended or at) > since,
    )


def gates_of(approvals: tuple[Approval, ...], viewer: Viewer, now: datetime) -> list[Approval]:
    """Return the gates that wait for somebody; what ends first comes first."""
    found = (each for each in approvals if waits_for(each, viewer, now))
    return sorted(found, key=lambda each: (each.spec.policy.due or each.spec.policy.until, place(each)))


def _take_back(approval: Approval, viewer: Viewer, now: datetime, kubectl: str) -> str | None:
    """Return the line for a shell by which somebody takes back what they said, if they still may."""
    if not is_open(approval) or not may_take_back(approval.spec, viewer.username, viewer.groups, now):
        return None
    said = approval.spec.decisions[viewer.username]
    return decision_command(approval, Verdict.UNDECIDED, viewer.username, kubectl, said.for_)


def _offer(approval: Approval, viewer: Viewer, principal: str | None, kubectl: str) -> str | None:
    """Return the line for a shell by which an approver offers something else, if the rule takes that."""
    takes = approval.spec.policy.counter_offer is not None
    return offer_command(approval, viewer.username, kubectl, principal) if takes else None


def _offered(approval: Approval) -> list[str]:
    """Return what may be offered instead: `ttl: 3d, 5d`."""
    rule = approval.spec.policy.counter_offer
    return [f"{name}: {say_range(each)}" for name, each in sorted(rule.inputs.items())] if rule is not None else []


def _name_stand_in(approval: Approval, viewer: Viewer, kubectl: str) -> str | None:
    """Return the line for a shell by which an approver names a stand-in until the end of the gate, if it takes any."""
    if approval.spec.policy.delegation is not DelegationRule.ALLOW:
        return None
    longest = approval.metadata.creation_timestamp + timedelta(days=LONGEST_DAYS)
    until = min(approval.spec.policy.until, longest)
    return delegation_command(approval, viewer.username, until, kubectl)


def _when(decision: Decision, approval: Approval) -> datetime:
    """Return when it was decided; without a stamp, which the API server does not let pass, when the gate was opened."""
    return decision.decided_at or approval.metadata.creation_timestamp


def _undelivered(approval: Approval, runs: Runs) -> tuple[Undelivered, ...]:
    """Return what approvers were not told: the request itself is in the outbox of the run."""
    run = runs.get(approval.spec.subject.uid)
    asked = () if run is None else undelivered(run.status.notifications, EventType.APPROVAL_REQUESTED)
    return (*asked, *undelivered(approval.status.notifications))
