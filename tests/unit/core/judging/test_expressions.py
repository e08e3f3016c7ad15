"""CEL: what is accepted, what it gives back, and the sentences of what fails."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.core.judging.expressions import MAX_COMPREHENSIONS, MAX_LENGTH, Program, compile_expression
from pratique.core.kernel.errors import EvaluationError

NAMES = ("inputs", "run")
SCOPE = {"inputs": {"name": "web", "n": 3, "half": 0.5, "list": [1, "a", None], "map": {"k": True}}, "run": {}}
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**52), 2**52) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def evaluate(text: str) -> object:
    return compile_expression(text, NAMES).evaluate(SCOPE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.name", "web"),
        ("inputs.n + 1", 4),
        ("double(inputs.n)", 3),
        ("inputs.half", 0.5),
        ("1e20", 100000000000000000000),
        ("1e300", 1e300),
        ("duration('1.5s')", "1.5s"),
        ("timestamp('2026-01-02T03:04:05.5Z')", "2026-01-02T03:04:05.500000Z"),
        ("9007199254740993", 9007199254740993),
        ("inputs.n > 2", True),
        ("null", None),
        ("inputs.list", [1, "a", None]),
        ("inputs.map", {"k": True}),
        ("{1: 'one'}", {"1": "one"}),
        ("[1.0, 2u]", [1, 2]),
        ("ttl('90s')", "90s"),
        ("ttl('2w') - ttl('1d')", "1123200s"),
        ("ttl('0s')", "0s"),
        ("timestamp('2026-01-02T03:04:05Z')", "2026-01-02T03:04:05Z"),
        ("string(ttl('2m'))", "120s"),
        ("has(inputs.absent) ? inputs.absent : 'none'", "none"),
        ("inputs.list.exists(x, x == 'a')", True),
    ],
)
def test_values_come_back_as_json(text: str, value: object) -> None:
    result = evaluate(text)
    assert result == value
    assert type(result) is type(value)
    json.dumps(result)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("inptus.name", "undeclared reference to 'inptus.name'; in scope are: inputs, run"),
        ("1 +", "Syntax error"),
        ("1 + 'a'", "found no matching overload for '_+_'"),
        ("", "Syntax error"),
        ("x" * (MAX_LENGTH + 1), "an expression may have 4096 characters at most, this has 4097"),
        (
            " && ".join(["inputs.list.all(x, true)"] * (MAX_COMPREHENSIONS + 1)),
            "an expression may have 4 comprehensions (map, all, …) at most",
        ),
    ],
)
def test_what_cannot_be_compiled_is_said_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        compile_expression(text, NAMES)
    message = str(raised.value)
    assert message.startswith(complaint)
    assert "\n" not in message
    assert "INVALID_ARGUMENT" not in message
    assert "<input>" not in message


def test_the_limits_themselves_are_allowed() -> None:
    assert compile_expression("'" + "x" * (MAX_LENGTH - 2) + "'", NAMES).evaluate(SCOPE) == "x" * (MAX_LENGTH - 2)
    assert evaluate(" && ".join(["inputs.list.exists(x, x == 1)"] * MAX_COMPREHENSIONS)) is True


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("inputs.absent", 'Key not found in map: "absent"'),
        ("inputs.n / 0", "divide by zero"),
        ("inputs.list[9]", "Index error: index=9 size=3"),
        ("ttl('2 weeks')", "ttl('2 weeks'): a duration is one number and one unit, such as 90s, 15m, 24h, 3d or 2w"),
        ("1.0 / 0.0", "gives inf, which is no number that JSON knows"),
        ("[double('nan')]", "gives nan, which is no number that JSON knows"),
        ("ttl('999999999w')", "ttl('999999999w'): is longer than any duration may be"),
        ("b'bytes'", "gives bytes, which JSON cannot hold; use string(…)"),
        ("type(1)", "gives a type, which JSON cannot hold; use string(…)"),
        ("{true: 1}", "gives a map with the key True: keys must be strings"),
        ("{inputs.half: 1}", "key"),
        ("inputs.list.map(a, inputs.list.map(b, inputs.list.map(c, inputs.absent)))", "Key not found in map"),
        ("inputs.name + 1", "No matching overloads"),
    ],
)
def test_what_cannot_be_evaluated_says_why(text: str, complaint: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        evaluate(text)
    assert complaint in str(raised.value)


@pytest.mark.parametrize(
    ("text", "is_condition"),
    [("true", True), ("inputs.n > 3", True), ("inputs.n", True), ("'text'", False), ("1 + 1", False), ("[]", False)],
)
def test_the_type_check_knows_what_can_be_a_condition(text: str, is_condition: bool) -> None:
    assert compile_expression(text, NAMES).is_condition is is_condition


def test_a_condition_is_true_or_false_and_nothing_else() -> None:
    assert compile_expression("inputs.n > 2", NAMES).holds(SCOPE) is True
    assert compile_expression("inputs.n > 3", NAMES).holds(SCOPE) is False
    for text, kind in (("inputs.n", "int"), ("inputs.name", "str"), ("null", "NoneType")):
        with pytest.raises(EvaluationError, match=f"must be true or false, but is {kind}: {text}"):
            compile_expression(text, NAMES).holds(SCOPE)


def test_a_program_is_compiled_once_for_each_scope() -> None:
    assert compile_expression("1", NAMES) is compile_expression("1", NAMES)
    assert compile_expression("1", NAMES) is not compile_expression("1", ("self",))


@pytest.mark.parametrize(("text", "length"), [("90s", 90), ("15m", 900), ("24h", 86400), ("3d", 259200), ("0s", 0)])
def test_durations_compare(text: str, length: int) -> None:
    assert evaluate(f"ttl('{text}') == duration('{length}s')") is True
    assert timedelta(seconds=length) == timedelta(seconds=int(str(evaluate(f"ttl('{text}')"))[:-1]))


@given(JSON)
def test_any_json_goes_through_unchanged(value: object) -> None:
    program: Program = compile_expression("inputs.value", NAMES)
    assert program.evaluate({"inputs": {"value": value}, "run": {}}) == value


@pytest.mark.parametrize("value", ["a\0b", ["\0"], {"k": {"l": "\0"}}, {"k\0": 1}])
def test_a_text_that_the_binding_would_cut_off_is_not_judged_by_its_beginning(value: object) -> None:
    with pytest.raises(EvaluationError, match="sees a text with the character NUL, which CEL would cut off there"):
        compile_expression("inputs.v == 'a'", NAMES).evaluate({"inputs": {"v": value}, "run": {}})


@pytest.mark.parametrize(
    "text",
    ["inputs.l.map(a, inputs.l.map(b, inputs.l.map(c, 1)))", "inputs.l.all(a, inputs.l.all(b, inputs.l.all(c, true)))"],
)
def test_loops_in_loops_end(text: str) -> None:
    with pytest.raises(EvaluationError, match="Iteration budget exceeded"):
        compile_expression(text, NAMES).evaluate({"inputs": {"l": list(range(300))}, "run": {}})
