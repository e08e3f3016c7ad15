"""What receivers get: golden files for Slack, CloudEvents and Kubernetes Events, their limits, and hostile text."""

import json
from dataclasses import replace
from typing import Any

import pytest
from cloudevents.core.bindings.http import from_structured
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block
from tests.support.golden import assert_golden
from tests.support.told import declined, expiring, requested, withdrawn

from pratique.channels import kubernetes_events, slack_blocks, webhook
from pratique.channels.slack_errors import shown_code
from pratique.channels.slack_text import escape
from pratique.core.effects import Delivery, Failure
from pratique.core.messages import Message

STORIES = {"requested": requested, "declined": declined, "expiring": expiring, "withdrawn": withdrawn}
PING = "<!channel> <@U024BE7LH> <https://evil.example|the console> & more"


@pytest.mark.parametrize("story", STORIES)
class TestGolden:
    def test_slack(self, story: str) -> None:
        assert_golden(f"notifications/slack-{story}.json", slack_blocks.payload(STORIES[story]()))

    def test_cloud_event(self, story: str) -> None:
        http = webhook.cloud_event(STORIES[story]())
        assert http.headers == {"content-type": "application/cloudevents+json"}
        assert_golden(f"notifications/cloudevent-{story}.json", json.loads(http.body))

    def test_kubernetes_event(self, story: str) -> None:
        assert_golden(f"notifications/event-{story}.json", kubernetes_events.event_manifest(STORIES[story]()))


def hostile(text: str) -> Message:
    """Return a message in which everything that people write is this text."""
    told = requested()
    return replace(told, headline=text, text=text, facts=(*((label, text) for label, _ in told.facts), (text, text)))


def assert_slack_takes(payload: dict[str, Any]) -> list[str]:
    """Hold a payload to Slack's limits, with slack_sdk's own models too. Return all its texts."""
    blocks = payload["blocks"]
    assert len(blocks) <= 50
    for block in Block.parse_all(blocks):
        block.validate_json()
    texts = [payload["text"]]
    for block in blocks:
        held = [block["text"]] if "text" in block else block.get("fields") or block["elements"]
        limit = {"header": 150, "context": 2000}.get(block["type"], 2000 if "fields" in block else 3000)
        assert 1 <= len(held) <= 10
        assert all(1 <= len(each["text"]) <= limit for each in held)
        texts += [each["text"] for each in held]
    return texts


class TestSlack:
    @pytest.mark.parametrize("story", STORIES)
    def test_slack_takes_the_stories(self, story: str) -> None:
        assert_slack_takes(slack_blocks.payload(STORIES[story]()))

    def test_peoples_text_pings_nobody_and_links_nowhere(self) -> None:
        payload = slack_blocks.payload(hostile(PING))
        for text in assert_slack_takes(payload):
            assert "<" not in text
            assert ">" not in text
        escaped = "&lt;!channel&gt; &lt;@U024BE7LH&gt; &lt;https://evil.example|the console&gt; &amp; more"
        assert payload["blocks"][1]["text"]["text"] == escaped
        assert payload["blocks"][0]["text"]["text"].startswith("‹!channel›")
        assert payload["unfurl_links"] is False

    def test_huge_texts_are_cut_between_entities(self) -> None:
        _, header, *escaped = assert_slack_takes(slack_blocks.payload(hostile("<&>" * 4000)))
        assert header.startswith("‹&›")
        for text in escaped:
            rest = text
            for entity in ("&amp;", "&lt;", "&gt;"):
                rest = rest.replace(entity, "")
            assert "&" not in rest

    def test_many_facts_stay_within_the_blocks(self) -> None:
        facts = tuple((f"fact {at}", "text" if at % 2 else "long " * 100) for at in range(200))
        payload = slack_blocks.payload(replace(requested(), facts=facts))
        assert_slack_takes(payload)
        assert payload["blocks"][-1]["type"] == "context"

    def test_nobody_in_particular(self) -> None:
        told = requested()
        payload = slack_blocks.payload(replace(told, audience=replace(told.audience, groups=())))
        assert payload["blocks"][-1]["elements"][0]["text"].startswith("For the approvers ·")

    @given(st.text(max_size=400), st.integers(1, 300))
    def test_escaping_bounds_and_neutralises(self, text: str, limit: int) -> None:
        shown = escape(text, limit)
        assert len(shown) <= limit
        assert "<" not in shown
        assert ">" not in shown

    def test_only_slacks_own_words_are_shown_of_an_answer(self) -> None:
        url = "https://hooks.slack.com/services/T0/B0/secret"
        assert shown_code("invalid_payload\n", url) == "invalid_payload"
        assert shown_code("Cannot POST /services/T0/B0/secret", url) == ""
        assert shown_code("secret", url) == ""


class TestCloudEvent:
    def test_the_library_reads_it_back(self) -> None:
        told = requested()
        event = from_structured(webhook.cloud_event(told), JSONFormat())
        assert event.get_id() == told.id
        assert event.get_type() == "dev.pratique.actionrun.approvalrequested.v1"
        assert event.get_source() == "/apis/pratique.dev/v1alpha1/namespaces/team-a/actionruns/ten-days"
        assert event.get_subject() == "team-a/ten-days"
        assert event.get_time() == told.at

    def test_an_object_without_a_namespace(self) -> None:
        told = requested()
        event = from_structured(
            webhook.cloud_event(replace(told, subject=replace(told.subject, namespace=""))), JSONFormat()
        )
        assert event.get_source() == "/apis/pratique.dev/v1alpha1/actionruns/ten-days"
        assert event.get_subject() == "ten-days"


class TestKubernetesEvent:
    def test_the_name_is_the_messages_own(self) -> None:
        told = requested()
        name = kubernetes_events.event_manifest(told)["metadata"]["name"]
        assert name == kubernetes_events.event_manifest(replace(told, text="other"))["metadata"]["name"]
        assert name != kubernetes_events.event_manifest(replace(told, id="other"))["metadata"]["name"]

    def test_a_long_name_is_cut_to_a_name(self) -> None:
        told = requested()
        long = replace(told, subject=replace(told.subject, name="a" * 199 + ".b" * 20))
        name = kubernetes_events.event_manifest(long)["metadata"]["name"]
        assert len(name) == 199 + 1 + 16
        assert ".." not in name

    def test_the_note_is_bounded_in_bytes(self) -> None:
        note = kubernetes_events.event_manifest(replace(requested(), text="é" * 3000))["note"]
        assert 1000 < len(note.encode()) <= 1024
        assert note.endswith("…")

    def test_an_object_without_a_namespace(self) -> None:
        told = requested()
        event = kubernetes_events.event_manifest(replace(told, subject=replace(told.subject, namespace="")), "pod-1")
        assert event["metadata"]["namespace"] == "default"
        assert "namespace" not in event["regarding"]
        assert event["reportingInstance"] == "pod-1"

    @pytest.mark.parametrize(
        ("failure", "sent", "permanent"),
        [
            (None, True, False),
            (Failure("AlreadyExists", "it is there"), True, False),
            (
                Failure("Forbidden", "unable to create new content in namespace a because it is being terminated"),
                False,
                True,
            ),
            (Failure("Forbidden", "User cannot create resource events"), False, False),
            (Failure("NotFound", "namespaces a not found"), False, True),
            (Failure("Invalid", "note: too long"), False, True),
            (Failure("InternalError", "etcd", transient=True), False, False),
            (Failure("NotFound", "of a proxy in between", transient=True), False, False),
        ],
    )
    def test_what_the_api_server_says(self, failure: Failure | None, sent: bool, permanent: bool) -> None:
        result = kubernetes_events.judge(failure)
        assert (result.sent, result.permanent) == (sent, permanent)
        assert result == Delivery(sent=True) or (failure is not None and failure.message in result.error)
