"""An object is adopted only if all that was planned is in it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.core.plans.sameness import contains

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=4), each, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("live", "planned", "same"),
    [
        ({"a": 1, "server": "default"}, {"a": 1}, True),
        ({"a": 2}, {"a": 1}, False),
        ({}, {"a": 1}, False),
        ("text", {"a": 1}, False),
        ([{"a": 1, "b": 2}], [{"a": 1}], True),
        ([{"a": 1}, {"a": 2}], [{"a": 1}], False),
        ("no list", [1], False),
        ({}, {"a": None, "b": ""}, True),
        ({"kind": "ConfigMap"}, {"kind": "ConfigMap", "data": {}}, True),
        ({"kind": "ConfigMap"}, {"kind": "ConfigMap", "items": []}, True),
        ({"name": "v", "hostPath": {"path": "/"}}, {"name": "v", "emptyDir": {}}, False),
        ({"name": "v", "emptyDir": {"medium": "Memory"}}, {"name": "v", "emptyDir": {}}, True),
        ({"data": {"a": "b"}}, {"data": None}, False),
        ({"a": "planted"}, {"a": None}, False),
        ("1", "1000m", True),
        ("500m", "0.5", True),
        (4, "4", True),
        ("1Gi", "1024Mi", True),
        ("2k", "2000", True),
        ("1M", "1Mi", False),
        ("1.2.3", "1.2.3.4", False),
        ("...", "..", False),
        ("view", "admin", False),
        (True, "x", False),
        (None, 1, False),
    ],
)
def test_contains(live: Any, planned: Any, same: bool) -> None:
    assert contains(live, planned) is same


@given(JSON, st.dictionaries(st.text(min_size=5, max_size=6), JSON, max_size=2))
def test_everything_contains_itself_and_more_does_not_harm(value: Any, more: dict[str, Any]) -> None:
    assert contains(value, value)
    if isinstance(value, dict):
        assert contains({**more, **value}, value)
