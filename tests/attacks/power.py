"""Attacks on borrowed power: Actions that act as another's account, Environments, status, and the operator's own leash."""

from typing import Any

from tests.attacks.denials import (
    ACTION,
    ACTION_OWNERS,
    DEEP_SCHEMA,
    DEEP_TEMPLATE,
    ENVIRONMENT,
    ENVIRONMENT_MARKS,
    ENVIRONMENT_OWNERS,
    LABEL_IS_OURS,
    LEASH,
    LEASHED,
    ONLY_OPERATOR,
    STATUS,
    canary,
    creates_nothing,
    may_not_extend,
    may_not_lend,
    rbac,
    server,
)
from tests.attacks.gate_removed import OWNER
from tests.attacks.model import SPACE, Attack, Json, Request, Shows, Twin, apply, create, patch, raw, replacing
from tests.attacks.world import INSIDE, MALLORY, OPERATOR, OUTSIDE, berth
from tests.support import manifests as make
from tests.support.manifests import changed

LEND = Twin("author", "lends an account that is the author's to lend", create(berth("fresh")))
EDIT = Twin(
    "author",
    "edits the Action whose account is the author's to lend",
    patch("actions/berth", {"spec": {"title": "Berth"}}),
)
EXTEND = Twin("admin", "extends it, holding the verb", patch("environments/env", {"spec": {"ttl": "10d"}}))
ENV_LABEL = Twin(
    "mallory", "sets a label that is not ours", patch("environments/env", {"metadata": {"labels": {"team": "b"}}})
)
MAKE = Twin("admin", "makes an Environment", create(make.environment(SPACE, "fresh")))


def account(namespace: str, name: str) -> Json:
    """Return a change of the account that an Action acts as."""
    return {"spec": {"execution": {"serviceAccountRef": {"namespace": namespace, "name": name}}}}


LENT = [
    Attack(
        "lend-anothers-account",
        7,
        "author",
        "an author writes an Action that acts as somebody else's account",
        create(berth("fresh", "other")),
        may_not_lend("harbour/other"),
        LEND,
    ),
    Attack(
        "lend-kube-system",
        7,
        "author",
        "an author names an account of kube-system",
        create(
            changed(
                berth("fresh"),
                {"spec.execution.serviceAccountRef": {"namespace": "kube-system", "name": "namespace-controller"}},
            )
        ),
        may_not_lend("kube-system/namespace-controller"),
        LEND,
    ),
    Attack(
        "lend-the-operator",
        7,
        "author",
        "an author names the operator's own account",
        create(
            changed(
                berth("fresh"),
                {"spec.execution.serviceAccountRef": {"namespace": "pratique-system", "name": "pratique"}},
            )
        ),
        may_not_lend("pratique-system/pratique"),
        LEND,
    ),
    Attack(
        "swap-account",
        7,
        "author",
        "an author swaps the account of the own Action",
        patch("actions/berth", account(SPACE, "other")),
        may_not_lend("harbour/other"),
        EDIT,
    ),
    Attack(
        "use-anothers-action",
        7,
        "author",
        "an author rewrites the template of an Action that acts as somebody else's account",
        patch("actions/foreign", {"spec": {"title": "Mine now"}}),
        may_not_lend("harbour/other"),
        EDIT,
    ),
    Attack(
        "use-anothers-action-by-apply",
        7,
        "author",
        "an author does so by server-side apply with force",
        apply("actions/foreign", {"spec": {"title": "Mine now"}}, force="true"),
        may_not_lend("harbour/other"),
        EDIT,
    ),
    Attack(
        "use-anothers-action-by-replace",
        7,
        "author",
        "an author takes the gate off an Action that acts as somebody else's account",
        replacing("actions/foreign", lambda live: live["spec"].pop("approval")),
        may_not_lend("harbour/other"),
        EDIT,
    ),
    Attack(
        "developer-edits-action",
        7,
        "developer",
        "a developer takes the gate off an Action",
        patch("actions/berth", {"spec": {"approval": None}}),
        rbac("developer@example.com", "patch", "actions", scope="at the cluster scope"),
        EDIT,
    ),
    Attack(
        "action-canary",
        9,
        "author",
        "an author says that the Action is a canary, to be let through",
        create(changed(berth("fresh", "other"), {"metadata.labels": {"pratique.dev/canary": "true"}})),
        canary(ACTION),
        LEND,
        behind=(may_not_lend("harbour/other"),),
    ),
    Attack(
        "operator-writes-action",
        7,
        "operator",
        "the operator's own account writes an Action",
        create(berth("fresh")),
        creates_nothing(ACTION, "Actions"),
        LEND,
        behind=(may_not_lend("harbour/writer", OPERATOR),),
    ),
    Attack(
        "operator-writes-channel",
        7,
        "operator",
        "the operator's own account makes a channel",
        create(make.channel("fresh")),
        creates_nothing(STATUS, "NotificationChannels"),
        Twin("admin", "makes a channel", create(make.channel("fresh"))),
    ),
    Attack(
        "channel-canary",
        9,
        "admin",
        "cluster-admin says that a channel is a canary, to be let through",
        create(changed(make.channel("fresh"), {"metadata.labels": {"pratique.dev/canary": "true"}})),
        canary(STATUS),
        Twin("admin", "makes a channel", create(make.channel("fresh"))),
    ),
]

ENVIRONMENTS = [
    Attack(
        "extend-without-the-verb",
        7,
        "mallory",
        "somebody who may patch Environments extends one past its gate",
        patch("environments/env", {"spec": {"ttl": "10d"}}),
        may_not_extend(MALLORY),
        EXTEND,
    ),
    Attack(
        "shorten-without-the-verb",
        16,
        "mallory",
        "somebody who may patch Environments ends one now",
        patch("environments/env", {"spec": {"ttl": "1s"}}),
        may_not_extend(MALLORY),
        EXTEND,
    ),
    Attack(
        "silence-warnings",
        7,
        "mallory",
        "somebody takes the warnings away",
        patch("environments/env", {"spec": {"warnings": []}}),
        may_not_extend(MALLORY),
        EXTEND,
    ),
    Attack(
        "extend-by-apply",
        7,
        "mallory",
        "somebody extends by server-side apply with force",
        apply("environments/env", {"spec": {"ttl": "10d"}}, force="true"),
        may_not_extend(MALLORY),
        EXTEND,
    ),
    Attack(
        "environment-finalizer",
        7,
        "admin",
        "cluster-admin takes the operator's finalizer's place",
        patch("environments/env", {"metadata": {"finalizers": ["pratique.dev/environment"]}}),
        ENVIRONMENT_MARKS,
        ENV_LABEL,
    ),
    Attack(
        "environment-label",
        7,
        "mallory",
        "somebody sets a label of ours on an Environment",
        patch("environments/env", {"metadata": {"labels": {"pratique.dev/run-uid": "x"}}}),
        ENVIRONMENT_MARKS,
        ENV_LABEL,
    ),
    Attack(
        "environment-canary",
        9,
        "admin",
        "cluster-admin says that an Environment is a canary, to be let through",
        create(changed(make.environment(SPACE, "fresh"), {"metadata.labels": {"pratique.dev/canary": "true"}})),
        canary(ENVIRONMENT),
        MAKE,
    ),
    Attack(
        "operator-makes-environment",
        7,
        "operator",
        "the operator's own account makes an Environment",
        create(make.environment(SPACE, "fresh")),
        creates_nothing(ENVIRONMENT, "Environments"),
        MAKE,
    ),
]

_STATUS = {"status": {"observedGeneration": 7}}


def forge_status(slug: str, who: str, what: str, target: str, status: Json, **more: Any) -> Attack:
    """Return an attack that writes a status."""
    request = patch(f"{target}/status", {"status": status})
    twin = Twin("operator", "writes the status", request)
    return Attack(slug, 8, who, what, request, ONLY_OPERATOR, twin, **more)


FORGED = [
    forge_status(
        "approve-by-status",
        "mallory",
        "somebody writes Approved into the status of a gate",
        "approvals/gate",
        {"state": "Approved"},
        peer="manual-approval-gate",
    ),
    forge_status(
        "approve-by-status-as-admin",
        "admin",
        "cluster-admin writes Approved into the status of a gate",
        "approvals/gate",
        {"state": "Approved"},
    ),
    forge_status(
        "reopen-by-status",
        "admin",
        "cluster-admin opens a gate again that has ended",
        "approvals/ended",
        {"state": "Pending"},
    ),
    forge_status(
        "succeed-by-status",
        "mallory",
        "somebody writes Succeeded into the status of a run",
        "actionruns/waiting",
        {"phase": "Succeeded"},
    ),
    forge_status(
        "plan-by-status",
        "admin",
        "cluster-admin writes another plan into the status of a run",
        "actionruns/waiting",
        {"plan": None},
    ),
    forge_status(
        "immortal-by-status",
        "mallory",
        "somebody writes another end into the status of an Environment",
        "environments/env",
        {"expiresAt": "2100-01-01T00:00:00Z"},
    ),
    forge_status(
        "action-by-status",
        "author",
        "an author writes into the status of an Action that it works",
        "actions/berth",
        {"observedGeneration": 1},
    ),
    forge_status(
        "channel-by-status",
        "admin",
        "cluster-admin writes the status of a channel",
        "notificationchannels/signal",
        {"observedGeneration": 1},
    ),
    Attack(
        "replace-status",
        8,
        "mallory",
        "somebody replaces the status of a gate by PUT",
        replacing("approvals/gate/status", lambda live: live["status"].update(state="Approved")),
        ONLY_OPERATOR,
        Twin("operator", "writes the status", patch("approvals/gate/status", {"status": {"state": "Approved"}})),
    ),
    Attack(
        "status-through-spec",
        8,
        "lead-1",
        "an approver sends a status along with the decision",
        patch("approvals/gate", {"status": {"state": "Approved"}}),
        Shows("status.state", "Pending"),
    ),
    Attack(
        "spec-through-status",
        8,
        "operator",
        "the operator's own account sends a decision along with a status",
        patch(
            "approvals/gate/status",
            {"spec": {"decisions": {"lead-1@example.com": {"verdict": "Approve"}}}, "status": {"tally": "1/2"}},
        ),
        Shows("spec.decisions", None),
    ),
    Attack(
        "approver-writes-status",
        8,
        "lead-1",
        "an approver writes the status of a gate",
        patch("approvals/gate/status", {"status": {"state": "Approved"}}),
        rbac("lead-1@example.com", "patch", "approvals/status"),
        Twin("operator", "writes the status", patch("approvals/gate/status", {"status": {"state": "Approved"}})),
    ),
]

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


def _deep(levels: int) -> Json:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return dict(value)


DEEP = [
    Attack(
        "deep-template",
        17,
        "author",
        "an author nests a template so deep that readers give up",
        create(changed(berth("fresh"), {"spec.execution.resources.0.template.data": _deep(40)})),
        DEEP_TEMPLATE,
        LEND,
    ),
    Attack(
        "deep-schema",
        17,
        "author",
        "an author nests a form so deep that readers give up",
        create(changed(berth("fresh"), {"spec.inputs.schema.properties": _deep(40)})),
        DEEP_SCHEMA,
        LEND,
    ),
]

ATTACKS = [*HUNG, *DEEP, *PLANTED, *LENT, *ENVIRONMENTS, *FORGED, *LEASHES]
