"""Makes the mail that carries a message to one person: headers, a text and a page, the same bytes at each try.

A mail is of ASCII, so that every server takes it as it is; only an address of other letters needs more, and says so. A
receiver knows a repeat by its Message-ID. Must not send anything.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC
from email.headerregistry import HeaderRegistry, MessageIDHeader
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

from pratique.channels.email.address import Mailbox, header_text
from pratique.channels.email.html import html_of
from pratique.channels.email.text import text_of
from pratique.channels.kit.room import build_fitting, look
from pratique.core.telling.messages import Message

MAX_BYTES = 262_144
MAX_SUBJECT = 200
NOTE = "Shortened to what one mail takes. All of it"
_MANY = 0.2
"""Of the characters of a text; with more of other letters than that, base64 is shorter."""


_HEADERS = HeaderRegistry()
for _name in ("in-reply-to", "references"):  # else a long one is folded as if it were text, and means nothing
    _HEADERS.map_to_type(_name, MessageIDHeader)  # type: ignore[arg-type]  # typeshed names the class that it is mixed with
_POLICY = SMTP.clone(cte_type="7bit", header_factory=_HEADERS)


@dataclass(frozen=True)
class Writer:
    """Who sends, and who gets the answers."""

    sender: Mailbox
    reply_to: Mailbox | None = None


@dataclass(frozen=True)
class Letter:
    """A mail, the addresses of its envelope, and whether an address needs a server of RFC 6531 (SMTPUTF8)."""

    sender: str
    recipient: str
    content: bytes
    utf8: bool


def letter_to(recipient: Mailbox, message: Message, writer: Writer) -> Letter:
    """Return the mail that carries as much of the message as one takes."""
    boxes = (recipient, writer.sender, writer.reply_to or writer.sender)
    utf8 = not all(each.address.isascii() for each in boxes)

    def build(shown: Message, cut: bool) -> bytes:
        more = ((NOTE, look(message)),) if cut else ()
        return _mail(recipient, shown, writer, more).as_bytes(policy=_POLICY.clone(utf8=utf8))

    content = build_fitting(message, build, len, MAX_BYTES)
    return Letter(writer.sender.address, recipient.address, content, utf8)


def _mail(recipient: Mailbox, message: Message, writer: Writer, more: tuple[tuple[str, str], ...]) -> EmailMessage:
    domain = writer.sender.domain
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = writer.sender.header
    mail["To"] = recipient.header
    if writer.reply_to is not None:
        mail["Reply-To"] = writer.reply_to.header
    mail["Subject"] = header_text(message.headline, MAX_SUBJECT)
    mail["Date"] = format_datetime(message.at.astimezone(UTC))
    mail["Message-ID"] = _ident(f"message/{message.id}/{recipient.address}", domain)
    if message.thread:
        # Nobody was ever sent the root. Programs put what refers to the same one together all the same.
        mail["In-Reply-To"] = mail["References"] = _ident(f"thread/{message.thread}", domain)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    text, page = text_of(message, more), html_of(message, more)
    mail.set_content(text, cte=_encoding(text))
    mail.add_alternative(page, subtype="html", cte=_encoding(page))
    # No line of an encoded part can begin so: `=` is written as =3D. Chosen by us, so that repeats are the same.
    mail.set_boundary(f"=_{_digest(f'boundary/{message.id}/{recipient.address}')}")
    return mail


def _encoding(text: str) -> Literal["quoted-printable", "base64"]:
    others = len(text) - len(text.encode("ascii", "ignore"))
    return "base64" if others > len(text) * _MANY else "quoted-printable"


def _ident(what: str, domain: str) -> str:
    return f"<{_digest(what)}@{domain}>"


def _digest(what: str) -> str:
    return hashlib.sha256(what.encode()).hexdigest()[:40]
