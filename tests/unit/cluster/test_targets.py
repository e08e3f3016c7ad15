"""What is said of a target that there cannot be names the field of the run, not one of the object."""

from typing import Any

import pytest

from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import Connection
from pratique.cluster.targets import look_at_target
from pratique.core.kernel.effects import LookAtTarget


class Server(Api):
    """Knows a kind that is in no namespace, and lets everything be read."""

    def __init__(self) -> None:
        super().__init__(Connection("http://127.0.0.1:1"))
        self._kinds = {("v1", "Node"): ("nodes", False)}
        self.asked = list[str]()

    async def request(self, method: str, path: str, *_: object, **__: Any) -> dict[str, Any]:
        self.asked.append(f"{method} {path}")
        return {"status": {"allowed": True}}


def look(namespace: str | None) -> LookAtTarget:
    return LookAtTarget("target", "v1", "Node", "n1", namespace, "team-a", "maker", "ann", ())


@pytest.mark.asyncio
async def test_what_is_in_no_namespace_takes_none_and_the_field_is_named() -> None:
    server = Server()
    with pytest.raises(ApiError) as raised:
        await look_at_target(server, look("team-a"))
    error = raised.value
    assert (error.reason, error.message) == (
        "BadRequest",
        "Node is not in a namespace: leave spec.targetRef.namespace out",
    )
    assert server.asked == []
    seen = await look_at_target(server, look(None))
    assert (str(seen.ref), seen.may_get, "GET /api/v1/nodes/n1" in server.asked) == ("Node n1", True, True)
