"""The objects that an Environment consists of, as they are created. Pure."""

from typing import Any

from pratique.api.v1alpha1.environment import Access, Environment, Isolation, Limits, Target

Json = dict[str, Any]
ENVIRONMENT_UID_LABEL = "pratique.dev/environment-uid"
QUOTA = "pratique"


def namespace(environment: Environment) -> Json:
    """Return the namespace, labelled as ours and with its pod security level."""
    target = environment.spec.target
    level = target.pod_security.value
    labels = {
        **target.namespace.labels,
        **{f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")},
        **_labels(environment),
    }
    annotations = {"pratique.dev/environment": f"{environment.metadata.namespace}/{environment.metadata.name}"}
    metadata = {"name": target.namespace.name, "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def rails(environment: Environment) -> list[Json]:
    """Return what guards the namespace, and stands before anybody gets in: quota, limits, isolation."""
    target = environment.spec.target
    made: list[Json] = []
    if target.quota:
        made.append(_object(environment, "v1", "ResourceQuota", QUOTA, spec={"hard": dict(target.quota)}))
    if target.limits is not None:
        made.append(_object(environment, "v1", "LimitRange", "pratique", spec=_limits(target.limits)))
    if target.isolation is Isolation.ISOLATED:
        same_namespace = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}
        made.append(
            _object(environment, "networking.k8s.io/v1", "NetworkPolicy", "pratique-isolated", spec=same_namespace)
        )
    return made


def access(environment: Environment) -> list[Json]:
    """Return what lets people in."""
    return [_binding(environment, index, each) for index, each in enumerate(environment.spec.target.access)]


def unset_by_default(target: Target) -> list[str]:
    """Return what the quota makes every pod set, and no default of `limits` sets for it."""
    limits = target.limits or Limits()
    limited = limits.default.keys() | limits.max.keys()  # Kubernetes takes the one for the other
    requested = limited | limits.default_request.keys()
    given = {f"limits.{key}" for key in limited} | {f"requests.{key}" for key in requested}
    asked = [f"{side}.{key}" for side in ("requests", "limits") for key in ("cpu", "memory")]
    return [key for key in asked if (key in target.quota or _short(key) in target.quota) and key not in given]


def _short(key: str) -> str:
    """Return the other name of a quota for requests."""
    return key.removeprefix("requests.")


def _limits(limits: Limits) -> Json:
    wire = {key: value for key, value in limits.to_wire().items() if value}
    return {"limits": [{"type": "Container", **wire}]}


def _binding(environment: Environment, index: int, access: Access) -> Json:
    kind, name = ("User", access.user) if access.user is not None else ("Group", access.group)
    return _object(
        environment,
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        f"pratique-{access.role.value}-{index}",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": access.role.value},
        subjects=[{"kind": kind, "apiGroup": "rbac.authorization.k8s.io", "name": name}],
    )


def _object(environment: Environment, api_version: str, kind: str, name: str, **body: Any) -> Json:  # noqa: ANN401 - JSON
    space = environment.spec.target.namespace.name
    metadata = {"name": name, "namespace": space, "labels": _labels(environment)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def _labels(environment: Environment) -> dict[str, str]:
    return {ENVIRONMENT_UID_LABEL: environment.metadata.uid}
