"""What other languages write, and what is said to it."""

import pytest

from pratique.core.judging.expressions import compile_expression
from pratique.core.kernel.errors import EvaluationError


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("inputs.a = 5", "write == to compare"),
        ("inputs.a === 5", "write == to compare"),
        ("inputs.a <> 5", "write != for not equal"),
        ("inputs.a and inputs.b", "write && for and"),
        ("inputs.a or inputs.b", "write || for or"),
        ("not inputs.a", "write ! for not"),
        ("inputs.a & inputs.b", "write && for and"),
        ("inputs.a | inputs.b", "write || for or"),
        ("{{ inputs.a }}", "in a template write ${inputs.a}, with one pair of braces, and a condition without any"),
        ("${inputs.a} > 5", "an expression stands bare: leave the $ and its braces out"),
        ("$inputs.a", "an expression stands bare: leave the $ and its braces out"),
        ("inputs.a > 1h30m", "write ttl('90m'): a duration is one number and one unit"),
        ("inputs.a > 5d", "write ttl('5d'): a duration is one number and one unit"),
        ("inputs.a ? 1", "write condition ? value : otherwise"),
        ("inputs.a ? 1 else 2", "write condition ? value : otherwise"),
        ("if inputs.a then 1 else 2", "write condition ? value : otherwise"),
        ("len(inputs.a) > 1", "write size(…)"),
        ("inputs.a.lower()", "write lowerAscii()"),
        ("inputs.a == None", "write null"),
        ("inptus.a", "did you mean inputs?"),
        ("inputs.a.startswith('x')", "did you mean startsWith?"),
        ("inputs.a.lowerascii()", "did you mean lowerAscii?"),
        ("inputs.a == \u201cx\u201d", "write straight quotes"),
        ("inputs.a == 'x", "a text ends with the quote that it begins with"),
    ],
)
def test_what_other_languages_write_is_answered_with_the_remedy(text: str, hint: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        compile_expression(text, ("inputs", "run"))
    assert str(raised.value).endswith(f"; {hint}")


@pytest.mark.parametrize("text", ["inputs.a +", "zzzzzz(1)", "inputs.a == '= and or' +", "{'a': inputs.a"])
def test_what_is_not_known_is_left_to_the_evaluators_words(text: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        compile_expression(text, ("inputs", "run"))
    assert "write" not in str(raised.value)
    assert "mean" not in str(raised.value)
