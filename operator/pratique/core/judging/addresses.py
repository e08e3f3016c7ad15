"""Judges the addresses of calls: the server that an author wrote out, and where a path leads once it is decoded. Pure.

Servers and the proxies before them decode a path once or twice, take \\ for /, and leave out what follows a semicolon,
before they follow `..`: what any of them could follow is refused.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

BASE = re.compile(
    r"(https?)://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?)(:[0-9]{1,5})?(?=[/?]|$)"
)
"""Scheme, host and port, written out."""
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]*|[0-9]+")
"""A name that ends so is read as an IPv4 address in some notation."""
_MAX_PORT = 65535
_HTTPS = 443


def problem_of_server(url: str, *, private: bool) -> str | None:
    """Return why nothing can be sent to the server of an address; `private` if what comes from a Secret is sent along."""
    base = BASE.match(url)
    if base is None:
        return (
            "scheme, host and port must be written out, such as https://api.example.com/: an expression may stand behind"
            " them only, and neither user name nor password"
        )
    host, port = base[2], int(base[4][1:]) if base[4] else None
    if port is not None and not 0 < port <= _MAX_PORT:
        return f"has port {port}, and ports go from 1 to {_MAX_PORT}: write the one that the server listens at"
    if not _is_host(host):
        return (
            f"has the host {host[:80]}, which is no name such as api.example.com, nor an address such as 192.0.2.7 or"
            " [2001:db8::7]: write one of those"
        )
    if private and base[1] == "http" and port == _HTTPS:
        return "would send in clear text, to port 443, what headersFrom takes from a Secret: write it with https://"
    return None


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            return bool(IPv6Address(host[1:-1]))
        labels = host.split(".")
        if _NUMBER.fullmatch(labels[-1]):
            return bool(IPv4Address(host))
    except AddressValueError:
        return False
    return all(map(_LABEL.fullmatch, labels))
