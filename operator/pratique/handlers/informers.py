"""Feeds the cache from watches, and from lists: at the start, and now and then against what watches miss.

The lists are ours, page by page, once the watches have begun, so that nothing falls between a list and a watch.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from pratique.api.v1alpha1 import API_VERSION
from pratique.cluster.client import Api
from pratique.cluster.store import Store, name_of, version_of
from pratique.core.environments.objects import ENVIRONMENT_UID_LABEL
from pratique.handlers.kinds import Key, Watched
from pratique.handlers.watchdog import Watchdog

log = logging.getLogger(__name__)


class Informers:
    """Takes in versions of objects and tells the queue whom they concern."""

    def __init__(
        self,
        stores: dict[str, Store],
        kinds: dict[str, Watched],
        add: Callable[[Key], None],
        forget: Callable[[str, dict[str, Any]], None],
        steady: Callable[[], float],
    ) -> None:
        self._stores, self._kinds, self._add, self._forget, self._steady = stores, kinds, add, forget, steady
        self.watchdog = Watchdog()
        self._listed = False
        self._listing = asyncio.Lock()
        self._began: set[str] = set()
        self._deleted: set[str] = set()
        """Uids of what was deleted while we list: a page that is older must not bring it back."""
        self.watching = asyncio.Event()
        """Set once every watch has begun: what a list shows after that, no watch can miss."""
        self.gap = asyncio.Event()
        """Set when a watch was broken off and began anew: what happened in between, no event tells."""

    @property
    def plurals(self) -> list[str]:
        """The kinds in the cache."""
        return list(self._stores)

    def began(self, plural: str) -> None:
        """Take in that a watch begins here."""
        if plural in self._began:
            self.gap.set()
        self._began.add(plural)
        if self._began >= self._stores.keys():
            self.watching.set()

    def seen(self, plural: str, body: dict[str, Any]) -> bool:
        """Take in a version; the object itself and those that depend on it look, if it was news. Return whether it was."""
        news = self._stores[plural].put(body)
        if news:
            self._wake(plural, body)
        return news

    def written(self, plural: str, body: dict[str, Any]) -> None:
        """Take in what we wrote ourselves: others may look, the object itself was just looked at."""
        if self._stores[plural].put(body):
            for key in self._kinds[plural].wakes(body):
                self._add(key)

    def told(self, plural: str, body: dict[str, Any], *, deleted: bool) -> None:
        """Take in an event of a watch."""
        self.watchdog.told((plural, *name_of(body)), version_of(body))
        if deleted:
            self.gone(plural, body)
        else:
            self.seen(plural, body)

    def gone(self, plural: str, body: dict[str, Any]) -> None:
        """Take in that an object was deleted."""
        self._deleted.add(body["metadata"]["uid"])
        self._forget(plural, body)
        self.watchdog.gone((plural, *name_of(body)))
        if self._stores[plural].drop(name_of(body), body["metadata"]["uid"]):
            self._wake(plural, body, gone=True)

    def _wake(self, plural: str, body: dict[str, Any], *, gone: bool = False) -> None:
        self._add((plural, *name_of(body)))
        for key in self._kinds[plural].wakes(body, gone=gone):
            self._add(key)

    async def relist(self, api: Api) -> None:
        """List everything that is watched: take in what is there, and drop what is not there any more."""
        async with self._listing:  # of two at once, one would forget what the other must not bring back
            await self._relist(api)

    async def _relist(self, api: Api) -> None:
        self._deleted.clear()
        for plural in self._stores:
            before = set(self._stores[plural].names())
            present: set[tuple[str, str]] = set()
            listed_at = 0
            async for items, version in api.pages(path_of(plural), selector_of(plural)):
                listed_at = listed_at or int(version)
                for item in items:
                    body = _identified(plural, item)
                    if body["metadata"]["uid"] in self._deleted:
                        continue
                    present.add(name_of(body))
                    if self.seen(plural, body) and self._listed:
                        self.watchdog.listed_first((plural, *name_of(body)), version_of(body), self._steady())
            self._reap(plural, before - present, listed_at)
        self._listed = True
        self._deleted.clear()

    def _reap(self, plural: str, missing: set[tuple[str, str]], listed_at: int) -> None:
        """Drop what the list does not have, unless it is newer than the list."""
        for name in missing:
            body = self._stores[plural].get(name)
            if body is not None and int(body["metadata"]["resourceVersion"]) <= listed_at:
                log.info("%s %s/%s was deleted while nobody watched", plural, *name)
                self.gone(plural, body)


def path_of(plural: str) -> str:
    """Return the path of the collection of a kind, in all namespaces."""
    return "/api/v1/namespaces" if plural == "namespaces" else f"/apis/{API_VERSION}/{plural}"


def selector_of(plural: str) -> dict[str, str]:
    """Return what a list of a kind is narrowed by."""
    return {"labelSelector": ENVIRONMENT_UID_LABEL} if plural == "namespaces" else {}


def _identified(plural: str, item: dict[str, Any]) -> dict[str, Any]:
    """Items of a list of a built-in kind come without apiVersion."""
    return {"apiVersion": "v1", **item} if plural == "namespaces" else item
