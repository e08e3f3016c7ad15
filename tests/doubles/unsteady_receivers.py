"""An endpoint for CloudEvents and a mail server that are away, busy, dead or well as they are told, and count everything.

Away means that nothing listens on their port. Each keeps the ids of what it has taken, in the order of arrival, and of
what it took without saying so: of those, nobody can know, and a repeat is right.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.installation import free_port
from tools.mailbox import Mailbox
from tools.receiver import Received, Receiver


@dataclass
class Kept:
    """What one receiver has taken. Every `silent_every`-th message gets no answer; 0: each gets one."""

    silent_every: int = 0
    taken: list[str] = field(default_factory=list)
    about: dict[str, float] = field(default_factory=dict)
    """By name of the run: when its first message arrived."""
    silent: list[str] = field(default_factory=list)
    tries: int = 0
    """How often somebody came, taken or not; while it is away, nobody can count."""

    def take(self, ident: str, about: str) -> bool:
        """Keep a message; return whether it is answered."""
        self.taken.append(ident)
        self.about.setdefault(about, time.time())
        if self.silent_every and len(self.taken) % self.silent_every == 0:
            self.silent.append(ident)
            return False
        return True

    def repeated(self) -> Counter[str]:
        """Return what arrived more than once, and how many times more."""
        return Counter({ident: times - 1 for ident, times in Counter(self.taken).items() if times > 1})


@dataclass
class Endpoint(Kept, Receiver):
    """Takes what comes; or is `busy` and answers these statuses and headers in turn; or hangs. Starts away."""

    port: int = field(default_factory=free_port)
    busy: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    hangs: bool = False
    released: threading.Event = field(default_factory=threading.Event)
    """Set, it lets go of who hangs."""

    def stop(self) -> None:
        """Be away."""
        self.released.set()
        super().stop()

    def answer(self, request: Received) -> tuple[int, Mapping[str, str]] | None:
        """Take a message, and say so or not."""
        self.tries += 1
        if self.hangs:
            self.released.wait()
            return None
        if self.busy:
            return self.busy[self.tries % len(self.busy)]
        return (200, {}) if self.take(request.body["id"], request.body["subject"].rpartition("/")[2]) else None


class Postbox(Mailbox):
    """A mail server; starts away. While it is `rude` it hangs up when a mail begins."""

    def __init__(self, silent_every: int = 0) -> None:
        super().__init__()
        self.kept, self.rude = Kept(silent_every), False

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        """Hang up, or take the sender."""
        self.kept.tries += 1
        if self.rude:
            server.transport.abort()
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail, and say so or not."""
        answer = await super().handle_DATA(server, session, envelope)
        mail = self.mails.pop().content
        about = str(mail["Subject"]).rpartition("/")[2].removesuffix(")")
        if not self.kept.take(str(mail["Message-ID"]), about):
            server.transport.abort()
        return answer
