"""The contract with Kopf: what we lean on and it does not document, tried against the version that is installed."""

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import kopf
import pytest
from kopf._core.reactor import running
from tests.doubles.api_for_watches import PLURALS, FakeApi

from pratique.core.environments.objects import ENVIRONMENT_UID_LABEL
from pratique.handlers import kopf_insides as insides
from pratique.handlers.kopf_thread import KopfThread

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
RUNNING = str(vars(kopf)["__version__"])
KOPF = f"Kopf {RUNNING}, and this was read in {insides.READ_IN}: see handlers/kopf_insides.py"


class Sink:
    """Takes in what Kopf's thread tells."""

    full = False

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.lists: list[str] = []

    def listed(self, plural: str) -> None:
        self.lists.append(plural)

    def told(self, plural: str, body: dict[str, Any], deleted: bool) -> None:
        self.events.append((plural, body["metadata"]["name"]))

    def __getattr__(self, _: str) -> Any:
        return lambda *_: None


def thing(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "n", "uid": name, "labels": {ENVIRONMENT_UID_LABEL: "u"}}
    return {"apiVersion": "pratique.dev/v1alpha1", "kind": "X", "metadata": metadata, "spec": {}}


async def until(probe: Any, why: str, seconds: float = 15.0) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not probe():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"{why}: {KOPF}")


@asynccontextmanager
async def one_life(server: FakeApi) -> AsyncIterator[tuple[FakeApi, Sink]]:
    async with server.serving() as served:
        sink: Any = Sink()
        thread = KopfThread(served.connection, PLURALS, sink)
        thread.start()
        try:
            yield served, sink
        finally:
            assert await thread.end(10.0), f"it did not end: {KOPF}"


def test_the_version_is_the_one_that_was_read() -> None:
    assert RUNNING == insides.READ_IN, f"{KOPF}: run this file, read what changed where a test fails, then say so"


async def test_a_list_costs_one_object_and_tells_where_the_watch_begins() -> None:
    server = FakeApi(items={plural: [thing(f"{plural}-{number}") for number in range(50)] for plural in PLURALS})
    async with one_life(server) as (served, sink):
        await until(served.all_open, "no watch")
        lists = [url for _, url in served.asked if url.path.endswith(PLURALS) and "watch" not in url.query]
        assert sorted(url.path.rpartition("/")[2] for url in lists) == sorted(PLURALS), KOPF
        assert {url.query["limit"] for url in lists} == {"1"}, KOPF
        assert sorted(sink.lists) == sorted(PLURALS), KOPF
        watches = [url for _, url in served.asked if "watch" in url.query]
        assert {url.query["resourceVersion"] for url in watches} == {"50"}, KOPF
        await served.tell("actions", "ADDED", thing("new"))
        await until(lambda: sink.events, "no event")
        assert sink.events == [("actions", "new")], f"what was listed was told: {KOPF}"


async def test_it_writes_nothing_and_has_no_peers() -> None:
    async with one_life(FakeApi()) as (served, sink):
        await until(served.all_open, "no watch")
        for kind in ("ADDED", "MODIFIED", "DELETED"):
            for plural in PLURALS:
                await served.tell(plural, kind, thing("a"))
        await until(lambda: len(sink.events) == 3 * len(PLURALS), "events are missing")
        assert {method for method, _ in served.asked} == {"GET"}, KOPF
        assert not [url for _, url in served.asked if "peering" in url.path or "kopf" in url.path], KOPF


async def test_namespaces_of_others_are_not_even_watched() -> None:
    async with one_life(FakeApi()) as (served, _):
        await until(served.all_open, "no watch")
        asked = [url for _, url in served.asked if url.path == "/api/v1/namespaces"]
        assert len(asked) > 1 and {url.query.get("labelSelector") for url in asked} == {ENVIRONMENT_UID_LABEL}, KOPF


async def test_its_patience_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insides, "_FIRST_RETRY", 0.01)
    monkeypatch.setattr(insides, "_LONGEST_RETRY", 0.01)
    wrong = {(how, "actions"): [503] * 40 for how in ("list", "watch")}
    async with one_life(FakeApi(wrong=wrong)) as (served, _):
        await until(lambda: served.all_open() and not any(served.wrong.values()), "it gave up")


def test_each_request_begins_with_the_first_pause() -> None:
    settings = kopf.OperatorSettings()
    insides.kopf_settings(settings)
    backoffs: Any = settings.networking.error_backoffs
    for _ in range(2):
        pauses = iter(backoffs)
        assert [next(pauses) for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, 4.0]


def test_the_words_that_are_kept_quiet_are_its_words() -> None:
    said = inspect.getsource(running)
    assert [each for each in insides.HUSHED if each not in said] == [], KOPF
    assert running.logger.name == insides.LOGGER, KOPF


async def test_an_end_is_quiet_and_leaves_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(5):
        async with one_life(FakeApi()) as (served, _):
            await until(served.all_open, "no watch")
    assert [record.getMessage() for record in caplog.records if record.name.startswith("kopf")] == [], KOPF
    await until(lambda: "kopf" not in [thread.name for thread in threading.enumerate()], "a thread is left")


def test_what_is_new_is_said() -> None:
    told = logging.getLogger(insides.LOGGER).filters
    record = logging.LogRecord(insides.LOGGER, logging.WARNING, "", 0, "something else", (), None)
    assert told and all(each.filter(record) if hasattr(each, "filter") else each(record) for each in told)
