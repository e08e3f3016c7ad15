"""Attacks on the way in: headers, content types, versions, subresources, duplicate keys, YAML, dry runs, RBAC itself."""

import json
from typing import Any

from tests.attacks.deciding import decide
from tests.attacks.denials import (
    FORGED,
    FROZEN,
    ONLY_OPERATOR,
    rbac,
    server,
)
from tests.attacks.gate_frozen import DECIDE, MINE
from tests.attacks.model import NOW, SPACE, Attack, Request, Seen, Shows, Twin, by_headers, create, patch, path_of, raw
from tests.attacks.requesting import ASK
from tests.attacks.world import DEVELOPER, LEAD, MALLORY, OPERATOR, voyage

_UID = "0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a11"
NEW = Seen("a new one", lambda found: found not in (None, _UID))
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
YAML = "application/yaml"


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
        "without impersonating a user name",
        ("Impersonate-Extra-Scopes", "all"),
    ),
    act_as(
        "impersonate-group-only",
        "lead-1",
        "an approver adds a group by a header, without a name",
        "without impersonating a user name",
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

_TWICE = (
    b'{"spec": {"policy": {"required": 2}, "decisions": {"%s": {"verdict": "Approve"}}, "policy": {"required": 1}}}'
    % LEAD.encode()
)
_ANCHORS = f"""\
apiVersion: pratique.dev/v1alpha1
kind: ActionRun
metadata: {{name: fresh}}
spec:
  actionRef: &a {{name: berth}}
  inputs: {{}}
  requestedBy: {{username: {LEAD}, groups: [&g platform-leads, *g]}}
""".encode()

ENCODED = [
    Attack(
        "duplicate-key",
        4,
        "lead-1",
        "an approver sends a key twice, the second time with the lower number",
        patch("approvals/gate", _TWICE),
        FROZEN,
        DECIDE,
    ),
    Attack(
        "duplicate-key-ignored",
        4,
        "lead-1",
        "an approver does so and asks for no validation of fields",
        patch("approvals/gate", _TWICE, fieldValidation="Ignore"),
        FROZEN,
        DECIDE,
    ),
    Attack(
        "key-in-other-case",
        4,
        "lead-1",
        "an approver writes the number in other letter case",
        patch("approvals/gate", {"spec": {"policy": {"Required": 1}, **MINE}}, fieldValidation="Ignore"),
        Shows("spec.policy.required", 2),
    ),
    Attack(
        "unknown-field",
        4,
        "lead-1",
        "an approver adds a field that some later version may know",
        patch("approvals/gate", {"spec": {"policy": {"selfApproval": "Allow"}, **MINE}}, fieldValidation="Ignore"),
        Shows("spec.policy.selfApproval", None),
    ),
    Attack(
        "unknown-field-in-run",
        2,
        "developer",
        "a developer adds a field that some later version may know",
        create(voyage(spec__approved=True), fieldValidation="Ignore"),
        Shows("spec.approved", None),
    ),
    Attack(
        "yaml-anchors",
        2,
        "developer",
        "a developer hides a forged requester behind YAML anchors",
        Request("POST", path_of("actionruns"), _ANCHORS, YAML),
        FORGED,
        ASK,
    ),
    Attack(
        "strategic-merge",
        4,
        "lead-1",
        "an approver uses a kind of patch that custom objects do not have",
        patch("approvals/gate", {"spec": {"$patch": "replace"}}, "strategic"),
        server(
            "the body of the request was in an unknown format - accepted media types include:"
            " application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
        ),
        DECIDE,
    ),
    Attack(
        "other-encoding",
        2,
        "developer",
        "a developer sends a run in another encoding",
        Request("POST", path_of("actionruns"), b"\xd9\xd9\xf7\xa0", "application/cbor"),
        server("the body of the request was in an unknown format"),
        ASK,
    ),
    Attack(
        "other-version",
        4,
        "lead-1",
        "an approver tries another version of the API",
        raw(
            "PATCH",
            path_of("approvals/gate").replace("v1alpha1", "v1"),
            {"spec": MINE},
            content_type="application/merge-patch+json",
        ),
        server("404 page not found"),
        DECIDE,
    ),
    Attack(
        "scale-subresource",
        4,
        "mallory",
        "somebody tries a subresource that custom objects may have",
        patch("approvals/gate/scale", {"spec": {"replicas": 1}}),
        rbac(MALLORY, "patch", "approvals/scale"),
        DECIDE,
    ),
    Attack(
        "scale-subresource-as-admin",
        4,
        "admin",
        "cluster-admin tries it",
        patch("approvals/gate/scale", {"spec": {}}),
        server('approvals.pratique.dev "gate" not found'),
        DECIDE,
    ),
    Attack(
        "replace-creates",
        4,
        "admin",
        "cluster-admin opens a gate by PUT under a free name",
        raw(
            "PUT",
            path_of("approvals/free"),
            {"apiVersion": "pratique.dev/v1alpha1", "kind": "Approval", "metadata": {"name": "free"}, "spec": {}},
        ),
        server('approvals.pratique.dev "free" not found'),
        DECIDE,
    ),
    Attack(
        "apply-with-managed-fields",
        15,
        "lead-1",
        "an approver applies managed fields of the approver's own",
        Request(
            "PATCH",
            path_of("approvals/gate"),
            {
                "apiVersion": "pratique.dev/v1alpha1",
                "kind": "Approval",
                "metadata": {"name": "gate", "managedFields": [{"manager": "x", "operation": "Apply"}]},
                "spec": MINE,
            },
            "application/apply-patch+yaml",
            {"fieldManager": "me"},
        ),
        server("metadata.managedFields must be nil"),
        DECIDE,
    ),
    Attack(
        "other-name-in-body",
        4,
        "lead-1",
        "an approver names another gate in the body than in the path",
        patch("approvals/gate", {"metadata": {"name": "late"}, "spec": MINE}),
        server("the name of the object (late) does not match the name on the URL (gate)"),
        DECIDE,
    ),
    Attack(
        "other-uid",
        4,
        "mallory",
        "somebody changes the uid of a run, to inherit its gate",
        patch("actionruns/waiting", {"metadata": {"uid": "0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a13"}}),
        server('metadata.uid: Invalid value: "0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a13": field is immutable'),
        DECIDE,
    ),
    Attack(
        "forged-deletion",
        4,
        "lead-1",
        "an approver says that the gate is being deleted",
        patch("approvals/gate", {"metadata": {"deletionTimestamp": "2020-01-01T00:00:00Z"}, "spec": MINE}),
        server('metadata.deletionTimestamp: Invalid value: "2020-01-01T00:00:00Z": field is immutable'),
        DECIDE,
    ),
    Attack(
        "forged-birth",
        15,
        "developer",
        "a developer says that the run is older than it is",
        create(voyage(metadata__creationTimestamp="2020-01-01T00:00:00Z")),
        Shows("metadata.creationTimestamp", NOW),
    ),
    Attack(
        "chosen-uid",
        4,
        "developer",
        "a developer chooses the uid of the run, which is in the name of its gate",
        create(voyage(metadata__uid="0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a11")),
        Shows("metadata.uid", NEW),
    ),
    Attack(
        "last-applied",
        4,
        "developer",
        "a developer forges what kubectl applied last, so that it merges a change away",
        patch(
            "actionruns/waiting",
            {
                "metadata": {
                    "annotations": {
                        "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": {"requestedBy": None}})
                    }
                }
            },
        ),
        Shows("spec.requestedBy.username", DEVELOPER),
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

ATTACKS = [*IMPERSONATED, *ENCODED, *RIGHTS]
