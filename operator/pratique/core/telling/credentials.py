"""Decides to which servers a credential may go: its owner says so, in an annotation of the Secret that holds it. Pure.

Whoever writes a NotificationChannel names the server; whoever may write the Secret owns what is in it. So the server has
to be one that the Secret names, by the name that the channel uses: what that name resolves to, TLS has to prove.
"""

import re
from dataclasses import dataclass

from pratique.core.kernel.text import clean

ALLOWED_HOSTS = "pratique.dev/allowed-hosts"
"""Annotation of a Secret: HOST:PORT, several with commas between; without a port, the usual ones of the service.

`http://HOST:PORT` lets a call of a run send it there in clear text: TLS proves nothing then, so the whole place is written.
"""
_ENTRY = re.compile(
    r"(?P<clear>http://(?=.*:[0-9]+$))?"
    r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_]([-A-Za-z0-9_.]{0,251}[A-Za-z0-9.])?)(:(?P<port>[0-9]{1,5}))?"
)


@dataclass(frozen=True)
class Service:
    """A sort of server: its usual ports, and the hosts that a Secret means that names none; None for all."""

    ports: frozenset[int]
    hosts: frozenset[str] | None = frozenset()


MAIL = Service(frozenset({25, 465, 587}))
SLACK = Service(frozenset({443}), frozenset({"slack.com", "slack-gov.com"}))
ANY = Service(frozenset({443}), None)
"""For what is not itself sent."""


def named_server(host: str, port: int) -> str:
    """Return HOST:PORT, as people write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def why_not(annotation: str | None, host: str, port: int, service: Service, *, clear: bool = False) -> str | None:
    """Return why a credential may not go to a server, as the middle of a sentence about its Secret; None if it may.

    `clear`: it would go there in clear text, and only an entry that begins with http:// lets it.
    """
    name = _plain(host)
    if annotation is None:
        if service.hosts is None or (name in service.hosts and port in service.ports and not clear):
            return None
        usual = f", which means {' and '.join(sorted(service.hosts))}" if service.hosts else ""
        return f"names no server that may see what it holds{usual}"
    allowed = []
    for entry in filter(None, re.split(r"[,\s]+", annotation)):
        found = _ENTRY.fullmatch(entry)
        if found is None:
            return f"has {clean(entry, 80)!r} in {ALLOWED_HOSTS}, which is no HOST:PORT"
        lent = bool(found["clear"])
        same = _plain(found["host"]) == name and (lent is clear or (service.hosts is None and not lent))
        if same and (port == int(found["port"]) if found["port"] else port in service.ports):
            return None
        allowed.append(entry)
    plainly = ", and not in clear text" if clear else ""
    return f"lets what it holds go to {clean(', '.join(allowed), 300) or 'no server'} alone{plainly}"


def _plain(host: str) -> str:
    return host.lower().strip("[]").removesuffix(".")
