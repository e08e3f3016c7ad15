"""A deletion that is only tried says so in its body: with a body, an API server ignores the query, and deletes."""

from typing import Any, cast

import pytest

from pratique.cluster.client import Api
from pratique.cluster.perform import perform
from pratique.core.kernel.effects import Delete, ObjectRef, Stored

REF = ObjectRef("v1", "Pod", "db-0", "team-a")


class Server:
    """Keeps what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any, str | None]] = []

    async def path_of(self, _: ObjectRef) -> str:
        return "/pod"

    def reports(self, _: object) -> None:
        return None

    async def request(self, method: str, path: str, body: Any = None, *, run_as: str | None = None) -> dict[str, Any]:
        self.asked.append((method, path, body, run_as))
        return {}


@pytest.mark.parametrize(
    ("effect", "options"),
    [
        (Delete("d", REF, "u1", run_as="maker", dry_run=True), {"preconditions": {"uid": "u1"}, "dryRun": ["All"]}),
        (Delete("d", REF, "u1", run_as="maker"), {"preconditions": {"uid": "u1"}}),
        (Delete("d", REF, "u1", "7", run_as="maker"), {"preconditions": {"uid": "u1", "resourceVersion": "7"}}),
    ],
)
async def test_what_is_asked(effect: Delete, options: dict[str, Any]) -> None:
    server = Server()
    assert await perform(cast("Api", server), effect) == Stored({})
    assert server.asked == [("DELETE", "/pod", {**options, "propagationPolicy": "Background"}, "maker")]
