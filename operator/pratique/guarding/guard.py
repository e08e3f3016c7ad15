"""Waits until the API server guards, keeps looking, and proves at each grant that it guarded all the time.

The admission policies are the trust model. While one is missing or weakened, an API server accepts what it must refuse,
and a decision that was forged meanwhile looks perfect afterwards. So there is a record of what guards
(`guarding.record`). A gap is whatever is not as recorded, whatever is not as this version installs it, and a canary that
is accepted. During a gap nothing is decided or told. It ends when everything is in order again, has stayed so for `settle`
seconds, and every gate whose decisions may be forged was superseded (`handlers.sweep`); only then the record is written.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pratique.admission.expected import expected, refs, without_prose
from pratique.admission.values import GuardValues
from pratique.cluster.client import Api, ApiError
from pratique.cluster.perform import failure_of
from pratique.core.kernel.effects import Failure, ObjectRef, Verified
from pratique.guarding.canaries import Canary, canaries, in_turn
from pratique.guarding.reads import RecordStore, idents, installed, webhook_stamps
from pratique.guarding.record import (
    Ident,
    Seen,
    changed,
    from_data,
    ident_of,
    key_of,
    name_in_record,
    shown,
    to_data,
    unlike,
)

log = logging.getLogger(__name__)
_PAUSE = 0.5
_NO_ANSWER, _NO_KIND = 0, 404
_REMEDIES = {
    401: "Is the token or client certificate of the kubeconfig or ServiceAccount still valid?",
    403: "Are the operator's roles installed and bound to this ServiceAccount or user?",
    404: "Are the CRDs installed?",
}
_TERMINATING = "create not allowed while custom resource definition is terminating"
"""How an API server answers whoever would create an object of a kind that is being deleted, before it admits anything."""
FIRST = "there is no record of the guard"
GAP = "gap"
"""The key of the record that says since when, and why, it does not count."""

Told = Callable[[str | None], None]
Sweep = Callable[[str], Awaitable[None]]
"""Supersedes every gate whose decisions may be forged, for this reason; raises ApiError if it could not be finished."""


@dataclass(frozen=True)
class Lapse:
    """Why the API server does not guard; `certain` unless it only gave no answer that says so."""

    why: str
    certain: bool
    remedy: str = ""
    """What to do, as a sentence of its own; "" where `why` says it."""

    @property
    def text(self) -> str:
        """Return why and the remedy."""
        return f"{self.why}. {self.remedy}".removesuffix(". ")


async def unguarded(api: Api, operator: str, going: Collection[str] = ()) -> Lapse | None:
    """Send every canary; return why the API server does not guard, or None if it does.

    Of a kind that is `going`, with its CRD, it may also answer that nobody can create one.
    """
    return await _accepted(api, canaries(operator), going)


async def _accepted(api: Api, sent: Iterable[Canary], going: Collection[str] = ()) -> Lapse | None:
    """Send these as dry runs, side by side; return what is wrong with the first that is not refused as it must be."""
    lapses = await asyncio.gather(*(_send(api, canary, canary.manifest["kind"] in going) for canary in sent))
    return next((lapse for lapse in lapses if lapse is not None), None)


async def _send(api: Api, canary: Canary, is_going: bool) -> Lapse | None:
    metadata = canary.manifest["metadata"]
    ref = ObjectRef(canary.manifest["apiVersion"], canary.manifest["kind"], metadata["name"], metadata.get("namespace"))
    try:
        path = await api.path_of(ref, named=False)
        await api.request("POST", path, canary.manifest, params={"dryRun": "All"})
    except ApiError as error:
        cannot_be_sent = error.code == _NO_KIND or _TERMINATING in error.message
        if canary.expected in error.message or (is_going and cannot_be_sent):
            return None
        if error.code == _NO_ANSWER:
            return Lapse(error.message, certain=False)
        text = f"the canary for {canary.policy} was answered with: {error.message}"
        return Lapse(text, certain=not error.transient, remedy=_REMEDIES.get(error.code, ""))
    text = f"the admission policy {canary.policy} does not guard (its canary was accepted)"
    return Lapse(text, certain=True, remedy="Are the admission policies installed, with their bindings?")


async def _nothing() -> None:
    """Do nothing meanwhile."""


async def until_guarded(
    api: Api,
    operator: str,
    told: Callable[[str], None] = lambda why: None,
    meanwhile: Callable[[], Awaitable[None]] = _nothing,
) -> None:
    """Return once every canary is refused: nothing is decided before, nor stood by; `told` is told why not.

    `meanwhile` is what may be done all the same; it returns when that is over.
    """
    before = None
    while (lapse := await unguarded(api, operator)) is not None:
        if lapse.text != before:
            log.warning("Waiting for the guard: %s", lapse.text)
            before = lapse.text
            told(lapse.text)
        await meanwhile()
        await asyncio.sleep(_PAUSE)


class Clears(Protocol):
    """Works off what is being deleted with its CRD (`handlers.clearing`). Both raise ApiError."""

    async def goes(self) -> str | None:
        """Return which CRDs go, if all else guards as it should, or None."""

    async def work(self) -> None:
        """Work off what is being deleted, if they still go."""


@dataclass
class Guard:
    """What one process knows of the guard. It is asked only while the process leads."""

    api: Api
    values: GuardValues
    sweep: Sweep
    told: Told
    """Told why nothing is decided, whenever that changes; None: all is well."""
    clearing: Clears
    every: float = 15.0
    settle: float = 2.0
    """Seconds: how long the slowest of several API servers may take until it enforces a policy that is written.

    Each follows the policies by a watch; that takes milliseconds, and is tried again after about a second if it breaks.
    """
    counted: Callable[[str], None] = lambda result: None
    """Told of each look before a grant: verified, changed or failed."""
    _refs: list[ObjectRef] = field(default_factory=list)
    _proving: list[ObjectRef] = field(default_factory=list)
    """Those of them that a decision rests on: what only stamps proves nothing, since the policies check each stamp."""
    _record: Seen | None = None
    _since: datetime | None = None
    _alarm: asyncio.Event = field(default_factory=asyncio.Event)
    _ours: dict[str, Ident] = field(default_factory=dict)
    """Which version of each was compared with the one that this version installs, and is that."""
    _gap: str = ""
    _noted: str = ""
    _turn: int = 0
    _reading: asyncio.Task[Verified | Failure] | None = None
    _next: asyncio.Task[Verified | Failure] | None = None

    def fresh(self) -> bool:
        """Whether what this process knows of the record may be acted on; alone it is the only one that writes it."""
        return True

    async def verify(self) -> Verified | Failure:
        """Look, from now on, whether what a decision rests on is as recorded: what was seen before was made under guard.

        A look that has begun already proves nothing for what was seen since; the next one serves all who wait for it.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._reading))
        verified = await asyncio.shield(self._next)
        if isinstance(verified, Failure):
            self.counted("failed")
        else:
            self.counted("verified" if verified.gap is None else "changed")
        return verified

    async def _after(self, reading: "asyncio.Task[Verified | Failure] | None") -> Verified | Failure:
        if reading is not None:
            await asyncio.wait({reading})
        self._reading, self._next = self._next, None
        return await self._look(self._proving)

    async def _look(self, at: Sequence[ObjectRef]) -> Verified | Failure:
        record = self._record
        if record is None:
            return Failure("NotGuarded", "the API server does not guard", transient=True)
        known = {key: record[key] for key in map(name_in_record, at) if key in record}
        try:
            why = changed(known, await idents(self.api, at))
        except ApiError as error:
            return failure_of(error)
        if why is not None and self._record is record:
            self._lapsed(why)
        return Verified(why, self._since if why is None else None)

    def _lapsed(self, why: str) -> None:
        if not self._alarm.is_set():
            self._gap = why
            self._alarm.set()

    async def prepare(self) -> None:
        """Compare what is installed with what this version installs, so that who comes to lead has that behind it."""
        with contextlib.suppress(ApiError):  # whoever leads tries again, and says why
            await self._differs(await webhook_stamps(self.api), {})

    def begin(self) -> None:
        """Forget what an earlier leadership knew: meanwhile, another process led."""
        self._record, self._gap = None, ""

    async def until_lapsed(self) -> str:
        """Return why, once something is certainly not as it was; whoever looked before a grant may have seen it first."""
        while not self._alarm.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.every):
                    await self._alarm.wait()
            if not self._alarm.is_set():
                await self._inspect()
        return self._gap

    async def _inspect(self) -> None:
        seen = await self._look(self._refs)
        unreadable = isinstance(seen, Failure) and not seen.transient
        self.told(
            f"what guards could not be read: {seen.message}" if isinstance(seen, Failure) and unreadable else None
        )
        lapse = await _accepted(self.api, in_turn(self.values.operator, self._turn))
        self._turn += 1
        if lapse is not None and lapse.certain:
            self._lapsed(lapse.why)

    async def restored(self) -> None:
        """Return once everything is in order and on record. Whatever fails meanwhile is tried again."""
        self._record = None
        store = RecordStore(self.api, self.values.namespace)
        while True:
            try:
                self._alarm.clear()
                await self._restore(store)
            except ApiError as error:
                log.warning("The guard could not be looked at: %s", error.message)
                self.told(f"what guards could not be looked at: {error.message}")
            else:
                if self._record is not None:
                    self.told(None)
                    return
            await asyncio.sleep(_PAUSE)

    async def _restore(self, store: RecordStore) -> None:
        """Try once: look, settle, sweep, look again, write; the first thing that is not in order ends it."""
        older, data = await asyncio.gather(webhook_stamps(self.api), store.read())
        self._refs, self._proving = refs(self.values, older=older), refs(self.values, older=True)
        recorded = from_data(data, map(name_in_record, self._refs))
        seen = await idents(self.api, self._refs)
        gap = self._gap or data.get(GAP) or (changed(recorded, seen) if data else FIRST)
        # after a gap nothing is known by its version: that of an etcd that was restored may have been another's
        lapse = await self._lapse(older, {} if gap else seen)
        if lapse is not None:
            gap = gap or lapse
            self._note(gap)
            await self._mark(store, data, gap)
            goes = await self.clearing.goes()
            self.told(goes or lapse)
            if goes is not None:
                await self.clearing.work()
            return
        if gap is None:
            self._record, self._since = seen, store.written_at
            return
        self._note(gap)
        self.told(gap)
        await self._mark(store, data, gap)
        await self._wait_before_sweep()
        await self.sweep(gap)
        if await self._lapse(older, seen) is None and changed(seen, await idents(self.api, self._refs)) is None:
            await store.write(to_data(seen))
            self._record, self._gap, self._noted, self._since = seen, "", "", store.written_at
            log.warning("The API server guards again; decisions that were made meanwhile do not count (%s)", gap)

    async def _wait_before_sweep(self) -> None:
        """Wait until what is in order now is so for every API server."""
        await asyncio.sleep(self.settle)

    def _note(self, gap: str) -> None:
        if self._noted != gap:
            level = logging.INFO if gap == FIRST else logging.ERROR  # a first installation is no mistake
            log.log(level, "Nothing is decided until the API server guards again: %s", gap)
        self._gap = self._noted = gap

    async def _mark(self, store: RecordStore, data: dict[str, str], gap: str) -> None:
        """Say in the record that it does not count any more: a gap that leaves no other trace must outlive this process."""
        if data.get(GAP) != gap:
            await store.write({**data, GAP: gap})

    async def _lapse(self, older: bool, seen: Seen) -> str | None:
        """Return what is not as this version installs it, or which canary is not refused."""
        if (why := await self._differs(older, seen)) is not None:
            return why
        lapse = await unguarded(self.api, self.values.operator)
        if lapse is not None and not lapse.certain:
            raise ApiError(0, "Unreachable", lapse.why)
        return lapse.why if lapse is not None else None

    async def _differs(self, older: bool, seen: Seen) -> str | None:
        """Return what is not as this version installs it; what is `seen` to be what was compared is not read again."""
        manifests = [each for each in expected(self.values, older=older) if not self._is_ours(key_of(each), seen)]
        found = await asyncio.gather(*(installed(self.api, manifest) for manifest in manifests))
        for manifest, live in zip(manifests, found, strict=True):
            why = unlike(manifest, without_prose(live)) if live is not None else f"{shown(key_of(manifest))} is missing"
            if live is None or why is not None:
                return why
            self._ours[key_of(manifest)] = ident_of(live)
        return None

    def _is_ours(self, key: str, seen: Seen) -> bool:
        """Whether the version that is there was compared before; each change of what it does counts its generation up."""
        there = seen.get(key)
        return there is not None and there.generation > 0 and there == self._ours.get(key)
