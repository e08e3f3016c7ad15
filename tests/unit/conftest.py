"""Unit tests are pure: no socket, no process (what needs one is in tests/component), and no opinion of how fast it is."""

import sys
from collections.abc import Iterator

import pytest

IMPURE = ("socket.connect", "socket.bind", "subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec")
_testing: list[str] = []


def _refuse(event: str, args: object) -> None:
    if _testing and event in IMPURE:
        raise RuntimeError(f"{_testing[-1]} is a unit test and uses {event}: it belongs into tests/component")


sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def _recursion_limit() -> Iterator[None]:
    """`main` lets its process recurse deeper; a test that calls it must not let the tests after it do so."""
    limit = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(limit)


@pytest.fixture(autouse=True)
def _pure(request: pytest.FixtureRequest) -> Iterator[None]:
    _testing.append(request.node.nodeid)
    yield
    _testing.clear()
