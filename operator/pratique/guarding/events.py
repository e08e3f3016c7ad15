"""The Kubernetes Events about the guard: that nothing is decided, and that all is well again. Pure.

They are on the record of the guard, in the operator's namespace: `kubectl events -n pratique-system` shows them.
"""

from datetime import UTC, datetime
from typing import Any

from pratique.channels.kubernetes_events import CONTROLLER, MAX_NOTE_BYTES
from pratique.core.kernel.text import clean
from pratique.guarding.record import RECORD_NAME


def guard_event(namespace: str, why: str | None, now: datetime, instance: str) -> dict[str, Any]:
    """Return the events.k8s.io/v1 Event for a gap that begins, or (`why` is None) that is over."""
    at = now.astimezone(UTC)
    note = f"Nothing is decided: {why}" if why else "The API server guards again; requests are decided again"
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{RECORD_NAME}.{int(at.timestamp() * 1e6):x}", "namespace": namespace},
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:128],
        "action": "Guard",
        "reason": "NotGuarded" if why else "Guarded",
        "type": "Warning" if why else "Normal",
        "note": clean(note, MAX_NOTE_BYTES // 4),
        "regarding": {"apiVersion": "v1", "kind": "ConfigMap", "name": RECORD_NAME, "namespace": namespace},
    }
