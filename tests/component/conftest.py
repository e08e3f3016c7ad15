"""Components in processes and with sockets of their own, and no cluster. A busy machine must not fail property tests."""

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _recursion_limit() -> Iterator[None]:
    """`main` lets its process recurse deeper; a test that calls it must not let the tests after it do so."""
    limit = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(limit)
