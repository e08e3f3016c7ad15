"""Bounds what Apprise's services do by HTTP: no redirect, no proxy or password file of this machine, a short answer.

They post with `requests`, which offers no place to say so but its session. Each connection is made by the door of its
host; a thread that was not given a way out has the strict one. Only loaded together with Apprise; nothing else in this
process posts with `requests`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from pratique.channels.kit.egress import Egress, connect_blocking

MAX_ANSWER_BYTES = 262_144
MAX_ANSWER_SECONDS = 6.0


class Way:
    """The way out of one try, and whether an address on it was not allowed."""

    def __init__(self, egress: Egress) -> None:
        self.egress, self.shut = egress, False


_WAY: ContextVar[Way | None] = ContextVar("way", default=None)


@contextmanager
def way_out(egress: Egress) -> Iterator[Way]:
    """Let this thread connect to what is allowed; say afterwards whether something was not."""
    way = Way(egress)
    token = _WAY.set(way)
    try:
        yield way
    finally:
        _WAY.reset(token)


class _Guarded(HTTPConnection):
    """A connection whose socket the door makes; for TLS too, which begins on the socket that this returns."""

    def _new_conn(self) -> Any:  # noqa: ANN401 - urllib3's own hook
        way = _WAY.get() or Way(Egress())
        door = way.egress.door(self._dns_host)
        timeout = self.timeout if isinstance(self.timeout, int | float) else MAX_ANSWER_SECONDS
        try:
            return connect_blocking(door, self._dns_host, self.port, timeout)
        except (OSError, ValueError) as error:
            way.shut = way.shut or door.shut
            raise NewConnectionError(self, "no connection") from error


class _GuardedTls(_Guarded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedTls


class _GuardedAdapter(HTTPAdapter):
    """Connects by the door, and by no proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        raise requests.exceptions.ProxyError


class BoundedSession(requests.Session):
    """A session that reads at most so much, for so long, and goes nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = 0
        self._adapter = _GuardedAdapter()

    def get_adapter(self, url: str | bytes) -> HTTPAdapter:
        """Return ours, whatever was mounted; `send` refuses what is not HTTP."""
        return self._adapter

    def close(self) -> None:
        """Close the connections."""
        super().close()
        self._adapter.close()

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        """Send, and cut the answer: what it says matters less than that reading it ends."""
        streamed = kwargs.pop("stream", False)
        response = super().send(request, **{**kwargs, "stream": True, "allow_redirects": False})
        response.raw = _Short(response.raw)
        if not streamed:
            _ = response.content  # reads it, and gives the connection back
        return response


class _Short:
    """The raw answer, cut."""

    def __init__(self, raw: Any) -> None:  # noqa: ANN401
        self._raw = raw

    def stream(self, size: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield what arrives, piece by piece."""
        began, read = time.monotonic(), 0
        while read < MAX_ANSWER_BYTES and time.monotonic() - began < MAX_ANSWER_SECONDS:
            piece: bytes = self._raw.read1(min(size, MAX_ANSWER_BYTES - read), decode_content=decode_content)
            if not piece:
                return
            read += len(piece)
            yield piece
        self._raw.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._raw, name)


def install() -> None:
    """Let `requests.post` and its like use the bounded session."""
    requests.sessions.Session = BoundedSession  # type: ignore[misc]
    requests.Session = BoundedSession  # type: ignore[misc]
