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
from tests.builders.messages import declined, expiring, requested, withdrawn
from tests.builders.models import failure as made_of
from tests.support.golden import assert_golden

from pratique.channels import kubernetes_events
from pratique.channels.cloudevents import channel as webhook
from pratique.channels.slack import blocks as slack_blocks
from pratique.channels.slack.errors import known_code
from pratique.channels.slack.text import escape
from pratique.core.kernel.effects import Delivery, Failure
from pratique.core.telling.messages import Message

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
    """Hold a payload to Slack's limits, with slack_sdk's own models too. Return what people read, line by line."""
    blocks = payload["blocks"]
    assert len(json.dumps(blocks, ensure_ascii=False)) <= slack_blocks.MAX_CHARS
    for block in Block.parse_all(blocks):
        block.validate_json()
    header, *rich, context = blocks
    assert 1 <= len(header["text"]["text"]) <= 150
    assert [block["type"] for block in rich] == ["rich_text"] * len(rich)
    (footer,) = context["elements"]
    assert len(footer["text"]) <= 2000
    lines = [line for block in rich for element in block["elements"] for line in _rich_lines(element)]
    return [header["text"]["text"], *lines, footer["text"]]


def _rich_lines(element: dict[str, Any]) -> list[str]:
    if element["type"] == "rich_text_list":
        return [line for item in element["elements"] for line in _rich_lines(item)]
    assert element["type"] in {"rich_text_section", "rich_text_preformatted"}
    for each in element["elements"]:
        assert each["type"] == "text"
        assert each["text"]
    return ["".join(each["text"] for each in element["elements"])]


PLAN = "What will happen if approved"


def planned(*lines: str, **changes: Any) -> Message:
    """Return a message with a plan of these lines."""
    told = requested()
    plan = "\n".join(lines)
    return replace(told, facts=tuple((label, plan if label == PLAN else text) for label, text in told.facts), **changes)


class TestSlack:
    @pytest.mark.parametrize("story", STORIES)
    def test_slack_takes_the_stories(self, story: str) -> None:
        told = STORIES[story]()
        shown = assert_slack_takes(slack_blocks.payload(told))
        assert told.text in shown
        assert not any("Shortened" in line for line in shown)

    @pytest.mark.parametrize("text", [PING, "*bold* _it_ ~no~ `x` ```y``` :tada: &lt;b&gt;", "> said"])
    def test_what_people_write_is_shown_as_they_typed_it_and_pings_nobody(self, text: str) -> None:
        payload = slack_blocks.payload(hostile(text))
        header, *shown, _ = assert_slack_takes(payload)
        assert shown[0] == text
        assert f"Reason: {text}" in shown
        assert f"{text}: {text}" in shown
        assert header == text.translate(str.maketrans("<>", "‹›"))
        assert "<" not in payload["text"]
        assert payload["unfurl_links"] is False

    def test_a_plan_is_shown_to_the_letter(self) -> None:
        """In Slack's markup, an approver would read `[""], [""]`."""
        lines = ('Change Role a/b: rules[0].verbs ["get"] → ["*"], ["*"]', 'Change Ingress a/b: hosts ["*.a", "*.b"]')
        assert [line for line in assert_slack_takes(slack_blocks.payload(planned(*lines))) if line in lines] == [*lines]

    def test_no_name_is_styled(self) -> None:
        told = requested()
        names = ("*a*", "_b_", "~c~", "`d`", "e_f")
        payload = slack_blocks.payload(replace(told, audience=replace(told.audience, users=names)))
        assert assert_slack_takes(payload)[-1].startswith("For ∗a∗, ˍbˍ, ∼c∼, ˋdˋ, e_f, group platform-leads ·")

    def test_a_long_plan_is_cut_between_lines_and_says_so(self) -> None:
        lines = [f"create ConfigMap team-a/{at:0>90}" for at in range(500)]
        shown = assert_slack_takes(slack_blocks.payload(planned(*lines)))
        kept = [line for line in shown if line.startswith("create ConfigMap")]
        assert 10 < len(kept) < 60
        assert kept == lines[: len(kept)]
        assert f"… and {500 - len(kept)} more" in shown
        assert shown[-3:-1] == [
            "Shortened to what Slack takes. All of it",
            "kubectl get actionrun ten-days -n team-a -o yaml",
        ]
        assert all(line in shown for _, line in requested().how_to_decide)

    @pytest.mark.parametrize("character", ["a", "語", "💥", '"', "\\", "<"])
    @pytest.mark.parametrize("lines", [1, 50, 200])
    def test_whatever_a_message_holds(self, character: str, lines: int) -> None:
        told = hostile(character * 2048)
        long = (character * 253,) * 64
        facts = tuple((character * 300, "\n".join([character * 500] * lines)) for _ in range(40))
        audience = replace(told.audience, users=long, groups=long)
        shown = assert_slack_takes(slack_blocks.payload(replace(told, facts=facts, audience=audience)))
        assert all(line in shown for _, line in told.how_to_decide)
        assert_slack_takes(slack_blocks.payload(replace(told, facts=(("a", "\n".join("x" * 1000)),) * 8)))

    @given(st.lists(st.tuples(st.text(max_size=300), st.text(max_size=3000)), max_size=30), st.text(max_size=2048))
    def test_any_text(self, facts: list[tuple[str, str]], text: str) -> None:
        assert_slack_takes(slack_blocks.payload(replace(requested(), text=text, facts=tuple(facts))))

    def test_nobody_in_particular(self) -> None:
        told = requested()
        payload = slack_blocks.payload(replace(told, audience=replace(told.audience, groups=())))
        assert assert_slack_takes(payload)[-1].startswith("For the approvers ·")

    @given(st.text(max_size=400), st.integers(1, 300))
    def test_escaping_bounds_and_neutralises(self, text: str, limit: int) -> None:
        shown = escape(text, limit)
        assert len(shown) <= limit
        assert "<" not in shown
        assert ">" not in shown

    def test_a_text_is_cut_between_entities(self) -> None:
        rest = escape("<&>" * 4000)
        for entity in ("&amp;", "&lt;", "&gt;"):
            rest = rest.replace(entity, "")
        assert rest == "…"

    def test_only_slacks_own_words_are_shown_of_an_answer(self) -> None:
        assert known_code("invalid_payload\n") == "invalid_payload"
        assert known_code("Cannot POST /services/T0/B0/secret") == ""
        assert known_code("secret") == ""


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
                made_of("Forbidden", "unable to create new content in namespace a because it is being terminated"),
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
