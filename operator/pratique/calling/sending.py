"""One HTTP call, bounded in every way, and what is known of it afterwards. Only the door of its host makes its sockets.

No redirect is followed, no cookie kept, no connection reused, no more than a bounded piece of the answer read. Whether
anything can have left this process, the connection tells: until it is made nothing has, from then on it may have.
"""

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
from pratique.core.kernel.foreign import parse_foreign, plain
from pratique.core.kernel.veil import Veil
from pratique.core.telling.egress import not_allowed

REQUEST_EGRESS = "--request-egress"


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
            middlewares=(_once,),
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


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request once: of its own accord aiohttp sends GET, PUT and DELETE again when a connection was cut."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientPayloadError from error


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
    too_long, veil = len(raw) > MAX_ANSWER, Veil(hidden)
    return Reply(
        status=response.status,
        body=None if too_long else veil.over(parse_foreign(bytes(raw))),
        location=veil.over_text(plain(response.headers.get("Location", "")[:2048])),
        retry_after=retry_after_of(response.headers.get("Retry-After")),
        too_long=too_long,
    )
