"""Kubernetes Events on the object: the channel that always works. Their names are fixed, so that a repeat is no second."""

import hashlib
from typing import Any

from pratique.core.messages import Message
from pratique.core.notification import EVENTS
from pratique.core.text import clean

CONTROLLER = "pratique.dev/operator"


def event_manifest(message: Message) -> dict[str, Any]:
    """Return the events.k8s.io/v1 Event of a message."""
    subject = message.subject
    digest = hashlib.sha256(message.id.encode()).hexdigest()[:16]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{subject.name[:200]}.{digest}", "namespace": subject.namespace or "default"},
        "eventTime": message.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": CONTROLLER,
        "action": EVENTS[message.event].action,
        "reason": message.event.value,
        "type": EVENTS[message.event].type,
        "note": clean(message.text, 1000) or message.headline,
        "regarding": {
            "apiVersion": subject.api_version,
            "kind": subject.kind,
            "namespace": subject.namespace,
            "name": subject.name,
            "uid": subject.uid,
        },
    }
