"""Reads addresses, and makes names and lines that a header takes: nothing that people write ends a header or begins one.

An address is either usable as it is, or none: what is odd is not repaired, it could become somebody else's.
"""

import re
from dataclasses import dataclass
from email.headerregistry import Address

from pratique.core.kernel.text import clean, fit

MAX_ADDRESS, MAX_LOCAL, MAX_NAME = 254, 64, 64
MAX_ENCODED = 45
"""Bytes that one encoded word holds. The library can lose a space between several, where it folds a name."""
_ATOM = r"[^\s\x00-\x20\x7f.@<>()\[\]\\,;:\"]+"
_LABEL = r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?P<local>{_ATOM}(\.{_ATOM})*)@(?P<domain>{_LABEL}(\.{_LABEL})*)")
_SERVER = re.compile(rf"(\[(?P<ip>[0-9A-Fa-f:.]+)\]|(?P<host>{_LABEL}(\.{_LABEL})*)):(?P<port>[0-9]{{1,5}})")
_PORTS = range(1, 65536)


@dataclass(frozen=True)
class Mailbox:
    """An address, and whose it is; `name` is empty where nobody says."""

    local: str
    domain: str
    name: str = ""

    @property
    def address(self) -> str:
        """The address alone, as the envelope has it."""
        return f"{self.local}@{self.domain}"

    @property
    def header(self) -> Address:
        """What a header of addresses is made of: the library quotes and encodes it."""
        return Address(self.name, self.local, self.domain)


def read_mailbox(address: str, name: str = "") -> Mailbox | None:
    """Return the mailbox of an address; None if it is not one, whole and alone."""
    found = _ADDRESS.fullmatch(address)
    if found is None or len(found["local"]) > MAX_LOCAL or clean(address, MAX_ADDRESS) != address:
        return None
    return Mailbox(found["local"], found["domain"], "" if name == address else name_text(name))


def read_sender(text: str) -> Mailbox | None:
    """Return the mailbox of `Pratique <pratique@example.com>`, or of an address alone."""
    if not text.endswith(">"):
        return read_mailbox(text)
    name, _, address = text[:-1].rpartition("<")
    return read_mailbox(address, name)


def read_server(text: str) -> tuple[str, int] | None:
    """Return host and port of `HOST:PORT`, an IPv6 address without its brackets; None if it is not that."""
    found = _SERVER.fullmatch(text)
    if found is None or int(found["port"]) not in _PORTS:
        return None
    return found["ip"] or found["host"], int(found["port"])


def name_text(text: str) -> str:
    """Return a name that stands before an address."""
    name = header_text(text, MAX_NAME)
    return name if name.isascii() else fit(name, MAX_ENCODED)


def header_text(text: str, limit: int) -> str:
    """Return one line that shows as it is: what looks like an encoded word would be decoded by the reader's program."""
    return clean(" ".join(clean(text, limit).replace("=?", "= ?").split()), limit)
