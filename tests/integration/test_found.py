"""Approvers who are found in objects, on the real API server: who asks cannot choose them, and they stay as they were."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.builders.manifests import Manifest, run
from tests.integration.test_stages import decide, gate, says
from tests.support.attempts import CONFIGMAP, Attempts
from tests.support.cluster import Cluster, wait_for
from tests.support.runs import account, condition, phase
from tools.installation import OperatorProcess

Json = dict[str, Any]
LEAD, LEAD_2, DEV = "lead-1@example.com", "lead-2@example.com", "developer@example.com"
OWNER = "example.com/owner"
NAMESPACE: Json = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "name": "${run.namespace}",
    "users": f"object.metadata.annotations['{OWNER}']",
}
OWNERS: Json = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owners", "users": "object.data[inputs.service]"}
MAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "patch"]}
RBAC = "rbac.authorization.k8s.io"


def bound(namespace: str, name: str, rules: list[Json], subject: Json, *, everywhere: bool = False) -> list[Manifest]:
    """Return a role and its binding."""
    kind, metadata = ("ClusterRole", {"name": name}) if everywhere else ("Role", {"name": name, "namespace": namespace})
    ref = {"roleRef": {"apiGroup": RBAC, "kind": kind, "name": name}, "subjects": [subject]}
    role: Manifest = {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": rules}
    return [role, {"apiVersion": f"{RBAC}/v1", "kind": f"{kind}Binding", "metadata": metadata, **ref}]


def of(kind: str, name: str) -> Json:
    return {"apiGroup": RBAC, "kind": kind, "name": name}


def as_admin_of(namespace: str) -> Manifest:
    """Return that the developer has the rights of role `admin` in a namespace, as Kubernetes itself ships them."""
    ref = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "system:aggregate-to-edit"}
    meta = {"name": "developer-edits", "namespace": namespace}
    subjects = [of("User", DEV)]
    return {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": meta, "roleRef": ref, "subjects": subjects}


@pytest.fixture
def attempts(cluster: Cluster, operator: OperatorProcess, namespace: str) -> Iterator[Attempts]:
    """The account reads this very namespace; the developer is admin in it."""
    reads = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"], "resourceNames": [namespace]}
    mine = {"kind": "ServiceAccount", "name": "mine", "namespace": namespace}
    made = [*account(namespace, "mine", MAPS), as_admin_of(namespace)]
    cluster.apply("admin", [*made, *bound(namespace, f"reads-{namespace}", [reads], mine, everywhere=True)])
    attempts = Attempts(cluster, namespace)
    yield attempts
    attempts.drop()
    cluster.kubectl("admin", "delete", "clusterrole,clusterrolebinding", f"reads-{namespace}")


def own(attempts: Attempts, owner: str) -> None:
    """Say who owns the namespace."""
    patch = json.dumps({"metadata": {"annotations": {OWNER: owner}}})
    attempts.cluster.kubectl("admin", "patch", "namespace", attempts.namespace, "--type", "merge", "-p", patch)


def owners(attempts: Attempts, **data: str) -> Manifest:
    meta = {"name": "owners", "namespace": attempts.namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def offer(attempts: Attempts, name: str, *sources: Json, **more: Any) -> None:
    """Apply an Action whose approvers are found in these objects."""
    approvers = {"from": list(sources), **more}
    rule = {"stages": [{"name": "owner", "approvers": approvers}]}
    attempts.offer([attempts.action(name, CONFIGMAP, approval=rule)], "admin")


def ends(attempts: Attempts, name: str, *wanted: str) -> Json:
    return phase(attempts.cluster, name, attempts.namespace, *wanted, timeout=60)


def ask(attempts: Attempts, name: str, action: str, who: str = "developer", **inputs: str) -> None:
    attempts.ask({name: inputs}, who, action)


def test_the_owner_of_a_namespace_decides_what_its_admin_asks_for_and_stays_the_one(attempts: Attempts) -> None:
    own(attempts, LEAD)
    offer(attempts, "made", NAMESPACE)
    denied = attempts.cluster.kubectl(
        "developer", "annotate", "namespace", attempts.namespace, f"{OWNER}={DEV}", "--overwrite", check=False
    )
    assert "cannot patch" in denied.err or "forbidden" in denied.err, "that is why it is a sound source"
    ask(attempts, "made", "made")
    name = gate(attempts, "made", "owner")
    live = attempts.cluster.get("namespace", attempts.namespace) or {}
    spec = (attempts.cluster.get("approval", name, attempts.namespace) or {})["spec"]
    assert spec["policy"]["approvers"] == {"users": [LEAD], "groups": []}
    (found,) = spec["found"]
    assert found.pop("resourceVersion")
    meta = live["metadata"]
    assert found == {"apiVersion": "v1", "kind": "Namespace", "name": meta["name"], "uid": meta["uid"]} | {
        "users": [LEAD],
        "groups": [],
    }
    assert f"Waiting for 1 of {LEAD} (Namespace {attempts.namespace} names {LEAD}) until" in says(attempts, "made")
    own(attempts, LEAD_2)
    assert f"{LEAD_2} is not an approver of" in decide(attempts, "lead-2", name), "they are those of when it was judged"
    assert decide(attempts, "lead-1", name) == ""
    assert ends(attempts, "made", "Succeeded")["phase"] == "Succeeded"
    ask(attempts, "again", "made")
    later = gate(attempts, "again", "owner")
    assert decide(attempts, "lead-2", later) == "", "a new request looks anew"
    ends(attempts, "again", "Succeeded")


def test_who_may_write_the_object_is_refused_and_who_may_not_is_not(attempts: Attempts) -> None:
    """The same Action, the same object, two people: what differs is what RBAC says of them."""
    attempts.cluster.apply("admin", owners(attempts, shop=f"{LEAD}, {LEAD_2}"))
    offer(attempts, "sold", OWNERS)
    (_, dangling) = bound(attempts.namespace, "gone", [], of("User", "developer-2@example.com"))
    attempts.cluster.apply(
        "admin", dangling
    )  # to a role that is not there: of that the API server complains, and goes on
    ask(attempts, "mine", "sold", service="shop")
    ask(attempts, "theirs", "sold", "developer-2", service="shop")
    refused = ends(attempts, "mine", "Refused")["message"]
    what = f"who may approve is looked up in ConfigMap {attempts.namespace}/owners"
    assert refused.startswith(f"spec.approval: {what}, and {DEV} asks and may update configmaps")
    name = gate(attempts, "theirs", "owner")
    spec = (attempts.cluster.get("approval", name, attempts.namespace) or {})["spec"]
    assert spec["policy"]["approvers"]["users"] == [LEAD, LEAD_2]
    by_group = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"], "resourceNames": ["owners"]}
    attempts.cluster.apply("admin", bound(attempts.namespace, "all-patch", [by_group], of("Group", "developers")))
    ask(attempts, "by-group", "sold", "developer-2", service="shop")
    refused = ends(attempts, "by-group", "Refused")["message"]
    assert "developer-2@example.com asks and may patch configmaps, so they could name their own approver" in refused
    assert decide(attempts, "lead-2", name) == "", "what was asked before goes on"
    ends(attempts, "theirs", "Succeeded")


def test_a_right_on_namespaces_that_is_given_within_one_counts(attempts: Attempts) -> None:
    """A RoleBinding in a namespace to a role with rights on namespaces lets somebody write this very one."""
    ref = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}
    meta = {"name": "all-here", "namespace": attempts.namespace}
    all_here: Manifest = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": meta, "roleRef": ref}
    attempts.cluster.apply("admin", {**all_here, "subjects": [of("User", DEV)]})
    own(attempts, LEAD)
    offer(attempts, "within", NAMESPACE)
    attempts.cluster.kubectl(
        "developer", "annotate", "namespace", attempts.namespace, f"{OWNER}={LEAD_2}", "--overwrite"
    )
    ask(attempts, "within", "within")
    ask(attempts, "other", "within", "developer-2")
    refused = ends(attempts, "within", "Refused")["message"]
    assert f"Namespace {attempts.namespace}, and {DEV} asks and may update namespaces" in refused
    gate(attempts, "other", "owner")


def test_why_nobody_is_found_is_said_at_once(attempts: Attempts) -> None:
    own(attempts, DEV)
    offer(attempts, "alone", NAMESPACE)
    offer(attempts, "fallback", NAMESPACE, fallback={"users": [LEAD]})
    offer(attempts, "gone", {**OWNERS, "name": "gone-${inputs.service}"})
    offer(attempts, "unread", {**NAMESPACE, "name": "default"})
    offer(attempts, "machines", {**NAMESPACE, "users": "'system:serviceaccount:default:default'"})
    for name in ("alone", "fallback", "gone", "unread", "machines"):
        ask(attempts, name, name, "developer-2" if name == "gone" else "developer", service="x")
    tried = run("tried", attempts.namespace, f"fallback-{attempts.namespace}", inputs={})
    tried["spec"]["dryRun"] = True
    attempts.cluster.apply("developer", tried)
    space = f"Namespace {attempts.namespace}"
    assert ends(attempts, "alone", "Refused")["message"] == (
        f"Nobody was found who could approve stage owner: {space} names {DEV}, and who asks or is excluded cannot approve."
        " Let who keeps that name somebody, and ask again"
    )
    gone = ends(attempts, "gone", "Refused")["message"]
    account = f"(as ServiceAccount {attempts.namespace}/mine)"
    assert f"ConfigMap {attempts.namespace}/gone-x, which is not there {account}" in gone
    unread = ends(attempts, "unread", "Refused")["message"]
    assert f"Namespace default, which could not be read {account}" in unread
    machines = ends(attempts, "machines", "Refused")["message"]
    assert 'names "system:serviceaccount:default:default": approvers are people' in machines
    answer = ends(attempts, "tried", "Succeeded")["message"]
    assert f"It would wait for 1 of {LEAD} ({space} names {DEV}) (stage owner" in answer
    assert decide(attempts, "lead-1", gate(attempts, "fallback", "owner")) == ""
    ends(attempts, "fallback", "Succeeded")


def test_what_is_wrong_with_a_source_is_said_when_it_is_applied(attempts: Attempts) -> None:
    secret = {**OWNERS, "kind": "Secret"}
    rule = {"stages": [{"name": "owner", "approvers": {"from": [secret]}}]}
    said = attempts.offer([attempts.action("secret", CONFIGMAP, approval=rule)], "admin", check=False)
    assert "approvers.from reads no Secret" in said.err
    offer(attempts, "odd", {**OWNERS, "kind": "ConfigMop", "users": "object.data["})

    def look() -> str | None:
        found = condition(attempts.cluster.get("action", f"odd-{attempts.namespace}"), "Ready")
        return found["message"] if found.get("status") == "False" else None

    message = wait_for("the Action is looked at", look)
    path = "spec.approval.stages[0].approvers.from[0]"
    assert f"{path}.kind: the cluster has no kind ConfigMop in v1; did you mean ConfigMap?" in message
    assert f"{path}.users: " in message
