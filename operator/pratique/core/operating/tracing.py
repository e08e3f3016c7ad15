"""Reads where traces go from OpenTelemetry's own environment variables. Pure.

Off unless an endpoint is named, though OpenTelemetry's default is one on loopback: nobody is sent anything unasked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from pratique.core.kernel.errors import ConfigurationError

_PREFIX = "OTEL_EXPORTER_OTLP_"
_NAME = re.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_LONGEST_MS = 60_000


class TracingError(ConfigurationError):
    """Where traces are to go."""


@dataclass(frozen=True)
class Tracing:
    """Where traces go, and how. The headers may hold a token, and are shown nowhere."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 10.0
    certificate: str | None = None
    """A file with the authorities that the receiver's certificate is to be of; None: those of the system."""
    resource: Mapping[str, str | int] = field(default_factory=dict)


def tracing_of(environ: Mapping[str, str], version: str) -> Tracing | None:
    """Return where traces go, or None; raises TracingError for what cannot be used."""
    url = environ.get(f"{_PREFIX}TRACES_ENDPOINT") or ""
    name = f"{_PREFIX}TRACES_ENDPOINT" if url else f"{_PREFIX}ENDPOINT"
    if not url and (base := environ.get(name)):
        url = f"{base.rstrip('/')}/v1/traces"
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    if not url or off:
        return None
    _check(name, url, _either(environ, "PROTOCOL") or "http/json")
    resource: dict[str, str | int] = {"service.name": "pratique", "service.version": version}
    resource |= _pairs("OTEL_RESOURCE_ATTRIBUTES", environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    if service := environ.get("OTEL_SERVICE_NAME"):
        resource["service.name"] = service
    headers = _pairs(f"{_PREFIX}HEADERS", _either(environ, "HEADERS"))
    for key, value in headers.items():
        if not _NAME.fullmatch(key) or not value.isprintable():
            raise TracingError(
                f"{_PREFIX}HEADERS: a name or value in it is none of a header; write name=value,name=value"
            )
    seconds = _seconds(_either(environ, "TIMEOUT"))
    return Tracing(url, headers, seconds, _either(environ, "CERTIFICATE") or None, resource)


def _either(environ: Mapping[str, str], name: str) -> str:
    return environ.get(f"{_PREFIX}TRACES_{name}") or environ.get(f"{_PREFIX}{name}") or ""


def _check(name: str, url: str, protocol: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known:
        raise TracingError(f"{name}: this is no address; write one such as http://collector.monitoring:4318")
    if parts.username is not None or parts.password is not None:
        raise TracingError(f"{name}: leave the user out of the address; credentials go into {_PREFIX}HEADERS")
    if protocol not in ("http/json", "http/protobuf"):
        raise TracingError(
            f"{_PREFIX}PROTOCOL: traces are sent as http/json only; leave it out, and name the receiver's port for HTTP"
        )


def _pairs(name: str, text: str) -> dict[str, str]:
    found = {}
    for each in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = each.partition("=")
        if not equals or not key.strip():
            raise TracingError(f"{name}: an entry has no = in it; write name=value,name=value")
        found[key.strip()] = unquote(value.strip())
    return found


def _seconds(text: str) -> float:
    if not text:
        return 10.0
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= _LONGEST_MS):
        raise TracingError(f"{_PREFIX}TIMEOUT: write a number of milliseconds from 1 to {_LONGEST_MS}")
    return int(text) / 1000
