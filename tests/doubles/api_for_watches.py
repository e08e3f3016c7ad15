"""An API server as far as watches go: it knows our kinds, lists nothing, streams what it is told, answers wrongly."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from pratique.api.v1alpha1 import GROUP, VERSION
from pratique.cluster.connection import Connection
from tests.doubles.serving import serving

PLURALS = ("actions", "actionruns", "approvals", "delegations", "environments", "notificationchannels", "namespaces")


@dataclass
class FakeApi:
    """`wrong` holds answers for what comes next, by ("list" or "watch", plural): status codes; 0: broken off."""

    port: int = 0
    absent: set[str] = field(default_factory=set)
    """Kinds that it does not know now."""
    wrong: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)
    open: dict[str, list[web.StreamResponse]] = field(default_factory=lambda: {plural: [] for plural in PLURALS})
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What a list shows, one an answer."""
    asked: list[Any] = field(default_factory=list)
    """Method and URL of each request."""
    since: dict[str, list[str]] = field(default_factory=lambda: {plural: [] for plural in PLURALS})
    """From which versions each kind was watched."""
    _versions: Any = field(default_factory=lambda: itertools.count(100))

    @property
    def connection(self) -> Connection:
        return Connection(server=f"http://127.0.0.1:{self.port}")

    def all_open(self) -> bool:
        return all(self.open[plural] for plural in PLURALS if plural not in self.absent)

    async def tell(self, plural: str, kind: str, body: dict[str, Any]) -> None:
        body["metadata"]["resourceVersion"] = str(next(self._versions))
        for response in list(self.open[plural]):
            with contextlib.suppress(ConnectionError):
                await response.write(json.dumps({"type": kind, "object": body}).encode() + b"\n")

    def break_off(self, plural: str) -> None:
        broken, self.open[plural] = self.open[plural], []
        for response in broken:
            transport = response._req.transport if response._req is not None else None
            if transport is not None:
                transport.abort()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["FakeApi"]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        async with serving(app, self.port, handler_cancellation=True, shutdown_timeout=0.1) as self.port:
            yield self

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path, plural = request.path, request.path.rpartition("/")[2]
        self.asked.append((request.method, request.url))
        if path == "/apis":
            versions = [{"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}]
            return web.json_response(
                {"groups": [{"name": GROUP, "versions": versions, "preferredVersion": versions[0]}]}
            )
        if path == "/apis/apiextensions.k8s.io/v1":
            kinds = [{"kind": "CustomResourceDefinition", "name": "customresourcedefinitions", "namespaced": False}]
            return web.json_response({"resources": kinds})
        if path.startswith("/apis/apiextensions.k8s.io/v1/"):
            name = plural.partition(".")[0]
            if name in self.absent:
                return _status(404)
            return web.json_response({"metadata": {"name": plural, "uid": self.uids.get(name, name), "generation": 1}})
        if path in ("/api", "/api/v1", f"/apis/{GROUP}/{VERSION}"):
            return web.json_response({"versions": ["v1"], "resources": self._resources(core="/apis" not in path)})
        if plural not in PLURALS or plural in self.absent:
            return _status(404)
        return await self._collection(request, plural)

    def _resources(self, *, core: bool) -> list[dict[str, Any]]:
        verbs = ["list", "watch", "get", "patch"]
        known = [plural for plural in PLURALS if plural not in self.absent and (plural == "namespaces") == core]
        return [
            {"name": each, "kind": each.title(), "singularName": each[:-1], "namespaced": False, "verbs": verbs}
            for each in known
        ]

    async def _collection(self, request: web.Request, plural: str) -> web.StreamResponse:
        how = "watch" if "watch" in request.query else "list"
        if codes := self.wrong.get((how, plural)):
            code = codes.pop(0)
            if code:
                return _status(code)
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if how == "list":
            at, items = int(request.query.get("continue", "0")), self.items.get(plural, [])
            more = {"continue": str(at + 1)} if at + 1 < len(items) else {}
            metadata = {"resourceVersion": "50", **more}
            return web.json_response({"kind": "List", "metadata": metadata, "items": items[at : at + 1]})
        self.since[plural].append(request.query.get("resourceVersion", ""))
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self.open[plural].append(response)
        try:
            await asyncio.sleep(3600)
        finally:
            if response in self.open[plural]:
                self.open[plural].remove(response)
        return response


def _status(code: int) -> web.Response:
    body = {"kind": "Status", "code": code, "reason": {410: "Expired", 404: "NotFound"}.get(code, "Other")}
    headers = {"Retry-After": "1"} if code == 429 else {}
    return web.json_response(body | {"message": "planted"}, status=code, headers=headers)
