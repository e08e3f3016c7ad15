"""Which fields a dry run may show, as plans of version 0.1.0 list them: what is held since then is compared with that."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.core.plans.field_changes import MAX_CHANGES
from pratique.core.plans.first_changes import first_changes as changes


def listed(*args: Any) -> list[tuple[str, str, str]]:
    return [(each.path, each.before, each.after) for each in changes(*args)]


@pytest.mark.parametrize(
    ("template", "before", "after", "expected"),
    [
        (
            {"spec": {"replicas": 10}},
            {"spec": {"replicas": 3}},
            {"spec": {"replicas": 10}},
            [("spec.replicas", "3", "10")],
        ),
        ({"a": 1}, {"a": 1, "other": "secret"}, {"a": 1, "other": "changed"}, []),
        ({"a": "1000m"}, {"a": "1"}, {"a": "1000m"}, []),
        ({"a": None}, {"a": "x"}, {}, [("a", '"x"', "null")]),
        ({"a": {"b": 1}}, {}, {"a": {"b": 1}}, [("a.b", "null", "1")]),
        ({"a": {}}, {"a": {}}, {"a": {"filled": "in"}}, []),
        ({"a": {}}, {"a": {}}, {}, []),
        ({"a": []}, {"a": []}, {"a": None}, []),
        ({"a": {}}, {"a": {}}, {"a": "text"}, [("a", "{}", '"text"')]),
        ({"l": [{"i": "x"}]}, {"l": [{"i": "x"}]}, {"l": [{"i": "y", "more": 1}]}, [("l[0].i", '"x"', '"y"')]),
        ({"l": [1, 2]}, {"l": [1]}, {"l": [1, 2]}, [("l", "[1]", "[1, 2]")]),
        ({"a": "ö\u202e"}, {"a": "1"}, {"a": "ö"}, [("a", '"1"', '"ö"')]),
    ],
)
def test_what_is_listed(
    template: dict[str, Any], before: dict[str, Any], after: dict[str, Any], expected: list[Any]
) -> None:
    assert listed(template, before, after) == expected


def test_a_long_value_is_cut_and_still_told_apart() -> None:
    (one,) = changes({"a": 1}, {"a": "x" * 500}, {"a": 1})
    (other,) = changes({"a": 1}, {"a": "x" * 499 + "y"}, {"a": 1})
    assert len(one.before) <= 160
    assert one.before != other.before
    assert one.before[:100] == other.before[:100]


def test_invisible_characters_make_a_difference_that_shows() -> None:
    (one,) = changes({"a": 1}, {"a": "x\u200b"}, {"a": 1})
    assert one.before.startswith('"x" (sha256:')


def test_many_are_counted_and_still_told_apart() -> None:
    template = {f"k{n:02}": 1 for n in range(40)}
    found = changes(template, {}, template)
    assert (len(found), found[-1].path) == (MAX_CHANGES + 1, "24 more fields")
    assert changes(template, {}, {**template, "k39": 2})[-1] != found[-1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from("abc"), each, max_size=3),
    max_leaves=12,
)


@given(JSON, JSON)
def test_nothing_changes_in_what_stays(template: Any, live: Any) -> None:
    assert changes(template, live, live) == []


@given(st.dictionaries(st.sampled_from("ab"), JSON, min_size=1), st.dictionaries(st.sampled_from("xyz"), JSON), JSON)
def test_a_field_that_the_template_does_not_set_is_never_shown(
    template: dict[str, Any], foreign: dict[str, Any], other: Any
) -> None:
    before, after = {**template, **foreign}, {**template, **dict.fromkeys(foreign, other)}
    assert changes(template, before, after) == []
