"""The Deployments: of the operator, a leader and a standby; on clusters before 1.36 also of the webhook, two that serve.

Neither has power over its node, the probes ask what the process answers, and a drain of nodes takes one of two at a time.

`make up` does not need it (the operator runs beside the control plane); the chart is written from it.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from pratique.admission.webhook import SERVICE
from tools.codegen.rbac import LABELS
from tools.codegen.values import Values

Manifest = dict[str, Any]

PORT = 8080
_TLS_PORT = 8443
_POD_NAME = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}


@dataclass(frozen=True)
class _Part:
    """What differs between the Deployments."""

    name: str
    component: str
    account: str
    args: list[str]
    ports: dict[str, int]
    env: list[Manifest] = field(default_factory=list)

    @property
    def selector(self) -> dict[str, str]:
        return {"app.kubernetes.io/name": "pratique", "app.kubernetes.io/component": self.component}


def workload(values: Values) -> list[Manifest]:
    """Return what runs the operator."""
    part = _operator(values)
    return [_deployment(part, values), _disruption_budget(part, values)]


def webhook_workload(values: Values) -> list[Manifest]:
    """Return what runs the webhook, and how the API server finds it."""
    part = _webhook(values)
    return [_deployment(part, values), _disruption_budget(part, values), _service(part, values)]


def _operator(values: Values) -> _Part:
    args = [
        "operator",
        f"--namespace={values.namespace}",
        f"--guard-values={json.dumps(values.guard.to_wire(), separators=(',', ':'))}",
        f"--open-runs-per-requester={values.limits.open_runs_per_requester}",
        f"--channel-egress={','.join(values.channels.allowed_egress)}",
        "--identity=$(POD_NAME)",
        "--health-host=0.0.0.0",
        f"--health-port={PORT}",
        "--log-format=json",
    ]
    return _Part("pratique", "operator", values.service_account, args, {"health": PORT}, [_POD_NAME])


def _webhook(values: Values) -> _Part:
    args = [
        "webhook",
        f"--namespace={values.namespace}",
        "--host=0.0.0.0",
        f"--port={_TLS_PORT}",
        "--health-host=0.0.0.0",
        f"--health-port={PORT}",
        "--log-format=json",
    ]
    return _Part(SERVICE, "webhook", SERVICE, args, {"health": PORT, "webhook": _TLS_PORT})


def _metadata(part: _Part, values: Values) -> Manifest:
    return {"name": part.name, "namespace": values.namespace, "labels": LABELS | part.selector}


def _disruption_budget(part: _Part, values: Values) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(part, values),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": part.selector}},
    }


def _service(part: _Part, values: Values) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(part, values),
        "spec": {"selector": part.selector, "ports": [{"name": "webhook", "port": 443, "targetPort": "webhook"}]},
    }


def _deployment(part: _Part, values: Values) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(part, values),
        "spec": {
            "replicas": 2,  # of the operator one leads and the other stands by; the webhook's serve both
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": part.selector},
            "template": {
                "metadata": {"labels": LABELS | part.selector},
                "spec": {
                    "serviceAccountName": part.account,
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
                            "labelSelector": {"matchLabels": part.selector},
                        }
                    ],
                    "containers": [_container(part, values)],
                    "volumes": [{"name": "tmp", "emptyDir": {}}],
                },
            },
        },
    }


def _container(part: _Part, values: Values) -> Manifest:
    resources = values.resources
    return {
        "name": part.component,
        "image": f"{values.image.repository}:{values.image.tag}",
        "imagePullPolicy": values.image.pull_policy,
        "args": part.args,
        **({"env": part.env} if part.env else {}),
        "ports": [{"name": name, "containerPort": port} for name, port in part.ports.items()],
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
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
