"""Sees what happens to runs: a bare watch of one namespace, with the time at which each event arrived."""

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from bench.world import World
from pratique.cluster.client import Api

log = logging.getLogger(__name__)

WAITING, RUNNING, SUCCEEDED, EXPIRED = "WaitingForApproval", "Running", "Succeeded", "Expired"
_GOING = ("Pending", WAITING, RUNNING)
_Waiter = tuple[frozenset[str], "asyncio.Future[float]"]


class WatchError(Exception):
    """Nothing more will be seen."""


class UnexpectedEndError(Exception):
    """A run ended in a way that the benchmark did not ask for."""


class Seen:
    """When each run was first seen in each phase (perf_counter), its gate, and how many marks were written."""

    def __init__(self) -> None:
        self.at: dict[str, dict[str, float]] = defaultdict(dict)
        self.gates: dict[str, str] = {}
        self.marks = 0
        self._last: dict[str, tuple[str, object]] = {}
        self._waiters: dict[str, list[_Waiter]] = defaultdict(list)

    def took(self, line: bytes) -> str:
        """Take in one event; return its version."""
        now = time.perf_counter()
        event: dict[str, Any] = json.loads(line)
        body = event["object"]
        if event["type"] == "ERROR":
            raise WatchError(f"the API server ended the watch: {body.get('message')}")
        if event["type"] != "DELETED":
            self._saw(body, now)
        return str(body["metadata"]["resourceVersion"])

    def _saw(self, body: dict[str, Any], now: float) -> None:
        status = body.get("status") or {}
        name, phase = body["metadata"]["name"], status.get("phase", "Pending")
        if status.get("approvals"):
            self.gates[name] = status["approvals"][0]["name"]
        before = self._last.get(name)
        told = status.get("notifications")
        if before is not None and before[0] == phase and before[1] != told:
            self.marks += 1
        self._last[name] = phase, told
        self.at[name].setdefault(phase, now)
        self._tell(name, phase, now, status.get("message", ""))

    def _tell(self, name: str, phase: str, now: float, message: str) -> None:
        for phases, waiter in self._waiters.pop(name, []):
            if waiter.done():
                continue
            if phase in phases:
                waiter.set_result(now)
            elif phase in _GOING:
                self._waiters[name].append((phases, waiter))
            else:
                waiter.set_exception(UnexpectedEndError(f"run {name} is {phase}: {message}"))

    def lost(self, error: BaseException) -> None:
        """Let all who wait know that nothing will be seen any more."""
        for waiters in self._waiters.values():
            for _, waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(error)

    async def first(self, name: str, *phases: str, seconds: float = 120.0) -> float:
        """Return when a run was first seen in one of these phases; wait for it if need be."""
        times = [when for phase, when in self.at[name].items() if phase in phases]
        if times:
            return min(times)
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiters[name].append((frozenset(phases), waiter))
        async with asyncio.timeout(seconds):
            return await waiter

    async def all(self, names: Iterable[str], *phases: str, seconds: float = 300.0) -> list[float]:
        """Return when each of these runs was first seen in one of these phases."""
        async with asyncio.timeout(seconds):
            return [await self.first(name, *phases, seconds=seconds) for name in names]


@asynccontextmanager
async def watching(world: World) -> AsyncIterator[Seen]:
    """Watch the runs of the world's namespace from now on."""
    seen, api = Seen(), world.people["admin"]
    version = (await api.request("GET", world.runs, params={"limit": "1"}))["metadata"]["resourceVersion"]
    connector = aiohttp.TCPConnector(ssl=api.connection.ssl_context())
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, read_bufsize=2**22) as session:
        connected = asyncio.Event()
        task = asyncio.create_task(_read(session, api, world.runs, version, seen, connected))
        task.add_done_callback(lambda done: None if done.cancelled() else seen.lost(done.exception() or WatchError()))
        await connected.wait()
        try:
            yield seen
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, aiohttp.ClientError, WatchError):
                await task


async def _read(
    session: aiohttp.ClientSession, api: Api, path: str, version: str, seen: Seen, connected: asyncio.Event
) -> None:
    """Read events for ever; a watch that is broken off goes on where it was."""
    url, headers = api.connection.server + path, api.connection.headers()
    while True:
        params = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "3600"}
        try:
            async with session.get(url, params=params, headers=headers, raise_for_status=True) as answer:
                connected.set()
                async for line in answer.content:
                    version = seen.took(line)
        except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError) as error:
            log.warning("The watch broke off (%s): it goes on, and what came meanwhile is seen late", error)
            await asyncio.sleep(0.05)
        else:
            log.warning("The API server ended the watch: it goes on, and what came meanwhile is seen late")
