"""Traces on their way to a receiver on loopback: what it gets; one that is away, slow or hostile holds up nobody."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.builders.models import NOW, at, run
from tests.doubles.http_receiver import PATH, Receiver, receiving

from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.api.v1alpha1.status import TimelineEntry
from pratique.core.operating.tracing import Tracing, TracingError
from pratique.delivering.traces import MOST_WAITING, Traces

RESOURCE = {"service.name": "pratique"}


def ended(name: str = "r") -> dict[str, Any]:
    lines = [TimelineEntry(at=at(1), event="Running"), TimelineEntry(at=at(2), event="Failed", message="hunter2")]
    meta = {"name": name, "uid": f"uid-{name}", "creation_timestamp": NOW, "resource_version": "9"}
    return run(meta=meta, phase=Phase.FAILED, timeline=lines, finished_at=at(2)).to_wire()


def before(**status: Any) -> ActionRun:
    return run(**{"phase": Phase.RUNNING, **status})


class World:
    def __init__(self, url: str, **settings: Any) -> None:
        self.counted: Counter[str] = Counter()
        tracing = Tracing(url, {"authorization": "Bearer t"}, resource=RESOURCE, **settings)

        def count(result: str, number: int) -> None:
            self.counted[result] += number

        self.traces = Traces(tracing, count, gather=0.01)


@asynccontextmanager
async def sending(receiver: Receiver, **settings: Any) -> AsyncIterator[World]:
    world = World(receiver.url, **settings)
    task = asyncio.create_task(world.traces.run())
    try:
        yield world
        assert not task.done(), "whatever happens, it goes on"
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_run_that_ends_is_sent_once_as_otlp() -> None:
    async with receiving() as receiver, sending(receiver) as world:
        world.traces.wrote(before(), ended())
        world.traces.wrote(before(phase=Phase.FAILED), ended())
        world.traces.wrote(before(), before().to_wire())
        await until(lambda: world.counted["Sent"] == 1)
        (got,) = receiver.got
    headers = {key.lower(): value for key, value in got.headers.items()}
    assert headers["authorization"] == "Bearer t" and headers["content-type"] == "application/json"
    assert b"hunter2" not in got.body
    (resource,) = json.loads(got.body)["resourceSpans"]
    assert resource["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": "pratique"}}]
    (scope,) = resource["scopeSpans"]
    whole, judged, made = scope["spans"]
    assert [each["name"] for each in (judged, made)] == ["judged", "made"]
    assert judged["parentSpanId"] == made["parentSpanId"] == whole["spanId"] and "parentSpanId" not in whole
    assert whole["startTimeUnixNano"] == str(int(NOW.timestamp()) * 10**9)
    assert whole["endTimeUnixNano"] == str(int(at(2).timestamp()) * 10**9)
    assert whole["status"] == {"code": 2} and whole["kind"] == 1
    assert {"key": "pratique.resources", "value": {"intValue": "0"}} in whole["attributes"]
    assert world.counted == {"Sent": 1}


@pytest.mark.parametrize(
    ("answers", "tries"),
    [
        ({"status": 503}, 3),
        ({"reset": True}, 3),
        ({"status": 400}, 1),
        ({"status": 307, "headers": {"Location": PATH}}, 1),
    ],
)
async def test_what_is_not_taken_is_dropped_counted_and_said_once(
    answers: dict[str, Any], tries: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving(**answers) as receiver, sending(receiver) as world:
        for number in (1, 2):
            world.traces.wrote(before(), ended(f"r{number}"))
            await until(lambda number=number: world.counted["Dropped"] == number)  # type: ignore[misc]
        assert len(receiver.got) == 2 * tries
    assert world.counted == {"Dropped": 2}
    assert [each.message.partition(":")[0] for each in caplog.records] == ["Traces are not taken, and dropped"]


async def test_a_receiver_that_comes_back_gets_what_comes_then() -> None:
    async with receiving(status=500) as receiver, sending(receiver) as world:
        world.traces.wrote(before(), ended("lost"))
        await until(lambda: world.counted["Dropped"] == 1)
        receiver.status = 200
        world.traces.wrote(before(), ended("kept"))
        await until(lambda: world.counted["Sent"] == 1)


async def test_a_receiver_that_hangs_holds_up_nobody_and_there_is_a_bound() -> None:
    async with receiving(hang=True) as receiver, sending(receiver, seconds=60.0) as world:
        world.traces.wrote(before(), ended())
        await until(lambda: receiver.open == 1)
        body = ended("more")
        for _ in range(MOST_WAITING + 5):
            world.traces.wrote(before(), body)
        assert world.counted == {"Dropped": 5}


async def test_one_that_is_slow_is_given_up_in_time() -> None:
    async with receiving(hang=True) as receiver, sending(receiver, seconds=0.05) as world:
        world.traces.wrote(before(), ended())
        await until(lambda: world.counted["Dropped"] == 1)


async def test_what_waits_at_the_end_is_tried_once_more() -> None:
    async with receiving() as receiver:
        world = World(receiver.url)
        task = asyncio.create_task(world.traces.run())
        await asyncio.sleep(0)
        world.traces.wrote(before(), ended())
        task.cancel()
        await asyncio.wait({task})
        assert world.counted == {"Sent": 1}


async def test_a_run_that_cannot_be_read_costs_its_trace_and_no_look() -> None:
    world = World("http://127.0.0.1:1")
    world.traces.wrote(before(), {"spec": {}})
    assert world.counted == {"Dropped": 1}


async def test_without_a_receiver_nothing_is_kept() -> None:
    traces = Traces(None, lambda result, number: pytest.fail(result))
    traces.wrote(before(), {"nothing": "is read"})
    await traces.run()


def test_authorities_that_are_none_are_named() -> None:
    with pytest.raises(TracingError, match="OTEL_EXPORTER_OTLP_CERTIFICATE: /nowhere is no file"):
        World("https://127.0.0.1:1", certificate="/nowhere")
