"""Delivery to real receivers on loopback: what counts as sent, what is tried again, and that no URL is ever told."""

import asyncio
import json
import logging
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from tests.builders.messages import entry, requested
from tests.doubles.http_receiver import receiving, secrets, self_signed
from tests.support.channelling import LOOPBACK, channel_of

from pratique.api.v1alpha1.notification_channel import CHANNEL_TYPES, NotificationChannel
from pratique.api.v1alpha1.notifications import KUBERNETES_EVENTS, EventType
from pratique.channels.delivery import TYPES, Channels
from pratique.channels.kit.posting import Answer as HttpAnswer
from pratique.channels.kit.posting import judge, parse_url, retry_after_of, status_phrase
from pratique.core.kernel.effects import Delivery, Failure, Unready
from pratique.core.kernel.errors import PratiqueError
from pratique.delivering.teller import type_of

ENTRY = entry(EventType.APPROVAL_REQUESTED)
SECRET = "hunter2secret"


def channel(kind: str = "webhook", name: str = "chat") -> NotificationChannel:
    ref = {"name": "receiver", "key": "url"}
    spec = {"slack": {"webhookUrlSecretRef": ref}} if kind == "slack" else {"webhook": {"urlSecretRef": ref}}
    return NotificationChannel.model_validate({"metadata": {"name": name}, "spec": spec if kind else {}})


async def no_annotation(_: str, __: str) -> str | None:
    return None


@asynccontextmanager
async def channels(url: str | None, answer: Failure | None = None, **settings: Any) -> AsyncIterator[Channels]:
    posted: list[dict[str, Any]] = []

    async def post_event(manifest: dict[str, Any]) -> Failure | None:
        posted.append(manifest)
        return answer

    known = secrets(**({"receiver": url} if url is not None else {}))
    under_test = Channels(known, post_event, no_annotation, allowed=LOOPBACK, **settings)
    try:
        yield under_test
    finally:
        await under_test.close()


async def tell(kind: str, url: str | None, **settings: Any) -> Delivery:
    async with channels(url, **settings) as told:
        result = await told.deliver(channel(kind), ENTRY, requested())
    assert SECRET not in repr(result)
    return result


class TestSent:
    async def test_slack(self) -> None:
        async with receiving() as receiver:
            assert await tell("slack", receiver.url) == Delivery(sent=True)
        (got,) = receiver.got
        assert json.loads(got.body)["blocks"][0]["type"] == "header"
        assert got.headers["Content-Type"] == "application/json; charset=utf-8"

    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    async def test_webhook(self, status: int) -> None:
        async with receiving(status=status, body="") as receiver:
            assert await tell("webhook", receiver.url + "\n") == Delivery(sent=True)
        (got,) = receiver.got
        assert got.headers["Content-Type"] == "application/cloudevents+json"
        assert got.headers["Idempotency-Key"] == json.loads(got.body)["id"] == requested().id
        assert "Cookie" not in got.headers

    async def test_a_repeat_is_known_by_its_key(self) -> None:
        async with receiving() as receiver:
            await tell("webhook", receiver.url)
            await tell("webhook", receiver.url)
        first, second = receiver.got
        assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
        assert first.body == second.body

    async def test_slack_must_say_ok(self) -> None:
        async with receiving(body="<html>Please log in</html>") as receiver:
            result = await tell("slack", receiver.url)
        assert result == Delivery(sent=False, error="the receiver answered 200, but not with Slack's ok")


class TestRefused:
    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (400, "invalid_payload", "the receiver answered 400 Bad Request: invalid_payload"),
            (400, f"no {SECRET}", "the receiver answered 400 Bad Request"),
        ],
    )
    async def test_for_good(self, status: int, body: str, error: str) -> None:
        async with receiving(status=status, body=body) as receiver:
            assert await tell("slack", receiver.url) == Delivery(sent=False, error=error, permanent=True)

    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (401, "", "the receiver answered 401 Unauthorized"),
            (403, "action_prohibited", "the receiver answered 403 Forbidden: action_prohibited"),
            (404, "no_service", "the receiver answered 404 Not Found: no_service"),
            (410, "channel_is_archived", "the receiver answered 410 Gone: channel_is_archived"),
            (404, f"Cannot POST /services/T000/B000/{SECRET}", "the receiver answered 404 Not Found"),
            (404, SECRET, "the receiver answered 404 Not Found"),
        ],
    )
    async def test_until_somebody_mends_the_channel(self, status: int, body: str, error: str) -> None:
        async with receiving(status=status, body=body) as receiver:
            assert await tell("slack", receiver.url) == Delivery(sent=False, error=error, channel_fault=True)

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
    async def test_for_now(self, status: int) -> None:
        async with receiving(status=status, body=f"at {SECRET}") as receiver:
            result = await tell("webhook", receiver.url)
        assert (result.sent, result.permanent, result.retry_after) == (False, False, None)
        assert str(status) in result.error

    async def test_retry_after_in_seconds(self) -> None:
        async with receiving(status=429, body="rate_limited", headers={"Retry-After": "30"}) as receiver:
            result = await tell("slack", receiver.url)
        assert (result.permanent, result.retry_after) == (False, 30.0)
        assert result.error == "the receiver answered 429 Too Many Requests: rate_limited"

    async def test_retry_after_as_a_date(self) -> None:
        when = formatdate(time.time() + 60, usegmt=True)
        async with receiving(status=503, headers={"Retry-After": when}) as receiver:
            result = await tell("webhook", receiver.url)
        assert result.retry_after is not None
        assert 50 < result.retry_after <= 60

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed(self, status: int) -> None:
        async with receiving() as other, receiving(status=status, headers={"Location": other.url}) as receiver:
            result = await tell("webhook", receiver.url)
        assert (result.permanent, result.channel_fault) == (False, True)
        assert result.error.endswith("redirects are not followed, put the final URL into the Secret")
        assert other.got == []


class TestUnreachable:
    async def test_a_receiver_that_hangs(self) -> None:
        async with receiving(hang=True) as receiver:
            began = time.monotonic()
            result = await tell("slack", receiver.url, timeout=0.2)
        assert result == Delivery(sent=False, error="no answer within 0.2 s")
        assert time.monotonic() - began < 5

    async def test_a_receiver_that_resets(self) -> None:
        async with receiving(reset=True) as receiver:
            result = await tell("webhook", receiver.url)
        assert result == Delivery(sent=False, error="the receiver closed the connection before it had answered")

    async def test_nobody_there(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            result = await tell("webhook", f"http://127.0.0.1:{port}/{SECRET}")
        assert result == Delivery(sent=False, error="no connection to the receiver")

    async def test_no_such_host(self) -> None:
        result = await tell("webhook", f"http://nobody.invalid/{SECRET}")
        assert not result.permanent
        assert result.error == "the receiver's host name could not be resolved"

    async def test_not_tls(self) -> None:
        async with receiving() as receiver:
            result = await tell("webhook", receiver.url.replace("http:", "https:"))
        assert result == Delivery(sent=False, error="the TLS handshake with the receiver failed")

    async def test_untrusted_tls(self, tmp_path: Path) -> None:
        async with receiving(tls=self_signed(tmp_path)) as receiver:
            result = await tell("webhook", receiver.url)
        assert result == Delivery(sent=False, error="the receiver's TLS certificate is not trusted")
        assert receiver.got == []

    async def test_a_header_that_cannot_be_sent(self) -> None:
        async with receiving() as receiver, channels(receiver.url) as told:
            result = await told.deliver(channel(), ENTRY, replace(requested(), id="a\r\nX-Evil: 1"))
        assert result == Delivery(sent=False, error="the message could not be posted (ValueError)")
        assert receiver.got == []

    async def test_a_receiver_that_is_gone_within_the_request(self) -> None:
        def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            linger = struct.pack("ii", 1, 0)  # close() sends a reset
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        result = await tell("webhook", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/{SECRET}")
        server.close()
        await server.wait_closed()
        assert result == Delivery(sent=False, error="the receiver closed the connection before it had answered")

    async def test_not_http(self) -> None:
        async def gibberish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"220 {SECRET} ESMTP\r\n\r\n".encode())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(gibberish, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        result = await tell("webhook", f"http://127.0.0.1:{port}/{SECRET}")
        server.close()
        await server.wait_closed()
        assert result == Delivery(sent=False, error="the receiver's answer is not HTTP")

    async def test_an_endless_answer_is_not_read(self) -> None:
        async with receiving(status=500, body="x" * 5_000_000) as receiver:
            result = await tell("webhook", receiver.url)
        assert result.error == "the receiver answered 500 Internal Server Error"


class TestSettings:
    @pytest.mark.parametrize(("known", "hint"), [((), ""), (("mail",), ""), (("chats",), "; did you mean chats?")])
    async def test_unknown_channel(self, known: tuple[str, ...], hint: str) -> None:
        async with channels(None) as told:
            result = await told.deliver(None, ENTRY, requested(), known)
        assert result == Delivery(sent=False, error="NotificationChannel chat does not exist" + hint)

    async def test_no_secret(self) -> None:
        assert await tell("slack", None) == Delivery(sent=False, error="Secret pratique-system/receiver has no key url")

    async def test_a_secret_that_may_not_be_read(self) -> None:
        async def refused(name: str, key: str) -> str | None:
            raise PratiqueError(f"secrets {name} is forbidden")

        async def post_event(manifest: dict[str, Any]) -> Failure | None:
            raise AssertionError(manifest)

        told = Channels(refused, post_event, refused, namespace="ops")
        sentence = "Secret ops/receiver could not be read: the API server did not give it to the operator"
        assert await told.check(channel().spec) == Unready(sentence)
        assert await told.deliver(channel(), ENTRY, requested()) == Delivery(sent=False, error=sentence)
        await told.close()

    @pytest.mark.parametrize(
        "url",
        [
            "",
            SECRET,
            f"ftp://example.com/{SECRET}",
            f"file:///etc/{SECRET}",
            f"http:///{SECRET}",
            f"https://exa mple.com/{SECRET}",
            f"https://example.com/{SECRET}\r\nX-Evil: 1",
            f"https://example.com:0/{SECRET}",
            f"https://example.com:99999/{SECRET}",
            f"https://[::1/{SECRET}",
            f"unix:///run/{SECRET}",
        ],
    )
    async def test_no_url_to_post_to(self, url: str) -> None:
        result = await tell("webhook", url)
        sentence = "Secret pratique-system/receiver: the key url must hold an http or https URL with a host"
        assert result == Delivery(sent=False, error=sentence)
        async with channels(url) as told:
            assert await told.check(channel("slack").spec) == Unready(sentence)

    async def test_a_channel_that_works(self) -> None:
        async with receiving() as receiver, channels(receiver.url) as told:
            assert await told.check(channel("slack").spec) is None
            assert await told.check(channel("webhook").spec) is None
        assert receiver.got == []

    async def test_a_channel_of_no_kind(self) -> None:
        async with channels(None) as told:
            sentence = "a channel has exactly one of slack, msteams, webhook, apprise, email"
            assert await told.check(channel("").spec) == Unready(sentence)


class TestTypes:
    def test_every_type_has_a_row(self) -> None:
        assert tuple(TYPES) == CHANNEL_TYPES

    def test_metrics_tell_them_apart(self) -> None:
        ref = {"name": "receiver", "key": "url"}
        specs: dict[str, Any] = {
            "slack": {"webhookUrlSecretRef": ref},
            "msteams": {"workflowUrlSecretRef": ref},
            "webhook": {"urlSecretRef": ref},
            "apprise": {"urlSecretRef": ref},
            "email": {"server": "smtp.example.com:587", "from": "pratique@example.com"},
        }
        for name, spec in specs.items():
            assert type_of(channel_of({name: spec}), "chat") == name
        assert set(specs) == set(CHANNEL_TYPES)
        assert type_of(channel_of(specs), "chat") == type_of(channel_of({}), "chat") == "missing"
        assert type_of(None, "chat") == "missing"
        assert type_of(None, KUBERNETES_EVENTS) == KUBERNETES_EVENTS


class TestKubernetesEvents:
    @pytest.mark.parametrize("answer", [None, Failure("AlreadyExists", "there")])
    async def test_sent(self, answer: Failure | None) -> None:
        async with channels(None, answer) as told:
            event = entry(EventType.APPROVED, KUBERNETES_EVENTS)
            assert await told.deliver(None, event, requested()) == Delivery(sent=True)


async def test_the_url_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with receiving(status=404, body=f"no {SECRET}") as receiver:
        await tell("slack", receiver.url)
        await tell("webhook", receiver.url.replace("127.0.0.1", "nobody.invalid"))
        await tell("webhook", receiver.url.replace("http:", "https:"))
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("-3", 0.0),
        ("7", 7.0),
        ("1e12", 86400.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Thu, 99 Jan 1970 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86400.0),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_of(value, now=100.0) == seconds


def test_a_status_that_nobody_knows() -> None:
    assert status_phrase(599) == "599"
    assert judge(HttpAnswer(499)).permanent


def test_urls() -> None:
    assert (
        str(parse_url(" https://user:pass@hooks.example:8443/a?b=c \n")) == "https://user:pass@hooks.example:8443/a?b=c"
    )
    assert parse_url("http://[::1]:8080/x") is not None
