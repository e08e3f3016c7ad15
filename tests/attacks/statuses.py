"""Attacks on status: what is written there by others proves nothing, and is not let in."""

from typing import Any

from tests.attacks.denials import (
    ONLY_OPERATOR,
    rbac,
)
from tests.attacks.model import Attack, Json, Shows, Twin, patch, replacing


def forge_status(slug: str, who: str, what: str, target: str, status: Json, **more: Any) -> Attack:
    """Return an attack that writes a status."""
    request = patch(f"{target}/status", {"status": status})
    twin = Twin("operator", "writes the status", request)
    return Attack(slug, 8, who, what, request, ONLY_OPERATOR, twin, **more)


FORGED = [
    forge_status(
        "approve-by-status",
        "mallory",
        "somebody writes Approved into the status of a gate",
        "approvals/gate",
        {"state": "Approved"},
        peer="manual-approval-gate",
    ),
    forge_status(
        "approve-by-status-as-admin",
        "admin",
        "cluster-admin writes Approved into the status of a gate",
        "approvals/gate",
        {"state": "Approved"},
    ),
    forge_status(
        "reopen-by-status",
        "admin",
        "cluster-admin opens a gate again that has ended",
        "approvals/ended",
        {"state": "Pending"},
    ),
    forge_status(
        "succeed-by-status",
        "mallory",
        "somebody writes Succeeded into the status of a run",
        "actionruns/waiting",
        {"phase": "Succeeded"},
    ),
    forge_status(
        "plan-by-status",
        "admin",
        "cluster-admin writes another plan into the status of a run",
        "actionruns/waiting",
        {"plan": None},
    ),
    forge_status(
        "immortal-by-status",
        "mallory",
        "somebody writes another end into the status of an Environment",
        "environments/env",
        {"expiresAt": "2100-01-01T00:00:00Z"},
    ),
    forge_status(
        "action-by-status",
        "author",
        "an author writes into the status of an Action that it works",
        "actions/berth",
        {"observedGeneration": 1},
    ),
    forge_status(
        "channel-by-status",
        "admin",
        "cluster-admin writes the status of a channel",
        "notificationchannels/signal",
        {"observedGeneration": 1},
    ),
    Attack(
        "replace-status",
        8,
        "mallory",
        "somebody replaces the status of a gate by PUT",
        replacing("approvals/gate/status", lambda live: live["status"].update(state="Approved")),
        ONLY_OPERATOR,
        Twin("operator", "writes the status", patch("approvals/gate/status", {"status": {"state": "Approved"}})),
    ),
    Attack(
        "status-through-spec",
        8,
        "lead-1",
        "an approver sends a status along with the decision",
        patch("approvals/gate", {"status": {"state": "Approved"}}),
        Shows("status.state", "Pending"),
    ),
    Attack(
        "spec-through-status",
        8,
        "operator",
        "the operator's own account sends a decision along with a status",
        patch(
            "approvals/gate/status",
            {"spec": {"decisions": {"lead-1@example.com": {"verdict": "Approve"}}}, "status": {"tally": "1/2"}},
        ),
        Shows("spec.decisions", None),
    ),
    Attack(
        "approver-writes-status",
        8,
        "lead-1",
        "an approver writes the status of a gate",
        patch("approvals/gate/status", {"status": {"state": "Approved"}}),
        rbac("lead-1@example.com", "patch", "approvals/status"),
        Twin("operator", "writes the status", patch("approvals/gate/status", {"status": {"state": "Approved"}})),
    ),
]


ATTACKS = [*FORGED]
