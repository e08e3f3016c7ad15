"""What is approved is what runs: tried before anybody is asked, shown, bound, and tried again before it starts.

Each reason for Superseded with the difference that its message shows; what is forged into a status starts nothing.
"""

import hashlib
import json
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from tests.builders.manifests import Manifest, changed, run
from tests.support.cluster import wait_for
from tests.support.desk import Desk
from tests.support.runs import account
from tools.installation import OperatorProcess

pytestmark = pytest.mark.cluster

NOTE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${run.name}", "namespace": "${run.namespace}"}}
WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "${run.namespace}"},
    "spec": {"replicas": 10},
}


def resource(template: Manifest, ident: str = "it", **more: Any) -> Manifest:
    return {"id": ident, "template": template, **more}


def deployment(desk: Desk, replicas: int = 3) -> None:
    """Make the Deployment `web`."""
    desk.admin("create", "deployment", "web", "--image=web:1", f"--replicas={replicas}")


def _document(desk: Desk, gate: str) -> Any:
    """Return what an Approval says that would run."""
    return json.loads((desk.get("approval", gate) or {})["spec"]["plan"]["document"])


# ---- tried before anybody is asked


def test_the_approver_sees_what_would_change_and_nothing_else(desk: Desk) -> None:
    deployment(desk)
    gate = desk.held("grow", desk.offer(resource(WEB, patch=True)))
    approval = desk.get("approval", gate) or {}
    assert approval["spec"]["plan"]["summary"] == [f"Change Deployment {desk.namespace}/web: spec.replicas 3 → 10"]
    text = approval["spec"]["plan"]["document"]
    (planned,) = json.loads(text)["resources"]
    assert planned["dryRun"]["changes"] == [{"path": "spec.replicas", "before": "3", "after": "10"}]
    assert approval["spec"]["plan"]["digest"] == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    held = (desk.get("actionrun", "grow") or {})["status"]
    assert held["plan"]["digest"] == approval["spec"]["plan"]["digest"]
    assert "resources" not in held["plan"] and "document" not in held
    assert "web:1" not in text + json.dumps(held["plan"])
    desk.approve(gate)
    desk.ends("grow", "Running", "Succeeded")
    wait_for("it is changed", lambda: (desk.get("deployment", "web") or {})["spec"]["replicas"] == 10)


def test_a_dry_run_says_what_would_become_of_it_and_leaves_nothing_behind(desk: Desk) -> None:
    deployment(desk)
    ask = partial(_ask_dry, desk)
    kubectl = partial(desk.cluster.kubectl, "developer")
    held = ask("held", desk.offer(resource(WEB, patch=True)))
    summary = [f"Change Deployment {desk.namespace}/web: spec.replicas 3 → 10"]
    assert held["message"] == (
        "Dry run: nobody is asked. It would wait for 1 of group platform-leads (stage leads, within 24h)"
    )
    assert held["plan"]["summary"] == summary and held["plan"]["gate"]["name"] == "leads"
    assert json.loads(held["document"])["resources"][0]["dryRun"]["changes"] == [
        {"path": "spec.replicas", "before": "3", "after": "10"}
    ]
    free = ask("free", desk.offer(resource(NOTE), name="note", free=True))
    assert (
        free["message"]
        == f"Dry run: nothing is made. It would need no approval, and do: ConfigMap {desk.namespace}/free"
    )
    secret = {**NOTE, "kind": "Secret"}
    refused = ask("no", desk.offer(resource(secret), name="secret", free=True))
    assert refused["phase"] == "Refused" and 'cannot create resource "secrets"' in refused["message"]
    wait = ("wait", "-n", desk.namespace, "--timeout=5s")
    kubectl(*wait, "--for=condition=Ready", "actionrun/held", "actionrun/free")
    kubectl(*wait, "--for=condition=Approved=False", "actionrun/held", "actionrun/free", "actionrun/no")
    for name, status in (("held", held), ("free", free), ("no", refused)):
        assert status["notifications"] == [] == status["approvals"] == status["resources"], name
    # nothing was opened, made or said
    found = desk.cluster.kubectl("admin", "get", "approvals,events", "-n", desk.namespace, "-o", "name").out.split()
    assert [each for each in found if not each.startswith("event/web")] == []
    assert desk.get("configmap", "free") is None
    assert (desk.get("deployment", "web") or {})["spec"]["replicas"] == 3
    # nor is it ever, and an hour later it is gone
    lead = ("patch", "actionrun", "held", "-n", desk.namespace, "--type=merge", "-p", '{"spec": {"dryRun": false}}')
    assert "dryRun cannot be changed: a run is one execution" in kubectl(*lead, check=False).err
    for name in ("held", "free", "no"):
        desk.forge("actionrun", name, {"finishedAt": "2026-01-01T00:00:00Z"})
    wait_for("they are gone", lambda: not any(desk.get("actionrun", each) for each in ("held", "free", "no")))


def _ask_dry(desk: Desk, name: str, action: str) -> Manifest:
    """Ask what would become of a request; return the answer."""
    asked = run(name, desk.namespace, action, inputs={})
    desk.cluster.apply("developer", changed(asked, {"spec.dryRun": True}))
    return desk.ends(name, "Succeeded", "Refused")


REFUSED = {
    "Secrets are not this account's": (
        {"apiVersion": "v1", "kind": "Secret", "metadata": NOTE["metadata"]},
        'cannot create resource "secrets"',
    ),
    "wrong type": ({**NOTE, "data": {"a": {"b": "c"}}}, "data: must be a string, not an object"),
    "unknown field": ({**NOTE, "dat": {}}, 'unknown field "dat"'),
    "no such kind": ({**NOTE, "apiVersion": "example.org/v1", "kind": "Thing"}, "has no kind Thing in example.org/v1"),
    "no such namespace": (
        {**NOTE, "metadata": {"name": "x", "namespace": "nowhere"}},
        'cannot create resource "configmaps" in API group "" in the namespace "nowhere"',
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_api_server_refuses_wakes_no_approver(desk: Desk, case: str) -> None:
    template, words = REFUSED[case]
    desk.ask("wrong", desk.offer(resource(NOTE, "fine"), resource(template)))
    message = desk.ends("wrong", "Refused")["message"]
    assert message.startswith(f"As ServiceAccount {desk.namespace}/maker: ") and words in message
    approvals = desk.cluster.kubectl("admin", "get", "approvals", "-n", desk.namespace, "-o", "name").out
    assert approvals == ""
    assert desk.get("configmap", "wrong") is None


def test_a_name_that_is_taken_is_refused_before_anybody_is_asked(desk: Desk) -> None:
    desk.admin("create", "configmap", "taken")
    desk.ask("taken", desk.offer(resource(NOTE)))
    message = desk.ends("taken", "Refused")["message"]
    assert f"ConfigMap {desk.namespace}/taken exists and was not made by this run: choose another name" in message


def test_what_the_account_may_not_read_is_in_no_plan(desk: Desk) -> None:
    """An account with patch and without get could learn a Secret from the answer to its dry run."""
    blind = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "patch"]}
    desk.cluster.apply("admin", account(desk.namespace, "blind", blind))
    desk.admin("create", "secret", "generic", "theirs", "--from-literal=password=correct-horse")
    label = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "theirs", "namespace": desk.namespace, "labels": {"seen": "yes"}},
    }
    blindly = {"namespace": desk.namespace, "name": "blind"}
    desk.ask("peek", desk.offer(resource(label, patch=True), serviceAccountRef=blindly))
    message = desk.ends("peek", "Refused")["message"]
    assert 'cannot get resource "secrets"' in message
    assert "correct-horse" not in json.dumps(desk.get("actionrun", "peek"))


def test_what_an_earlier_object_makes_is_deferred_and_tried_once_it_is_there(desk: Desk) -> None:
    space = f"env-{desk.namespace}-new"
    rights = f"maker-{desk.namespace}"
    rules = [{"apiGroups": [""], "resources": ["namespaces", "configmaps"], "verbs": ["create", "get"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": rights}}
    desk.cluster.apply("admin", {**role, "rules": rules})
    who = f"--serviceaccount={desk.namespace}:maker"
    desk.cluster.kubectl("admin", "create", "clusterrolebinding", rights, f"--clusterrole={rights}", who)
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
    inside = {**NOTE, "metadata": {"name": "inside", "namespace": space}}
    broken = {**inside, "kind": "Secret"}
    try:
        gate = desk.held("both", desk.offer(resource(made, "space"), resource(inside)))
        (_, planned) = _document(desk, gate)["resources"]
        assert planned["dryRun"] == {
            "result": "Deferred",
            "message": f"Namespace {space} makes its namespace first",
        } | {key: planned["dryRun"][key] for key in ("changes",) if key in planned["dryRun"]}
        summary = (desk.get("approval", gate) or {})["spec"]["plan"]["summary"]
        assert summary[1].endswith(f"(not checked yet: Namespace {space} makes its namespace first)")
        desk.approve(gate)
        desk.ends("both", "Succeeded")
        assert desk.cluster.get("configmap", "inside", space) is not None
        desk.cluster.kubectl("admin", "delete", "namespace", space)

        two = desk.offer(resource(made, "space"), resource(inside, "fine"), resource(broken, "broken"), name="two")
        desk.approve(desk.held("half", two))
        message = desk.ends("half", "Failed")["message"]
        assert 'cannot create resource "secrets"' in message
        assert desk.cluster.get("configmap", "inside", space) is None, "the first of the rest must not be made"
    finally:
        desk.cluster.kubectl("admin", "delete", "clusterrolebinding", rights)
        desk.cluster.kubectl("admin", "delete", "clusterrole", rights)
        desk.cluster.kubectl("admin", "delete", "namespace", space, "--wait=false", check=False)


# ---- Superseded, each reason


def test_superseded_by_a_deleted_action(desk: Desk) -> None:
    action = desk.offer(resource(NOTE))
    gate = desk.held("gone", action)
    desk.cluster.kubectl("admin", "delete", "action", action)
    desk.approve(gate)
    assert desk.superseded("gone") == f"The Action {action} was deleted while the request waited"
    assert desk.get("configmap", "gone") is None


def test_superseded_by_an_action_that_was_made_again(desk: Desk) -> None:
    action = desk.offer(resource(NOTE))
    gate = desk.held("again", action)
    desk.cluster.kubectl("admin", "delete", "action", action)
    desk.offer(resource(NOTE))
    desk.approve(gate)
    assert desk.superseded("again") == f"The Action {action} was deleted and made again while the request waited"
    assert desk.get("configmap", "again") is None


def test_an_edited_action_does_not_touch_what_waits(desk: Desk) -> None:
    action = desk.offer(resource(NOTE))
    gate = desk.held("edited", action)
    desk.offer(resource({**NOTE, "data": {"edited": "yes"}}))
    desk.approve(gate)
    desk.ends("edited", "Succeeded")
    assert "data" not in (desk.get("configmap", "edited") or {})


def test_a_suspended_action_takes_nothing_and_starts_nothing(desk: Desk) -> None:
    action = desk.offer(resource(NOTE))
    gate = desk.held("paused", action)
    suspend = ("patch", "action", action, "--type=merge", "-p")
    desk.cluster.kubectl("admin", *suspend, '{"spec": {"suspend": true}}')
    desk.approve(gate)
    sentence = f"The Action {action} is suspended: ask again when it takes requests"
    assert desk.superseded("paused") == sentence

    def refused() -> bool:
        """The cache learns of it a moment later; until then a request is held as before."""
        name = f"new-{len(names)}"
        names.append(name)
        desk.ask(name, action)
        return bool(desk.ends(name, "Refused", "WaitingForApproval")["message"] == sentence)

    names: list[str] = []
    wait_for("new requests are refused", refused)
    desk.cluster.kubectl("admin", *suspend, '{"spec": {"suspend": false}}')
    wait_for("requests are taken again", lambda: not refused())


def test_superseded_by_an_object_of_somebody_elses_under_that_name(desk: Desk) -> None:
    gate = desk.held("planted", desk.offer(resource(NOTE)))
    desk.admin("create", "configmap", "planted")
    desk.approve(gate)
    message = desk.superseded("planted")
    assert message.startswith("It would not do any more what was approved: ConfigMap ")
    assert 'the dry run is refused now: configmaps "planted" already exists' in message


def test_superseded_by_rights_that_were_taken(desk: Desk) -> None:
    gate = desk.held("powerless", desk.offer(resource(NOTE)))
    desk.admin("delete", "rolebinding", "maker")
    desk.approve(gate)
    assert "the dry run is refused now: configmaps is forbidden" in desk.superseded("powerless")


def test_superseded_by_a_value_that_changed_meanwhile(desk: Desk) -> None:
    deployment(desk)
    gate = desk.held("grow", desk.offer(resource(WEB, patch=True)))
    desk.admin("scale", "deployment", "web", "--replicas=5")
    desk.approve(gate)
    assert desk.superseded("grow") == (
        "It would not do any more what was approved: "
        f"Deployment {desk.namespace}/web: spec.replicas was 3 → 10, is 5 → 10"
    )
    assert (desk.get("deployment", "web") or {})["spec"]["replicas"] == 5


def test_superseded_by_a_namesake_of_the_object(desk: Desk) -> None:
    deployment(desk)
    gate = desk.held("grow", desk.offer(resource(WEB, patch=True)))
    desk.admin("delete", "deployment", "web")
    deployment(desk)
    desk.approve(gate)
    assert f"Deployment {desk.namespace}/web: was deleted and made again" in desk.superseded("grow")


def test_superseded_by_an_approval_that_was_not_used_in_time(desk: Desk, operator: OperatorProcess) -> None:
    in_time = desk.held("in-time", desk.offer(resource(NOTE), name="slow", startDeadline="1h"))
    gate = desk.held("late", desk.offer(resource(NOTE), startDeadline="1s"))
    operator.kill()
    try:
        desk.approve(gate)
        desk.approve(in_time)
        decided = (desk.get("approval", gate) or {})["spec"]["decisions"]["lead-1@example.com"]["decidedAt"]

        def over() -> bool:
            """Whether two seconds have passed by the API server's own clock."""
            lease = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "clock", "namespace": desk.namespace},
            }
            answer = desk.cluster.kubectl(
                "admin", "create", "--dry-run=server", "-o", "json", "-f", "-", input=json.dumps(lease)
            )
            return bool(_second(answer.json["metadata"]["creationTimestamp"]) >= _second(decided) + 2)

        wait_for("the time is over", over)
    finally:
        operator.start()
        operator.wait_ready()
    assert desk.superseded("late").startswith("It was approved, and not started within 1s, before ")
    assert desk.get("configmap", "late") is None
    desk.ends("in-time", "Succeeded")


def _second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


# ---- a status proves nothing


def test_a_forged_grant_starts_nothing_and_is_put_right(desk: Desk) -> None:
    gate = desk.held("forged", desk.offer(resource(NOTE)))
    desk.forge("approval", gate, {"state": "Approved", "decidedAt": "2026-11-24T12:00:00Z"})

    def told() -> str | None:
        status = (desk.get("approval", gate) or {})["status"]
        tampered = [each["message"] for each in status.get("notifications", []) if each["event"] == "StatusForged"]
        return tampered[0] if status["state"] == "Pending" and tampered else None

    assert wait_for("it is put right", told) == (
        "The status said Approved, which the decisions do not: it was put right"
    )
    assert (desk.get("actionrun", "forged") or {})["status"]["phase"] == "WaitingForApproval"
    assert desk.get("configmap", "forged") is None
    desk.approve(gate)
    desk.ends("forged", "Succeeded")


def test_a_forged_plan_is_not_what_was_approved(desk: Desk) -> None:
    gate = desk.held("forged", desk.offer(resource(NOTE)))
    plan = _document(desk, gate)
    plan["resources"][0]["manifest"]["metadata"]["name"] = "another"
    desk.forge("actionrun", "forged", {"plan": plan, "document": json.dumps(plan)})
    desk.approve(gate)
    desk.ends("forged", "Succeeded")
    assert desk.get("configmap", "another") is None and desk.get("configmap", "forged") is not None


def test_a_run_that_is_forged_to_be_under_way_makes_nothing(desk: Desk) -> None:
    gate = desk.held("forged", desk.offer(resource(NOTE)))
    desk.forge("actionrun", "forged", {"phase": "Running", "startedAt": "2026-11-24T12:00:00Z"})
    message = desk.ends("forged", "Failed")["message"]
    assert message.startswith("It cannot be proven any more that this may run: nobody has approved it")
    assert desk.get("configmap", "forged") is None
    assert not (desk.get("approval", gate) or {})["spec"].get("decisions")


def test_a_gate_that_is_forged_out_of_a_plan_frees_nothing(desk: Desk) -> None:
    gate = desk.held("forged", desk.offer(resource(NOTE)))
    free = json.dumps({key: value for key, value in _document(desk, gate).items() if key != "gate"})
    began = {"phase": "Running", "startedAt": "2026-11-24T12:00:00Z"}
    desk.forge("actionrun", "forged", {**began, "plan": {"gate": None}, "document": free})
    message = desk.ends("forged", "Failed")["message"]
    assert "its plan is not what its Action makes of it" in message
    assert desk.get("configmap", "forged") is None


def test_an_ended_run_is_not_run_again_by_a_forged_status(desk: Desk) -> None:
    gate = desk.held("replay", desk.offer(resource(NOTE)))
    desk.approve(gate)
    desk.ends("replay", "Succeeded")
    wait_for("all is told", lambda: _all_told(desk, "replay"))
    desk.admin("delete", "configmap", "replay")
    desk.forge("actionrun", "replay", {"phase": "Pending", "plan": None, "approvals": None, "resources": None})

    def restored() -> str | None:
        status = (desk.get("actionrun", "replay") or {})["status"]
        return str(status["message"]) if status["phase"] == "Succeeded" else None

    assert wait_for("it ends again", restored).startswith("It had ended as Succeeded, and its status was changed since")
    assert desk.get("configmap", "replay") is None


def _all_told(desk: Desk, name: str) -> bool:
    entries = (desk.get("actionrun", name) or {})["status"]["notifications"]
    return all(each["state"] == "Sent" for each in entries)
