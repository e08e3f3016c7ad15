"""Leads while it holds the Lease, stands by while it does not: in one process, for ever.

`core.operating.leadership` decides.

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

log = logging.getLogger(__name__)
Lead = Callable[[], Awaitable[None]]
_RELEASE_SECONDS = 3.0


class LeaseStore(Protocol):
    """Where the record is kept."""

    async def read(self) -> Record | None:
        """Return the record, or None if there is none; raises ApiError."""

    async def write(self, record: Record) -> Record | None:
        """Write over the version in `record`; return what it is now, or None if somebody was faster."""


class Leadership:
    """One candidate. `run` returns only when it is cancelled, or when what it leads ends by itself."""

    def __init__(self, lease: LeaseStore, identity: str, clock: Clock, terms: Terms | None = None) -> None:
        self._lease, self._clock = lease, clock
        self._election = Election(identity, secrets.token_hex(4), terms or Terms())
        self._terms = self._election.terms

    @property
    def leading(self) -> bool:
        """Whether this process leads."""
        return self._election.leading

    @property
    def holder(self) -> str:
        """Who leads, as far as is known; empty if nobody does."""
        return self._election.record.holder if self._election.record else ""

    def valid(self) -> bool:
        """Whether this process may act at this instant."""
        return self._election.valid(self._clock.steady())

    async def run(self, lead: Lead) -> None:
        """Stand by until the Lease can be taken, then lead until it is lost; over and over."""
        told = None
        while True:
            if await self._try_to_take():
                log.info("Leading as %s", self._election.holder)
                await self._lead(lead)
                log.warning("Not leading any more; standing by")
                told = None
            elif self.holder != told:
                told = self.holder
                log.info("Standing by; %s leads", told or "nobody yet")
            await asyncio.sleep(self._terms.look_every * (1 + random.random() / 4))  # noqa: S311 - spreads candidates

    async def _try_to_take(self) -> bool:
        try:
            async with asyncio.timeout(self._terms.renew_deadline):
                self._election.observed(await self._lease.read(), self._clock.steady())
                return self._election.may_take(self._clock.steady()) and await self._write()
        except (ApiError, TimeoutError) as error:
            log.warning("The Lease could not be read or written: %s", error or "no answer in time")
            return False

    async def _write(self) -> bool:
        sent_at = self._clock.steady()
        written = await self._lease.write(self._election.next_record())
        if written is not None:
            self._election.wrote(written, sent_at)
        return written is not None

    async def _lead(self, lead: Lead) -> None:
        """Lead until the Lease is lost. Whatever ends it: what was led has stopped before anything else happens."""
        work = asyncio.ensure_future(lead())
        try:
            while self.leading:
                await asyncio.wait({work}, timeout=self._terms.renew_every)
                if work.done():
                    await work
                    return
                await self._renew()
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({work})
            await self._release()

    async def _renew(self) -> None:
        """Renew once, trying again until the deadline; afterwards `leading` says how it went."""
        while self.valid():
            left = self._terms.renew_deadline - self._age()
            try:
                async with asyncio.timeout(max(left, 0.0)):
                    if await self._write():
                        return
                    self._election.observed(await self._lease.read(), self._clock.steady())
                    if not self.leading:
                        log.warning("The Lease was taken by %s", self.holder or "nobody")
                        return
            except (ApiError, TimeoutError) as error:
                log.warning("The Lease could not be renewed: %s", error or "no answer in time")
            await asyncio.sleep(min(self._terms.look_every, max(left, 0.0)))
        self._election.stepped_down()

    def _age(self) -> float:
        return self._election.age(self._clock.steady())

    async def _release(self) -> None:
        """Give the Lease up, so that another may take it at once; whoever cannot, lets it expire."""
        if not self.valid() or self._election.record is None:
            self._election.stepped_down()
            return
        record = self._election.record
        self._election.stepped_down()
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._lease.write(Record("", record.version, 1.0, record.transitions))
        except (ApiError, TimeoutError) as error:
            log.warning("The Lease could not be given up, it will expire: %s", error or "no answer in time")
