"""A dry run says what would become of a request. It opens nothing, makes nothing, tells nobody, and goes after an hour."""

from datetime import timedelta
from typing import Any

import pytest
from tests.builders.models import (
    NOW,
    action,
    approval_of,
    at,
    effects,
    failed,
    live,
    manifest,
    only,
    planned,
    run,
    run_plan,
    stage,
    tried,
    waiting,
)

from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunPlan
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.conditions import ConditionStatus
from pratique.core.gates.free import EVALUATE
from pratique.core.kernel.effects import Create, Delete, Evaluation, MergePatch, Plan, Stored
from pratique.core.plans.document import document_of
from pratique.core.runs.answer import KEPT, REMOVE
from pratique.core.runs.open_runs import OpenRuns
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot

DRY = {"dry_run": True}
FREE = run_plan(planned("one"), planned("two"))
HELD = run_plan(
    gates=[
        stage(
            name="leads", approvers={"groups": ["leads"]}, deadline="24h", message="Ten days", exclude=["ann", "ben"]
        ),
        stage(
            name="security",
            approvers={"users": ["cem", "eve"]},
            mode="All",
            break_glass={"users": ["eve"], "groups": ["sre-oncall"], "requester": "Forbid"},
        ),
    ]
)


def dry(*, meta: dict[str, Any] | None = None, **status: Any) -> ActionRun:
    return run(spec=DRY, meta={"creation_timestamp": NOW, **(meta or {})}, **status)


def look(subject: ActionRun, outcomes: dict[str, Any] | None = None, minutes: float = 0, **known: Any) -> Plan[Any]:
    known = {"action": action(), **known}
    return plan_action_run(RunSnapshot(subject, **known, outcomes=outcomes or {}), at(minutes))


def judged(plan: RunPlan | None, *refusals: str) -> dict[str, Any]:
    return {EVALUATE: Evaluation(refusals, plan)} | (tried(plan) if plan is not None else {})


def conditions(plan: Plan[Any]) -> dict[str, tuple[str, str]]:
    return {each.type: (each.status.value, each.reason) for each in plan.status.conditions}


def test_it_is_judged_and_tried_as_a_request_is() -> None:
    assert effects(look(dry())) == [EVALUATE]
    asked = look(dry(), {EVALUATE: Evaluation(plan=run_plan())})
    effect = only(asked.effects)
    assert isinstance(effect, Create) and effect.dry_run, "a single object too, which a free request would make at once"


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (
            FREE,
            "Dry run: nothing is made. It would need no approval, and do: ConfigMap team-a/one; ConfigMap team-a/two",
        ),
        (
            HELD,
            "Dry run: nobody is asked. It would wait for 1 of group leads, not ann, ben (stage leads, within 24h): Ten"
            " days; then for 2 of cem, eve, or eve, group sre-oncall may break the glass (stage security, within 2h)",
        ),
    ],
)
def test_its_answer_is_on_record_with_plan_and_gates_and_told_to_nobody(plan: RunPlan, message: str) -> None:
    answered = look(dry(), judged(plan))
    status = answered.status
    assert (status.phase, status.message, answered.effects) == (Phase.SUCCEEDED, message, ())
    assert (status.notifications, status.approvals, status.resources) == ([], [], [])
    assert [(each.event, each.message) for each in status.timeline] == [("DryRun", message)]
    assert status.head is not None and status.head.stages == plan.stages
    written = document_of(status, None)
    assert written is not None and all(each.dry_run for each in written.plan.resources), "with what its dry runs showed"
    assert conditions(answered) == {
        **{"Accepted": ("True", "Valid"), "Decided": ("True", "DryRun"), "Approved": ("False", "DryRun")},
        **{"Ready": ("True", "DryRun")},
    }
    assert (status.finished_at, status.settled) == (NOW, None)
    again = look(dry().model_copy(update={"status": status}), minutes=1)
    assert (again.wake_at, again.effects, again.status) == (NOW + KEPT, (), status)


RIGHT = 'configmaps is forbidden: User "x" cannot create resource "configmaps" in API group ""'


@pytest.mark.parametrize(
    ("known", "outcomes", "phase", "message"),
    [
        ({"others": OpenRuns(1, ("a",), 1)}, {}, Phase.REFUSED, "developer@example.com has 1 open request, 1 allowed"),
        ({"action": action(suspend=True)}, {}, Phase.REFUSED, "The Action create-environment is suspended: ask again"),
        ({}, judged(None, "first", "second"), Phase.REFUSED, "first; second"),
        (
            {},
            judged(None) | {EVALUATE: failed("EvaluationFailed", "spec.x: no")},
            Phase.FAILED,
            "It cannot be judged, so a request that is meant would be held: spec.x: no",
        ),
        (
            {},
            judged(run_plan()) | {"try/made": failed("Invalid", "spec.x: no")},
            Phase.REFUSED,
            "As ServiceAccount pratique-actions/maker: ConfigMap team-a/made could not be created: spec.x: no",
        ),
    ],
)
def test_what_would_not_be_let_in_ends_with_the_reason(
    known: dict[str, Any], outcomes: dict[str, Any], phase: Phase, message: str
) -> None:
    ended = look(dry(), outcomes, **known)
    assert (ended.status.phase, ended.effects, ended.status.notifications) == (phase, (), [])
    assert ended.status.message.startswith(message)
    found = conditions(ended)
    assert found["Ready"] == ("False", phase.value) and found["Stalled"] == ("True", phase.value)
    assert found["Approved"] == ("False", phase.value), "also of one that failed: nothing of it may ever go on"


def test_it_waits_for_what_may_come_as_a_request_does_and_no_longer() -> None:
    waits = look(dry(), action=None, actions=["create-environments"])
    assert (waits.status.phase, waits.wake_at) == (Phase.PENDING, at(1))
    missing = look(dry(), minutes=1, action=None, actions=["create-environments"]).status
    assert missing.phase is Phase.REFUSED and "did you mean create-environments?" in missing.message
    slow = look(dry(), judged(run_plan()) | {"try/made": failed("Timeout", "slow", transient=True)})
    assert (slow.status.phase, slow.retry) == (Phase.PENDING, True)
    right = look(dry(), judged(run_plan()) | {"try/made": failed("Forbidden", RIGHT)})
    assert right.status.phase is Phase.PENDING and right.wake_at is not None
    later = look(
        dry().model_copy(update={"status": right.status}),
        judged(run_plan()) | {"try/made": failed("Forbidden", RIGHT)},
        1,
    )
    assert later.status.phase is Phase.REFUSED


@pytest.mark.parametrize("phase", [each for each in Phase if each.is_end])
def test_it_is_deleted_after_an_hour_by_its_uid(phase: Phase) -> None:
    ended = dry(phase=phase, finished_at=NOW)
    assert look(ended, minutes=59).effects == ()
    effect = only(look(ended, minutes=60).effects)
    assert isinstance(effect, Delete)
    assert (effect.key, effect.uid, str(effect.ref)) == (REMOVE, ended.metadata.uid, "ActionRun team-a/ten-days")
    gone = look(ended, {REMOVE: Stored({})}, 60)
    assert (gone.effects, gone.status) == ((), ended.status), "nothing is written to what is gone"
    assert look(ended, {REMOVE: failed("Timeout", transient=True)}, 60).retry
    refused = look(ended, {REMOVE: failed("Forbidden")}, 60)
    assert (refused.retry, refused.wake_at, refused.status.settled) == (False, None, True), "with the role of before"
    assert only(look(dry(phase=phase), minutes=60).effects).key == REMOVE, "whose end has no time is as old as it is"


def test_what_git_holds_stays() -> None:
    held = dry(phase="Succeeded", finished_at=NOW, meta={"labels": {"app.kubernetes.io/instance": "apps"}})
    assert look(held.model_copy(update={"status": dry().status}), judged(FREE)).wake_at is None
    kept = look(held, minutes=120)
    assert (kept.effects, kept.wake_at, kept.status.settled) == ((), None, True)


def test_one_that_is_being_deleted_is_left_alone() -> None:
    assert look(dry(meta={"deletion_timestamp": NOW})).effects == ()


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("plan", [FREE, HELD, run_plan(gate=stage()), run_plan()])
def test_nothing_that_is_written_or_granted_makes_it_run(phase: Phase, plan: RunPlan) -> None:
    """Whatever its status says, whatever was approved and proven: what it asks for are evaluations, reads and dry runs."""
    held = waiting(plan, status={"phase": phase, "started_at": NOW, "finished_at": NOW})
    forged = held.model_copy(update={"spec": held.spec.model_copy(update=DRY)})
    granted = approval_of(waiting(run_plan(gate=stage())), ApprovalState.APPROVED)
    written = document_of(forged.status, None)
    known: dict[str, Any] = {"approvals": (granted,), "proven": written.digest if written else None, "vouched": True}
    outcomes: dict[str, Any] = {EVALUATE: Evaluation(plan=plan)}
    for _ in range(8):
        found = look(forged, outcomes, ended=Phase.SUCCEEDED, **known)
        for effect in found.effects:
            assert not isinstance(effect, Create | MergePatch) or effect.dry_run
            assert not isinstance(effect, Delete)
            outcomes[effect.key] = Stored(live(manifest(name="made")))
        if not found.effects:
            break
    assert found.status.phase in (phase, Phase.SUCCEEDED) and found.status.approvals == forged.status.approvals
    assert phase.is_end or found.status.phase is Phase.SUCCEEDED
    assert all(each.status is not ConditionStatus.TRUE for each in found.status.conditions if each.type == "Approved")
    assert found.after == () and timedelta(hours=1) == KEPT
