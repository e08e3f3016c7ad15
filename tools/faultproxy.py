"""A proxy between the operator and the API server that cuts and bends their talk: for chaos tests, on loopback only.

It numbers requests, calls back at one of three moments of the n-th, and answers, delays or breaks what it is told to.
Watches are passed on as they come; `freeze_watches` stops them without closing, as a dead network does, and
`break_watches` breaks their connections off, as an API server that goes down does.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

import aiohttp
from aiohttp import web
from yarl import URL

from pratique.cluster.connection import Connection

_HOP_BY_HOP = {"host", "connection", "keep-alive", "transfer-encoding", "content-length", "accept-encoding"}


class Moment(Enum):
    """When the callback of a cut is called."""

    BEFORE = "before it is sent"
    SENT = "after it was sent, before its answer"
    AFTER = "after its answer"


@dataclass(frozen=True)
class Request:
    """What the operator asked."""

    number: int
    method: str
    path: str

    def __str__(self) -> str:
        """Return it as a log line."""
        return f"#{self.number} {self.method} {self.path}"


@dataclass
class Fault:
    """An answer of the proxy's own for requests that match; `code` 0 breaks the connection off."""

    matches: Callable[[Request], bool]
    code: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1_000_000
    """How many requests get it."""


@dataclass
class FaultProxy:
    """Use as an async context manager; `url` is where it listens."""

    upstream: Connection
    port: int = 0
    log: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    delay: float = 0.0
    """Seconds that each request waits before it is passed on."""
    cut: tuple[int, Moment, Callable[[], None]] | None = None
    counted: Callable[[str, str], bool] = lambda method, path: True
    """Which requests are numbered, by method and path; watches never are."""
    watches: int = 0
    watched: Counter[str] = field(default_factory=Counter)
    """How many watches are open, by the last part of their path."""
    at_work: int = 0
    """How many numbered requests have no answer yet."""
    _frozen: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.Transport] = field(default_factory=set)
    _runner: web.AppRunner | None = None
    _session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def begin(self) -> None:
        """Number from one again."""
        self.log.clear()

    def freeze_watches(self) -> None:
        """Pass on nothing more on the watches that are open now; new ones work."""
        self._frozen.set()
        self._frozen = asyncio.Event()

    def break_watches(self) -> None:
        """Break off the connections of the watches that are open now."""
        for transport in self._open:
            transport.abort()

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self.upstream.ssl_context(), limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _handle(self, incoming: web.Request) -> web.StreamResponse:
        if incoming.query.get("watch") == "true":
            return await self._watch(incoming)
        request = Request(0, incoming.method, incoming.path_qs)
        if not self.counted(incoming.method, incoming.path_qs):
            return await self._pass(incoming, request)
        request = Request(len(self.log) + 1, incoming.method, incoming.path_qs)
        self.log.append(request)
        self.at_work += 1
        try:
            return await self._pass(incoming, request)
        finally:
            self.at_work -= 1

    async def _pass(self, incoming: web.Request, request: Request) -> web.Response:
        body = await incoming.read()
        if self.delay:
            await asyncio.sleep(self.delay)
        self._call(request, Moment.BEFORE)
        for fault in self.faults:
            if fault.times > 0 and fault.matches(request):
                fault.times -= 1
                return self._fault(incoming, fault)
        async with self._send(incoming, body) as answer:
            content = await answer.read()
            self._call(request, Moment.SENT)
            response = web.Response(status=answer.status, body=content, headers=_passed(answer.headers))
            if request.number and self.cut and self.cut[0] == request.number and self.cut[1] is Moment.AFTER:
                await response.prepare(incoming)
                await response.write_eof()
                await asyncio.sleep(0.002)  # for the answer to be read
                self._call(request, Moment.AFTER)
            return response

    def _call(self, request: Request, moment: Moment) -> None:
        if self.cut is not None and (request.number, moment) == self.cut[:2]:
            callback, self.cut = self.cut[2], None
            callback()
            raise web.HTTPServiceUnavailable  # nobody reads it

    def _fault(self, incoming: web.Request, fault: Fault) -> web.Response:
        if fault.code == 0:
            if incoming.transport is not None:
                incoming.transport.abort()
            return web.Response()
        reason = {409: "Conflict", 410: "Expired", 429: "TooManyRequests", 503: "ServiceUnavailable"}
        status = {"kind": "Status", "code": fault.code, "reason": reason.get(fault.code, "InternalError")}
        return web.json_response(
            {**status, "message": "planted by the proxy"}, status=fault.code, headers=fault.headers
        )

    async def _watch(self, incoming: web.Request) -> web.StreamResponse:
        request, frozen = Request(0, "WATCH", incoming.path_qs), self._frozen
        for fault in self.faults:
            if fault.times > 0 and fault.matches(request):
                fault.times -= 1
                return self._fault(incoming, fault)
        self.watches += 1
        plural = incoming.path.rpartition("/")[2]
        transport, opened = incoming.transport, False
        if transport is not None:
            self._open.add(transport)
        try:
            async with self._send(incoming, b"") as answer:
                response = web.StreamResponse(status=answer.status, headers=_passed(answer.headers))
                await response.prepare(incoming)
                opened = answer.status == 200
                self.watched[plural] += opened
                with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                    async for chunk in answer.content.iter_any():
                        if frozen.is_set():
                            await asyncio.sleep(3600)
                        await response.write(chunk)
                return response
        finally:
            self.watches -= 1
            self.watched[plural] -= opened
            if transport is not None:
                self._open.discard(transport)

    @asynccontextmanager
    async def _send(self, incoming: web.Request, body: bytes) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("the proxy is used outside `async with`")
        headers = {name: value for name, value in incoming.headers.items() if name.lower() not in _HOP_BY_HOP}
        headers["Accept-Encoding"] = "identity"
        url = self.upstream.server + incoming.raw_path
        async with self._session.request(
            incoming.method, URL(url, encoded=True), data=body or None, headers=headers
        ) as answer:
            yield answer


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in ("Content-Type", "Retry-After", "Warning") if name in headers}
