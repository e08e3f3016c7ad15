"""A raw HTTP client per identity: exact about verb, path, content type, headers and bytes, and faster than kubectl by far.

It judges nothing: every answer of the API server comes back as a value. Called by tests of trust.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlencode

import urllib3

from pratique.cluster.connection import connect

JSON = "application/json"
Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Reply:
    """What the API server answered."""

    code: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether it was accepted."""
        return self.code < 300

    @property
    def message(self) -> str:
        """The sentence of a refusal; empty if there is none."""
        if isinstance(self.body, dict):
            return str(self.body.get("message", "")) if self.body.get("kind") == "Status" else ""
        return str(self.body)


class Identities(Protocol):
    """Whoever has kubeconfigs for the test identities."""

    def kubeconfig(self, identity: str) -> Path:
        """Return the kubeconfig of an identity."""


class Caller:
    """One identity's connection."""

    def __init__(self, kubeconfig: Path) -> None:
        connection = connect(str(kubeconfig))
        self.server = connection.server
        groups = (("Impersonate-Group", group) for group in connection.impersonate_groups)
        self._headers = [*connection.headers().items(), *groups]
        self._pool = urllib3.PoolManager(ssl_context=connection.ssl_context(), retries=False)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = JSON,
        params: Mapping[str, str] | None = None,
        headers: Headers = (),
    ) -> Reply:
        """Send one request; a body that is bytes goes out as it is."""
        sent = urllib3.HTTPHeaderDict([("Accept", JSON), ("User-Agent", "tests"), *self._headers])
        for name, value in headers:
            sent.add(name, value)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = content_type
        query = f"?{urlencode(params)}" if params else ""
        answer = self._pool.request(method, f"{self.server}{path}{query}", body=data, headers=sent)
        try:
            return Reply(answer.status, json.loads(answer.data))
        except ValueError:
            return Reply(answer.status, answer.data.decode(errors="replace").strip())

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


class Callers:
    """Callers by identity, each made when it is first asked for."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._made: dict[str, Caller] = {}

    def __getitem__(self, identity: str) -> Caller:
        if identity not in self._made:
            self._made[identity] = Caller(self._identities.kubeconfig(identity))
        return self._made[identity]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        for each in self._made.values():
            each.close()
