"""What the status of an Action says."""

from datetime import timedelta
from typing import Any

import pytest
from tests.builders.models import NOW, action, at, failed

from pratique.api.v1alpha1.action import ActionStatus
from pratique.core.actions.plan import CHECK, INSPECT, ActionSnapshot, plan_action
from pratique.core.kernel.effects import CheckAction, Failure, InspectAction, Inspection

RULES = [
    {"channels": ["chat", "mail"], "events": ["Failed"]},
    {"channels": ["chat", "audit"], "events": ["Succeeded"]},
]
STAGES = [{"name": "platform", "when": "inputs.big", "approvers": {"groups": ["platform-leads"]}}]
ALWAYS = [{**STAGES[0], "when": "true"}]
THERE = Inspection()
SOUND = {INSPECT: THERE, CHECK: ()}
READY = {"Accepted": ("True", "Valid"), "Ready": ("True", "Valid")}
INVALID = {"Accepted": ("False", "Invalid"), "Ready": ("False", "Invalid"), "Stalled": ("True", "Invalid")}


def conditions(status: ActionStatus) -> dict[str, tuple[str, str]]:
    return {each.type: (each.status.value, each.reason) for each in status.conditions}


def message(status: ActionStatus) -> str:
    (text,) = {each.message for each in status.conditions}
    return text


@pytest.mark.parametrize(
    ("spec", "channels", "outcome", "expected", "text"),
    [
        ({}, (), (), READY, "Checked: ready to be used"),
        ({}, (), ("first", "second"), INVALID, "first; second"),
        ({}, (), failed("EvaluationFailed", "took too long"), INVALID, "took too long"),
        ({"notifications": RULES}, {"chat", "mail", "audit"}, (), READY, "Checked: ready to be used"),
        (
            {"notifications": RULES},
            {"chat", "audits", "mails-of-all"},
            (),
            INVALID,
            "spec.notifications: there is no NotificationChannel named audit; did you mean audits?; "
            "spec.notifications: there is no NotificationChannel named mail; create it or leave it out",
        ),
        (
            {"notifications": RULES},
            {"chat"},
            ("first",),
            INVALID,
            "first; spec.notifications: there is no NotificationChannel named audit; create it or leave it out; "
            "spec.notifications: there is no NotificationChannel named mail; create it or leave it out",
        ),
    ],
)
def test_an_action_is_sound_or_says_what_is_wrong(
    spec: dict[str, Any],
    channels: set[str] | tuple[Any, ...],
    outcome: Failure | tuple[Any, ...],
    expected: dict[str, Any],
    text: str,
) -> None:
    plan = plan_action(ActionSnapshot(action(**spec), channels, (), {INSPECT: THERE, CHECK: outcome}), NOW)
    assert (conditions(plan.status), message(plan.status)) == (expected, text)
    assert (plan.status.observed_generation, plan.effects, plan.wake_at) == (1, (), None)


@pytest.mark.parametrize(
    ("stages", "phrase"),
    [
        ([], "none"),
        (STAGES, "1 of group platform-leads, if inputs.big"),
        (ALWAYS, "1 of group platform-leads"),
    ],
)
def test_an_action_shows_its_gate(stages: list[Any], phrase: str) -> None:
    assert (
        plan_action(ActionSnapshot(action(approval={"stages": stages}), (), (), SOUND), NOW).status.approval == phrase
    )


def test_a_sound_action_is_checked_once_per_generation() -> None:
    fresh = action()
    assert plan_action(ActionSnapshot(fresh), NOW).effects == (InspectAction(INSPECT, fresh),)
    looked = ActionSnapshot(fresh, outcomes={INSPECT: Inspection(schemas={"v1/Pod": {}})})
    assert plan_action(looked, NOW).effects == (CheckAction(CHECK, fresh, {"v1/Pod": {}}),)
    checked = fresh.model_copy(update={"status": plan_action(ActionSnapshot(fresh, (), (), SOUND), NOW).status})
    again = plan_action(ActionSnapshot(checked), at(9))
    assert (again.status, again.effects) == (checked.status, ())
    edited = checked.model_copy(update={"metadata": checked.metadata.model_copy(update={"generation": 2})})
    assert plan_action(ActionSnapshot(edited), at(9)).effects == (InspectAction(INSPECT, edited),)


def test_an_action_with_a_problem_is_checked_at_every_look() -> None:
    """A channel that was missing may have come."""
    broken = action(notifications=RULES[:1])
    status = plan_action(ActionSnapshot(broken, ("chat",), (), SOUND), NOW).status
    seen = broken.model_copy(update={"status": status})
    assert plan_action(ActionSnapshot(seen, ("chat",)), at(1)).effects == (InspectAction(INSPECT, seen),)
    mended = plan_action(ActionSnapshot(seen, ("chat", "mail"), (), SOUND), at(1)).status
    assert conditions(mended) == READY
    assert {each.last_transition_time for each in mended.conditions} == {at(1)}


def test_people_are_named_where_a_channel_reaches_them() -> None:
    """A field that is accepted and does nothing would be a trap."""
    rules = [
        {"channels": ["chat", "mail"], "events": ["Failed"], "to": ["Requester"]},
        {"channels": ["chat"], "events": ["Failed"], "to": ["Requester"], "people": {"users": ["boss@example.com"]}},
        {"channels": ["chat"], "events": ["Succeeded"], "to": []},
    ]
    known = ("chat", "mail")
    text = message(plan_action(ActionSnapshot(action(notifications=rules), known, ("mail",), SOUND), NOW).status)
    assert text.startswith("spec.notifications[1]: names people (to, people), and none of its channels reaches people")
    assert "notifications[0]" not in text and "notifications[2]" not in text
    assert (
        conditions(plan_action(ActionSnapshot(action(notifications=rules[:1]), known, ("mail",), SOUND), NOW).status)
        == READY
    )


def test_what_the_cluster_lacks_is_looked_for_again_ever_more_seldom() -> None:
    lacking = {**SOUND, INSPECT: Inspection(("spec.execution.serviceAccountRef: is not there",))}
    fresh = action()
    first = plan_action(ActionSnapshot(fresh, outcomes=lacking), NOW)
    assert (conditions(first.status), message(first.status)) == (
        INVALID,
        "spec.execution.serviceAccountRef: is not there",
    )
    assert first.wake_at == at(0) + timedelta(seconds=5)
    seen = fresh.model_copy(update={"status": first.status})
    assert plan_action(ActionSnapshot(seen, outcomes=lacking), at(1)).wake_at == at(2)
    assert plan_action(ActionSnapshot(seen, outcomes=lacking), at(60)).wake_at == at(61)
    assert conditions(plan_action(ActionSnapshot(seen, outcomes=SOUND), at(1)).status) == READY


def test_an_api_server_that_is_away_says_nothing_about_an_action() -> None:
    fresh = action()
    away = {INSPECT: Failure("Unreachable", "no answer", transient=True)}
    plan = plan_action(ActionSnapshot(fresh, outcomes=away), NOW)
    assert (plan.status, plan.retry) == (fresh.status, True)
    unseen = {INSPECT: Failure("Forbidden", "no"), CHECK: ()}
    assert conditions(plan_action(ActionSnapshot(fresh, outcomes=unseen), NOW).status) == READY


def test_an_approver_with_capital_letters_is_noted() -> None:
    stages = [{"name": "leads", "approvers": {"users": ["Lead-1@Example.com", "lead-2@example.com", "Robot"]}}]
    status = plan_action(ActionSnapshot(action(approval={"stages": stages}), (), (), SOUND), NOW).status
    assert conditions(status) == READY
    assert message(status).startswith(
        "Checked: ready to be used; note: Lead-1@Example.com has capital letters, and who"
    )
