"""What Slack's answers mean: each code of the tables, what is none, HTTP; and that nothing else of an answer is shown."""

import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.messages import requested
from tests.doubles.http_receiver import receiving
from tests.doubles.slack_workspace import PLACE, SECRETS, TOKEN, TOKEN_REF, bot_spec, workspace
from tests.support.channelling import PLANTED, told_by

from pratique.channels.kit.foreign import harmless_word
from pratique.channels.kit.posting import Answer
from pratique.channels.slack.api import ANSWER_BYTES
from pratique.channels.slack.blocks import payload
from pratique.channels.slack.bot import NO_THREAD, UNREACHABLE
from pratique.channels.slack.errors import FOR_GOOD, KNOWN, MENDABLE, PASSES, Done, Undone, judged
from pratique.core.kernel.effects import Delivery

PASSING = "ratelimited internal_error fatal_error service_unavailable request_timeout team_added_to_org"
SOMEBODY = (
    "invalid_auth not_authed account_inactive token_revoked token_expired missing_scope not_in_channel is_archived "
    "channel_not_found restricted_action ekm_access_denied"
)
NEVER = (
    "invalid_blocks msg_too_long no_text too_many_attachments user_not_found cannot_dm_bot users_not_found "
    "invalid_arguments"
)
NOT_SLACK = ", but not as Slack does: is spec.slack.bot.apiUrl right, or is there a proxy in between?"


async def told(answer: web.Response | str) -> Delivery:
    """Return what becomes of a message that is answered so."""
    async with workspace(failing={"chat.postMessage": [answer]}) as slack:
        return await told_by(bot_spec(slack), SECRETS, requested())


class TestCodes:
    @pytest.mark.parametrize("code", PASSING.split())
    async def test_passes(self, code: str) -> None:
        assert await told(code) == Delivery(sent=False, error=f"Slack answered {code}")

    @pytest.mark.parametrize("code", SOMEBODY.split())
    async def test_somebody_has_to_mend_it(self, code: str) -> None:
        result = await told(code)
        assert (result.sent, result.permanent, result.channel_fault) == (False, False, True)
        assert result.error == f"Slack answered {code}: {MENDABLE[code]}"

    @pytest.mark.parametrize("code", NEVER.split())
    async def test_for_good(self, code: str) -> None:
        result = await told(code)
        assert (result.sent, result.permanent) == (False, True)
        assert result.error.partition(":")[0] == f"Slack answered {code}"

    @pytest.mark.parametrize(
        ("code", "shown"),
        [
            ("a_code_that_nobody_knows", " (a_code_that_nobody_knows)"),
            ("oh_no", " (oh_no)"),
            ("hunter", ""),
            ("the_hunter_s", ""),
            (PLANTED[::-1].replace("2", "_"), ""),
            ("a_word_of_more_letters_than_any_that_slack_has_used", ""),
        ],
    )
    async def test_a_code_that_is_not_documented_is_shown_if_it_is_not_of_the_token(
        self, code: str, shown: str
    ) -> None:
        error = f"Slack answered an error that is not documented{shown}"
        assert await told(code) == Delivery(sent=False, error=error, permanent=True)

    def test_what_the_bot_acts_on_is_known(self) -> None:
        assert UNREACHABLE | NO_THREAD <= KNOWN

    def test_a_code_has_one_meaning(self) -> None:
        assert not PASSES & set(MENDABLE)
        assert not (PASSES | set(MENDABLE)) & set(FOR_GOOD)
        assert all(why and why == why.strip() for why in [*MENDABLE.values(), *FOR_GOOD.values()])

    async def test_retry_after_with_200(self) -> None:
        limited = web.json_response({"ok": False, "error": "ratelimited"}, headers={"Retry-After": "30"})
        assert (await told(limited)).retry_after == 30.0

    async def test_scopes_and_other_words_of_an_answer_are_not_shown(self) -> None:
        words = {"needed": "users:read.email", "provided": PLANTED, "response_metadata": {"messages": [PLANTED]}}
        result = await told(web.json_response({"ok": False, "error": "missing_scope", **words}))
        assert "users:read.email" not in result.error

    @pytest.mark.parametrize(
        "error",
        [
            None,
            7,
            [],
            {},
            "",
            "x",
            "Not A Code",
            f"bad {TOKEN}",
            "a" * 65,
            "<!channel>",
            "no\ntext",
        ],
    )
    async def test_what_is_no_code(self, error: Any) -> None:
        result = await told(web.json_response({"ok": False, "error": error}))
        assert result == Delivery(sent=False, error=f"the receiver answered 200 OK{NOT_SLACK}")


class TestHttp:
    async def test_429(self) -> None:
        limited = web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "30"})
        error = "the receiver answered 429 Too Many Requests: ratelimited"
        assert await told(limited) == Delivery(sent=False, error=error, retry_after=30.0)

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
    async def test_what_passes_whatever_the_code(self, status: int) -> None:
        result = await told(web.json_response({"ok": False, "error": "no_text"}, status=status))
        assert (result.sent, result.permanent) == (False, False)

    @pytest.mark.parametrize(
        "body",
        ["", "ok", "<html>Please log in</html>", "[]", "null", "{", '{"ok": "true"}', '{"ok": 1}', "{}", "[" * 99999],
    )
    async def test_somebody_in_between(self, body: str) -> None:
        result = await told(web.Response(text=body))
        assert result == Delivery(sent=False, error=f"the receiver answered 200 OK{NOT_SLACK}")

    @pytest.mark.parametrize(
        ("status", "phrase"), [(400, "400 Bad Request"), (403, "403 Forbidden"), (404, "404 Not Found")]
    )
    async def test_another_server(self, status: int, phrase: str) -> None:
        result = await told(web.Response(text=f"no {PLANTED}", status=status))
        error = f"the receiver answered {phrase}{NOT_SLACK}"
        assert result == Delivery(sent=False, error=error, channel_fault=status != 400)

    async def test_a_code_with_another_status(self) -> None:
        result = await told(web.json_response({"ok": False, "error": "invalid_auth"}, status=401))
        assert result.error.startswith("Slack answered invalid_auth: ")

    async def test_ok_with_an_error_of_http(self) -> None:
        assert not (await told(web.json_response({"ok": True}, status=404))).sent

    async def test_a_redirect_is_not_followed(self) -> None:
        async with receiving() as other:
            result = await told(web.Response(status=307, headers={"Location": other.url}))
        error = (
            "the receiver answered 307 Temporary Redirect; redirects are not followed, put the final URL into "
            "spec.slack.bot.apiUrl"
        )
        assert result == Delivery(sent=False, error=error, channel_fault=True)
        assert other.got == []

    async def test_nobody_there(self) -> None:
        async with workspace() as slack:
            spec = bot_spec(slack)
        assert await told_by(spec, SECRETS) == Delivery(sent=False, error="no connection to the receiver")

    async def test_an_answer_is_read_whole_though_it_comes_in_pieces(self) -> None:
        body = {"padding": "x" * 300_000, "ok": True, "channel": PLACE, "ts": "1.1"}
        assert await told(web.json_response(body)) == Delivery(sent=True, reference=f"{PLACE}:1.1")

    async def test_but_not_without_end(self) -> None:
        async with receiving(body='{"ok": true, "padding": "' + "x" * (ANSWER_BYTES + 1) + '"}') as receiver:
            spec = {"slack": {"bot": {"tokenSecretRef": TOKEN_REF, "apiUrl": receiver.url, "channel": PLACE}}}
            assert not (await told_by(spec, SECRETS)).sent

    def test_the_largest_message_fits_twice(self) -> None:
        """Slack's answer repeats it; a message whose answer is cut would be told again."""
        told = requested()
        facts = tuple((f"語{at}" * 100, "語" * 3000) for at in range(60))
        largest = json.dumps(payload(type(told)(**{**vars(told), "facts": facts, "text": "語" * 3000})))
        assert 2 * len(largest) < ANSWER_BYTES


@given(st.text(max_size=300), st.sampled_from([200, 201, 400, 404, 418]))
def test_nothing_of_an_answer_is_shown_but_a_code_or_a_harmless_word(text: str, status: int) -> None:
    said = judged(Answer(status, json.dumps({"ok": False, "error": text, "warning": text})))
    assert isinstance(said, Undone)
    shown = said.failure.error.removeprefix(f"Slack answered {said.code}") if said.code else said.failure.error
    assert len(text) < 12 or text not in shown or harmless_word(text, ())


def test_done() -> None:
    assert judged(Answer(200, '{"ok": true, "ts": "1.1"}')) == Done({"ok": True, "ts": "1.1"})
