"""Slack: the message as Block Kit, for an incoming webhook: escaped, cut to Slack's limits; it pings nobody.

Posted with plain aiohttp: slack_sdk's AsyncWebhookClient follows redirects, writes the URL (which is the
password) to its debug log, reads answers of any length and retries by itself. Its Block Kit models judge the tests.
"""

import json
import re
from http import HTTPStatus
from typing import Any

from pratique.api.v1alpha1.notification_channel import SlackChannel
from pratique.channels.posting import Answer, judge
from pratique.channels.settings import Means, Send, Vault
from pratique.core.effects import Delivery
from pratique.core.messages import Message, addressed
from pratique.core.wording import moment

MAX_BLOCKS, MAX_HEADER, MAX_SECTION, MAX_FIELD, MAX_FIELDS = 50, 150, 3000, 2000, 10
_SHORT = 300
"""A longer fact gets the full width, instead of half of it."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BRACKETS = str.maketrans({"<": "‹", ">": "›"})
_CODE = re.compile(r"[a-z_]{2,64}")

Block = dict[str, Any]


async def connect(spec: SlackChannel, vault: Vault, means: Means) -> Send:
    """Return what posts to the incoming webhook."""
    url = await vault.url(spec.webhook_url_secret_ref)

    async def send(message: Message) -> Delivery:
        headers = {"Idempotency-Key": message.id, "Content-Type": "application/json; charset=utf-8"}
        answer = await means.poster.post(url, json.dumps(payload(message)).encode(), headers)
        return answer if isinstance(answer, Delivery) else said(answer, str(url))

    return send


def said(answer: Answer, url: str) -> Delivery:
    """Slack says `ok` in the body; any other success is somebody in between."""
    if answer.status == HTTPStatus.OK and answer.body.strip() != "ok":
        return Delivery(sent=False, error="the receiver answered 200, but not with Slack's ok")
    return judge(answer, error_code(answer.body, url))


def escape(text: str, limit: int = MAX_SECTION) -> str:
    """Return at most `limit` characters in which nothing is a mention or link: `<!channel>` is only letters then.

    Cut before it grows: an entity that is cut in two would show its rest as letters.
    """
    pieces = [_ENTITIES.get(character, character) for character in text]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    room, kept = limit - 1, 0
    while kept < len(pieces) and (room := room - len(pieces[kept])) >= 0:
        kept += 1
    return "".join(pieces[:kept]) + "…"


def payload(message: Message) -> dict[str, Any]:
    """Return the body of the POST: blocks, and plain text for notifications and screen readers."""
    # A header is plain text, where entities may show as they are: brackets that look the same are safe both ways.
    title = message.headline.translate(_BRACKETS)
    header = title if len(title) <= MAX_HEADER else title[: MAX_HEADER - 1] + "…"
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}},
        _section(escape(message.text)),
        *_facts(message.facts),
        *(_command(label, line) for label, line in message.how_to_decide),
    ]
    footer = escape(f"For {addressed(message.audience)} · {moment(message.at)}", MAX_FIELD)
    context = {"type": "context", "elements": [_text(footer)]}
    return {
        "text": escape(f"{message.headline}: {message.text}"),
        "blocks": [*blocks[: MAX_BLOCKS - 1], context],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def error_code(body: str, url: str) -> str:
    """Return Slack's error code, such as `invalid_payload`; nothing else of an answer is shown: it may quote the URL."""
    code = body.strip()
    return code if _CODE.fullmatch(code) and code not in url else ""


def _facts(facts: tuple[tuple[str, str], ...]) -> list[Block]:
    """Short facts side by side, long ones below them over the full width."""
    short = [fact for fact in facts if len(fact[1]) <= _SHORT and "\n" not in fact[1]]
    long = [fact for fact in facts if fact not in short]
    rows = [short[at : at + MAX_FIELDS] for at in range(0, len(short), MAX_FIELDS)]
    blocks: list[Block] = [
        {"type": "section", "fields": [_text(_fact(*fact, MAX_FIELD)) for fact in row]} for row in rows
    ]
    return [*blocks, *(_section(_fact(*fact, MAX_SECTION)) for fact in long)]


def _fact(label: str, text: str, limit: int) -> str:
    head = f"*{escape(label, 300)}*\n"
    return head + escape(text, limit - len(head))


def _command(label: str, line: str) -> Block:
    head = f"*{escape(label, 300)}*\n```"
    return _section(f"{head}{escape(line, MAX_SECTION - len(head) - 3)}```")


def _section(text: str) -> Block:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> Block:
    """`verbatim` keeps Slack from finding links, channels and people in the text."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}
