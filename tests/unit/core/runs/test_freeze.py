"""A freeze holds the start and nothing else: people ask and decide, what is granted starts at its end, no time is lost."""

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
    planned,
    run,
    run_plan,
    stage,
    tried,
    waiting,
)

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunPlan
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.planned import DryRun
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.gates.free import EVALUATE
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.port import Warrant
from pratique.core.kernel.effects import Evaluation, Plan, Stored, Verified
from pratique.core.runs.freeze import find_end, frozen_between
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.runs.start import READ_ACTION, start

MADE = run_plan(planned("one", dry_run=DryRun(result="Passed")), gate=stage())
TOLD = "The Action create-environment starts nothing until 2026-11-24 13:00 UTC (spec.freeze)"


def frozen(*windows: tuple[float, float], reason: str = "") -> Action:
    """Return the Action, frozen between these minutes from NOW."""
    return action(
        freeze=[{"from": format_time(at(a)), "until": format_time(at(b)), "reason": reason} for a, b in windows]
    )


@pytest.mark.parametrize(
    ("windows", "minute", "end"),
    [
        ([], 5, None),
        ([(10, 20)], 9.9, None),
        ([(10, 20)], 10, 20),
        ([(10, 20)], 19.9, 20),
        ([(10, 20)], 20, None),
        ([(10, 20), (20, 30)], 12, 30),
        ([(15, 40), (10, 20)], 12, 40),
        ([(10, 40), (15, 20)], 12, 40),
        ([(10, 20), (21, 30)], 12, 20),
    ],
)
def test_windows_that_meet_are_one(windows: list[tuple[float, float]], minute: float, end: float | None) -> None:
    assert find_end(frozen(*windows), at(minute)) == (None if end is None else at(end))


@pytest.mark.parametrize(
    ("windows", "minutes"),
    [([], 0), ([(10, 20)], 10), ([(-60, 20)], 20), ([(10, 200)], 50), ([(10, 20), (15, 30)], 20), ([(70, 80)], 0)],
)
def test_the_time_in_it_is_counted_once(windows: list[tuple[float, float]], minutes: float) -> None:
    assert frozen_between(frozen(*windows), NOW, at(60)) == timedelta(minutes=minutes)


def granted(found: Action, minute: float, plan: RunPlan = MADE, held: ActionRun | None = None) -> Plan[Any]:
    """Look at a run that was granted a minute after NOW."""
    held = held or waiting(plan)
    outcomes = {VERIFY: Verified(), "try/one": Stored(live(manifest(name="one"))), READ_ACTION: Stored(found.to_wire())}
    approvals = (approval_of(held, ApprovalState.APPROVED),)
    return plan_action_run(RunSnapshot(held, approvals=approvals, outcomes=outcomes), at(minute))


def test_what_is_granted_waits_for_its_end_and_starts_then() -> None:
    found = frozen((0, 60), reason="year end")
    waits = granted(found, 2)
    assert (waits.status.phase, waits.effects, waits.wake_at) == (Phase.WAITING_FOR_APPROVAL, (), at(60))
    assert waits.status.message == f"Approved by lead-1: no. {TOLD}: year end"
    assert waits.status.approvals[-1].state is ApprovalState.APPROVED
    assert [(each.event, each.message) for each in waits.status.timeline] == [("Frozen", waits.status.message)]
    again = granted(found, 30, held=waiting(MADE).model_copy(update={"status": waits.status}))
    assert (again.status, again.wake_at) == (waits.status, at(60)), "it is said once"
    assert effects(granted(found, 60)) == ["create/one"]
    assert effects(granted(frozen(), 2)) == ["create/one"], "whoever ends the freeze lets it start"


def test_who_asked_and_who_was_asked_hear_of_it_once() -> None:
    held = waiting(MADE)
    outcomes = {
        VERIFY: Verified(),
        "try/one": Stored(live(manifest(name="one"))),
        READ_ACTION: Stored(frozen((0, 60)).to_wire()),
    }
    approvals = (approval_of(held, ApprovalState.APPROVED),)
    known = RunSnapshot(held, action=frozen((0, 60)), approvals=approvals, outcomes=outcomes)
    waits = plan_action_run(known, at(2))
    assert [each.events for each in waits.happened] == [(EventType.APPROVED, EventType.HANDLED)]


@pytest.mark.parametrize(("glass", "does"), [(True, ["create/one"]), (False, [])])
def test_who_broke_the_glass_does_not_wait(glass: bool, does: list[str]) -> None:
    known = {"try/one": Stored(live(manifest(name="one"))), READ_ACTION: Stored(frozen((0, 60)).to_wire())}
    warrant = Warrant(MADE, "oncall broke the glass", at(1), broken=glass)
    assert effects(start(RunSnapshot(waiting(MADE), outcomes=known), warrant, at(2))) == does


def test_its_time_to_start_stands_still() -> None:
    plan = run_plan(*MADE.resources, gate=stage(), start_deadline="10m")
    found = frozen((5, 60))
    assert effects(granted(found, 60, plan)) == ["create/one"]
    assert effects(granted(found, 65.9, plan)) == ["create/one"]
    late = granted(found, 66, plan)
    assert late.status.phase is Phase.SUPERSEDED
    assert late.status.message == "It was approved, and not started within 10m, before 2026-11-24 13:06 UTC: ask again"


@pytest.mark.parametrize(("minute", "starts"), [(30, True), (609, True), (610, False)])
def test_a_window_that_is_taken_away_costs_no_time(minute: float, starts: bool) -> None:
    """What waited starts when somebody takes the window away, and has its whole time if nobody looks before its end."""
    plan = run_plan(*MADE.resources, gate=stage(), start_deadline="10m")
    waits = granted(frozen((0, 600)), 2, plan)
    assert waits.status.frozen_until == at(600)
    held = waiting(plan).model_copy(update={"status": waits.status})
    after = granted(frozen(), minute, held=held)
    assert effects(after) == (["create/one"] if starts else [])
    assert after.status.frozen_until is None, "no later freeze is mixed up with it"


def test_who_asked_may_take_it_back_meanwhile() -> None:
    held = waiting(MADE, withdrawn=True)
    ended = granted(frozen((0, 60)), 2, held=held)
    assert (ended.status.phase, ended.effects) == (Phase.WITHDRAWN, ())
    assert ended.status.message == "The requester took it back before it started"


def test_a_brake_that_is_pulled_meanwhile_holds() -> None:
    ended = granted(action(suspend=True, freeze=[{"from": format_time(NOW), "until": format_time(at(60))}]), 2)
    assert ended.status.phase is Phase.SUPERSEDED


ONE = run_plan(planned("one"))
TWO = run_plan(planned("one"), planned("two"))


@pytest.mark.parametrize("plan", [ONE, TWO])
def test_what_needs_no_approval_waits_too(plan: RunPlan) -> None:
    def look(found: Action, minute: float) -> Plan[Any]:
        outcomes: dict[str, Any] = {EVALUATE: Evaluation(plan=plan), **(tried(plan) if plan is TWO else {})}
        return plan_action_run(RunSnapshot(run(), action=found, outcomes=outcomes), at(minute))

    waits = look(frozen((0, 60)), 2)
    assert (waits.status.phase, waits.effects, waits.wake_at) == (Phase.PENDING, (), at(60))
    assert (waits.status.message, waits.status.frozen_until) == (TOLD, at(60))
    assert {each.type: each.reason for each in waits.status.conditions}["Reconciling"] == "Frozen"
    assert effects(look(frozen((0, 60)), 60))[0] == "create/one"


def test_what_was_begun_before_a_crash_goes_on_in_a_freeze() -> None:
    labels = {"pratique.dev/run-uid": run().metadata.uid}
    exists = failed("AlreadyExists", found=live(manifest(name="one"), labels=labels))
    outcomes: dict[str, Any] = {EVALUATE: Evaluation(plan=TWO), **tried(TWO), "try/one": exists}
    plan = plan_action_run(RunSnapshot(run(), action=frozen((0, 60)), outcomes=outcomes), at(2))
    assert effects(plan) == ["create/one"]


def test_a_dry_run_says_so() -> None:
    asked = run(spec={"dry_run": True}, meta={"creation_timestamp": NOW})
    outcomes: dict[str, Any] = {EVALUATE: Evaluation(plan=TWO), **tried(TWO)}
    plan = plan_action_run(RunSnapshot(asked, action=frozen((0, 60)), outcomes=outcomes), at(2))
    assert plan.status.message.endswith(f"ConfigMap team-a/two. {TOLD}")
