"""One POST, bounded in every way, and what its answer means. The URL is a secret: nothing that is returned quotes it.

No redirect is followed (it could lead a token elsewhere), no cookie kept, no connection reused (a stale one would look
like a receiver that failed; each is checked on its own), no more than a bounded piece of the answer read. Errors are
worded here from the kind of failure alone: the texts of exceptions and of answers may hold the URL.
"""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote

import aiohttp
from yarl import URL

from pratique.channels.kit.egress import Door, Egress
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.egress import NOT_ALLOWED

TIMEOUT_SECONDS = 10.0
_ANSWER_BYTES = 256
_MAX_RETRY_AFTER = 86400.0
_MAY_PASS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_CHANNEL = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
"""What a receiver answers to whom it does not know, or under an address that it does not have."""


@dataclass(frozen=True)
class Answer:
    """What a receiver said. `body` is for judging only; it must never be shown as it is."""

    status: int
    body: str = ""
    retry_after: float | None = None


class Poster:
    """Posts to receivers. Each post has a session of its own, whose sockets the door of its host makes."""

    def __init__(self, egress: Egress, timeout: float = TIMEOUT_SECONDS) -> None:
        self._egress, self.seconds = egress, timeout

    async def post(
        self, url: URL, body: bytes, headers: Mapping[str, str], whole: int | None = None
    ) -> Answer | Delivery:
        """Post once. Return the answer, or the failed Delivery if there was none.

        Of the answer, its first piece is read; or the `whole` of it, up to so many bytes.
        """
        door = self._egress.door(url.raw_host or "")
        try:
            async with (
                self._session(door) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                text = (await _read(response.content, whole)).decode(errors="replace")
                return Answer(response.status, text, retry_after_of(response.headers.get("Retry-After")))
        except TimeoutError:
            return Delivery(sent=False, error=no_answer_within(self.seconds))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Delivery(sent=False, error=NOT_ALLOWED if door.shut else word_failure(error))

    def _session(self, door: Door) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, use_dns_cache=False, socket_factory=door.socket),
            timeout=aiohttp.ClientTimeout(total=self.seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "pratique"},
        )


async def _read(content: aiohttp.StreamReader, whole: int | None) -> bytes:
    """One read returns what has arrived: enough for an error code, and no receiver is waited for until it ends."""
    if whole is None:
        return await content.read(_ANSWER_BYTES)
    raw = bytearray()
    while len(raw) < whole and (piece := await content.read(whole - len(raw))):
        raw += piece
    return bytes(raw)


def no_answer_within(seconds: float) -> str:
    """Return the sentence of a receiver that took too long."""
    return f"no answer within {seconds:g} s"


def judge(answer: Answer, code: str = "") -> Delivery:
    """Say what an answer means: 2xx is delivered; 408, 425, 429 and 5xx may pass, and 401, 403, 404 and 410 may be mended.

    Those say that the URL or its token is not good any more: of whatever message. Any other 4xx is about this one.
    """
    if 200 <= answer.status < 300:
        return Delivery(sent=True)
    error = f"the receiver answered {status_phrase(answer.status)}" + (f": {code}" if code else "")
    if 300 <= answer.status < 400:
        return Delivery(
            sent=False,
            error=f"{error}; redirects are not followed, put the final URL into the Secret",
            channel_fault=True,
        )
    broken = answer.status in _CHANNEL
    temporary = broken or answer.status in _MAY_PASS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return Delivery(
        sent=False,
        error=error,
        permanent=not temporary,
        retry_after=answer.retry_after,
        channel_fault=broken,
    )


def status_phrase(status: int) -> str:
    """Return `404 Not Found`, from our own table: the receiver's phrase is its own text."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def retry_after_of(value: str | None, now: float | None = None) -> float | None:
    """Return the seconds of a Retry-After, which is a number or a date; None if there is none or it makes no sense."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - (time.time() if now is None else now)
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER) if math.isfinite(seconds) else None


_BEFORE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
"""What comes before path and query."""
_ASCII = "".join(map(chr, range(128)))


def parse_url(text: str) -> URL | None:
    """Return the URL if it is one that can be posted to: http or https, with a host. A trailing newline is forgiven.

    Path and query are sent as they are written: a receiver may have signed them, byte by byte.
    """
    text = text.strip()
    before = _BEFORE.match(text)
    if before is None:
        return None
    try:
        url = URL(before[0] + quote(text[before.end() :], safe=_ASCII), encoded=before[0].isascii())
        usable = url.scheme in ("http", "https") and bool(url.host) and url.port != 0
    except ValueError:
        return None
    if not usable or not text.isprintable() or " " in text:
        return None
    return url if url.raw_path else url.with_path("/", keep_query=True)


def word_failure(error: Exception) -> str:
    """Return what went wrong on the way, in words of ours."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "the receiver's host name could not be resolved"
        case aiohttp.ClientConnectorCertificateError():
            return "the receiver's TLS certificate is not trusted"
        case aiohttp.ClientSSLError():
            return "the TLS handshake with the receiver failed"
        case aiohttp.ClientConnectorError():
            return "no connection to the receiver"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | OSError():
            return "the receiver closed the connection before it had answered"
        case aiohttp.ClientResponseError():
            return "the receiver's answer is not HTTP"
        case _:
            return f"the message could not be posted ({type(error).__name__})"
