"""The guard of one shard of several: all prove at each grant that it is unbroken, one of them writes the record.

The first shard keeps the record: after a gap it sweeps all namespaces, also those of the others, and only then writes it.
The others follow: they act only while the record is as it was when they took it over. They read it at each grant, and every
`LOOK` seconds; who has not read it for `FRESH` seconds writes nothing. The keeper marks the record first and waits for
longer than that, so that nobody decides anything while it sweeps. Who follows then waits for the new record, lists
everything anew, so that it knows of all that was superseded, and goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pratique.admission.expected import refs
from pratique.cluster.client import ApiError
from pratique.cluster.perform import failure_of
from pratique.core.kernel.effects import Failure, ObjectRef, Verified
from pratique.guarding.guard import FIRST, GAP, Guard
from pratique.guarding.reads import RecordStore, idents, webhook_stamps
from pratique.guarding.record import Seen, changed, from_data, name_in_record


class Times(NamedTuple):
    """Seconds."""

    look: float = 2.0
    """How often the record is read, while deciding."""
    fresh: float = 5.0
    """How long a process that has read it may act on that."""
    barrier: float = 8.0
    """How long the keeper waits, once the record is marked, until it sweeps."""


TIMES = Times()
_ANEW = "the record of the guard was written anew"


async def _nothing() -> None:
    """List nothing."""


@dataclass
class SharedGuard(Guard):
    """The guard as one shard of several knows it; `keeps` says whether it is the one that writes the record."""

    keeps: bool = False
    relist: Callable[[], Awaitable[None]] = _nothing
    """Lists everything of this shard from the API server into the cache; raises ApiError."""
    steady: Callable[[], float] = lambda: 0.0
    times: Times = TIMES
    _known: str = ""
    """The version of the record that was taken over; empty before."""
    _read_at: float = 0.0
    _waited: bool = False

    def fresh(self) -> bool:
        """Whether what is known of the record may still be acted on; the keeper's own word does not grow old."""
        return self.keeps or self._record is None or self.steady() - self._read_at < self.times.fresh

    def begin(self) -> None:
        """Forget what an earlier leadership knew."""
        super().begin()
        self._known, self._waited = "", False

    async def _look(self, at: Sequence[ObjectRef]) -> Verified | Failure:
        """Look at what guards and, beside that, whether the record still says so."""
        seen, read = await asyncio.gather(super()._look(at), self._read_again())
        if isinstance(seen, Failure) or read is None:
            return seen
        return read if isinstance(read, Failure) else Verified(read, None)

    async def _read_again(self) -> Failure | str | None:
        """Return why the record does not count any more, or None."""
        sent_at, record = self.steady(), self._record
        store = RecordStore(self.api, self.values.namespace)
        try:
            data = await store.read()
        except ApiError as error:
            return failure_of(error)
        if self._record is not record or record is None:
            return None
        why = data.get(GAP) or (None if data else FIRST)
        if why is None and not self.keeps and store.version != self._known:
            why = _ANEW
        if why is None:
            self._read_at = sent_at
        else:
            self._lapsed(why)
        return why

    async def until_lapsed(self) -> str:
        """Return why, once something is not as it was, or another shard has seen that."""
        following = asyncio.ensure_future(self._follow())
        try:
            return await super().until_lapsed()
        finally:
            following.cancel()
            await asyncio.wait({following})

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self.times.look)
            await self._read_again()

    async def _wait_before_sweep(self) -> None:
        """Wait until no other shard acts any more on the record of before."""
        await asyncio.sleep(max(self.settle, self.times.barrier))

    async def _restore(self, store: RecordStore) -> None:
        if self.keeps:
            await super()._restore(store)
        else:
            await self._await_record(store)

    async def _await_record(self, store: RecordStore) -> None:
        """Try once to take the record over: all is in order, that is on record, and after a gap everything was listed."""
        older, data = await asyncio.gather(webhook_stamps(self.api), store.read())
        self._refs, self._proving = refs(self.values, older=older), refs(self.values, older=True)
        seen = await idents(self.api, self._refs)
        gap = data.get(GAP) or (changed(from_data(data, map(name_in_record, self._refs)), seen) if data else FIRST)
        if self._gap and store.version == self._known and GAP not in data:
            await self._mark(store, data, self._gap)  # what only this process has seen must outlive it
            gap = gap or self._gap
        lapse = await self._lapse(older, {} if gap else seen)
        if gap is not None or lapse is not None:
            self._waited = True
            await self._say(gap, lapse)
            return
        await self._take_over(store, seen)

    async def _say(self, gap: str | None, lapse: str | None) -> None:
        """Say what is waited for; work off what may be, while CRDs go."""
        goes = await self.clearing.goes() if lapse is not None else None
        self._note(lapse or gap or "")
        self.told(goes or lapse or f"{gap}; the first shard sees to it")
        if goes is not None:
            await self.clearing.work()

    async def _take_over(self, store: RecordStore, seen: Seen) -> None:
        """Act on the record from now on, if it has stayed as it is until all that was superseded is known."""
        version = store.version
        if self._waited or self._known:
            await self.relist()
        sent_at = self.steady()
        await store.read()
        if store.version != version:
            return
        self._record, self._known, self._read_at, self._since = seen, version, sent_at, store.written_at
        self._gap, self._noted, self._waited = "", "", False
