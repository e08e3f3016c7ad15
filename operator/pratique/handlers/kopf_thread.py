"""Kopf keeps the watches, in a thread with an event loop of its own, and tells us of each event.

Level-triggered events are all that we want of it: no handler of ours changes an object, so Kopf writes nothing. Of lists it
gets to see where to begin to watch, and no objects: it would hold all of them in memory at once, with a task for each. Of
events we take the objects as they come, and Kopf gets to see their version alone, as a bookmark: what it would do with each
(a task, a queue, a memory of the object, loggers, handlers) costs 0.7 ms of CPU, more than all that is decided of it.

Every task of that loop is Kopf's, so that ending it ends all of it: its tasks are cancelled over and over (some swallow
the first time), and what is left then ends with the loop. What leans on its insides is in `kopf_insides`.
"""

import asyncio
import contextlib
import itertools
import logging
import threading
import weakref
from collections.abc import Callable, Collection
from typing import Any, Protocol

import aiohttp
import kopf

from pratique.api.v1alpha1 import GROUP, VERSION
from pratique.cluster.connection import Connection
from pratique.handlers.kopf_insides import IDENTITY, Watched, answers, hush, kopf_settings

log = logging.getLogger(__name__)
_ROUNDS, _ROUND_SECONDS = 16, 0.25
"""How often its tasks are cancelled until they have ended, and how long each time."""
_STACK_BYTES = 64 * 2**20
"""What is nested as deeply as Kubernetes stores it is parsed in this thread."""
_FULL_SECONDS = 0.02
_tokens = itertools.count(1)
hush()


class Sink(Protocol):
    """Who is told, by calls from Kopf's thread that return at once."""

    @property
    def full(self) -> bool:
        """Whether more is told than is taken in: events wait then."""

    def listed(self, plural: str) -> None:
        """Take in that a watch will begin at what is there now."""

    def opened(self, plural: str, token: int) -> None:
        """Take in that a watch is open from now on."""

    def closed(self, plural: str, token: int) -> None:
        """Take in that this watch has ended."""

    def refused(self, plural: str, code: int) -> None:
        """Take in that a list or a watch was answered with an error."""

    def told(self, plural: str, body: dict[str, Any], deleted: bool) -> None:
        """Take in an event."""


class KopfThread:
    """One life of Kopf. `ended` is done, with why, once nothing of it runs any more."""

    def __init__(self, connection: Connection, plurals: Collection[str], sink: Sink) -> None:
        self._connection, self._plurals, self._sink = connection, plurals, sink
        self._home = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = self._home.create_future()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_note)
        self._stop = asyncio.Event()
        self._connections = Connections()

    def start(self) -> None:
        """Begin; returns at once."""
        before = threading.stack_size(_STACK_BYTES)
        try:
            threading.Thread(target=self._main, name="kopf", daemon=True).start()
        finally:
            threading.stack_size(before)

    async def end(self, seconds: float) -> bool:
        """End it; return whether it has ended within so many seconds."""
        if not self.ended.done():
            with contextlib.suppress(RuntimeError):  # it has just ended by itself, and its loop is closed
                self._loop.call_soon_threadsafe(self._stop.set)
        await asyncio.wait({self.ended}, timeout=seconds)
        return self.ended.done()

    def _main(self) -> None:
        why = "it was ended"
        try:
            why = self._loop.run_until_complete(self._live())
        except BaseException as error:
            why = f"{type(error).__name__}: {error}"
        finally:
            self._loop.close()
            with contextlib.suppress(RuntimeError):  # the process is ending, and nobody waits any more
                self._home.call_soon_threadsafe(self._has_ended, why)

    def _has_ended(self, why: str) -> None:
        if not self.ended.done():
            self.ended.set_result(why)

    async def _live(self) -> str:
        settings = kopf.OperatorSettings()
        kopf_settings(settings)
        try:
            tasks = await kopf.spawn_tasks(
                registry=self._registry(),
                settings=settings,
                clusterwide=True,
                standalone=True,
                identity=IDENTITY,
                stop_flag=self._stop,
            )
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return "; ".join(sorted({_why(task) for task in done}))
        finally:
            await self._end_all()

    async def _end_all(self) -> None:
        """End all tasks of this loop; what does not end is left to the loop, which is closed next."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for _ in range(_ROUNDS):
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=_ROUND_SECONDS)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if not left:
                break
        if left:
            log.warning("Left behind with its loop: %s", ", ".join(sorted(task.get_name() for task in left if task)))
        await self._connections.close(_ROUND_SECONDS)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_ROUND_SECONDS):
                await self._loop.shutdown_asyncgens()

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(login(self._connection, self._sink, self._connections))
        for plural in self._plurals:
            group, version = ("", "v1") if plural == "namespaces" else (GROUP, VERSION)
            kopf.on.event(group, version, plural, registry=registry)(self._handler(plural))
        return registry

    def _handler(self, plural: str) -> Callable[..., Any]:
        """Return what makes Kopf watch a kind; what its watch tells is taken before (`kopf_insides`)."""

        async def on_event(type: str | None, event: kopf.RawEvent, **_: Any) -> None:  # noqa: A002, ANN401 - Kopf's
            while self._sink.full:  # noqa: ASYNC110 - the other thread tells nobody
                await asyncio.sleep(_FULL_SECONDS)
            self._sink.told(plural, dict(event["object"]), type == "DELETED")

        on_event.__name__ = f"on_{plural}"
        return on_event


def _note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Take note of what nobody waited for: why a life of Kopf was over is said once, by who begins the next."""
    log.debug("Left behind: %s", context.get("message"), exc_info=context.get("exception"))


def _why(task: "asyncio.Task[Any]") -> str:
    if task.cancelled():
        return f"its task {task.get_name()!r} was cancelled"
    error = task.exception()
    return f"its task {task.get_name()!r} ended" + (f" ({type(error).__name__})" if error else "")


class Connections:
    """What Kopf has opened: its sessions, and the streams of its watches.

    A watch that is cancelled has left its session, and says good-bye to the API server by itself; with its loop closed
    before there is an answer, it would stay open. So the streams are known apart, and are ended without a word.
    """

    def __init__(self) -> None:
        self.sessions: list[aiohttp.ClientSession] = []
        self.streams: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    async def close(self, seconds: float) -> None:
        """Close all of it, each session within so many seconds; one that is slow leaves nothing of another open."""
        for session in self.sessions:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(seconds):
                    await session.close()
        for stream in list(self.streams):
            stream.abort()
        await asyncio.sleep(0)  # what is aborted is closed at the loop's next turn


def login(connection: Connection, sink: Sink, opened: Connections) -> Callable[..., Any]:
    """Return a Kopf login handler that uses our connection and sees what is answered; `opened` knows what it opens."""

    async def connect(**_: Any) -> kopf.AiohttpSession:  # noqa: ANN401 - Kopf's
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=connection.ssl_context()),
            middlewares=(_identifying_as(connection), _telling(sink, opened)),
            response_class=answers(sink),
        )
        opened.sessions.append(session)
        return kopf.AiohttpSession(aiohttp_session=session, server=connection.server)

    return connect


def _identifying_as(connection: Connection) -> aiohttp.ClientMiddlewareType:
    async def identify(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        request.headers.update(connection.headers())  # each time: a mounted token rotates
        return await send(request)

    return identify


def _telling(sink: Sink, opened: Connections) -> aiohttp.ClientMiddlewareType:
    async def see(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        answer = await send(request)
        query, plural = request.url.query, request.url.path.rpartition("/")[2]
        if answer.connection is not None and answer.connection.transport is not None:
            opened.streams.add(answer.connection.transport)
        if answer.status >= 300 and ("watch" in query or "limit" in query):
            sink.refused(plural, answer.status)
        elif "watch" in query and isinstance(answer, Watched):
            answer.token = next(_tokens)
            sink.opened(plural, answer.token)
        return answer

    return see
