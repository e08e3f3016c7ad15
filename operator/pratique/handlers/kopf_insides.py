"""What we lean on in Kopf beyond what it documents, all in one place, and why.

All that we want of Kopf are its watches: no object in its memory, no write, no task of it that outlives us. It has no
switch for that. Of its documented interface we use the rest (`kopf_thread`): `spawn_tasks` with `stop_flag`, registries,
login, selectors, timeouts. What stands here was read in the version that `READ_IN` names, and
`tests/component/handlers/test_kopf_insides.py` tries each point against the version that is installed: who raises it runs
those tests, reads what changed where one fails, and then writes the new version here.

- `answers`, with `chunk_size` 1: a list tells only where a watch begins; else Kopf would hold all objects, with a task for
  each. A list is what is asked for with `limit`, read by `json()` and followed by `metadata.continue`.
- `Teed`: of an event Kopf gets to see its version alone, as a bookmark: it goes on from there, and drops it before it
  makes a task of it (0.7 ms of CPU an event). It reads a watch line by line, by `content.iter_chunked`.
- `_NoDiffs`, `_NoProgress`: else it copies each object several times an event. It asks its storages even where there are
  handlers for events only, and stores nothing then.
- `_Endless`: Kopf ends where its patience with an API server ends. It iterates the pauses anew for each request, and needs
  no length of them.
- `IDENTITY`: its own is made of the user's name. It makes none where one is given.
- `hush`: it warns at each begin and each end of what we want so. These are the words of three messages.
- `KopfThread` cancels its tasks again and again, since one swallows the first time; what is left ends with its loop.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

import aiohttp
import kopf

from pratique.api.v1alpha1 import GROUP
from pratique.core.environments.objects import ENVIRONMENT_UID_LABEL

READ_IN = "1.45.2"
"""The version of Kopf in which all of this was read."""
IDENTITY: Any = "pratique"
"""Among peers, which it has none of; its own would be made of the name of the user, whom /etc/passwd need not know."""
_EVENTS = ("ADDED", "MODIFIED", "DELETED")
_FULL_SECONDS = 0.02
_FIRST_RETRY, _LONGEST_RETRY = 0.5, 4.0
LOGGER = "kopf._core.reactor.running"
HUSHED = (
    "OS signals are ignored: running not in the main thread",
    "Cleanup activity is not executed at all due to cancellation",
    "Cleanup activity is only partially executed due to cancellation",
)
"""Signals are for the main thread, which is not Kopf's; and no activity of ours is to be executed when it ends."""


def hush() -> None:
    """Keep Kopf from warning of what is meant to be so."""
    logging.getLogger(LOGGER).addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(HUSHED)


def kopf_settings(settings: kopf.OperatorSettings) -> None:
    """Make Kopf an informer: no peering, no posting, endless patience with an API server that is away."""
    settings.process.ultimate_exiting_timeout = None  # it would kill the process ten minutes after it ended
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.networking.request_timeout, settings.networking.connect_timeout = 15.0, 5.0
    settings.persistence.finalizer = f"{GROUP}/kopf"
    settings.queueing.idle_timeout = 0.1  # a task of Kopf for each object that changes; ours have done by then
    settings.queueing.exit_timeout = 0.5
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.label_selectors["namespaces"] = ENVIRONMENT_UID_LABEL
    settings.networking.error_backoffs = _Endless()
    settings.watching.chunk_size = 1  # see `answers`
    settings.persistence.diffbase_storage = _NoDiffs()
    settings.persistence.progress_storage = _NoProgress()


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
    """Backoffs in seconds that never end: Kopf ends when they do."""

    def __iter__(self) -> Iterator[float]:
        pause = _FIRST_RETRY
        while True:
            yield pause
            pause = min(pause * 2, _LONGEST_RETRY)


class Ends(Protocol):
    """Who hears of the answers that Kopf gets."""

    @property
    def full(self) -> bool:
        """Whether more is told than is taken in: events wait then."""

    def told(self, plural: str, body: dict[str, Any], deleted: bool) -> None:
        """Take in an event."""

    def listed(self, plural: str) -> None:
        """Take in that a watch will begin at what is there now."""

    def closed(self, plural: str, token: int) -> None:
        """Take in that this watch has ended."""


class Watched(aiohttp.ClientResponse):
    """An answer to Kopf; of an open watch, `token` tells it from others of its kind."""

    token: int | None = None


class Teed:
    """What Kopf reads of a watch: each event is told to us, and only its version to Kopf, which goes on from there."""

    def __init__(self, content: aiohttp.StreamReader, plural: str, told: Ends) -> None:
        self._content, self._plural, self._told = content, plural, told

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Return line after line; one that was cut off with its connection is no line."""
        rest = b""
        async for data in self._content.iter_chunked(size):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                yield await self._take(line) + b"\n"

    async def _take(self, line: bytes) -> bytes:
        event = json.loads(line) if line.strip() else None
        if not isinstance(event, dict) or event.get("type") not in _EVENTS:
            return line
        while self._told.full:  # noqa: ASYNC110 - the other thread tells nobody
            await asyncio.sleep(_FULL_SECONDS)
        body = event["object"]
        self._told.told(self._plural, body, event["type"] == "DELETED")
        version = {"resourceVersion": body["metadata"]["resourceVersion"]}
        return json.dumps({"type": "BOOKMARK", "object": {"metadata": version}}).encode()


def answers(told: Ends) -> type[Watched]:
    """Return the class of the answers that Kopf gets; `told` hears of lists, and of watches that end."""

    class Answer(Watched):
        """Of a list (of one, by `chunk_size`) only the version is left, where a watch begins; a watch tells its end."""

        _raw: Any = None

        @property
        def content(self) -> Any:  # noqa: ANN401 - aiohttp's stream, or what stands before it
            """What the answer holds; of an open watch, with us in between."""
            return self._raw if self.token is None else Teed(self._raw, _plural(self), told)

        @content.setter
        def content(self, stream: Any) -> None:  # noqa: ANN401 - aiohttp's
            self._raw = stream

        async def json(self, **options: Any) -> Any:  # noqa: ANN401 - aiohttp's
            body = await super().json(**options)
            if "limit" not in self.url.query or not isinstance(body, dict) or "items" not in body:
                return body
            told.listed(_plural(self))
            return {**body, "items": [], "metadata": {"resourceVersion": body["metadata"]["resourceVersion"]}}

        def close(self) -> None:
            super().close()
            self._tell()

        def release(self) -> Any:  # noqa: ANN401 - aiohttp's
            self._tell()
            return super().release()

        def _tell(self) -> None:
            if self.token is not None:
                told.closed(_plural(self), self.token)
                self.token = None

    return Answer


def _plural(answer: aiohttp.ClientResponse) -> str:
    return answer.url.path.rpartition("/")[2]
