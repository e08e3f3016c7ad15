"""A channel's lane: left alone while it fails, paced, digests, and that nothing that waits is forgotten. No real time."""

import asyncio
import io
import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from aiolimiter import AsyncLimiter
from tests.builders.messages import entry, requested
from tests.builders.models import NOW
from tests.doubles.clock import FakeClock

from pratique.api.v1alpha1.notifications import KUBERNETES_EVENTS, EventType, Notification
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.breaker import FAILURES, FIRST_PAUSE
from pratique.core.telling.messages import Message
from pratique.delivering.lane import GATHER_SECONDS, PATIENCE_SECONDS, WORKERS, Job, Lane
from pratique.delivering.lane import log as lane_log
from pratique.logs import TextFormatter

KEY = ("actionruns", "n", "a")
SENT, DOWN = Delivery(sent=True), Delivery(sent=False, error="503")


@dataclass
class World:
    """A receiver, a clock whose pauses end when the test says so, and what was settled."""

    answer: Delivery = SENT
    clock: FakeClock = field(default_factory=FakeClock)
    got: list[tuple[str, Message]] = field(default_factory=list)
    settled: list[tuple[str, Delivery, bool]] = field(default_factory=list)
    _pauses: list[tuple[float, asyncio.Event]] = field(default_factory=list)

    async def deliver(self, told: Notification, message: Message) -> Delivery:
        self.got.append((told.id, message))
        await asyncio.sleep(0)
        return self.answer

    async def pause(self, seconds: float) -> None:
        ends = asyncio.Event()
        self._pauses.append((self.clock.steady() + seconds, ends))
        await ends.wait()

    async def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for when, ends in self._pauses:
            if when <= self.clock.steady():
                ends.set()
        await ripple()

    def lane(self, name: str = "chat", **more: Any) -> Lane:
        def settled(job: Job, delivery: Delivery, failing: bool) -> None:
            self.settled.append((job.uid, delivery, failing))

        return Lane(name, self.deliver, settled, self.clock, self.pause, **more)


async def ripple() -> None:
    for _ in range(60):
        await asyncio.sleep(0)


def job(number: int, channel: str = "chat", **changes: Any) -> Job:
    told = entry(EventType.APPROVED, channel).model_copy(update={"id": f"e{number}", **changes})
    return Job(KEY, f"u{number}", told, replace(requested(), id=f"m{number}"))


async def test_a_channel_that_fails_is_left_alone_and_tried_again_by_one() -> None:
    world = World(answer=DOWN)
    lane = world.lane()
    for number in range(100):
        lane.put(job(number))
    await ripple()
    assert FAILURES <= len(world.got) <= FAILURES + 3, "what had begun, ends"
    tried = len(world.got)
    await world.advance(FIRST_PAUSE)
    assert len(world.got) == tried + 1
    await world.advance(FIRST_PAUSE)
    assert len(world.got) == tried + 1, "the pause is longer now"
    world.answer = SENT
    await world.advance(FIRST_PAUSE)
    assert len(world.got) == 100
    assert [delivery.sent for _, delivery, _ in world.settled].count(True) == 100 - tried - 1
    assert world.settled[-1][2] is False
    await lane.close()


async def test_a_channel_that_was_changed_is_tried_at_once() -> None:
    world = World(answer=Delivery(sent=False, error="403", channel_fault=True))
    lane = world.lane()
    for number in range(10):
        lane.put(job(number))
    await ripple()
    before, world.answer = len(world.got), SENT
    lane.reset()
    await ripple()
    assert (before < 5, len(world.got)) == (True, 10)
    await lane.close()


async def test_what_waits_too_long_says_so_in_its_object() -> None:
    world = World(answer=DOWN)
    lane = world.lane()
    for number in range(60):
        lane.put(job(number))
    await ripple()
    for _ in range(20):
        await world.advance(PATIENCE_SECONDS / 10)
    assert len(world.settled) == 60
    not_tried = [delivery.error for _, delivery, _ in world.settled if delivery.error != "503"]
    assert not_tried and set(not_tried) == {"not tried: the channel has been failing: 503"}
    lane.put(job(61))
    world.answer = SENT
    for _ in range(5):
        await world.advance(PATIENCE_SECONDS)
    assert world.settled[-1][:2] == ("u61", SENT), "a probe whose message was gone lets another one probe"
    await lane.close()


async def test_what_has_waited_is_told_as_it_is_now_or_not_at_all() -> None:
    """A request that was decided while its channel was down is not offered any more."""
    world, dropped = World(answer=DOWN), list[str]()

    def renew(waiting: Job) -> Message | None:
        return None if waiting.uid == "u17" else replace(waiting.message, id=f"now {waiting.message.id}")

    lane = world.lane(renew=renew, dropped=lambda waiting: dropped.append(waiting.uid))
    for number in range(20):
        lane.put(job(number))
    await ripple()
    tried, world.answer = len(world.got), SENT
    assert all(message.id.startswith("m") for _, message in world.got)
    for _ in range(3):
        await world.advance(FIRST_PAUSE)
    assert dropped == ["u17"]
    assert [message.id for _, message in world.got[tried:]] == [f"now m{at}" for at in range(tried, 20) if at != 17]
    await lane.close()


async def test_a_probe_that_need_not_be_told_any_more_lets_the_next_one_probe() -> None:
    world = World(answer=DOWN)
    lane = world.lane(renew=lambda waiting: waiting.message if waiting.uid == "u99" else None)
    for number in range(20):
        lane.put(job(number))
    await ripple()
    lane.put(job(99))
    world.answer = SENT
    for _ in range(4):
        await world.advance(FIRST_PAUSE)
    assert world.settled[-1][:2] == ("u99", SENT)
    await lane.close()


async def test_kubernetes_events_are_never_left_alone() -> None:
    world = World(answer=DOWN)
    lane = world.lane(KUBERNETES_EVENTS)
    for number in range(20):
        lane.put(job(number))
    await ripple()
    assert len(world.got) == 20
    await lane.close()


async def test_what_was_held_for_one_receiver_goes_as_a_digest() -> None:
    world = World()
    held: dict[str, Any] = {"not_before": NOW - timedelta(minutes=1)}
    other = {"recipient": {"kind": "User", "name": "b"}}
    lane = world.lane()
    for number in range(3):
        lane.put(job(number, **held))
    somebody = Notification.model_validate({**entry(EventType.APPROVED).to_wire(), **other}).recipient
    lane.put(job(3, **held, recipient=somebody))
    lane.put(job(4))
    await ripple()
    assert [message.id for _, message in world.got] == ["m4"], "what was not held does not wait"
    await world.advance(GATHER_SECONDS)
    digests = [message for _, message in world.got if message.event is EventType.DIGEST]
    assert [digest.headline for digest in digests] == ["What happened meanwhile: 3 messages"]
    assert sorted(uid for uid, delivery, _ in world.settled if delivery.sent) == ["u0", "u1", "u2", "u3", "u4"]
    await lane.close()


async def test_a_defect_in_a_channel_ends_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place is logged with the run's uid, and nothing that it was about: an address may be a secret."""
    world = World()
    handler = logging.StreamHandler(log := io.StringIO())
    handler.setFormatter(TextFormatter())
    monkeypatch.setattr(lane_log, "handlers", [handler])

    async def broken(told: Notification, message: Message) -> Delivery:
        raise RuntimeError("https://secret.example.com/token")

    lane = world.lane()
    lane.deliver = broken
    for number in range(4):
        lane.put(job(number))
    await ripple()
    assert {delivery.error for _, delivery, _ in world.settled} == {
        "RuntimeError while delivering: the operator's log has more"
    }
    told = log.getvalue()
    assert [f"uid=u{number}" in told for number in range(4)] == [True] * 4
    assert "RuntimeError at" in told
    assert "test_lane.py:" in told
    assert "secret.example.com" not in told
    await lane.close()


async def test_no_more_go_through_than_the_channel_takes() -> None:
    world = World()
    lane = world.lane(limiter=AsyncLimiter(3, 3600))
    for number in range(10):
        lane.put(job(number))
    await ripple()
    assert len(world.got) == 3
    await lane.close()


async def test_a_lane_that_was_closed_has_nothing() -> None:
    world = World(answer=DOWN)
    lane = world.lane()
    for number in range(10):
        lane.put(job(number))
    await lane.close()
    await ripple()
    assert world.got == []


async def test_a_few_are_under_way_at_once() -> None:
    world, open_now, most = World(), 0, 0
    gate = asyncio.Event()

    async def hang(told: Notification, message: Message) -> Delivery:
        nonlocal open_now, most
        open_now, most = open_now + 1, max(most, open_now + 1)
        await gate.wait()
        open_now -= 1
        return SENT

    lane = world.lane()
    lane.deliver = hang
    for number in range(20):
        lane.put(job(number))
    await ripple()
    gate.set()
    await ripple()
    assert (most, len(world.settled)) == (WORKERS, 20)
    await lane.close()
