"""The message in Slack's Block Kit: escaped, cut to Slack's limits, the same for both forms of a channel.

Must not post anything, and must not decide who is mentioned (`slack_text` does).
"""

from typing import Any

from pratique.channels.slack_text import MAX_FIELD, MAX_SECTION, escape, footer
from pratique.core.messages import Message

MAX_BLOCKS, MAX_HEADER, MAX_FIELDS = 50, 150, 10
_SHORT = 300
"""A longer fact gets the full width, instead of half of it."""
_BRACKETS = str.maketrans({"<": "‹", ">": "›"})

Block = dict[str, Any]


def payload(message: Message) -> dict[str, Any]:
    """Return what is posted as a new message."""
    return {**content(message), "unfurl_links": False, "unfurl_media": False}


def content(message: Message) -> dict[str, Any]:
    """Return what a message consists of: blocks, and plain text for notifications and screen readers."""
    # A header is plain text, where entities may show as they are: brackets that look the same are safe both ways.
    title = message.headline.translate(_BRACKETS)
    header = title if len(title) <= MAX_HEADER else title[: MAX_HEADER - 1] + "…"
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}},
        _section(escape(message.text)),
        *_facts(message.facts),
        *(_command(label, line) for label, line in message.how_to_decide),
    ]
    context = {"type": "context", "elements": [_text(footer(message))]}
    return {"text": escape(f"{message.headline}: {message.text}"), "blocks": [*blocks[: MAX_BLOCKS - 1], context]}


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
