"""Microsoft Teams: cards of every event, held to the published schema; their limit; hostile text; a Workflow's answers."""

import json
import logging
import time
from dataclasses import replace
from email.utils import formatdate
from importlib.resources import files
from typing import Any

import pytest
import yarl
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft6Validator
from tests.builders.messages import EVERY_EVENT, requested
from tests.doubles.http_receiver import receiving
from tests.support.channelling import PLANTED, URL, problem_of, told_by
from tests.support.generated import examples
from tests.support.golden import assert_golden

from pratique.api.v1alpha1.notifications import Audience, EventType
from pratique.channels import teams as msteams
from pratique.channels.kit.room import ROOMS, fitted
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.messages import Message

SPEC = {"msteams": {"workflowUrlSecretRef": URL}}
SCHEMA = Draft6Validator(json.loads((files("adaptive_cards") / "schemas" / "schema-1.4.json").read_text("utf-8-sig")))
LINK = (
    "[the console](https://evil.example) <https://evil.example|x> **bold** {{DATE(2026-01-01T00:00:00Z)}} \"q\" 'q' \\"
)


def keys_of(part: Any) -> set[str]:
    """Return each key of a document, at whatever depth."""
    if isinstance(part, list):
        return set().union(*map(keys_of, part))
    return set(part).union(*map(keys_of, part.values())) if isinstance(part, dict) else set()


def card_of(message: Message) -> dict[str, Any]:
    """Return the card, once its envelope and form are what Teams and the schema want."""
    payload = msteams.payload(message)
    assert len(json.dumps(payload)) <= msteams.MAX_BYTES < 21_000
    assert payload["type"] == "message"
    (attachment,) = payload["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = dict(attachment["content"])
    assert "actions" not in keys_of(card)  # what people wrote may be that word
    assert card.pop("msteams") == {"width": "Full"}  # Teams' own addition to the schema
    errors = [f"{list(error.path)}: {error.message[:200]}" for error in SCHEMA.iter_errors(card)]
    assert not errors, errors
    assert {block["type"] for block in card["body"]} <= {"RichTextBlock", "FactSet"}
    return card


def runs(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [run for block in card["body"] if block["type"] == "RichTextBlock" for run in block["inlines"]]


def facts(card: dict[str, Any]) -> dict[str, str]:
    found = [fact for block in card["body"] if block["type"] == "FactSet" for fact in block["facts"]]
    return {fact["title"]: fact["value"] for fact in found}


def hostile(text: str) -> Message:
    """Return a message in which everything that people write is this text."""
    told = requested()
    return replace(told, headline=text, text=text, facts=(*((label, text) for label, _ in told.facts), (text, text)))


def test_every_event_has_a_story() -> None:
    assert set(EVERY_EVENT) == set(EventType)


@pytest.mark.parametrize("event", EVERY_EVENT)
def test_golden(event: EventType) -> None:
    told = EVERY_EVENT[event]()
    assert told.event is event
    card_of(told)
    assert_golden(f"notifications/msteams-{event.lower()}.json", msteams.payload(told))


def test_the_schema_refuses_what_is_wrong() -> None:
    """So that its silence says something."""
    card = card_of(requested())
    assert not SCHEMA.is_valid(card | {"body": [{"type": "FactSet", "facts": [{"title": "x"}]}]})
    assert not SCHEMA.is_valid(card | {"buttons": []})


class TestText:
    def test_what_people_write_is_shown_as_they_typed_it_where_no_markdown_is_read(self) -> None:
        card = card_of(hostile(LINK))
        assert facts(card) == {}
        assert [run["text"] for run in runs(card)].count(LINK) == 2 + len(requested().facts) + 2

    @pytest.mark.parametrize(
        "text",
        [
            "[x](http://evil.example)",
            "[x]",
            "see https://evil.example",
            "www.evil.example",
            "<at>everyone</at>",
            "*loud*",
            "_loud_",
            "say _loud_",
            "~~gone~~",
            "`code`",
            "a \\ b",
            "&lt;b&gt;",
            "- item",
            "  + item",
            "1. item",
            "2) item",
            "# head",
            "a|b",
            "{{TIME(2026-01-01T00:00:00Z)}}",
            "${name}",
        ],
    )
    def test_a_fact_takes_no_markdown(self, text: str) -> None:
        for fact in ((text, "value"), ("label", text)):
            card = card_of(replace(requested(), facts=(fact,)))
            assert facts(card) == {}
            assert text in {run["text"] for run in runs(card)}

    def test_each_line_is_a_block(self) -> None:
        card = card_of(replace(requested(), facts=(("Plan", "one\ntwo"),)))
        assert facts(card) == {}
        assert [run["text"] for run in runs(card)][2:5] == ["Plan", "one", "two"]

    @pytest.mark.parametrize(
        "text",
        [
            "Create an environment (create-environment)",
            "1 of group platform-leads",
            "2026-11-24 14:00 UTC",
            "some_snake_name, a-b, 10% + 5",
            "\"quoted\" and 'quoted'",
            "Needs a week 🚀👩🏽‍💻",
            "נועה כהן",
            "محمد",
            "田中さん",
        ],
    )
    def test_a_fact_takes_what_has_none(self, text: str) -> None:
        assert facts(card_of(replace(requested(), facts=(("Reason", text),)))) == {"Reason": text}

    def test_a_long_fact_gets_the_full_width(self) -> None:
        card = card_of(replace(requested(), facts=(("Reason", "word " * 100),)))
        assert facts(card) == {}

    def test_kubectl_lines_are_monospace_and_whole(self) -> None:
        told = requested()
        shown = [run["text"] for run in runs(card_of(told)) if run.get("fontType") == "Monospace"]
        assert shown == [line for _, line in told.how_to_decide]

    def test_nobody_in_particular(self) -> None:
        told = requested()
        nobody = replace(told.audience, audience=Audience.REQUESTER, groups=())
        assert runs(card_of(replace(told, audience=nobody)))[-1]["text"].startswith("For the requester ·")


PLAN = "What will happen if approved"


def planned(lines: int, **changes: Any) -> Message:
    """Return a message with a plan of that many lines."""
    told = requested()
    plan = "\n".join(f"create ConfigMap team-a/{at:0>90}" for at in range(lines))
    return replace(told, facts=tuple((label, plan if label == PLAN else text) for label, text in told.facts), **changes)


class TestLimit:
    def test_nothing_is_cut_without_need(self) -> None:
        shown = [run["text"] for run in runs(card_of(planned(60)))]
        assert len([text for text in shown if text.startswith("create ConfigMap")]) == 60
        assert not any("Shortened" in text for text in shown)

    def test_the_plan_goes_first_by_whole_lines(self) -> None:
        told = planned(500, text="word " * 200)
        card = card_of(told)
        shown = [run["text"] for run in runs(card)]
        lines = [text for text in shown if text.startswith("create ConfigMap")]
        assert lines == [line for line in dict(told.facts)[PLAN].split("\n") if line in lines]
        assert 40 < len(lines) < 60
        assert f"… and {500 - len(lines)} more" in shown
        assert told.text in shown
        assert facts(card)["Reason"] == dict(told.facts)["Reason"]
        assert shown[-3:-1] == [
            "Shortened to what Teams takes. All of it",
            "kubectl get actionrun ten-days -n team-a -o yaml",
        ]

    def test_then_long_facts_then_the_text(self) -> None:
        said = tuple((f"lead-{at} (Approve)", "コメント" * 256) for at in range(8))
        told = planned(500, text="word " * 200)
        shown = [run["text"] for run in runs(card_of(replace(told, facts=(*told.facts, *said))))]
        assert told.text in shown
        assert "コメント" * 256 not in shown
        shown = [run["text"] for run in runs(card_of(replace(told, text="本文" * 1000, facts=(*told.facts, *said))))]
        assert ("本文" * 1000)[:299] + "…" in shown

    def test_how_to_decide_is_never_cut(self) -> None:
        told = replace(hostile("💥" * 2048), how_to_decide=requested().how_to_decide)
        shown = [run["text"] for run in runs(card_of(told))]
        assert all(line in shown for _, line in told.how_to_decide)

    def test_names_are_left_out_whole(self) -> None:
        told = requested()
        crowd = tuple(f"{at}{'n' * 250}@example.com" for at in range(200))
        shown = runs(card_of(replace(told, audience=replace(told.audience, users=crowd))))[-1]["text"]
        assert shown.startswith(f"For {crowd[0]}, …, group platform-leads ·")

    @pytest.mark.parametrize("character", ["a", "é", "語", "💥", '"', "\\", "*"])
    @pytest.mark.parametrize("lines", [1, 50, 2000])
    def test_whatever_a_message_holds(self, character: str, lines: int) -> None:
        text = "\n".join([character * 500] * lines)
        told = hostile(character * 2048)
        long = (character * 253,) * 64
        everything = tuple((character * 300, text) for _ in range(40))
        card_of(replace(told, facts=everything, audience=replace(told.audience, users=long, groups=long)))
        card_of(replace(told, facts=(("a", "\n".join("x" * 10_000)),) * 8))

    @examples(50)
    @given(st.lists(st.tuples(st.text(max_size=300), st.text(max_size=3000)), max_size=30), st.text(max_size=2048))
    def test_any_text(self, told: list[tuple[str, str]], text: str) -> None:
        card_of(replace(requested(), text=text, facts=tuple(told)))

    def test_rooms_only_shrink(self) -> None:
        sizes = [len(repr(fitted(hostile("語" * 2048), room))) for room in ROOMS]
        assert sizes == sorted(sizes, reverse=True)


def workflow_error(code: str) -> str:
    return json.dumps({"error": {"code": code, "message": f"The request {PLANTED} has failed"}})


CLOSED = "the workflow does not take messages by this URL: is it switched on, and open to anyone who has the URL?"


class TestAnswers:
    @pytest.mark.parametrize(("status", "body"), [(202, ""), (200, ""), (200, "1"), (204, "")])
    async def test_sent(self, status: int, body: str) -> None:
        async with receiving(status=status, body=body) as receiver:
            assert await told_by(SPEC, {"receiver/url": receiver.url}) == Delivery(sent=True)
        (got,) = receiver.got
        assert got.headers["Content-Type"] == "application/json"
        assert json.loads(got.body) == msteams.payload(requested())
        assert got.body.isascii()

    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (
                400,
                workflow_error("TriggerInputSchemaMismatch"),
                "the receiver answered 400 Bad Request: TriggerInputSchemaMismatch",
            ),
            (400, f"no {PLANTED}", "the receiver answered 400 Bad Request"),
            (400, workflow_error(PLANTED), "the receiver answered 400 Bad Request"),
            (400, workflow_error("retnuH"), "the receiver answered 400 Bad Request: an error that is not documented"),
            (
                401,
                workflow_error("DirectApiAuthorizationRequired"),
                f"the receiver answered 401 Unauthorized: DirectApiAuthorizationRequired; {CLOSED}",
            ),
            (403, "", f"the receiver answered 403 Forbidden; {CLOSED}"),
            (
                404,
                workflow_error("WorkflowNotFound"),
                "the receiver answered 404 Not Found: WorkflowNotFound; "
                "there is no such workflow: was it deleted, or its URL made anew?",
            ),
            (413, "", "the receiver answered 413 Content Too Large"),
        ],
    )
    async def test_refused(self, status: int, body: str, error: str) -> None:
        async with receiving(status=status, body=body) as receiver:
            result = await told_by(SPEC, {"receiver/url": receiver.url})
        assert replace(result, error=result.error.replace("Request Entity Too Large", "Content Too Large")) == Delivery(
            sent=False, error=error, permanent=status in (400, 413), channel_fault=status not in (400, 413)
        )

    @pytest.mark.parametrize("status", [429, 500, 502, 503])
    async def test_for_now(self, status: int) -> None:
        async with receiving(status=status, headers={"Retry-After": "30"}) as receiver:
            result = await told_by(SPEC, {"receiver/url": receiver.url})
        assert (result.sent, result.permanent, result.retry_after) == (False, False, 30.0)

    async def test_retry_after_as_a_date(self) -> None:
        when = formatdate(time.time() + 60, usegmt=True)
        async with receiving(status=429, headers={"Retry-After": when}) as receiver:
            result = await told_by(SPEC, {"receiver/url": receiver.url})
        assert result.retry_after is not None
        assert 50 < result.retry_after <= 60

    async def test_a_redirect_is_not_followed(self) -> None:
        async with receiving() as other, receiving(status=307, headers={"Location": other.url}) as receiver:
            assert (await told_by(SPEC, {"receiver/url": receiver.url})).channel_fault
        assert other.got == []

    async def test_the_url_is_in_no_log(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        async with receiving(status=401, body=workflow_error(PLANTED)) as receiver:
            await told_by(SPEC, {"receiver/url": receiver.url})
        assert PLANTED not in caplog.text


RETIRED = (
    "Secret pratique-system/receiver: the key url holds the URL of a Microsoft 365 connector, which are retired; make a "
    "workflow in Teams (Workflows, Send webhook alerts to a channel) and put its URL there"
)


class TestRetired:
    @pytest.mark.parametrize(
        "host",
        [
            "outlook.office.com",
            "outlook.office365.com",
            "OUTLOOK.office.com.",
            "contoso.webhook.office.com",
            "a.b.webhook.office.com:443",
            "user:pass@contoso.webhook.office.com",
        ],
    )
    async def test_refused(self, host: str) -> None:
        secrets = {"receiver/url": f"https://{host}/webhook/{PLANTED}"}
        assert await problem_of(SPEC, secrets) == RETIRED
        assert await told_by(SPEC, secrets) == Delivery(sent=False, error=RETIRED)

    @pytest.mark.parametrize(
        "url",
        [
            "https://prod-12.westeurope.logic.azure.com:443/workflows/0/triggers/manual/paths/invoke?sig=x",
            "https://default0.1.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/0",
            "https://webhook.office.com.example.org/x",
            "https://notwebhook.office.com/x",
            "https://example.org/outlook.office.com/webhook",
        ],
    )
    async def test_others_are_not(self, url: str) -> None:
        assert not msteams.is_retired(yarl.URL(url))
        assert await problem_of(SPEC, {"receiver/url": url}) is None
