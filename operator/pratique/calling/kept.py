"""What a call came to, as it is kept in memory until its run has it on record."""

import json
from dataclasses import dataclass, replace
from typing import Self

from pratique.core.kernel.calling import Called


@dataclass(frozen=True)
class Kept:
    """What a call came to, its answer as text: parsed, 64 KiB may be a megabyte and more."""

    called: Called
    body: bytes = b"null"

    @classmethod
    def of(cls, called: Called) -> Self:
        """Keep it."""
        if called.reply is None:
            return cls(called)
        body = json.dumps(called.reply.body, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(replace(called, reply=replace(called.reply, body=None)), body)

    def seen(self) -> Called:
        """Return it, for judging."""
        reply = self.called.reply
        return self.called if reply is None else replace(self.called, reply=replace(reply, body=json.loads(self.body)))
