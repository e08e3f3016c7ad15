"""Names that CEL keeps for itself, names with dashes, and macros: how an expression is written for the evaluator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.core.judging.expression_text import (
    RESERVED,
    as_checked,
    as_evaluated,
    field_name,
    named,
    selections_of,
    tokens_of,
    unescaped,
)
from pratique.core.judging.expressions import compile_expression
from pratique.core.judging.form_types import types_of

ODD = [*sorted(RESERVED), "a-b", "x-", "size", "map", "__x__", "a_b"]


@pytest.mark.parametrize("name", ODD)
def test_an_input_may_have_any_name(name: str) -> None:
    scope = {"inputs": {name: "yes", "inner": {name: "yes"}}}
    form = {"inputs": {"properties": {name: {"type": "string"}, "inner": {"properties": {name: {"type": "string"}}}}}}
    texts = [f"inputs['{name}']", f'inputs["{name}"]', f"inputs.`{name}`", f"inputs.inner['{name}']"]
    texts += [f"(has(inputs['{name}']) ? inputs[?'{name}'].orValue('') : '')"]
    texts += [f"inputs.{name}", f"(has(inputs.{name}) ? inputs.inner.{name} : '')"] if "-" not in name else []
    texts += [f"inputs.__{name}__"] if name in RESERVED else []
    for text in texts:
        assert compile_expression(text, ("inputs",)).evaluate(scope) == "yes"
        assert types_of(form).problem(text, condition=False) is None
        said = types_of(form).problem(f"{text} + 1", condition=False)
        assert said is not None
        assert "(string, int)" in said


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("inputs.a__dash__b.c__dot__d", "inputs.`a-b`.`c.d`"),
        ("x in ['a']", "x in ['a']"),
        ("x in['a'] && ['a'] == y", "x in['a'] && ['a'] == y"),
        ("f(x)['a'] + y[0]['b']", "f(x).`a` + y[0].`b`"),
        ("inputs['a b'] + inputs['''c''']", "inputs['a b'] + inputs['''c''']"),
        ("'inputs.in' // .in", "'inputs.in' // .in"),
        (r"r'\' + inputs.?in.orValue('')", r"r'\' + inputs.?`in`.orValue('')"),
        ("a ? ['b'] : ['c']", "a ? ['b'] : ['c']"),
        ("inputs . in + 1 .x", "inputs.`in` + 1 .x"),
        ("inputs.map.filter", "inputs.map.filter"),
        ("x.transformMap(a, (b", "x.transformMap (a, (b"),
        ("x.transformMap()", "x.transformMap ()"),
    ],
)
def test_names_are_written_as_the_parser_takes_them(text: str, written: str) -> None:
    assert as_evaluated(text) == written


def test_where_types_are_checked_names_are_those_of_fields() -> None:
    assert as_checked("inputs['a-b'].map(x, x)") == "inputs.`a__x2d__b`.map(x, x)"
    assert named(field_name("a-b.c")) == "a-b.c"
    assert unescaped("a__underscores__b__slash__c") == "a__b/c"


@given(st.text())
def test_pieces_are_the_whole(text: str) -> None:
    assert "".join(token.text for token in tokens_of(text)) == text


def test_what_is_selected_is_found_outside_of_strings() -> None:
    text = "inputs.a + inputs['b-c'] + x.inputs.no + 'inputs.no' + inputs .d + inputs.?f.orValue(run.e.no)"
    text += " + inputs[?'g'] + (a ? b : c)"
    selected = selections_of(text)
    assert selected >= {("inputs", "a"), ("inputs", "b-c"), ("inputs", "d"), ("run", "e"), ("x", "inputs")}
    assert selected >= {("inputs", "f"), ("inputs", "g")}
    assert ("inputs", "no") not in selected
