"""The outbox of a stored status, with an entry for each recipient."""

from typing import Any

from pratique.api.v1alpha1.outbox import outbox_of


def entries(status: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what was, is and will be told to whom, as JSON."""
    return [entry.to_wire() for entry in outbox_of(status)]
