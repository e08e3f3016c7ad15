"""A receiver for messages on loopback, which keeps what it gets: for the demo and the tests. Answers as it is told."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Receiver:
    """An HTTP server in a thread of its own; `status` is what it answers. Stopped and started again, it keeps its port."""

    status: int = 200
    host: str = "127.0.0.1"
    """An address of this machine."""
    received: list[Received] = field(default_factory=list)
    port: int = 0
    """A free one, if none is named."""
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        if not self.port:
            raise RuntimeError("the receiver is used outside `with`")
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """Listen."""
        self._server = ThreadingHTTPServer((self.host, self.port), _handler(self))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Be away: nothing listens on its port."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def texts(self, path: str = "") -> list[str]:
        """Return the plain text of what arrived under a path, in order."""
        return [str(each.body.get("text", "")) for each in self.received if each.path.startswith(path)]

    def answer(self, request: Received) -> tuple[int, Mapping[str, str]] | None:
        """Return status and headers of the answer to a request, once it is kept; None: it gets none."""
        self.received.append(request)
        return self.status, {}


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = receiver.answer(Received(self.path, dict(self.headers), json.loads(body)))
            if answer is None:
                return
            status, headers = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 - the base class names it
            """Say nothing: who reads along asks `received`."""

    return Handler
