"""A credential goes only where its Secret lets it: a second server, which is real and listens, hears nothing at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.support.channelling import PLANTED, URL, told_by, unready
from tests.support.mailing import CREDENTIALS, LOGIN, spec_of, to

from pratique.api.v1alpha1.conditions import Reason
from pratique.channels.kit.egress import Egress
from pratique.core.kernel.effects import Unready
from pratique.core.telling.egress import NOT_ALLOWED, AllowedEgress

TOKEN = f"xoxb-1234567890-{PLANTED}"
KEY = {"signing": {"secretRef": {"name": "signing", "key": "keys"}}}
SIGNING = {"signing/keys": "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


@asynccontextmanager
async def stranger() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Yield the port of a server, and the first bytes of whoever connects to it."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(b"connected")
        writer.write(b"220 mx.evil.example ESMTP\r\n")
        heard.append(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


def bot(port: int, host: str = "127.0.0.1") -> dict[str, Any]:
    where = {"apiUrl": f"http://{host}:{port}/api/", "channel": "C0123ABCD"}
    return {"slack": {"bot": {"tokenSecretRef": {"name": "bot", "key": "token"}, **where}}}


@pytest.mark.parametrize("lets", [None, "", "smtp.example.com:587", "localhost", "127.0.0.1", "127.0.0.1:1"])
@pytest.mark.parametrize("kind", ["bot", "mail", "signed"])
async def test_a_server_that_the_secret_does_not_name_hears_nothing(kind: str, lets: str | None) -> None:
    async with stranger() as (port, heard):
        spec, secrets = {
            "bot": (bot(port), {"bot/token": TOKEN}),
            "mail": (spec_of(port, **CREDENTIALS), LOGIN),
            "signed": (
                {"webhook": {"urlSecretRef": URL, **KEY}},
                {"receiver/url": f"http://127.0.0.1:{port}/{PLANTED}", **SIGNING},
            ),
        }[kind]
        if kind == "signed" and lets is None:
            return  # a key is not itself sent: without a list it signs for any
        result = await told_by(spec, secrets, to(), lets=lets)
        problem = await unready(spec, secrets, lets=lets)
    assert heard == []
    assert not result.sent
    assert problem is not None and problem.reason is Reason.NOT_ALLOWED
    assert problem.message == result.error
    assert f"--overwrite pratique.dev/allowed-hosts=127.0.0.1:{port}" in problem.message


@pytest.mark.parametrize("kind", ["bot", "mail"])
async def test_one_that_it_names_is_spoken_to(kind: str) -> None:
    async with stranger() as (port, heard):
        spec, secrets = (bot(port), {"bot/token": TOKEN}) if kind == "bot" else (spec_of(port, **CREDENTIALS), LOGIN)
        assert await unready(spec, secrets, lets=f"127.0.0.1:{port}") is None
        await told_by(spec, secrets, to(), lets=f"127.0.0.1:{port}", timeout=1.0)
    assert heard[0] == b"connected"


@pytest.mark.parametrize(
    ("spec", "secrets"),
    [
        (bot(443), {"bot/token": TOKEN}),
        (spec_of(25, tls="None"), {}),
        *(
            ({kind: {field: URL}}, {"receiver/url": f"https://127.0.0.1/{PLANTED}"})
            for kind, field in (("msteams", "workflowUrlSecretRef"), ("webhook", "urlSecretRef"))
        ),
        ({"apprise": {"urlSecretRef": URL}}, {"receiver/url": f"jsons://robot:{PLANTED}@127.0.0.1/{PLANTED}"}),
        ({"slack": {"webhookUrlSecretRef": URL}}, {"receiver/url": f"https://localhost/{PLANTED}"}),
    ],
)
async def test_an_address_that_is_not_allowed_is_said_before_the_first_try(
    spec: dict[str, Any], secrets: dict[str, str]
) -> None:
    lets = "127.0.0.1:443"
    assert await unready(spec, secrets, lets=lets, allowed=AllowedEgress()) == Unready(NOT_ALLOWED, Reason.NOT_ALLOWED)
    assert await unready(spec, secrets, lets=lets) is None


async def test_a_name_without_an_address_is_for_the_first_try_to_tell() -> None:
    spec: dict[str, Any] = {"webhook": {"urlSecretRef": URL}}
    assert await unready(spec, {"receiver/url": "https://no-such-host.invalid/x"}, allowed=AllowedEgress()) is None


async def test_the_host_of_an_apprise_url_may_be_a_token_and_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def looked_up(*_: object) -> bool:
        raise AssertionError

    monkeypatch.setattr(Egress, "is_shut", looked_up)
    spec = {"apprise": {"urlSecretRef": URL}}
    assert await unready(spec, {"receiver/url": f"jsons://{PLANTED}.invalid/x"}, allowed=AllowedEgress()) is None
