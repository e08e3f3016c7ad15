"""The outbox' lanes: each message once at a time, kept until it is marked, and no lane holds up another."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

from tests.doubles.clock import FakeClock

from pratique.api.v1alpha1.notifications import KUBERNETES_EVENTS, DeliveryState, EventType, Notification
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.messages import Message
from pratique.delivering.outbox import Outbox

KEY = ("actionruns", "n", "a")
MESSAGE = cast(Message, object())


def entry(channel: str = "slack") -> Notification:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Notification(id=f"Approved/{channel}", event=EventType.APPROVED, channel=channel, at=at)


class Receiver:
    """Delivers when it is let."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.open: dict[str, asyncio.Event] = {}

    async def __call__(self, told: Notification, message: Message) -> Delivery:
        self.got.append(told.channel)
        await self.open.setdefault(told.channel, asyncio.Event()).wait()
        return Delivery(sent=True)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_is_under_way_or_not_marked_is_not_sent_again() -> None:
    receiver, woken = Receiver(), list[Any]()
    outbox = Outbox(receiver, woken.append)
    for _ in range(3):
        outbox.offer(KEY, "u", [(entry(), MESSAGE)])
    await settle()
    assert receiver.got == ["slack"] and outbox.depth == 1 and woken == []
    assert not outbox.wants("u", entry()), "it is under way"
    receiver.open["slack"].set()
    await settle()
    assert woken == [KEY] and outbox.depth == 0
    outbox.offer(KEY, "u", [(entry(), MESSAGE)])
    await settle()
    assert receiver.got == ["slack"]
    assert outbox.results("u") == {"Approved/slack": Delivery(sent=True)}
    assert not outbox.wants("u", entry()), "it is not marked yet"
    outbox.forget_marked("u", ["Approved/slack"])
    assert outbox.results("u") == {} and outbox.wants("u", entry())
    outbox.forget_marked("u", ["Approved/slack"])
    outbox.forget("u")
    await outbox.close()


async def test_a_channel_that_hangs_holds_up_no_other() -> None:
    receiver = Receiver()
    outbox = Outbox(receiver, lambda key: None)
    receiver.open["fast"] = asyncio.Event()
    receiver.open["fast"].set()
    for number in range(20):
        outbox.offer(KEY, f"u{number}", [(entry("dead"), MESSAGE)])
    outbox.offer(KEY, "u", [(entry("fast"), MESSAGE)])
    await settle()
    assert outbox.results("u") == {"Approved/fast": Delivery(sent=True)}
    await outbox.close()


async def test_a_defect_in_a_channel_does_not_end_its_lane() -> None:
    async def broken(told: Notification, message: Message) -> Delivery:
        raise RuntimeError("https://secret.example.com/token")

    outbox = Outbox(broken, lambda key: None)
    for number in range(4):
        outbox.offer(KEY, f"u{number}", [(entry(), MESSAGE)])
    await settle()
    assert {outbox.results(f"u{number}")["Approved/slack"].error for number in range(4)} == {
        "RuntimeError while delivering: the operator's log has more"
    }
    await outbox.close()


async def test_kubernetes_events_let_decisions_go_first_and_other_channels_do_not_wait() -> None:
    receiver, busy = Receiver(), [True]
    outbox = Outbox(receiver, lambda key: None, lambda: busy[0])
    outbox.offer(KEY, "u", [(entry(KUBERNETES_EVENTS), MESSAGE), (entry("slack"), MESSAGE)])
    await settle()
    assert receiver.got == ["slack"]
    busy[0] = False
    await asyncio.sleep(0.15)
    assert receiver.got == ["slack", KUBERNETES_EVENTS]
    await outbox.close()


async def test_events_of_one_object_are_marked_together_and_a_message_at_once() -> None:
    receiver, woken = Receiver(), list[Any]()
    outbox = Outbox(receiver, woken.append)
    first, second = entry(KUBERNETES_EVENTS), entry(KUBERNETES_EVENTS).model_copy(update={"id": "Running"})
    opens = [asyncio.Event(), asyncio.Event()]
    waits = {first.id: opens[0], second.id: opens[1]}

    async def deliver(told: Notification, message: Message) -> Delivery:
        if told.id in waits:
            await waits[told.id].wait()
        return Delivery(sent=True)

    outbox.deliver = deliver
    outbox.offer(KEY, "u", [(first, MESSAGE), (second, MESSAGE), (entry("slack"), MESSAGE)])
    await settle()
    assert woken == [KEY], "the message"
    opens[0].set()
    await settle()
    assert woken == [KEY] and len(outbox.results("u")) == 2
    opens[1].set()
    await settle()
    assert woken == [KEY, KEY] and len(outbox.results("u")) == 3
    await outbox.close()


async def test_an_event_that_need_not_be_told_holds_up_no_mark() -> None:
    woken, clock = list[Any](), FakeClock()
    slow = asyncio.Event()

    async def deliver(told: Notification, message: Message) -> Delivery:
        await slow.wait()
        return Delivery(sent=True)

    outbox = Outbox(deliver, woken.append, clock=clock, renew=lambda job: None)
    entries = [entry(KUBERNETES_EVENTS).model_copy(update={"id": str(number)}) for number in range(5)]
    outbox.offer(KEY, "u", [(each, MESSAGE) for each in entries])  # one more than the lane's workers
    await settle()
    clock.advance(10)
    slow.set()
    await settle()
    assert woken == [KEY] and len(outbox.results("u")) == 4 and outbox.depth == 0
    await outbox.close()


class TestTraffic:
    """What a channel's status says of it, and when it is asked to say so."""

    def outbox(self, answer: Delivery, woken: list[Any], **more: Any) -> Outbox:
        async def deliver(told: Notification, message: Message) -> Delivery:
            return answer

        return Outbox(deliver, woken.append, clock=FakeClock(), **more)

    async def test_what_waits_is_counted_by_channel(self) -> None:
        outbox = self.outbox(Delivery(sent=True), [])
        outbox.count_waiting("u1", [entry("chat"), entry("mail"), entry(KUBERNETES_EVENTS)])
        outbox.count_waiting("u2", [entry("chat")])
        assert (outbox.traffic("chat")[1], outbox.traffic("mail")[1], outbox.traffic(KUBERNETES_EVENTS)[1]) == (2, 1, 0)
        outbox.count_waiting("u1", [entry("chat").model_copy(update={"state": DeliveryState.SENT}), entry("mail")])
        outbox.count_waiting("u2", [entry("chat")])
        assert (outbox.traffic("chat")[1], outbox.traffic("mail")[1]) == (1, 1)
        outbox.forget("u2")
        outbox.forget("u1")
        assert (outbox.traffic("chat")[1], outbox.traffic("mail")[1]) == (0, 0)
        await outbox.close()

    async def test_a_channel_is_asked_at_once_when_it_begins_to_fail_and_when_it_works_again(self) -> None:
        woken: list[Any] = []
        outbox = self.outbox(Delivery(sent=False, error="403", channel_fault=True), woken)
        outbox.offer(KEY, "u", [(entry("chat"), MESSAGE)])
        await settle()
        assert woken == [KEY, ("notificationchannels", "", "chat")]
        traffic, _ = outbox.traffic("chat")
        assert (traffic.failing, traffic.last_failure) == (True, "403")
        outbox.retry("chat")
        outbox.retry("nobody")
        await outbox.close()

    async def test_and_otherwise_now_and_then(self) -> None:
        woken: list[Any] = []
        outbox = self.outbox(Delivery(sent=True), woken)
        for number in range(3):
            outbox.offer(KEY, f"u{number}", [(entry("chat"), MESSAGE), (entry(KUBERNETES_EVENTS), MESSAGE)])
        await settle()
        assert set(woken) == {KEY}
        assert outbox.traffic("chat")[0].last_success_at is not None
        assert outbox.traffic(KUBERNETES_EVENTS)[0].last_success_at is None
        outbox._report_now("chat")
        assert woken[-1] == ("notificationchannels", "", "chat")
        await outbox.close()

    async def test_the_rate_of_a_channel_may_change(self) -> None:
        rate: list[tuple[float, float] | None] = [(1, 3600)]
        outbox = self.outbox(Delivery(sent=True), [], rate=lambda channel: rate[0])
        outbox.offer(KEY, "u1", [(entry("chat"), MESSAGE)])
        outbox.offer(KEY, "u2", [(entry("chat"), MESSAGE)])
        await settle()
        assert outbox.depth == 1
        rate[0] = None
        outbox.offer(KEY, "u3", [(entry("chat"), MESSAGE)])
        await settle()
        assert outbox.results("u3")
        await outbox.close()
