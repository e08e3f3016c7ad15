"""The rights of the operator, written out without a wildcard. Pure data; those of people are in `people.py`."""

from typing import Any

from pratique.admission import admission_policies
from pratique.admission.values import GuardValues
from pratique.admission.webhook import CONFIGURATION, SERVICE
from pratique.api.v1alpha1 import GROUP, KINDS
from pratique.core.operating.leadership import LEADER_ROLE, LEASE_NAME
from pratique.core.telling.directory import DIRECTORY_NAME
from pratique.guarding.record import RECORD_NAME

Manifest = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
LABELS = {"app.kubernetes.io/part-of": "pratique"}
READ = ["get", "list", "watch"]


def rule(group: str, resources: list[str], verbs: list[str], names: list[str] | None = None) -> Manifest:
    """Return one rule."""
    found: Manifest = {"apiGroups": [group], "resources": resources, "verbs": verbs}
    return found | ({"resourceNames": names} if names else {})


def operator_rules() -> list[Manifest]:
    """Return what the operator may do everywhere; `tests/integration/test_operator_rights.py` has a story for each verb."""
    plurals = [kind.plural for kind in KINDS]
    return [
        rule(GROUP, plurals, ["list", "watch"]),
        rule(GROUP, ["actions", "actionruns", "approvals"], ["get"]),
        rule(GROUP, [f"{plural}/status" for plural in plurals], ["patch"]),
        rule(GROUP, ["approvals"], ["create"]),
        rule(GROUP, ["environments"], ["patch", "delete"]),
        # Only the finalizer of a run that has made something for a time: the policies refuse any other change.
        rule(GROUP, ["actionruns"], ["patch"]),
        # Dry runs that were answered an hour ago: the policies refuse any other run.
        rule(GROUP, ["actionruns"], ["delete"]),
        # Only as dry runs of canaries: the policies refuse these from the operator.
        rule(GROUP, ["actionruns", "actions", "delegations", "environments", "notificationchannels"], ["create"]),
        rule("", ["namespaces"], [*READ, "create", "delete"]),
        # Whether the account that an Action names is there, and lent to us.
        rule("", ["serviceaccounts"], ["get"]),
        rule("authorization.k8s.io", ["selfsubjectaccessreviews"], ["create"]),
        rule("", ["resourcequotas", "limitranges"], ["create", "get"]),
        rule("networking.k8s.io", ["networkpolicies"], ["create", "get"]),
        rule(RBAC, ["rolebindings"], ["create", "get"]),
        rule(RBAC, ["clusterroles"], ["bind"], ["view", "edit", "admin"]),
        rule("events.k8s.io", ["events"], ["create"]),
        # Whose token it is that would read /metrics, and whether that account may.
        rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
        # Whether a requester may have somebody's Environment changed, an account may end what it makes for a time.
        rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
        *_guard_rules(),
    ]


def _guard_rules() -> list[Manifest]:
    """Return what it takes to see whether what guards is as it was installed: read by name, and all at once by a list."""
    names: dict[str, list[str]] = {}
    for policy in admission_policies(GuardValues()):
        plural = f"{policy['kind'].lower()}s".replace("policys", "policies")
        names.setdefault(plural, []).append(policy["metadata"]["name"])
    crds = [f"{kind.plural}.{GROUP}" for kind in KINDS]
    return [
        *(rule("admissionregistration.k8s.io", [plural], ["get"], each) for plural, each in names.items()),
        rule("admissionregistration.k8s.io", ["mutatingwebhookconfigurations"], ["get"], [CONFIGURATION]),
        rule("apiextensions.k8s.io", ["customresourcedefinitions"], ["get"], crds),
        # A list cannot be bound to names; before a decision counts it is asked for metadata alone.
        rule("admissionregistration.k8s.io", list(names), ["list"]),
        rule("apiextensions.k8s.io", ["customresourcedefinitions"], ["list"]),
    ]


def operator_rbac(namespace: str, account: str) -> list[Manifest]:
    """Return the operator's ServiceAccount with its roles and bindings."""
    return [_account(account, namespace), *operator_rights(namespace, account)]


def operator_rights(namespace: str, account: str) -> list[Manifest]:
    """Return what the operator's ServiceAccount may do."""
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    secrets = [rule("", ["secrets"], ["get"])]
    lease = [
        rule("coordination.k8s.io", ["leases"], ["create"]),
        rule("coordination.k8s.io", ["leases"], ["get", "update"], [LEASE_NAME]),
        rule("rbac.authorization.k8s.io", ["roles"], ["get"], [LEADER_ROLE]),  # it owns the Lease, and takes it along
    ]
    record = [
        rule("", ["configmaps"], ["create"]),
        rule("", ["configmaps"], ["get", "update"], [RECORD_NAME]),
    ]
    directory = [rule("", ["configmaps"], ["get"], [DIRECTORY_NAME])]
    return [
        cluster_role("pratique-operator", operator_rules()),
        cluster_role("pratique-metrics-reader", [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]),
        _binding("ClusterRoleBinding", "pratique-operator", None, "ClusterRole", subject),
        _role("pratique-secrets", namespace, secrets),
        _binding("RoleBinding", "pratique-secrets", namespace, "Role", subject),
        _role(LEADER_ROLE, namespace, lease),
        _binding("RoleBinding", LEADER_ROLE, namespace, "Role", subject),
        _role("pratique-guard", namespace, record),
        _binding("RoleBinding", "pratique-guard", namespace, "Role", subject),
        _role("pratique-directory", namespace, directory),
        _binding("RoleBinding", "pratique-directory", namespace, "Role", subject),
    ]


def webhook_rbac(namespace: str) -> list[Manifest]:
    """Return the webhook's account, its empty Secret, and the right to keep its certificate: two objects, by their names.

    The Secret is made here, since a right to create Secrets cannot be bound to a name.
    """
    metadata = {"name": SERVICE, "namespace": namespace, "labels": LABELS}
    kept = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque"}
    return [_account(SERVICE, namespace), kept, *webhook_rights(namespace)]


def webhook_rights(namespace: str) -> list[Manifest]:
    """Return what the webhook's ServiceAccount may do."""
    subject = {"kind": "ServiceAccount", "name": SERVICE, "namespace": namespace}
    secret = [rule("", ["secrets"], ["get", "update"], [SERVICE])]
    told = [
        rule("admissionregistration.k8s.io", ["mutatingwebhookconfigurations"], ["get", "patch"], [CONFIGURATION]),
        rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
        rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
    ]
    return [
        _role(SERVICE, namespace, secret),
        _binding("RoleBinding", SERVICE, namespace, "Role", subject),
        cluster_role(SERVICE, told),
        _binding("ClusterRoleBinding", SERVICE, None, "ClusterRole", subject),
    ]


def impersonation(namespace: str, names: list[str], subject: Manifest) -> list[Manifest]:
    """Return the right to act as these ServiceAccounts, and as no others."""
    role = _role("pratique-impersonator", namespace, [rule("", ["serviceaccounts"], ["impersonate"], names)])
    return [role, _binding("RoleBinding", "pratique-impersonator", namespace, "Role", subject)]


def _account(name: str, namespace: str) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": LABELS}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def _role(name: str, namespace: str, rules: list[Manifest]) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": LABELS}
    return {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules}


def cluster_role(name: str, rules: list[Manifest]) -> Manifest:
    """Return a ClusterRole of ours."""
    metadata = {"name": name, "labels": LABELS}
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}


def _binding(kind: str, name: str, namespace: str | None, role_kind: str, subject: Manifest) -> Manifest:
    metadata: Manifest = {"name": name, "labels": LABELS} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": role_kind, "name": name},
        "subjects": [subject],
    }
