"""Whom an object concerns."""

import pytest
from tests.builders.models import NOW, approval, environment, gate, run, run_plan, stage, vote

from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.decisions import Decision
from pratique.api.v1alpha1.notifications import EventType, NotificationRule
from pratique.core.telling.events import ASKING
from pratique.core.telling.stakeholders import (
    stakeholders_of_approval,
    stakeholders_of_environment,
    stakeholders_of_run,
)

RULES = [NotificationRule(channels=["chat"], events=[EventType.APPROVED])]


def asked(**meta: object) -> ActionRun:
    return run(meta=dict(meta), plan=run_plan(gate=stage()))


def test_before_there_is_a_gate_the_plan_says_who_decides() -> None:
    found = stakeholders_of_run(asked(annotations={"a": "b"}), None, RULES)
    assert found.approvers == stage().all_approvers
    assert (found.requester, found.askers) == ("developer@example.com", ("developer@example.com",))
    assert (found.rules, dict(found.annotations), dict(found.before)) == (tuple(RULES), {"a": "b"}, {})
    assert stakeholders_of_run(run(), None, RULES).approvers is None


def test_a_gate_says_who_decides_and_until_when() -> None:
    opened = approval(gate())
    found = stakeholders_of_run(asked(), opened, RULES)
    assert found.approvers == opened.spec.policy.approvers
    assert found.before == dict.fromkeys(ASKING, opened.spec.policy.deadline)
    assert stakeholders_of_approval(opened).approvers == found.approvers


@pytest.mark.parametrize(
    ("decisions", "deciders"),
    [
        ({}, ()),
        ({"a": vote("Approve", 1)}, ("a",)),
        ({"a": vote("Approve", 1), "b": vote("Approve", 5)}, ("b",)),
        ({"a": Decision(verdict="Approve"), "b": vote("Approve", 1)}, ("b",)),
    ],
)
def test_who_decided_last_knows_how_it_ended(decisions: dict[str, Decision], deciders: tuple[str, ...]) -> None:
    decided = approval(gate().model_copy(update={"decisions": decisions}))
    assert (
        stakeholders_of_run(asked(), decided, RULES).deciders == stakeholders_of_approval(decided).deciders == deciders
    )


def test_an_environment_concerns_its_requester() -> None:
    found = stakeholders_of_environment(environment(spec={"requestedBy": "developer@example.com"}, expires_at=NOW))
    assert (found.requester, found.before) == ("developer@example.com", {EventType.ENVIRONMENT_EXPIRING: NOW})
    assert stakeholders_of_environment(environment()).before == {}
