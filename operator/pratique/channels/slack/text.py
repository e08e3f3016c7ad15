"""The few texts in Slack's markup: they ping nobody and link nowhere; who is addressed is mentioned, and no other.

What a message says is in rich text (`slack_blocks`). A mention is made of an id that looks like one of Slack's, for a
name in the message's own audience: never of text.
"""

import re

from pratique.api.v1alpha1.notifications import Audience
from pratique.core.telling.events import EVENTS
from pratique.core.telling.messages import Message, name_readers
from pratique.core.telling.wording import moment

MAX_SECTION, MAX_FIELD = 3000, 2000
_NAME = 600
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SIGNS = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_EDGE = re.compile(r"(?<!\w)_|_(?!\w)")
"""An underscore inside a word is one; elsewhere it may begin or end what is slanted."""
_USER = re.compile(r"[UW][A-Z0-9]{2,30}")
_GROUP = re.compile(r"S[A-Z0-9]{2,30}")


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


def footer(message: Message) -> str:
    """Return for whom and of when a message is: those first who are mentioned, and only whole names."""
    when = f" · {moment(message.at)}"
    room, shown = MAX_FIELD - len("For , …") - len(when), list[str]()
    names = _names(message)
    for name in names:
        room -= len(name) + len(", ")
        if room < 0:
            break
        shown.append(name)
    return f"For {', '.join([*shown, '…'][: len(names)])}{when}"


def _names(message: Message) -> list[str]:
    """Return the audience, escaped; a mention in place of a name that has a handle."""
    audience = message.audience
    handles = message.handles if _is_told(message) else ()
    users = {name: handle for name, handle in handles if _USER.fullmatch(handle)}
    groups = {name: handle for name, handle in handles if _GROUP.fullmatch(handle)}
    mentions = [f"<@{users[name]}>" for name in audience.users if name in users]
    mentions += [f"<!subteam^{groups[name]}>" for name in audience.groups if name in groups]
    names = [escape(_unstyled(name), _NAME) for name in audience.users if name not in users]
    names += [escape(_unstyled(f"group {name}"), _NAME) for name in audience.groups if name not in groups]
    return [*mentions, *names] or [escape(name_readers(audience))]


def _unstyled(name: str) -> str:
    """Return a name with signs that look the same in place of those that would be read as markup, and not be seen."""
    return _EDGE.sub("ˍ", name.translate(_SIGNS))


def _is_told(message: Message) -> bool:
    """Whether the message asks its audience for something or tells the requester how it went: nobody else is disturbed."""
    return EVENTS[message.event].asks or EVENTS[message.event].audience is Audience.REQUESTER
