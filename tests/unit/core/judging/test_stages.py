"""Which stages hold a run, whom they exclude, and what could never be granted."""

from typing import Any

import pytest
from tests.builders.models import action as whole
from tests.builders.models import run, stage

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.stages import Approvers, Quorum, RuleApprovers, SamePeople
from pratique.core.judging.checks import check_action
from pratique.core.judging.judge import judge
from pratique.core.judging.stages import find_unsatisfiable
from pratique.core.kernel.errors import EvaluationError
from pratique.core.telling.wording import approval_phrase, stage_phrase

Json = dict[str, Any]
LEADS: Json = {"groups": ["platform-leads"]}
FORM: Json = {"schema": {"type": "object", "properties": {"who": {"type": "string"}, "all": {"type": "array"}}}}


NOTE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made", "namespace": "team-a"}}
DOES: Json = {
    "serviceAccountRef": {"namespace": "pratique-actions", "name": "maker"},
    "resources": [{"id": "made", "template": NOTE}],
}


def action(approval: Json) -> Action:
    return whole(inputs=FORM, approval=approval, execution=DOES)


def planned(approval: Json, **inputs: Any) -> RunPlan:
    judged = judge(action(approval), run(spec={"inputs": inputs}))
    assert judged.plan is not None, judged.refusals
    return judged.plan


def test_one_plain_stage_is_written_as_the_first_version_reads_it() -> None:
    plan = planned({"stages": [{"name": "platform", "approvers": LEADS}]})
    assert plan.gate is not None and plan.gates is None and plan.skipped is None
    assert plan.stages == (plan.gate,)


@pytest.mark.parametrize(
    "rule",
    [
        {"requireFrom": [{"group": "platform-leads", "count": 1}]},
        {"alternatives": [{"approvers": LEADS, "required": 2}]},
        {"exclude": ["author@example.com"]},
    ],
)
def test_what_the_first_version_would_count_in_part_it_finds_no_stage_of(rule: Json) -> None:
    plan = planned({"stages": [{"name": "platform", "approvers": LEADS, **rule}]})
    assert plan.gate is None and plan.gates is not None and [each.name for each in plan.stages] == ["platform"]


def test_stages_that_do_not_apply_are_named_with_their_reason() -> None:
    stages = [
        {"name": "a", "approvers": LEADS, "when": "inputs.who == 'me'"},
        {"name": "b", "approvers": LEADS},
        {"name": "c", "approvers": LEADS},
    ]
    plan = planned({"stages": stages, "samePersonInStages": "Allow"}, who="you")
    assert [each.name for each in plan.stages] == ["b", "c"] and plan.same_person_in_stages is SamePeople.ALLOW
    assert plan.skipped is not None and [(each.name, each.when) for each in plan.skipped] == [
        ("a", "inputs.who == 'me'")
    ]
    free = planned({"stages": [{**each, "when": "inputs.who == 'me'"} for each in stages]}, who="you")
    assert free.stages == () and free.same_person_in_stages is None and len(free.skipped or ()) == 3


def test_whom_a_rule_excludes_is_worked_out_for_the_run() -> None:
    rule = {"name": "p", "approvers": LEADS, "exclude": ["${inputs.who}", "${inputs.all}", "fixed", "fixed"]}
    plan = planned({"stages": [rule]}, who=" author@example.com ", all=["a", "b"])
    assert plan.stages[0].exclude == ["author@example.com", "a", "b", "fixed"]
    nobody = planned({"stages": [{**rule, "exclude": ["${inputs.who}"]}]}, who="")
    assert nobody.stages[0].exclude is None, "an input that was left empty names nobody"


@pytest.mark.parametrize(
    ("text", "inputs", "said"),
    [
        ("${inputs.nobody}", {}, r"spec.approval.stages\[0\].exclude\[0\]: .*nobody"),
        ("${inputs.all}", {"all": [1]}, r"exclude\[0\]: must be a user name, or a list of them"),
        ("${inputs.who}", {"who": "x" * 254}, r"exclude\[0\]: must be a user name, or a list of them"),
        ("${inputs.all}", {"all": [f"u{number}" for number in range(33)]}, "names 33 users, 32 are allowed"),
    ],
)
def test_what_is_no_user_name_holds_the_run(text: str, inputs: Json, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        planned({"stages": [{"name": "p", "approvers": LEADS, "exclude": [text]}]}, **inputs)


ONE = stage(name="a", approvers=Approvers(users=["x", "y"]))
OTHER = stage(name="b", approvers=Approvers(users=["X"]))
THIRD = stage(name="c", approvers=Approvers(users=["y"]))


def test_stages_that_need_more_people_than_they_name() -> None:
    forbid, allow = SamePeople.FORBID, SamePeople.ALLOW
    assert find_unsatisfiable([ONE, OTHER], (), forbid) == []
    (problem,) = find_unsatisfiable([ONE, OTHER, THIRD], (), forbid)
    assert "the stages a and b and c need 3 people together and name 2, and nobody decides in two" in problem
    assert find_unsatisfiable([ONE, OTHER, THIRD], (), allow) == []
    assert find_unsatisfiable([ONE, OTHER, stage(name="c", approvers=Approvers(groups=["g"]))], (), forbid) == []
    (pair,) = find_unsatisfiable([ONE, OTHER], ("y",), forbid)
    assert "need 2 people together and name 1" in pair


def test_a_stage_by_itself_that_nobody_could_grant() -> None:
    (problem,) = find_unsatisfiable([OTHER], ("x",), SamePeople.ALLOW)
    assert problem == "This could never be approved: it needs 1 of X, and a requester cannot decide"
    out = ONE.model_copy(update={"exclude": ["x", "y"]})
    (problem,) = find_unsatisfiable([out], (), SamePeople.FORBID)
    assert problem.endswith("and a requester cannot decide, nor can whom spec.approval excludes")
    either = ONE.model_copy(update={"alternatives": [Quorum(approvers=RuleApprovers(groups=["g"]))]})
    assert find_unsatisfiable([either], ("x", "y"), SamePeople.FORBID) == []


def test_it_is_said_of_the_action_as_well() -> None:
    one = {"users": ["x"]}
    rules = {"stages": [{"name": "a", "approvers": one}, {"name": "b", "approvers": one}]}
    (problem,) = check_action(action(rules))
    assert problem.startswith("spec.approval: This could never be approved: the stages a and b")
    apart = {"stages": [{**each, "when": "inputs.who == 'me'"} for each in rules["stages"]]}
    assert check_action(action(apart)) == (), "they may never apply together"
    typo = {"stages": [{"name": "a", "approvers": one, "exclude": ["${input.who}"]}]}
    (problem,) = check_action(action(typo))
    assert problem.startswith("spec.approval.stages[0].exclude[0]: ")


def test_a_run_is_refused_that_its_own_people_could_not_grant() -> None:
    asked = run(spec={"requested_by": Requester(username="x")})
    judged = judge(action({"stages": [{"name": "a", "approvers": {"users": ["x"]}, "mode": "All"}]}), asked)
    assert judged.plan is None and "it needs 1 of x" in judged.refusals[0]


def test_rules_in_words() -> None:
    two = stage(
        approvers=Approvers(users=["lead"], groups=["ops", "security"]),
        require_from=[{"group": "security", "count": 2}, {"group": "ops"}],
        alternatives=[{"approvers": {"users": ["b", "a"]}, "mode": "All"}],
    )
    said = "2 of lead, group ops, group security, of them 2 of group security and 1 of group ops or 2 of a, b"
    assert stage_phrase(two) == said
    rules = {"stages": [{"name": "a", "approvers": LEADS}, {"name": "b", "approvers": LEADS, "when": "false"}]}
    assert approval_phrase(action(rules)) == "1 of group platform-leads; then 1 of group platform-leads, if false"
