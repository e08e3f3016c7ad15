"""Feeds the cache from watches, and from lists: at the start, and now and then against what watches miss.

The lists are ours, page by page, once the watches have begun, so that nothing falls between a list and a watch.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from pratique.api.v1alpha1 import API_VERSION
from pratique.cluster.client import Api, ApiError
from pratique.cluster.store import Name, Store, name_of, version_of
from pratique.core.environments.objects import ENVIRONMENT_UID_LABEL
from pratique.handlers.kinds import Key, Watched
from pratique.handlers.scope import Scope
from pratique.handlers.watchdog import Watchdog

log = logging.getLogger(__name__)
_BAD_REQUEST, _NOT_FOUND = 400, 404
_MANY = 500
"""So many objects are read one by one, where a list without what is settled does not say what became of them."""


class Add(Protocol):
    """Asks for a look at an object; at leisure, for one that may wait until what is new had its turn."""

    def __call__(self, key: Key, *, at_leisure: bool = False) -> None:
        """Ask."""


class Informers:
    """Takes in versions of objects and tells the queue whom they concern."""

    def __init__(
        self,
        stores: dict[str, Store],
        kinds: dict[str, Watched],
        add: Add,
        forget: Callable[[str, dict[str, Any]], None],
        steady: Callable[[], float],
        scope: Scope | None = None,
    ) -> None:
        self._scope = scope or Scope()
        self._stores, self._kinds, self._add, self._forget, self._steady = stores, kinds, add, forget, steady
        self.watchdog = Watchdog()
        self._listed = False
        self._listing = asyncio.Lock()
        self._began: set[str] = set()
        self._writing: dict[Key, set[int]] = {}
        """Of each object that we are writing the status of: the versions that its watch has told meanwhile."""
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

    def seen(self, plural: str, body: dict[str, Any], *, at_leisure: bool = False) -> bool:
        """Take in a version; the object itself and those that depend on it look, if it was news. Return whether it was."""
        if self._is_foreign(plural, body):
            return False
        if not self._kinds[plural].keeps(body):
            self._let_go(plural, body)
            return False
        news = self._stores[plural].put(body)
        if news:
            self._wake(plural, body, at_leisure=at_leisure)
        return news

    def _is_foreign(self, plural: str, body: dict[str, Any]) -> bool:
        """Whether another shard sees to an object, so that the cache need not have it; what must be known is noted."""
        namespace = name_of(body)[0]
        if not self._scope.is_foreign(namespace):
            return False
        matters, keeps = self._kinds[plural].note_foreign(body), self._scope.keeps(namespace)
        if not (matters or keeps):
            self._deleted.add(body["metadata"]["uid"])
        return not keeps

    def read(self, plural: str, body: dict[str, Any]) -> None:
        """Take in what a look has read by its name, unless its watch told meanwhile that it is gone.

        The cache was short of it: a list leaves out what is settled, though an open run may have come to need it since.
        """
        if body["metadata"]["uid"] not in self._deleted and self._kinds[plural].keeps(body):
            self.seen(plural, body)

    def _let_go(self, plural: str, body: dict[str, Any]) -> None:
        """Forget what has ended and is settled, and what was kept for it. The cluster tells: older versions are past."""
        name, uid = name_of(body), body["metadata"]["uid"]
        if version_of(body) < self._stores[plural].version(name):
            return
        self._deleted.add(uid)
        self.watchdog.gone((plural, *name))
        for key in self._kinds[plural].wakes(body):
            self._add(key)
        others = self._kinds[plural].lets_go(body)
        if self._stores[plural].drop(name, uid):
            self._forget(plural, body)
        self._let_go_all(others)

    def _let_go_all(self, keys: list[Key]) -> None:
        """Forget those of them that were kept for another object alone."""
        for plural, namespace, own in keys:
            body = self._stores[plural].get((namespace, own))
            if body is not None and not self._kinds[plural].keeps(body):
                self._let_go(plural, body)

    def written(self, plural: str, body: dict[str, Any]) -> None:
        """Take in what we wrote ourselves: others may look, the object itself was just looked at.

        What is settled stays until the watch shows it, which may bring older versions before; if it has, it was let go.
        """
        if body["metadata"]["uid"] in self._deleted and not self._kinds[plural].keeps(body):
            return
        self._writing.get((plural, *name_of(body)), set()).discard(version_of(body))
        if self._stores[plural].put(body):
            for key in self._kinds[plural].wakes(body):
                self._add(key)

    @contextmanager
    def writing(self, key: Key) -> Iterator[None]:
        """Let an object that we write not be woken by what we write: its watch often tells that before it is answered.

        Whatever else is told of it meanwhile wakes it when the write is over.
        """
        told = self._writing[key] = set[int]()
        try:
            yield
        finally:
            del self._writing[key]
            if told:
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
        if self._scope.is_foreign(namespace := name_of(body)[0]):
            self._kinds[plural].note_foreign(body, gone=True)
            if not self._scope.keeps(namespace):
                return
        self._forget(plural, body)
        self.watchdog.gone((plural, *name_of(body)))
        others = self._kinds[plural].lets_go(body)
        if self._stores[plural].drop(name_of(body), body["metadata"]["uid"]):
            self._wake(plural, body, gone=True)
            self._let_go_all(others)

    def _wake(self, plural: str, body: dict[str, Any], *, gone: bool = False, at_leisure: bool = False) -> None:
        itself = (plural, *name_of(body))
        if gone or (told := self._writing.get(itself)) is None:
            self._add(itself, at_leisure=at_leisure)
        else:
            told.add(version_of(body))
        for key in self._kinds[plural].wakes(body, gone=gone):
            self._add(key)

    async def relist(self, api: Api, *, everything: bool = False) -> None:
        """List what is watched: take in what is there, and drop what is not there any more.

        What has ended and is settled is left out, unless `everything` is to be seen, as after a gap of the guard.
        """
        async with self._listing:  # of two at once, one would forget what the other must not bring back
            self._deleted.clear()
            needed: set[Key] = set()
            for plural in self._stores:
                await self._list(api, plural, needed, whole=everything)
            self._listed = True
            self._deleted.clear()

    async def _list(self, api: Api, plural: str, needed: set[Key], *, whole: bool) -> None:
        before = set(self._stores[plural].names())
        present: set[Name] = set()
        listed_at = 0
        kind = self._kinds[plural]
        async for items, version in self._pages(api, plural, {} if whole else kind.listed):
            listed_at = listed_at or int(version)
            for item in items:
                body = _complete(plural, item)
                if body["metadata"]["uid"] in self._deleted:
                    continue
                present.add(name_of(body))
                if kind.keeps(body) and self._scope.keeps(name_of(body)[0]):
                    needed.update(kind.needs(body))
                self._take_in(plural, body)
        kind.forget_foreign(present, listed_at)
        if whole or not kind.listed:
            self._reap(plural, before - present, listed_at)
            return
        unseen = (before | {key[1:] for key in needed if key[0] == plural}) - present
        if len(unseen) > _MANY:
            await self._list(api, plural, needed, whole=True)
        else:
            for name in sorted(unseen):
                await self._read(api, plural, name)

    def _take_in(self, plural: str, body: dict[str, Any]) -> None:
        """Take in what a list shows; there may be tens of thousands, and what a watch tells meanwhile goes before them."""
        if self.seen(plural, body, at_leisure=True) and self._listed:
            self.watchdog.listed_first((plural, *name_of(body)), version_of(body), self._steady())

    async def _pages(
        self, api: Api, plural: str, narrowed: Mapping[str, str]
    ) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        """List a kind; all of it where the API server cannot leave anything out: before 1.31, or with CRDs of 0.1.0."""
        path, selector = path_of(plural), selector_of(plural)
        try:
            async for page in api.pages(path, {**selector, **narrowed}):
                yield page
        except ApiError as error:
            if error.code != _BAD_REQUEST or not narrowed:
                raise
            async for page in api.pages(path, selector):
                yield page

    async def _read(self, api: Api, plural: str, name: Name) -> None:
        """Take in an object that a narrowed list does not show: it has ended meanwhile, was deleted, or is needed still."""
        namespace, own = name
        group, _, _ = path_of(plural).rpartition("/")
        space = f"/namespaces/{namespace}" if namespace else ""
        try:
            found = await api.request("GET", f"{group}{space}/{plural}/{own}")
        except ApiError as error:
            if error.code != _NOT_FOUND:
                raise
            body = self._stores[plural].get(name)
            if body is not None:
                log.info("%s %s/%s was deleted while nobody watched", plural, *name)
                self.gone(plural, body)
            return
        if found["metadata"]["uid"] not in self._deleted:  # the answer may be older than what its watch told meanwhile
            self._take_in(plural, found)

    def drop_foreign(self) -> None:
        """Forget what the sweep has taken in of other shards."""
        for plural, store in self._stores.items():
            for name in store.names():
                body = None if self._scope.keeps(name[0]) else store.get(name)
                if body is not None and store.drop(name):
                    self._forget(plural, body)

    def _reap(self, plural: str, missing: set[Name], listed_at: int) -> None:
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


def _complete(plural: str, item: dict[str, Any]) -> dict[str, Any]:
    """Items of a list of a built-in kind come without apiVersion."""
    return {"apiVersion": "v1", **item} if plural == "namespaces" else item
