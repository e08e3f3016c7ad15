"""What tests of runs share: waiting for a phase, reading a condition, and an account for an Action to act as."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.builders.manifests import Manifest
from tests.support.certain import certain
from tests.support.cluster import Cluster, wait_for

STILL_GOING = (None, "Pending", "WaitingForApproval", "Running")


def phase(cluster: Cluster, name: str, namespace: str, *wanted: str, timeout: float = 30.0) -> dict[str, Any]:
    """Wait until a run is in one of these phases; return its status."""

    def look() -> dict[str, Any] | None:
        status = (cluster.get("actionrun", name, namespace) or {}).get("status", {})
        now = status.get("phase")
        assert now in wanted or now in STILL_GOING, f"run {name} is {now}: {status.get('message')}"
        return status if now in wanted else None

    return wait_for(f"run {name} in {'/'.join(wanted)}", look, timeout)


def document_of(cluster: Cluster, status: dict[str, Any], namespace: str) -> Any:
    """Return what a run does, exactly: the document in its Approval or, without a gate, in its status."""
    text = status.get("document")
    for gate in status.get("approvals", []):
        text = (cluster.get("approval", gate["name"], namespace) or {})["spec"]["plan"]["document"]
    return json.loads(certain(text))


def condition(body: dict[str, Any] | None, kind: str) -> dict[str, Any]:
    """Return a condition of an object or of a status; empty if there is none."""
    status = (body or {}).get("status", body or {})
    return next((each for each in status.get("conditions", []) if each["type"] == kind), {})


def finished_job(started: str) -> dict[str, Any]:
    """Return the status that the Job controller writes once the pods are done: no node here runs any."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [
        {"type": kind, "status": "True", "reason": "CompletionsReached", "lastTransitionTime": at, "lastProbeTime": at}
        for kind in ("SuccessCriteriaMet", "Complete")
    ]
    pods = {"active": 0, "ready": 0, "terminating": 0, "succeeded": 1}
    return {**pods, "startTime": started, "completionTime": at, "conditions": conditions}


def account(namespace: str, name: str, *rules: dict[str, Any]) -> list[Manifest]:
    """Return a ServiceAccount with these rights in its namespace, as which the operator may act."""
    user = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    operator = {"kind": "ServiceAccount", "name": "pratique", "namespace": "pratique-system"}
    lent = {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"], "resourceNames": [name]}
    made: list[Manifest] = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _meta(name, namespace)}]
    for role, grants, subject in ((name, list(rules), user), (f"pratique-as-{name}", [lent], operator)):
        made.append({**_rbac("Role", role, namespace), "rules": grants})
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}
        made.append({**_rbac("RoleBinding", role, namespace), "roleRef": ref, "subjects": [subject]})
    return made


def _rbac(kind: str, name: str, namespace: str) -> Manifest:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": _meta(name, namespace)}


def _meta(name: str, namespace: str) -> dict[str, str]:
    return {"name": name, "namespace": namespace}
