"""Whose power is lent and by whom: Actions, Environments, channels, and the leash on the operator itself."""

import json
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import changed
from tests.support.cluster import Answer, Cluster

pytestmark = pytest.mark.cluster
RBAC = "rbac.authorization.k8s.io"


def denied(answer: Answer, sentence: str) -> None:
    """Expect this sentence."""
    assert answer.code != 0, f"accepted: {answer.out}"
    assert sentence in answer.err


def bind(cluster: Cluster, namespace: str, user: str, *rules: dict[str, Any], name: str = "given") -> None:
    """Give a user these rights in a namespace."""
    metadata = {"name": name, "namespace": namespace}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": list(rules)}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }
    cluster.apply("admin", role)
    cluster.apply("admin", binding)


@pytest.fixture
def author(cluster: Cluster, namespace: str) -> str:
    """Let author@example.com write Actions, and act as ServiceAccount `mine` in the namespace; returns the namespace."""
    name = f"author-{namespace}"
    rules = [
        {
            "apiGroups": ["pratique.dev"],
            "resources": ["actions"],
            "verbs": ["get", "create", "patch", "update", "delete"],
        }
    ]
    cluster.apply(
        "admin", {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
    )
    cluster.apply(
        "admin",
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "author@example.com"}],
        },
    )
    mine = {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"], "resourceNames": ["mine"]}
    bind(cluster, namespace, "author@example.com", mine)
    return namespace


def _action(namespace: str, account: str) -> dict[str, Any]:
    reference = {"namespace": namespace, "name": account}
    return changed(make.action(f"act-{namespace}"), {"spec.execution.serviceAccountRef": reference})


def test_an_author_lends_only_an_account_that_is_theirs(cluster: Cluster, author: str) -> None:
    name = f"act-{author}"
    sentence = "author@example.com may not impersonate ServiceAccount"
    denied(cluster.apply("author", _action(author, "other"), check=False), f"{sentence} {author}/other")
    denied(cluster.apply("author", _action("kube-system", "mine"), check=False), f"{sentence} kube-system/mine")
    cluster.apply("author", _action(author, "mine"))
    denied(cluster.apply("author", _action(author, "other"), check=False), f"{sentence} {author}/other")

    cluster.apply("admin", _action(author, "other"))
    template = ("patch", "action", name, "--type=merge", "-p")
    denied(cluster.kubectl("author", *template, '{"spec": {"title": "Mine now"}}', check=False), sentence)
    labels = '{"metadata": {"labels": {"pratique.dev/category": "environments"}}}'
    assert cluster.kubectl("author", *template, labels).code == 0
    cluster.kubectl("admin", "delete", "action", name)


def test_an_environment_is_extended_by_those_who_may(cluster: Cluster, namespace: str) -> None:
    cluster.apply("admin", make.environment(namespace))
    writes = {"apiGroups": ["pratique.dev"], "resources": ["environments"], "verbs": ["get", "patch", "update"]}
    bind(cluster, namespace, "mallory@example.com", writes)
    extend = ("patch", "environment", "load-test", "-n", namespace, "--type=merge", "-p", '{"spec": {"ttl": "10d"}}')
    label = ("label", "environment", "load-test", "-n", namespace, "team=a")
    sentence = "mallory@example.com may not change Environment load-test"
    denied(cluster.kubectl("mallory", *extend, check=False), sentence)
    assert cluster.kubectl("mallory", *label).code == 0
    verb = {"apiGroups": ["pratique.dev"], "resources": ["environments"], "verbs": ["extend"]}
    bind(cluster, namespace, "mallory@example.com", verb, name="extends")
    assert cluster.kubectl("mallory", *extend).code == 0


def test_our_marks_on_an_environment_are_the_operators(cluster: Cluster, namespace: str) -> None:
    cluster.apply("admin", make.environment(namespace))
    one = ("patch", "environment", "load-test", "-n", namespace, "--type=merge", "-p")
    ours = json.dumps({"metadata": {"finalizers": ["pratique.dev/environment"]}})
    none = json.dumps({"metadata": {"finalizers": None}})
    sentence = "labels, annotations and finalizers of pratique.dev on an Environment belong to the operator"
    denied(cluster.kubectl("admin", *one, ours, check=False), sentence)
    assert cluster.kubectl("operator", *one, ours).code == 0
    denied(cluster.kubectl("admin", *one, none, check=False), sentence)
    assert cluster.kubectl("operator", *one, none).code == 0


def test_the_operators_namespace_is_no_environment(cluster: Cluster, namespace: str) -> None:
    manifest = changed(make.environment(namespace), {"spec.target.namespace.name": "pratique-system"})
    assert cluster.apply("admin", manifest, check=False).code != 0


@pytest.mark.parametrize("kind", ["action", "environment", "notificationchannel"])
def test_the_status_is_the_operators(cluster: Cluster, namespace: str, kind: str) -> None:
    manifest = {
        "action": make.action(f"act-{namespace}"),
        "environment": make.environment(namespace),
        "notificationchannel": make.channel(f"chan-{namespace}"),
    }[kind]
    cluster.apply("admin", manifest)
    name, where = manifest["metadata"]["name"], ("-n", namespace)
    body = json.dumps({"status": {"observedGeneration": 7}})
    one = ("patch", kind, name, *where, "--subresource=status", "--type=merge", "-p", body)
    denied(cluster.kubectl("admin", *one, check=False), "only the operator writes the status")
    assert cluster.kubectl("operator", *one).code == 0
    cluster.kubectl("admin", "delete", kind, name, *where)


@pytest.mark.parametrize("kind", ["action", "environment", "channel"])
def test_the_operator_creates_nothing_in_its_own_name(cluster: Cluster, namespace: str, kind: str) -> None:
    manifest = make.environment(namespace) if kind == "environment" else getattr(make, kind)()
    # apply would have to read first; the verb create is all that is asked for here
    text = json.dumps(changed(manifest, {"metadata.name": f"op-{namespace}"}))
    answer = cluster.kubectl("operator", "create", "-f", "-", input=text, check=False)
    denied(answer, "the operator itself creates no")


def test_the_operator_is_kept_to_namespaces_of_environments(cluster: Cluster, namespace: str) -> None:
    sentence = "the operator makes, fills and deletes only namespaces of Environments"
    binding = ("create", "rolebinding", "given", "--clusterrole=edit", "--user=mallory@example.com")
    denied(cluster.kubectl("operator", "delete", "namespace", namespace, "--wait=false", check=False), sentence)
    denied(cluster.kubectl("operator", *binding, "-n", namespace, check=False), sentence)
    denied(cluster.kubectl("operator", "create", "quota", "q", "-n", namespace, check=False), sentence)
    denied(cluster.kubectl("operator", "create", "namespace", f"env-{namespace}", check=False), sentence)

    metadata = {"name": f"env-{namespace}", "labels": {"pratique.dev/environment-uid": "x"}}
    made = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    cluster.kubectl("operator", "create", "-f", "-", input=made)
    assert cluster.kubectl("operator", *binding, "-n", f"env-{namespace}").code == 0
    admin = ("create", "rolebinding", "all", "--clusterrole=cluster-admin", "--user=a", "-n", f"env-{namespace}")
    assert cluster.kubectl("operator", *admin, check=False).code != 0
    assert cluster.kubectl("operator", "delete", "namespace", f"env-{namespace}", "--wait=false").code == 0


def test_which_namespace_ends_with_an_environment_is_the_operators_to_say(cluster: Cluster, namespace: str) -> None:
    sentence = "the label pratique.dev/environment-uid says which namespace ends with an Environment"
    label = ("label", "namespace", namespace)
    denied(cluster.kubectl("admin", *label, "pratique.dev/environment-uid=x", check=False), sentence)
    assert cluster.kubectl("admin", *label, "team=a").code == 0
    metadata = {"name": f"env-{namespace}", "labels": {"pratique.dev/environment-uid": "x"}}
    made = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    denied(cluster.kubectl("admin", "create", "-f", "-", input=made, check=False), sentence)
    cluster.kubectl("operator", "create", "-f", "-", input=made)
    ours = ("label", "--overwrite", "namespace", f"env-{namespace}")
    for change in ("pratique.dev/environment-uid=y", "pratique.dev/environment-uid-"):
        denied(cluster.kubectl("admin", *ours, change, check=False), sentence)
    assert cluster.kubectl("admin", *ours, "team=a").code == 0
    assert cluster.kubectl("admin", "delete", "namespace", f"env-{namespace}", "--wait=false").code == 0


@pytest.mark.parametrize(
    "question",
    [
        ("impersonate", "serviceaccounts/default", "-n", "kube-system"),
        ("impersonate", "users"),
        ("impersonate", "groups"),
        ("get", "secrets", "-n", "default"),
        ("create", "pods", "-n", "default"),
        ("update", "actionruns", "-n", "default"),
        ("patch", "approvals", "-n", "default"),
        ("run", "actions.pratique.dev"),
        ("approve", "actions.pratique.dev"),
        ("bind", "clusterroles/cluster-admin"),
        ("delete", "customresourcedefinitions"),
    ],
    ids=" ".join,
)
def test_what_the_operator_may_not(cluster: Cluster, question: tuple[str, ...]) -> None:
    assert cluster.kubectl("operator", "auth", "can-i", *question, check=False).out.strip() == "no"


def test_what_the_operator_may(cluster: Cluster) -> None:
    for question in (
        ("impersonate", "serviceaccounts/environment-maker", "-n", "pratique-actions"),
        ("get", "secrets", "-n", "pratique-system"),
        ("patch", "actionruns", "--subresource=status", "-n", "default"),
    ):
        answer = cluster.kubectl("operator", "auth", "can-i", *question, check=False)
        assert answer.out.strip() == "yes", question
