"""A run deletes an object that exists: the very one that was approved, as the account, for who may have it deleted."""

from typing import Any

import pytest
from tests.builders.manifests import Manifest, run
from tests.support.cluster import wait_for
from tests.support.desk import Desk

pytestmark = pytest.mark.cluster

RBAC = "rbac.authorization.k8s.io"


AFTER: Manifest = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "${run.name}-after", "namespace": "${run.namespace}"},
    "data": {"b": "2"},
}


def let_delete(desk: Desk, *resources: str, group: str = "") -> None:
    """Let the account get and delete these."""
    role: Manifest = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": "deletes", "namespace": desk.namespace}}
    rule = {"apiGroups": [group], "resources": list(resources), "verbs": ["get", "delete"]}
    ref = {"apiGroup": RBAC, "kind": "Role", "name": "deletes"}
    account = {"kind": "ServiceAccount", "name": "maker", "namespace": desk.namespace}
    bound = {**role, "kind": "RoleBinding", "roleRef": ref, "subjects": [account]}
    desk.cluster.apply("admin", [{**role, "kind": "Role", "rules": [rule]}, bound])


def subject(desk: Desk, name: str, **metadata: Any) -> Manifest:
    made = {"name": name, "namespace": desk.namespace, **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": made, "data": {"a": "1"}}


def goes(desk: Desk, name: str, kind: str = "ConfigMap", version: str = "v1") -> Manifest:
    return {
        "id": "old",
        "delete": {"apiVersion": version, "kind": kind, "namespace": "${run.namespace}", "name": name},
    }


def test_it_is_gone_when_the_run_has_ended(desk: Desk) -> None:
    let_delete(desk, "configmaps")
    desk.cluster.apply("admin", [subject(desk, "free"), subject(desk, "kept")])
    desk.ask("free", desk.offer(goes(desk, "${run.name}"), name="free", free=True))
    status = desk.ends("free", "Succeeded")
    assert status["message"] == f"Done: ConfigMap {desk.namespace}/free was deleted"
    assert desk.get("configmap", "free") is None and desk.get("configmap", "kept") is not None


def test_what_cannot_go_is_refused_before_anybody_is_asked(desk: Desk) -> None:
    desk.cluster.apply("admin", subject(desk, "kept"))
    action = desk.offer(goes(desk, "${run.name}"))
    desk.ask("nothing", action)
    said = f"ConfigMap {desk.namespace}/nothing is not there: there is nothing to delete"
    assert said in desk.ends("nothing", "Refused")["message"]
    desk.ask("kept", action)
    said = f"ConfigMap {desk.namespace}/kept could not be deleted: "
    assert said in desk.ends("kept", "Refused")["message"]
    assert 'cannot delete resource \\"configmaps\\"' in (desk.ends("kept", "Refused")["message"]).replace('"', '\\"')
    assert desk.get("configmap", "kept") is not None


def test_a_namesake_that_came_after_the_approval_stays(desk: Desk) -> None:
    let_delete(desk, "configmaps")
    desk.cluster.apply("admin", subject(desk, "it"))
    gate = desk.held("it", desk.offer(goes(desk, "${run.name}")))
    plan = (desk.get("approval", gate) or {})["spec"]["plan"]["summary"]
    assert plan == [f"Delete ConfigMap {desk.namespace}/it"]
    desk.admin("delete", "configmap", "it")
    desk.cluster.apply("admin", subject(desk, "it"))
    desk.approve(gate)
    assert "was deleted and made again" in desk.superseded("it")
    assert desk.get("configmap", "it") is not None


def test_what_is_gone_before_the_start_is_told_in_words_of_the_run(desk: Desk) -> None:
    let_delete(desk, "configmaps")
    desk.cluster.apply("admin", subject(desk, "it"))
    gate = desk.held("it", desk.offer(goes(desk, "${run.name}")))
    desk.admin("delete", "configmap", "it")
    desk.approve(gate)
    assert f"ConfigMap {desk.namespace}/it: is gone already: there is nothing left to delete" in desk.superseded("it")


def test_an_object_with_a_finalizer_is_waited_for_and_the_run_says_for_whom(desk: Desk) -> None:
    let_delete(desk, "configmaps")
    desk.cluster.apply("admin", subject(desk, "it", finalizers=["example.com/backup"]))
    desk.ask("it", desk.offer(goes(desk, "${run.name}"), free=True))
    desk.says("it", "its finalizers have to go first: example.com/backup")
    desk.ends("it", "Running")
    desk.admin("patch", "configmap", "it", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    desk.ends("it", "Succeeded")
    wait_for("it to be gone", lambda: desk.get("configmap", "it") is None)


def test_a_target_goes_though_it_is_not_there_to_be_judged_afterwards(desk: Desk) -> None:
    """A run of its own that nobody approved goes on after it has taken away what it was judged by."""
    let_delete(desk, "configmaps")
    desk.cluster.apply("admin", subject(desk, "it", finalizers=["example.com/backup"]))
    role: Manifest = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": "reads", "namespace": desk.namespace}}
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    who = {"apiGroup": RBAC, "kind": "User", "name": "developer@example.com"}
    bound = {"roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "reads"}, "subjects": [who]}
    desk.cluster.apply("admin", [{**role, "kind": "Role", "rules": [rule]}, {**role, "kind": "RoleBinding", **bound}])
    made = desk.action("target", goes(desk, "${target.metadata.name}"), {"id": "after", "template": AFTER}, free=True)
    made["spec"]["actsOn"] = {"apiVersion": "v1", "kind": "ConfigMap", "filter": "target.data.a == '1'"}
    desk.cluster.apply("admin", made)
    asked = run("it", desk.namespace, made["metadata"]["name"], inputs={})
    asked["spec"]["targetRef"] = {"name": "it"}
    desk.cluster.apply("developer", asked)
    desk.says("it", "its finalizers have to go first: example.com/backup")
    desk.admin("patch", "configmap", "it", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    desk.ends("it", "Succeeded")
    assert desk.get("configmap", "it-after") is not None


def test_one_object_takes_the_place_of_another(desk: Desk) -> None:
    let_delete(desk, "configmaps")
    desk.cluster.apply("admin", subject(desk, "it"))
    template = {**AFTER, "metadata": {"name": "${run.name}", "namespace": "${run.namespace}"}}
    action = desk.offer(goes(desk, "${run.name}"), {"id": "new", "template": template})
    gate = desk.held("it", action)
    desk.approve(gate)
    desk.ends("it", "Succeeded")
    assert (desk.get("configmap", "it") or {})["data"] == {"b": "2"}


def test_two_objects_are_made_anew_in_one_run(desk: Desk) -> None:
    let_delete(desk, "configmaps")
    desk.cluster.apply("admin", [subject(desk, "one"), subject(desk, "two")])
    steps: list[Manifest] = []
    for name in ("one", "two"):
        template = {**AFTER, "metadata": {"name": name, "namespace": "${run.namespace}"}}
        steps += [{**goes(desk, name), "id": f"old{name}"}, {"id": f"new{name}", "template": template}]
    desk.approve(desk.held("both", desk.offer(*steps)))
    desk.ends("both", "Succeeded")
    for name in ("one", "two"):
        assert (desk.get("configmap", name) or {})["data"] == {"b": "2"}


def test_nobody_has_the_environment_of_another_deleted(desk: Desk) -> None:
    """The account may delete all of them: whose it is decides, and else a right of who asks."""
    let_delete(desk, "environments", group="pratique.dev")
    space = {"namespace": {"name": f"env-{desk.namespace}"}}
    environment = {
        "apiVersion": "pratique.dev/v1alpha1",
        "kind": "Environment",
        "metadata": {"name": "theirs", "namespace": desk.namespace},
        "spec": {"ttl": "1h", "target": space},
    }
    desk.cluster.apply("admin", environment)
    desk.ask("theirs", desk.offer(goes(desk, "theirs", "Environment", "pratique.dev/v1alpha1"), free=True))
    said = desk.ends("theirs", "Refused")["message"]
    assert "developer@example.com may not ask for that" in said
    assert "it needs the RBAC verb end on environments" in said
    assert desk.get("environment", "theirs") is not None
    desk.admin("delete", "environment", "theirs", "--wait=false")
