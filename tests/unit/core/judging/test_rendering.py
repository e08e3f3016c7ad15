"""Templates become objects: a value lands where its `${…}` stood, and nowhere else."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.models import manifest, planned, run_plan, stage
from tests.support.generated import examples

from pratique.api.v1alpha1.action_run import RunPlan
from pratique.core.judging.rendering import MAX_TEXT, render, render_text, strings
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.limits import MAX_TEMPLATE_DEPTH
from pratique.core.plans.document import document
from pratique.core.plans.summary import summarize

SCOPE = {
    "inputs": {"name": "web", "n": 3, "half": 0.5, "yes": True, "no": False, "nil": None, "list": [1], "map": {"k": 1}}
}
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("", ""),
        ("plain $ { } text $", "plain $ { } text $"),
        ("${inputs.name}", "web"),
        ("${ inputs.n }", 3),
        ("${inputs.list}", [1]),
        ("${inputs.map}", {"k": 1}),
        ("${inputs.nil}", None),
        ("${inputs.yes}", True),
        ("a-${inputs.name}-b", "a-web-b"),
        ("${inputs.name}${inputs.n}", "web3"),
        ("${inputs.half} ${inputs.yes} ${inputs.no}", "0.5 true false"),
        ("$${inputs.name}", "${inputs.name}"),
        ("$${a} ${inputs.n}", "${a} 3"),
        ("$$${inputs.n}", "$${inputs.n}"),
        ("${'}'}", "}"),
        ('${"}" + \'"\'}', '}"'),
        ("${'it\\'s }'}", "it's }"),
        ("${'''}'\\''''}", "}''"),
        ("${r'\\}' + '}'}", "\\}}"),
        ("${1 // }\n}", 1),
        ("${{'a': {'b': 1}}}", {"a": {"b": 1}}),
        ("${{'a': 1}.a}!", "1!"),
        ("x${'${inputs.name}'}", "x${inputs.name}"),
    ],
)
def test_one_string(template: str, value: object) -> None:
    rendered = render_text(template, SCOPE)
    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("${inputs.name", "'${' is never closed by '}'"),
        ("a ${{'b': 1}", "'${' is never closed by '}'"),
        ("${", "'${' is never closed by '}'"),
        ("a ${inputs.list}", "${inputs.list} is a list: inside text only strings, numbers and booleans may stand"),
        ("a ${inputs.map}", "${inputs.map} is a dict: inside text"),
        ("a ${inputs.nil}", "${inputs.nil} is a null: inside text"),
        ("${}", "${} is empty; write $${ for a literal ${"),
        ("${nobody.name}", "undeclared reference to 'nobody.name'; in scope are: inputs"),
        ("${inputs.absent}", "Key not found in map"),
        ("x" * (MAX_TEXT + 1), f"is longer than {MAX_TEXT} characters"),
    ],
)
def test_what_cannot_be_rendered_says_why_and_where(template: str, complaint: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        render({"spec": ["fine", {"field": template}]}, SCOPE, "template")
    assert str(raised.value).startswith("template.spec[1].field: " + complaint)


def test_what_is_not_text_stays_as_it_is() -> None:
    template = {"a": [1, None, True, 0.5, {"b": "${inputs.n}"}], "c": {}}
    assert render(template, SCOPE, "t") == {"a": [1, None, True, 0.5, {"b": 3}], "c": {}}
    assert template["a"] == [1, None, True, 0.5, {"b": "${inputs.n}"}]


@given(TEXT)
def test_any_input_lands_in_its_place_as_exactly_that_text(text: str) -> None:
    template = {
        "metadata": {"name": "${inputs.x}", "labels": {"in": "<${inputs.x}>", "fixed": "x"}},
        "list": ["${inputs.x}"],
    }
    rendered = render(template, {"inputs": {"x": text}}, "t")
    assert rendered == {"metadata": {"name": text, "labels": {"in": f"<{text}>", "fixed": "x"}}, "list": [text]}


@pytest.mark.parametrize(
    "text", ["a: b\nkind: Secret", "'}", "${inputs.secret}", "$${", "{{.}}", '"]}', "- x", "!!python/x"]
)
def test_an_input_is_never_read_again(text: str) -> None:
    rendered = render({"a": "${inputs.x}", "b": "-${inputs.x}-"}, {"inputs": {"x": text, "secret": "s"}}, "t")
    assert rendered == {"a": text, "b": f"-{text}-"}


@given(st.text(alphabet="${}'a ", max_size=20))
def test_any_text_can_be_written_as_itself(text: str) -> None:
    assert render_text(text.replace("${", "$${"), SCOPE) == text


def test_every_string_has_its_path() -> None:
    template = {"kind": "A", "n": 1, "list": ["x", {"y": "z"}], "nil": None}
    assert list(strings(template, "t")) == [("t.kind", "A"), ("t.list[0]", "x"), ("t.list[1].y", "z")]


def test_a_field_name_is_no_template() -> None:
    with pytest.raises(EvaluationError, match=r"^t\.a\.\$\{inputs\.x\}: the name of a field cannot be a template$"):
        list(strings({"a": {"${inputs.x}": "b"}}, "t"))


def test_templates_have_a_limit_of_depth() -> None:
    def nested(levels: int) -> Any:
        return {"a": nested(levels - 1)} if levels else "leaf"

    assert len(list(strings(nested(MAX_TEMPLATE_DEPTH), "t"))) == 1
    with pytest.raises(EvaluationError, match=f"is nested deeper than {MAX_TEMPLATE_DEPTH} levels"):
        list(strings(nested(MAX_TEMPLATE_DEPTH + 1), "t"))


def _shuffled(value: Any, order: random.Random) -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        order.shuffle(items)
        return {key: _shuffled(each, order) for key, each in items}
    return [_shuffled(each, order) for each in value] if isinstance(value, list) else value


@examples(40)
@given(st.dictionaries(TEXT, JSON, max_size=3), st.randoms(use_true_random=False))
def test_the_digest_depends_on_what_is_in_the_plan_and_on_no_order(body: dict[str, Any], order: random.Random) -> None:
    plan = run_plan(planned("made", manifest(data=body)), inputs=body, gate=stage())
    wire = json.loads(json.dumps(_shuffled(plan.to_wire(), order)))
    assert document(RunPlan.model_validate(wire)) == document(plan)
    assert document(document(plan).plan) == document(plan)


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": {"x": None}},
        {"timeout": "11m"},
        {"gate": stage()},
        {"outputs": {"a": "b"}},
        {"resources": [planned("made", manifest(data={"a": None}))]},
        {"resources": [planned("made", patch=True)]},
    ],
)
def test_any_change_of_the_plan_changes_its_digest(change: dict[str, Any]) -> None:
    plan = run_plan()
    digest = document(plan).digest
    assert digest.startswith("sha256:")
    assert document(plan.model_copy(update=change)).digest != digest
    assert document(plan.model_copy(update={"summary": ["other"]})).digest == digest


@pytest.mark.parametrize(
    ("made", "patch", "line"),
    [
        (manifest(), False, "ConfigMap team-a/made"),
        ({"kind": "Environment", "metadata": {"name": "e"}, "spec": {"ttl": "3d"}}, False, "Environment e for 3d"),
        ({"kind": "Odd", "metadata": {"name": "e"}, "spec": {"ttl": 3}}, False, "Odd e"),
        ({"kind": "Odd", "metadata": {"name": "e"}, "spec": "text"}, False, "Odd e"),
        ({"kind": "Odd"}, False, "Odd None"),
        ({"kind": "A", "metadata": {"name": "b\u202e\nc"}}, False, "A b c"),
        (
            {
                "apiVersion": "v1",
                "kind": "A",
                "metadata": {"name": "b", "labels": {"l": "é"}},
                "spec": {"n": [1], "x": None},
            },
            True,
            'Change A b: metadata.labels.l="é", spec.n=[1], spec.x=null',
        ),
    ],
)
def test_a_summary_is_one_line_for_people(made: dict[str, Any], patch: bool, line: str) -> None:
    assert summarize(made, patch=patch) == line


def test_a_summary_has_a_limit() -> None:
    assert len(summarize(manifest(data={"x": "y" * 9999}), patch=True)) == 512
