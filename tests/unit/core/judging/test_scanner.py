"""Where an expression ends: braces in strings and comments of CEL close nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.core.judging.rendering import render_text
from pratique.core.judging.scanner import closing_brace

SCOPE = {"inputs": {"name": "web", "count": 3}}


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("a}", 1),
        ("}", 0),
        ("{'k': {'v': 1}}}", 15),
        ("'}'}", 3),
        ('"}"}', 3),
        (r"'\'}'}", 5),
        (r"'a\\'}", 5),
        ("'''}'}'''}", 9),
        ('"""}"}"""}', 9),
        (r"'''\'''}'''}", 11),
        (r"r'\d}'}", 6),
        (r'R"\d}"}', 6),
        (r"rb'\d}'}", 7),
        (r"r'''}\'''}", 9),
        (r"for'\'}'}", 8),
        ("b'}'}", 4),
        ("a // }\n}", 7),
        ("'//'}", 4),
        ("''}", 2),
        ("a", None),
        ("", None),
        ("{}", None),
        ("'}", 1),
        ("// }", None),
    ],
)
def test_the_closing_brace(text: str, end: int | None) -> None:
    assert closing_brace(text, 0) == end
    assert closing_brace("${" + text, 2) == (None if end is None else end + 2)


def test_a_hostile_text_takes_no_time_to_speak_of() -> None:
    for text in ("'" * 4000, '"""' * 2000, "'''\\" * 2000, "\\" * 4000 + "'", "r'" * 2000, "{" * 4000, "'\\" * 2000):
        closing_brace(text, 0)


@given(st.text())
def test_any_text_lands_as_exactly_that_text(value: str) -> None:
    assert render_text(value.replace("${", "$${"), SCOPE) == value


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_input_lands_as_exactly_that_text_and_injects_nothing(value: str) -> None:
    scope = {"inputs": {"name": value}}
    assert render_text("${inputs.name}", scope) == value
    assert render_text("a: ${inputs.name}\n$${inputs.name}", scope) == f"a: {value}\n${{inputs.name}}"
