"""Objects that exist are changed in what the template sets, and in nothing else; and admission is no function.

A list keeps its other entries, or the change is refused; what the cluster makes up is neither shown nor compared.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.builders.manifests import Manifest
from tests.support.cluster import wait_for
from tests.support.desk import Desk
from tests.support.runs import account

pytestmark = pytest.mark.cluster

WEB = {
    "name": "web",
    "image": "web:1",
    "imagePullPolicy": "Always",
    "env": [{"name": "DB", "value": "postgres"}, {"name": "LEVEL", "value": "info"}],
    "ports": [{"name": "http", "containerPort": 80}, {"name": "metrics", "containerPort": 9090}],
    "volumeMounts": [{"name": "scratch", "mountPath": "/a"}, {"name": "scratch", "mountPath": "/b"}],
    "resources": {"limits": {"memory": "256Mi"}},
}
POD = {
    "initContainers": [{"name": "prepare", "image": "init:1"}],
    "containers": [WEB, {"name": "proxy", "image": "proxy:7"}],
    "volumes": [{"name": "scratch", "emptyDir": {}}, {"name": "more", "emptyDir": {}}],
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
}


def deployment(desk: Desk, pod: Manifest | None = None, name: str = "web", **spec: Any) -> Manifest:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod or POD}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": desk.namespace, "annotations": {"by": "a test"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


def change(desk: Desk, kind: str, api: str, name: str, body: Manifest, **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": desk.namespace}
    template = {"apiVersion": api, "kind": kind, "metadata": metadata, **body}
    return {"id": "it", "patch": True, "readyWhen": "true", "template": template, **more}


def of_pod(desk: Desk, pod: Manifest, **more: Any) -> Manifest:
    return change(desk, "Deployment", "apps/v1", "web", {"spec": {"template": {"spec": pod}}}, **more)


def pod_of(desk: Desk, name: str = "web") -> Manifest:
    return dict((desk.get("deployment", name) or {})["spec"]["template"]["spec"])


def summary(desk: Desk, run: str) -> list[str]:
    return list((desk.get("actionrun", run) or {})["status"]["plan"]["summary"])


ENTRIES: dict[str, tuple[dict[str, Any], str]] = {
    "image": (
        {"containers": [{"name": "web", "image": "web:2"}]},
        'containers[web].image "web:1" → "web:2"',
    ),
    "env": (
        {"containers": [{"name": "web", "env": [{"name": "LEVEL", "value": "debug"}]}]},
        'containers[web].env[LEVEL].value "info" → "debug"',
    ),
    "new-env": (
        {"containers": [{"name": "web", "env": [{"name": "NEW", "value": "yes"}]}]},
        'containers[web].env[NEW]: {"name": "NEW", "value": "yes"} is added',
    ),
    "sidecar": (
        {"containers": [{"name": "agent", "image": "agent:1"}]},
        'containers[agent]: {"image": "agent:1", "name": "agent"} is added',
    ),
    "null": (
        {"containers": [{"name": "web", "resources": {"limits": "${null}"}}]},
        "containers[web].resources.limits: memory is removed",
    ),
    "delete": (
        {"containers": [{"name": "proxy", "$patch": "delete"}]},
        "containers: proxy is removed",
    ),
}


def test_a_change_of_one_entry_leaves_the_others_and_says_just_that(desk: Desk) -> None:
    """Free, and of a single object: what is free is tried and told like everything else."""
    desk.cluster.apply("admin", deployment(desk))
    expected = pod_of(desk)
    for name, (pod, told) in ENTRIES.items():
        desk.ask(name, desk.offer(of_pod(desk, pod), name=name, free=True))
        message = desk.ends(name, "Succeeded", "Refused", "Failed")["message"]
        what = f"Change Deployment {desk.namespace}/web: spec.template.spec."
        assert message == f"Done: {what}{told}", name
    web, _ = expected["containers"]
    web["image"] = "web:2"
    web["env"][1]["value"] = "debug"
    web["resources"] = {}
    now = pod_of(desk)
    assert [each["name"] for each in now["containers"]] == ["agent", "web"]
    added = next(each for each in now["containers"][1]["env"] if each["name"] == "NEW")
    assert added["value"] == "yes"
    now["containers"][1]["env"].remove(added)
    assert {**now, "containers": None} == {**expected, "containers": None}
    assert now["containers"][1] == {**web}
    desk.ask("again", f"image-{desk.namespace}")
    assert desk.ends("again", "Succeeded")["message"].endswith("/web: nothing, it is so already")


THINGS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "spec": {
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    }
                },
            }
        ],
    },
}


@pytest.fixture
def thing(desk: Desk) -> Iterator[str]:
    """A custom kind in a group that looks like one of Kubernetes' own; returns its group."""
    group = f"{desk.namespace}.k8s.io"
    names = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    metadata = {"name": f"things.{group}", "annotations": {"api-approved.kubernetes.io": "unapproved, a test"}}
    definition = {**THINGS, "metadata": metadata, "spec": {**THINGS["spec"], "group": group, "names": names}}  # type: ignore[dict-item]
    desk.cluster.apply("admin", definition)
    desk.cluster.kubectl("admin", "wait", "--for=condition=Established", "crd", f"things.{group}", "--timeout=20s")
    everything = {"apiGroups": [group], "resources": ["*"], "verbs": ["*"]}
    desk.cluster.apply("admin", account(desk.namespace, "maker-of-things", everything))
    yield group
    desk.cluster.kubectl("admin", "delete", "crd", f"things.{group}")


def test_a_list_that_would_lose_entries_is_refused_unless_the_action_replaces_it(desk: Desk, thing: str) -> None:
    """Of custom kinds every list is replaced as a whole, of built-in ones those that have no names."""
    desk.cluster.apply("admin", deployment(desk))
    users = [{"name": "ann", "role": "admin"}, {"name": "bob", "role": "viewer", "mail": "b@example.com"}]
    meta = {"name": "t", "namespace": desk.namespace}
    api = f"{thing}/v1"
    live = {"apiVersion": api, "kind": "Thing", "metadata": meta, "spec": {"users": users, "tags": ["a", "b"]}}
    desk.cluster.apply("admin", live)
    custom = {"spec": {"users": [{"name": "bob", "role": "admin"}], "tags": ["b"]}}
    as_things: dict[str, Any] = {"serviceAccountRef": {"namespace": desk.namespace, "name": "maker-of-things"}}
    desk.ask("custom", desk.offer(change(desk, "Thing", api, "t", custom), name="custom", free=True, **as_things))
    message = desk.ends("custom", "Refused", "Succeeded", "Failed")["message"]
    assert "spec.tags would lose a, spec.users would lose ann, spec.users[bob] would lose mail: write out" in message
    atomic = {"tolerations": [{"key": "arm", "operator": "Exists"}]}
    desk.ask("atomic", desk.offer(of_pod(desk, atomic), name="atomic"))
    message = desk.ends("atomic", "Refused", "WaitingForApproval", "Failed")["message"]
    assert "spec.template.spec.tolerations would lose gpu: write out in the template what must stay" in message
    nobody = {"containers": [{"image": "web:2"}]}
    desk.ask("nobody", desk.offer(of_pod(desk, nobody), name="nobody"))
    message = desk.ends("nobody", "Refused", "WaitingForApproval", "Failed")["message"]
    assert "merge key: name: each entry of a list in the template must have the field that names it" in message
    assert (desk.get(f"things.{thing}", "t") or {})["spec"] == live["spec"]

    nameless = change(desk, "Thing", api, "t", custom, lists="Replace")
    gate = desk.held("replace", desk.offer(nameless, name="replace", **as_things))
    said = "spec.tags: a is removed, spec.users: ann is removed, spec.users[bob]: mail is removed"
    expected = f'Change Thing {desk.namespace}/t: {said}, spec.users[bob].role "viewer" → "admin"'
    assert (desk.get("approval", gate) or {})["spec"]["plan"]["summary"] == [expected]
    desk.approve(gate)
    desk.ends("replace", "Succeeded")
    assert (desk.get(f"things.{thing}", "t") or {})["spec"] == custom["spec"]
    refused = desk.cluster.apply("admin", desk.action("x", {**nameless, "patch": False}), check=False)
    assert "lists says how an object that exists is changed: set patch: true as well" in refused.err


def test_null_removes_or_the_action_says_that_it_does_not(desk: Desk) -> None:
    target = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1", "b": "2"}}
    metadata = {"namespace": desk.namespace, "annotations": {"maintenance": "on"}}
    for name in ("free", "gated"):
        desk.cluster.apply("admin", {**target, "metadata": {**metadata, "name": name}})

    def removal(name: str, null: str | None) -> Manifest:
        changed = change(desk, "ConfigMap", "v1", name, {"data": {"a": null, "b": "3"}})
        changed["template"]["metadata"]["annotations"] = {"maintenance": null}
        return changed

    told = 'data.a: "1" is removed, metadata.annotations.maintenance: "on" is removed, data.b "2" → "3"'
    desk.ask("free", desk.offer(removal("free", "${null}"), name="free", free=True))
    message = desk.ends("free", "Succeeded")["message"]
    assert message == f"Done: Change ConfigMap {desk.namespace}/free: {told}"
    gate = desk.held("gated", desk.offer(removal("gated", "${null}"), name="gated"))
    planned = (desk.get("approval", gate) or {})["spec"]["plan"]["summary"]
    assert planned == [f"Change ConfigMap {desk.namespace}/gated: {told}"]
    desk.approve(gate)
    desk.ends("gated", "Succeeded")
    for name in ("free", "gated"):
        found = desk.get("configmap", name) or {}
        assert found["data"] == {"b": "3"}
        assert "maintenance" not in found["metadata"]["annotations"]

    bare = desk.offer(removal("free", None), name="bare", free=True)
    action = wait_for("it is checked", lambda: _checked(desk, bare))
    assert "data.a: is null, which kubectl drops when it applies an Action: write" in json.dumps(action)
    desk.ask("bare", bare)
    held = wait_for("it is held", lambda: "is null" in (desk.get("actionrun", "bare") or {})["status"]["message"])
    assert held


def _checked(desk: Desk, name: str) -> Manifest | None:
    action = desk.cluster.get("action", name) or {}
    ready = [each for each in action["status"].get("conditions", []) if each["type"] == "Ready"]
    return action if ready and ready[0]["status"] == "False" else None


MUTATIONS = """
[JSONPatch{op: "add", path: "/spec/template/spec/containers/-",
  value: Object.spec.template.spec.containers{
    name: "proxy-" + namespaceObject.metadata.annotations["at"], image: "proxy:1"}},
 JSONPatch{op: "add", path: "/spec/template/spec/containers/0/env/-",
  value: Object.spec.template.spec.containers.env{name: "INJECTED_AT", value: namespaceObject.metadata.annotations["at"]}},
 JSONPatch{op: "add", path: "/metadata/annotations/injected-at", value: namespaceObject.metadata.annotations["at"]},
 JSONPatch{op: "replace", path: "/spec/template/spec/containers/0/image",
  value: namespaceObject.metadata.annotations["mirror"] + "/" + object.spec.template.spec.containers[0].image},
 JSONPatch{op: "replace", path: "/spec/replicas", value: object.spec.replicas > 2 ? 2 : object.spec.replicas}]
"""


@pytest.fixture
def injector(desk: Desk) -> Iterator[None]:
    """Admission that adds what is another each time, by an annotation of the namespace, and rewrites image and replicas."""
    name, api = f"injector-{desk.namespace}", "admissionregistration.k8s.io/v1"
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["CREATE"]}
    match = {
        "resourceRules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": desk.namespace}},
    }
    spec = {
        "matchConstraints": match,
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": MUTATIONS}}],
    }
    kind = "MutatingAdmissionPolicy"
    desk.cluster.apply("admin", {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec})
    binding = {"policyName": name}
    desk.cluster.apply(
        "admin", {"apiVersion": api, "kind": f"{kind}Binding", "metadata": {"name": name}, "spec": binding}
    )
    yield
    desk.cluster.kubectl("admin", "delete", f"{kind}Binding,{kind}".lower(), name)


def test_what_admission_makes_up_is_neither_shown_nor_compared_and_what_it_decides_is(
    desk: Desk, injector: None
) -> None:
    template = deployment(desk, {"containers": [WEB], "volumes": POD["volumes"]}, "${run.name}", replicas=5)
    template["metadata"]["namespace"] = "${run.namespace}"

    def is_at(moment: str, mirror: str) -> None:
        values = (f"at={moment}", f"mirror={mirror}", "--overwrite")
        desk.cluster.kubectl("admin", "annotate", "namespace", desk.namespace, *values)
        probe = json.dumps(deployment(desk, {"containers": [WEB], "volumes": POD["volumes"]}, "probe"))
        args = ("create", "--dry-run=server", "-o", "json", "-f", "-", "-n", desk.namespace)

        def seen() -> bool:
            answer = desk.cluster.kubectl("admin", *args, input=probe, check=False)
            return f"proxy-{moment}" in answer.out and f"{mirror}/web" in answer.out

        wait_for("admission sees it", seen)

    action = desk.offer({"id": "it", "readyWhen": "true", "template": template})
    is_at("1001", "near")
    gates = {name: desk.held(name, action) for name in ("same", "other")}
    (line,) = summary(desk, "same")
    made = 'spec.replicas 5 → 2, spec.template.spec.containers[web].image "web:1" → "near/web:1"'
    assert line == f"Deployment {desk.namespace}/same (the cluster makes of it: {made})"
    is_at("1002", "near")
    desk.approve(gates["same"])
    assert desk.ends("same", "Succeeded", "Superseded")["phase"] == "Succeeded"
    assert [each["name"] for each in pod_of(desk, "same")["containers"]] == ["web", "proxy-1002"]
    is_at("1003", "far")
    desk.approve(gates["other"])
    assert 'image was "web:1" → "near/web:1", is "web:1" → "far/web:1"' in desk.superseded("other")


SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "${run.name}", "namespace": "${run.namespace}"}}
PORT = {"name": "http", "port": 80, "targetPort": 8080}
SPECS: dict[str, Manifest] = {
    "toolbox": {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": SERVICE["metadata"],
        "spec": {
            "containers": [
                {"name": "sh", "image": "busybox", "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}
            ],
            "volumes": [{"name": "scratch", "emptyDir": {}}],
        },
    },
    "address": {**SERVICE, "spec": {"clusterIP": "", "selector": {"app": "web"}, "ports": [PORT]}},
    "node-port": {**SERVICE, "spec": {"type": "NodePort", "ports": [{**PORT, "nodePort": 0}]}},
}


def test_what_the_api_server_makes_up_supersedes_nothing(desk: Desk) -> None:
    """A volume for the account's token, with a random name; an address; a port."""
    gates = {
        name: desk.held(name, desk.offer({"id": "it", "readyWhen": "true", "template": template}, name=name))
        for name, template in SPECS.items()
    }
    for name, gate in gates.items():
        assert summary(desk, name) == [f"{SPECS[name]['kind']} {desk.namespace}/{name}"]
        desk.approve(gate)
    assert {name: desk.ends(name, "Succeeded", "Superseded")["phase"] for name in gates} == dict.fromkeys(
        gates, "Succeeded"
    )


def test_a_field_that_somebody_applies_is_theirs_unless_it_is_taken_by_force(desk: Desk) -> None:
    """And taken so that their next apply works without force, and wins."""
    body = deployment(desk)
    apply = ("apply", "--server-side", "--field-manager=argocd-controller", "-n", desk.namespace, "-f", "-")
    desk.cluster.program("admin", *apply, input=json.dumps(body))
    more = {"spec": {"replicas": 4}}
    kept = change(desk, "Deployment", "apps/v1", "web", more)
    desk.ask("kept", desk.offer(kept, name="kept", free=True))
    said = desk.ends("kept", "Refused")["message"]
    assert (
        "spec.replicas belongs to argocd-controller, which applies it: change it in Git; or set conflict: Force" in said
    )
    forced = desk.offer({**kept, "conflict": "Force"}, name="forced", free=True)
    desk.ask("forced", forced)
    desk.ends("forced", "Succeeded")
    (line,) = summary(desk, "forced")
    assert line.endswith("spec.replicas 1 → 4; by force: spec.replicas belongs to argocd-controller")
    live = desk.get("deployment", "web") or {}
    assert live["spec"]["replicas"] == 4
    assert "pratique" not in {each["manager"] for each in live["metadata"].get("managedFields", [])}
    desk.cluster.program("admin", *apply, input=json.dumps(body))
    assert (desk.get("deployment", "web") or {})["spec"]["replicas"] == 1
