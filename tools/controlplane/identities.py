"""Who there is on a control plane of ours, and how each gets a kubeconfig.

Nobody has a right here beyond what Kubernetes gives a group by itself (system:masters): rights come from manifests.
On our own plane every identity is real, with a random token; on somebody else's cluster the admin impersonates it,
which the API server treats the same way but for its audit log. Called by plane.py and foreign.py.
"""

import base64
import csv
import io
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.files import write_private


@dataclass(frozen=True, slots=True)
class Identity:
    """A name for a kubeconfig, and what the API server calls its bearer."""

    name: str
    username: str
    groups: tuple[str, ...] = ()


def service_account(name: str, namespace: str, account: str) -> Identity:
    """Return the identity that pods of a ServiceAccount have."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return Identity(name, f"system:serviceaccount:{namespace}:{account}", groups)


LONG = 5000
ODD = """a/b:c#d~e"f'g\\E.*"""
"""A user name with all that paths, patterns and patches treat as special."""
HARD = (
    Identity("lead-1-moved", "lead-1@example.com", ("former-leads",)),
    Identity("lead-1-upper", "LEAD-1@Example.COM", ("platform-leads",)),
    Identity("lead-1-alike", "le\u0430d-1@example.com", ("platform-leads",)),  # a Cyrillic a
    Identity("lead-umlaut", "\u00c4RZTIN@example.com", ("platform-leads",)),
    Identity("lead-odd", ODD, ("platform-leads",)),
    Identity("lead-long", "l" * LONG, ("platform-leads",)),
    Identity("developer-odd", ODD, ("developers",)),
    Identity("developer-long", "d" * LONG, ("developers",)),
    Identity("named-as-group", "platform-leads", ("developers", "approvers")),
)
"""People whose names are hard to tell apart or to write, and one whose token has other groups than it had before."""
IDENTITIES = {
    identity.name: identity
    for identity in (
        Identity("admin", "admin", ("system:masters",)),
        Identity("developer", "developer@example.com", ("developers",)),
        Identity("developer-2", "developer-2@example.com", ("developers",)),
        Identity("lead-1", "lead-1@example.com", ("platform-leads",)),
        Identity("lead-2", "lead-2@example.com", ("platform-leads",)),
        Identity("security", "security@example.com", ("security",)),
        Identity("oncall", "oncall@example.com", ("sre-oncall",)),
        Identity("author", "author@example.com", ("action-authors",)),
        Identity("namespace-admin", "namespace-admin@example.com"),
        Identity("mallory", "mallory@example.com"),
        Identity("nobody", "nobody"),
        service_account("operator", "pratique-system", "pratique"),
        service_account("webhook", "pratique-system", "pratique-webhook"),
        service_account("robot", "team-a", "robot"),
        service_account("argocd", "argocd", "argocd-application-controller"),
        *HARD,
    )
}
NODE = "node-1"
SERVANTS = (
    Identity("kube-controller-manager", "system:kube-controller-manager"),
    Identity("kube-scheduler", "system:kube-scheduler"),
    Identity("kube-proxy", "system:kube-proxy"),
    Identity("kubelet", f"system:node:{NODE}", ("system:nodes",)),
)
"""The programs of the cluster's own, whom Kubernetes itself gives their rights."""


def known(name: str) -> Identity:
    """Return an identity by the name of its kubeconfig."""
    try:
        return IDENTITIES[name]
    except KeyError:
        raise ControlPlaneError(f"There is no identity {name!r}: choose one of {', '.join(IDENTITIES)}.") from None


def ensure_tokens(path: Path, identities: Iterable[Identity]) -> dict[str, str]:
    """Return a token per identity name, keeping those of an earlier start, so that kubeconfigs stay valid."""
    kept: dict[str, str] = {}
    if path.exists():
        kept = {row[2]: row[0] for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8")))}
    text = io.StringIO()
    writer = csv.writer(text)
    tokens: dict[str, str] = {}
    for identity in identities:
        tokens[identity.name] = kept.get(identity.name) or secrets.token_urlsafe(32)
        groups = [",".join(identity.groups)] if identity.groups else []  # an empty field is a group named ""
        writer.writerow([tokens[identity.name], identity.username, identity.name, *groups])
    write_private(path, text.getvalue().encode())
    return tokens


def token_kubeconfig(identity: Identity, server: str, authority: bytes, token: str) -> dict[str, Any]:
    """Return a kubeconfig that holds all it needs, so that it may be copied anywhere."""
    return _kubeconfig(
        {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()},
        identity.name,
        {"token": token},
    )


def impersonating_kubeconfig(identity: Identity, admin: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kubeconfig that acts as `identity` with the credentials of `admin` (minified and flattened)."""
    cluster = admin["clusters"][0]["cluster"]
    user = dict(admin["users"][0]["user"])
    if identity.name != "admin":
        user |= {"as": identity.username, "as-groups": list(identity.groups)}
    return _kubeconfig(cluster, identity.name, user)


def write_kubeconfig(path: Path, document: Mapping[str, Any]) -> Path:
    """Write a kubeconfig, for its owner's eyes only."""
    write_private(path, yaml.safe_dump(dict(document), sort_keys=False).encode())
    return path


def _kubeconfig(cluster: Mapping[str, Any], user_name: str, user: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "pratique", "cluster": dict(cluster)}],
        "users": [{"name": user_name, "user": dict(user)}],
        "contexts": [{"name": user_name, "context": {"cluster": "pratique", "user": user_name}}],
        "current-context": user_name,
    }
