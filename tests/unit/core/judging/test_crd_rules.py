"""An Action from a file is held to the rules of its CRD, and a list to the names of its entries, as an API server does."""

from typing import Any

import pytest
from tests.builders.models import action

from pratique.core.judging.crd_rules import broken_rules

LEADS = {"name": "one", "approvers": {"groups": ["leads"]}}


def stages(*each: dict[str, Any]) -> dict[str, Any]:
    return {"approval": {"stages": list(each)}}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (stages(LEADS, {**LEADS, "name": "two"}), None),
        (
            stages({**LEADS, "approvers": {}}),
            "spec.approval.stages[0].approvers: approvers needs at least one user or group",
        ),
        (
            stages(LEADS, {"name": "two", "approvers": {"users": ["a"]}, "required": 2}),
            "spec.approval.stages[1].required: required is larger than the number of users in approvers.users",
        ),
        (
            stages({**LEADS, "alternatives": [{"approvers": {"groups": ["a"]}, "mode": "All"}]}),
            "spec.approval.stages[0].alternatives[0].mode: mode: All needs users by name",
        ),
        (stages(LEADS, LEADS), "spec.approval.stages[1].name: one is there twice; give it another name"),
        (
            stages({**LEADS, "requireFrom": [{"group": "leads"}, {"group": "leads"}]}),
            "spec.approval.stages[0].requireFrom[1].group: leads is there twice",
        ),
        (
            stages({"name": "a", "approvers": {"users": ["a, b"]}}),
            "spec.approval: approvers: each of users and groups is one",
        ),
        (
            {"execution": {**action().spec.execution.to_wire(), "startDeadline": "0s"}},
            "spec.execution.startDeadline: startDeadline must be longer than 0s",
        ),
    ],
)
def test_each_broken_rule_is_said_with_its_field(spec: dict[str, Any], sentence: str | None) -> None:
    found = list(broken_rules(action(**spec)))
    assert len(found) == (sentence is not None)
    assert sentence is None or found[0].startswith(sentence)
