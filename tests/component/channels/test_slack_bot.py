"""A bot of Slack, against a workspace on loopback: first messages, updates in place, replies; people; what goes wrong."""

import logging
import re
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from aiohttp import web
from tests.builders.messages import EVERY_EVENT, entry, expiring, held_run, its_gate, requested
from tests.builders.messages import LEAD as YES
from tests.doubles.http_receiver import receiving
from tests.doubles.slack_workspace import (
    EMAIL,
    LEAD,
    PLACE,
    PRIVATE,
    SECRETS,
    TOKEN,
    TOKEN_REF,
    Post,
    Workspace,
    bot_spec,
    workspace,
)
from tests.support.channelling import PLANTED, channel_of, channels_with, problem_of, server_of, told_by
from tests.support.golden import assert_golden
from tests.support.mailing import user

from pratique.api.v1alpha1.notifications import EventType
from pratique.channels.kit.remembered import ENTRIES, SECONDS, Remembered
from pratique.channels.slack import bot as slack_bot
from pratique.channels.slack.blocks import payload
from pratique.channels.slack.people import NO_ADDRESS
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.egress import NOT_ALLOWED, AllowedEgress
from pratique.core.telling.messages import Earlier, Message, compose_run, leave_out_shown

GUIDE = (Path(__file__).parents[3] / "docs/guides/channel-slack.md").read_text()
ENDS = [
    EventType.APPROVED,
    EventType.DECLINED,
    EventType.EXPIRED,
    EventType.SUPERSEDED,
    EventType.SUCCEEDED,
    EventType.FAILED,
]


def asked_as_it_reads(state: str = "Approved", **status: Any) -> Message:
    """Return the request of the story, as it reads once it was decided."""
    asked = requested()
    decided = its_gate(state=state, message="Approved by lead-1@example.com", decisions=[YES], **status)
    return compose_run(held_run(), decided, entry(EventType.APPROVAL_REQUESTED, message=asked.text))


def follow_up(event: EventType, reference: str) -> Message:
    return replace(EVERY_EVENT[event](), earlier=Earlier(reference, asked_as_it_reads()))


def to(address: str, message: Message | None = None) -> Message:
    return replace(message or requested(), recipient=user("lead-1@example.com"), address=address)


async def tell(slack: Workspace, message: Message, channel: str | None = PLACE, **settings: Any) -> Delivery:
    return await told_by(bot_spec(slack, channel), SECRETS, message, **settings)


def labels(post: Post) -> set[str]:
    return {label.removesuffix(": ") for label in re.findall(r"'text': '([^']+)', 'style'", repr(post.args["blocks"]))}


class TestStory:
    async def test_a_request_is_updated_in_place_and_its_ends_are_replies(self) -> None:
        async with workspace() as slack:
            first = await tell(slack, requested())
            assert first == Delivery(sent=True, reference=f"{PLACE}:1700000001.000001")
            (asked,) = slack.posts
            assert "kubectl patch" in asked.texts
            approved = await tell(slack, follow_up(EventType.APPROVED, first.reference))
            assert "kubectl patch" not in asked.texts
            assert "Approval needed" not in asked.texts
            done = await tell(slack, follow_up(EventType.SUCCEEDED, first.reference))
        assert [post.reference for post in slack.thread(asked.ts)] == [approved.reference, done.reference]
        assert slack.methods == ["chat.postMessage", *["chat.update", "chat.postMessage"] * 2]
        calls = [{"method": method, "arguments": args} for method, args in slack.calls]
        assert_golden("notifications/slack-bot-story.json", calls)

    async def test_the_token_travels_in_the_header_alone(self) -> None:
        async with receiving() as receiver:
            spec = {"slack": {"bot": {"tokenSecretRef": TOKEN_REF, "apiUrl": receiver.url, "channel": PLACE}}}
            await told_by(spec, SECRETS)
        (got,) = receiver.got
        assert got.headers["Authorization"] == f"Bearer {TOKEN}"
        assert got.headers["Content-Type"] == "application/json; charset=utf-8"
        assert TOKEN.encode() not in got.body

    async def test_two_requests_have_threads_of_their_own(self) -> None:
        async with workspace() as slack:
            first, second = await tell(slack, requested()), await tell(slack, requested())
            await tell(slack, follow_up(EventType.APPROVED, second.reference))
            await tell(slack, follow_up(EventType.EXPIRED, first.reference))
        assert [post.thread_ts for post in slack.posts[2:]] == [slack.posts[1].ts, slack.posts[0].ts]

    async def test_a_channel_by_its_name_is_referred_to_by_its_id(self) -> None:
        async with workspace() as slack:
            assert (await tell(slack, requested(), "#approvals")).reference.startswith(f"{PLACE}:")

    @pytest.mark.parametrize("url", ["", "/"])
    async def test_with_and_without_a_slash_at_the_end(self, url: str) -> None:
        async with workspace() as slack:
            slack.url = slack.url.rstrip("/") + url
            assert (await tell(slack, requested())).sent

    @pytest.mark.parametrize("event", ENDS)
    def test_golden_replies(self, event: EventType) -> None:
        reply = leave_out_shown(EVERY_EVENT[event](), asked_as_it_reads())
        assert_golden(f"notifications/slack-reply-{event.lower()}.json", payload(reply))


class TestShortened:
    async def test_a_reply_says_what_is_new(self) -> None:
        async with workspace() as slack:
            first = await tell(slack, requested())
            await tell(slack, follow_up(EventType.DECLINED, first.reference))
        reply = slack.posts[-1]
        assert labels(reply) == set()
        assert "Use the shared stage" in reply.args["text"]
        assert "Declined: Create an environment" in reply.args["text"]

    async def test_all_of_it_where_the_message_above_could_not_be_updated(self) -> None:
        async with workspace(failing={"chat.update": ["edit_window_closed"]}) as slack:
            first = await tell(slack, requested())
            assert (await tell(slack, follow_up(EventType.DECLINED, first.reference))).sent
        assert {"Reason", "What was asked for"} < labels(slack.posts[-1])
        assert slack.posts[-1].thread_ts == slack.posts[0].ts

    async def test_the_end_of_an_environment_that_moved_is_new(self) -> None:
        later = tuple((label, "tomorrow" if label == "Ends" else text) for label, text in expiring().facts)
        moved = replace(expiring(), facts=later)
        assert leave_out_shown(moved, expiring()).facts == (("Ends", "tomorrow"),)


class TestOutOfReach:
    """What becomes of a follow-up whose earlier message is not where it was."""

    @pytest.mark.parametrize("code", ["cant_update_message", "edit_window_closed", "update_failed", "invalid_blocks"])
    async def test_what_cannot_be_updated_is_replied_to(self, code: str) -> None:
        async with workspace(failing={"chat.update": [code]}) as slack:
            first = await tell(slack, requested())
            told = await tell(slack, follow_up(EventType.APPROVED, first.reference))
        assert told == Delivery(sent=True, reference=slack.posts[1].reference)
        assert slack.posts[1].thread_ts == slack.posts[0].ts

    async def test_what_was_deleted_is_told_anew_in_full(self) -> None:
        async with workspace() as slack:
            first = await tell(slack, requested())
            slack.posts[0].ts = "gone"
            told = await tell(slack, follow_up(EventType.APPROVED, first.reference))
        assert told.sent
        assert slack.posts[1].thread_ts is None
        assert "Reason" in labels(slack.posts[1])

    @pytest.mark.parametrize("how", ["left", "archived", "another workspace"])
    async def test_another_place_is_written_to(self, how: str) -> None:
        async with workspace() as slack:
            first = await tell(slack, requested())
            slack.joined.add("C0OTHER")
            match how:
                case "left":
                    slack.joined.remove(PLACE)
                case "archived":
                    slack.archived.add(PLACE)
                case _:
                    slack.joined.remove(PLACE)
                    slack.public.remove(PLACE)
            told = await tell(slack, follow_up(EventType.APPROVED, first.reference), "C0OTHER")
        assert told.reference == slack.posts[1].reference
        assert slack.posts[1].channel == "C0OTHER"
        assert "Reason" in labels(slack.posts[1])

    async def test_where_there_is_no_other_place_it_says_what_to_do(self) -> None:
        async with workspace() as slack:
            first = await tell(slack, requested())
            slack.joined.remove(PLACE)
            told = await tell(slack, follow_up(EventType.APPROVED, first.reference))
        assert told == Delivery(
            sent=False,
            error="Slack answered not_in_channel: invite the bot to the channel (/invite)",
            channel_fault=True,
        )

    @pytest.mark.parametrize("code", sorted(slack_bot.NO_THREAD))
    async def test_a_thread_that_is_gone(self, code: str) -> None:
        async with workspace() as slack:
            first = await tell(slack, requested())
            slack.failing["chat.postMessage"] = [code]
            told = await tell(slack, follow_up(EventType.APPROVED, first.reference))
        assert told.sent
        assert slack.posts[1].thread_ts is None
        assert "Reason" in labels(slack.posts[1])

    async def test_a_proxy_that_fails_with_a_code_is_no_reason_to_tell_it_elsewhere(self) -> None:
        failing = web.json_response({"ok": False, "error": "channel_not_found"}, status=503)
        async with workspace(failing={"chat.update": [failing]}) as slack:
            first = await tell(slack, requested())
            told = await tell(slack, follow_up(EventType.APPROVED, first.reference))
        assert (told.sent, told.permanent) == (False, False)
        assert len(slack.posts) == 1

    @pytest.mark.parametrize("method", ["chat.update", "chat.postMessage"])
    async def test_what_passes_is_tried_again_as_a_whole(self, method: str) -> None:
        async with workspace() as slack:
            first = await tell(slack, requested())
            slack.failing[method] = ["fatal_error"]
            message = follow_up(EventType.APPROVED, first.reference)
            assert await tell(slack, message) == Delivery(sent=False, error="Slack answered fatal_error")
            assert (await tell(slack, message)).sent
        assert [post.thread_ts for post in slack.posts] == [None, slack.posts[0].ts]

    @pytest.mark.parametrize(
        "reference", ["", "x", "C0123ABCD", f"{PLACE}:1.2:3", f"U0:{1}", "C0123ABCD:1.2\n", "<!x>:1.1"]
    )
    async def test_a_reference_of_something_else(self, reference: str) -> None:
        async with workspace() as slack:
            told = await tell(slack, follow_up(EventType.APPROVED, reference))
        assert told.sent
        assert slack.methods == ["chat.postMessage"]
        assert "Reason" in labels(slack.posts[0])

    @pytest.mark.parametrize(
        "fields",
        [{}, {"channel": PLACE}, {"channel": "<!channel>", "ts": "1.1"}, {"channel": PLACE, "ts": 1.1e300}, {"ts": []}],
    )
    async def test_an_answer_that_does_not_say_where(self, fields: dict[str, Any]) -> None:
        """Slack took it: to send it again would tell it twice."""
        async with workspace() as slack:
            slack.failing["chat.postMessage"] = [web.json_response({"ok": True, **fields})]
            assert await tell(slack, requested()) == Delivery(sent=True)


class TestPeople:
    async def test_by_id(self) -> None:
        async with workspace() as slack:
            told = await tell(slack, to(LEAD))
            assert told == Delivery(sent=True, reference="D0LEAD001:1700000001.000001")
            later = replace(follow_up(EventType.APPROVED, told.reference), recipient=user("lead-1"), address=LEAD)
            assert (await tell(slack, later)).sent
        assert slack.methods == ["chat.postMessage", "chat.update", "chat.postMessage"]
        assert [post.channel for post in slack.posts] == ["D0LEAD001"] * 2

    async def test_the_channel_of_a_group(self) -> None:
        async with workspace(joined={PRIVATE}) as slack:
            assert (await tell(slack, to(PRIVATE))).reference.startswith(PRIVATE)

    async def test_by_email_which_is_looked_up_once(self) -> None:
        async with workspace() as slack, channels_with(SECRETS, server_of(bot_spec(slack))) as channels:
            for address in (EMAIL, EMAIL, "Lead-1@example.com"):
                told = entry(EventType.APPROVAL_REQUESTED)
                assert (await channels.deliver(channel_of(bot_spec(slack)), told, to(address))).sent
        assert slack.methods == ["users.lookupByEmail", *["chat.postMessage"] * 3]
        assert slack.queries == [""] * 4
        assert {post.channel for post in slack.posts} == {"D0LEAD001"}

    async def test_another_token_may_be_of_another_workspace(self) -> None:
        other = "xoxb-another-hunter2secret"
        async with (
            workspace() as slack,
            workspace(token=other, people={EMAIL: "U0OTHER"}) as elsewhere,
            channels_with(
                {**SECRETS, "other/token": other}, f"{server_of(bot_spec(slack))},{server_of(bot_spec(elsewhere))}"
            ) as channels,
        ):
            spec = bot_spec(elsewhere)
            spec["slack"]["bot"]["tokenSecretRef"] = {"name": "other", "key": "token"}
            for each in (bot_spec(slack), spec):
                told = entry(EventType.APPROVAL_REQUESTED)
                assert (await channels.deliver(channel_of(each), told, to(EMAIL))).sent
        assert elsewhere.posts[0].channel == "D0OTHER"

    @pytest.mark.parametrize(
        ("address", "error"),
        [
            (
                "nobody@example.com",
                "Slack answered users_not_found: nobody in the workspace has this e-mail address",
            ),
            ("U0NOBODY", "Slack answered channel_not_found: there is no such person in the workspace"),
            *(
                (address, NO_ADDRESS.error)
                for address in ("S0GROUP", "lead-1", "<!channel>", "", "a b@example.com", "u0lead001", f"{LEAD}\n")
            ),
        ],
    )
    async def test_nobody_there(self, address: str, error: str) -> None:
        async with workspace() as slack:
            assert await tell(slack, to(address)) == Delivery(sent=False, error=error, permanent=True)
        assert slack.posts == []

    async def test_a_lookup_that_fails_for_now(self) -> None:
        limited = web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "7"})
        async with workspace(failing={"users.lookupByEmail": [limited]}) as slack:
            error = "the receiver answered 429 Too Many Requests: ratelimited"
            assert await tell(slack, to(EMAIL)) == Delivery(sent=False, error=error, retry_after=7.0)
            assert (await tell(slack, to(EMAIL))).sent

    @pytest.mark.parametrize("user", [None, [], {}, {"id": 1}, {"id": "<!channel>"}, {"id": PLACE}])
    async def test_a_lookup_that_gives_no_person(self, user: Any) -> None:
        answer = web.json_response({"ok": True, "user": user})
        async with workspace(failing={"users.lookupByEmail": [answer]}) as slack:
            error = "Slack found somebody by the e-mail address, but gave no id"
            assert await tell(slack, to(EMAIL)) == Delivery(sent=False, error=error)
        assert slack.posts == []

    async def test_a_channel_without_a_place_is_for_people(self) -> None:
        async with workspace() as slack:
            assert (await tell(slack, to(LEAD), channel=None)).sent
            error = "the message is for no person, and the channel names no place: set spec.slack.bot.channel"
            assert await tell(slack, requested(), channel=None) == Delivery(sent=False, error=error, permanent=True)


class TestRemembered:
    def test_for_some_minutes(self) -> None:
        now = [1000.0]
        kept = Remembered(lambda: now[0])
        kept.put(("w", "a"), "U1")
        now[0] += SECONDS - 1
        assert kept.get(("w", "a")) == "U1"
        assert kept.get(("v", "a")) is None
        now[0] += 1
        assert kept.get(("w", "a")) is None

    def test_so_many(self) -> None:
        kept = Remembered(entries=2)
        for name in ("a", "b", "a", "c"):
            kept.put((name,), name)
        assert [kept.get((name,)) for name in "abc"] == ["a", None, "c"]
        assert ENTRIES <= 4096


class TestSettings:
    @pytest.mark.parametrize(
        "token",
        ["", PLANTED, f"xoxp-{PLANTED}", f"xapp-1-{PLANTED}", f"xoxe.xoxb-1-{PLANTED}", f"xoxb-{PLANTED}\nx", "xoxb-"],
    )
    async def test_what_is_no_bots_token(self, token: str) -> None:
        async with workspace() as slack:
            sentence = (
                "Secret pratique-system/slack: the key token must hold a bot's token, which begins with xoxb-; it is on "
                "the app's page, under OAuth & Permissions, once the app is installed"
            )
            secrets = {"slack/token": token}
            assert await told_by(bot_spec(slack), secrets) == Delivery(sent=False, error=sentence)
            assert await problem_of(bot_spec(slack), secrets) == sentence
        assert slack.calls == []

    async def test_what_works(self) -> None:
        async with workspace() as slack:
            assert await problem_of(bot_spec(slack), {"slack/token": f"{TOKEN}\n"}) is None
        assert slack.calls == []

    async def test_no_token(self) -> None:
        async with workspace() as slack:
            assert await problem_of(bot_spec(slack), {}) == "Secret pratique-system/slack has no key token"

    async def test_an_api_url_that_is_none(self) -> None:
        spec = {"slack": {"bot": {"tokenSecretRef": TOKEN_REF, "apiUrl": "https://slack.com:99999/api/"}}}
        sentence = "spec.slack.bot.apiUrl must be a URL such as https://slack.com/api/"
        assert await problem_of(spec, SECRETS) == sentence

    @pytest.mark.parametrize("form", [{}, {"webhookUrlSecretRef": TOKEN_REF, "bot": {"tokenSecretRef": TOKEN_REF}}])
    async def test_exactly_one_form(self, form: dict[str, Any]) -> None:
        assert await problem_of({"slack": form}, SECRETS) == "slack has exactly one of webhookUrlSecretRef and bot"

    async def test_it_takes_so_long_at_most_for_all_of_its_calls(self) -> None:
        async with workspace(seconds=0.6) as slack:
            assert (await tell(slack, to(LEAD), timeout=1.0)).sent
            told = await tell(slack, to(EMAIL), timeout=1.0)
        assert told == Delivery(sent=False, error="no answer within 1 s")
        assert slack.methods == ["chat.postMessage", "users.lookupByEmail", "chat.postMessage"]

    async def test_the_token_goes_to_no_address_that_is_not_allowed(self) -> None:
        async with workspace() as slack:
            told = await tell(slack, to(EMAIL), allowed=AllowedEgress())
        assert told == Delivery(sent=False, error=NOT_ALLOWED)
        assert slack.calls == []

    async def test_the_token_is_in_no_log(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        async with workspace(token="another") as slack:
            await tell(slack, requested())
            await tell(slack, to(EMAIL))
        assert PLANTED not in caplog.text


def test_the_manifest_of_the_guide_has_the_scopes_that_the_calls_need() -> None:
    manifest, channel = (yaml.safe_load(dedent(text)) for text in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == {
        "chat:write",
        "im:write",
        "users:read",
        "users:read.email",
    }
    assert manifest["features"]["app_home"]["messages_tab_enabled"] is True
    assert manifest["settings"]["token_rotation_enabled"] is False
    assert channel_of(channel["spec"]).spec.channel_type == "slack"
