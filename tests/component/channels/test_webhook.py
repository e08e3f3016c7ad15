"""The webhook's modes and signatures, as real receivers on loopback get them and as receivers' own verifier judges them."""

import base64
import hashlib
import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tests.builders.messages import declined, expiring, requested, withdrawn
from tests.doubles.http_receiver import Received, receiving
from tests.support.channelling import URL, problem_of, told_by
from tests.support.golden import assert_golden

from pratique.api.v1alpha1.notification_channel import WebhookMode
from pratique.channels.cloudevents import channel as webhook
from pratique.channels.cloudevents.signing import parse_keys, signed
from pratique.core.kernel.effects import Delivery

STORIES = {"requested": requested, "declined": declined, "expiring": expiring, "withdrawn": withdrawn}
KEY = "whsec_" + base64.b64encode(b"hunter2secret-0123456789abcdef").decode()
OLD = "whsec_" + base64.b64encode(b"old-secret-0123456789abcdef").decode()
PLACE = "Secret pratique-system/receiver"
UNUSABLE = (
    f"{PLACE}: the key signing must hold 1 to 4 signing keys, one a line, each whsec_ and 24 to 64 bytes in base64; "
    "nothing is sent unsigned"
)
GUIDE = (Path(__file__).parents[3] / "docs/guides/channel-webhook.md").read_text()


def spec(mode: str = "Structured", *, sign: bool = True) -> dict[str, Any]:
    signing = {"signing": {"secretRef": {"name": "receiver", "key": "signing"}}} if sign else {}
    return {"webhook": {"urlSecretRef": URL, "mode": mode, **signing}}


async def posted(spec: dict[str, Any], keys: str = KEY) -> Received:
    """Return what a receiver got."""
    async with receiving(status=202, body="") as receiver:
        secrets = {"receiver/url": receiver.url, "receiver/signing": keys}
        assert await told_by(spec, secrets) == Delivery(sent=True)
    (got,) = receiver.got
    return replace(got, headers={name.lower(): value for name, value in got.headers.items()})


@pytest.mark.parametrize("story", STORIES)
def test_golden_binary(story: str) -> None:
    http = webhook.cloud_event(STORIES[story](), WebhookMode.BINARY)
    golden = {"headers": dict(http.headers), "body": json.loads(http.body)}
    assert_golden(f"notifications/cloudevent-binary-{story}.json", golden)


class TestModes:
    async def test_binary(self) -> None:
        got = await posted(spec("Binary", sign=False))
        assert got.headers["content-type"] == "application/json"
        assert got.headers["idempotency-key"] == got.headers["ce-id"] == requested().id
        event = from_binary(HTTPMessage(got.headers, got.body), JSONFormat())
        assert event.get_type() == "dev.pratique.actionrun.approvalrequested.v1"
        assert event.get_time() == requested().at
        assert event.get_data() == webhook.data_of(requested())

    async def test_structured_is_the_default(self) -> None:
        got = await posted({"webhook": {"urlSecretRef": URL}})
        assert got.headers["content-type"] == "application/cloudevents+json"
        assert not any(name.startswith(("ce-", "webhook-")) for name in got.headers)

    async def test_names_beyond_ascii_travel_in_headers(self) -> None:
        told = replace(requested(), subject=replace(requested().subject, name='é"\r\nX-Evil: 1'))
        async with receiving() as receiver:
            assert (await told_by(spec("Binary", sign=False), {"receiver/url": receiver.url}, told)).sent
        (got,) = receiver.got
        assert got.headers["ce-subject"] == "team-a/%C3%A9%22%0D%0AX-Evil:%201"
        assert "X-Evil" not in got.headers

    def test_the_body_says_all_that_the_headers_of_the_binary_mode_say(self) -> None:
        """They are not signed, so that a receiver must be able to do without."""
        for story in STORIES.values():
            http = webhook.cloud_event(story(), WebhookMode.BINARY)
            data = json.loads(http.body)
            thing = data["object"]
            space = f"/namespaces/{thing['namespace']}" if thing["namespace"] else ""
            kind = thing["kind"].lower()
            assert {name: value for name, value in http.headers.items() if name.startswith("ce-")} == {
                "ce-specversion": "1.0",
                "ce-id": data["id"],
                "ce-time": data["time"],
                "ce-type": f"dev.pratique.{kind}.{data['event'].lower()}.v1",
                "ce-source": f"/apis/{thing['apiVersion']}{space}/{kind}s/{thing['name']}",
                "ce-subject": "/".join(filter(None, (thing["namespace"], thing["name"]))),
            }


class TestSigned:
    @pytest.mark.parametrize("mode", ["Structured", "Binary"])
    async def test_receivers_can_verify(self, mode: str) -> None:
        got = await posted(spec(mode))
        body = json.loads(got.body)
        assert Webhook(KEY).verify(got.body, got.headers) == body
        with pytest.raises(WebhookVerificationError):
            Webhook(OLD).verify(got.body, got.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(KEY).verify(got.body.replace(b"ten-days", b"one-days"), got.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(KEY).verify(got.body, {**got.headers, "webhook-id": "msg_other"})
        assert abs(time.time() - int(got.headers["webhook-timestamp"])) < 60

    async def test_two_keys_while_they_change(self) -> None:
        got = await posted(spec(), f"{KEY}\n{OLD}\n")
        newest, oldest = got.headers["webhook-signature"].split(" ")
        for key, signature in ((KEY, newest), (OLD, oldest)):
            Webhook(key).verify(got.body, {**got.headers, "webhook-signature": signature})
            Webhook(key).verify(got.body, got.headers)

    def test_a_repeat_has_the_same_id_and_its_own_timestamp(self) -> None:
        keys = parse_keys(KEY) or ()
        first, later = (signed(keys, "uid/Approved/a.b", b"{}", now) for now in (1000.9, 2000.0))
        assert first["webhook-id"] == later["webhook-id"]
        assert "." not in first["webhook-id"]
        assert (first["webhook-timestamp"], later["webhook-timestamp"]) == ("1000", "2000")
        assert first["webhook-signature"] != later["webhook-signature"]
        assert signed(keys, "uid/Approved/b", b"{}", 1000.0)["webhook-id"] != first["webhook-id"]

    def test_the_arithmetic_is_the_standards(self) -> None:
        """By hand, so that not only one library's word counts."""
        keys = parse_keys(KEY) or ()
        headers = signed(keys, "x", b"body", 7.0)
        content = f"{headers['webhook-id']}.7.body".encode()
        block = keys[0].ljust(64, b"\0")
        inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + content).digest()
        outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()
        assert headers["webhook-signature"] == "v1," + base64.b64encode(outer).decode()


class TestNeverUnsigned:
    @pytest.mark.parametrize(
        ("keys", "sentence"),
        [
            (None, f"{PLACE} has no key signing; nothing is sent unsigned"),
            ("", UNUSABLE),
            (" \n\n", UNUSABLE),
            ("hunter2secret", UNUSABLE),
            ("whsec_", UNUSABLE),
            ("whsec_hunter2secret%%%", UNUSABLE),
            ("whsec_hünter2secret", UNUSABLE),
            ("whsec_" + base64.b64encode(b"x" * 23).decode(), UNUSABLE),
            ("whsec_" + base64.b64encode(b"x" * 65).decode(), UNUSABLE),
            (f"{KEY}\nhunter2secret", UNUSABLE),
            ("\n".join([KEY] * 5), UNUSABLE),
        ],
    )
    async def test_without_a_usable_key(self, keys: str | None, sentence: str) -> None:
        async with receiving() as receiver:
            secrets = {"receiver/url": receiver.url} | ({"receiver/signing": keys} if keys is not None else {})
            assert await told_by(spec(), secrets) == Delivery(sent=False, error=sentence)
            assert await problem_of(spec(), secrets) == sentence
        assert receiver.got == []

    async def test_with_one(self) -> None:
        secrets = {"receiver/url": "https://example.com/", "receiver/signing": f"\n{KEY}\r\n{OLD}\n"}
        assert await problem_of(spec(), secrets) is None

    @pytest.mark.parametrize("size", [24, 64])
    def test_the_lengths_of_keys(self, size: int) -> None:
        assert parse_keys("whsec_" + base64.b64encode(b"x" * size).decode()) == (b"x" * size,)


async def test_the_guides_verifier_in_python() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    page: dict[str, Any] = {}
    exec(code, page)
    verify = page["verify"]
    for mode in ("Structured", "Binary"):
        got = await posted(spec(mode), f"{KEY}\n{OLD}")
        verify(got.headers, got.body, KEY)
        verify(got.headers, got.body, OLD)
        with pytest.raises(ValueError, match="no signature by this secret"):
            verify(got.headers, got.body, "whsec_" + base64.b64encode(b"z" * 24).decode())
        with pytest.raises(ValueError, match="no signature by this secret"):
            verify(got.headers, got.body + b" ", KEY)
        replayed = got.headers | signed(parse_keys(KEY) or (), "x", got.body, time.time() - 301)
        with pytest.raises(ValueError, match="a replay"):
            verify(replayed, got.body, KEY)
