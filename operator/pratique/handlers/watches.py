"""Keeps every kind watched: begins Kopf, and begins it anew when it has ended, or does not watch what the API server lists.

What heals nothing is not tried for ever: a kind that stays unwatched, or a Kopf that does not end, ends the process.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

from pratique.api.v1alpha1 import GROUP
from pratique.clock import Clock
from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import Connection
from pratique.core.kernel.effects import ObjectRef
from pratique.guarding.reads import idents
from pratique.handlers.handover import Handover
from pratique.handlers.informers import Informers, path_of, selector_of
from pratique.handlers.kopf_thread import KopfThread
from pratique.handlers.presence import Presence
from pratique.signals import ProcessEnds

log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0
"""Seconds between two lives of Kopf."""
_LOOK_SECONDS = 1.0
_PATIENCE, _LONGEST_PATIENCE = 5.0, 8.0
"""Seconds that Kopf may need until it watches a kind that the API server lists; more after each time that it did not."""
_END_SECONDS = 10.0
_UNKNOWN = 404
_KINDS_SECONDS = 15.0


class _Feed:
    """What Kopf's thread tells, handed over to our loop."""

    def __init__(self, informers: Informers, presence: Presence, clock: Clock) -> None:
        self._informers, self._presence, self._clock = informers, presence, clock
        self._handover = Handover()

    @property
    def full(self) -> bool:
        return self._handover.full

    def listed(self, plural: str) -> None:
        self._handover.give(partial(self._informers.began, plural))

    def opened(self, plural: str, token: int) -> None:
        self._handover.give(partial(self._presence.opened, plural, token))

    def closed(self, plural: str, token: int) -> None:
        self._handover.give(lambda: self._presence.closed(plural, token, self._clock.steady()))

    def refused(self, plural: str, code: int) -> None:
        self._handover.give(partial(self._presence.answered, plural, f"it was answered with {code}"))

    def told(self, plural: str, body: dict[str, Any], deleted: bool) -> None:
        self._handover.give(partial(self._informers.told, plural, body, deleted=deleted))


class Watches:
    """One watch per kind in the cache."""

    def __init__(self, connection: Connection, informers: Informers, clock: Clock, api: Api) -> None:
        self._connection, self._informers, self._clock, self._api = connection, informers, clock, api
        self.presence = Presence(tuple(informers.plurals), clock.steady())
        self._uids: dict[str, str] = {}
        self._unknown: set[str] = set()
        """Kinds that the API server did not know in this life of Kopf, which looks for them once, when it begins."""
        self._patience = _PATIENCE

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set; raises ProcessEnds when only a new process can."""
        feed = _Feed(self._informers, self.presence, self._clock)
        stopped = asyncio.ensure_future(stop.wait())
        pause = _FIRST_PAUSE
        try:
            while not stop.is_set():
                began = self._clock.steady()
                why = await self._once(feed, stopped)
                if stop.is_set():
                    return
                log.warning("The watches begin again: %s", why)
                calm = self._clock.steady() - began > 5 * _LONGEST_PATIENCE
                pause = _FIRST_PAUSE if calm else min(pause * 2, _LONGEST_PAUSE)
                self._patience = _PATIENCE if calm else self._patience
                await asyncio.wait({stopped}, timeout=pause)
        finally:
            stopped.cancel()

    async def _once(self, feed: _Feed, stopped: "asyncio.Future[Any]") -> str:
        """Live one life of Kopf; return why it was over."""
        self._unknown.clear()
        self._uids = await self._kinds() or {}
        kopf = KopfThread(self._connection, self._informers.plurals, feed)
        kopf.start()
        try:
            return await self._broken(kopf, stopped)
        finally:
            ended = await kopf.end(_END_SECONDS)
            self.presence.all_closed(self._clock.steady())
            if not ended and not stopped.done():
                raise ProcessEnds(f"the watches did not end within {_END_SECONDS:g} s; only a new process can watch")

    async def _broken(self, kopf: KopfThread, stopped: "asyncio.Future[Any]") -> str:
        """Return why Kopf must be begun anew, or that it shall end."""
        began = looked = self._clock.steady()
        while True:
            await asyncio.wait({kopf.ended, stopped}, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if stopped.done():
                return "the process stops"
            if kopf.ended.done():
                return f"Kopf ended: {kopf.ended.result()}"
            now = self._clock.steady()
            if blind := await self._blind(now, began):
                return f"the API server lists {', '.join(blind)}, and Kopf does not watch them"
            if now - looked >= _KINDS_SECONDS:
                looked = now
                if renewed := await self._find_renewed():
                    return f"{', '.join(renewed)} was deleted and made again"

    async def _blind(self, now: float, began: float) -> list[str]:
        """Ask for the kinds whose watch is missing; return those that Kopf had time to watch, or cannot know of."""
        back: list[str] = []
        for plural in self.presence.missing(now, _LOOK_SECONDS):
            why = await self._why_unlisted(plural)
            self.presence.listed(plural, why, self._clock.steady())
            if why is None and plural in self._unknown:
                back.append(plural)
        if (why := self.presence.ends(self._clock.steady())) is not None:
            raise ProcessEnds(f"{why}; only a new process can watch them")
        if not back and now - began > self._patience:
            back = self.presence.blind(now, self._patience)
            self._patience = min(self._patience * 2, _LONGEST_PATIENCE) if back else self._patience
        return back

    async def _why_unlisted(self, plural: str) -> str | None:
        """Return why the API server does not list a kind, or None if it does."""
        try:
            await self._api.request("GET", path_of(plural), params={"limit": "1", **selector_of(plural)})
        except ApiError as error:
            if error.code == _UNKNOWN:
                self._unknown.add(plural)
                return "the API server does not know them"
            return f"listing them is answered {error.code}" if error.code else "the API server does not answer"
        return None

    async def _find_renewed(self) -> list[str]:
        """Return the kinds that are others than when Kopf began."""
        uids = await self._kinds()
        if uids is None:
            return []
        known, self._uids = self._uids, self._uids | uids
        return sorted(name for name, uid in uids.items() if known.get(name, uid) != uid)

    async def _kinds(self) -> dict[str, str] | None:
        with contextlib.suppress(ApiError):
            found = await idents(self._api, list(_definitions(self._informers.plurals)))
            return {name.partition(".")[2].partition(".")[0]: ident.uid for name, ident in found.items()}
        return None


def _definitions(plurals: Iterable[str]) -> Iterable[ObjectRef]:
    for plural in plurals:
        if plural != "namespaces":
            yield ObjectRef("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{GROUP}")
