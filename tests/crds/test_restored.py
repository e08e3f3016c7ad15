"""What a backup tool restores through the API: it makes objects anew, without a status. Nobody operates.

So what was asked for and decided long ago is not done a second time.
"""

import json
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import Manifest, changed, decision
from tests.support.cluster import Cluster

pytestmark = pytest.mark.cluster
API = "/apis/pratique.dev/v1alpha1"
OF_THE_SERVER = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")
MERGE = "application/merge-patch+json"
FORGED = "spec.requestedBy is set by the API server to the authenticated caller"


def restored(stored: Manifest, name: str = "restored") -> Manifest:
    """Return an object as a backup tool writes it again: as it was, but for what the API server alone gives."""
    metadata = {key: value for key, value in stored["metadata"].items() if key not in OF_THE_SERVER}
    return {**stored, "metadata": {**metadata, "name": name}}


def refused(cluster: Cluster, plural: str, namespace: str, body: Manifest, who: str = "admin") -> str:
    """Return the sentence with which it is refused, whatever the power of who restores."""
    reply = cluster.callers[who].send("POST", f"{API}/namespaces/{namespace}/{plural}", body)
    assert reply.code == 403, reply
    return reply.message


def stored(cluster: Cluster, who: str, plural: str, namespace: str, manifest: Manifest) -> Manifest:
    reply = cluster.callers[who].send("POST", f"{API}/namespaces/{namespace}/{plural}", manifest)
    assert reply.ok, reply
    return dict(reply.body)


def ended(found: Manifest, **status: Any) -> Manifest:
    return {**found, "status": status}


def test_a_run_that_has_ended_is_not_asked_for_again(cluster: Cluster, namespace: str) -> None:
    run = stored(cluster, "developer", "actionruns", namespace, make.run("before", namespace))
    again = restored(ended(run, phase="Succeeded", observedGeneration=1))
    assert FORGED in refused(cluster, "actionruns", namespace, again)
    unnamed = changed(again, {"spec.requestedBy.groups": ["system:masters"]})
    assert FORGED in refused(cluster, "actionruns", namespace, unnamed)


def test_an_approval_of_a_run_is_not_there_again_and_carries_no_decision(cluster: Cluster, namespace: str) -> None:
    stored(cluster, "operator", "approvals", namespace, make.approval(namespace, "restored-gate"))
    entry = json.loads(decision("lead-1@example.com", "Approve"))
    path = f"{API}/namespaces/{namespace}/approvals/restored-gate"
    decided = cluster.callers["lead-1"].send("PATCH", path, entry, content_type=MERGE)
    assert decided.ok, decided
    again = restored(ended(dict(decided.body), state="Approved"))
    assert "only the operator opens the gate of a run" in refused(cluster, "approvals", namespace, again)
    assert "an Approval starts without decisions" in refused(cluster, "approvals", namespace, again, "operator")


def test_nobody_writes_the_status_of_what_is_restored(cluster: Cluster, namespace: str) -> None:
    stored(cluster, "developer", "actionruns", namespace, make.run("after", namespace))
    path = f"{API}/namespaces/{namespace}/actionruns/after/status"
    body = {"status": {"phase": "Running", "observedGeneration": 1}}
    reply = cluster.callers["admin"].send("PATCH", path, body, content_type=MERGE)
    assert reply.code == 403 and "only the operator writes the status" in reply.message


def test_what_a_backup_tool_marks_is_not_taken_as_a_new_request(cluster: Cluster, namespace: str) -> None:
    """Also without its requester, by a machine that may ask for itself; and no Environment begins anew."""
    marked = {"metadata.labels": {"velero.io/restore-name": "nightly"}}
    run = changed(make.run("again", namespace), marked)
    assert "this run comes out of a backup" in refused(cluster, "actionruns", namespace, run)
    environment = changed(make.environment(namespace, "again"), marked)
    assert "its time would begin anew" in refused(cluster, "environments", namespace, environment)
