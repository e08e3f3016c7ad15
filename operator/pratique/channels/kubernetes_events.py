"""Kubernetes Events on the object: the channel that is always there. Builds the Event and judges the API server's answer.

Must not talk to the API server itself: channels do not know `cluster`, so `delivery` is given the POST. Names are made
from the message's id: the same message posted again is AlreadyExists, and that is as good as sent.
"""

import hashlib
from datetime import UTC
from typing import Any

from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import Delivery, Failure
from pratique.core.kernel.text import clean
from pratique.core.telling.events import EVENTS
from pratique.core.telling.messages import Message

CONTROLLER = "pratique.dev/operator"
MAX_NAME = 200
MAX_NOTE_BYTES = 1024
_HOPELESS = frozenset({"NotFound", "Invalid", "BadRequest", "RequestEntityTooLarge", "MethodNotAllowed"})


def event_manifest(message: Message, instance: str = CONTROLLER) -> dict[str, Any]:
    """Return the events.k8s.io/v1 Event of a message; `instance` is which process reports it."""
    subject, info = message.subject, EVENTS[message.event]
    digest = hashlib.sha256(message.id.encode()).hexdigest()[:16]
    regarding = {"apiVersion": subject.api_version, "kind": subject.kind, "name": subject.name, "uid": subject.uid}
    if subject.namespace:
        regarding["namespace"] = subject.namespace
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            # A name cut within a dot or dash would not be a DNS name once the digest follows.
            "name": f"{subject.name[:MAX_NAME].rstrip('.-')}.{digest}",
            "namespace": subject.namespace or "default",
        },
        "eventTime": message.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:128],
        "action": info.action,
        "reason": info.reason,
        "type": info.type,
        "note": _clip_bytes(clean(message.text, MAX_NOTE_BYTES), MAX_NOTE_BYTES),
        "regarding": regarding,
    }


def judge(failure: Failure | None) -> Delivery:
    """Say what the API server's answer means. What a namespace on its way out refuses will never be taken."""
    if failure is None or failure.reason == "AlreadyExists":
        return Delivery(sent=True)
    permanent = not failure.transient and (failure.cause is Cause.TERMINATING or failure.reason in _HOPELESS)
    return Delivery(sent=False, error=f"{failure.reason}: {failure.message}", permanent=permanent)


def _clip_bytes(text: str, limit: int) -> str:
    """The API server counts bytes, not characters."""
    data = text.encode()
    if len(data) <= limit:
        return text
    return data[: limit - len("…".encode())].decode(errors="ignore") + "…"
