"""CRDs that imitate the kinds of Argo CD, Flux, Tekton, Crossplane and cert-manager: nobody runs their controllers here.

A test writes the statuses that they would.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.builders.manifests import Manifest
from tests.support.cluster import Cluster, wait_for

KINDS = {
    "Application": ("argoproj.io/v1alpha1", False),
    "Rollout": ("argoproj.io/v1alpha1", True),
    "Kustomization": ("kustomize.toolkit.fluxcd.io/v1", True),
    "PipelineRun": ("tekton.dev/v1", True),
    "Claim": ("platform.example.com/v1", True),
    "Quiet": ("platform.example.com/v1", False),
    "Certificate": ("cert-manager.io/v1", True),
    "PostgreSQLInstance": ("platform.example.com/v1", True),
}
"""By kind: its apiVersion, and whether its status is a subresource."""


def definition(kind: str, api_version: str, reports: bool) -> Manifest:
    """Return the CRD of such a kind, which takes anything."""
    group, version = api_version.split("/")
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    served = {"name": version, "served": True, "storage": True, "schema": schema}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": [{**served, **({"subresources": {"status": {}}} if reports else {})}],
        },
    }


@contextmanager
def installed(cluster: Cluster) -> Iterator[None]:
    """Install the CRDs, once those of a test before are gone."""
    kinds = [definition(kind, *about) for kind, about in KINDS.items()]
    names = [each["metadata"]["name"] for each in kinds]

    def are_gone() -> bool:
        answer = cluster.kubectl("admin", "get", "crd", *names, "--ignore-not-found", "-o", "name")
        return not answer.out.strip()

    wait_for("the CRDs of a test before are gone", are_gone)
    cluster.apply("admin", kinds)
    cluster.kubectl("admin", "wait", "--for=condition=Established", "crd", *names)
    yield
    cluster.kubectl("admin", "delete", "--wait=false", "crd", *names)


def report(cluster: Cluster, namespace: str, statuses: dict[str, dict[str, Any]]) -> None:
    """Write the status of each object, by its name, as its controller would; what was written meanwhile is read again."""

    def is_written() -> bool:
        plurals = ",".join(f"{kind.lower()}s.{about[0].split('/')[0]}" for kind, about in KINDS.items())
        found = cluster.kubectl("admin", "get", plurals, "-n", namespace, "-o", "json").json["items"]
        written = [
            {**each, "status": statuses[name]} for each in found if (name := each["metadata"]["name"]) in statuses
        ]
        assert len(written) == len(statuses), f"{namespace} has {[each['metadata']['name'] for each in found]}"
        for reports in (True, False):
            items = [each for each in written if KINDS[each["kind"]][1] is reports]
            listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
            sub = ("--subresource=status",) if reports else ()
            if items:
                put = cluster.kubectl("admin", "replace", *sub, "-f", "-", input=listed, check=False)
                assert not put.code or "the object has been modified" in put.err, put.err
                if put.code:
                    return False
        return True

    wait_for("the statuses are written", is_written)
