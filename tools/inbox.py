"""What arrived at the receiver on loopback, read as the client reads it that it is for. Called by the demo."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from tools.receiver import Receiver
from tools.render.parts import Part, text_of
from tools.render.slack import read_slack
from tools.render.teams import read_teams


class Client(StrEnum):
    """What people read messages with, as they call it."""

    SLACK = "Slack"
    TEAMS = "Microsoft Teams"


_READ: dict[Client, tuple[str, Callable[[Any], tuple[Part, ...]]]] = {
    Client.SLACK: ("/slack", read_slack),
    Client.TEAMS: ("/teams", read_teams),
}
"""The path that a client's messages are posted to, and its reader."""


class Inbox:
    """The messages of all clients, in the order in which they came."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def find(self, client: Client, *expected: str) -> tuple[Part, ...] | None:
        """Return the first message that says all of this, or None."""
        path, read = _READ[client]
        arrived = (read(each.body) for each in self._receiver.received if each.path == path)
        return next((parts for parts in arrived if all(text in text_of(parts) for text in expected)), None)
