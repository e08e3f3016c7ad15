"""Mail servers on loopback: aiosmtpd, which keeps what it was sent, and one that misbehaves as it is told."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_string
from email.errors import NonASCIILocalPartDefect
from email.message import EmailMessage
from email.policy import default
from enum import Enum
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.doubles.raw_receivers import Talk
from tests.support.channelling import closed


@dataclass
class MailServer:
    """What a server was sent. `without` are extensions that it does not offer, `logins` who tried to log in."""

    port: int = 0
    without: tuple[str, ...] = ()
    got: list[Envelope] = field(default_factory=list)
    hellos: list[str] = field(default_factory=list)
    logins: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's own names
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.hellos.append(hostname)
        session.host_name = hostname
        return [line for line in responses if not any(name in line for name in self.without)]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self.got.append(envelope)
        return "250 OK"

    @property
    def mails(self) -> list[EmailMessage]:
        """What arrived, as the standard library reads it."""
        return [read_mail(each.original_content or b"") for each in self.got]


def read_mail(content: bytes) -> EmailMessage:
    """Return a mail as the standard library reads it: without a defect, but for letters that RFC 6531 allows."""
    mail = message_from_string(content.decode(), policy=default)
    assert isinstance(mail, EmailMessage)
    assert [part.defects for part in mail.walk() if part.defects] == []
    defects = [defect for part in mail.walk() for value in part.values() for defect in value.defects]
    assert [defect for defect in defects if not isinstance(defect, NonASCIILocalPartDefect)] == []
    return mail


@asynccontextmanager
async def mail_server(
    tls: ssl.SSLContext | None = None,
    *,
    implicit: bool = False,
    login: tuple[str, str] | None = None,
    without: tuple[str, ...] = (),
    host: str = "127.0.0.1",
    **settings: Any,
) -> AsyncIterator[MailServer]:
    """Start aiosmtpd: with STARTTLS if it has `tls`, or with TLS from the first byte."""
    kept = MailServer(without=without)

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        kept.logins.append((mechanism, data.login, data.password))
        right = login is not None and (data.login, data.password) == (login[0].encode(), login[1].encode())
        return AuthResult(success=right, handled=False)

    loop = asyncio.get_running_loop()
    settings = {"enable_SMTPUTF8": True, "hostname": "mail.example.com", **settings}
    settings |= {"authenticator": authenticate, "auth_require_tls": not implicit}
    if not implicit:  # aiosmtpd does not know of TLS before its first byte
        settings |= {"tls_context": tls, "auth_required": login is not None}
    protocols: list[SMTP] = []

    def connected() -> SMTP:
        protocols.append(SMTP(kept, loop=loop, **settings))
        return protocols[-1]

    server = await loop.create_server(connected, host, 0, ssl=tls if implicit else None)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()
        await closed()  # what was accepted just now has a transport a little later
        for protocol in protocols:
            if isinstance(protocol.transport, asyncio.WriteTransport):
                protocol.transport.abort()
        await server.wait_closed()
        await closed()


class Act(Enum):
    """What a server does instead of an answer."""

    HANG = "hang"
    CLOSE = "close"
    RESET = "reset"


EHLO = "250-mail.example.com\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN CRAM-MD5"
ANSWERS: dict[str, str | Act] = {
    "banner": "220 mail.example.com ESMTP",
    "EHLO": EHLO,
    "AUTH": "235 2.7.0 ok",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "end": "250 2.0.0 queued",
    "QUIT": "221 bye",
    "handshake": "250 what is this?",
}


@dataclass
class Scripted:
    """A server that answers each command as its table says, and keeps the lines that it was sent."""

    answers: Mapping[str, str | Act]
    port: int = 0
    lines: list[str] = field(default_factory=list)
    open: dict[asyncio.StreamWriter, asyncio.Event] = field(default_factory=dict)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = self.open[writer] = asyncio.Event()
        try:
            await self._answer("banner", writer)
            while line := (await reader.readline()).decode(errors="replace").rstrip("\r\n"):
                self.lines.append(line)
                verb = line.split()[0].upper()
                await self._answer(verb, writer)
                if verb == "STARTTLS" and await reader.read(1):
                    await self._answer("handshake", writer)
                if verb == "DATA" and str(self.answers["DATA"]).startswith("354"):
                    self.lines += (await reader.readuntil(b"\r\n.\r\n")).decode().split("\r\n")
                    await self._answer("end", writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            ended.set()

    async def _answer(self, what: str, writer: asyncio.StreamWriter) -> None:
        match self.answers.get(what, "502 5.5.1 what?"):
            case Act.HANG:
                await self.released.wait()
                raise ConnectionError
            case Act.CLOSE:
                raise ConnectionError
            case Act.RESET:
                linger = struct.pack("ii", 1, 0)  # close() sends a reset
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                raise ConnectionError
            case answer:
                writer.write(str(answer).encode() + b"\r\n")
                await writer.drain()


@asynccontextmanager
async def scripted(**answers: str | Act) -> AsyncIterator[Scripted]:
    """Start a server that differs from a good one in these answers."""
    kept = Scripted({**ANSWERS, **answers})
    server = await asyncio.start_server(kept.speak, "127.0.0.1", 0, limit=2**20)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()
        await closed()
        kept.released.set()
        for writer, ended in kept.open.items():
            writer.transport.abort()
            await ended.wait()
        await server.wait_closed()
        await closed()


def mailing(**answers: str | Act) -> Talk:
    """Return how such a server speaks, for an Echo; one that takes a password as it is, if nothing else is said."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        speaking = Scripted({**ANSWERS, "EHLO": "250-mail\r\n250 AUTH PLAIN", **answers})
        await speaking.speak(reader, writer)
        return "\r\n".join(speaking.lines).encode()

    return talk
