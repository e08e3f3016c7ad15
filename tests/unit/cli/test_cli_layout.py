"""Text in the width of a terminal."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.models import NOW

from pratique.cli.layout import ago, labelled, shown_width, table, wrap

ROWS = [["team-a/week", "Waiting", "Waiting for one of many until tomorrow"], ["b", "Done", ""]]


def test_a_table_wraps_its_last_column() -> None:
    assert table(("RUN", "PHASE", "MESSAGE"), ROWS, 48) == [
        "RUN          PHASE    MESSAGE",
        "team-a/week  Waiting  Waiting for one of many",
        "                      until tomorrow",
        "b            Done",
    ]


def test_where_there_is_no_room_the_last_column_stands_below() -> None:
    assert table(("RUN", "PHASE", "MESSAGE"), ROWS, 32) == [
        "RUN          PHASE",
        "team-a/week  Waiting",
        "    Waiting for one of many",
        "    until tomorrow",
        "b            Done",
    ]


def test_a_short_last_column_needs_little_room() -> None:
    assert table(("A", "B"), [["x" * 20, "yes"]], 26) == ["A" + " " * 21 + "B", "x" * 20 + "  yes"]


def test_letters_that_take_two_columns_or_none() -> None:
    assert [shown_width(text) for text in ("abc", "日本", "e\u0301")] == [3, 4, 1]
    assert table(("A", "B"), [["日本", "x"], ["abcd", "y"]], 40) == ["A     B", "日本  x", "abcd  y"]


def test_labels_stand_beside_their_texts() -> None:
    pairs = [("reason", "a long text here"), ("none", ""), ("if so", "one\ntwo")]
    assert labelled(pairs, 20, "  ") == [
        "  reason  a long",
        "          text here",
        "  if so   one",
        "          two",
    ]
    assert labelled([("none", "")], 20, "") == []


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0s ago"), (59, "59s ago"), (60, "1m ago"), (7199, "1h ago"), (172800, "2d ago"), (-86399, "in 23h")],
)
def test_how_long_ago(seconds: int, expected: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == expected


words = st.text(st.sampled_from("ab é日\u0301"), max_size=30)


@given(words, st.integers(2, 20))
def test_no_line_is_too_wide_and_nothing_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert lines
    assert all(shown_width(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.lists(st.tuples(words, words, words), min_size=1, max_size=4), st.integers(10, 60))
def test_a_table_fits_where_its_first_columns_do(rows: list[tuple[str, str, str]], width: int) -> None:
    clean = [[" ".join(cell.split()) for cell in row] for row in rows]
    lines = table(("A", "B", "C"), clean, width)
    first = sum(max([1, *(shown_width(row[at]) for row in clean)]) for at in (0, 1)) + 4
    assert all(shown_width(line) <= max(width, first) for line in lines)
