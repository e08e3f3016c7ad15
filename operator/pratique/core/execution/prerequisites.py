"""Says which object of a plan makes what a later one lacks: its namespace, its kind, a right, or something that it names.

Asked of an API server's refusal. Of an earlier object that is not there yet it means: it cannot be tried now. Of one that
is there it means: what it gives may not have arrived yet. Pure; called by `dry_run` and `execution`.
"""

from collections.abc import Iterable

from pratique.api.v1alpha1 import GROUP
from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.api.v1alpha1.planned import PlannedResource
from pratique.core.execution.adoption import ref_of
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import Failure, Json
from pratique.core.plans.summary import name_of

_RBAC = "rbac.authorization.k8s.io"
_ROLES = ("Role", "ClusterRole")
_BINDINGS = ("RoleBinding", "ClusterRoleBinding")
LACKS_RIGHTS = frozenset({Cause.RIGHTS, Cause.GRANT})
"""It matters then as whom something was tried."""


def provider(
    planned: PlannedResource,
    others: Iterable[PlannedResource],
    failure: Failure,
    account: ServiceAccountRef,
    *,
    there: bool = False,
) -> str | None:
    """Say which of these objects makes what `planned` lacks, or None; `there` says that they are made already."""
    if failure.cause not in LACKS_RIGHTS and failure.cause is not Cause.MISSING:
        return None
    made = [each.manifest for each in others if not each.patch]
    if there and failure.cause in LACKS_RIGHTS:  # a namespace that is there gives no right in it
        made = [manifest for manifest in made if manifest["kind"] != "Namespace"]
    for manifest in made:
        if (why := _gives(manifest, planned, failure, account)) is not None:
            return f"{name_of(manifest)} {why}"
    custom = next((each for each in made if _is_custom(each)), None)
    if custom is not None and (why := _may_give(planned, failure)) is not None:
        return f"{name_of(custom)} {why}"
    return None


def _gives(manifest: Json, planned: PlannedResource, failure: Failure, account: ServiceAccountRef) -> str | None:
    space = planned.manifest["metadata"].get("namespace")
    if space and space in _namespaces_of(manifest):
        return "makes its namespace first"
    if failure.cause is Cause.MISSING:
        if _defines(manifest, planned.manifest):
            return "makes its kind first"
        if planned.patch and ref_of(manifest) == ref_of(planned.manifest):
            return "is made first"
        if failure.missing and failure.missing == manifest["metadata"]["name"]:
            return "is made first"
        return None
    if not str(manifest["apiVersion"]).startswith(f"{_RBAC}/"):
        return None
    if failure.cause is Cause.GRANT and _is_role_of(manifest, planned.manifest):
        return "makes its role first"
    if manifest["kind"] in _BINDINGS and _reaches(manifest, space) and _names(manifest, account):
        return "gives the right to do so first"
    if manifest["kind"] in _ROLES and _reaches(manifest, space) and _covers(manifest, planned.manifest):
        return "may give the right to do so first"
    return None


def _may_give(planned: PlannedResource, failure: Failure) -> str | None:
    """Say what the controller of a custom object may make: a namespace, with whatever is in it, or what is changed."""
    space = planned.manifest["metadata"].get("namespace")
    if failure.cause is Cause.MISSING and space and failure.missing == space:
        return "may make its namespace first"
    if failure.cause is Cause.MISSING and planned.patch and failure.reason == "NotFound":
        return "may make it first"
    return None


def is_custom_before(others: Iterable[PlannedResource]) -> str | None:
    """Return the name of a custom object among these that is made: its controller may make a namespace."""
    return next((name_of(each.manifest) for each in others if not each.patch and _is_custom(each.manifest)), None)


def _namespaces_of(manifest: Json) -> tuple[str, ...]:
    """Return the namespaces that an object is known to make."""
    if manifest["kind"] == "Namespace" and manifest["apiVersion"] == "v1":
        return (str(manifest["metadata"]["name"]),)
    if manifest["kind"] == "Environment" and manifest["apiVersion"].startswith(f"{GROUP}/"):
        target = manifest.get("spec", {}).get("target", {})
        return (str(target.get("namespace", {}).get("name", "")),)
    return ()


def _defines(manifest: Json, other: Json) -> bool:
    if manifest["kind"] != "CustomResourceDefinition":
        return False
    spec = manifest.get("spec", {})
    group = str(other["apiVersion"]).rpartition("/")[0]
    return (spec.get("group"), spec.get("names", {}).get("kind")) == (group, other["kind"])


def _is_custom(manifest: Json) -> bool:
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    return "." in group and group != GROUP and not group.endswith(".k8s.io")


def _reaches(manifest: Json, space: str | None) -> bool:
    """Whether a role or a binding says something about this namespace, or about what is in none."""
    return str(manifest["kind"]).startswith("Cluster") or bool(manifest["metadata"].get("namespace") == space)


def _names(binding: Json, account: ServiceAccountRef) -> bool:
    """Whether a binding is for this account, by its name or by a group that it is in."""
    groups = {"system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{account.namespace}"}
    for subject in _listed(binding, "subjects"):
        kind, name = subject.get("kind"), subject.get("name")
        if kind == "ServiceAccount" and (subject.get("namespace"), name) == (account.namespace, account.name):
            return True
        if (kind == "User" and name == account.username) or (kind == "Group" and name in groups):
            return True
    return False


def _covers(role: Json, planned: Json) -> bool:
    """Whether a role has a rule about the group of this object."""
    group = str(planned["apiVersion"]).rpartition("/")[0]
    covered = [each for rule in _listed(role, "rules") for each in _texts(rule.get("apiGroups"))]
    return group in covered or "*" in covered


def _is_role_of(role: Json, binding: Json) -> bool:
    wanted = binding.get("roleRef")
    if role["kind"] not in _ROLES or not isinstance(wanted, dict):
        return False
    return bool((wanted.get("kind"), wanted.get("name")) == (role["kind"], role["metadata"]["name"]))


def _listed(manifest: Json, field: str) -> list[Json]:
    """Return the objects of a list; what its author wrote there may be anything."""
    value = manifest.get(field)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
