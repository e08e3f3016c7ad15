"""Feeds the cache from Kopf's watches, and from lists: at the start, and now and then against what watches miss.

Kopf gives level-triggered events and nothing else here: no handler of ours changes an object, so Kopf writes nothing. Of
its lists it gets to see where to begin to watch, and no objects: it would hold all of them in memory at once, a task for
each. We list ourselves, page by page, once the watches have begun, so that nothing falls between a list and a watch.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import kopf

from pratique.api.v1alpha1 import API_VERSION, GROUP, VERSION
from pratique.cluster.client import Api
from pratique.cluster.connection import Connection
from pratique.cluster.store import Store, name_of, version_of
from pratique.core.namespace_objects import ENVIRONMENT_UID_LABEL
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
        self._began: set[str] = set()
        self._deleted: set[str] = set()
        """Uids of what was deleted while we list: a page that is older must not bring it back."""
        self.watching = asyncio.Event()
        """Set once every watch has begun: what a list shows after that, no watch can miss."""
        self.gap = asyncio.Event()
        """Set when a watch was broken off and began anew: what happened in between, no event tells."""

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
        self._deleted.clear()
        for plural in self._stores:
            before = set(self._stores[plural].names())
            present: set[tuple[str, str]] = set()
            listed_at = 0
            async for items, version in api.pages(_path(plural), _selector(plural)):
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

    def register(self, registry: kopf.OperatorRegistry) -> None:
        """Register one watch per kind with Kopf."""
        for plural in self._stores:
            if plural == "namespaces":
                labels = {ENVIRONMENT_UID_LABEL: kopf.PRESENT}
                kopf.on.event("", "v1", plural, labels=labels, registry=registry)(self._handler(plural))
            else:
                kopf.on.event(GROUP, VERSION, plural, registry=registry)(self._handler(plural))

    def _handler(self, plural: str) -> Callable[..., Any]:
        async def on_event(type: str | None, event: kopf.RawEvent, **_: Any) -> None:  # noqa: A002, ANN401 - Kopf's
            body = dict(event["object"])
            self.watchdog.told((plural, *name_of(body)), version_of(body))
            if type == "DELETED":
                self.gone(plural, body)
            else:
                self.seen(plural, body)

        on_event.__name__ = f"on_{plural}"
        return on_event


def _path(plural: str) -> str:
    return "/api/v1/namespaces" if plural == "namespaces" else f"/apis/{API_VERSION}/{plural}"


def _selector(plural: str) -> dict[str, str]:
    return {"labelSelector": ENVIRONMENT_UID_LABEL} if plural == "namespaces" else {}


def _identified(plural: str, item: dict[str, Any]) -> dict[str, Any]:
    """Items of a list of a built-in kind come without apiVersion."""
    return {"apiVersion": "v1", **item} if plural == "namespaces" else item


def kopf_settings(settings: kopf.OperatorSettings) -> None:
    """Make Kopf an informer: no peering, no posting, endless patience with an API server that is away."""
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.networking.error_backoffs = _Endless()
    settings.persistence.finalizer = f"{GROUP}/kopf"
    settings.persistence.diffbase_storage = _NoDiffs()
    settings.persistence.progress_storage = _NoProgress()
    settings.queueing.idle_timeout = 0.1  # a task of Kopf for each object that changes; ours have done by then
    settings.queueing.exit_timeout = 0.5
    settings.watching.server_timeout = 300
    settings.watching.chunk_size = 1  # see `_beginning`
    settings.watching.client_timeout = 330


class _NoDiffs(kopf.DiffBaseStorage):
    """We never ask Kopf what changed: without this it copies every object several times for each event to find out."""

    def build(self, *, body: kopf.Body, extra_fields: Any = None) -> Any:  # noqa: ANN401 - Kopf's
        return {}

    def fetch(self, *, body: kopf.Body) -> Any:  # noqa: ANN401 - Kopf's
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: Any) -> None:  # noqa: ANN401 - Kopf's
        raise AssertionError("no handler of ours makes Kopf store anything")


class _NoProgress(kopf.ProgressStorage):
    """Event handlers have no progress to keep; Kopf looks for it all the same, at each event."""

    def fetch(self, *, key: Any, body: kopf.Body) -> Any:  # noqa: ANN401 - Kopf's
        return None

    def store(self, *, key: Any, record: Any, body: kopf.Body, patch: kopf.Patch) -> None:  # noqa: ANN401 - Kopf's
        raise AssertionError("no handler of ours makes Kopf store anything")

    def purge(self, *, key: Any, body: kopf.Body, patch: kopf.Patch) -> None:  # noqa: ANN401 - Kopf's
        return None

    def touch(self, *, body: kopf.Body, patch: kopf.Patch, value: str | None) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:  # noqa: ANN401 - Kopf's
        return essence


class _Endless:
    """Backoffs in seconds that never end: Kopf ends the process when they do."""

    def __iter__(self) -> Any:  # noqa: ANN401 - an iterator of floats
        pause = 0.5
        while True:
            yield pause
            pause = min(pause * 2, 15.0)


def login(connection: Connection, began: Callable[[str], None]) -> Callable[..., Any]:
    """Return a Kopf login handler that uses our connection; `began` is told of each watch that begins, by plural."""

    async def connect(**_: Any) -> kopf.AiohttpSession:  # noqa: ANN401 - Kopf's
        connector = aiohttp.TCPConnector(limit=0, ssl=connection.ssl_context())
        session = aiohttp.ClientSession(
            connector=connector, middlewares=(_identified_by(connection),), response_class=_beginning(began)
        )
        return kopf.AiohttpSession(aiohttp_session=session, server=connection.server)

    return connect


def _identified_by(connection: Connection) -> aiohttp.ClientMiddlewareType:
    async def identify(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        request.headers.update(connection.headers())  # each time: a mounted token rotates
        return await send(request)

    return identify


def _beginning(began: Callable[[str], None]) -> type[aiohttp.ClientResponse]:
    class Beginning(aiohttp.ClientResponse):
        """An answer to Kopf: of a list (of one, by `chunk_size`) only the version is left, where its watch begins."""

        async def json(self, **options: Any) -> Any:  # noqa: ANN401 - aiohttp's
            body = await super().json(**options)
            if "limit" not in self.url.query or not isinstance(body, dict) or "items" not in body:
                return body
            began(self.url.path.rpartition("/")[2])
            return {**body, "items": [], "metadata": {"resourceVersion": body["metadata"]["resourceVersion"]}}

    return Beginning
