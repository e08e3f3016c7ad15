"""A desk that makes real calls, and an API server that has nothing but Secrets."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.calling.desk import Desk
from pratique.calling.sending import Sender
from pratique.channels.kit.egress import Egress
from pratique.cluster.client import Api
from pratique.cluster.connection import Connection
from pratique.core.kernel.calling import Call, Outgoing, Reserve
from pratique.core.telling.egress import egress_of
from tests.doubles.serving import serving

ACCOUNT = ServiceAccountRef(namespace="makers", name="maker")
LOOPBACK = egress_of(["127.0.0.0/8"])


class Secrets:
    """The Secrets of an API server, and as whom they were read."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.code = 0
        self.readers: list[str] = []

    def put(self, name: str, hosts: str | None, **values: str | bytes) -> None:
        data = {key: base64.b64encode(v.encode() if isinstance(v, str) else v).decode() for key, v in values.items()}
        annotations = {} if hosts is None else {"pratique.dev/allowed-hosts": hosts}
        self.known[name] = {"metadata": {"name": name, "annotations": annotations}, "data": data}

    async def answer(self, request: web.Request) -> web.Response:
        self.readers.append(request.headers["Impersonate-User"])
        found = self.known.get(request.match_info["name"])
        code = self.code or (200 if found else 404)
        status = {"kind": "Status", "code": code, "reason": {404: "NotFound", 403: "Forbidden"}.get(code, "")}
        return web.json_response(found if code == 200 else status, status=code)


@asynccontextmanager
async def senders(allowed: Any = LOOPBACK) -> AsyncIterator[tuple[Sender, Secrets]]:
    secrets, app = Secrets(), web.Application()
    app.router.add_get("/api/v1/namespaces/makers/secrets/{name}", secrets.answer)
    async with serving(app) as port, Api(Connection(f"http://127.0.0.1:{port}")) as api:
        yield Sender(api, Egress(allowed)), secrets


def outgoing(url: str, **more: Any) -> Outgoing:
    given = {"method": "POST", "key": "uid.told", "headers": {"Idempotency-Key": "uid.told"}, "body": '{"a":1}', **more}
    return Outgoing(url=url, account=ACCOUNT, **given)


def call(ticket: str, url: str, **more: Any) -> Call:
    return Call("call", ticket, outgoing(url, **more), ("team-a", "run"), "deploy")


@asynccontextmanager
async def desks(may_send: Callable[[], bool] = lambda: True) -> AsyncIterator[tuple[Desk, list[Any], list[str]]]:
    woken: list[Any] = []
    counted: list[str] = []
    async with senders() as (sender, _):
        desk = Desk(sender, woken.append, may_send, counted.append)
        yield desk, woken, counted
        await desk.close()


async def reserved(desk: Desk) -> str:
    ticket = await desk.perform(Reserve("reserve"))
    assert isinstance(ticket, str)
    return ticket
