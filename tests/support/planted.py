"""Secrets that can be recognised anywhere, and the search for them: as they are, encoded, backwards, and in pieces."""

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_LETTERS = "bcdfghjklmnpqrstvwxz"
_LENGTH = 24
_PIECE = 10
"""So many letters of a secret are found also where the rest was cut off; no text has them by chance."""
_STEP = 4
"""Only each fourth place of a text is looked at, and what is looked for is shorter by three: that is enough to see all."""

SENT = "Sent"


@dataclass(frozen=True)
class Channel:
    """A channel with the values of its Secret, and what must come of it: sent, or a part of the error."""

    name: str
    spec: dict[str, Any]
    values: dict[str, bytes]
    becomes: str


def planted(name: str) -> str:
    """Return the secret of this name: lower-case letters, so that nothing keeps it from passing for a word."""
    digest = hashlib.sha512(name.encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_LENGTH])


def forms(secret: str) -> Iterator[tuple[str, str, int]]:
    """Yield how a secret may look: what form it is, the text, and how much of the text is enough to know it."""
    raw = secret.encode()
    yield "as it is", secret, _PIECE
    yield "backwards", secret[::-1], _PIECE
    yield "percent-encoded", "".join(f"%{byte:02x}" for byte in raw), 3 * _PIECE
    yield "as hex", raw.hex(), 2 * _PIECE
    for text in (raw, raw[::-1]):
        for shift in range(3):  # where in a longer text it stands decides how base64 writes it
            encoded = base64.b64encode(bytes(shift) + text).decode()
            yield "in base64", encoded[(0, 2, 3)[shift] : (shift + len(text)) * 8 // 6], 14


class Search:
    """Finds secrets in texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._pieces: defaultdict[int, dict[str, tuple[str, str]]] = defaultdict(dict)
        for name in secrets:
            for form, text, enough in forms(planted(name)):
                shown = text if form == "in base64" else text.lower()
                size = enough - _STEP + 1
                for at in range(len(shown) - size + 1):
                    self._pieces[size][shown[at : at + size]] = (name, form)

    def found(self, text: str, own: str = "") -> set[tuple[str, str]]:
        """Return the secrets in a text, each with the form it has there; `own` is one that may be there."""
        return {each for each in self._all(text) if each[0] != own}

    def _all(self, text: str) -> Iterator[tuple[str, str]]:
        for size, pieces in self._pieces.items():
            for shown in {text, text.lower()}:
                for at in range(0, len(shown) - size + 1, _STEP):
                    known = pieces.get(shown[at : at + size])
                    if known is not None:
                        yield known
