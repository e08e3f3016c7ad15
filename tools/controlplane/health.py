"""Asks the servers of a control plane whether they are ready. Called by plane.py."""

import http.client
import ssl
from pathlib import Path

_TIMEOUT = 5.0


def api_health(address: str, port: int, authority: Path, token: str) -> str | None:
    """Return None when the API server is ready, "" while nothing answers, else what it still waits for."""
    return _ask(address, port, "/readyz?verbose", ssl.create_default_context(cafile=str(authority)), token)


def server_health(port: int) -> str | None:
    """Like api_health for the other servers: they make up their certificates, and only loopback can answer here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _ask("127.0.0.1", port, "/healthz", context, None)


def _ask(address: str, port: int, path: str, context: ssl.SSLContext, token: str | None) -> str | None:
    connection = http.client.HTTPSConnection(address, port, timeout=_TIMEOUT, context=context)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        body = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
    if response.status == http.client.OK:
        return None
    pending = [line for line in body.splitlines() if line.startswith("[-]")]
    return "; ".join(pending) or f"{response.status} {response.reason}"
