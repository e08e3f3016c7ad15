"""The admin of one namespace as an attacker: every right there, on our kinds too. What is approved must still be what runs.

Each attempt has its answer, and a twin that is allowed.
"""

import json
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import changed, decision
from tests.support.attempts import CONFIGMAP, Attempts
from tests.support.cluster import wait_for
from tests.support.runs import phase

pytestmark = pytest.mark.cluster
RBAC = "rbac.authorization.k8s.io"
STAGE = {"name": "leads", "approvers": {"groups": ["platform-leads"]}}
WHO = "namespace-admin"


@pytest.fixture
def there(author: Attempts) -> Attempts:
    """namespace-admin@example.com has Kubernetes' role `admin` in the namespace, and everything on our kinds."""
    space, cluster = author.namespace, author.cluster
    rule = {"apiGroups": ["pratique.dev"], "resources": ["*"], "verbs": ["*"]}
    cluster.apply("admin", {**_rbac("Role", "ours", space), "rules": [rule]})
    for name, ref in (("ours", ("Role", "ours")), ("all", ("ClusterRole", "admin"))):
        role = {"apiGroup": RBAC, "kind": ref[0], "name": ref[1]}
        user = {"apiGroup": RBAC, "kind": "User", "name": "namespace-admin@example.com"}
        cluster.apply("admin", {**_rbac("RoleBinding", name, space), "roleRef": role, "subjects": [user]})
    note = {**CONFIGMAP, "data": {"note": "${inputs.note}"}}
    author.offer([author.action("note", note, approval={"stages": [STAGE]})])
    return author


def _rbac(kind: str, name: str, space: str) -> dict[str, Any]:
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": {"name": name, "namespace": space}}


def waiting(there: Attempts, name: str) -> tuple[dict[str, Any], str]:
    """Ask as the developer; return the run that waits and the name of its gate."""
    there.ask({name: {"note": "what was asked for"}}, action="note")
    gate = phase(there.cluster, name, there.namespace, "WaitingForApproval")["approvals"][0]["name"]
    return there.cluster.get("actionrun", name, there.namespace) or {}, gate


def approve(there: Attempts, gate: str, who: str = "lead-1", verdict: str = "Approve") -> str:
    vote = decision(f"{who}@example.com", verdict, "because")
    args = ("patch", "approval", gate, "-n", there.namespace, "--type=merge", "-p", vote)
    return there.cluster.kubectl(who, *args, check=False).err


def as_admin(there: Attempts, *args: str, input: str | None = None) -> str:
    """Return what kubectl complains of; empty if it was done."""
    answer = there.cluster.kubectl(WHO, *args, "-n", there.namespace, input=input, check=False)
    return answer.err if answer.code else ""


def test_what_is_planted_under_the_runs_name_is_not_taken_for_its_own(there: Attempts) -> None:
    run, gate = waiting(there, "planted")
    marks = {"labels": {"pratique.dev/run-uid": run["metadata"]["uid"]}}
    theirs = {**CONFIGMAP, "metadata": {"name": "planted", **marks}, "data": {"note": "what the admin likes"}}
    assert as_admin(there, "create", "-f", "-", input=json.dumps(theirs)) == ""
    assert approve(there, gate) == ""
    message = phase(there.cluster, "planted", there.namespace, "Superseded")["message"]
    assert message.startswith("It would not do any more what was approved: ConfigMap ")
    assert 'configmaps "planted" already exists' in message
    found = there.cluster.get("configmap", "planted", there.namespace) or {}
    assert found["data"] == {"note": "what the admin likes"}
    _, gate = waiting(there, "not-planted")
    assert approve(there, gate) == ""
    phase(there.cluster, "not-planted", there.namespace, "Succeeded")


def test_a_gate_is_neither_opened_nor_decided_nor_removed_by_them(there: Attempts) -> None:
    _, gate = waiting(there, "guarded")
    forged = json.dumps(make.approval(there.namespace, "forged"))
    assert "only the operator opens the gate of a run" in as_admin(there, "create", "-f", "-", input=forged)
    assert "is not an approver of" in approve(there, gate, WHO)
    made = as_admin(there, "create", "rolebinding", "me", "--role=ours", "--user=namespace-admin@example.com")
    assert made == "" and "is not an approver of" in approve(there, gate, WHO)
    assert "cannot be deleted" in as_admin(there, "delete", "approval", gate)
    status = json.dumps({"status": {"state": "Approved"}})
    for what in (("approval", gate), ("actionrun", "guarded")):
        said = as_admin(there, "patch", *what, "--subresource=status", "--type=merge", "-p", status)
        assert "only the operator writes the status" in said
    assert there.cluster.get("configmap", "guarded", there.namespace) is None
    assert approve(there, gate) == ""
    phase(there.cluster, "guarded", there.namespace, "Succeeded")


def test_a_quota_that_lets_no_gate_be_opened_lets_nothing_run(there: Attempts) -> None:
    hard = {"count/approvals.pratique.dev": "0"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": hard}}
    assert "cannot create resource" in as_admin(there, "create", "-f", "-", input=json.dumps(quota))
    wait_for("a quota to be in force", lambda: _is_counted(there, quota), timeout=120)
    there.ask({"stuck": {"note": "x"}}, action="note")
    wait_for("it says why", lambda: "exceeded quota: none" in _status(there, "actionrun", "stuck").get("message", ""))
    assert _status(there, "actionrun", "stuck")["phase"] == "Pending"
    assert there.cluster.get("configmap", "stuck", there.namespace) is None
    there.ask({"elsewhere": {"note": "x"}}, action="note")
    there.cluster.kubectl("admin", "delete", "resourcequota", "none", "-n", there.namespace)
    phase(there.cluster, "stuck", there.namespace, "WaitingForApproval", timeout=90)


def _is_counted(there: Attempts, quota: dict[str, Any]) -> bool:
    """Make a quota; whether it is counted, for which Kubernetes' controller has to know our kinds.

    It looks for new kinds every half a minute, and counts an older quota again minutes later only: so it is made anew.
    """
    name = quota["metadata"]["name"]
    there.cluster.kubectl("admin", "delete", "resourcequota", name, "-n", there.namespace, "--ignore-not-found")
    there.cluster.kubectl("admin", "create", "-f", "-", "-n", there.namespace, input=json.dumps(quota))
    wait_for("the quota to be seen", lambda: _status(there, "resourcequota", name).get("hard"))
    return bool(_status(there, "resourcequota", name).get("used"))


def _status(there: Attempts, kind: str, name: str) -> dict[str, Any]:
    return dict((there.cluster.get(kind, name, there.namespace) or {}).get("status") or {})


def test_an_environment_takes_over_no_namespace(there: Attempts) -> None:
    theirs = f"env-{there.namespace}-theirs"
    there.cluster.kubectl("admin", "create", "namespace", theirs)
    grab = changed(make.environment(there.namespace, "grab"), {"spec.target.namespace.name": theirs})
    assert as_admin(there, "create", "-f", "-", input=json.dumps(grab)) == ""
    wait_for("it failed", lambda: _status(there, "environment", "grab").get("phase") == "Failed")
    said = _status(there, "environment", "grab")["message"]
    assert f"Namespace {theirs} exists and was not made for this Environment" in said
    assert there.cluster.kubectl("admin", "get", "rolebindings", "-n", theirs, "-o", "name").out == ""
    uid = (there.cluster.get("environment", "grab", there.namespace) or {})["metadata"]["uid"]
    label = ("label", "namespace", theirs, f"pratique.dev/environment-uid={uid}")
    assert "forbidden" in there.cluster.kubectl(WHO, *label, check=False).err
    assert "only the operator sets it" in there.cluster.kubectl("admin", *label, check=False).err
    assert as_admin(there, "delete", "environment", "grab", "--timeout=30s") == ""
    assert (there.cluster.get("namespace", theirs) or {})["status"]["phase"] == "Active"
    there.cluster.kubectl("admin", "delete", "namespace", theirs, "--wait=false")


def test_an_environment_that_is_made_again_has_a_namespace_of_its_own(there: Attempts) -> None:
    name = f"env-{there.namespace}-load-test"
    text = json.dumps(make.environment(there.namespace))
    uids = []
    for _ in range(2):
        assert as_admin(there, "create", "-f", "-", input=text) == ""
        wait_for("it is there", lambda: _status(there, "environment", "load-test").get("phase") == "Active", 60)
        uids.append((there.cluster.get("namespace", name) or {})["metadata"]["uid"])
        none = json.dumps({"metadata": {"finalizers": None}})
        said = as_admin(there, "patch", "environment", "load-test", "--type=merge", "-p", none)
        assert "belong to the operator" in said
        assert as_admin(there, "delete", "environment", "load-test", "--timeout=60s") == ""
        assert there.cluster.get("namespace", name) is None
    assert len(set(uids)) == 2
