"""How much a service takes of a message. Must load nothing: it is shared by both sides of a pipe."""

from typing import NamedTuple


class Room(NamedTuple):
    """Characters of a title, none if it has no titles, and of a body; whether the title is put into the body."""

    title: int
    body: int
    is_one: bool = False

    @property
    def for_title(self) -> int:
        """Return how long a headline may be, wherever it goes."""
        return self.title or self.body // 2

    def for_body(self, title: str) -> int:
        """Return how long the text may be that goes with a headline."""
        return self.body - (len(title) + len("\r\n") if self.title <= 0 or self.is_one else 0)
