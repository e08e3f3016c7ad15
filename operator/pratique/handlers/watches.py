"""The watches, kept by Kopf: it begins them, begins them again when they break, and tells us of each event.

Level-triggered events are all that we want of it: no handler of ours changes an object, so Kopf writes nothing. Of lists it
gets to see where to begin to watch, and no objects: it would hold all of them in memory at once, with a task for each.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import kopf

from pratique.api.v1alpha1 import GROUP, VERSION
from pratique.cluster.connection import Connection
from pratique.core.namespace_objects import ENVIRONMENT_UID_LABEL
from pratique.handlers.clock import Clock
from pratique.handlers.informers import Informers

log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0


@dataclass(frozen=True)
class Watches:
    """One watch per kind in the cache."""

    connection: Connection
    informers: Informers
    clock: Clock

    async def run(self, stop: asyncio.Event, spawned: Callable[[], None]) -> None:
        """Watch until `stop` is set. Kopf ends on answers that it does not know, such as 410 to the begin of a watch.

        `spawned` is called each time that Kopf has begun, and taken the signals of the process.
        """
        pause = _FIRST_PAUSE
        while not stop.is_set():
            began = self.clock.steady()
            try:
                await self._run_once(stop, spawned)
            except Exception as error:
                log.warning("The watches ended, and begin again: %s: %s", type(error).__name__, error)
                lasted = self.clock.steady() - began
                pause = _FIRST_PAUSE if lasted > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause)

    async def _run_once(self, stop: asyncio.Event, spawned: Callable[[], None]) -> None:
        registry = kopf.OperatorRegistry()
        self._register(registry)
        settings = kopf.OperatorSettings()
        kopf_settings(settings)
        tasks = await kopf.spawn_tasks(
            registry=registry, settings=settings, clusterwide=True, standalone=True, stop_flag=stop
        )
        spawned()
        try:
            # Not by kopf.run_tasks: when it ends it cancels every task that is younger than Kopf, our workers too.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await task
        finally:
            await _cancel(tasks)
            await _cancel([task for task in asyncio.all_tasks() if _is_of_kopf(task)])  # what its watchers left behind

    def _register(self, registry: kopf.OperatorRegistry) -> None:
        kopf.on.login(registry=registry)(login(self.connection, self.informers.began))
        for plural in self.informers.plurals:
            if plural == "namespaces":
                labels = {ENVIRONMENT_UID_LABEL: kopf.PRESENT}
                kopf.on.event("", "v1", plural, labels=labels, registry=registry)(self._handler(plural))
            else:
                kopf.on.event(GROUP, VERSION, plural, registry=registry)(self._handler(plural))

    def _handler(self, plural: str) -> Callable[..., Any]:
        async def on_event(type: str | None, event: kopf.RawEvent, **_: Any) -> None:  # noqa: A002, ANN401 - Kopf's
            self.informers.told(plural, dict(event["object"]), deleted=type == "DELETED")

        on_event.__name__ = f"on_{plural}"
        return on_event


_KOPF = str(Path(kopf.__file__).parent)


def _is_of_kopf(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and code.co_filename.startswith(_KOPF)


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


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
