"""Leads while it holds the Lease, stands by while it does not: in one process, for ever.

`core.operating.leadership` decides. Where there are shards, two Leases must be held: the shard's own, and the one that says
how many shards there are (the layout), which all leaders of that number hold and renew together.

A Lease does not fence: what a process sends late is refused by resourceVersions and by names, and `valid` is asked before
each write, so that a process that was suspended sends nothing late.
"""

import asyncio
import contextlib
import logging
import random
import secrets
from collections.abc import Awaitable, Callable
from typing import Protocol

from pratique.clock import Clock
from pratique.cluster.client import ApiError
from pratique.core.operating.leadership import Election, Record, Terms
from pratique.core.operating.sharding import LAYOUT_TOKEN

log = logging.getLogger(__name__)
Lead = Callable[[], Awaitable[None]]
_RELEASE_SECONDS = 3.0


class LeaseStore(Protocol):
    """Where the record is kept."""

    async def read(self) -> Record | None:
        """Return the record, or None if there is none; raises ApiError."""

    async def write(self, record: Record) -> Record | None:
        """Write over the version in `record`; return what it is now, or None if somebody was faster."""


class _Hold:
    """One Lease, as one candidate holds it or would."""

    def __init__(self, lease: LeaseStore, election: Election, clock: Clock) -> None:
        self._lease, self.election, self._clock = lease, election, clock
        self._terms = election.terms

    @property
    def holder(self) -> str:
        return self.election.record.holder if self.election.record else ""

    def valid(self) -> bool:
        return self.election.valid(self._clock.steady())

    async def may_take(self) -> bool:
        self.election.observed(await self._lease.read(), self._clock.steady())
        return self.election.may_take(self._clock.steady())

    async def write(self) -> bool:
        sent_at = self._clock.steady()
        written = await self._lease.write(self.election.next_record())
        if written is not None:
            self.election.wrote(written, sent_at)
        return written is not None

    async def join(self) -> bool:
        """Take it, also where another who holds it too was faster just now."""
        while not await self.write():
            if not await self.may_take():
                return False
        return True

    async def renew(self) -> None:
        """Renew once, trying again until the deadline; afterwards `leading` says how it went."""
        while self.valid():
            left = self._terms.renew_deadline - self.election.age(self._clock.steady())
            try:
                async with asyncio.timeout(max(left, 0.0)):
                    if await self.write():
                        return
                    self.election.observed(await self._lease.read(), self._clock.steady())
                    if not self.election.leading:
                        log.warning("The Lease was taken by %s", self.holder or "nobody")
                        return
            except (ApiError, TimeoutError) as error:
                log.warning("The Lease could not be renewed: %s", error or "no answer in time")
            await asyncio.sleep(min(self._terms.look_every, max(left, 0.0)))
        self.election.stepped_down()

    async def release(self) -> None:
        """Give the Lease up, so that another may take it at once; whoever cannot, lets it expire."""
        if not self.valid() or self.election.record is None:
            self.election.stepped_down()
            return
        record = self.election.record
        self.election.stepped_down()
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._lease.write(Record("", record.version, 1.0, record.transitions))
        except (ApiError, TimeoutError) as error:
            log.warning("The Lease could not be given up, it will expire: %s", error or "no answer in time")


class Leadership:
    """One candidate. `run` returns only when it is cancelled, or when what it leads ends by itself."""

    def __init__(
        self,
        lease: LeaseStore,
        identity: str,
        clock: Clock,
        terms: Terms | None = None,
        layout: tuple[LeaseStore, str] | None = None,
    ) -> None:
        """`layout` is the Lease that says how many shards there are, and the name by which their leaders hold it."""
        self._terms = terms or Terms()
        self._own = _Hold(lease, Election(identity, secrets.token_hex(4), self._terms), clock)
        self._layout = None
        if layout is not None:
            self._layout = _Hold(layout[0], Election(layout[1], LAYOUT_TOKEN, self._terms), clock)
        self._holds = [hold for hold in (self._layout, self._own) if hold is not None]

    @property
    def leading(self) -> bool:
        """Whether this process leads."""
        return all(hold.election.leading for hold in self._holds)

    @property
    def holder(self) -> str:
        """Who leads, as far as is known; empty if nobody does."""
        return self._own.holder

    def valid(self) -> bool:
        """Whether this process may act at this instant."""
        return all(hold.valid() for hold in self._holds)

    async def run(self, lead: Lead) -> None:
        """Stand by until the Lease can be taken, then lead until it is lost; over and over."""
        told = None
        while True:
            if await self._try_to_take():
                log.info("Leading as %s", self._own.election.holder)
                await self._lead(lead)
                log.warning("Not leading any more; standing by")
                told = None
            elif (why := self._why_not()) != told:
                told = why
                log.info("Standing by; %s", why)
            await asyncio.sleep(self._terms.look_every * (1 + random.random() / 4))  # noqa: S311 - spreads candidates

    def _why_not(self) -> str:
        """Return who leads, or by what number of shards others act."""
        if self._layout is not None and self._layout.holder not in ("", self._layout.election.holder):
            return f"{self._layout.holder} acts, and this process is of another number of shards"
        return f"{self.holder or 'nobody yet'} leads"

    async def _try_to_take(self) -> bool:
        try:
            async with asyncio.timeout(self._terms.renew_deadline):
                for hold in self._holds:
                    if not await hold.may_take():
                        return False
                if not await self._own.write():
                    return False
                if self._layout is None or await self._layout.join():
                    return True
        except (ApiError, TimeoutError) as error:
            log.warning("The Lease could not be read or written: %s", error or "no answer in time")
        if self._layout is not None:  # nobody is to wait for a Lease that is held for nothing
            self._layout.election.stepped_down()
            await self._own.release()
        return False

    async def _lead(self, lead: Lead) -> None:
        """Lead until the Lease is lost. Whatever ends it: what was led has stopped before anything else happens."""
        work = asyncio.ensure_future(lead())
        try:
            while self.leading:
                await asyncio.wait({work}, timeout=self._terms.renew_every)
                if work.done():
                    await work
                    return
                await asyncio.gather(*(hold.renew() for hold in self._holds))
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({work})
            if self._layout is not None:
                self._layout.election.stepped_down()  # others hold it too: it ends with the last of them
            await self._own.release()
