"""Who asks for a run, and what may become of it afterwards: each denial with the twin that is allowed.

Real identities, the real API server, no operator: what is proved here holds while the operator is down.
"""

import json
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import changed
from tests.support.cluster import Answer, Cluster, wait_for

pytestmark = pytest.mark.cluster
PATH = "spec.requestedBy"
FORGED = "spec.requestedBy is set by the API server"


@pytest.fixture
def held(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """A run of the developer's that waits for approval."""
    manifest = make.run("held", namespace, reason="Load test")
    cluster.apply("developer", manifest)
    _status(cluster, namespace, "held", {"phase": "WaitingForApproval"})
    return manifest


def _status(cluster: Cluster, namespace: str, name: str, status: dict[str, Any], who: str = "operator") -> Answer:
    args = ("patch", "actionrun", name, "-n", namespace, "--subresource=status", "--type=merge")
    return cluster.kubectl(who, *args, "-p", json.dumps({"status": status}), check=False)


def _patch(cluster: Cluster, who: str, namespace: str, patch: dict[str, Any], name: str = "held") -> Answer:
    args = ("patch", "actionrun", name, "-n", namespace, "--type=merge", "-p", json.dumps(patch))
    return cluster.kubectl(who, *args, check=False)


def _spec(cluster: Cluster, namespace: str, name: str = "held") -> dict[str, Any]:
    found = cluster.get("actionrun", name, namespace)
    assert found is not None
    return dict(found["spec"])


def _denied(answer: Answer, sentence: str) -> None:
    assert answer.code != 0, f"accepted: {answer.out}"
    assert sentence in answer.err


def test_the_requester_is_stamped_with_name_and_groups(cluster: Cluster, namespace: str) -> None:
    cluster.apply("developer", make.run("held", namespace))
    who = _spec(cluster, namespace)["requestedBy"]
    assert who["username"] == "developer@example.com"
    assert set(who["groups"]) == {"developers", "system:authenticated"}


FORGED_REQUESTERS = (
    {"username": "lead-1@example.com", "groups": ["platform-leads", "system:authenticated"]},
    {"username": "developer@example.com"},
    {"username": "developer@example.com", "groups": ["platform-leads", "system:authenticated"]},
    {"username": "developer@example.com", "groups": ["developers"]},
    {"username": "developer@example.com", "groups": ["developers", "system:authenticated", "platform-leads"]},
    {"username": "Developer@example.com", "groups": ["developers", "system:authenticated"]},
)


@pytest.mark.parametrize("who", ["developer", "admin"])
def test_nobody_asks_in_another_name_or_with_other_groups(cluster: Cluster, namespace: str, who: str) -> None:
    for forged in FORGED_REQUESTERS:
        answer = cluster.apply(who, changed(make.run("held", namespace), {PATH: forged}), check=False)
        _denied(answer, FORGED)


def test_the_truth_may_be_written_down(cluster: Cluster, namespace: str) -> None:
    true = {"username": "developer@example.com", "groups": ["developers", "system:authenticated"]}
    cluster.apply("developer", changed(make.run("held", namespace), {PATH: true}))


def test_an_action_is_run_by_those_who_hold_the_verb(cluster: Cluster, namespace: str) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "runs", "namespace": namespace},
        "rules": [
            {"apiGroups": ["pratique.dev"], "resources": ["actionruns"], "verbs": ["create", "get", "patch"]},
            {"apiGroups": ["pratique.dev"], "resources": ["actions"], "verbs": ["run"], "resourceNames": ["allowed"]},
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "runs", "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "runs"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory@example.com"}],
    }
    cluster.apply("admin", role)
    cluster.apply("admin", binding)
    answer = cluster.apply("mallory", make.run("held", namespace, "forbidden"), check=False)
    _denied(answer, f"mallory@example.com may not run Action forbidden in namespace {namespace}")
    cluster.apply("mallory", make.run("held", namespace, "allowed"))


def test_the_operator_runs_nothing_itself(cluster: Cluster, namespace: str) -> None:
    answer = cluster.kubectl(
        "operator", "create", "-f", "-", input=json.dumps(make.run("held", namespace)), check=False
    )
    _denied(answer, "may not run Action create-environment")


def test_a_run_is_not_born_withdrawn(cluster: Cluster, namespace: str) -> None:
    answer = cluster.apply("developer", changed(make.run("held", namespace), {"spec.withdrawn": True}), check=False)
    _denied(answer, "a new run cannot start with it")


def test_our_marks_are_not_for_requesters(cluster: Cluster, namespace: str, held: dict[str, Any]) -> None:
    sentence = "labels, annotations and finalizers of pratique.dev on an ActionRun belong to the operator"
    marks: tuple[dict[str, Any], ...] = (
        {"labels": {"pratique.dev/run-uid": "x"}},
        {"annotations": {"pratique.dev/anything": "x"}},
        {"finalizers": ["pratique.dev/environment"]},
    )
    for mark in marks:
        _denied(_patch(cluster, "developer", namespace, {"metadata": mark}), sentence)
        fresh = make.run("fresh", namespace)
        fresh["metadata"] |= mark
        _denied(cluster.apply("developer", fresh, check=False), sentence)


def test_other_labels_are_free(cluster: Cluster, namespace: str, held: dict[str, Any]) -> None:
    answer = _patch(cluster, "developer", namespace, {"metadata": {"labels": {"team": "a"}}})
    assert answer.code == 0, answer.err


def test_owner_references_cannot_be_added(cluster: Cluster, namespace: str, held: dict[str, Any]) -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": make.RUN_UID}
    answer = _patch(cluster, "developer", namespace, {"metadata": {"ownerReferences": [owner]}})
    _denied(answer, "ownerReferences of an ActionRun cannot be changed")


CHANGES: tuple[dict[str, Any], ...] = (
    {"inputs": {"name": "other"}},
    {"inputs": None},
    {"reason": "other"},
    {"reason": None},
    {"actionRef": {"name": "other"}},
    {"requestedBy": {"username": "mallory@example.com"}},
    {"requestedBy": {"groups": ["platform-leads"]}},
)


@pytest.mark.parametrize("who", ["developer", "admin"])
def test_a_run_cannot_be_changed(cluster: Cluster, namespace: str, held: dict[str, Any], who: str) -> None:
    before = _spec(cluster, namespace)
    for change in CHANGES:
        _denied(_patch(cluster, who, namespace, {"spec": change}), "cannot be changed")
    assert _spec(cluster, namespace) == before


def test_requested_by_that_is_taken_out_comes_back(cluster: Cluster, namespace: str, held: dict[str, Any]) -> None:
    before = _spec(cluster, namespace)
    assert _patch(cluster, "admin", namespace, {"spec": {"requestedBy": None}}).code == 0
    assert _spec(cluster, namespace) == before


WAYS = (
    ("apply", "-f", "-"),
    ("apply", "--server-side", "--force-conflicts", "--field-manager=argocd", "-f", "-"),
    ("apply", "--server-side", "--force-conflicts", "-f", "-"),
    ("replace", "-f", "-"),
)


@pytest.mark.parametrize("who", ["developer", "admin"])
def test_the_same_manifest_again_changes_nothing(
    cluster: Cluster, namespace: str, held: dict[str, Any], who: str
) -> None:
    before = _spec(cluster, namespace)
    for way in WAYS if who == "admin" else WAYS[:-1]:  # the role of requesters has no update, since patch is enough
        cluster.kubectl(who, *way, input=json.dumps(held))
        assert _spec(cluster, namespace) == before


def test_only_the_requester_withdraws(cluster: Cluster, namespace: str, held: dict[str, Any]) -> None:
    answer = _patch(cluster, "developer-2", namespace, {"spec": {"withdrawn": True}})
    _denied(answer, "only the requester, developer@example.com, may withdraw this run")
    assert _patch(cluster, "developer", namespace, {"spec": {"withdrawn": True}}).code == 0
    _denied(_patch(cluster, "developer", namespace, {"spec": {"withdrawn": False}}), "withdrawn cannot be taken back")


def test_an_admin_with_the_verb_withdraws(cluster: Cluster, namespace: str, held: dict[str, Any]) -> None:
    assert _patch(cluster, "admin", namespace, {"spec": {"withdrawn": True}}).code == 0


def test_only_a_waiting_run_is_withdrawn(cluster: Cluster, namespace: str, held: dict[str, Any]) -> None:
    for phase in ("Pending", "Running", "Succeeded", "Declined", "Expired"):
        _status(cluster, namespace, "held", {"phase": phase})
        answer = _patch(cluster, "developer", namespace, {"spec": {"withdrawn": True}})
        _denied(answer, f"only a waiting run can be withdrawn; this one is {phase}")


def test_the_status_is_the_operators(cluster: Cluster, namespace: str, held: dict[str, Any]) -> None:
    answer = _status(cluster, namespace, "held", {"phase": "Succeeded"}, "admin")
    _denied(answer, "only the operator writes the status")
    assert _status(cluster, namespace, "held", {"message": "by the operator"}).code == 0
    kept = cluster.get("actionrun", "held", namespace)
    assert kept is not None and kept["status"]["phase"] == "WaitingForApproval"


def test_a_status_in_the_manifest_is_dropped(cluster: Cluster, namespace: str) -> None:
    cluster.apply("developer", make.run("held", namespace) | {"status": {"phase": "Succeeded", "message": "done"}})
    kept = cluster.get("actionrun", "held", namespace)
    assert kept is not None and kept["status"]["phase"] == "Pending"


@pytest.mark.parametrize("who", ["developer", "admin"])
def test_the_requester_may_delete_a_run(cluster: Cluster, namespace: str, held: dict[str, Any], who: str) -> None:
    assert cluster.kubectl(who, "delete", "actionrun", "held", "-n", namespace).code == 0


@pytest.mark.parametrize("phase", ["Pending", "WaitingForApproval", "Running"])
def test_a_colleague_does_not_withdraw_a_run_by_deleting_it(
    cluster: Cluster, namespace: str, held: dict[str, Any], phase: str
) -> None:
    _status(cluster, namespace, "held", {"phase": phase})
    sentence = f"only the requester, developer@example.com, may delete this run while it is {phase}"
    ways = (
        ("delete", "actionrun", "held", "-n", namespace),
        ("delete", "actionruns", "--all", "-n", namespace),
        ("delete", "--raw", f"/apis/pratique.dev/v1alpha1/namespaces/{namespace}/actionruns/held"),
    )
    for way in ways:
        _denied(cluster.kubectl("developer-2", *way, check=False), sentence)


def test_what_has_ended_is_its_requesters_to_tidy_away(cluster: Cluster, namespace: str, held: dict[str, Any]) -> None:
    _status(cluster, namespace, "held", {"phase": "Declined"})
    delete = ("delete", "actionrun", "held", "-n", namespace)
    _denied(cluster.kubectl("developer-2", *delete, check=False), "may delete this run, which is Declined")
    assert cluster.kubectl("developer", *delete).code == 0


def test_a_namespace_with_a_waiting_run_can_go(cluster: Cluster, namespace: str, held: dict[str, Any]) -> None:
    cluster.kubectl("admin", "delete", "namespace", namespace, "--wait=false")
    wait_for("the namespace is gone", lambda: cluster.get("namespace", namespace) is None)


def test_a_waiting_run_goes_with_its_owner(cluster: Cluster, namespace: str) -> None:
    """The garbage collector may end what the requester tied to another object."""
    cluster.kubectl("admin", "create", "configmap", "owner", "-n", namespace)
    uid = (cluster.get("configmap", "owner", namespace) or {})["metadata"]["uid"]
    owned = make.run("held", namespace)
    owned["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}]
    cluster.apply("developer", owned)
    cluster.kubectl("admin", "delete", "configmap", "owner", "-n", namespace)
    wait_for("the run is gone", lambda: cluster.get("actionrun", "held", namespace) is None)
