"""The canaries: objects that a guarding API server must refuse, whoever sends them. Pure data."""

from dataclasses import dataclass
from typing import Any

from pratique.api.v1alpha1 import API_VERSION


@dataclass(frozen=True)
class Canary:
    """An object to create as a dry run, and what the refusal must say."""

    policy: str
    manifest: dict[str, Any]
    expected: str


def _canary(policy: str, kind: str, spec: dict[str, Any], *, namespaced: bool = True, expected: str = "") -> Canary:
    metadata: dict[str, Any] = {"name": "pratique-canary", "labels": {"pratique.dev/canary": "true"}}
    if namespaced:
        metadata["namespace"] = "pratique-system"
    manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    return Canary(policy, manifest, f"pratique canary: {policy}{expected}")


# Values of six letters and more are hidden where a policy's words repeat them, and these words must be heard: "probe".
_RUN = {"actionRef": {"name": "pratique-canary"}}
_GATE = {
    "subject": {"kind": "ActionRun", "name": "canary", "uid": "probe"},
    "stage": "probe",
    "action": "probe",
    "requestedBy": {"username": "probe"},
    "plan": {"digest": "probe"},
    "policy": {"approvers": {"users": ["probe"]}, "deadline": "2026-01-01T00:00:00Z"},
}
_TEMPLATE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "canary"}}
_ACTION = {
    "title": "probe",
    "execution": {
        "serviceAccountRef": {"namespace": "pratique-system", "name": "canary"},
        "resources": [{"id": "probe", "template": _TEMPLATE}],
    },
}
_ENVIRONMENT = {"ttl": "1h", "target": {"namespace": {"name": "pratique-canary"}}}
_DELEGATION = {"to": "probe", "until": "2026-01-01T00:00:00Z"}
_CHANNEL = {"slack": {"webhookUrlSecretRef": {"name": "probe", "key": "probe"}}}


_LEASH = Canary(
    "pratique-operator",
    {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "pratique-canary", "labels": {"pratique.dev/canary": "true"}},
    },
    "pratique canary: pratique-operator",
)


def canaries(operator: str) -> tuple[Canary, ...]:
    """Return one canary per policy, for an operator of this user name."""
    deciding = _GATE | {"decisions": {operator: {"verdict": "Approve"}}}
    return (
        # The user name at the end is the one that the mutating policy stamped, so this canary proves both.
        _canary("pratique-requester", "ActionRun", _RUN, expected=f" {operator}"),
        _canary("pratique-decision", "Approval", deciding, expected=" stamped"),
        _canary("pratique-action", "Action", _ACTION, namespaced=False),
        _canary("pratique-environment", "Environment", _ENVIRONMENT),
        _canary("pratique-away", "Delegation", _DELEGATION, namespaced=False, expected=f" {operator}"),
        _canary("pratique-status", "NotificationChannel", _CHANNEL, namespaced=False),
        _LEASH,
    )


def in_turn(operator: str, turn: int) -> tuple[Canary, ...]:
    """Return the canaries of one look of many: one that both kinds of policies answer, and one of the others in turn.

    So each look shows that the API server asks its policies at all. That one of them is another, uid and generation show.
    """
    requester, decision, *others = canaries(operator)
    return (requester, decision)[turn % 2], others[turn % len(others)]
