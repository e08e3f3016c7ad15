"""E-mail to real servers on loopback: encryption and login, whose fault a refusal is, and that no password is ever told."""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from tests.builders.messages import requested
from tests.doubles.certificates import Authority
from tests.doubles.mail_servers import mail_server, scripted
from tests.support.channelling import PLANTED, problem_of, told_by
from tests.support.mailing import CREDENTIALS, LOGIN, in_the_clear, spec_of, to, trusting

from pratique.api.v1alpha1.channel_email import IN_THE_CLEAR
from pratique.channels.email.channel import NO_ADDRESS, NOBODY
from pratique.channels.email.outcome import NO_SMTPUTF8
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.egress import egress_of

PLACE = "Secret pratique-system/mailer"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> ssl.SSLContext:
    return authority.serve("localhost", "127.0.0.1", "::1")


class TestSent:
    async def test_the_name_of_the_greeting(self) -> None:
        async with mail_server() as server:
            for name in ({}, {"helloName": "mail-out.corp.example"}):
                spec = spec_of(server.port, tls="None", **name)
                assert (await told_by(spec, {}, to())).sent
        assert server.hellos == ["example.com", "mail-out.corp.example"]

    async def test_by_starttls(self, authority: Authority, certificate: ssl.SSLContext) -> None:
        async with mail_server(certificate, login=("robot", PLANTED)) as server:
            spec, secrets = trusting(authority, server.port, **CREDENTIALS)
            assert await told_by(spec, secrets | LOGIN, to()) == Delivery(sent=True)
        (envelope,) = server.got
        assert (envelope.mail_from, envelope.rcpt_tos) == ("pratique@example.com", ["lead-1@example.com"])
        assert server.encrypted == [True]
        assert server.logins == [("PLAIN", b"robot", PLANTED.encode())]
        assert server.hellos == ["example.com", "example.com"]
        (mail,) = server.mails
        assert mail["Subject"] == requested().headline
        assert mail["To"] == "lead-1@example.com"

    async def test_by_tls(self, authority: Authority, certificate: ssl.SSLContext) -> None:
        async with mail_server(certificate, implicit=True, login=("robot", PLANTED)) as server:
            spec, secrets = trusting(authority, server.port, tls="TLS", **CREDENTIALS)
            assert await told_by(spec, secrets | LOGIN, to()) == Delivery(sent=True)
        assert server.encrypted == [True]
        assert len(server.got) == 1

    async def test_in_the_clear(self) -> None:
        async with mail_server() as server:
            assert await in_the_clear(server.port) == Delivery(sent=True)
        assert server.encrypted == [False]
        assert server.logins == []

    async def test_to_ipv6(self, authority: Authority, certificate: ssl.SSLContext) -> None:
        async with mail_server(certificate, host="::1") as server:
            spec, secrets = trusting(authority, server.port)
            spec["email"]["server"] = f"[::1]:{server.port}"
            assert await told_by(spec, secrets, to(), allowed=egress_of(["::1/128"])) == Delivery(sent=True)

    async def test_by_name(self, authority: Authority, certificate: ssl.SSLContext) -> None:
        async with mail_server(certificate) as server:
            spec, secrets = trusting(authority, server.port, host="localhost")
            assert await told_by(spec, secrets, to()) == Delivery(sent=True)

    @pytest.mark.parametrize(("without", "way"), [(("PLAIN",), "LOGIN"), ((), "PLAIN")])
    async def test_by_whatever_login_there_is(
        self, authority: Authority, certificate: ssl.SSLContext, without: tuple[str, ...], way: str
    ) -> None:
        async with mail_server(certificate, login=("robot", PLANTED), auth_exclude_mechanism=without) as server:
            spec, secrets = trusting(authority, server.port, **CREDENTIALS)
            assert await told_by(spec, secrets | LOGIN, to()) == Delivery(sent=True)
        assert [name for name, _, _ in server.logins] == [way]

    async def test_a_password_of_other_letters(self, authority: Authority, certificate: ssl.SSLContext) -> None:
        password = f"{PLANTED} wörd\u3000語"
        async with mail_server(certificate, login=("üser", password)) as server:
            spec, secrets = trusting(authority, server.port, **CREDENTIALS)
            own = {"mailer/username": "üser\n", "mailer/password": f"{password}\n"}
            assert await told_by(spec, secrets | own, to()) == Delivery(sent=True)

    async def test_names_and_where_answers_go(self) -> None:
        async with mail_server() as server:
            spec = spec_of(server.port, tls="None", replyTo="team@example.com")
            assert (await told_by(spec, {}, to(name="Noa Cohen"))).sent
        (mail,) = server.mails
        assert mail["To"] == "Noa Cohen <lead-1@example.com>"
        assert mail["From"] == "Pratique <pratique@example.com>"
        assert mail["Reply-To"] == "team@example.com"

    async def test_a_repeat_is_known_by_its_id(self) -> None:
        async with mail_server() as server:
            assert (await in_the_clear(server.port)).sent
            assert (await in_the_clear(server.port)).sent
        first, second = server.got
        assert first.content == second.content
        assert len({mail["Message-ID"] for mail in server.mails}) == 1

    async def test_lines_that_begin_with_a_full_stop(self) -> None:
        async with mail_server() as server:
            told = replace(to(), facts=(("Plan", ".\n..\n.QUIT"),), text=". starts")
            assert (await in_the_clear(server.port, told)).sent
        text = server.mails[0].get_body(("plain",))
        assert text is not None
        assert "\r\n. starts\r\n" in text.as_string().replace("\n", "\r\n").replace("\r\r", "\r")

    async def test_size_is_said_where_it_is_asked_for(self) -> None:
        async with scripted() as server:
            assert (await in_the_clear(server.port)).sent
        (line,) = [line for line in server.lines if line.startswith("MAIL")]
        size = int(line.removeprefix("MAIL FROM:<pratique@example.com> SIZE="))
        assert size == len("\r\n".join(server.lines[server.lines.index("DATA") + 1 : -3])) + 2
        assert server.lines[-1] == "QUIT"

    async def test_a_server_with_no_extensions(self) -> None:
        async with scripted(EHLO="250 mail.example.com") as server:
            assert (await in_the_clear(server.port)).sent
        assert "MAIL FROM:<pratique@example.com>" in server.lines


class TestOtherLetters:
    @pytest.mark.parametrize("without", [(), ("8BITMIME",)])
    async def test_an_address_where_the_server_takes_it(self, without: tuple[str, ...]) -> None:
        async with mail_server(without=without) as server:
            assert (await in_the_clear(server.port, to("jörg@example.com", "Jörg"))).sent
        (envelope,) = server.got
        assert envelope.rcpt_tos == ["jörg@example.com"]
        assert envelope.smtp_utf8
        assert server.mails[0]["To"].addresses[0].addr_spec == "jörg@example.com"

    async def test_an_address_where_it_does_not(self) -> None:
        async with mail_server(enable_SMTPUTF8=False) as server:
            result = await in_the_clear(server.port, to("jörg@example.com"))
        assert result == Delivery(sent=False, error=NO_SMTPUTF8, permanent=True)
        assert server.got == []

    @pytest.mark.parametrize("without", [(), ("8BITMIME",), ("8BITMIME", "SMTPUTF8", "SIZE")])
    async def test_names_and_texts_go_everywhere(self, without: tuple[str, ...]) -> None:
        told = replace(to(name="נועה כהן 🚀"), headline="申請 🚀", text="نص")
        async with mail_server(without=without, enable_SMTPUTF8="SMTPUTF8" not in without) as server:
            assert (await in_the_clear(server.port, told)).sent
        assert (server.got[0].original_content or b"").isascii()
        (mail,) = server.mails
        assert (mail["Subject"], mail["To"]) == ("申請 🚀", "נועה כהן 🚀 <lead-1@example.com>")


class TestRecipients:
    async def test_nobody(self) -> None:
        async with mail_server() as server:
            assert await in_the_clear(server.port, requested()) == NOBODY
        assert NOBODY.permanent
        assert server.hellos == []

    @pytest.mark.parametrize(
        "address", ["", "platform-leads", "a@b\r\nRCPT TO:<c@d>", "a@b> SIZE=1", '"a b"@c', "U024"]
    )
    async def test_what_is_no_address(self, address: str) -> None:
        async with mail_server() as server:
            assert await in_the_clear(server.port, to(address)) == NO_ADDRESS
        assert NO_ADDRESS.permanent
        assert server.hellos == []


class TestSettings:
    async def test_all_is_there(self, authority: Authority) -> None:
        spec, secrets = trusting(authority, 587, **CREDENTIALS, to=["team@example.com"])
        assert await problem_of(spec, secrets | LOGIN) is None
        assert await problem_of(spec_of(465, tls="TLS"), {}) is None

    @pytest.mark.parametrize(
        ("secrets", "problem"),
        [
            ({}, f"{PLACE} has no key username"),
            ({"mailer/username": "robot"}, f"{PLACE} has no key password"),
            (LOGIN | {"mailer/password": "\n"}, f"{PLACE}: the key password is empty"),
            (LOGIN | {"mailer/username": ""}, f"{PLACE}: the key username is empty"),
            *(
                (
                    LOGIN | {"mailer/password": f"{PLANTED}{odd}more"},
                    f"{PLACE}: the key password must be one line, without control characters",
                )
                for odd in ("\n", "\r\n", "\0", "\x1b")
            ),
        ],
    )
    async def test_logins(self, secrets: dict[str, str], problem: str) -> None:
        assert await problem_of(spec_of(587, **CREDENTIALS), secrets) == problem
        assert await told_by(spec_of(587, **CREDENTIALS), secrets, to()) == Delivery(sent=False, error=problem)

    @pytest.mark.parametrize(
        "pem",
        [
            "",
            "not a certificate",
            "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----",
            "-----BEGIN PRIVATE KEY-----\nbm90IG9uZQ==\n-----END PRIVATE KEY-----",
            "größe",
            "-----BEGIN CERTIFICATE-----\ngröße\n-----END CERTIFICATE-----",
        ],
    )
    async def test_a_ca_that_is_none(self, pem: str) -> None:
        spec = spec_of(587, caSecretRef={"name": "ca", "key": "ca.crt"})
        assert await problem_of(spec, {"ca/ca.crt": pem}) == (
            "Secret pratique-system/ca: the key ca.crt must hold the certificates of a CA in PEM, each between BEGIN"
            " CERTIFICATE and END CERTIFICATE"
        )
        assert await problem_of(spec, {}) == "Secret pratique-system/ca has no key ca.crt"

    async def test_several_cas(self, authority: Authority, tmp_path: Path, certificate: ssl.SSLContext) -> None:
        async with mail_server(certificate) as server:
            spec, _ = trusting(authority, server.port)
            both = f"# größer und älter\n{Authority(tmp_path).pem}\n# 新しい\n{authority.pem}"
            assert await told_by(spec, {"ca/ca.crt": both}, to()) == Delivery(sent=True)

    async def test_what_the_api_server_refuses_does_not_work_either(self) -> None:
        assert await problem_of(spec_of(25, tls="None", **CREDENTIALS), LOGIN) == IN_THE_CLEAR
        bad_server = {"email": {"server": "smtp.example.com", "from": "a@example.com"}}
        assert await problem_of(bad_server, {}) == "spec.email.server must be HOST:PORT, such as smtp.example.com:587"
        for field, value in (("from", "Pratique <pratique>"), ("replyTo", "a@b\r\nBcc: c@d")):
            problem = await problem_of(spec_of(25, **{field: value}), {})
            assert problem == f"spec.email.{field} must be an e-mail address, such as pratique@example.com"
