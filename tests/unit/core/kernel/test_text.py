"""`clean`: text from people is shown as text, and paints over nothing."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.core.kernel.text import clean

ANY_TEXT = st.text(alphabet=st.characters(codec=None), max_size=400)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain words, ünïcode, 日本語, 🙂", "plain words, ünïcode, 日本語, 🙂"),
        ("  around  ", "around"),
        ("two\nlines", "two lines"),
        ("old\r\nmac\rlines\u2028and\u2029more\x85", "old mac lines and more"),
        ("a\tb", "a b"),
        ("no\u00a0break\u3000wide", "no break wide"),
        ("red\x1b[31m text", "red[31m text"),
        ("bi\u202edi\u2066!", "bidi!"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("tag\U000e0041\U000e007f", "tag"),
        ("blank\u3164\u2800\u115f", "blank"),
        ("variation\ufe0f", "variation"),
        ("lone\ud800surrogate", "lonesurrogate"),
        ("private\ue000use", "privateuse"),
        ("nul\x00byte\x7f", "nulbyte"),
        ("<!channel> & *bold*", "<!channel> & *bold*"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_lines_stay_where_they_may() -> None:
    assert clean("one \n  two\u202e\r\n\n", multiline=True) == "one\n  two"


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("12345", 5, "12345"),
        ("123456", 5, "1234…"),
        ("abc defg", 5, "abc…"),
        ("x" * 10_000_000, 3, "xx…"),
        ("\u200b" * 10_000, 10, "…"),
        ("\u200b" * 40 + "visible", 10, "visible"),
    ],
)
def test_the_limit(text: str, limit: int, shown: str) -> None:
    assert clean(text, limit) == shown


@given(ANY_TEXT, st.integers(min_value=1, max_value=80), st.booleans())
def test_it_is_idempotent_bounded_and_shows_nothing_hidden(text: str, limit: int, multiline: bool) -> None:
    shown = clean(text, limit, multiline=multiline)
    assert clean(shown, limit, multiline=multiline) == shown
    assert len(shown) <= limit
    assert not {unicodedata.category(character) for character in shown if character != "\n"} & {"Cc", "Cf", "Cs", "Co"}
    assert multiline or len(shown.splitlines()) <= 1


@given(st.text(alphabet=st.characters(categories=["L", "N", "P"]), max_size=60))
def test_ordinary_text_of_any_script_is_left_alone(text: str) -> None:
    blanks = "\u115f\u1160\u3164\uffa0"
    assert clean(text) == "".join(character for character in text if character not in blanks)
