"""Hands one mail to a mail server over one connection. What went wrong is judged and worded by `mail_outcome`.

The steps are taken one by one, and not by the library's own `sendmail`: so it is known which of them failed, a password is
tried once and not once for each way to log in, and without encryption nothing follows the greeting.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from pratique.api.v1alpha1.channel_email import EmailTls
from pratique.channels.email.letter import Letter
from pratique.channels.email.outcome import NO_LOGIN, NO_SMTPUTF8, NO_STARTTLS, Step, Talk, UnmetError, judge
from pratique.core.kernel.effects import Delivery
from pratique.core.kernel.errors import PratiqueError

OpenSocket = Callable[[str, int], Awaitable[socket.socket]]
"""Host and port to a connected socket that does not block."""
QUIT_SECONDS = 1.0


@dataclass(frozen=True)
class Login:
    """What a server is told to let us in; `place` names the Secret."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    place: str


@dataclass(frozen=True)
class Server:
    """A mail server, and how it is spoken to. `hello` is the name under which we greet; no `context`, no encryption."""

    host: str
    port: int
    hello: str
    tls: EmailTls = EmailTls.STARTTLS
    context: ssl.SSLContext | None = None
    login: Login | None = None


async def hand_over(letter: Letter, server: Server, open_socket: OpenSocket, seconds: float) -> Delivery:
    """Try once, for so long at most; the goodbye is no part of it: by then, the server has taken the mail."""
    talk = Talk(server.tls, server.login.place if server.login else "", seconds)
    smtp = SMTP(
        hostname=server.host,
        local_hostname=server.hello,
        use_tls=server.tls is EmailTls.TLS,
        start_tls=False,
        tls_context=server.context,
        timeout=None,
    )
    opened: socket.socket | None = None
    try:
        async with asyncio.timeout(seconds):
            opened = await open_socket(server.host, server.port)
            await _converse(smtp, opened, letter, server, talk)
    except (SMTPException, OSError, ValueError, PratiqueError) as error:
        if not isinstance(error, SMTPResponseException | UnmetError):
            smtp.close()  # who does not answer is told no goodbye
        return judge(error, talk)
    else:
        return Delivery(sent=True)
    finally:
        await _part(smtp, opened)


async def _converse(smtp: SMTP, opened: socket.socket, letter: Letter, server: Server, talk: Talk) -> None:
    talk.step = Step.GREETING
    await smtp.connect(sock=opened)
    talk.step = Step.HELLO
    await smtp.ehlo()
    if server.tls is EmailTls.STARTTLS:
        talk.step = Step.STARTTLS
        if not smtp.supports_extension("starttls"):
            raise UnmetError(NO_STARTTLS)
        await smtp.starttls()
        talk.step = Step.HELLO
        await smtp.ehlo()
    if server.login is not None:
        talk.step = Step.LOGIN
        await _log_in(smtp, server.login)
    talk.step = Step.SENDER
    encoding = "utf-8" if letter.utf8 else "ascii"
    await smtp.mail(letter.sender, options=_options(smtp, letter), encoding=encoding)
    talk.step = Step.RECIPIENT
    await smtp.rcpt(letter.recipient, encoding=encoding)
    talk.step = Step.MESSAGE
    await smtp.data(letter.content)


async def _log_in(smtp: SMTP, login: Login) -> None:
    """The connection is encrypted, or there is no login: so the plainest way comes first, which every server has."""
    for name, way in (("plain", smtp.auth_plain), ("login", smtp.auth_login), ("cram-md5", smtp.auth_crammd5)):
        if name in smtp.server_auth_methods:
            await way(login.username, login.password)
            return
    raise UnmetError(NO_LOGIN)


def _options(smtp: SMTP, letter: Letter) -> list[str]:
    """Return what the server is told about the mail."""
    options = [f"SIZE={len(letter.content)}"] if smtp.supports_extension("size") else []
    if letter.utf8:
        if not smtp.supports_extension("smtputf8"):
            raise UnmetError(NO_SMTPUTF8, permanent=True)
        options.append("SMTPUTF8")
    return options


async def _part(smtp: SMTP, opened: socket.socket | None) -> None:
    """Say goodbye to who listens, and leave no connection behind: closing TLS in good order can take half a minute."""
    transport = smtp.transport
    with contextlib.suppress(SMTPException, OSError):
        if smtp.is_connected:
            async with asyncio.timeout(QUIT_SECONDS):
                await smtp.quit()
    smtp.close()
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    if opened is not None:
        with contextlib.suppress(OSError):
            opened.shutdown(socket.SHUT_RDWR)
