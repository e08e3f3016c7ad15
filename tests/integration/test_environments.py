"""Environments as people meet them: whose they are, what is found before anybody is asked, and how they end."""

import json
from typing import Any

from tests.builders import manifests as make
from tests.builders.manifests import Manifest, changed, run
from tests.support.cluster import Cluster, wait_for
from tests.support.runs import account, condition, phase
from tools.installation import OperatorProcess

OURS = {"apiGroups": ["pratique.dev"], "resources": ["environments"], "verbs": ["create", "get", "patch", "extend"]}


def action(
    namespace: str, name: str, template: dict[str, Any], *, patch: bool = False, gated: bool = False
) -> Manifest:
    """Return an Action that makes or changes an Environment, as an account that may do so to all of them."""
    resource = {"id": "env", "template": template | {"apiVersion": "pratique.dev/v1alpha1", "kind": "Environment"}}
    changes: dict[str, Any] = {
        "spec.inputs.schema.properties": {each: {"type": "string"} for each in ("name", "ttl", "pods")},
        "spec.execution.serviceAccountRef": {"namespace": namespace, "name": "maker"},
        "spec.execution.resources": [resource | ({"patch": True} if patch else {})],
    }
    if not gated:
        changes["spec.approval"] = {"stages": []}
    return changed(make.action(f"{name}-{namespace}"), changes)


def there(cluster: Cluster, name: str, namespace: str, state: str) -> dict[str, Any]:
    """Wait until an Environment is in a phase; return it."""

    def look() -> dict[str, Any] | None:
        body = cluster.get("environment", name, namespace) or {}
        return body if body.get("status", {}).get("phase") == state else None

    return wait_for(f"{name} is {state}", look, 60)


def test_only_its_owner_and_who_holds_the_verb_have_an_environment_changed(
    cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    cluster.apply("admin", account(namespace, "maker", OURS))
    template = {
        "metadata": {"name": "${inputs.name}", "namespace": "${run.namespace}"},
        "spec": {"ttl": "${inputs.ttl}"},
    }
    cluster.apply("admin", action(namespace, "extend", template, patch=True))
    cluster.apply("admin", make.environment(namespace, "mine"))
    cluster.apply("admin", changed(make.environment(namespace, "nobodys"), {"spec.requestedBy": make.DELETE}))
    there(cluster, "mine", namespace, "Active")

    def ask(who: str, name: str, env: str, ttl: str, ends: str) -> str:
        cluster.apply(who, run(name, namespace, f"extend-{namespace}", inputs={"name": env, "ttl": ttl}))
        return str(phase(cluster, name, namespace, ends)["message"])

    needs = "it needs the RBAC verb extend on environments"
    told = ask("developer-2", "other", "mine", "5d", "Refused")
    assert f"developer-2@example.com may not ask for that: it is for developer@example.com; {needs}" in told
    assert (cluster.get("environment", "mine", namespace) or {})["spec"]["ttl"] == "3d"
    ask("developer", "owner", "mine", "5d", "Succeeded")
    assert (cluster.get("environment", "mine", namespace) or {})["spec"]["ttl"] == "5d"
    assert f"its spec.requestedBy names nobody; {needs}" in ask("developer", "nobody", "nobodys", "5d", "Refused")
    ask("admin", "holds", "nobodys", "5d", "Succeeded")
    cluster.kubectl("admin", "delete", "action", f"extend-{namespace}")


def test_what_cannot_be_made_is_known_before_anybody_is_asked(
    cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    cluster.apply("admin", account(namespace, "maker", OURS))
    wanted = make.environment(namespace, "${inputs.name}")
    wanted["spec"]["target"]["quota"] = {"pods": "${inputs.pods}"}
    cluster.apply("admin", action(namespace, "make", {key: wanted[key] for key in ("metadata", "spec")}, gated=True))
    cluster.kubectl("admin", "create", "namespace", f"env-{namespace}-taken")

    def ask(name: str, pods: str, ends: str) -> dict[str, Any]:
        cluster.apply("developer", run(name, namespace, f"make-{namespace}", inputs={"name": name, "pods": pods}))
        return phase(cluster, name, namespace, ends)

    assert (
        f"its Namespace env-{namespace}-taken exists already: choose another" in ask("taken", "5", "Refused")["message"]
    )
    assert "pods is 2.5: these are counted, so it must be a whole number" in ask("half", "2.5", "Refused")["message"]
    gate = ask("sound", "5", "WaitingForApproval")["approvals"][0]["name"]
    patch = make.decision("lead-1@example.com", "Approve")
    cluster.kubectl("lead-1", "patch", "approval", gate, "-n", namespace, "--type=merge", "-p", patch)
    phase(cluster, "sound", namespace, "Succeeded")
    made = f"env-{namespace}-sound"
    quota, binding = (
        cluster.get(*each, made) for each in (("resourcequota", "pratique"), ("rolebinding", "pratique-edit-0"))
    )
    assert quota is not None
    assert binding is not None
    assert quota["metadata"]["creationTimestamp"] <= binding["metadata"]["creationTimestamp"]
    cluster.kubectl("admin", "delete", "namespace", f"env-{namespace}-taken", "--wait=false")
    cluster.kubectl("admin", "delete", "action", f"make-{namespace}")


def test_a_namespace_that_somebody_deletes_is_no_environment_any_more(
    cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    cluster.apply("admin", make.environment(namespace, "gone"))
    there(cluster, "gone", namespace, "Active")
    cluster.kubectl("admin", "delete", "namespace", f"env-{namespace}-gone", "--wait=false")
    body = there(cluster, "gone", namespace, "Failed")
    assert condition(body, "Ready")["reason"] == "NamespaceGone"
    assert "was deleted by somebody else, with everything in it" in body["status"]["message"]
    second = changed(
        make.environment(namespace, "second"),
        {"spec.target.namespace.name": f"env-{namespace}-gone", "spec.maxTTL": "3w"},
    )
    cluster.apply("admin", second)
    there(cluster, "second", namespace, "Active")
    cluster.kubectl("admin", "delete", "environment", "gone", "-n", namespace)
    assert there(cluster, "second", namespace, "Active")
    assert cluster.get("namespace", f"env-{namespace}-gone") is not None


def test_one_that_git_holds_stays_when_its_time_is_up(
    cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    held = changed(
        make.environment(namespace, "held"),
        {
            "spec.ttl": "4s",
            "spec.warnings": [],
            "metadata/annotations": {"argocd.argoproj.io/tracking-id": "apps:pratique.dev/Environment"},
        },
    )
    cluster.apply("admin", held)
    body = there(cluster, "held", namespace, "Expired")
    assert cluster.get("namespace", f"env-{namespace}-held") is None
    assert {each: condition(body, each)["status"] for each in ("Ready", "Stalled")} == {
        "Ready": "False",
        "Stalled": "True",
    }
    cluster.apply("admin", held)
    late = ("patch", "environment", "held", "-n", namespace, "--type=merge", "-p", json.dumps({"spec": {"ttl": "1h"}}))
    assert "so a ttl changes nothing any more" in cluster.kubectl("admin", *late, check=False).err
    after = there(cluster, "held", namespace, "Expired")
    assert after["metadata"]["uid"] == body["metadata"]["uid"]
    cluster.kubectl("admin", "delete", "environment", "held", "-n", namespace, "--timeout=30s")


def delete(cluster: Cluster, who: str, name: str, namespace: str) -> str:
    """Delete an Environment as somebody; return what was said."""
    answer = cluster.kubectl(who, "delete", "environment", name, "-n", namespace, "--wait=false", check=False)
    return answer.err


def test_who_it_is_for_ends_it_and_nobody_else(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    """The role of who asks gives `delete` on all of them: the policy leaves of it what is one's own."""
    cluster.apply("admin", make.environment(namespace, "mine"))
    there(cluster, "mine", namespace, "Active")
    said = delete(cluster, "developer-2", "mine", namespace)
    assert "may not delete Environment mine: it is for developer@example.com; it needs the RBAC verb end on" in said
    assert delete(cluster, "developer", "mine", namespace) == ""
    wait_for("it is gone", lambda: cluster.get("environment", "mine", namespace) is None, 30)
    assert cluster.get("namespace", f"env-{namespace}-mine") is None


def test_what_is_protected_outlives_its_time(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    kept = changed(make.environment(namespace, "kept"), {"spec.ttl": "3s", "spec.warnings": [], "spec.protected": True})
    cluster.apply("admin", kept)
    body = there(cluster, "kept", namespace, "Expiring")
    assert condition(body, "Ready")["reason"] == "Protected"
    assert "but it is protected" in body["status"]["message"]
    for who in ("developer", "admin"):
        assert "Environment kept is protected" in delete(cluster, who, "kept", namespace)
    change = ("patch", "environment", "kept", "-n", namespace, "--type=merge", "-p", '{"spec": {"protected": false}}')
    cluster.kubectl("admin", *change)
    wait_for("it is gone", lambda: cluster.get("environment", "kept", namespace) is None, 30)


def test_what_is_protected_goes_with_the_namespace_that_it_lies_in(
    cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{namespace}-goes"}}
    cluster.apply("admin", space)
    kept = changed(make.environment(f"{namespace}-goes", "kept"), {"spec.protected": True})
    cluster.apply("admin", kept)
    there(cluster, "kept", f"{namespace}-goes", "Active")
    cluster.kubectl("admin", "delete", "namespace", f"{namespace}-goes", "--wait=false")
    wait_for("all of it is gone", lambda: cluster.get("namespace", f"{namespace}-goes") is None, 60)
