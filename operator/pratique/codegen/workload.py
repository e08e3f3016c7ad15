"""The operator's Deployment: a leader and a standby, no power over its node, probes on what `pratique operator` answers.

A drain of nodes takes one of the two at a time.

`make up` does not need it (the operator runs beside the control plane); the chart is written from it.
"""

import json
from typing import Any

from pratique.codegen.rbac import LABELS
from pratique.codegen.values import Values

Manifest = dict[str, Any]

PORT = 8080
_SELECTOR = {"app.kubernetes.io/name": "pratique", "app.kubernetes.io/component": "operator"}


def workload(values: Values) -> list[Manifest]:
    """Return what runs the operator."""
    return [deployment(values), _disruption_budget(values)]


def _disruption_budget(values: Values) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "pratique", "namespace": values.namespace, "labels": LABELS | _SELECTOR},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": _SELECTOR}},
    }


def deployment(values: Values) -> Manifest:
    """Return the Deployment of the operator."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "pratique", "namespace": values.namespace, "labels": LABELS | _SELECTOR},
        "spec": {
            "replicas": 2,  # one leads, the other stands by
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": _SELECTOR},
            "template": {
                "metadata": {"labels": LABELS | _SELECTOR},
                "spec": {
                    "serviceAccountName": values.service_account,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 65532,
                        "runAsGroup": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "topologySpreadConstraints": [
                        {
                            "maxSkew": 1,
                            "topologyKey": "kubernetes.io/hostname",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": _SELECTOR},
                        }
                    ],
                    "containers": [_container(values)],
                    "volumes": [{"name": "tmp", "emptyDir": {}}],
                },
            },
        },
    }


def _container(values: Values) -> Manifest:
    resources = values.resources
    return {
        "name": "operator",
        "image": f"{values.image.repository}:{values.image.tag}",
        "imagePullPolicy": values.image.pull_policy,
        "args": [
            "operator",
            f"--namespace={values.namespace}",
            f"--guard-values={json.dumps(values.guard.to_wire(), separators=(',', ':'))}",
            f"--open-runs-per-requester={values.limits.open_runs_per_requester}",
            "--identity=$(POD_NAME)",
            "--health-host=0.0.0.0",
            f"--health-port={PORT}",
            "--log-format=json",
        ],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [{"name": "health", "containerPort": PORT}],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "health"}, "periodSeconds": 10},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "health"}, "periodSeconds": 5},
        "resources": {
            "requests": {"cpu": resources.cpu, "memory": resources.memory},
            "limits": {"memory": resources.memory_limit},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - a path in the container
    }
