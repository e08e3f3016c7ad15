"""Logs that a person or a machine reads: each line of a look says at which object, and no text of others forges a line."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from pratique.core.kernel.frames import trace_of

_FIELDS = ("kind", "namespace", "name", "uid")
_looking_at: ContextVar[tuple[str, ...]] = ContextVar("looking_at", default=())
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), 127, 0x85, 0x2028, 0x2029)} | {10: "\\n"}


@contextmanager
def looking_at(kind: str, namespace: str, name: str, uid: str) -> Iterator[None]:
    """Let every line that is logged within say which object it is about."""
    token = _looking_at.set((kind, namespace, name, uid))
    try:
        yield
    finally:
        _looking_at.reset(token)


class TextFormatter(logging.Formatter):
    """One line for a person; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        fields = "".join(f" {key}={value}" for key, value in _fields().items())
        line = f"{at} {record.levelname:<7} {record.name}: {record.getMessage()}{fields}".translate(_ESCAPES)
        trace = _trace(record)
        if trace:
            line += "\n" + "\n".join(f"    {each.translate(_ESCAPES)}" for each in trace.splitlines())
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
            **_fields(),
        }
        trace = _trace(record)
        if trace:
            line["exception"] = trace
        return json.dumps(line, ensure_ascii=True)


def _trace(record: logging.LogRecord) -> str:
    """Return the traceback of a line that has one; what others' exceptions say is left out, it may quote an object."""
    error = record.exc_info[1] if record.exc_info else None
    return trace_of(error) if error is not None else ""


def _fields() -> dict[str, str]:
    return {key: value for key, value in zip(_FIELDS, _looking_at.get(), strict=False) if value}


def set_up(level: str, form: str) -> None:
    """Log to stderr from now on; `form` is text or json."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("kopf").setLevel(logging.WARNING)
