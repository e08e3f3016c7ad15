"""Everything that an installation consists of, in the order in which it is applied: the guard before the operator."""

from typing import Any

from pratique.admission import admission_policies
from tools.codegen.crds import crds
from tools.codegen.people import people_roles
from tools.codegen.rbac import LABELS, impersonation, operator_rbac, webhook_rbac
from tools.codegen.values import Values

Manifest = dict[str, Any]


def install(values: Values | None = None, *, older: bool = False, webhook_url: str | None = None) -> list[Manifest]:
    """Return all manifests but the Deployments and their Service: namespace, CRDs, policies with bindings, rights.

    `older` is for a cluster before 1.36: a webhook stamps there, found at its Service, or at `webhook_url`.
    """
    chosen = values or Values()
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": chosen.namespace, "labels": LABELS | {"pod-security.kubernetes.io/enforce": "restricted"}},
    }
    subject = {"kind": "ServiceAccount", "name": chosen.service_account, "namespace": chosen.namespace}
    lent = [
        manifest for each in chosen.impersonate for manifest in impersonation(each.namespace, list(each.names), subject)
    ]
    webhook = webhook_rbac(chosen.namespace) if older else []
    rights = [*operator_rbac(chosen.namespace, chosen.service_account), *webhook, *people_roles(), *lent]
    return [namespace, *crds(), *admission_policies(chosen.guard, older=older, webhook_url=webhook_url), *rights]
