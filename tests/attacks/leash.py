"""Attacks with and on the power of the operator itself: namespaces, their label, what hangs on what."""

from tests.attacks.denials import (
    ACTION_OWNERS,
    ENVIRONMENT_OWNERS,
    LABEL_IS_OURS,
    LEASH,
    LEASHED,
    RESTORED_BINDING,
    canary,
    rbac,
    server,
)
from tests.attacks.gate_removed import OWNER
from tests.attacks.model import Attack, Json, Request, Twin, patch, raw
from tests.attacks.world import INSIDE, MALLORY, OPERATOR, OUTSIDE
from tests.builders import manifests as make
from tests.builders.manifests import changed

_RBAC = "/apis/rbac.authorization.k8s.io/v1"


def _namespace(name: str, **labels: str) -> Json:
    found = {key.replace("__", "/").replace("_", "."): value for key, value in labels.items()}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": found}}


def _quota(namespace: str) -> Request:
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "0"}}}
    return raw("POST", f"/api/v1/namespaces/{namespace}/resourcequotas", body)


def _binding(namespace: str, role: str = "edit") -> Request:
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "given"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": MALLORY}],
    }
    return raw("POST", f"{_RBAC}/namespaces/{namespace}/rolebindings", body)


FILL = Twin("operator", "fills the namespace of an Environment", _quota(INSIDE))


BIND = Twin("operator", "gives access to the namespace of an Environment", _binding(INSIDE))


_UID = {"pratique.dev/environment-uid": make.RUN_UID}


MADE = Twin(
    "operator",
    "makes a namespace for an Environment",
    raw("POST", "/api/v1/namespaces", changed(_namespace("fresh"), {"metadata.labels": _UID})),
)


LEASHES = [
    Attack(
        "operator-deletes-namespace",
        7,
        "operator",
        "the operator's own account deletes a namespace of others",
        raw("DELETE", f"/api/v1/namespaces/{OUTSIDE}"),
        LEASHED,
        Twin("operator", "deletes the namespace of an Environment", raw("DELETE", f"/api/v1/namespaces/{INSIDE}")),
    ),
    Attack(
        "operator-makes-namespace",
        7,
        "operator",
        "the operator's own account makes a namespace that is for no Environment",
        raw("POST", "/api/v1/namespaces", _namespace("fresh")),
        LEASHED,
        MADE,
    ),
    Attack(
        "operator-fills-namespace",
        7,
        "operator",
        "the operator's own account puts a quota into a namespace of others",
        _quota(OUTSIDE),
        LEASHED,
        FILL,
    ),
    Attack(
        "operator-gives-access",
        7,
        "operator",
        "the operator's own account gives somebody access to a namespace of others",
        _binding(OUTSIDE),
        LEASHED,
        BIND,
    ),
    Attack(
        "operator-binds-cluster-admin",
        7,
        "operator",
        "the operator's own account gives somebody cluster-admin in the namespace of an Environment",
        _binding(INSIDE, "cluster-admin"),
        server("is attempting to grant RBAC permissions not currently held"),
        BIND,
    ),
    Attack(
        "namespace-canary",
        9,
        "mallory",
        "somebody says that a namespace is a canary",
        raw(
            "POST",
            "/api/v1/namespaces",
            changed(_namespace("fresh"), {"metadata.labels": {"pratique.dev/canary": "true"}}),
        ),
        canary(LEASH),
        Twin("mallory", "makes a namespace", raw("POST", "/api/v1/namespaces", _namespace("fresh"))),
    ),
    Attack(
        "operator-reads-secrets",
        7,
        "operator",
        "the operator's own account reads a Secret of others",
        raw("GET", f"/api/v1/namespaces/{OUTSIDE}/secrets/x", dry=False),
        rbac(OPERATOR, "get", "secrets", "", f'in the namespace "{OUTSIDE}"'),
        Twin(
            "operator",
            "reads a Secret of its own namespace",
            raw("GET", "/api/v1/namespaces/pratique-system/secrets/flag", dry=False),
        ),
    ),
]


_HUNG = {"metadata": {"ownerReferences": [OWNER]}}


_PLANT = {"metadata": {"labels": _UID}}


HUNG = [
    Attack(
        "hang-environment",
        16,
        "mallory",
        "somebody who may patch Environments hangs one on an object that is gone: the garbage collector would end it",
        patch("environments/env", _HUNG),
        ENVIRONMENT_OWNERS,
        Twin("admin", "does so, holding the verb delete", patch("environments/env", _HUNG)),
    ),
    Attack(
        "hang-action",
        5,
        "author",
        "an author who may not delete Actions hangs one on an object that is gone, which supersedes what waits",
        patch("actions/foreign", _HUNG),
        ACTION_OWNERS,
        Twin("admin", "does so, holding the verb delete", patch("actions/foreign", _HUNG)),
    ),
]


PLANTED = [
    Attack(
        "plant-label",
        7,
        "mallory",
        "somebody who may label namespaces marks one as an Environment's, to have it deleted",
        raw("PATCH", f"/api/v1/namespaces/{OUTSIDE}", _PLANT, content_type="application/merge-patch+json"),
        LABEL_IS_OURS,
        Twin(
            "mallory",
            "sets a label that is not ours",
            raw(
                "PATCH",
                f"/api/v1/namespaces/{OUTSIDE}",
                {"metadata": {"labels": {"team": "a"}}},
                content_type="application/merge-patch+json",
            ),
        ),
    ),
    Attack(
        "plant-namespace",
        7,
        "mallory",
        "somebody makes the namespace before the operator does, with its label",
        raw("POST", "/api/v1/namespaces", changed(_namespace("fresh"), {"metadata.labels": _UID})),
        LABEL_IS_OURS,
        Twin("mallory", "makes a namespace", raw("POST", "/api/v1/namespaces", _namespace("fresh"))),
    ),
    Attack(
        "unplant-label",
        7,
        "mallory",
        "somebody takes the label off an Environment's namespace, to keep it for ever",
        raw(
            "PATCH",
            f"/api/v1/namespaces/{INSIDE}",
            {"metadata": {"labels": None}},
            content_type="application/merge-patch+json",
        ),
        LABEL_IS_OURS,
        Twin(
            "mallory",
            "sets a label that is not ours",
            raw(
                "PATCH",
                f"/api/v1/namespaces/{INSIDE}",
                {"metadata": {"labels": {"team": "a"}}},
                content_type="application/merge-patch+json",
            ),
        ),
    ),
]


def _restored(**labels: str) -> Json:
    """Return a binding that gives a right in the whole cluster, as a tool makes it anew out of a backup."""
    found = {"velero.io/restore-name": "nightly", **labels}
    body = dict(_binding(OUTSIDE, "view").body or {})
    return {**body, "kind": "ClusterRoleBinding", "metadata": {"name": "given", "labels": found}}


RESTORED = [
    Attack(
        f"{slug}-out-of-a-backup",
        16,
        "admin",
        f"a tool restores a {kind} that a run made and that has ended: who was let in is in again",
        raw("POST", f"{_RBAC}/{where}", {**_restored(**{"pratique.dev/run-uid": make.RUN_UID}), "kind": kind}),
        RESTORED_BINDING,
        Twin("admin", "restores one that no run made", raw("POST", f"{_RBAC}/{where}", {**_restored(), "kind": kind})),
    )
    for slug, kind, where in (
        ("binding", "RoleBinding", f"namespaces/{OUTSIDE}/rolebindings"),
        ("cluster-binding", "ClusterRoleBinding", "clusterrolebindings"),
    )
]


ATTACKS = [*LEASHES, *HUNG, *PLANTED, *RESTORED]
