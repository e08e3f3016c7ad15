"""A real HTTP receiver on loopback that answers as it is told, and keeps what it was sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.doubles.serving import serving

PATH = "/services/T000/B000/hunter2secret"
"""Like Slack's: who knows the path may post."""


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`status`, `body` and `headers` of its answers; or it hangs, or resets the connection."""

    status: int = 200
    body: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    reset: bool = False
    url: str = ""
    got: list[Received] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.got.append(Received(dict(request.headers), await request.read()))
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            if self.hang:
                await self.released.wait()
            if self.reset:
                assert request.transport is not None
                request.transport.abort()
            return web.Response(status=self.status, text=self.body, headers=self.headers)
        finally:
            self.open -= 1


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return the TLS side of a server whose certificate nobody has reason to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    pem = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None, **answer: Any) -> AsyncIterator[Receiver]:
    """Start a receiver on a free port of loopback."""
    receiver = Receiver(**answer)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.answer)
    async with serving(app, tls=tls) as port:
        receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{PATH}"
        try:
            yield receiver
        finally:
            receiver.released.set()


def secrets(**values: str) -> Callable[[str, str], Any]:
    """Return a reader that knows the key `url` of these Secrets."""

    async def read(name: str, key: str) -> str | None:
        return values.get(name) if key == "url" else None

    return read
