"""A service outside of the cluster, in a thread of its own: answers as it is told, and counts what it was asked to do.

It honours Idempotency-Key if it is told to: what comes twice with one key is answered again, and done once.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Reply:
    """One answer; `hang` seconds before it, and `cut` without any."""

    status: int = 204
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: float = 0
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Outside:
    """Use it in `with`. The last of its replies stays."""

    def __init__(self, *replies: Reply, honours: bool = False) -> None:
        self.replies, self.honours = list(replies) or [Reply()], honours
        self.asked: list[Asked] = []
        self.done: list[str] = []
        """The key of each thing that was done."""
        self.arrived, self.released = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.place = f"127.0.0.1:{self.port}"
        self.lets = self.url
        """What a Secret says in its annotation whose value may go here, in clear text."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, asked: Asked) -> Reply:
        """Keep what was asked; return the answer to it."""
        with self._lock:
            self.asked.append(asked)
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            key = asked.headers.get("Idempotency-Key", "")
            if (200 <= reply.status < 300) and not (self.honours and key in self.done):
                self.done.append(key)
        self.arrived.set()
        if reply.hang:
            self.released.wait(reply.hang)
        return reply


def _handler(outside: Outside) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = outside.take(Asked(self.command, self.path, dict(self.headers), body))
            if reply.cut:
                self.connection.close()
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.serve)
    return Handler
