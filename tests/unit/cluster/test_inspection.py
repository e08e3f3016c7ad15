"""What an Action is looked at for costs the API server few requests, however many kinds it makes."""

from collections import Counter
from typing import Any

import pytest
from tests.builders.models import action

from pratique.cluster.inspection import inspect

KINDS = {"v1/ConfigMap": "api/v1", "v1/Secret": "api/v1", "apps/v1/Deployment": "apis/apps/v1"}


class Server:
    """Knows three kinds, and counts what it is asked."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}
        self.asked: Counter[str] = Counter()

    async def has_kind(self, version: str, kind: str) -> bool:
        return f"{version}/{kind}" in KINDS

    async def request(self, method: str, path: str, *_: Any, **__: Any) -> Any:
        self.asked[path] += 1
        if path == "/openapi/v3":
            return {"paths": {part: {"serverRelativeURL": f"/openapi/v3/{part}"} for part in set(KINDS.values())}}
        if path.startswith("/openapi/v3/"):
            return {"components": {"schemas": dict(_published(path.removeprefix("/openapi/v3/")))}}
        return {"status": {"allowed": True}}


def _published(part: str) -> Any:
    for each in (name for name, at in KINDS.items() if at == part):
        version, _, kind = each.rpartition("/")
        group, _, number = version.rpartition("/")
        mark = {"group": group, "version": number, "kind": kind}
        yield kind, {"type": "object", "x-kubernetes-group-version-kind": [mark]}


@pytest.mark.asyncio
async def test_where_schemas_are_is_read_once_an_action() -> None:
    server: Any = Server()
    metadata = {"name": "a", "namespace": "b"}
    templates = [
        {"apiVersion": each.rpartition("/")[0], "kind": each.rpartition("/")[2], "metadata": metadata} for each in KINDS
    ]
    resources = [{"id": f"r{index}", "template": each} for index, each in enumerate(templates)]
    account = {"namespace": "n", "name": "maker"}
    looked_at = action(execution={"serviceAccountRef": account, "resources": resources})
    found = await inspect(server, looked_at)
    assert found.problems == () and set(found.schemas) == set(KINDS)
    assert server.asked["/openapi/v3"] == 1
    await inspect(server, looked_at)
    assert (
        server.asked["/openapi/v3"] == 2 and max(server.asked.values()) == 2
    )  # a new look: kinds may be others by now
