"""Calls on real sockets: what is known afterwards, what is never sent, and what of an answer is never shown."""

import asyncio
import base64
import gc
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.doubles.desks import LOOPBACK, Secrets, call, desks, outgoing, reserved, senders
from tests.doubles.http_receiver import receiving, self_signed
from tests.doubles.outside import Outside, Reply

from pratique.api.v1alpha1.calling import HeaderFrom, RequestSigning, SecretValueRef
from pratique.calling.credentials import CallError
from pratique.calling.desk import Desk
from pratique.calling.room import Room
from pratique.calling.sending import REQUEST_EGRESS
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.calling import MAX_ANSWER, Called, Fate, TryCall
from pratique.core.kernel.effects import Failure
from pratique.core.telling.egress import egress_of, not_allowed

TOKEN = "hunter2-Secret-Token"
KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()
FROM = HeaderFrom(name="Authorization", prefix="Bearer ", secret_ref=SecretValueRef(name="github", key="token"))


async def sent(url: str, allowed: Any = LOOPBACK, lets: str | None = None, **more: Any) -> Called:
    async with senders(allowed) as (sender, secrets):
        if lets is not None:
            secrets.put("github", lets, token=TOKEN)
        call = outgoing(url, **more)
        return await sender.send(call, await sender.prepare(call))


async def test_it_is_sent_once_with_what_comes_from_the_secret() -> None:
    with Outside(Reply(201, b'{"id": 7}', {"Location": "/queue/7/"})) as outside:
        called = await sent(f"{outside.url}/v1/runs?x=%2F", lets=outside.lets, headers_from=(FROM,))
    assert called.fate is Fate.ANSWERED and called.reply is not None
    assert (called.reply.status, called.reply.body, called.reply.location) == (201, {"id": 7}, "/queue/7/")
    (asked,) = outside.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/runs?x=%2F", b'{"a":1}')
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}" and asked.headers["User-Agent"] == "pratique"
    assert asked.headers["Idempotency-Key"] == "uid.told" and asked.headers["Accept-Encoding"] == "identity"


async def test_a_secret_in_the_answer_is_hidden() -> None:
    body = json.dumps({"echo": [f"Bearer {TOKEN}"], TOKEN: 1, "n": None}).encode()
    with Outside(Reply(200, body, {"Location": f"/{TOKEN}"})) as outside:
        called = await sent(outside.url, lets=outside.lets, headers_from=(FROM,))
    assert called.reply is not None and TOKEN not in repr(called)
    assert called.reply.body == {"echo": ["Bearer (hidden)"], "(hidden)": 1, "n": None}


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"not json", None),
        (b"\xff", None),
        (b"", None),
        (b'{"a": NaN}', {"a": None}),
        (b"[" * 30000, None),
        (b"[" * 70 + b"]" * 70, None),
        (b'"' + b"x" * (MAX_ANSWER - 2) + b'"', "x" * (MAX_ANSWER - 2)),
    ],
)
async def test_what_is_read_of_an_answer(body: bytes, read: Any) -> None:
    with Outside(Reply(200, body)) as outside:
        called = await sent(outside.url)
    assert called.reply is not None and called.reply.body == read and not called.reply.too_long


async def test_what_no_expression_can_hold_is_no_reason_to_fail() -> None:
    body = b'{"n": 99999999999999999999, "t": "a\\u0000b\\ud800", "\\u0007": 1e999}'
    with Outside(Reply(200, body, {"Location": "/\xff"})) as outside:
        called = await sent(outside.url)
    assert called.reply is not None
    assert called.reply.body == {"n": "99999999999999999999", "t": "a\ufffdb\ufffd", "\ufffd": None}
    assert called.reply.location == "/\ufffd"


async def test_a_huge_answer_is_cut_off() -> None:
    with Outside(Reply(200, b"x" * (MAX_ANSWER + 1))) as outside:
        called = await sent(outside.url)
    assert called.reply is not None and called.reply.too_long and called.reply.body is None


async def test_a_body_that_never_ends_leaves_its_status() -> None:
    with Outside(Reply(201, b"{", {"Content-Length": "10"})) as outside:
        called = await sent(outside.url, within=timedelta(seconds=1))
    assert called.reply is not None and (called.reply.status, called.reply.body) == (201, None)


async def test_a_redirect_is_not_followed() -> None:
    with Outside() as there, Outside(Reply(307, b"", {"Location": f"{there.url}/"})) as outside:
        called = await sent(outside.url, lets=outside.lets, headers_from=(FROM,))
    assert called.reply is not None and called.reply.status == 307 and there.asked == []


async def test_what_is_known_when_no_answer_comes() -> None:
    for method in ("POST", "GET", "PUT", "DELETE"):
        with Outside(Reply(cut=True)) as outside:
            cut = await sent(outside.url, method=method, body=None)
        assert cut == Called(Fate.UNKNOWN, "the receiver closed the connection before it had answered")
        assert len(outside.asked) == 1, "one ticket is one request"
    with Outside(Reply(hang=5)) as outside:
        slow = await sent(outside.url, within=timedelta(seconds=0.3))
        assert slow == Called(Fate.UNKNOWN, "no answer within 0.3 s")
    nobody = await sent(outside.url)
    assert nobody == Called(Fate.NOT_SENT, "no connection to the receiver")
    unknown = await sent("http://no-such-host.invalid/")
    assert unknown == Called(Fate.NOT_SENT, "the receiver's host name could not be resolved")


async def test_a_certificate_that_nobody_trusts_gets_nothing(tmp_path: Path) -> None:
    async with receiving(self_signed(tmp_path)) as receiver:
        called = await sent(receiver.url)
        assert called == Called(Fate.NOT_SENT, "the receiver's TLS certificate is not trusted") and receiver.got == []


LEADS_THERE = ("127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0")


@pytest.mark.parametrize("host", LEADS_THERE)
async def test_no_notation_leads_to_what_only_the_operator_reaches(host: str) -> None:
    with Outside() as outside:
        url = f"http://{host}:{outside.port}/"
        called = await sent(url, allowed=egress_of([]))
        async with senders(egress_of([])) as (sender, _):
            with pytest.raises(CallError):
                await sender.check(outgoing(url))
    assert called.fate is Fate.NOT_SENT and outside.asked == []


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.7", "::1", "fd00:ec2::254"])
async def test_no_name_leads_there_either(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    def lookup(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host != "public.example.com":
            return real(host, port, *args, **kwargs)
        return [(family, socket.SOCK_STREAM, 6, "", (address, port, 0, 0) if ":" in address else (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    url = "http://public.example.com:8080/"
    assert await sent(url, allowed=egress_of([])) == Called(Fate.NOT_SENT, not_allowed(REQUEST_EGRESS), final=True)
    async with senders(egress_of([])) as (sender, _):
        with pytest.raises(CallError, match="the platform team has to allow it \\(--request-egress\\)"):
            await sender.check(outgoing(url))


PLACE = "github.example.com:8443"
URL = f"https://{PLACE}/"


@pytest.mark.parametrize(
    ("prepare", "why", "cause"),
    [
        (lambda s: None, "Secret makers/github is not there: create it", Cause.MISSING),
        (
            lambda s: setattr(s, "code", 403),
            "ServiceAccount makers/maker may not read Secret makers/github, and it is read as that account: give it get",
            Cause.RIGHTS,
        ),
        (lambda s: setattr(s, "code", 500), "Secret makers/github could not be read now", Cause.OTHER),
        (lambda s: s.put("github", None, token=TOKEN), "names no server that may see what it holds", Cause.OTHER),
        (
            lambda s: s.put("github", "api.github.com", token=TOKEN),
            "kubectl annotate secret github -n makers --overwrite pratique.dev/allowed-hosts=github.example.com:8443",
            Cause.OTHER,
        ),
        (lambda s: s.put("github", PLACE, other=TOKEN), "Secret makers/github has no key token", Cause.MISSING),
        (lambda s: s.put("github", PLACE, token=b"\xff"), "does not hold text", Cause.OTHER),
        (lambda s: s.put("github", PLACE, token=f"{TOKEN}\nX-Admin: yes"), "must be one line", Cause.OTHER),
        (lambda s: s.put("github", PLACE, token=""), "must be one line", Cause.OTHER),
        (lambda s: s.put("github", PLACE, token="x" * 8193), "github is longer than 8 KiB", Cause.OTHER),
    ],
)
async def test_a_secret_has_to_be_there_and_to_let_its_value_go(
    prepare: Callable[[Secrets], None], why: str, cause: Cause
) -> None:
    async with senders() as (sender, secrets):
        prepare(secrets)
        desk = Desk(sender, wake=lambda key: None)
        failure = await desk.perform(TryCall("try", outgoing(URL, headers_from=(FROM,))))
        assert isinstance(failure, Failure) and why in failure.message and failure.cause is cause
        assert failure.transient is (secrets.code == 500) and TOKEN not in failure.message
        assert set(secrets.readers) == {"system:serviceaccount:makers:maker"}


@pytest.mark.parametrize(
    ("url", "lets", "sent_to"),
    [
        ("http://github.example.com:443/", "github.example.com", "http://github.example.com:443"),
        ("http://github.example.com/", "github.example.com:80", "http://github.example.com:80"),
        ("http://github.example.com/", "http://github.example.com:8080", "http://github.example.com:80"),
        ("HTTP://github.example.com:443/", "github.example.com:443", "http://github.example.com:443"),
        ("https://github.example.com/", "http://github.example.com:443", "github.example.com:443"),
    ],
)
async def test_a_secret_goes_in_clear_text_only_where_that_is_written(url: str, lets: str, sent_to: str) -> None:
    async with senders() as (sender, secrets):
        secrets.put("github", lets, token=TOKEN)
        secrets.put("hook", lets, key=KEY)
        for more in ({"headers_from": (FROM,)}, {"signing": signing("GitHub")}):
            with pytest.raises(CallError) as caught:
                await sender.check(outgoing(url, **more))
            said = str(caught.value)
            assert f"nothing is sent to {sent_to}" in said and f"allowed-hosts={sent_to}" in said
            assert ("write request.url with https://" in said) is sent_to.startswith("http:")
            secrets.put("github", sent_to, token=TOKEN)
            secrets.put("hook", sent_to, key=KEY)
            await sender.prepare(outgoing(url, **more))
            secrets.put("hook", lets, key=KEY)


async def test_a_long_key_and_a_long_answer_hold_up_nobody() -> None:
    """Of a key of many lines the whole is the key; the work grows with the answer and not with both."""
    lines = "\n".join(f"{each:04x}" for each in range(1600))
    answer = json.dumps(["zzzz"] * 9000, separators=(",", ":")).encode()
    with Outside(Reply(200, answer)) as outside:
        async with senders() as (sender, secrets):
            secrets.put("hook", outside.lets, key=lines)
            made = outgoing(outside.url, signing=signing("GitHub"))
            credentials = await sender.prepare(made)
            assert credentials.hidden == (lines,)
            began = time.process_time()
            called = await sender.send(made, credentials)
            assert time.process_time() - began < 1.5, "lines times strings would be 3 s of CPU"
            assert called.reply is not None and called.reply.body == ["zzzz"] * 9000


def signing(style: str) -> RequestSigning:
    return RequestSigning(style=style, secret_ref=SecretValueRef(name="hook", key="key"))


async def test_it_is_signed_over_its_very_body() -> None:
    with Outside(Reply(200, json.dumps({"key": KEY}).encode())) as outside:
        async with senders() as (sender, secrets):
            secrets.put("hook", outside.lets, key=KEY)
            for style in ("GitHub", "StandardWebhooks"):
                call = outgoing(outside.url, signing=signing(style))
                called = await sender.send(call, await sender.prepare(call))
                assert called.reply is not None and called.reply.body == {"key": "(hidden)"}
            secrets.put("hook", "other.example.com", key=KEY)
            with pytest.raises(CallError, match="lets what it holds go to other"):
                await sender.prepare(outgoing(outside.url, signing=signing("GitHub")))
            secrets.put("hook", None, key=KEY)
            await sender.prepare(outgoing(outside.url, signing=signing("StandardWebhooks")))
            with pytest.raises(CallError, match="names no server that may see what it holds"):
                await sender.prepare(outgoing(outside.url, signing=signing("GitHub")))
            secrets.put("hook", outside.lets, key="")
            with pytest.raises(CallError, match="is empty; nothing is sent unsigned"):
                await sender.prepare(outgoing(outside.url, signing=signing("GitHub")))
            with pytest.raises(CallError, match="must hold 1 to 4 signing keys"):
                await sender.prepare(outgoing(outside.url, signing=signing("StandardWebhooks")))
    github, standard = outside.asked
    expected = hmac.new(KEY.encode(), github.body, hashlib.sha256).hexdigest()
    assert github.headers["X-Hub-Signature-256"] == f"sha256={expected}"
    content = f"{standard.headers['webhook-id']}.{standard.headers['webhook-timestamp']}.".encode() + standard.body
    signature = base64.b64encode(hmac.digest(b"k" * 24, content, "sha256")).decode()
    assert standard.headers["webhook-signature"] == f"v1,{signature}"


async def test_an_address_that_is_none_is_refused() -> None:
    async with senders() as (sender, _):
        with pytest.raises(CallError, match="url is no address that can be called"):
            await sender.check(outgoing("https://api.example.com:0/"))


async def test_a_ticket_is_worth_one_call() -> None:
    with Outside(Reply(204)) as outside:
        async with desks() as (desk, woken, counted):
            ticket = await reserved(desk)
            answers = [await desk.perform(call(ticket, outside.url)) for _ in range(3)]
            assert len(set(map(repr, answers))) == 1 and len(outside.asked) == 1
            assert woken == [("actionruns", "team-a", "run")] and counted == ["Answered"]
            assert await desk.perform(call("of another process", outside.url)) == Called(Fate.LOST)
            assert len(outside.asked) == 1 and desk.depth == 0
            assert await desk.perform(TryCall("try", outgoing(outside.url))) is True and len(outside.asked) == 1


async def test_a_slow_receiver_holds_up_nobody() -> None:
    with Outside(Reply(204, hang=10)) as slow:
        async with desks() as (desk, woken, _):
            ticket = await reserved(desk)
            for _ in range(2):
                assert await desk.perform(call(ticket, slow.url)) == Called(Fate.UNDER_WAY)
            assert desk.depth == 1 and woken == []
            slow.released.set()
            async with asyncio.timeout(5):
                while not woken:
                    await asyncio.sleep(0.01)
            done = await desk.perform(call(ticket, slow.url))
            assert isinstance(done, Called) and done.fate is Fate.ANSWERED
            assert len(slow.asked) == 1


async def test_what_finds_no_room_is_not_sent_and_looked_at_again() -> None:
    with Outside(Reply(204, hang=20)) as slow:
        async with desks() as (desk, woken, counted):
            desk._room = Room(2, patience=0.1)
            assert await desk.perform(call(await reserved(desk), slow.url)) == Called(Fate.UNDER_WAY)
            waited = await desk.perform(call(await reserved(desk), slow.url))
            assert waited == Called(Fate.NOT_SENT, "1 calls of its Action are under way")
            assert len(slow.asked) == 1 and counted == ["NotSent"] and len(woken) == 1
            slow.released.set()


async def test_answers_are_kept_as_text() -> None:
    """Parsed, 64 KiB of empty objects are a megabyte and a half, and 256 answers are kept."""
    body = b"[" + b",".join([b"{}"] * 21000) + b"]"
    with Outside(Reply(200, body)) as outside:
        async with desks() as (desk, _, _):
            tickets = [await reserved(desk) for _ in range(3)]
            answers = [await desk.perform(call(each, outside.url)) for each in tickets]
            del answers
            gc.collect()
            kept = [each for each in gc.get_objects() if type(each) is list and len(each) == 21000]
            assert kept == []
            again = await desk.perform(call(tickets[0], outside.url))
            assert isinstance(again, Called) and again.reply is not None and again.reply.body == [{}] * 21000


async def test_what_was_ended_is_not_known() -> None:
    with Outside(Reply(204, hang=10)) as slow:
        async with desks() as (desk, _, _):
            ticket = await reserved(desk)
            assert await desk.perform(call(ticket, slow.url)) == Called(Fate.UNDER_WAY)
            await desk.close()
            assert await desk.perform(call(ticket, slow.url)) == Called(Fate.LOST)


async def test_who_does_not_lead_sends_nothing() -> None:
    with Outside() as outside:
        async with desks(may_send=lambda: False) as (desk, _, counted):
            called = await desk.perform(call(await reserved(desk), outside.url))
            assert called == Called(Fate.NOT_SENT, "this process does not lead any more") and counted == ["NotSent"]
            private = await desk.perform(call(await reserved(desk), outside.url, headers_from=(FROM,)))
            assert (
                isinstance(private, Called) and private.final and "Secret makers/github is not there" in private.message
            )
    assert outside.asked == []


async def test_of_what_was_forgotten_it_is_said_that_it_is_not_known() -> None:
    with Outside() as outside:
        async with desks() as (desk, _, _):
            first = await reserved(desk)
            await desk.perform(call(first, outside.url))
            for _ in range(4200):
                desk.reserve()
            assert await desk.perform(call(first, outside.url)) == Called(Fate.LOST)
    assert len(outside.asked) == 1
