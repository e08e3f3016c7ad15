"""How long an object stays: as the Action says, never longer than it allows, and said in the plan."""

from typing import Any

import pytest
from tests.builders import models
from tests.builders.models import manifest, planned

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.api.v1alpha1.planned import PlannedTemporary
from pratique.core.judging.checks import check_action
from pratique.core.judging.copies import refuse_copy
from pratique.core.judging.judge import judge
from pratique.core.judging.lifetimes import find_other_end
from pratique.core.kernel.errors import EvaluationError
from pratique.core.plans.lifetimes import with_lifetime
from pratique.core.plans.summary import MAX_LINE

FORM = {
    "type": "object",
    "properties": {"ttl": {"type": "string"}, "hours": {"type": "integer"}, "odd": {}},
}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "made"}}
ENVIRONMENT = {"apiVersion": "pratique.dev/v1alpha1", "kind": "Environment", "metadata": {"name": "made"}}
PATH = "spec.execution.resources[0].expiresAfter"


def action(expires: str, template: Any = None, **execution: Any) -> Action:
    made: dict[str, Any] = {"id": "made", "expiresAfter": expires, "template": template or manifest(labels={})}
    made["template"]["metadata"].pop("labels", None)
    account = {"namespace": "makers", "name": "maker"}
    return models.action(
        inputs={"schema": FORM}, execution={"serviceAccountRef": account, "resources": [made], **execution}
    )


def asked(subject: Action, **inputs: Any) -> RunPlan | str:
    """Return the plan, or why it is refused."""
    found = judge(subject, models.run(spec={"inputs": inputs}))
    return found.plan if found.plan is not None else "; ".join(found.refusals)


@pytest.mark.parametrize(
    ("text", "inputs", "expected"),
    [
        ("8h", {}, "8h"),
        ("${inputs.ttl}", {"ttl": "3d"}, "3d"),
        ("${inputs.hours}h", {"hours": 4}, "4h"),
        ("30d", {}, "30d"),
        ("720h", {}, "720h"),
    ],
)
def test_it_is_in_the_plan_and_people_read_it(text: str, inputs: dict[str, Any], expected: str) -> None:
    plan = asked(action(text), **inputs)
    assert isinstance(plan, RunPlan)
    (made,) = plan.resources
    assert isinstance(made, PlannedTemporary) and made.expires_after == expected
    assert plan.summary == [f"ConfigMap team-a/made; ends {expected} after it is made"]


@pytest.mark.parametrize(
    ("ttl", "said"),
    [
        ("31d", "31d is longer than 30d, which this Action allows at most (maxExpiry): ask for a shorter time"),
        ("999999999w", "999999999w is longer than 30d, which this Action allows at most (maxExpiry)"),
        ("8 hours", "'8 hours' is no duration: one whole number and one unit, s, m, h, d or w, such as 8h"),
        ("0s", "'0s' is no duration"),
        ("-1h", "'-1h' is no duration"),
        ("8h\n", "is no duration"),
        ("", "'' is no duration"),
    ],
)
def test_what_was_asked_for_may_be_no_time_or_too_long(ttl: str, said: str) -> None:
    refused = asked(action("${inputs.ttl}"), ttl=ttl)
    assert isinstance(refused, str) and refused.startswith("expiresAfter of made: ") and said in refused


def test_the_wall_is_the_actions() -> None:
    assert "longer than 1h" in str(asked(action("${inputs.ttl}", maxExpiry="1h"), ttl="61m"))
    assert isinstance(asked(action("${inputs.ttl}", maxExpiry="999999999w"), ttl="99999w"), RunPlan)


@pytest.mark.parametrize(
    ("text", "inputs", "said"),
    [
        ("${inputs.odd}", {"odd": 8}, f"{PATH}: must be text such as 8h, and is 8"),
        ("${inputs.none}", {}, f"{PATH}: "),
        ("${1 / 0}h", {}, f"{PATH}: "),
    ],
)
def test_what_the_author_has_to_mend_is_held_and_not_refused(text: str, inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(EvaluationError, match="create-environment") as raised:
        asked(action(text), **inputs)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (ENVIRONMENT, "an Environment ends by its own spec.ttl: leave it out"),
        ({**JOB, "spec": {"ttlSecondsAfterFinished": 9}}, "this Job ends by its own ttlSecondsAfterFinished"),
    ],
)
def test_there_is_one_end_of_an_object(template: dict[str, Any], said: str) -> None:
    assert said in str(find_other_end(template))
    (problem, *_) = check_action(action("8h", dict(template)))
    assert problem.startswith(PATH) and said in problem
    with pytest.raises(EvaluationError, match="leave"):
        asked(action("8h", dict(template)))


@pytest.mark.parametrize("spec", [{}, "text", None])
def test_others_have_none(spec: Any) -> None:
    assert find_other_end({**JOB, "spec": spec}) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${inputs.hours}", "must be text such as 8h, and ${inputs.hours} is none: write ${inputs.hours}h, for hours"),
        ("${inputs.tl}", "there is no input named tl; did you mean ttl?"),
        ("${inputs.ttl", "'${' is never closed"),
    ],
)
def test_mistakes_are_said_when_the_action_is_applied(text: str, said: str) -> None:
    (problem, *_) = check_action(action(text))
    assert problem.startswith(PATH) and said in problem


@pytest.mark.parametrize("text", ["8h", "${inputs.ttl}", "${inputs.hours}h", "${inputs.odd}"])
def test_what_may_be_right_is_no_mistake(text: str) -> None:
    assert [each for each in check_action(action(text)) if "tried with" not in each] == []


def test_each_of_a_list_has_its_own() -> None:
    made = {**manifest(), "metadata": {"name": "made-${each}", "namespace": "team-a"}}
    resource = {"id": "made", "forEach": "inputs.ttls", "expiresAfter": "${each}", "template": made}
    form = {"type": "object", "properties": {"ttls": {"type": "array", "items": {"type": "string"}, "maxItems": 3}}}
    account = {"namespace": "makers", "name": "maker"}
    subject = models.action(inputs={"schema": form}, execution={"serviceAccountRef": account, "resources": [resource]})
    assert check_action(subject) == ()
    plan = asked(subject, ttls=["1h", "2h"])
    assert isinstance(plan, RunPlan)
    assert [each.expires_after for each in plan.resources if isinstance(each, PlannedTemporary)] == ["1h", "2h"]


def test_no_value_of_a_secret_becomes_one() -> None:
    one, two = (PlannedTemporary(id="made", manifest=manifest(), expires_after=each) for each in ("8h", "9h"))
    refuse_copy(one, one, "path")
    with pytest.raises(EvaluationError, match=r"path.expiresAfter: reads a value of a Secret"):
        refuse_copy(one, two, "path")


def test_a_long_line_still_says_when_it_ends() -> None:
    made = PlannedTemporary(id="made", manifest=manifest(), expires_after="8h")
    line = with_lifetime("x" * 600, made)
    assert len(line) <= MAX_LINE and line.endswith("; ends 8h after it is made")
    assert with_lifetime("x", planned()) == "x"
