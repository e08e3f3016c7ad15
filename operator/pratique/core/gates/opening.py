"""Builds the Approvals of a run, one a stage, with all that is frozen in them; says whether one that is there is the same.

Whoever decided in one stage is excluded from those after it. Must not decide what becomes of it (`plan` does). Called by
`granted`, which opens it. Pure.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunApproval, RunPlan
from pratique.api.v1alpha1.approval import (
    Approval,
    ApprovalPlan,
    ApprovalSpec,
    AskedInput,
    GatePolicy,
    GateRule,
    Purpose,
)
from pratique.api.v1alpha1.counter_offer import ConsentRule, Offered
from pratique.api.v1alpha1.delegations import DelegationRule
from pratique.api.v1alpha1.found import FoundPeople
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.stages import Approvers, Quorum, SamePeople, Stage
from pratique.api.v1alpha1.subject import Subject
from pratique.core.environments.ttl import expires_at
from pratique.core.gates.entries import approval_name, round_of
from pratique.core.gates.ladder import as_if_until, climb, only_rights
from pratique.core.gates.tally import count
from pratique.core.kernel.effects import Json
from pratique.core.kernel.identity import fold
from pratique.core.kernel.places import place_of, schema_around, values_of
from pratique.core.kernel.text import clean
from pratique.core.plans.document import Document, document, is_plan_of, without_versions
from pratique.core.plans.objects import RUN_UID_LABEL
from pratique.core.telling.shown_inputs import LABELS, asked_inputs

NO_RULE = "The rule by which it was approved is not the one of its plan: spec.policy of the Approval is another"


def policy_of(stage: Stage, deadline: datetime) -> GatePolicy:
    """Return the rule of a stage, as it is frozen in its gate: those of its alternatives decide in the same one."""
    several = len(stage.ways) > 1
    return GatePolicy(
        approvers=stage.all_approvers,
        required=min(each.needed for each in stage.ways),
        require_from=None if several else stage.require_from,
        alternatives=[_rule(each) for each in stage.ways] if several else None,
        decline_threshold=stage.decline_threshold,
        comment=stage.comment,
        delegation=DelegationRule.ALLOW if stage.allows_stand_ins else None,
        deadline=deadline,
        escalation=climb(stage, deadline),
        break_glass=stage.break_glass,
        counter_offer=stage.counter_offer,
    )


def _rule(way: Quorum) -> GateRule:
    who = Approvers(users=way.approvers.users, groups=way.approvers.groups)
    return GateRule(approvers=who, required=way.needed, require_from=way.require_from)


def open_gate(
    run: ActionRun,
    plan: RunPlan,
    stage: Stage,
    now: datetime,
    round_: int = 1,
    action: Action | None = None,
    offered: Offered | None = None,
) -> Json:
    """Return the Approval that holds this run, to be created; its deadline starts to run now.

    The Action is the one that the plan was made from: its form says how the inputs are shown. What was offered is
    accepted here, in the first gate, if it has to be.
    """
    form = action.spec.inputs.schema_ if action is not None else {}
    written = document(plan)
    shown = ApprovalPlan(digest=written.digest, summary=plan.summary, cost=plan.cost, document=written.text)
    excluded = excluded_from(plan, stage, (), now)
    consent = offered.consent if offered is not None else None
    inputs = asked_inputs(with_chosen(form, plan), plan.inputs)
    return _opened(run, plan, shown, inputs, stage, now, round_, excluded, offered, consent)


def with_chosen(form: Json, plan: RunPlan) -> Json:
    """Return a form with what people read for the objects that were chosen in it."""
    if plan.choices is None:
        return form
    fields = dict(form.get("properties") or {})
    for each in plan.choices.fields:
        labels = {one.value if isinstance(one.value, str) else json.dumps(one.value): one.label for one in each.chosen}
        place = place_of(each.field)
        around = schema_around({"properties": fields}, place)
        inner = dict(around.get("properties") or {})
        field, several = (
            dict(inner.get(place.key) or {}),
            any(isinstance(held, list) for _, held in values_of(plan.inputs, each.field)),
        )
        inner[place.key] = {**field, "items": {LABELS: labels}} if several else {**field, LABELS: labels}
        root = {**around, "properties": inner}
        whole = dict(fields.get(place.root) or {})
        fields[place.root] = ({**whole, "items": root} if place.rows else root) if place.inside else inner[place.key]
    return {**form, "properties": fields}


def open_next_gate(run: ActionRun, plan: RunPlan, stage: Stage, passed: Sequence[Approval], now: datetime) -> Json:
    """Return the Approval of a stage that follows those that were granted: it holds the same plan, as the same text.

    Who decided in one of them is excluded, unless the Action allows it.
    """
    last = passed[-1]
    excluded = excluded_from(plan, stage, passed, now)
    offered = last.spec.offered
    return _opened(run, plan, last.spec.planned, last.spec.inputs, stage, now, round_of(run), excluded, offered)


def excluded_from(plan: RunPlan, stage: Stage, passed: Sequence[Approval], now: datetime) -> list[str]:
    """Return who cannot decide a stage though listed: whom its rule excludes, and who decided in one of these gates."""
    return list(dict.fromkeys([*(stage.exclude or ()), *deciders_before(plan, passed, now)]))


def find_asked(
    gates: Sequence[RunApproval], plan: RunPlan | None, approvals: Sequence[Approval], now: datetime
) -> tuple[Approval | None, list[str]]:
    """Return the gate that was opened last, if it is known yet, and who cannot decide it though listed.

    `gates` are those that the run's status lists. Those of an earlier round exclude nobody: they are asked again.
    """
    last, name = approvals[-1] if approvals else None, gates[-1].stage if gates else None
    if last is not None and name in (None, last.spec.stage):
        return last, last.spec.excluded or []
    stage = next((each for each in plan.stages if each.name == name), None) if plan is not None else None
    if plan is None or stage is None:
        return None, []
    passed = [each for each in approvals if any(each.metadata.name == gate.name for gate in gates)]
    return None, excluded_from(plan, stage, passed, now)


def deciders_before(plan: RunPlan, passed: Sequence[Approval], now: datetime) -> list[str]:
    """Return who cannot decide any more: who decided in one of these gates, and for whom; nobody, if that is allowed."""
    if plan.same_person_in_stages is SamePeople.ALLOW:
        return []
    counted = (each for approval in passed for each in count(approval.spec, now).decisions)
    return list(dict.fromkeys(name for each in counted for name in each.people))


def _opened(
    run: ActionRun,
    plan: RunPlan,
    shown: ApprovalPlan,
    inputs: list[AskedInput] | None,
    stage: Stage,
    now: datetime,
    round_: int,
    excluded: list[str],
    offered: Offered | None = None,
    consent: ConsentRule | None = None,
) -> Json:
    # a clock of ours that is behind the API server's must not make it shorter: a run is never held before it was asked
    opened = max(now, run.metadata.creation_timestamp)
    spec = ApprovalSpec(
        subject=Subject(kind="ActionRun", name=run.metadata.name, uid=run.metadata.uid),
        purpose=Purpose.OFFER if offered is not None else None,
        stage=stage.name,
        action=plan.action.name,
        title=plan.action.title,
        message=clean(stage.message, 512),
        reason=clean(run.spec.reason, 1024),
        requested_by=run.spec.requested_by or Requester(username="unknown"),
        on_behalf_of=run.spec.on_behalf_of,
        excluded=excluded or None,
        found=plan.found_in(stage.name),
        offered=offered,
        inputs=inputs,
        plan=shown,
        policy=amend(policy_of(stage, expires_at(opened, stage.deadline)), consent=consent),
        notifications=plan.notifications,
    )
    labels = {RUN_UID_LABEL: run.metadata.uid}
    metadata = {"name": approval_name(run, stage.name, round_), "namespace": run.metadata.namespace, "labels": labels}
    return {"apiVersion": API_VERSION, "kind": "Approval", "metadata": metadata, "spec": spec.to_wire()}


def find_mismatch(found: Approval, wanted: Approval) -> tuple[Phase, str] | None:
    """Return how a run ends whose gate is not the one to be opened: all of it is compared, but for when it was opened."""
    name, spec, rule = found.metadata.name, found.spec, found.spec.policy
    if spec.subject.uid != wanted.spec.subject.uid:
        return Phase.REFUSED, f"The name {name} is taken by an Approval of another run: choose another name"
    if not is_plan_of(spec.planned, wanted.spec.planned):
        text = "The Action, or what it would do, changed while its gate was being opened"
        return Phase.SUPERSEDED, f"{text}: apply the request again under another name"
    same_time = as_if_until(only_rights(rule), wanted.spec.policy.until)
    asked = wanted.spec.inputs if spec.inputs is None else spec.inputs  # one opened by the version before has none
    written = amend(wanted.spec.planned, summary=spec.planned.summary, cost=spec.planned.cost)
    as_opened = amend(
        spec,
        policy=same_time,
        decisions={},
        delegations=wanted.spec.delegations,
        inputs=asked,
        plan=written,
        consent=None,
        messages=None,
        found=_as_read(spec.found, wanted.spec.found),
    )
    by_rights = amend(wanted.spec, policy=only_rights(wanted.spec.policy))
    if as_opened != by_rights or rule.until > wanted.spec.policy.until:
        return Phase.REFUSED, f"The name {name} is taken by an Approval that this run did not open: choose another name"
    return None


def _as_read(found: list[FoundPeople] | None, wanted: list[FoundPeople] | None) -> list[FoundPeople] | None:
    """Return what is wanted, if it was found in the same objects: they may have changed since, not what they say."""
    return wanted if without_versions(found) == without_versions(wanted) else found


def find_difference(document: Document, approval: Approval) -> str | None:
    """Return why an Approval is not the one of this document, or None: digest and rule are both compared."""
    if document.digest != approval.spec.planned.digest:
        return "What was approved is not what would run: the plan does not have the digest that was approved: ask again"
    rule, out = amend(only_rights(approval.spec.policy), consent=None), set(approval.spec.excluded or ())
    stages = [each for each in document.plan.stages if each.name == approval.spec.stage]
    if not any(
        only_rights(policy_of(each, rule.until)) == rule and out.issuperset(each.exclude or ()) for each in stages
    ):
        return NO_RULE
    return None


def find_shared(plan: RunPlan, passed: Sequence[Approval], now: datetime) -> str | None:
    """Return who decided in two stages, though nobody may, or None. They are the same person in any letter case."""
    seen: dict[str, str] = {}
    for approval in passed:
        for each in deciders_before(plan, [approval], now):
            if fold(each) in seen:
                return f"{each} decided in two stages, {seen[fold(each)]} and {approval.spec.stage}: ask again"
            seen[fold(each)] = approval.spec.stage
    return None
