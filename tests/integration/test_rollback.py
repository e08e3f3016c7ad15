"""A run that fails takes back what it has made, on a real API server: the last first, by uid, and nothing else."""

import json
from typing import Any

import pytest
from tests.builders.manifests import Manifest
from tests.support.cluster import wait_for
from tests.support.desk import Desk

pytestmark = pytest.mark.cluster

RBAC = "rbac.authorization.k8s.io"


def let_delete(desk: Desk) -> None:
    """Let the account delete what it makes."""
    role: Manifest = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": "deletes", "namespace": desk.namespace}}
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "delete"]}
    ref = {"apiGroup": RBAC, "kind": "Role", "name": "deletes"}
    account = {"kind": "ServiceAccount", "name": "maker", "namespace": desk.namespace}
    bound = {**role, "kind": "RoleBinding", "roleRef": ref, "subjects": [account]}
    desk.cluster.apply("admin", [{**role, "kind": "Role", "rules": [rule]}, bound])


def note(ident: str, **more: Any) -> Manifest:
    metadata = {"name": f"${{run.name}}-{ident}", "namespace": "${run.namespace}"}
    return {"id": ident, **more, "template": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}}


FAILS = "has(self.data) && self.data.state == 'broken'"
STEPS = (note("one"), note("two", failedWhen=FAILS, readyWhen="false"))


def ask(desk: Desk, name: str, *steps: Manifest, **execution: Any) -> str:
    """Ask for these, free, and return how its objects are called."""
    execution = {"onFailure": "Rollback", "timeout": "30s", **execution}
    desk.ask(name, desk.offer(*(steps or STEPS), name=name, free=True, **execution))
    return f"ConfigMap {desk.namespace}/{name}"


def break_(desk: Desk, name: str) -> None:
    """Say as its controller that the second object has failed."""
    wait_for("it is made", lambda: desk.get("configmap", f"{name}-two"))
    desk.admin("patch", "configmap", f"{name}-two", "--type=merge", "-p", json.dumps({"data": {"state": "broken"}}))


def test_what_it_has_made_goes_and_what_it_has_changed_stays(desk: Desk) -> None:
    let_delete(desk)
    desk.admin("create", "configmap", "undo-there")
    there = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "undo-there", "namespace": "${run.namespace}"},
    }
    change = {"id": "there", "patch": True, "template": {**there, "data": {"a": "1"}}}
    name = ask(desk, "undo", change, *STEPS)
    break_(desk, "undo")
    said = desk.ends("undo", "Failed")["message"]
    assert said == (
        f"{name}-two failed: its failedWhen is true. Rolled back: {name}-two, {name}-one were removed; {name}-there was"
        " changed, and left so"
    )
    left = [desk.get("configmap", f"undo-{each}") is not None for each in ("one", "two", "there")]
    assert left == [False, False, True]


def test_approvers_read_that_it_rolls_back(desk: Desk) -> None:
    let_delete(desk)
    gate = desk.held("read", desk.offer(*STEPS, name="read", onFailure="Rollback"))
    plan = (desk.get("approval", gate) or {})["spec"]["plan"]
    assert plan["summary"][-1] == "If it fails, what it has made is deleted again, the last first"
    assert json.loads(plan["document"])["rollbackAfter"] == "15m"


def test_who_may_not_delete_is_refused_at_once(desk: Desk) -> None:
    name = ask(desk, "refused")
    said = desk.ends("refused", "Refused")["message"]
    assert (
        f"{name}-one could not be created: it could not be deleted again if the run fails (onFailure: Rollback)" in said
    )
    assert "lacks the right to delete configmaps" in said


def test_a_finalizer_holds_it_up_and_who_holds_it_is_named(desk: Desk) -> None:
    let_delete(desk)
    name = ask(desk, "hangs", timeout="8s")
    wait_for("it is made", lambda: desk.get("configmap", "hangs-two"))
    held = json.dumps({"metadata": {"finalizers": ["example.com/hold"]}})
    desk.admin("patch", "configmap", "hangs-two", "--type=merge", "-p", held)
    why = "it is being deleted; its finalizers have to go first: example.com/hold"
    desk.says("hangs", f"Rolling back, and waiting for {name}-two to go: {why}")
    said = desk.ends("hangs", "Failed")["message"]
    assert said.startswith("Not ready within 8s: ")
    assert said.endswith(f"; could not be removed: {name}-two ({why}), so {name}-one stays")
    assert desk.get("configmap", "hangs-one") is not None
    desk.admin("patch", "configmap", "hangs-two", "--type=merge", "-p", json.dumps({"metadata": {"finalizers": None}}))


@pytest.mark.parametrize("lost", ["rolebinding/deletes", "serviceaccount/maker"])
def test_a_right_that_is_lost_meanwhile_is_told(desk: Desk, lost: str) -> None:
    """Without its account, too: what a binding gives goes by name. So the binding goes with it, as in a clean-up."""
    let_delete(desk)
    run = lost.partition("/")[0]
    name = ask(desk, run, timeout="8s")
    wait_for("it is made", lambda: desk.get("configmap", f"{run}-two"))
    desk.admin("delete", *{lost, "rolebinding/deletes"})
    break_(desk, run)
    said = desk.ends(run, "Failed")["message"]
    assert f"could not be removed: {name}-two (it could not be deleted: " in said and said.endswith(
        f"so {name}-one stays"
    )
    assert desk.get("configmap", f"{run}-one") is not None


def test_a_namesake_stays(desk: Desk) -> None:
    let_delete(desk)
    name = ask(desk, "twin")
    wait_for("it is made", lambda: desk.get("configmap", "twin-two"))
    desk.admin("delete", "configmap", "twin-one")
    desk.admin("create", "configmap", "twin-one", "--from-literal=whose=others")
    break_(desk, "twin")
    assert f"{name}-two failed" in desk.ends("twin", "Failed")["message"]
    assert (desk.get("configmap", "twin-one") or {})["data"] == {"whose": "others"}
    assert desk.get("configmap", "twin-two") is None
