"""Says whom an object concerns, kind by kind: for `addressing`, which decides what each of them is sent. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.approval import Approval
from pratique.api.v1alpha1.decisions import Verdict
from pratique.api.v1alpha1.environment import Environment
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notification_channel import NotificationChannel
from pratique.api.v1alpha1.notifications import EventType, Notification, NotificationRule
from pratique.api.v1alpha1.people import People
from pratique.api.v1alpha1.stages import Approvers, Stage
from pratique.core.kernel.identity import askers, person_of
from pratique.core.telling.events import ASKING
from pratique.core.telling.recipients import Stakeholders


def stakeholders_of_run(
    run: ActionRun,
    approval: Approval | None,
    rules: list[NotificationRule],
    excluded: Iterable[str] = (),
    skipped: Approvers | None = None,
) -> Stakeholders:
    """Return whom a run concerns: its approvers as its gate names them, and the person for whom it was asked.

    The gate is the one that was opened last; `excluded` are those of its approvers who cannot decide it. `skipped` are all
    who were skipped where somebody broke its glass.
    """
    out = (*askers(run.spec), *excluded)
    ends = [each.expires_at for each in run.status.resources if each.held and each.expires_at is not None]
    before = {EventType.OBJECT_ENDING: min(ends)} if ends else {}
    found = Stakeholders(
        tuple(rules), approvers_of(run, approval), person_of(run.spec), out, (), run.metadata.annotations
    )
    found = replace(found, before=before)
    if approval is None:
        return found
    before |= dict.fromkeys(ASKING, approval.spec.policy.until)
    concerned = _with_stand_ins(approval, approvers_of(run, approval) or Approvers(), approval.spec.stand_ins)
    # stand-ins are asked by the gate, which knows whom they stand in for
    asked = {EventType.APPROVAL_REQUESTED: approvers_of(run, approval) or Approvers()}
    asked |= {EventType.GLASS_BROKEN: skipped} if skipped is not None else {}
    return replace(found, approvers=concerned, asked=asked, deciders=_who_decided(approval), before=before)


def _with_stand_ins(approval: Approval, approvers: Approvers, named: Iterable[str]) -> Approvers:
    """Return these, and who stands in for the people of these names."""
    users = [*approvers.users, *(approval.spec.stand_ins[name].to for name in named)]
    return amend(approvers, users=list(dict.fromkeys(users)))


def stage_of(run: ActionRun, approval: Approval | None) -> Stage | None:
    """Return the stage whose people are asked: that of the Approval, or of the gate that was opened last, or the first."""
    plan, opened = run.status.head, run.status.approvals
    stages = plan.stages if plan is not None else ()
    name = approval.spec.stage if approval is not None else opened[-1].stage if opened else None
    return next((each for each in stages if name is None or each.name == name), None)


def approvers_of(run: ActionRun, approval: Approval | None) -> Approvers | None:
    """Return who is asked, whom a step has added too; the Approval's own copy is preferred, since it is what decides."""
    if approval is not None:
        return _asked_so_far(approval)
    stage = stage_of(run, approval)
    return stage.all_approvers if stage is not None else None


def stakeholders_of_approval(
    approval: Approval,
    taken: Iterable[datetime] = (),
    own_rules: tuple[NotificationRule, ...] = (),
    named: Iterable[str] = (),
) -> Stakeholders:
    """Return whom a gate concerns by itself: without a run, when that is gone, its status forged, or nobody decides.

    `taken` are the moments of the steps that people were told of, or are now: a reminder is for who was asked before.
    `own_rules` are those by which a gate without a run tells, `named` who have named a stand-in since the last look.
    A review concerns whoever broke the glass.
    """
    spec, moments = approval.spec, frozenset(taken)
    policy, asked = spec.policy, _with_stand_ins(approval, _asked_so_far(approval), spec.stand_ins)
    fresh_stand_ins = _with_stand_ins(approval, Approvers(), named)
    fresh = moments - {each.at for each in approval.status.escalation}
    return Stakeholders(
        own_rules if spec.is_standalone else tuple(spec.notifications),
        _with_stand_ins(approval, policy.approvers_after(moments), spec.stand_ins),
        next(iter(spec.excluded or ()), "") if spec.is_review else person_of(spec),
        (*askers(spec), *(spec.excluded or ())),
        _who_decided(approval),
        decided=tuple(name for name, each in spec.decisions.items() if each.verdict is not Verdict.UNDECIDED),
        asked={
            EventType.APPROVAL_REMINDER: asked,
            EventType.APPROVAL_ESCALATED: policy.added_by(fresh),
            **({EventType.APPROVAL_REQUESTED: fresh_stand_ins} if _is_asked_already(approval) else {}),
        },
        before=dict.fromkeys(ASKING, policy.until),
    )


def approvers_of_entry(approval: Approval, entry: Notification) -> Approvers:
    """Return whom an entry of a gate's own outbox is for: of an escalation, whom the steps added that it tells of."""
    if entry.event is EventType.APPROVAL_ESCALATED:
        return approval.spec.policy.added_by(each.at for each in approval.status.escalation if each.done_at == entry.at)
    if entry.event is EventType.APPROVAL_REQUESTED and not approval.spec.is_standalone:
        return _with_stand_ins(approval, Approvers(), approval.spec.stand_ins)
    return _with_stand_ins(approval, approval.spec.policy.approvers_at(entry.at), approval.spec.stand_ins)


def _is_asked_already(approval: Approval) -> bool:
    """Whether the approvers of a gate were told of it: by its run, or by itself at the first look."""
    return not approval.spec.is_standalone or approval.status.is_counted


def _asked_so_far(approval: Approval) -> Approvers:
    return approval.spec.policy.approvers_after(each.at for each in approval.status.escalation)


def _who_decided(approval: Approval) -> tuple[str, ...]:
    """Return whose decision was the last: they know how it ended, and those who decided before them do not."""
    said = approval.spec.decisions.items()
    times = {name: each.decided_at for name, each in said if each.decided_at and each.verdict is not Verdict.UNDECIDED}
    last = max(times.values(), default=None)
    return tuple(name for name, when in times.items() if when == last)


def stakeholders_of_environment(environment: Environment) -> Stakeholders:
    """Return whom an Environment concerns: for whom it is."""
    spec, end = environment.spec, environment.status.expires_at
    return Stakeholders(
        rules=tuple(spec.notifications),
        requester=spec.requested_by or "",
        annotations=environment.metadata.annotations,
        before={EventType.ENVIRONMENT_EXPIRING: end} if end is not None else {},
    )


def stakeholders_of_channel(channel: NotificationChannel, value: str) -> Stakeholders:
    """Return whom a test of a channel is for: the place that it writes to, or the user whom the annotation names."""
    people = People(users=[value]) if value else None
    rule = NotificationRule(channels=[channel.metadata.name], events=[EventType.TEST], to=[], people=people)
    return Stakeholders(rules=(rule,))
