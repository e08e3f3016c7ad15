"""A message as plain text, for services of all kinds: within a service's limit, and without power in any markup.

Which markup a service reads is not known here, so what is special in most of them loses its meaning in what people
write: `@` before a name, angle brackets, and the joint of a Markdown link. Commands are made of names alone and are kept.
"""

import re

from pratique.core.telling.messages import Message, name_readers
from pratique.core.telling.wording import moment

_BRACKETS = str.maketrans({"<": "‹", ">": "›"})
_MENTION = re.compile(r"(?<![\w.])@(?=\w)")


def harmless(text: str) -> str:
    """Return `text` so that it mentions nobody and hides no link; addresses such as a@b.example stay as they are."""
    return _MENTION.sub("＠", text.translate(_BRACKETS)).replace("](", "] (")


def title_of(message: Message, limit: int) -> str:
    """Return the headline."""
    return _cut(harmless(message.headline), limit)


def body_of(message: Message, limit: int) -> str:
    """Return all of it if it fits; else the text, how to decide, whole facts in order, and where the rest is."""
    text = harmless(message.text)
    facts = [f"{harmless(label)}:{_indented(harmless(value))}" for label, value in message.facts]
    how = "\n\n".join(f"{label}:\n{line}" for label, line in message.how_to_decide)
    footer = f"For {harmless(name_readers(message.audience))} · {moment(message.at)}"
    whole = _joined(text, "\n".join(facts), how, footer)
    if len(whole) <= limit:
        return whole
    rest = f"All of it: {_look(message)}"
    short = _cut(_joined(_cut(text, max(limit // 2, limit - len(rest) - 2)), rest), limit)
    if len(_joined(text, how, rest)) > limit:
        return short
    kept: list[str] = []
    for fact in facts:
        if len(_joined(text, "\n".join([*kept, fact]), how, rest)) <= limit:
            kept.append(fact)
    return _joined(text, "\n".join(kept), how, rest)


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _indented(value: str) -> str:
    return f" {value}" if "\n" not in value else "".join(f"\n  {line}" for line in value.split("\n"))


def _look(message: Message) -> str:
    subject = message.subject
    return f"kubectl describe {subject.kind.lower()} {subject.name}" + (
        f" -n {subject.namespace}" if subject.namespace else ""
    )


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"
