"""Decides which characters of people's text are shown: text from people is text, it may not paint over its surroundings.

Used wherever a reason, a comment, a summary or an error quotes what somebody else wrote. It escapes nothing: what a
channel needs beyond this (HTML, Slack's markup) is the channel's own affair.
"""

import difflib
import unicodedata
from collections.abc import Iterable

_ELLIPSIS = "…"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Control, format (bidi, zero-width, tags), surrogate, private use and unassigned characters."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Characters that Unicode calls letters, marks or symbols, and that show as nothing."""
_SPACE = frozenset({"Zs", "Zl", "Zp"})


def clean(text: str, limit: int = 1024, *, multiline: bool = False) -> str:
    """Return `text` without invisible characters, on one line unless `multiline`, at most `limit` characters long."""
    if len(text) <= limit and text.isascii() and text.isprintable():  # most of all that is shown
        return text.strip()
    # Bounded before the work, so that a huge text costs nothing; runs of hidden characters may shorten the result more.
    source = text[: 4 * limit + 64]
    lines = source.splitlines() if multiline else [" ".join(source.splitlines())]
    shown = "\n".join(_clean_line(line) for line in lines).strip()
    if len(shown) <= limit and len(source) == len(text):
        return shown
    return shown[: limit - 1].rstrip() + _ELLIPSIS


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return which of the names that there are was probably meant, or None; `cutoff` is how like they must be, up to 1."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=cutoff)
    return close[0] if close else None


def fit(text: str, limit: int) -> str:
    """Return `text` cut to at most `limit` bytes of UTF-8."""
    raw = text.encode(errors="surrogatepass")
    if len(raw) <= limit:
        return text
    return raw[: limit - 3].decode(errors="ignore").rstrip() + _ELLIPSIS


def _clean_line(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line.rstrip()
    return "".join(_shown(character) for character in line).rstrip()


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category in _SPACE or character == "\t":
        return " "
    if category in _HIDDEN or character in _BLANK or "\ufe00" <= character <= "\ufe0f":
        return ""
    return character
