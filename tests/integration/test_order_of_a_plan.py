"""Within a plan, later objects need earlier ones: rights, roles, accounts, kinds, namespaces. Free and gated.

Nothing of it is there when the plan is tried, so it is deferred with a reason; once it is there it may take a moment until
the API server knows it. A plan whose account lacks a right that nothing gives is refused before anybody is asked.
"""

import json
from typing import Any

import pytest
import yaml
from tests.builders.manifests import decision, run
from tests.support.cluster import Cluster, wait_for
from tests.support.desk import Desk
from tests.support.runs import document_of
from tools.installation import OperatorProcess

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(360)]
RBAC = "rbac.authorization.k8s.io"
ME = {"kind": "ServiceAccount", "name": "orderer", "namespace": "pratique-actions"}
WHAT = "${inputs.what}"


def _rule(group: str, resources: str, verbs: str, *names: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()}
    return rule | ({"resourceNames": list(names)} if names else {})


MAY = [
    _rule("", "namespaces serviceaccounts pods", "create get"),
    _rule(RBAC, "rolebindings roles clusterroles", "create get"),
    _rule(RBAC, "clusterroles", "bind", "edit"),
    _rule("apiextensions.k8s.io", "customresourcedefinitions", "create get"),
    _rule("order.example", "*", "create get"),
]


def _object(ident: str, api: str, kind: str, name: str, namespace: str | None = None, **body: Any) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    template = {"apiVersion": api, "kind": kind, "metadata": metadata, **body}
    return {"id": ident, "template": template} | ({"readyWhen": "true"} if kind == "Pod" else {})


def _binding(ident: str, namespace: str, kind: str, role: str) -> dict[str, Any]:
    ref = {"apiGroup": RBAC, "kind": kind, "name": role}
    return _object(ident, f"{RBAC}/v1", "RoleBinding", f"{WHAT}-{ident}", namespace, roleRef=ref, subjects=[ME])


def definition(kind: str, plural: str, group: str = "order.example") -> dict[str, Any]:
    """Return a kind that takes anything."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"kind": kind, "plural": plural}
    return {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}


def _plans(space: str) -> dict[str, list[dict[str, Any]]]:
    made, pods = f"{WHAT}-made", [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    container = {"containers": [{"name": "c", "image": "none"}], "serviceAccountName": WHAT}
    kind = f"things{WHAT}"
    return {
        "rights": [
            _object("space", "v1", "Namespace", made),
            _binding("rights", made, "ClusterRole", "edit"),
            _object("note", "v1", "ConfigMap", "note", made),
        ],
        "role": [
            _object("role", f"{RBAC}/v1", "Role", WHAT, space, rules=pods),
            _binding("binding", space, "Role", WHAT),
        ],
        "clusterrole": [
            _object("role", f"{RBAC}/v1", "ClusterRole", WHAT, rules=pods),
            _binding("binding", space, "ClusterRole", WHAT),
        ],
        "account": [
            _object("account", "v1", "ServiceAccount", WHAT, space),
            _object("pod", "v1", "Pod", WHAT, space, spec=container),
        ],
        "kind": [
            _object(
                "kind",
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                f"{kind}.order.example",
                spec=definition("KIND", kind),
            ),
            _object("one", "order.example/v1", "KIND", "one", space),
        ],
        "tenant": [
            _object("tenant", "order.example/v1", "Tenant", WHAT, space),
            _object("note", "v1", "ConfigMap", "note", made),
        ],
    }


def _action(name: str, space: str, resources: list[dict[str, Any]]) -> dict[str, Any]:
    stage = {"name": "lead", "when": "inputs.gated", "approvers": {"users": ["lead-1@example.com"]}, "deadline": "1h"}
    fields = {"gated": {"type": "boolean"}, "what": {"type": "string"}}
    spec = {
        "title": name,
        "inputs": {"schema": {"type": "object", "properties": fields}},
        "approval": {"stages": [stage]},
        "execution": {
            "serviceAccountRef": {"namespace": "pratique-actions", "name": "orderer"},
            "timeout": "100s",
            "resources": resources,
        },
    }
    return {"apiVersion": "pratique.dev/v1alpha1", "kind": "Action", "metadata": {"name": name}, "spec": spec}


@pytest.fixture
def orderer(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    """An account that may make namespaces, roles and kinds, and nothing in what it makes."""
    lent = [_rule("", "serviceaccounts", "impersonate", "orderer")]
    pratique = {"kind": "ServiceAccount", "name": "pratique", "namespace": "pratique-system"}
    made: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "pratique-actions"}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "orderer", "namespace": "pratique-actions"}},
        {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
         "metadata": {"name": "tenants.order.example"}, "spec": definition("Tenant", "tenants")},
    ]  # fmt: skip
    for kind, name, rules, subject in (("ClusterRole", "orderer", MAY, ME), ("Role", "lend-orderer", lent, pratique)):
        metadata = {"name": name} | ({"namespace": "pratique-actions"} if kind == "Role" else {})
        made.append({"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": rules})
        ref = {"apiGroup": RBAC, "kind": kind, "name": name}
        body = {"metadata": metadata, "roleRef": ref, "subjects": [subject]}
        made.append({"apiVersion": f"{RBAC}/v1", "kind": f"{kind}Binding", **body})
    cluster.apply("admin", yaml.safe_dump_all(made))


def _body(cluster: Cluster, name: str, namespace: str) -> dict[str, Any]:
    return cluster.get("actionrun", name, namespace) or {}


def _answer(cluster: Cluster, name: str, namespace: str) -> str:
    """Approve a run that is held; make what the controller of a Tenant would; return its phase."""
    status = _body(cluster, name, namespace).get("status", {})
    if status.get("phase") == "WaitingForApproval" and status["approvals"][0]["state"] == "Pending":
        patch = decision("lead-1@example.com", "Approve")
        gate = ("approval", status["approvals"][0]["name"], "-n", namespace)
        cluster.kubectl("lead-1", "patch", *gate, "--type", "merge", "-p", patch)
    if "tenant" in name and status.get("phase") == "Running" and not cluster.get("namespace", f"{name}-made"):
        cluster.kubectl("admin", "create", "namespace", f"{name}-made")
        bound = ("--clusterrole=edit", "--serviceaccount=pratique-actions:orderer", "-n", f"{name}-made")
        cluster.kubectl("admin", "create", "rolebinding", "maker", *bound)
    return str(status.get("phase"))


def test_later_objects_wait_for_what_earlier_ones_give(cluster: Cluster, namespace: str, orderer: None) -> None:
    names = {}
    for what, resources in _plans(namespace).items():
        for gated in (False, True):
            # a kind is written out, so each run of that plan has an Action of its own
            name = f"{namespace}-{what}-{'gated' if gated else 'free'}"
            text = json.dumps(_action(name, namespace, resources)).replace("KIND", f"Thing{'G' if gated else 'F'}")
            text = text.replace(f"things{WHAT}", f"thing{'g' if gated else 'f'}s")
            cluster.apply("admin", text)
            cluster.apply("developer", run(name, namespace, name, inputs={"what": name, "gated": gated}))
            names[name] = what
    ends = {"Succeeded", "Failed", "Refused", "Superseded"}
    wait_for("all have ended", lambda: all(_answer(cluster, each, namespace) in ends for each in names), 150)
    statuses = {name: _body(cluster, name, namespace)["status"] for name in names}
    assert {name: status["message"] for name, status in statuses.items() if status["phase"] != "Succeeded"} == {}
    for name, status in statuses.items():
        tried = document_of(cluster, status, namespace)["resources"][-1]["dryRun"]
        assert (tried["result"], "first" in tried["message"]) == ("Deferred", True), (name, tried)


def test_what_is_not_waited_for_gets_ready_beside_the_others(desk: Desk) -> None:
    """No node runs pods here: the Deployment is ready once it wants none."""
    where = {"name": "${run.name}", "namespace": desk.namespace}
    pods = {"metadata": {"labels": {"app": "aside"}}, "spec": {"containers": [{"name": "web", "image": "none"}]}}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": where}
    deployment["spec"] = {"selector": {"matchLabels": {"app": "aside"}}, "template": pods}
    note = {"id": "note", "template": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": where}}
    desk.ask("aside", desk.offer({"id": "web", "wait": False, "template": deployment}, note, free=True))
    wait_for("the second is made", lambda: desk.get("configmap", "aside"))
    desk.says("aside", "Waiting for Deployment")
    desk.admin("scale", "deployment", "aside", "--replicas=0")
    desk.ends("aside", "Succeeded")


def test_a_right_that_nothing_gives_is_found_before_anybody_is_asked(
    cluster: Cluster, namespace: str, orderer: None
) -> None:
    resources = [
        _object("account", "v1", "ServiceAccount", WHAT, namespace),
        _object("note", "v1", "ConfigMap", WHAT, namespace),
    ]
    name = f"{namespace}-nothing"
    cluster.apply("admin", _action(name, namespace, resources))
    cluster.apply("developer", run(name, namespace, name, inputs={"what": name, "gated": True}))
    wait_for("it is refused", lambda: _answer(cluster, name, namespace) == "Refused", 30)
    message = _body(cluster, name, namespace)["status"]["message"]
    assert "As ServiceAccount pratique-actions/orderer: " in message
    assert 'cannot create resource "configmaps"' in message


def test_an_entry_is_made_for_each(desk: Desk) -> None:
    """As often as was asked for, in that order; too many, and one twice, are refused before anything is made."""
    template = _object("one", "v1", "ConfigMap", "${run.name}-${each}", "${run.namespace}", data={"is": "${each}"})
    outputs = {"names": "${resources.one.map(o, o.data['is'])}"}
    made = desk.action("each", {**template, "forEach": "inputs.names"}, free=True, outputs=outputs)
    listed = {"type": "array", "items": {"type": "string"}}
    made["spec"]["inputs"] = {"schema": {"type": "object", "properties": {"names": listed}, "required": ["names"]}}
    desk.cluster.apply("admin", made)
    names = {
        "few": ["b", "a", "c"],
        "many": [f"n{number}" for number in range(33)],
        "twice": ["a", "a"],
        "all": [f"n{number}" for number in range(32)],
    }
    for name, asked in names.items():
        desk.cluster.apply("developer", run(name, desk.namespace, made["metadata"]["name"], inputs={"names": asked}))
    assert "gives 33 entries, 32 are allowed" in desk.ends("many", "Refused")["message"]
    assert "would be made twice" in desk.ends("twice", "Refused")["message"]
    for name in ("few", "all"):
        status = desk.ends(name, "Succeeded")
        assert status["outputs"] == {"names": names[name]}
        assert [each["id"] for each in status["resources"]] == [f"one[{at}]" for at in range(len(names[name]))]
