"""How Argo CD and Flux apply a chart, and how each of them finds out whether the cluster has drifted from it.

Neither of them runs here. What each compares is done by the API server (a dry run of an apply) and then by a few lines:
Argo CD's `gitops-engine/pkg/diff` and Flux's `pkg/ssa/jsondiff`, in their own words.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import yaml

from tests.support.cluster import Cluster
from tests.support.http import Reply

Manifest = dict[str, Any]
Pairs = list[tuple[Manifest, Manifest]]
"""Manifests, each with what there is of it."""

Compare = Callable[[Cluster, Pairs], list[list[str]]]
"""Returns the places at which each pair differs."""

APPLY = "application/apply-patch+yaml"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
OF_THE_SERVER = ("managedFields", "resourceVersion", "creationTimestamp")


def path_of(manifest: Manifest) -> str:
    """Return where the API server has an object."""
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    kind = manifest["kind"].lower()
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    space = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{space}/{plural}/{metadata['name']}"


def name_of(manifest: Manifest) -> str:
    """Return what an object is called in messages."""
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def apply_as(cluster: Cluster, manager: str, manifest: Manifest, *, dry: bool = False) -> Reply:
    """Apply by the API server, as this manager, whoever else holds a field."""
    params = {"fieldManager": manager, "force": "true", **({"dryRun": "All"} if dry else {})}
    reply = cluster.callers["admin"].send("PATCH", path_of(manifest), manifest, content_type=APPLY, params=params)
    assert reply.ok, (name_of(manifest), reply)
    return reply


def live(cluster: Cluster, manifest: Manifest) -> Manifest | None:
    """Return what there is."""
    reply = cluster.callers["admin"].send("GET", path_of(manifest))
    assert reply.ok or reply.code == 404, reply
    return dict(reply.body) if reply.ok else None


def drifted(cluster: Cluster, release: list[Manifest], compare: Compare) -> dict[str, list[str]]:
    """Return which objects a tool would call changed or missing, each with the places."""
    there = [(each, live(cluster, each)) for each in release]
    missing = {name_of(each): ["/"] for each, seen in there if seen is None}
    pairs = [(each, seen) for each, seen in there if seen is not None]
    compared = zip(pairs, compare(cluster, pairs), strict=True)
    return missing | {name_of(each): places for (each, _), places in compared if places}


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """Return the paths at which two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted({*before, *after})
        return [place for key in keys for place in differences(before.get(key), after.get(key), f"{path}/{key}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [place for at, pair in pairs for place in differences(*pair, f"{path}/{at}")]
    return [] if before == after else [path]


def argo_manifest(manifest: Manifest) -> Manifest:
    """Return an object as Argo CD sends it: with the mark by which it knows its own."""
    marked, (group, _, _) = deepcopy(manifest), manifest["apiVersion"].rpartition("/")
    metadata = marked["metadata"]
    mark = f"pratique:{group}/{marked['kind']}:{metadata.get('namespace', 'pratique-system')}/{metadata['name']}"
    metadata.setdefault("annotations", {})["argocd.argoproj.io/tracking-id"] = mark
    return marked


def argo_server_side(cluster: Cluster, pairs: Pairs) -> list[list[str]]:
    """Compare as Argo CD does with ServerSideDiff=true: all that a forced apply of `argocd-controller` would give."""
    predicted = [apply_as(cluster, "argocd-controller", each, dry=True).body for each, _ in pairs]
    return [differences(_argo_norm(seen), _argo_norm(then)) for (_, seen), then in zip(pairs, predicted, strict=True)]


def argo_three_way(cluster: Cluster, pairs: Pairs) -> list[list[str]]:
    """Compare as Argo CD does by default, which is what `kubectl apply` would do with the last applied manifest."""
    asked = ("apply", "--dry-run=server", "-o", "json", "-f", "-")
    predicted = cluster.program("admin", *asked, input=yaml.safe_dump_all(each for each, _ in pairs)).json["items"]
    return [differences(_argo_norm(seen), _argo_norm(then)) for (_, seen), then in zip(pairs, predicted, strict=True)]


def _argo_norm(seen: Manifest) -> Manifest:
    kept = deepcopy(seen)
    for field in OF_THE_SERVER:
        kept["metadata"].pop(field, None)
    kept["metadata"].get("annotations", {}).pop(LAST_APPLIED, None)
    return kept


def flux(cluster: Cluster, pairs: Pairs) -> list[list[str]]:
    """Compare as Flux's helm-controller does: labels and annotations that are added or changed, and all but the status."""
    return [_of_flux(seen, apply_as(cluster, "helm-controller", marked(each), dry=True).body) for each, seen in pairs]


def marked(manifest: Manifest) -> Manifest:
    """Return an object with the marks of Helm's release, by which Helm knows its own."""
    sent = deepcopy(manifest)
    marks = {"meta.helm.sh/release-name": "pratique", "meta.helm.sh/release-namespace": "pratique-system"}
    sent["metadata"]["annotations"] = {**sent["metadata"].get("annotations", {}), **marks}
    return sent


def _of_flux(seen: Manifest, predicted: Manifest) -> list[str]:
    found = differences(_without_status(seen), _without_status(predicted))
    for field in ("labels", "annotations"):
        now, then = (each["metadata"].get(field, {}) for each in (seen, predicted))
        found += [f"/metadata/{field}/{key}" for key, value in then.items() if now.get(key) != value]
    return found


def _without_status(seen: Manifest) -> Manifest:
    return {key: value for key, value in seen.items() if key not in ("metadata", "status")}
