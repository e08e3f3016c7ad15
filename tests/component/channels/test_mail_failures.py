"""E-mail that is not taken: whose fault it is, at which step, what may pass, and that nothing of a password is told."""

import asyncio
import gc
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtplib import SMTPResponseException
from tests.doubles.certificates import DAY, Authority
from tests.doubles.mail_servers import EHLO, Act, mail_server, scripted
from tests.support.channelling import LOOPBACK, PLANTED, told_by
from tests.support.mailing import CREDENTIALS, LOGIN, WRONG, in_the_clear, spec_of, to, trusting

from pratique.api.v1alpha1.channel_email import EmailTls
from pratique.channels.email import smtp as mail_smtp
from pratique.channels.email.letter import Letter
from pratique.channels.email.outcome import NO_LOGIN, NO_STARTTLS, PAUSE_SECONDS, Step, Talk, judge
from pratique.channels.email.smtp import Server
from pratique.channels.kit.egress import Egress
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.egress import NOT_ALLOWED, AllowedEgress

CLOSED = "the mail server closed the connection"
TWICE = " before it had taken the mail; it may arrive twice"
GARBAGE = "the mail server's answer is not SMTP, or makes no sense here"
TEXT = f"no {PLANTED} here"
"""What servers say. None of it may be told."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> ssl.SSLContext:
    return authority.serve("localhost", "127.0.0.1")


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """No socket or task outlives its test: what is not closed is a warning, and warnings are errors."""
    yield
    gc.collect()


class TestEncryption:
    @pytest.mark.parametrize("tls", ["StartTLS", "TLS"])
    async def test_a_ca_that_is_not_trusted(
        self, authority: Authority, certificate: ssl.SSLContext, tls: str, tmp_path: Any
    ) -> None:
        unknown = "the mail server's certificate is of no CA that the channel trusts: put the certificates of a private"
        unknown += " one into spec.email.caSecretRef"
        other = Authority(tmp_path, "Another CA")
        async with mail_server(certificate, implicit=tls == "TLS") as server:
            for spec, secrets in ((spec_of(server.port, tls=tls), {}), trusting(other, server.port, tls=tls)):
                assert await told_by(spec, secrets, to()) == Delivery(sent=False, error=unknown, channel_fault=True)
        assert server.got == []

    @pytest.mark.parametrize("tls", ["StartTLS", "TLS"])
    @pytest.mark.parametrize(
        ("hosts", "times", "error"),
        [
            (("127.0.0.1",), {"begins": -2 * DAY, "ends": -DAY}, "has expired"),
            (("127.0.0.1",), {"begins": DAY / 2, "ends": DAY}, "is not valid yet"),
            (("smtp.example.com",), {}, "is for another host than spec.email.server names"),
        ],
    )
    async def test_a_certificate_that_is_wrong(
        self, authority: Authority, tls: str, hosts: tuple[str, ...], times: dict[str, Any], error: str
    ) -> None:
        async with mail_server(authority.serve(*hosts, **times), implicit=tls == "TLS") as server:
            spec, secrets = trusting(authority, server.port, tls=tls)
            result = await told_by(spec, secrets, to())
        assert result == Delivery(sent=False, error=f"the mail server's certificate {error}", channel_fault=True)
        assert server.got == []

    async def test_a_name_that_is_wrong(self, authority: Authority) -> None:
        async with mail_server(authority.serve("smtp.example.com")) as server:
            spec, secrets = trusting(authority, server.port, host="localhost")
            assert "another host" in (await told_by(spec, secrets, to())).error

    async def test_a_server_without_starttls_hears_nothing_more(self, authority: Authority) -> None:
        async with scripted() as server:
            spec, secrets = trusting(authority, server.port, **CREDENTIALS)
            assert await told_by(spec, secrets | LOGIN, to()) == Delivery(
                sent=False, error=NO_STARTTLS, channel_fault=True
            )
        assert server.lines == ["EHLO example.com", "QUIT"]

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (f"454 4.7.0 {TEXT}", "the mail server refused STARTTLS for now (454 4.7.0)"),
            (f"502 {TEXT}", "the mail server refused STARTTLS (502)"),
            ("220 go", "the TLS handshake with the mail server failed: is `tls` right for this port?"),
            (Act.CLOSE, CLOSED),
        ],
    )
    async def test_a_server_that_only_says_it_has_starttls(
        self, authority: Authority, answer: str | Act, error: str
    ) -> None:
        async with scripted(EHLO=EHLO.replace("250-SIZE", "250-STARTTLS\r\n250-SIZE"), STARTTLS=answer) as server:
            spec, secrets = trusting(authority, server.port, **CREDENTIALS)
            result = await told_by(spec, secrets | LOGIN, to())
        assert (result.sent, result.permanent, result.error) == (False, False, error)
        assert not [line for line in server.lines if line.startswith(("AUTH", "MAIL"))]

    async def test_tls_to_a_server_that_wants_starttls(self, authority: Authority) -> None:
        async with scripted() as server:
            spec, secrets = trusting(authority, server.port, tls="TLS")
            result = await told_by(spec, secrets, to())
        error = "the TLS handshake with the mail server failed: is `tls` right for this port?"
        assert result == Delivery(sent=False, error=error, channel_fault=True)

    async def test_starttls_to_a_server_that_wants_tls(self, authority: Authority, certificate: ssl.SSLContext) -> None:
        async with mail_server(certificate, implicit=True) as server:
            spec, secrets = trusting(authority, server.port)
            result = await told_by(spec, secrets, to(), timeout=0.2)
        assert result == Delivery(
            sent=False,
            error="the mail server did not answer within 0.2 s: one that waits for TLS from the first byte is silent too,"
            " and needs tls: TLS",
        )


class TestLogin:
    async def test_a_wrong_password_is_tried_once(self, authority: Authority, certificate: ssl.SSLContext) -> None:
        async with mail_server(certificate, login=("robot", PLANTED)) as server:
            spec, secrets = trusting(authority, server.port, **CREDENTIALS)
            result = await told_by(spec, secrets | WRONG, to())
        error = (
            "the mail server does not take username and password of Secret pratique-system/mailer (535 5.7.8): put what it"
            " takes there; some servers want a password made for applications"
        )
        assert result == Delivery(sent=False, error=error, retry_after=PAUSE_SECONDS, channel_fault=True)
        assert len(server.logins) == 1
        assert server.got == []

    async def test_a_login_that_is_wanted(self, authority: Authority, certificate: ssl.SSLContext) -> None:
        async with mail_server(certificate, login=("robot", PLANTED)) as server:
            spec, secrets = trusting(authority, server.port)
            result = await told_by(spec, secrets, to())
        error = "the mail server wants a login (530 5.7.0): name a Secret in spec.email.credentialsSecretRef"
        assert result == Delivery(sent=False, error=error, retry_after=PAUSE_SECONDS, channel_fault=True)

    async def test_in_the_clear_it_needs_encryption_too(self) -> None:
        async with scripted(MAIL=f"530 5.7.0 {TEXT}") as server:
            result = await in_the_clear(server.port)
        assert result.error.endswith("name a Secret in spec.email.credentialsSecretRef, with tls: StartTLS or TLS")

    async def test_a_server_that_knows_no_login(self, authority: Authority, certificate: ssl.SSLContext) -> None:
        async with mail_server(certificate, without=("AUTH",)) as server:
            spec, secrets = trusting(authority, server.port, **CREDENTIALS)
            assert await told_by(spec, secrets | LOGIN, to()) == Delivery(
                sent=False, error=NO_LOGIN, channel_fault=True
            )
        assert server.logins == []

    @pytest.mark.parametrize("code", [500, 501, 504, 534, 535, 538, 550])
    def test_whatever_a_login_is_refused_with(self, code: int) -> None:
        result = judge(SMTPResponseException(code, TEXT), talk(Step.LOGIN, place="Secret a/b"))
        assert f"of Secret a/b ({code})" in result.error
        assert (result.permanent, result.retry_after) == (False, PAUSE_SECONDS)

    def test_a_user_who_may_not_send(self) -> None:
        result = judge(SMTPResponseException(535, TEXT), talk(Step.MESSAGE, place="Secret a/b"))
        assert result.error == "the mail server does not let the user of Secret a/b send this (535)"
        assert not result.permanent


def talk(step: Step, place: str = "") -> Talk:
    return Talk(EmailTls.STARTTLS, place, 10, step)


NAME = "set spec.email.helloName to a full host name that it accepts"
REFUSALS: list[tuple[str, str, str, bool]] = [
    ("banner", f"554 5.3.2 {TEXT}", f"{Step.GREETING} (554 5.3.2)", False),
    ("banner", f"421 {TEXT}", f"{Step.GREETING} for now (421)", False),
    ("banner", "250 hello", GARBAGE, False),
    ("banner", f"HTTP/1.1 400 Bad Request\r\n{TEXT}", GARBAGE, False),
    ("banner", "SSH-2.0-OpenSSH_9.6", GARBAGE, False),
    ("banner", "x" * 200_000, GARBAGE, False),
    ("EHLO", f"502 5.5.1 {TEXT}", f"{Step.HELLO} (502 5.5.1)", False),
    ("EHLO", f"550 5.7.1 {TEXT}", f"{Step.HELLO} (550 5.7.1): {NAME}", False),
    ("MAIL", f"550 5.7.1 Invalid HELO name {TEXT}", f"{Step.HELLO} (550 5.7.1): {NAME}", False),
    ("RCPT", f"504 5.5.2 <localhost>: {TEXT}", f"{Step.HELLO} (504 5.5.2): {NAME}", False),
    ("RCPT", f"450 4.7.1 <x>: Helo command rejected: {TEXT}", f"{Step.HELLO} (450 4.7.1): {NAME}", False),
    ("end", f"554 5.7.1 EHLO argument is bad {TEXT}", f"{Step.HELLO} (554 5.7.1): {NAME}", False),
    (
        "RCPT",
        f"550 5.1.1 <helo-command@example.com> {TEXT}",
        f"{Step.RECIPIENT} (550 5.1.1): there is no such mailbox, or mail to it is not taken from here",
        True,
    ),
    ("EHLO", f"451 {TEXT}", f"{Step.HELLO} for now (451)", False),
    ("MAIL", f"550 5.7.1 {TEXT}", f"{Step.SENDER} (550 5.7.1)", False),
    ("MAIL", f"553 {TEXT}", f"{Step.SENDER} (553)", False),
    ("MAIL", f"552 5.3.4 {TEXT}", f"{Step.SENDER} (552 5.3.4): it takes no mail of this size", True),
    ("MAIL", f"452 {TEXT}", f"{Step.SENDER} for now (452)", False),
    (
        "RCPT",
        f"550 5.1.1 <lead-1@example.com> {TEXT}",
        f"{Step.RECIPIENT} (550 5.1.1): there is no such mailbox, or mail to it is not taken from here",
        True,
    ),
    ("RCPT", f"551 {TEXT}", f"{Step.RECIPIENT} (551): the mailbox is on another server", True),
    ("RCPT", f"552 5.2.2 {TEXT}", f"{Step.RECIPIENT} (552 5.2.2): the mailbox is full", True),
    ("RCPT", f"553 {TEXT}", f"{Step.RECIPIENT} (553): it does not take this address", True),
    ("RCPT", f"554 5.7.1 {TEXT}", f"{Step.RECIPIENT} (554 5.7.1): it does not deliver to there", True),
    ("RCPT", f"599 {TEXT}", f"{Step.RECIPIENT} (599)", True),
    (
        "RCPT",
        f"450 4.2.0 {TEXT}",
        f"{Step.RECIPIENT} for now (450 4.2.0): the mailbox is busy, or the server wants to see a second try",
        False,
    ),
    (
        "RCPT",
        f"451 4.7.1 {TEXT}",
        f"{Step.RECIPIENT} for now (451 4.7.1): the server wants to see a second try, or has trouble",
        False,
    ),
    ("RCPT", f"421 4.3.2 {TEXT}", f"{Step.RECIPIENT} for now (421 4.3.2)", False),
    ("RCPT", "252 perhaps", GARBAGE, False),
    ("DATA", f"451 {TEXT}", f"{Step.MESSAGE} for now (451)", False),
    ("DATA", f"554 5.5.1 {TEXT}", f"{Step.MESSAGE} (554 5.5.1): by its policy, or its filter", True),
    ("DATA", "250 what now", GARBAGE, False),
    ("end", f"554 5.7.1 {TEXT}", f"{Step.MESSAGE} (554 5.7.1): by its policy, or its filter", True),
    ("end", f"552 {TEXT}", f"{Step.MESSAGE} (552): it is too large, or the mailbox is full", True),
    ("end", f"452 4.3.1 {TEXT}", f"{Step.MESSAGE} for now (452 4.3.1)", False),
    ("end", f"421-{TEXT}\r\n421 bye", f"{Step.MESSAGE} for now (421)", False),
]
STEPS = ["banner", "EHLO", "MAIL", "RCPT", "DATA", "end"]


class TestRefusals:
    @pytest.mark.parametrize(("step", "answer", "error", "permanent"), REFUSALS)
    async def test_at_each_step(self, step: str, answer: str, error: str, permanent: bool) -> None:
        async with scripted(**{step: answer}) as server:
            result = await in_the_clear(server.port)
        assert (result.sent, result.permanent, result.error) == (False, permanent, error)
        assert result.retry_after == (PAUSE_SECONDS if answer[:3] in ("421", "450", "451", "452") else None)

    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.usefixtures("nothing_is_left")
    async def test_one_that_closes(self, step: str) -> None:
        async with scripted(**{step: Act.CLOSE}) as server:
            result = await in_the_clear(server.port)
        assert result == Delivery(sent=False, error=CLOSED + (TWICE if step in ("DATA", "end") else ""))

    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.usefixtures("nothing_is_left")
    async def test_one_that_resets(self, step: str) -> None:
        async with scripted(**{step: Act.RESET}) as server:
            result = await in_the_clear(server.port)
        assert result == Delivery(sent=False, error=CLOSED + (TWICE if step in ("DATA", "end") else ""))

    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.usefixtures("nothing_is_left")
    async def test_one_that_hangs(self, step: str) -> None:
        async with scripted(**{step: Act.HANG}) as server:
            began = time.monotonic()
            result = await in_the_clear(server.port, timeout=0.5)
            assert time.monotonic() - began < 1.5
        silent = "the mail server did not answer within 0.5 s"
        assert result == Delivery(sent=False, error=silent + (TWICE if step in ("DATA", "end") else ""))

    @pytest.mark.parametrize("goodbye", [Act.HANG, Act.CLOSE, Act.RESET, "500 no", "x" * 50_000])
    async def test_how_it_says_goodbye_is_of_no_account(
        self, goodbye: str | Act, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mail_smtp, "QUIT_SECONDS", 0.1)
        async with scripted(QUIT=goodbye) as server:
            assert await in_the_clear(server.port) == Delivery(sent=True)

    async def test_an_answer_that_was_lost_is_followed_by_the_same_mail(self) -> None:
        async with scripted(end=Act.CLOSE) as first, scripted() as second:
            assert not (await in_the_clear(first.port)).sent
            assert (await in_the_clear(second.port)).sent
        ids = [[line for line in each.lines if line.startswith("Message-ID:")] for each in (first, second)]
        assert ids[0] == ids[1] != []


class TestUnreachable:
    async def test_nobody_there(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            result = await in_the_clear(taken.getsockname()[1])
        assert result == Delivery(sent=False, error="no connection to the mail server")

    async def test_no_such_host(self) -> None:
        result = await told_by(spec_of(25, host="nobody.invalid", tls="None"), {}, to())
        assert result == Delivery(sent=False, error="the mail server's host name could not be resolved")

    async def test_an_address_that_is_not_allowed(self) -> None:
        async with scripted() as server:
            result = await in_the_clear(server.port, allowed=AllowedEgress())
        assert result == Delivery(sent=False, error=NOT_ALLOWED)
        assert server.open == {}

    def test_what_nobody_thought_of(self) -> None:
        result = judge(ValueError(PLANTED), talk(Step.SENDER))
        assert result == Delivery(sent=False, error="the mail could not be handed over (ValueError)")


class Deaf(asyncio.Protocol):
    """Greets, if that, and reads no more: whoever waits for its goodbye waits long."""

    def __init__(self, greeting: bytes, connected: set["Deaf"]) -> None:
        self.greeting, self.connected = greeting, connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.connected.add(self)
        if self.greeting:
            transport.write(self.greeting)
            transport.pause_reading()


class TestLeaving:
    @pytest.mark.parametrize("gives_up", ["by itself", "told to"])
    @pytest.mark.parametrize("greeting", [b"220 mail.example.com\r\n", b""])
    @pytest.mark.parametrize("tls", ["None", "TLS"])
    @pytest.mark.usefixtures("nothing_is_left")
    async def test_no_connection_is_left_behind(
        self, authority: Authority, certificate: ssl.SSLContext, tls: str, greeting: bytes, gives_up: str
    ) -> None:
        """Closing TLS in good order takes half a minute, with a server that does not answer."""
        loop, connected, opened = asyncio.get_running_loop(), set[Deaf](), list[socket.socket]()
        # Without a greeting, the handshake is what is never answered.
        context = certificate if tls == "TLS" and greeting else None
        listening = await loop.create_server(lambda: Deaf(greeting, connected), "127.0.0.1", 0, ssl=context)
        trusted = ssl.create_default_context(cadata=authority.pem) if tls == "TLS" else None
        server = Server("127.0.0.1", listening.sockets[0].getsockname()[1], "example.com", EmailTls(tls), trusted)

        async def open_socket(host: str, port: int) -> socket.socket:
            opened.append(await Egress(LOOPBACK).open_socket(host, port))
            return opened[-1]

        letter = Letter("pratique@example.com", "lead-1@example.com", b"", utf8=False)
        seconds = 0.3 if gives_up == "by itself" else 30
        task = asyncio.create_task(mail_smtp.hand_over(letter, server, open_socket, seconds))
        while not connected:
            await asyncio.sleep(0)
        if gives_up == "told to":
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() or not task.result().sent
        async with asyncio.timeout(1):
            while opened[0].fileno() != -1:
                await asyncio.sleep(0.01)
        for each in connected:
            each.transport.abort()
        listening.close()
        await listening.wait_closed()


class TestSilence:
    async def test_nothing_of_a_password_is_logged(
        self, authority: Authority, certificate: ssl.SSLContext, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        asyncio.get_running_loop().set_debug(True)
        asyncio.get_running_loop().slow_callback_duration = 0
        async with (
            mail_server(certificate, login=("robot", PLANTED)) as server,
            mail_server(certificate, implicit=True, login=("robot", PLANTED)) as other,
            scripted() as plain,
        ):
            for login in (LOGIN, WRONG):
                spec, secrets = trusting(authority, server.port, **CREDENTIALS)
                await told_by(spec, secrets | login, to())
                spec, secrets = trusting(authority, other.port, tls="TLS", **CREDENTIALS)
                await told_by(spec, secrets | login, to())
            spec, secrets = trusting(authority, plain.port, tls="TLS", **CREDENTIALS)
            await told_by(spec, secrets | LOGIN, to())
        own = [record.getMessage() for record in caplog.records if record.name != "mail.log"]  # that is the server's
        assert [line for line in own if PLANTED in line or "cm9ib3Q" in line or "aHVudGVy" in line] == []
        assert "mail.log" in {record.name for record in caplog.records}

    def test_a_login_does_not_show_itself(self) -> None:
        assert PLANTED not in repr(mail_smtp.Login("robot", PLANTED, "Secret a/b"))
