"""Cuts a story: plays it undisturbed to see its requests, then again with a kill at one of them, and judges the end."""

import asyncio
import contextlib
import itertools
import os
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos import invariants
from tests.chaos.receivers import Heard
from tests.chaos.stories import Story, status
from tests.chaos.world import SPACE, World
from tools.faultproxy import Moment, Request

from pratique.handlers.kinds import WATCHED

_numbers = itertools.count(1)
_RESTART_REQUESTS = 22
"""About how many requests a start makes before it goes on with the story."""
_QUIET_SECONDS = 0.5
_GRACE_SECONDS = 20.0
"""How much later than its time an Environment may be gone; restarting and deleting a namespace take some of it."""


@dataclass
class Played:
    """What became of one pass."""

    story: str
    requests: list[Request]
    problems: list[str]
    killed_at: str = ""
    seconds: float = 0.0
    told_twice: int = 0
    kills: int = 0


@dataclass
class Cutter:
    """Plays stories in one world, each pass with a run of its own."""

    world: World
    tolerated_repeats: int = 0
    """How often a message may be told again without a kill: when a fault kept the mark from being written."""
    _kills: int = field(default=0)
    _revived: int = field(default=0)

    async def play(
        self, story: Story, cut: tuple[int, Moment] | None = None, again: tuple[int, Moment] | None = None
    ) -> Played:
        """Play a story once, killed at the n-th request if it is cut, `again` at the n-th after that, and judge it."""
        name = f"{story.name}-{next(_numbers)}"
        world, offset, since = self.world, self.world.audit_offset, len(self.world.receivers.heard)
        began, killed = time.monotonic(), asyncio.Event()
        await self._alive()
        self._kills = self._revived = 0
        world.proxy.begin()
        reviver = None
        if cut is not None:
            world.proxy.cut = (*cut, lambda: self._kill(killed, again))
            reviver = asyncio.create_task(self._revive(killed))
        problems: list[str] = []
        try:
            await story.play(world, name)
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error}")
        finally:
            world.proxy.cut = None
            if reviver is not None:
                await world.until("it is started again after each kill", self._all_revived)
                reviver.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reviver
        requests = list(world.proxy.log)
        heard = world.receivers.told(name, since)
        if not problems:
            problems += await self._judge(story, name, offset, heard)
        where = f"{requests[cut[0] - 1]} ({cut[1].value})" if cut and self._kills else ""
        twice = len(heard) - len({(each.receiver, each.event) for each in heard})
        return Played(story.name, requests, problems, where, time.monotonic() - began, twice, self._kills)

    async def _alive(self) -> None:
        """Wait until the operator is ready, watches and is quiet: what is numbered from now on is the story's.

        A restart goes on asking for a while after it is ready; numbered with a story's, such requests shift its own, and
        a cut at one of them is never reached.
        """
        await asyncio.to_thread(self.world.operator.wait_ready)
        proxy, loop = self.world.proxy, asyncio.get_running_loop()
        seen, since = -1, loop.time()

        async def quiet() -> bool:
            nonlocal seen, since
            if proxy.watches < len(WATCHED) or proxy.at_work or len(proxy.log) != seen:
                seen, since = len(proxy.log), loop.time()
            return loop.time() - since >= _QUIET_SECONDS

        await self.world.until("the operator watches and is quiet", quiet)

    async def _all_revived(self) -> bool:
        return self._revived == self._kills

    def _kill(self, killed: asyncio.Event, again: tuple[int, Moment] | None = None) -> None:
        """SIGKILL at this very instant; who revives it is told."""
        process, proxy = self.world.operator.process, self.world.proxy
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            self._kills += 1
            killed.set()
            if again is not None:
                proxy.cut = (len(proxy.log) + again[0], again[1], lambda: self._kill(killed))

    async def _revive(self, killed: asyncio.Event) -> None:
        """Start the operator again as often as it is killed; cancelled between two kills."""
        while True:
            await killed.wait()
            killed.clear()
            await asyncio.to_thread(self.world.operator.kill)  # reaps it
            self.world.restart()
            self._revived += 1

    async def _judge(self, story: Story, name: str, offset: int, heard: list[Heard]) -> list[str]:
        entries, tells = self.world.audit(offset), story.tells
        if story.name == "environment" and not invariants.was_active(entries, name):
            # Killed for so long that its time was up before it was there.
            tells = {who: tuple(each for each in events if each != "EnvironmentReady") for who, events in tells.items()}
        problems = invariants.told(heard, tells, self._kills + self.tolerated_repeats)
        problems += [*invariants.threaded(heard), *self.world.receivers.left_open(name)]
        if story.name == "environment":
            return problems + _judge_environment(entries, name)
        if story.end:
            problems += invariants.one_end(entries, name, story.end)
        if story.calls:
            problems += invariants.called_once(self.world.receivers.calls, name)
        if story.changes:
            problems += invariants.changed_once(entries, story.changes, f"{name}-there")
        if story.deletes:
            (gate,) = (await status(self.world, name))["approvals"]
            problems += invariants.deleted_once(entries, story.deletes, f"{name}-there", gate["name"])
        if not story.makes:
            return problems + invariants.never_created(entries, name)
        problems += invariants.created_once(entries, story.makes, name)
        for gate in (await status(self.world, name)).get("approvals", []):
            problems += invariants.not_before_granted(entries, story.makes, name, gate["name"])
            if gate["state"] == "Broken":
                problems += invariants.created_once(entries, "approvals", f"{gate['name']}-review")
        return problems


def _judge_environment(entries: list[invariants.Entry], name: str) -> list[str]:
    """Invariant 5: not deleted before its time, and not long after it."""
    space = f"env-{SPACE}-{name}"
    problems = invariants.created_once(entries, "namespaces", space)
    deleted = invariants.accepted(entries, "delete", "namespaces", space)
    ends = [
        str((entries[at].get("responseObject") or {}).get("status", {}).get("expiresAt") or "")
        for at in invariants.accepted(entries, "patch", "environments", name, "status")
    ]
    if not deleted or not any(ends):
        return [*problems, f"{space} was never deleted, or its end was never on record"]
    expires, at = max(ends), str(entries[deleted[0]]["requestReceivedTimestamp"])
    early = at < expires.replace("Z", "")
    late = invariants.seconds_between(expires, at) > _GRACE_SECONDS
    return problems + [f"{space} was deleted at {at}, its time was {expires}"] * (early or late)


async def every_cut(cutter: Cutter, story: Story, moments: Sequence[Moment], every: int, writes: bool) -> list[Played]:
    """Cut a story at each moment of its requests (or each `every`-th; or of writes only); the first pass is undisturbed."""
    plain = await cutter.play(story)
    passes = [plain]
    if plain.problems:
        return passes
    numbers = [each.number for each in plain.requests if not writes or each.method != "GET"]
    for number, moment in _spread(numbers, moments, every):
        passes.append(await cutter.play(story, (number, moment)))
        if not passes[-1].killed_at and not passes[-1].problems:
            # Marks of several messages may share a write: this pass made fewer requests than the plain one.
            passes[-1] = await cutter.play(story, (len(passes[-1].requests), moment))
    return passes


def _spread(numbers: Sequence[int], moments: Sequence[Moment], every: int) -> list[tuple[int, Moment]]:
    """Return each `every`-th cut: the moments take turns, so that up to three each request is cut at one of them."""
    turns = range(len(moments))
    cuts = [(number, moments[(at + turn) % len(moments)]) for at, number in enumerate(numbers) for turn in turns]
    return cuts[::every]


async def pairs(cutter: Cutter, story: Story, number: int, chance: random.Random) -> list[Played]:
    """Cut a story twice, `number` times: anywhere, and again at any of the requests after that, a restart's included."""
    passes = [await cutter.play(story)]
    length = len(passes[0].requests)
    for _ in range(0 if passes[0].problems else number):
        first = chance.randint(1, length), chance.choice(list(Moment))
        second = chance.randint(1, _RESTART_REQUESTS + length), chance.choice(list(Moment))
        passes.append(await cutter.play(story, first, second))
    return passes
