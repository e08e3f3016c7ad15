"""An edited run is never executed again: every way of applying is refused 403, and none deletes the run to make it anew.

kubectl with `--force`, and Flux with `force`, delete and create what the API server answers 422 for ("Invalid") or 409;
Flux also what it calls immutable. So each edit is answered 403 by the policy, an edit that the schema would refuse too.
"""

import json
import re
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import changed
from tests.support.cluster import Answer, Cluster

pytestmark = pytest.mark.cluster

EDITS: dict[str, tuple[dict[str, Any], str]] = {
    "inputs": ({"spec.inputs": {"name": "another"}}, "inputs"),
    "reason": ({"spec.reason": "another"}, "reason"),
    "action": ({"spec.actionRef.name": "another"}, "actionRef"),
    "person": ({"spec.onBehalfOf": {"username": "lead-1@example.com"}}, "onBehalfOf"),
    "schema-refuses-reason": ({"spec.reason": "x" * 2000}, "reason"),
    "schema-refuses-inputs": ({"spec.inputs": "text"}, "inputs"),
    "schema-refuses-action": ({"spec.actionRef.name": "Not A Name"}, "actionRef"),
    "schema-refuses-system": ({"spec.onBehalfOf": {"username": "system:x"}}, "onBehalfOf"),
}
MANAGERS = {
    "apply": ("apply",),
    "apply-force": ("apply", "--force"),
    "server-side": ("apply", "--server-side"),
    "server-side-force": ("apply", "--server-side", "--force-conflicts"),
    "replace": ("replace",),
}
IMMUTABLE = re.compile(r"is\simmutable|immutable\sfield|is invalid|Invalid value", re.IGNORECASE)
"""What kubectl and Flux take for leave to delete and create (fluxcd/pkg/ssa `IsImmutableError`)."""


def applied(cluster: Cluster, manager: str, manifest: dict[str, Any]) -> Answer:
    """Apply by one of the ways, as the developer or who may also replace; `flux` deletes where its controller would."""
    text = json.dumps(manifest)
    if manager != "flux":
        who = "admin" if manager == "replace" else "developer"
        return cluster.kubectl(who, *MANAGERS[manager], "-f", "-", input=text, check=False)
    args = ("apply", "--server-side", "--force-conflicts", "--field-manager=kustomize-controller")
    answer = cluster.kubectl("developer", *args, "--dry-run=server", "-f", "-", input=text, check=False)
    if answer.code != 0 and IMMUTABLE.search(answer.err):
        cluster.kubectl("developer", "delete", "-f", "-", input=text, check=False)
        return cluster.kubectl("developer", *args, "-f", "-", input=text, check=False)
    return answer


def test_an_edited_run_stays_what_it_was(cluster: Cluster, namespace: str) -> None:
    """One that has ended: its requester may delete it, so nothing but the answer keeps a tool from doing so."""
    manifest = make.run("held", namespace, reason="Load test")
    cluster.apply("developer", manifest)
    args = ("patch", "actionrun", "held", "-n", namespace, "--subresource=status", "--type=merge")
    cluster.kubectl("operator", *args, "-p", json.dumps({"status": {"phase": "Succeeded"}}))
    before = cluster.get("actionrun", "held", namespace)
    assert before is not None
    for manager in (*MANAGERS, "flux"):
        again = applied(cluster, manager, manifest)
        assert again.code == 0, f"{manager}: the same manifest is a no-op: {again.err}"
        for name, (edit, field) in EDITS.items():
            answer = applied(cluster, manager, changed(manifest, edit))
            assert answer.code != 0, f"{manager}, {name}"
            if "failed to create typed patch object" in answer.err:
                continue  # server-side apply itself cannot read it: neither 422 nor 409, so nobody deletes
            assert f"{field} cannot be changed: a run is one execution" in answer.err, (
                f"{manager}, {name}: {answer.err}"
            )
            assert not IMMUTABLE.search(answer.err)
    after = cluster.get("actionrun", "held", namespace)
    assert after is not None
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])
    assert "pratique.dev/edited" not in after["metadata"].get("annotations", {})


FROZEN: dict[str, tuple[dict[str, Any], str]] = {
    "namespace": ({"spec.target.namespace.name": "env-another"}, "target"),
    "quota": ({"spec.target.quota": {"pods": "1"}}, "target"),
    "limit": ({"spec.maxTTL": "8w"}, "maxTTL"),
    "owner": ({"spec.requestedBy": "mallory@example.com"}, "requestedBy"),
}


def test_an_edited_environment_keeps_its_namespace(cluster: Cluster, namespace: str) -> None:
    """Deleted and made again, it would take along all that is in its namespace."""
    manifest = make.environment(namespace)
    cluster.apply("admin", manifest)
    kind, name = "environment", manifest["metadata"]["name"]
    before = cluster.get(kind, name, namespace)
    for edit, field in FROZEN.values():
        text = json.dumps(changed(manifest, edit))
        for args in (("apply", "--force"), ("apply", "--server-side", "--force-conflicts"), ("replace",)):
            answer = cluster.kubectl("admin", *args, "-f", "-", input=text, check=False)
            assert answer.code != 0 and f"{field} cannot be changed" in answer.err, answer.err
            assert not IMMUTABLE.search(answer.err)
    after = cluster.get(kind, name, namespace)
    assert before is not None and after is not None
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])
