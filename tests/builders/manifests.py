"""Valid objects to start from; a test changes the one thing it is about."""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.builders.cast import ACTION, DEVELOPER, LEAD, LEADS, STAGE

Manifest = dict[str, Any]
API_VERSION = "pratique.dev/v1alpha1"
RUN_UID = "0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a11"
DELETE = object()
"""As a value of `changed`: leave the field out."""


def action(name: str = ACTION) -> Manifest:
    """Return an Action of one template."""
    template = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "${inputs.name}", "namespace": "${run.namespace}"},
    }
    stage = {"name": STAGE, "when": "true", "approvers": {"users": [LEAD]}}
    return {
        **_kind("Action", name),
        "spec": {
            "title": "Create an environment",
            "inputs": {"schema": {"type": "object", "properties": {"name": {"type": "string"}}}},
            "approval": {"stages": [stage]},
            "execution": {
                "serviceAccountRef": {"namespace": "pratique-actions", "name": "environment-maker"},
                "resources": [{"id": "environment", "template": template}],
            },
        },
    }


def run(
    name: str,
    namespace: str,
    action_name: str = ACTION,
    *,
    inputs: dict[str, Any] | None = None,
    reason: str | None = None,
) -> Manifest:
    """Return an ActionRun as a developer writes it."""
    spec: Manifest = {"actionRef": {"name": action_name}, "inputs": {"name": name} if inputs is None else inputs}
    return {**_kind("ActionRun", name, namespace), "spec": spec | ({"reason": reason} if reason else {})}


def decision(who: str, verdict: str, comment: str | None = None, **more: Any) -> str:
    """Return the merge patch by which `who` decides."""
    entry = {"verdict": verdict} | ({"comment": comment} if comment else {}) | more
    return json.dumps({"spec": {"decisions": {who: entry}}})


def approval(
    namespace: str,
    name: str = "load-test-platform-0c6d5a8e6f",
    *,
    users: tuple[str, ...] = (),
    groups: tuple[str, ...] = (LEADS,),
    requester: str = DEVELOPER,
    deadline: timedelta = timedelta(hours=1),
) -> Manifest:
    """Return an Approval as the operator opens it."""
    until = (datetime.now(UTC) + deadline).strftime("%Y-%m-%dT%H:%M:%SZ")
    approvers = {"users": list(users), "groups": list(groups)}
    return {
        **_kind("Approval", name, namespace),
        "spec": {
            "subject": {"kind": "ActionRun", "name": "load-test", "uid": RUN_UID},
            "stage": STAGE,
            "action": ACTION,
            "requestedBy": {"username": requester, "groups": ["developers"]},
            "plan": {"digest": "sha256:0", "summary": ["Environment load-test for 10d"]},
            "policy": {"approvers": {key: value for key, value in approvers.items() if value}, "deadline": until},
        },
    }


def standalone(namespace: str, name: str = "deploy-orders", *, users: tuple[str, ...] = ()) -> Manifest:
    """Return an Approval without a run, as a pipeline writes it."""
    approvers = {"users": list(users)} if users else {"groups": ["platform-leads"]}
    return {
        **_kind("Approval", name, namespace),
        "spec": {
            "subject": {"title": "Deploy orders 1.4.2 to production", "url": "https://ci.example.com/orders/812"},
            "reason": "Release of the week",
            "policy": {"approvers": approvers, "timeout": "24h"},
        },
    }


def environment(namespace: str, name: str = "load-test") -> Manifest:
    """Return an Environment of three days."""
    return {
        **_kind("Environment", name, namespace),
        "spec": {
            "ttl": "3d",
            "maxTTL": "2w",
            "requestedBy": DEVELOPER,
            "target": {
                "namespace": {"name": f"env-{namespace}-{name}"},
                "quota": {"requests.cpu": "4", "requests.memory": "8Gi"},
                "access": [{"user": DEVELOPER, "role": "edit"}],
            },
        },
    }


def channel(name: str = "team-chat") -> Manifest:
    """Return a NotificationChannel for Slack."""
    return {
        **_kind("NotificationChannel", name),
        "spec": {"slack": {"webhookUrlSecretRef": {"name": "slack", "key": "url"}}},
    }


def delegation(name: str = "holiday", to: str = "deputy@example.com", days: int = 30, **spec: Any) -> Manifest:
    """Return a Delegation as somebody writes it who is away."""
    return {**_kind("Delegation", name), "spec": {"to": to, "until": in_days(days)} | spec}


def in_days(days: float) -> str:
    """Return a moment so many days from now."""
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def changed(manifest: Manifest, changes: dict[str, Any]) -> Manifest:
    """Return a copy with `changes`: dotted paths, list positions as numbers, / between parts with dots in them."""
    result = copy.deepcopy(manifest)
    for path, value in changes.items():
        parts = path.split("/") if "/" in path else path.split(".")
        node: Any = result
        for part in parts[:-1]:
            node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
        if value is DELETE:
            del node[parts[-1]]
        elif isinstance(node, list):
            node[int(parts[-1])] = value
        else:
            node[parts[-1]] = value
    return result


def _kind(kind: str, name: str, namespace: str | None = None) -> Manifest:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata}
