"""Fills into the address of a call what an earlier one has answered: as one encoded segment or value of the query. Pure.

Until then a plan holds `${resources.<id>.<name>}` in its place, which approvers have read and which is part of the digest.
Scheme, host and port are the author's, and what a receiver has answered changes nothing but that one place.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from pratique.core.kernel.errors import UnsendableError

LATE = re.compile(r"(?<!\$)\$\{\s*resources\.([a-z][a-zA-Z0-9_]{0,30})\.([a-z][a-zA-Z0-9_]{0,30})\s*\}")
MAX_URL = 2048
Kept = Mapping[str, Mapping[str, object]]
"""What was kept of the answer to each call, by its id."""


def names_of(url: str) -> tuple[tuple[str, str], ...]:
    """Return which answers an address reads: the id of a call, and the name under which it is kept."""
    return tuple((found[1], found[2]) for found in LATE.finditer(url))


def without_late(url: str) -> str:
    """Return an address as if each answer were there: for what needs to know no more of it than where it leads."""
    return LATE.sub("0", url)


def say_late(url: str) -> str:
    """Return an address for people: with the name of each answer, and whose it is."""
    return LATE.sub(r"(\2 from \1)", url)


def fill(url: str, kept: Kept) -> str:
    """Return an address as it is called; raises UnsendableError where an answer would lead elsewhere."""

    def value(found: re.Match[str]) -> str:
        here = kept.get(found[1], {}).get(found[2])
        text = str(here).lower() if isinstance(here, bool) else "" if here is None else str(here)
        if not text:
            raise UnsendableError(f"{found[2]} of {found[1]} is empty, and would leave out a part of the address")
        return quote(text, safe="")

    filled = LATE.sub(value, url)
    if len(filled) > MAX_URL:
        raise UnsendableError(f"its address would be longer than {MAX_URL} characters")
    if leads_elsewhere(urlsplit(filled).path):
        raise UnsendableError("its address would have . or .. as a part of its path, which leads elsewhere")
    return filled


def leads_elsewhere(path: str) -> bool:
    """Whether `.` or `..` is a part of a path, however it is written.

    Servers and the proxies before them decode a path once or twice, take \\ for /, and leave out what follows a semicolon,
    before they follow `..`: what any of them could follow is refused.
    """
    decoded = unquote(path, errors="replace")
    while decoded != path:
        path, decoded = decoded, unquote(decoded, errors="replace")
    parts = (re.split("[;?#]", each)[0].strip(" \t\r\n\0") for each in re.split(r"[/\\]", path))
    return any(each in (".", "..") for each in parts)
