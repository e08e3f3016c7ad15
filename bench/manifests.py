"""The objects of the benchmark: an Action of one ConfigMap, its account, runs, and what the operator would write."""

import copy
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
ACTION = "note"
ACCOUNTS = "bench-actions"
OPERATOR = "system:serviceaccount:pratique-system:pratique"
WRITER = f"system:serviceaccount:{ACCOUNTS}:writer"
INSTALL = """
apiVersion: v1
kind: Namespace
metadata: {name: bench-actions}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: writer, namespace: bench-actions}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: bench-writer}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [create, get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: bench-writer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: bench-writer}
subjects: [{kind: ServiceAccount, name: writer, namespace: bench-actions}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: pratique-as-writer, namespace: bench-actions}
rules:
- {apiGroups: [""], resources: [serviceaccounts], verbs: [impersonate], resourceNames: [writer]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: pratique-as-writer, namespace: bench-actions}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: pratique-as-writer}
subjects: [{kind: ServiceAccount, name: pratique, namespace: pratique-system}]
---
apiVersion: pratique.dev/v1alpha1
kind: Action
metadata: {name: note}
spec:
  title: Write a note
  inputs: {schema: {type: object, required: [gated], properties: {gated: {type: boolean}}}}
  approval:
    stages: [{name: lead, when: inputs.gated, deadline: 4w, approvers: {groups: [platform-leads]}}]
  execution:
    serviceAccountRef: {namespace: bench-actions, name: writer}
    resources:
    - id: note
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: "${run.name}", namespace: "${run.namespace}"}}
"""
GRANT = {"spec": {"decisions": {"lead-1@example.com": {"verdict": "Approve"}}}}


def run(name: str, *, gated: bool = True) -> Json:
    """Return an ActionRun as a developer writes it."""
    spec = {"actionRef": {"name": ACTION}, "inputs": {"gated": gated}}
    return {"apiVersion": "pratique.dev/v1alpha1", "kind": "ActionRun", "metadata": {"name": name}, "spec": spec}


@dataclass(frozen=True)
class Pattern:
    """What the operator wrote for one run, at its gate and at its end: a bare client writes the same for others."""

    gate: Json
    waiting: Json
    granted: Json
    ended: Json
    made: Json

    def approval(self, run_made: Json, deadline: str | None = None) -> Json:
        """Return the Approval that the operator would open for a run."""
        uid, name = run_made["metadata"]["uid"], run_made["metadata"]["name"]
        spec = copy.deepcopy({key: value for key, value in self.gate["spec"].items() if key != "decisions"})
        spec["subject"] |= {"name": name, "uid": uid}
        if deadline is not None:
            spec["policy"]["deadline"] = deadline
            spec["policy"].pop("escalation", None)  # its moments are those of another deadline
        metadata: Json = {"name": gate_name(run_made), "labels": {"pratique.dev/run-uid": uid}}
        return {"apiVersion": "pratique.dev/v1alpha1", "kind": "Approval", "metadata": metadata, "spec": spec}

    def status(self, run_made: Json, *, ended: bool = False) -> Json:
        """Return the status that the operator would give a run, waiting or ended."""
        status = copy.deepcopy(self.ended if ended else self.waiting)
        status["approvals"][0]["name"] = gate_name(run_made)
        return status

    def config_map(self, run_made: Json) -> Json:
        """Return the ConfigMap that the operator would make for a run."""
        metadata = {key: value for key, value in self.made["metadata"].items() if key in ("labels", "annotations")}
        metadata = copy.deepcopy(metadata) | {"name": run_made["metadata"]["name"]}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def gate_name(run_made: Json) -> str:
    """Return the name of a run's gate."""
    return f"{run_made['metadata']['name']}-lead-{run_made['metadata']['uid'].replace('-', '')[:10]}"
