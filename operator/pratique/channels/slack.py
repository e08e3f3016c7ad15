"""Slack: the message as Block Kit, for an incoming webhook: escaped, cut to Slack's limits; its text pings nobody."""

from typing import Any

from pratique.core.messages import Message
from pratique.core.wording import moment

MAX_HEADER, MAX_SECTION, MAX_FIELD, MAX_FIELDS = 150, 3000, 2000, 10


def escape(text: str) -> str:
    """Return text in which nothing is markup to Slack: `<!channel>` and `<@U…>` are only letters then."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def payload(message: Message) -> dict[str, Any]:
    """Return the body of the POST: blocks, and plain text for notifications and screen readers."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(message.headline, MAX_HEADER), "emoji": False}},
    ]
    if message.text:
        blocks.append(_section(_cut(escape(message.text), MAX_SECTION)))
    if message.facts:
        fields = [_cut(f"*{escape(name)}*\n{escape(value)}", MAX_FIELD) for name, value in message.facts[:MAX_FIELDS]]
        blocks.append({"type": "section", "fields": [{"type": "mrkdwn", "text": field} for field in fields]})
    blocks += [
        _section(f"{escape(name)}:\n```{_cut(escape(line), MAX_SECTION - 200)}```")
        for name, line in message.how_to_decide
    ]
    footer = f"For {escape(_addressed(message))} · {moment(message.at)}"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(footer, MAX_FIELD)}]})
    return {"text": _cut(escape(f"{message.headline}: {message.text}"), MAX_SECTION), "blocks": blocks}


def _addressed(message: Message) -> str:
    names = [*message.audience.users, *(f"group {group}" for group in message.audience.groups)]
    return ", ".join(names) or message.audience.audience.value.lower()


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    entity = cut.rfind("&")  # never cut an entity in two: its rest would show as letters
    return (cut[:entity] if entity > limit - 8 and ";" not in cut[entity:] else cut) + "…"
