"""Words of receivers that nobody documents, and Slack's webhook, which says no with 200."""

import json

import pytest
from tests.support.channelling import PLANTED

from pratique.channels import teams as msteams
from pratique.channels.kit.foreign import harmless_word
from pratique.channels.kit.posting import Answer
from pratique.channels.slack import webhook as slack_webhook
from pratique.core.kernel.effects import Delivery

HOOK = "https://hooks.slack.com/services/T000/B000/hunter2secret"


@pytest.mark.parametrize(
    "word", ["oh_no", "token_is_gone", "service_is_gone", "WorkflowIsAsleep", "hunt_er_is_in", "x"]
)
def test_a_word_of_a_program_is_shown(word: str) -> None:
    shown = word if "hunter" not in word.replace("_", "") else ""
    assert harmless_word(word, (HOOK,)) == shown


@pytest.mark.parametrize(
    "word",
    [
        PLANTED,
        "hunter",
        "HUNTER",
        "terces_retnuh",
        "ter_ces",
        "my_hunter_x",
        "a" * 49,
        "a b",
        "<!channel>",
        "http://x",
        "a1",
        "aHVudGVyc2VjcmV0",
        "ünknown",
        "",
        "_",
        7,
        None,
        ["oh_no"],
    ],
)
def test_all_else_is_not(word: object) -> None:
    assert harmless_word(word, (HOOK,)) == ""


def test_a_short_secret_is_not_shown_whole() -> None:
    assert harmless_word("abc", ("https://x.example/abc",)) == ""


def slack(body: object, status: int = 200, retry_after: float | None = None) -> Delivery:
    text = body if isinstance(body, str) else json.dumps(body)
    return slack_webhook.said(Answer(status, text, retry_after), HOOK)


class TestSlackWebhook:
    def test_ok(self) -> None:
        assert slack("ok\n") == slack({"ok": True}) == Delivery(sent=True)

    def test_no_with_200_is_the_error_that_it_is(self) -> None:
        gone = slack({"ok": False, "error": "no_service"})
        assert (gone.sent, gone.permanent, gone.channel_fault) == (False, False, True)
        assert gone.error.startswith("Slack answered no_service: is the webhook still there")
        assert slack({"ok": False, "error": "invalid_blocks"}) == Delivery(
            sent=False, error="Slack answered invalid_blocks", permanent=True
        )
        limited = slack({"ok": False, "error": "ratelimited"}, retry_after=30.0)
        assert limited == Delivery(sent=False, error="Slack answered ratelimited", retry_after=30.0)

    @pytest.mark.parametrize(
        ("answer", "shown"),
        [
            ({"ok": False, "error": "moon_is_full"}, " (moon_is_full)"),
            ({"ok": False, "error": "hunter2secret"}, ""),
            ({"ok": False}, ""),
            ('{"ok": false, "error": "moon_is_full", "cut": "' + "x" * 200, " (moon_is_full)"),
        ],
    )
    def test_one_that_is_not_documented(self, answer: object, shown: str) -> None:
        error = f"Slack answered an error that is not documented{shown}"
        assert slack(answer) == Delivery(sent=False, error=error, permanent=True)

    def test_with_another_status(self) -> None:
        assert slack("invalid_payload", 400).error == "the receiver answered 400 Bad Request: invalid_payload"
        unknown = "the receiver answered 400 Bad Request: an error that is not documented"
        assert slack("moon_is_full", 400).error == f"{unknown} (moon_is_full)"
        assert slack("terces_retnuh", 400).error == unknown
        assert slack("Bad Request", 400).error == "the receiver answered 400 Bad Request"
        assert slack({"ok": False, "error": "moon_is_full"}, 403).error.endswith("documented (moon_is_full)")

    def test_somebody_in_between(self) -> None:
        assert slack("<html>").error == "the receiver answered 200, but not with Slack's ok"


def test_teams() -> None:
    url = "https://x.example/powerautomate/automations/direct/workflows/0f9d/?sig=hunterSecretX"
    answer = json.dumps({"error": {"code": "MoonIsFull", "message": url}})
    error = "the receiver answered 400 Bad Request: an error that is not documented (MoonIsFull)"
    assert msteams.said(Answer(400, answer), url).error == error
    leaky = json.dumps({"error": {"code": "HunterSecret"}})
    assert (
        msteams.said(Answer(400, leaky), url).error
        == "the receiver answered 400 Bad Request: an error that is not documented"
    )
