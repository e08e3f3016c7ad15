"""What is said while the API server does not guard, and what to do: each by what was answered, and no guess beside it."""

from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from pratique.cluster.client import Api
from pratique.cluster.connection import Connection
from pratique.guarding.guard import Lapse, unguarded

KINDS = {
    "actions": "Action",
    "actionruns": "ActionRun",
    "approvals": "Approval",
    "delegations": "Delegation",
    "environments": "Environment",
    "notificationchannels": "NotificationChannel",
    "configmaps": "ConfigMap",
    "namespaces": "Namespace",
    "events": "Event",
}
OPERATOR = "system:serviceaccount:pratique-system:pratique"


@asynccontextmanager
async def answering(code: int, message: str) -> Any:
    """Serve the discovery of kinds, and this to whatever is created."""

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.method == "GET":
            kinds = [{"name": name, "kind": kind, "namespaced": kind != "Namespace"} for name, kind in KINDS.items()]
            return web.json_response({"kind": "APIResourceList", "resources": kinds})
        if code < 300:
            return web.json_response({}, status=code)
        return web.json_response({"kind": "Status", "code": code, "reason": "Because", "message": message}, status=code)

    server = RawTestServer(answer)
    await server.start_server()
    try:
        async with Api(Connection(f"http://127.0.0.1:{server.port}")) as api:
            yield api
    finally:
        await server.close()


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (401, ". Is the token or client certificate of the kubeconfig or ServiceAccount still valid?"),
        (403, ". Are the operator's roles installed and bound to this ServiceAccount or user?"),
        (404, ". Are the CRDs installed?"),
        (201, ". Are the admission policies installed, with their bindings?"),
        (422, "(HTTP 422)"),
    ],
)
async def test_the_remedy_is_of_the_answer(code: int, remedy: str) -> None:
    async with answering(code, "words of the server") as api:
        lapse = await unguarded(api, OPERATOR)
    assert lapse is not None
    assert lapse.certain == (code != 401)  # a token may be about to rotate
    assert lapse.text.endswith(remedy)
    assert not lapse.text.endswith(".")
    assert "canary" in lapse.why


async def test_no_answer_is_no_matter_of_policies(unused_tcp_port: int) -> None:
    async with Api(Connection(f"http://127.0.0.1:{unused_tcp_port}")) as api:
        lapse = await unguarded(api, OPERATOR)
    assert lapse == Lapse(
        f"http://127.0.0.1:{unused_tcp_port} cannot be reached (connection refused): does the API server run, and is it its"
        " address and port",
        certain=False,
    )
    assert lapse.text == lapse.why
