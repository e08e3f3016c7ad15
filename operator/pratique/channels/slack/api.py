"""One call of Slack's Web API: a POST with the bot's token in its header, never in a URL, and what the answer means."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from yarl import URL

from pratique.channels.kit.posting import Poster
from pratique.channels.slack.errors import Done, Undone, judged
from pratique.core.kernel.effects import Delivery

ANSWER_BYTES = 2_097_152
"""The answer to a message repeats it, with every letter beyond ASCII in six bytes."""
LOOKUP = "users.lookupByEmail"


@dataclass(frozen=True)
class SlackApi:
    """The Web API of one workspace, as one bot."""

    base: URL
    token: str = field(repr=False)
    poster: Poster

    @property
    def workspace(self) -> str:
        """Return what tells workspaces apart, without the token in it."""
        return hashlib.sha256(f"{self.base} {self.token}".encode()).hexdigest()

    async def call(self, method: str, arguments: Mapping[str, Any]) -> Done | Undone:
        """Call a method once."""
        form = method == LOOKUP  # methods that only read take no JSON
        body = urlencode(arguments) if form else json.dumps(arguments)
        kind = "application/x-www-form-urlencoded" if form else "application/json; charset=utf-8"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        answer = await self.poster.post(self.base / method, body.encode(), headers, whole=ANSWER_BYTES)
        return Undone(answer) if isinstance(answer, Delivery) else judged(answer, self.token)
