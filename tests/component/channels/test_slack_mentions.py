"""Who is mentioned in Slack: those a message asks or tells, by ids that are Slack's, and nobody by what people write."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.messages import EVERY_EVENT, declined, requested
from tests.doubles.http_receiver import receiving
from tests.doubles.slack_workspace import SECRETS, bot_spec, workspace
from tests.support.channelling import URL, told_by
from tests.support.golden import assert_golden

from pratique.api.v1alpha1.notifications import Audience, EventType
from pratique.channels.slack.blocks import payload
from pratique.channels.slack.text import MAX_FIELD
from pratique.core.telling.events import EVENTS
from pratique.core.telling.messages import Message, Readers

HANDLES = (
    ("lead-1@example.com", "U0LEAD001"),
    ("platform-leads", "S0LEADS01"),
    ("developer@example.com", "W0DEV0001"),
    ("somebody@example.com", "U0SOMEBDY"),
)
_MENTION = re.compile(r"<[^>]*>")


def footer(message: Message) -> str:
    text: str = payload(message)["blocks"][-1]["elements"][0]["text"]
    return text


def asked(*users: str, groups: tuple[str, ...] = (), handles: Any = HANDLES) -> Message:
    return replace(requested(), audience=Readers(Audience.APPROVERS, users, groups), handles=handles)


def test_golden() -> None:
    told = asked("lead-2@example.com", "lead-1@example.com", groups=("platform-leads", "security"))
    assert_golden("notifications/slack-mentions.json", payload(told))


def test_the_audience_is_mentioned_first_and_nobody_else() -> None:
    told = asked("lead-2@example.com", "lead-1@example.com", groups=("platform-leads", "security"))
    assert footer(told) == (
        "For <@U0LEAD001>, <!subteam^S0LEADS01>, lead-2@example.com, group security · 2026-11-24 12:00 UTC"
    )


def test_the_requester_is_told_how_it_ended() -> None:
    assert footer(replace(declined(), handles=HANDLES)) == "For <@W0DEV0001> · 2026-11-24 12:00 UTC"


@pytest.mark.parametrize("event", EVERY_EVENT)
def test_who_is_disturbed_by_which_event(event: EventType) -> None:
    everybody = Readers(EVENTS[event].audience, ("lead-1@example.com",), ("platform-leads",))
    shown = _MENTION.findall(json.dumps(payload(replace(EVERY_EVENT[event](), audience=everybody, handles=HANDLES))))
    disturbed = EVENTS[event].asks or EVENTS[event].audience is Audience.REQUESTER
    assert shown == (["<@U0LEAD001>", "<!subteam^S0LEADS01>"] if disturbed else [])


@pytest.mark.parametrize(
    "handle",
    [
        "",
        "U",
        "u0lead001",
        "B0BOT0001",
        "C0123ABCD",
        "U0LEAD001\n",
        "U0LEAD001> <!channel",
        "U0LEAD001|here",
        "S0LEADS01> <!channel",
        "S0LEADS01\n",
        "!channel",
        "channel",
        "subteam^S0LEADS01",
        "U0LÉAD01",
        "U" * 32,
    ],
)
def test_a_handle_that_is_none_of_slacks_is_not_used(handle: str) -> None:
    told = asked("lead-1@example.com", groups=("platform-leads",), handles=[(name, handle) for name, _ in HANDLES])
    assert footer(told) == "For lead-1@example.com, group platform-leads · 2026-11-24 12:00 UTC"


def test_a_person_is_no_group_and_a_group_no_person() -> None:
    told = asked("ops", groups=("ops",), handles=[("ops", "S0OPS0001")])
    assert footer(told).startswith("For <!subteam^S0OPS0001>, ops ·")
    told = asked("ops", groups=("ops",), handles=[("ops", "U0OPS0001")])
    assert footer(told).startswith("For <@U0OPS0001>, group ops ·")


def test_a_name_that_looks_like_a_mention_is_a_name() -> None:
    assert footer(asked("<!channel>", "<@U0LEAD001>")).startswith("For &lt;!channel&gt;, &lt;@U0LEAD001&gt; ·")


def test_names_are_left_out_whole() -> None:
    crowd = [f"{at}{'<' * 250}" for at in range(64)]
    shown = footer(asked(*crowd, "lead-1@example.com"))
    assert len(shown) <= MAX_FIELD
    assert shown.startswith("For <@U0LEAD001>, 0&lt;")
    assert shown.endswith(", … · 2026-11-24 12:00 UTC")
    assert "&" not in shown.replace("&lt;", "")


@given(st.lists(st.text(max_size=60), max_size=70), st.lists(st.text(max_size=12), max_size=10))
def test_whatever_names_and_handles_are(names: list[str], handles: list[str]) -> None:
    pairs = tuple(zip(names, handles, strict=False))
    shown = footer(asked(*names, groups=tuple(names), handles=pairs))
    assert 0 < len(shown) <= MAX_FIELD
    for mention in _MENTION.findall(shown):
        assert re.fullmatch(r"<(@[UW]|!subteam\^S)[A-Z0-9]{2,30}>", mention)


async def test_both_forms_mention() -> None:
    told = asked("lead-1@example.com")
    async with receiving() as receiver:
        assert (await told_by({"slack": {"webhookUrlSecretRef": URL}}, {"receiver/url": receiver.url}, told)).sent
    async with workspace() as slack:
        assert (await told_by(bot_spec(slack), SECRETS, told)).sent
    assert "<@U0LEAD001>" in receiver.got[0].body.decode()
    assert "<@U0LEAD001>" in slack.posts[0].texts


def test_other_forms_tell_no_handles() -> None:
    from pratique.channels import kubernetes_events
    from pratique.channels import teams as msteams
    from pratique.channels.cloudevents import channel as webhook

    told = asked("lead-1@example.com", groups=("platform-leads",))
    for form in (webhook.data_of, msteams.payload, kubernetes_events.event_manifest):
        assert "U0LEAD001" not in json.dumps(form(told))
