"""A mail server on loopback that keeps what it is sent: for the demo and the tests. In the clear, without a login."""

from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tools.installation import free_port


@dataclass
class Mail:
    """One mail, and whom it was for."""

    to: tuple[str, ...]
    content: EmailMessage
    original: bytes = b""
    """As it was sent."""

    @property
    def text(self) -> str:
        """What a client without HTML shows."""
        body = self.content.get_body(("plain",))
        return str(body.get_content()) if body is not None else ""


@dataclass
class Mailbox:
    """Use as a context manager; runs in a thread of its own, and may be stopped and started again on its port."""

    port: int = field(default_factory=free_port)
    mails: list[Mail] = field(default_factory=list)
    host: str = "127.0.0.1"
    """An address of this machine."""
    _controller: Any = None

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail."""
        original = envelope.original_content or b""
        content = message_from_bytes(original, policy=default)
        assert isinstance(content, EmailMessage)
        self.mails.append(Mail(tuple(envelope.rcpt_tos), content, original))
        return "250 OK"

    @property
    def server(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    def to(self, address: str) -> list[Mail]:
        """Return what was sent to an address, in the order of arrival."""
        return [mail for mail in self.mails if address in mail.to]

    def start(self) -> None:
        """Take mails."""
        self._controller = Controller(self, hostname=self.host, port=self.port, enable_SMTPUTF8=True)
        self._controller.start()

    def stop(self) -> None:
        """Take none."""
        self._controller.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
