"""Reads what the e-mail channel sends, as a mail program does: a few headers, the page, and the text for a terminal.

A header or a part that we do not send is an error; what the page holds, a browser says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from tools.render.parts import Paragraph, Part, Role, Run, Style, UnknownPartError

SHOWN = ("From", "To", "Subject", "Date")
_UNSEEN = {
    "Reply-To",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
}
_VALUE = re.compile(r"^  (?! )", re.MULTILINE)


@dataclass(frozen=True)
class Mail:
    """A mail as it is read: the headers that programs show, its page, and its text."""

    headers: dict[str, str]
    html: str
    text: str

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the text says."""
        return read_text(self.text)


def read_mail(content: bytes) -> Mail:
    """Return a mail of ours."""
    mail = message_from_bytes(content, policy=default)
    if not isinstance(mail, EmailMessage) or mail.get_content_type() != "multipart/alternative":
        raise UnknownPartError("only a mail of two forms is known")
    if unknown := sorted(set(mail.keys()) - {*SHOWN, *_UNSEEN}):
        raise UnknownPartError(f"what a mail program does with {', '.join(unknown)} is not known")
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    if kinds != ["text/plain", "text/html"]:
        raise UnknownPartError(f"only a text and a page are known, not {', '.join(kinds)}")
    text, html = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    return Mail({name: str(mail[name]).strip() for name in SHOWN}, html, text)


def read_text(text: str) -> tuple[Part, ...]:
    """Return the parts of a text: what is indented belongs to the label above it, and what is more so, to its line."""
    blocks = text.strip("\n").split("\n\n")
    cells = [tuple(_paragraphs(block)) for block in blocks]
    (headline,) = cells[0]
    return (Part(((Paragraph(headline.lines, Role.HEADLINE),), *cells[1:])),)


def _paragraphs(block: str) -> Iterator[Paragraph]:
    label, *values = _VALUE.split(block)
    if not values:
        yield Paragraph(((Run(_joined(label)),),))
        return
    if not label.endswith(":\n"):
        raise UnknownPartError(f"text: a label was expected, not {label!r}")
    yield Paragraph(((Run(_joined(label.removesuffix(":\n")), frozenset({Style.BOLD})),),))
    role = Role.COMMAND if values[0].startswith("kubectl ") else Role.TEXT
    yield Paragraph(tuple((Run(_joined(value)),) for value in values), role)


def _joined(lines: str) -> str:
    return " ".join(line.strip() for line in lines.strip("\n").split("\n"))
