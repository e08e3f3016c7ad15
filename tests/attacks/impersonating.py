"""Attacks on who one is taken for: headers, names that look alike, and rights that one gives oneself."""

from typing import Any

from tests.attacks.deciding import decide
from tests.attacks.denials import (
    ONLY_OPERATOR,
    rbac,
    server,
)
from tests.attacks.gate_frozen import DECIDE
from tests.attacks.model import SPACE, Attack, Twin, by_headers, create, patch, path_of, raw
from tests.attacks.requesting import ASK
from tests.attacks.world import DEVELOPER, LEAD, MALLORY, OPERATOR, voyage

_RBAC = "/apis/rbac.authorization.k8s.io/v1"


def act_as(slug: str, who: str, what: str, sentence: str, *headers: tuple[str, str]) -> Attack:
    """Return an attack by headers of impersonation."""
    request = by_headers(decide("gate", LEAD), *headers)
    return Attack(slug, 2, who, what, request, server(sentence), DECIDE)


def _may_not(who: str) -> str:
    return f'User "{who}" cannot impersonate'


IMPERSONATED = [
    act_as(
        "impersonate-approver",
        "developer",
        "a developer acts as an approver by a header",
        _may_not(DEVELOPER),
        ("Impersonate-User", LEAD),
    ),
    act_as(
        "impersonate-masters",
        "mallory",
        "somebody adds the group of cluster-admins by a header",
        _may_not(MALLORY),
        ("Impersonate-User", MALLORY),
        ("Impersonate-Group", "system:masters"),
    ),
    act_as(
        "impersonate-operator",
        "namespace-admin",
        "a namespace's admin acts as the operator's account by a header",
        _may_not("namespace-admin@example.com"),
        ("Impersonate-User", OPERATOR),
    ),
    act_as(
        "impersonate-extra",
        "lead-1",
        "an approver adds an attribute of authentication by a header",
        "without impersonating a user",
        ("Impersonate-Extra-Scopes", "all"),
    ),
    act_as(
        "impersonate-group-only",
        "lead-1",
        "an approver adds a group by a header, without a name",
        "without impersonating a user",
        ("Impersonate-Group", "directors"),
    ),
    Attack(
        "operator-in-other-case",
        8,
        "admin (as the operator in capitals)",
        "cluster-admin acts as a user who is called like the operator but for letter case, and writes the status",
        by_headers(
            patch("approvals/gate/status", {"status": {"state": "Approved"}}),
            ("Impersonate-User", OPERATOR.upper()),
            ("Impersonate-Group", "system:masters"),
        ),
        ONLY_OPERATOR,
        Twin("operator", "writes the status", patch("approvals/gate/status", {"status": {"state": "Approved"}})),
    ),
    Attack(
        "operator-with-space",
        8,
        "admin (as the operator with a space)",
        "cluster-admin does so with a space behind the name",
        by_headers(
            patch("approvals/gate/status", {"status": {"state": "Approved"}}),
            ("Impersonate-User", OPERATOR + "%20"),
            ("Impersonate-Group", "system:masters"),
        ),
        ONLY_OPERATOR,
        Twin("operator", "writes the status", patch("approvals/gate/status", {"status": {"state": "Approved"}})),
    ),
    Attack(
        "nobody-in-particular",
        2,
        "admin (as system:anonymous)",
        "nobody who is known asks",
        by_headers(create(voyage()), ("Impersonate-User", "system:anonymous")),
        rbac("system:anonymous", "create", "actionruns"),
        ASK,
    ),
]


def give(slug: str, who: str, what: str, path: str, body: Any, sentence: str, twin: Twin) -> Attack:
    """Return an attack that gives rights."""
    return Attack(slug, 13, who, what, raw("POST", f"{_RBAC}/namespaces/{SPACE}/{path}", body), server(sentence), twin)


def _role(verb: str) -> dict[str, Any]:
    rules = [{"apiGroups": ["pratique.dev"], "resources": ["actions"], "verbs": [verb]}]
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "x"}, "rules": rules}


def _bound(role: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "x"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "namespace-admin@example.com"}],
    }


_ESCALATION = "is attempting to grant RBAC permissions not currently held"


_BIND_VIEW = Twin(
    "namespace-admin", "gives the role view", raw("POST", f"{_RBAC}/namespaces/{SPACE}/rolebindings", _bound("view"))
)


RIGHTS = [
    give(
        "give-oneself-approve",
        "namespace-admin",
        "a namespace's admin writes a role with the verb approve",
        "roles",
        _role("approve"),
        _ESCALATION,
        _BIND_VIEW,
    ),
    give(
        "give-oneself-run",
        "namespace-admin",
        "a namespace's admin writes a role with the verb run",
        "roles",
        _role("run"),
        _ESCALATION,
        _BIND_VIEW,
    ),
    give(
        "bind-approver",
        "namespace-admin",
        "a namespace's admin binds the ready-made role of approvers",
        "rolebindings",
        _bound("pratique-approver"),
        _ESCALATION,
        _BIND_VIEW,
    ),
    give(
        "bind-admin",
        "namespace-admin",
        "a namespace's admin binds the ready-made role of admins",
        "rolebindings",
        _bound("pratique-admin"),
        _ESCALATION,
        _BIND_VIEW,
    ),
    Attack(
        "namespace-admin-asks",
        13,
        "namespace-admin",
        "a namespace's admin, given no Action, asks",
        create(voyage()),
        rbac("namespace-admin@example.com", "create", "actionruns"),
        ASK,
    ),
    Attack(
        "namespace-admin-decides",
        13,
        "namespace-admin",
        "a namespace's admin decides",
        decide("gate", "namespace-admin@example.com"),
        rbac("namespace-admin@example.com", "patch", "approvals"),
        DECIDE,
    ),
    Attack(
        "namespace-admin-makes-environment",
        13,
        "namespace-admin",
        "a namespace's admin makes an Environment without an Action",
        raw("POST", path_of("environments"), {}),
        rbac("namespace-admin@example.com", "create", "environments"),
        ASK,
    ),
    Attack(
        "token-of-operator",
        7,
        "namespace-admin",
        "a namespace's admin mints a token of the operator's account",
        raw("POST", "/api/v1/namespaces/pratique-system/serviceaccounts/pratique/token", {}, dry=False),
        rbac(
            "namespace-admin@example.com", "create", "serviceaccounts/token", "", 'in the namespace "pratique-system"'
        ),
        _BIND_VIEW,
    ),
    Attack(
        "unbind-policy",
        9,
        "namespace-admin",
        "a namespace's admin unbinds a policy",
        raw("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/pratique-decision"),
        server(
            'cannot delete resource "validatingadmissionpolicybindings" in API group'
            ' "admissionregistration.k8s.io" at the cluster scope'
        ),
        _BIND_VIEW,
    ),
    Attack(
        "operator-unbinds-policy",
        9,
        "operator",
        "the operator's own account unbinds a policy",
        raw("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/pratique-decision"),
        server(
            'cannot delete resource "validatingadmissionpolicybindings" in API group'
            ' "admissionregistration.k8s.io" at the cluster scope'
        ),
        _BIND_VIEW,
    ),
    Attack(
        "operator-impersonates-people",
        7,
        "operator",
        "the operator's own account acts as an approver",
        by_headers(decide("gate", LEAD), ("Impersonate-User", LEAD)),
        server(f'User "{OPERATOR}" cannot impersonate'),
        DECIDE,
    ),
]


ATTACKS = [*IMPERSONATED, *RIGHTS]
