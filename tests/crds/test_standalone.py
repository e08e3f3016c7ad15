"""Approvals without a run: what the API server stamps, what it refuses, and who takes one back. Nobody operates.

Where nothing else is said these are dry runs; a denied field stands beside the same object without it, which is accepted.
"""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import DELETE, Manifest, changed, decision
from tests.support.cluster import Answer, Cluster

pytestmark = pytest.mark.cluster
PIPELINE = "system:serviceaccount:team-a:robot"
LEAD = "lead-1@example.com"


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace in which the pipeline may open gates."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("admin", "create", "namespace", name)
    role = ("--clusterrole", "pratique-pipeline", "--serviceaccount", "team-a:robot")
    cluster.kubectl("admin", "-n", name, "create", "rolebinding", "pipeline", *role)
    yield name
    cluster.kubectl("admin", "delete", "namespace", name, "--wait=false")


def create(cluster: Cluster, manifest: Manifest, *options: str, who: str = "robot") -> Answer:
    args = ("create", "-o", "json", "-f", "-", *options)
    return cluster.kubectl(who, *args, input=json.dumps(manifest), check=False)


def opened(cluster: Cluster, namespace: str, changes: dict[str, Any] | None = None) -> str:
    """Open one for real, and return its name."""
    manifest = changed(make.standalone(namespace), {"metadata.name": DELETE, "metadata.generateName": "deploy-"})
    answer = create(cluster, changed(manifest, changes or {}))
    assert answer.code == 0, answer.err
    return str(answer.json["metadata"]["name"])


def test_it_is_stamped_with_who_asks_and_until_when(cluster: Cluster, namespace: str) -> None:
    answer = create(cluster, make.standalone(namespace), "--dry-run=server")
    assert answer.code == 0, answer.err
    found = answer.json
    assert found["spec"]["requestedBy"]["username"] == PIPELINE
    assert "system:serviceaccounts:team-a" in found["spec"]["requestedBy"]["groups"]
    deadline, created = found["spec"]["policy"]["deadline"], found["metadata"]["creationTimestamp"]
    length = datetime.fromisoformat(deadline) - datetime.fromisoformat(created)
    assert abs(length.total_seconds() - 86400) <= 2
    assert found["status"]["state"] == "Pending"
    assert found["spec"]["subject"]["uid"] == "", "version 0.1.0 lists gates by it"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"spec.policy.timeout": "90d", "spec.excluded": ["dev@example.com"], "spec.policy.required": 2}, ""),
        ({"spec.policy.requireFrom": [{"group": "platform-leads", "count": 1}]}, ""),
        ({"spec.policy.approvers": {"users": [LEAD]}}, ""),
        ({"spec.requestedBy": {"username": LEAD, "groups": []}}, "spec.requestedBy is set by the API server"),
        ({"spec.subject.title": " "}, "subject needs a title"),
        ({"spec.subject.title": DELETE}, "subject needs a title"),
        ({"spec.subject.url": "javascript:alert(1)"}, "url is a link without blanks"),
        ({"spec.action": "berth"}, "has no action: only the operator fills that in"),
        ({"spec.plan": {"digest": "sha256:0"}}, "has no plan: only the operator fills that in"),
        ({"spec.onBehalfOf": {"username": LEAD}}, "has no onBehalfOf: only the operator fills that in"),
        ({"spec.notifications": [{"channels": ["a"], "events": ["Approved"]}]}, "has no notifications: only the"),
        ({"spec.withdrawn": True}, "has no withdrawn: only the operator fills that in"),
        (
            {"spec.policy.alternatives": [{"approvers": {"users": [LEAD]}, "required": 1}]},
            "has no policy.alternatives: only the operator fills that in",
        ),
        ({"spec.decisions": {PIPELINE: {"verdict": "Approve"}}}, "an Approval starts without decisions"),
        ({"metadata.name": "deploy-7f3a9c01bd"}, "belong to the gates of runs"),
        ({"metadata.name": "deploy-7f3a9c01bd-2"}, "belong to the gates of runs"),
        ({"metadata.finalizers": ["example.com/mine"]}, "an Approval is the record of what was decided"),
        ({"metadata.labels": {"pratique.dev/run-uid": "a"}}, "an Approval is the record of what was decided"),
        (
            {"metadata.ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "b"}]},
            "an Approval is the record of what was decided",
        ),
        ({"spec.policy.timeout": DELETE}, "needs spec.policy.timeout, such as 24h: 90d at most"),
        ({"spec.policy.timeout": "91d"}, "needs spec.policy.timeout, such as 24h: 90d at most"),
        ({"spec.policy.timeout": "0s"}, "needs spec.policy.timeout, such as 24h: 90d at most"),
        ({"spec.policy.timeout": "1 day"}, "one whole number and one unit"),
        ({"spec.policy.timeout": 24}, "spec.policy.timeout"),
        ({"spec.policy": None}, "spec.policy"),
        ({"spec": None}, "spec: Required value"),
        ({"spec": "text"}, "spec in body must be of type object"),
        ({"spec.policy.deadline": "2099-01-01T00:00:00Z"}, "spec.policy.deadline is set by the API server"),
        ({"spec.policy.deadline": "2020-01-01T00:00:00Z"}, "spec.policy.deadline is set by the API server"),
        ({"spec.policy.deadline": "2099-01-01T00:00:00Z", "spec.policy.timeout": DELETE}, "needs spec.policy.timeout"),
        ({"spec.policy.approvers": {"users": [PIPELINE]}}, "this could never be approved"),
        (
            {"spec.policy.approvers": {"users": [LEAD]}, "spec.excluded": [LEAD.upper()]},
            "this could never be approved",
        ),
        ({"spec.policy.approvers": {"users": [LEAD]}, "spec.policy.required": 2}, "this could never be approved"),
        ({"spec.policy.approvers": {"groups": ["system:authenticated"]}}, "must name people"),
        ({"spec.policy.requireFrom": [{"group": "security", "count": 1}]}, "each group of spec.policy.requireFrom"),
        (
            {"spec.policy.requireFrom": [{"group": "platform-leads", "count": 2}]},
            "each group of spec.policy.requireFrom",
        ),
    ],
    ids=lambda value: json.dumps(value, default=lambda _: "left out")[:60] if isinstance(value, dict) else "",
)
def test_what_its_creator_may_say(cluster: Cluster, namespace: str, changes: dict[str, Any], sentence: str) -> None:
    manifest = changed(make.standalone(namespace), changes)
    answer = create(cluster, manifest, "--dry-run=server", "--validate=ignore")
    assert (answer.code == 0) is (sentence == ""), answer.err or answer.out
    assert sentence in answer.err


def test_only_the_operator_opens_the_gate_of_a_run(cluster: Cluster, namespace: str) -> None:
    answer = create(cluster, make.approval(namespace), "--dry-run=server")
    assert "only the operator opens the gate of a run: create an ActionRun, or leave kind out" in answer.err


@pytest.mark.parametrize("time", ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
@pytest.mark.parametrize("manager", ["kubectl-create", "ghost"])
def test_a_time_that_its_creator_sends_moves_no_deadline(
    cluster: Cluster, namespace: str, time: str, manager: str
) -> None:
    fields: Manifest = {"f:spec": {"f:policy": {"f:timeout": {}}}}
    ghost = {"manager": manager, "operation": "Update", "apiVersion": make.API_VERSION, "time": time}
    managed = [ghost | {"fieldsType": "FieldsV1", "fieldsV1": fields}]
    answer = create(
        cluster, changed(make.standalone(namespace), {"metadata.managedFields": managed}), "--dry-run=server"
    )
    if answer.code == 0:
        deadline, created = answer.json["spec"]["policy"]["deadline"], answer.json["metadata"]["creationTimestamp"]
        length = datetime.fromisoformat(deadline) - datetime.fromisoformat(created)
        assert abs(length.total_seconds() - 86400) <= 2
    else:
        assert "spec.policy.deadline is set by the API server" in answer.err


def test_who_decides_needs_the_verb_on_approvals(cluster: Cluster, namespace: str) -> None:
    name = opened(cluster, namespace, {"spec.policy.approvers": {"users": [LEAD, "mallory@example.com"]}})
    rights = ("--verb=get,patch", "--resource=approvals.pratique.dev")
    cluster.kubectl("admin", "-n", namespace, "create", "role", "patches", *rights)
    bound = ("--role=patches", "--user=mallory@example.com")
    cluster.kubectl("admin", "-n", namespace, "create", "rolebinding", "patches", *bound)
    patch = ("-n", namespace, "patch", "approval", name, "--type=merge", "-p")
    refused = cluster.kubectl("mallory", *patch, decision("mallory@example.com", "Approve"), check=False)
    assert "it needs the RBAC verb approve on approvals.pratique.dev" in refused.err
    own = cluster.kubectl("robot", *patch, decision(PIPELINE, "Approve"), check=False)
    assert "you cannot decide your own request" in own.err
    cluster.kubectl("lead-1", *patch, decision(LEAD, "Approve"))
    found = cluster.get("approval", name, namespace)
    assert found is not None
    assert found["spec"]["decisions"][LEAD]["decidedAt"]


def test_its_creator_takes_it_back_and_nobody_else(cluster: Cluster, namespace: str) -> None:
    name = opened(cluster, namespace)
    patch = ("-n", namespace, "patch", "approval", name, "--type=merge", "-p")
    back, again = '{"spec":{"withdrawn":true}}', '{"spec":{"withdrawn":false}}'
    other = cluster.kubectl("lead-1", *patch, back, check=False)
    assert "only who created an Approval may withdraw it" in other.err
    pending = cluster.kubectl("robot", "-n", namespace, "delete", "approval", name, check=False)
    assert "a pending Approval cannot be deleted" in pending.err
    rule = cluster.kubectl("robot", *patch, '{"spec":{"policy":{"required":2}}}', check=False)
    assert "is frozen" in rule.err
    cluster.kubectl("robot", *patch, back)
    assert "withdrawn cannot be taken back" in cluster.kubectl("robot", *patch, again, check=False).err
    status = json.dumps({"status": {"state": "Withdrawn"}})
    cluster.kubectl("operator", *patch, status, "--subresource=status")
    cluster.kubectl("robot", "-n", namespace, "delete", "approval", name)


def test_the_gate_of_a_run_is_withdrawn_by_its_run(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("operator", "create", "-f", "-", input=json.dumps(make.approval(namespace, "gate-of-a-run")))
    patch = ("-n", namespace, "patch", "approval", "gate-of-a-run", "--type=merge", "-p", '{"spec":{"withdrawn":true}}')
    assert "is withdrawn by its run" in cluster.kubectl("lead-1", *patch, check=False).err
