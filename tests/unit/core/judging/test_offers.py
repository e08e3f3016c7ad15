"""What may be offered in a gate: of what the rule names, what the form takes; and what is said of a rule that is wrong."""

from typing import Any

import pytest
from tests.builders.models import action as whole
from tests.builders.models import run

from pratique.api.v1alpha1.counter_offer import OfferedValues
from pratique.core.judging.checks import check_action
from pratique.core.judging.judge import judge

FORM: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "ttl": {"type": "string", "enum": ["1d", "3d", "5d", "14d"], "default": "14d"},
        "cpu": {"type": "integer", "minimum": 2, "maximum": 8},
        "share": {"type": "number"},
        "loose": {},
    },
}


NOTE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made", "namespace": "team-a"}}
DOES: dict[str, Any] = {
    "serviceAccountRef": {"namespace": "pratique-actions", "name": "maker"},
    "resources": [{"id": "made", "template": NOTE}],
}


def action(inputs: dict[str, Any], when: str = "true") -> Any:
    offer = {"inputs": inputs}
    rule = {"name": "platform", "when": when, "approvers": {"groups": ["leads"]}, "counterOffer": offer}
    return whole(inputs={"schema": FORM}, approval={"stages": [rule]}, execution=DOES)


def offered(inputs: dict[str, Any], **given: Any) -> dict[str, OfferedValues] | None:
    judged = judge(action(inputs), run(spec={"inputs": {"name": "x", **given}}))
    assert judged.plan is not None, judged.refusals
    (stage,) = judged.plan.stages
    return stage.counter_offer.inputs if stage.counter_offer is not None else None


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ({"ttl": {"values": ["3d", "5d"]}}, {"ttl": OfferedValues(values=["3d", "5d"])}),
        ({"ttl": {"values": ["3d", "99d", "14d"]}}, {"ttl": OfferedValues(values=["3d"])}),
        ({"ttl": {"values": ["99d"]}}, None),
        ({"tlt": {"values": ["3d"]}}, None),
        ({"cpu": {"minimum": 1, "maximum": 4}}, {"cpu": OfferedValues(minimum=2, maximum=4, whole=True)}),
        ({"cpu": {"minimum": 4, "maximum": 99}}, {"cpu": OfferedValues(minimum=4, maximum=8, whole=True)}),
        ({"cpu": {"minimum": 9, "maximum": 12}}, None),
        ({"share": {"minimum": 0.5, "maximum": 1}}, {"share": OfferedValues(minimum=0.5, maximum=1)}),
        ({"ttl": {"minimum": 1, "maximum": 2}}, None),
    ],
)
def test_a_gate_takes_what_the_form_takes_and_was_not_asked_for(
    rule: dict[str, Any], left: dict[str, OfferedValues] | None
) -> None:
    assert offered(rule) == left


def test_a_gate_takes_no_offer_of_a_field_that_is_not_asked_for() -> None:
    rule = {"ttl": {"values": ["3d"]}, "cpu": {"minimum": 2, "maximum": 4}}

    def left(given: dict[str, Any], **fields: Any) -> list[str]:
        stage = {"name": "platform", "approvers": {"groups": ["leads"]}, "counterOffer": {"inputs": rule}}
        form = {"schema": FORM, "fields": fields}
        judged = judge(
            whole(inputs=form, approval={"stages": [stage]}, execution=DOES),
            run(spec={"inputs": {"name": "x", **given}}),
        )
        assert judged.plan is not None, judged.refusals
        (kept,) = judged.plan.stages
        return sorted(kept.counter_offer.inputs) if kept.counter_offer is not None else []

    locked = {"disabled": "inputs.name == 'x'", "default": "3"}
    assert left({}, cpu={"visible": "true", "disabled": "false"}) == ["cpu", "ttl"]
    assert left({}, cpu={"visible": "inputs.name != 'x'"}) == ["ttl"]
    assert left({}, cpu=locked) == ["ttl"]
    assert left({}, cpu=locked, ttl={"visible": "false"}) == []


def test_a_stage_that_offered_is_asked_whatever_its_condition_says() -> None:
    short = action({"ttl": {"values": ["3d"]}}, when="inputs.ttl == '14d'")
    asks = run(spec={"inputs": {"name": "x", "ttl": "3d"}})
    free, kept = judge(short, asks), judge(short, asks, kept="platform")
    assert free.plan is not None and kept.plan is not None
    assert (len(free.plan.stages), len(kept.plan.stages)) == (0, 1)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"ttl": {"values": ["3d"]}}, None),
        ({"cpu": {"minimum": 2, "maximum": 4}}, None),
        ({"loose": {"values": ["anything"]}}, None),
        ({"tll": {"values": ["3d"]}}, ".tll: the form has no such input; did you mean ttl?"),
        ({"quite-else": {"values": ["3d"]}}, ".quite-else: the form has no such input"),
        ({"ttl": {"minimum": 1, "maximum": 2}}, ".ttl: has minimum and maximum, and the form takes no number there"),
        ({"cpu": {"minimum": 9, "maximum": 12}}, ".cpu: the form takes no number from 9 to 12: see its bounds"),
        ({"ttl": {"values": ["99d"]}}, ".ttl.values: the form refuses 99d: "),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_when_the_action_is_applied(
    rule: dict[str, Any], sentence: str | None
) -> None:
    problems = [each for each in check_action(action(rule)) if "counterOffer" in each]
    assert bool(problems) is (sentence is not None)
    if sentence is not None:
        assert problems[0].startswith(f"spec.approval.stages[0].counterOffer.inputs{sentence}"), problems
