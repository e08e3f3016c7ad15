"""What waits is asked when it is due, and no sooner; its last answer is told meanwhile."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.doubles.desks import call, desks, outgoing, reserved
from tests.doubles.outside import Outside, Reply

from pratique.api.v1alpha1.calling import HttpRequest
from pratique.calling import watching
from pratique.calling.desk import Desk
from pratique.calling.room import Room
from pratique.calling.watching import Watches
from pratique.core.kernel.calling import Called, Fate, Outgoing, Poll, Polled
from pratique.core.kernel.calling import Reply as Told

GET = HttpRequest.model_validate({"method": "GET", "url": "https://api.example.com/"})


def poll(url: str, every: float = 30, step: str = "wait", **more: Any) -> Poll:
    asked = outgoing(url, method="GET", body=None, **more)
    return Poll("poll", ("uid", step), asked, timedelta(seconds=every), GET, ("team-a", "run"), "deploy")


async def polled(desk: Desk, effect: Poll) -> Polled:
    found = await desk.perform(effect)
    assert isinstance(found, Polled)
    return found


async def test_what_waits_is_asked_when_it_is_due_and_its_answer_kept_until_then() -> None:
    replies = (Reply(200, b'{"n": 1}'), Reply(502), Reply(429, b"", {"Retry-After": "7"}), Reply(200, b'{"n": 2}'))
    with Outside(*replies) as outside:
        async with desks() as (desk, woken, counted):
            first = [await polled(desk, poll(outside.url)) for _ in range(3)]
            assert [each.called.reply.body for each in first if each.called and each.called.reply] == [{"n": 1}] * 3
            assert len(outside.asked) == 1 and woken == [] and counted == ["Answered"]
            assert all(timedelta(seconds=29) < each.again < timedelta(seconds=31) for each in first)
            other = await polled(desk, poll(outside.url, every=0, step="other"))
            assert (other.misses, other.again) == (1, timedelta(seconds=0.5))
            busy = await polled(desk, poll(outside.url, every=0, step="other"))
            assert busy.misses == 2 and busy.again > timedelta(seconds=6)
            assert len(outside.asked) == 3 and desk.depth == 0


async def test_a_slow_answer_wakes_its_run_and_the_last_one_is_told_meanwhile() -> None:
    with Outside(Reply(200, b'{"n": 1}'), Reply(200, b'{"n": 2}', hang=10)) as slow:
        async with desks() as (desk, woken, _):
            assert (await polled(desk, poll(slow.url, every=0))).called is not None
            meanwhile = await polled(desk, poll(slow.url, every=0))
            assert meanwhile.called is not None and meanwhile.called.reply is not None
            assert meanwhile.called.reply.body == {"n": 1} and desk.depth == 1
            slow.released.set()
            async with asyncio.timeout(5):
                while not woken:
                    await asyncio.sleep(0.01)
            assert woken == [("actionruns", "team-a", "run")]
            later = await polled(desk, poll(slow.url))
            assert later.called is not None and later.called.reply is not None and later.called.reply.body == {"n": 2}


async def test_who_waits_takes_no_place_from_what_is_to_be_done() -> None:
    with Outside(Reply(200, hang=20)) as slow, Outside(Reply(204)) as quick:
        async with desks() as (desk, _, counted):
            desk._watches._room = Room(2, patience=0.1)
            assert (await polled(desk, poll(slow.url))).called is None
            full = await polled(desk, poll(slow.url, step="other"))
            assert (full.called, full.misses, full.asked) == (None, 0, False) and full.again > timedelta(seconds=29)
            called = await desk.perform(call(await reserved(desk), quick.url))
            assert isinstance(called, Called) and called.fate is Fate.ANSWERED and counted == ["Answered"]
            await desk.close()
            assert len(slow.asked) == 1
            slow.released.set()


async def test_a_mistake_of_ours_is_told_by_the_look_and_tried_again() -> None:
    async with desks() as (desk, _, _):

        async def mistaken(*_: Any) -> Called:
            raise KeyError("ours")

        desk._watches._send = mistaken
        with pytest.raises(KeyError, match="ours"):
            await desk.perform(poll("https://api.example.com/", every=0))
        with pytest.raises(KeyError, match="ours"):
            await desk.perform(poll("https://api.example.com/", every=0))


async def test_a_bad_moment_is_no_no_and_a_no_after_it_is_the_first() -> None:
    replies = (Reply(502), Reply(429), Reply(404), Reply(404), Reply(503), Reply(404), Reply(200))
    with Outside(*replies) as outside:
        async with desks() as (desk, _, _):
            found = [await polled(desk, poll(outside.url, every=0)) for _ in replies]
    assert [each.noes for each in found] == [0, 0, 1, 2, 0, 1, 0]
    assert [each.misses for each in found] == [1, 2, 3, 4, 5, 6, 0]


async def test_however_many_wait_each_knows_how_often_it_was_told_no() -> None:
    """Answers are kept of some of them only; that something was asked, and when it is due, of all."""
    counted = []

    async def no(_: Outgoing) -> Called:
        counted.append(1)
        return Called(Fate.ANSWERED, reply=Told(404))

    watches, many = Watches(no, lambda _: None), range(400)
    for expected in (1, 2, 3):
        found = [await watches.poll(poll("https://x/", every=0, step=str(each)), 5) for each in many]
        assert {each.noes for each in found} == {expected} and len(watches._kept) == 256
    for each in many:
        waits = await watches.poll(poll("https://x/", step=str(each)), 5)
        assert waits.noes == 4
    calls = len(counted)
    forgotten = await watches.poll(poll("https://x/", step="0"), 5)
    assert (forgotten.called, forgotten.noes, forgotten.asked) == (None, 4, True) and len(counted) == calls


async def test_what_waited_long_ago_is_forgotten_and_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_KNOWN", 2)
    with Outside(Reply(204)) as outside:
        async with desks() as (desk, _, _):
            for step in ("first", "second", "third"):
                await desk.perform(poll(outside.url, step=step))
            assert (
                [step for _, step in desk._watches._watches]
                == ["second", "third"]
                == [step for _, step in desk._watches._kept]
            )
            await desk.perform(poll(outside.url, step="second"))
            assert len(outside.asked) == 3
            await desk.perform(poll(outside.url, step="first"))
    assert len(outside.asked) == 4
