"""Bounds what Apprise's services do by HTTP: no redirect, no proxy or password file of this machine, a short answer.

They post with `requests`, which offers no place to say so but its session. Only loaded together with Apprise; nothing
else in this process posts with `requests`.
"""

import time
from collections.abc import Iterator
from typing import Any

import requests

MAX_ANSWER_BYTES = 262_144
MAX_ANSWER_SECONDS = 6.0


class BoundedSession(requests.Session):
    """A session that reads at most so much, for so long, and goes nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = 0

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
