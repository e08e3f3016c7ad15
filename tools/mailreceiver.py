"""A mail server on loopback, which keeps what it gets: for the demo. It offers neither TLS nor a login."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tools.installation import free_port


@dataclass
class MailReceiver:
    """Each mail with the addresses that it was sent to, in the order in which they came."""

    received: list[tuple[list[str], bytes]] = field(default_factory=list)
    _controller: Controller | None = None

    @property
    def server(self) -> str:
        """Host and port."""
        if self._controller is None:
            raise RuntimeError("the mail receiver is used outside `with`")
        return f"{self._controller.hostname}:{self._controller.port}"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail; aiosmtpd calls it so."""
        self.received.append((list(envelope.rcpt_tos), envelope.original_content or b""))
        return "250 OK"

    def __enter__(self) -> Self:
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._controller is not None:
            self._controller.stop()
