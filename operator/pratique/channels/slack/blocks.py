"""The message in Slack's Block Kit: as text that Slack reads no markup in, as much as it takes, the same for both forms.

Slack's markup has no way to show `*` or `~` as they are typed: an approver would read verbs `[""]` where the plan says
`["*"]`. So all that people or objects say is in rich text, where a style is a field and text is only text. Must not post
anything, and must not decide who is mentioned (`slack_text` does).
"""

import json
from typing import Any

from pratique.channels.kit.room import build_fitting, look
from pratique.channels.slack.text import escape, footer
from pratique.core.telling.messages import Message

MAX_HEADER = 150
MAX_CHARS = 12_000
"""Of all blocks as JSON. Slack says nowhere what it takes; what is longer than some 13,000 was seen to be refused."""
_BRACKETS = str.maketrans({"<": "‹", ">": "›"})

Block = dict[str, Any]


def payload(message: Message) -> dict[str, Any]:
    """Return what is posted as a new message."""
    return {**content(message), "unfurl_links": False, "unfurl_media": False}


def content(message: Message) -> dict[str, Any]:
    """Return what a message consists of: blocks, and plain text for notifications and screen readers."""
    blocks = build_fitting(message, _blocks, _measure, MAX_CHARS, len(json.dumps(_line(""))))
    return {"text": escape(f"{message.headline}: {message.text}"), "blocks": blocks}


def _measure(blocks: list[Block]) -> int:
    return len(json.dumps(blocks, ensure_ascii=False))


def _blocks(message: Message, cut: bool) -> list[Block]:
    # A header is plain text, where entities may show as they are: brackets that look the same are safe both ways.
    title = message.headline.translate(_BRACKETS)
    header = title if len(title) <= MAX_HEADER else title[: MAX_HEADER - 1] + "…"
    facts = [element for label, text in message.facts for element in _fact(label, text)]
    more = (("Shortened to what Slack takes. All of it", look(message)),) if cut else ()
    lines = [element for label, line in (*message.how_to_decide, *more) for element in _command(label, line)]
    return [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}},
        *({"type": "rich_text", "elements": part} for part in ([_section(_text(message.text))], facts, lines) if part),
        {"type": "context", "elements": [{"type": "mrkdwn", "text": footer(message), "verbatim": True}]},
    ]


def _fact(label: str, text: str) -> list[Block]:
    """A fact of several lines is a list: no line can look like a fact."""
    if "\n" not in text:
        return [_section(_text(f"{label}: ", bold=True), _text(text))]
    items = [_line(line) for line in text.split("\n")]
    return [_section(_text(label, bold=True)), {"type": "rich_text_list", "style": "bullet", "elements": items}]


def _line(text: str) -> Block:
    return _section(_text(text))


def _command(label: str, line: str) -> list[Block]:
    return [_section(_text(label, bold=True)), {"type": "rich_text_preformatted", "elements": [_text(line)]}]


def _section(*elements: Block) -> Block:
    return {"type": "rich_text_section", "elements": [*elements]}


def _text(text: str, *, bold: bool = False) -> Block:
    """Slack takes no text that is empty."""
    return {"type": "text", "text": text or " ", **({"style": {"bold": True}} if bold else {})}
