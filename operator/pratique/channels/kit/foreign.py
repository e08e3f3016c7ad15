"""Says what may be shown of an error word that a receiver answered, and that nobody documents: as much as is harmless.

A receiver's words are its own, and may quote the URL or token that it was sent, in some writing or other. So a word is
shown only if it looks like one of a program, is short, and shares no longer piece with what is secret.
"""

import re
from collections.abc import Iterable

_WORD = re.compile(r"[a-z]{1,20}(_[a-z]{1,20})*|([A-Z][a-z]{1,19})+")
_LONGEST = 48
_PIECE = 6
"""So many letters in a row, in either case, are a piece of a secret and no chance."""
_PUBLIC = re.compile(
    r"https?://|hooks|slack|services|powerautomate|automations|workflows?|triggers?|manual|paths|invoke"
)
"""What the URLs of services have in common is no secret."""


def harmless_word(said: object, secrets: Iterable[str]) -> str:
    """Return the word if it may be shown; empty if not."""
    if not isinstance(said, str) or len(said) > _LONGEST or not _WORD.fullmatch(said):
        return ""
    word = _letters(said)
    pieces = {word[at : at + _PIECE] for at in range(max(len(word) - _PIECE + 1, 1))}
    parts = [_letters(_PUBLIC.sub(" ", secret)) for secret in secrets]
    hidden = [text for part in parts for text in (part, part[::-1])]
    return "" if any(piece in text for piece in pieces for text in hidden) else said


def undocumented(said: object, *secrets: str) -> str:
    """Return how an error that nobody documents is called: with its word, if that may be shown."""
    word = harmless_word(said, secrets)
    return "an error that is not documented" + (f" ({word})" if word else "")


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalpha())
