"""What arrived at the receivers on loopback, read as the client reads it that it is for. Called by the demo."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tools.mailbox import Mailbox
from tools.receiver import Receiver
from tools.render.mail import read_mail
from tools.render.parts import Part, text_of
from tools.render.slack import read_slack
from tools.render.teams import read_teams


class Client(StrEnum):
    """What people read messages with, as they call it."""

    SLACK = "Slack"
    TEAMS = "Microsoft Teams"
    MAIL = "mail"


_POSTED: dict[Client, tuple[str, Callable[[Any], tuple[Part, ...]]]] = {
    Client.SLACK: ("/slack", read_slack),
    Client.TEAMS: ("/teams", read_teams),
}
"""The path that a client's messages are posted to, and its reader."""


@dataclass(frozen=True)
class Inbox:
    """The messages of all clients, each in the order in which they came."""

    posted: Receiver
    mails: Mailbox

    def find(self, client: Client, *expected: str, to: str | None = None) -> tuple[Part, ...] | None:
        """Return the first message that says all of this, or None; a mail to this address alone."""
        arrived = self._mails(to) if client is Client.MAIL else self._posts(client)
        return next((parts for parts in arrived if all(text in text_of(parts) for text in expected)), None)

    def _posts(self, client: Client) -> Iterator[tuple[Part, ...]]:
        path, read = _POSTED[client]
        return (read(each.body) for each in self.posted.received if each.path == path)

    def _mails(self, to: str | None) -> Iterator[tuple[Part, ...]]:
        return (read_mail(each.original).parts for each in self.mails.mails if each.to == (to,))
