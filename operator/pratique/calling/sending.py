"""One HTTP call, bounded in every way, and what is known of it afterwards. Only the door of its host makes its sockets.

No redirect is followed, no cookie kept, no connection reused, no more than a bounded piece of the answer read. Whether
anything can have left this process, the connection tells: until it is made nothing has, from then on it may have.
"""

import json
from types import SimpleNamespace
from typing import Any

import aiohttp
from yarl import URL

from pratique.calling.credentials import CallError, Credentials, credentials_of
from pratique.channels.kit.egress import Egress
from pratique.channels.kit.posting import no_answer_within, parse_url, retry_after_of, word_failure
from pratique.cluster.client import Api
from pratique.core.kernel.calling import MAX_ANSWER, Called, Fate, Outgoing, Reply
from pratique.core.kernel.effects import Failure
from pratique.core.kernel.hiding import HIDDEN
from pratique.core.telling.egress import not_allowed

REQUEST_EGRESS = "--request-egress"
_SHORTEST = 4
"""A value shorter than this is in any answer by chance."""
_MAX_DEPTH = 64


class Sender:
    """Makes calls, and looks whether they could be made."""

    def __init__(self, api: Api, egress: Egress) -> None:
        self._api, self._egress = api, egress

    async def prepare(self, outgoing: Outgoing) -> Credentials:
        """Read what a call takes from Secrets; raises CallError."""
        url = _url(outgoing)
        return await credentials_of(self._api, outgoing, url.host or "", url.port or 0)

    async def check(self, outgoing: Outgoing) -> None:
        """Raise CallError if a call could not be made. Nothing is sent."""
        await self.prepare(outgoing)
        url = _url(outgoing)
        if await self._egress.is_shut(url.raw_host or "", url.port or 0):
            raise CallError(Failure("NotAllowed", not_allowed(REQUEST_EGRESS)))

    async def send(self, outgoing: Outgoing, credentials: Credentials) -> Called:
        """Make a call, once. Never raises for what a receiver does."""
        url = _url(outgoing)
        door = self._egress.door(url.raw_host or "")
        seconds = outgoing.within.total_seconds()
        connected = aiohttp.TraceConfig()
        state = SimpleNamespace(connected=False)

        async def note(*_: Any) -> None:  # noqa: ANN401 - aiohttp's own
            state.connected = True

        connected.on_connection_create_end.append(note)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, use_dns_cache=False, socket_factory=door.socket),
            timeout=aiohttp.ClientTimeout(total=seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "pratique", "Accept-Encoding": "identity"},
            auto_decompress=False,
            trace_configs=[connected],
        )
        headers = {**outgoing.headers, **credentials.headers}
        body = outgoing.body.encode() if outgoing.body is not None else None
        why = no_answer_within(seconds)
        try:
            async with (
                session,
                session.request(outgoing.method, url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                return Called(Fate.ANSWERED, reply=await _read(response, credentials.hidden))
        except TimeoutError:
            pass
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if door.shut:
                return Called(Fate.NOT_SENT, not_allowed(REQUEST_EGRESS), final=True)
            why = word_failure(error)
        return Called(Fate.UNKNOWN if state.connected else Fate.NOT_SENT, why)


def _url(outgoing: Outgoing) -> URL:
    url = parse_url(outgoing.url)
    if url is None:
        raise CallError(Failure("Invalid", "url is no address that can be called: write it as https://host/path"))
    return url


async def _read(response: aiohttp.ClientResponse, hidden: tuple[str, ...]) -> Reply:
    """Return an answer; a body that does not end well is none, but its status has been heard."""
    raw = bytearray()
    try:
        while len(raw) <= MAX_ANSWER and (piece := await response.content.read(MAX_ANSWER + 1 - len(raw))):
            raw += piece
    except (aiohttp.ClientError, OSError, TimeoutError):
        raw.clear()
    too_long = len(raw) > MAX_ANSWER
    return Reply(
        status=response.status,
        body=None if too_long else _json(bytes(raw), hidden),
        location=_without(response.headers.get("Location", "")[:2048], hidden),
        retry_after=retry_after_of(response.headers.get("Retry-After")),
        too_long=too_long,
    )


def _json(raw: bytes, hidden: tuple[str, ...]) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return _hide(json.loads(raw.decode(), parse_constant=lambda _: None), hidden, 0)
    except (ValueError, RecursionError):
        return None


def _hide(value: Any, hidden: tuple[str, ...], depth: int) -> Any:  # noqa: ANN401 - any JSON value
    """Return an answer in which nothing repeats what came from a Secret."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    match value:
        case str():
            return _without(value, hidden)
        case dict():
            return {_without(key, hidden): _hide(each, hidden, depth + 1) for key, each in value.items()}
        case list():
            return [_hide(each, hidden, depth + 1) for each in value]
        case _:
            return value


def _without(text: str, hidden: tuple[str, ...]) -> str:
    for value in hidden:
        if len(value) >= _SHORTEST:
            text = text.replace(value, HIDDEN)
    return text
