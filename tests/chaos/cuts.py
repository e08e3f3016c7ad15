"""Cuts a story: plays it undisturbed to see its requests, then again with a kill at one of them, and judges the end."""

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.chaos import invariants
from tests.chaos.stories import Story, status
from tests.chaos.world import SPACE, World
from tools.faultproxy import Moment, Request
from tools.receiver import Received

from pratique.handlers.kinds import WATCHED

_numbers = itertools.count(1)
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


@dataclass
class Cutter:
    """Plays stories in one world, each pass with a run of its own."""

    world: World
    tolerated_repeats: int = 0
    """How often a message may be told again without a kill: when a fault kept the mark from being written."""
    _kills: int = field(default=0)

    async def play(self, story: Story, cut: tuple[int, Moment] | None = None) -> Played:
        """Play a story once, killed at the n-th request if it is cut, and judge it."""
        name = f"{story.name}-{next(_numbers)}"
        world, offset, heard = self.world, self.world.audit_offset, len(self.world.receiver.received)
        began, killed = time.monotonic(), asyncio.Event()
        await self._alive()
        self._kills = 0
        world.proxy.begin()
        reviver = None
        if cut is not None:
            loop = asyncio.get_running_loop()
            world.proxy.cut = (*cut, lambda: self._kill(loop, killed))
            reviver = asyncio.create_task(self._revive(killed))
        problems: list[str] = []
        try:
            await story.play(world, name)
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error}")
        finally:
            world.proxy.cut = None
            if reviver is not None:
                if not self._kills:
                    reviver.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reviver
        requests = list(world.proxy.log)
        received = [each for each in world.receiver.received[heard:] if name in str(each.body.get("subject"))]
        if not problems:
            problems += await self._judge(story, name, offset, received)
        where = f"{requests[cut[0] - 1]} ({cut[1].value})" if cut and self._kills else ""
        twice = len(received) - len({str(each.body.get("id")) for each in received})
        return Played(story.name, requests, problems, where, time.monotonic() - began, twice)

    async def _alive(self) -> None:
        """Wait until the operator is ready and Kopf watches: what is numbered from now on is the story's."""
        await asyncio.to_thread(self.world.operator.wait_ready)

        async def watching() -> bool:
            return self.world.proxy.watches >= len(WATCHED)

        await self.world.until("the operator watches", watching)

    def _kill(self, loop: asyncio.AbstractEventLoop, killed: asyncio.Event) -> None:
        """SIGKILL at this very instant; who revives it is told."""
        process = self.world.operator.process
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            self._kills += 1
            loop.call_soon(killed.set)

    async def _revive(self, killed: asyncio.Event) -> None:
        await killed.wait()
        await asyncio.to_thread(self.world.operator.kill)  # reaps it
        self.world.restart()

    async def _judge(self, story: Story, name: str, offset: int, received: list[Received]) -> list[str]:
        entries = self.world.audit(offset)
        if story.name == "environment":
            return _judge_environment(entries, name)
        problems = invariants.one_end(entries, name, story.end)
        seen = await status(self.world, name)
        if story.makes:
            problems += invariants.created_once(entries, story.makes, name)
            for gate in seen.get("approvals", []):
                problems += invariants.not_before_granted(entries, story.makes, name, gate["name"])
        else:
            problems += invariants.never_created(entries, name)
        heard = [(_event(each), str(each.body.get("id"))) for each in received]
        return problems + invariants.told(heard, story.events, self._kills + self.tolerated_repeats)


def _event(received: Received) -> str:
    return str(received.body["data"]["event"])


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


async def every_cut(cutter: Cutter, story: Story, moments: Iterable[Moment], every: int, writes: bool) -> list[Played]:
    """Cut a story at each of its requests (or each `every`-th; or writes only); the first pass is undisturbed."""
    plain = await cutter.play(story)
    passes = [plain]
    if plain.problems:
        return passes
    numbers = [each.number for each in plain.requests if not writes or each.method != "GET"]
    for number in numbers[::every]:
        for moment in moments:
            passes.append(await cutter.play(story, (number, moment)))
    return passes
