"""Gives tickets for calls, and makes one call for each, beside the looks: a slow receiver holds up nobody.

A ticket is worth something in the process that gave it, as long as that lives. What a call came to is kept until its run
has it on record; of what was forgotten it is said that it is not known, never that nothing happened.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from pratique.calling.credentials import CallError
from pratique.calling.kept import Kept
from pratique.calling.room import FullError, Room
from pratique.calling.sending import Sender
from pratique.calling.watching import Watches
from pratique.core.kernel.calling import Call, Called, Fate, Outgoing, Poll, Polled, Reserve, TryCall
from pratique.core.kernel.effects import Failure

_AWAITED = 0.5
"""Seconds that a look waits for an answer, so that a quick one needs no look of its own."""
_KEPT_TICKETS, _KEPT_ANSWERS = 4096, 256
Key = tuple[str, str, str]


@dataclass
class _Ticket:
    task: asyncio.Task[Kept] | None = None

    @property
    def is_open(self) -> bool:
        return self.task is not None and not self.task.done()


class Desk:
    """The calls of this process."""

    def __init__(
        self,
        sender: Sender,
        wake: Callable[[Key], object],
        may_send: Callable[[], bool] = lambda: True,
        called: Callable[[str], None] = lambda fate: None,
    ) -> None:
        """Send with `sender`, but only while this process `may_send`; `wake` has a run looked at, `called` counts."""
        self._sender, self._wake, self._may_send, self._called = sender, wake, may_send, called
        self._tickets: OrderedDict[str, _Ticket] = OrderedDict()
        self._room = Room()
        self._watches = Watches(self._ask, lambda run: wake(("actionruns", *run)))

    @property
    def depth(self) -> int:
        """How many calls are under way."""
        return sum(each.is_open for each in self._tickets.values()) + len(self._watches.open)

    async def perform(self, effect: Reserve | Call | TryCall | Poll) -> str | Called | bool | Polled | Failure:
        """Do what an effect asks for."""
        match effect:
            case Reserve():
                return self.reserve()
            case Call():
                return await self.call(effect)
            case TryCall():
                return await self.check(effect)
            case Poll():
                return await self._watches.poll(effect, _AWAITED)
            case _:
                assert_never(effect)

    def reserve(self) -> str:
        """Give a ticket."""
        self._forget(lambda each: True, _KEPT_TICKETS)
        self._forget(lambda each: each.task is not None, _KEPT_ANSWERS)
        name = secrets.token_hex(16)
        self._tickets[name] = _Ticket()
        return name

    def _forget(self, which: Callable[[_Ticket], bool], limit: int) -> None:
        """Forget the oldest of these tickets, and none whose call is under way."""
        found = [name for name, each in self._tickets.items() if which(each) and not each.is_open]
        for name in found[: max(len(found) - limit, 0)]:
            del self._tickets[name]

    async def call(self, effect: Call) -> Called:
        """Make the call of a ticket, or say what has become of it."""
        ticket = self._tickets.get(effect.ticket)
        if ticket is None:
            return Called(Fate.LOST)
        if ticket.task is None:
            ticket.task = asyncio.create_task(self._make(effect))
        await asyncio.wait({ticket.task}, timeout=_AWAITED)
        if not ticket.task.done():
            return Called(Fate.UNDER_WAY)
        if ticket.task.cancelled():
            return Called(Fate.LOST)
        return ticket.task.result().seen()

    async def _make(self, effect: Call) -> Kept:
        try:
            async with self._room.place(effect.action):
                called = await self._send(effect.outgoing)
        except FullError as error:
            called = Called(Fate.NOT_SENT, str(error))
        self._called(called.fate.name.title().replace("_", ""))
        self._wake(("actionruns", *effect.run))
        return Kept.of(called)

    async def _ask(self, outgoing: Outgoing) -> Called:
        """Make one of several calls that ask the same."""
        called = await self._send(outgoing)
        self._called(called.fate.name.title().replace("_", ""))
        return called

    async def _send(self, outgoing: Outgoing) -> Called:
        try:
            credentials = await self._sender.prepare(outgoing)
        except CallError as error:
            return Called(Fate.NOT_SENT, str(error), final=not error.failure.transient)
        if not self._may_send():  # at this instant: a process that was suspended must not act on what it knew before
            return Called(Fate.NOT_SENT, "this process does not lead any more")
        return await self._sender.send(outgoing, credentials)

    async def check(self, effect: TryCall) -> bool | Failure:
        """Look whether a call could be made."""
        try:
            await self._sender.check(effect.outgoing)
        except CallError as error:
            return error.failure
        return True

    async def close(self) -> None:
        """End what is under way: it is not known then whether it was done."""
        tasks = [each.task for each in self._tickets.values() if each.task is not None and not each.task.done()]
        for task in (*tasks, *self._watches.open):
            task.cancel()
        await asyncio.gather(*tasks, *self._watches.open, return_exceptions=True)
