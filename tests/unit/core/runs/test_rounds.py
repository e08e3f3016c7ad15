"""A look asks for effects until nothing is left to do: even the largest plan ends within the rounds that it may have."""

from typing import Any

import pytest
from tests.builders.models import action, at, live, manifest, planned, proven, run, run_plan, running

from pratique.api.v1alpha1.action import Execution
from pratique.api.v1alpha1.action_run import ActionRunStatus, Phase, RunPlan
from pratique.api.v1alpha1.planned import DryRun
from pratique.core.kernel.effects import (
    Create,
    Effect,
    EvaluateOutputs,
    EvaluateReady,
    EvaluateRun,
    Evaluation,
    Judged,
    MergePatch,
    Read,
    Rendered,
    Stored,
)
from pratique.core.kernel.limits import EFFECT_ROUNDS, MAX_OBJECTS
from pratique.core.runs.plan import plan_action_run

RULES = {"ready_when": "self.status.x == 1", "failed_when": "self.status.x == 2"}


def largest(**each: Any) -> RunPlan:
    """Return a plan of as many objects as there may be, with outputs."""
    names = [f"r{number}" for number in range(MAX_OBJECTS)]
    objects = [planned(name, manifest("Thing", name, "example.com/v1"), **RULES, **each) for name in names]
    return run_plan(*objects, outputs={"x": "${resources.r0.status.x}"})


def answered(effect: Effect[Any], plan: RunPlan) -> object:
    match effect:
        case EvaluateRun():
            return Evaluation(plan=plan)
        case EvaluateReady():
            return Judged(ready=True)
        case EvaluateOutputs():
            return Rendered({"x": 1})
        case Create():
            return Stored(live(effect.manifest), reports=True)
        case Read() | MergePatch():
            found = manifest(effect.ref.kind, effect.ref.name, effect.ref.api_version)
            return Stored(live(found), reports=True)
        case _:
            raise AssertionError(effect)


def rounds(subject: Any, plan: RunPlan) -> tuple[int, Phase]:
    """Perform what one look asks for, round by round."""
    outcomes: dict[str, object] = {}
    for number in range(10 * EFFECT_ROUNDS):
        decided = plan_action_run(proven(subject, outcomes, action=action()), at(1))
        todo = [effect for effect in decided.effects if effect.key not in outcomes]
        if not todo:
            return number, decided.status.phase
        outcomes |= {effect.key: answered(effect, plan) for effect in todo}
    raise AssertionError("it never ends")


@pytest.mark.thorough
@pytest.mark.parametrize("each", [{"patch": True}, {}, {"patch": True, "dry_run": DryRun(result="Deferred")}])
def test_the_largest_plan_ends_within_one_look(each: dict[str, Any]) -> None:
    plan = largest(**each)
    for subject in (running(plan), run()):
        number, phase = rounds(subject, plan)
        assert number < EFFECT_ROUNDS * 3 / 4, number
        assert phase in (Phase.SUCCEEDED, Phase.RUNNING), phase


def test_a_plan_may_have_more_objects_than_an_action_has_entries() -> None:
    most = {
        model: next(each.max_length for each in model.model_fields[field].metadata if hasattr(each, "max_length"))
        for model, field in ((Execution, "resources"), (RunPlan, "resources"), (ActionRunStatus, "requests"))
    }
    assert most == {Execution: MAX_OBJECTS / 2, RunPlan: MAX_OBJECTS, ActionRunStatus: MAX_OBJECTS}
