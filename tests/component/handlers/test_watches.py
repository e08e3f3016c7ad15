"""Kopf in its thread, against an API server that answers wrongly: every kind is watched again, or the process is to end."""

import asyncio
import getpass
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.doubles.api_for_watches import PLURALS, FakeApi

from pratique.clock import SystemClock
from pratique.cluster.client import Api
from pratique.core.environments.objects import ENVIRONMENT_UID_LABEL
from pratique.handlers import watches as module
from pratique.handlers.informers import Informers
from pratique.handlers.kinds import WATCHED, Key, new_stores
from pratique.handlers.kopf_insides import Teed
from pratique.handlers.kopf_thread import KopfThread
from pratique.handlers.memory import Parsed
from pratique.handlers.watches import Watches
from pratique.signals import ProcessEnds

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
SECONDS = 15.0


class World:
    """Watches against a fake API server."""

    def __init__(self, server: FakeApi, api: Api) -> None:
        self.server, self.woken = server, list[Key]()
        self.stores, clock = new_stores(), SystemClock()
        kinds = {kind.plural: kind(self.stores, Parsed()) for kind in WATCHED}
        self.feed = Informers(self.stores, kinds, self._wakes, lambda plural, body: None, clock.steady)
        self.watches = Watches(server.connection, self.feed, clock, api)
        self.stop = asyncio.Event()
        self.task: asyncio.Task[None] = asyncio.ensure_future(self.watches.run(self.stop))

    def _wakes(self, key: Key, *, at_leisure: bool = False) -> None:
        self.woken.append(key)

    async def until(self, probe: Callable[[], bool], seconds: float = SECONDS) -> None:
        async with asyncio.timeout(seconds):
            while not probe():
                assert not self.task.done(), self.task
                await asyncio.sleep(0.02)

    async def all_watched(self) -> None:
        missing = self.watches.presence.missing
        await self.until(lambda: self.server.all_open() and not missing(SystemClock().steady()))

    async def sees(self, plural: str, name: str) -> None:
        """What happens now arrives."""
        metadata = {"name": name, "namespace": "n", "uid": name, "labels": {ENVIRONMENT_UID_LABEL: "u"}}
        spec = {"actionRef": {"name": "a"}, "subject": {"uid": "u"}}
        body = {"apiVersion": "pratique.dev/v1alpha1", "kind": "X", "metadata": metadata, "spec": spec}
        await self.server.tell(plural, "ADDED", body)
        await self.until(lambda: ("n", name) in self.stores[plural].names())


@asynccontextmanager
async def watching(server: FakeApi | None = None) -> AsyncIterator[World]:
    async with (server or FakeApi()).serving() as served, Api(served.connection) as api:
        world = World(served, api)
        try:
            yield world
        finally:
            world.stop.set()
            await asyncio.wait({world.task}, timeout=20)
            assert world.task.done()


async def test_events_arrive_in_their_order_from_every_kind() -> None:
    async with watching() as world:
        await world.all_watched()
        assert world.feed.watching.is_set() and not world.feed.gap.is_set()
        for plural in PLURALS:
            await world.sees(plural, "first")
        body: dict[str, Any] = {
            "metadata": {"name": "x", "namespace": "n", "uid": "x"},
            "spec": {"actionRef": {"name": "a"}},
        }
        for number in range(50):
            body["spec"]["number"] = number
            await world.server.tell("actionruns", "MODIFIED" if number else "ADDED", body)
        await world.until(
            lambda: (world.stores["actionruns"].get(("n", "x")) or {}).get("spec", {}).get("number") == 49
        )
        await world.server.tell("actionruns", "DELETED", body)
        await world.until(lambda: ("n", "x") not in world.stores["actionruns"].names())
        assert world.watches.presence.not_ready(SystemClock().steady()) is None


@pytest.mark.parametrize("how", ["list", "watch"])
@pytest.mark.parametrize("code", [0, 401, 403, 404, 410, 429, 500, 503])
async def test_every_kind_is_watched_again_after_any_answer(how: str, code: int) -> None:
    async with watching() as world:
        await world.all_watched()
        for plural in ("actionruns", "namespaces"):
            world.server.wrong[(how, plural)] = [code] * 2
            if how == "list":
                world.server.wrong[("watch", plural)] = [410]
            world.server.break_off(plural)
        await world.until(lambda: not any(world.server.wrong.values()))
        await world.all_watched()
        for plural in PLURALS:
            await world.sees(plural, f"after-{code}")


async def test_a_kind_that_is_made_again_is_watched_again_and_so_is_one_that_was_away_while_kopf_began() -> None:
    async with watching(FakeApi(absent={"environments"})) as world:
        await world.until(lambda: len(world.watches.presence.missing(SystemClock().steady())) == 1)
        await asyncio.sleep(6)
        said = world.watches.presence.not_ready(SystemClock().steady())
        assert said is not None
        assert said.startswith("no watch of environments for ") and "(the API server does not know them)" in said
        assert world.watches.presence.not_healthy(SystemClock().steady()) is None, "a restart would not heal that"
        world.server.absent.clear()
        await world.all_watched()
        await world.sees("environments", "back")


async def test_a_definition_with_another_uid_begins_all_watches_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KINDS_SECONDS", 0.5)
    async with watching() as world:
        await world.all_watched()
        before = list(world.server.open["actions"])
        world.server.uids["environments"] = "another"
        await world.until(lambda: bool(world.server.open["actions"]) and world.server.open["actions"] != before)
        await world.all_watched()
        assert world.feed.gap.is_set()


async def test_a_kind_that_stays_unwatched_though_it_is_listed_ends_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.5)
    monkeypatch.setattr("pratique.handlers.presence.ENDED_AFTER", 2.0)
    monkeypatch.setattr("pratique.handlers.presence.UNHEALTHY_AFTER", 1.0)
    server = FakeApi(wrong={("watch", "approvals"): [500] * 10_000})
    async with watching(server) as world:
        with pytest.raises(ProcessEnds, match=r"no watch of approvals for \d+ s \(it was answered with 500; the API"):
            async with asyncio.timeout(SECONDS):
                await world.task
        assert world.watches.presence.not_healthy(SystemClock().steady()) is not None


async def test_kopf_that_does_not_end_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: KopfThread, seconds: float) -> bool:
        await end(self, seconds)
        return False

    end = KopfThread.end
    monkeypatch.setattr(KopfThread, "end", never)
    async with watching() as world:
        await world.all_watched()
        world.server.wrong[("watch", "actions")] = [410]
        world.server.break_off("actions")
        with pytest.raises(ProcessEnds, match="did not end within 10 s"):
            async with asyncio.timeout(SECONDS):
                await world.task


async def test_a_user_without_a_name_is_no_reason_not_to_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on OpenShift, and in any image whose /etc/passwd does not know its user."""

    def unknown() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", unknown)
    async with watching() as world:
        await world.all_watched()


async def test_tasks_that_swallow_their_cancellation_end_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    """What left the operator blind: a watcher whose session was closed under it took no notice of being cancelled."""
    swallowed = 0

    class Sink:
        full = False

        def __getattr__(self, _: str) -> Callable[..., None]:
            return lambda *args: None

    async def stubborn(times: int) -> None:
        nonlocal swallowed
        for _ in range(times):
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                swallowed += 1

    async with FakeApi().serving() as served:
        for times, left in ((3, False), (1000, True)):
            sink: Any = Sink()
            kopf = KopfThread(served.connection, PLURALS, sink)
            kopf.start()
            async with asyncio.timeout(SECONDS):
                while not served.all_open():
                    await asyncio.sleep(0.02)
            kopf._loop.call_soon_threadsafe(kopf._loop.create_task, stubborn(times))
            await asyncio.sleep(0.1)
            assert await kopf.end(8.0)
            assert kopf._loop.is_closed()
            assert ("Left behind with its loop" in caplog.text) == left
    assert swallowed > 3


async def test_kopf_is_shown_versions_and_no_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would do with each costs more than all else; after a break it goes on from the last that it was shown."""
    handled = []

    def handler(self: KopfThread, plural: str) -> Callable[..., Any]:
        async def on_event(**_: Any) -> None:
            handled.append(plural)

        return on_event

    monkeypatch.setattr(KopfThread, "_handler", handler)
    async with watching() as world:
        await world.all_watched()
        for number in range(20):
            await world.sees("actionruns", f"run-{number}")
        world.server.break_off("actionruns")
        await world.all_watched()
        await world.sees("actionruns", "later")
        version = world.stores["actionruns"].version(("n", "run-19"))
        assert world.server.since["actionruns"] == ["50", str(version)]
    assert handled == []


class Lines:
    """A stream that arrives in pieces of so many bytes."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = data, size

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        for start in range(0, len(self._data), self._size):
            yield self._data[start : start + self._size]


class Heard:
    """A sink that is full at first."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, bool]] = []
        self.waits = 2

    @property
    def full(self) -> bool:
        self.waits -= 1
        return self.waits >= 0

    def told(self, plural: str, body: dict[str, Any], deleted: bool) -> None:
        self.events.append((plural, body["metadata"]["name"], deleted))


def event(kind: str, name: str, version: int, **metadata: Any) -> bytes:
    body = {"metadata": {"name": name, "resourceVersion": str(version), **metadata}, "spec": {"long": "x" * 5000}}
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


@pytest.mark.parametrize("size", [1, 7, 4096, 10**6])
async def test_each_event_is_told_once_however_it_arrives(size: int) -> None:
    error = b'{"type": "ERROR", "object": {"code": 410}}\n'
    mark = b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n'
    cut_off = event("ADDED", "cut-off", 10)[:-20]
    data = event("ADDED", "a", 7) + b"\n" + event("DELETED", "b", 8) + mark + error + cut_off
    heard = Heard()
    shown = [line async for line in Teed(Lines(data, size), "actionruns", heard).iter_chunked(10**6)]  # type: ignore[arg-type]
    assert heard.events == [("actionruns", "a", False), ("actionruns", "b", True)]
    marks = [json.loads(line) for line in shown if line.strip()]
    bookmarks = [{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": each}}} for each in "789"]
    assert marks == [*bookmarks, {"type": "ERROR", "object": {"code": 410}}]
