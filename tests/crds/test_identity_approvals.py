"""Who decides: under one's own name, listed, with the verb, in time, never one's own request; all else is frozen.

Each denial has the twin that is allowed. Real identities, the real API server, no operator process: its identity opens
the gates and sets their status by kubectl.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import changed, decision
from tests.support.cluster import Answer, Cluster, wait_for

pytestmark = pytest.mark.cluster
NAME = "load-test-platform-0c6d5a8e6f"
LEAD, LEAD_2, DEVELOPER = "lead-1@example.com", "lead-2@example.com", "developer@example.com"
MALLORY = "mallory@example.com"


def open_gate(cluster: Cluster, namespace: str, required: int = 1, **options: Any) -> dict[str, Any]:
    """Open a gate as the operator does."""
    manifest = changed(make.approval(namespace, **options), {"spec.policy.required": required})
    cluster.kubectl("operator", "create", "-f", "-", input=json.dumps(manifest))
    return manifest


def patch(cluster: Cluster, who: str, namespace: str, body: str | dict[str, Any], *options: str) -> Answer:
    """Patch the gate as somebody."""
    text = body if isinstance(body, str) else json.dumps(body)
    args = ("patch", "approval", NAME, "-n", namespace, "--type=merge", "-p", text, *options)
    return cluster.kubectl(who, *args, check=False)


def decisions(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """Return what was decided so far."""
    found = cluster.get("approval", NAME, namespace)
    assert found is not None
    return dict(found["spec"].get("decisions", {}))


def denied(answer: Answer, sentence: str) -> None:
    """Expect this sentence."""
    assert answer.code != 0, f"accepted: {answer.out}"
    assert sentence in answer.err


def end(cluster: Cluster, namespace: str, state: str) -> None:
    """End the gate as the operator does."""
    answer = patch(cluster, "operator", namespace, {"status": {"state": state}}, "--subresource=status")
    assert answer.code == 0, answer.err


def grant(cluster: Cluster, namespace: str, user: str, *verbs: str) -> None:
    """Give somebody the right to patch Approvals here, and these verbs on the Action."""
    rbac = "rbac.authorization.k8s.io"
    writes = ["get", "list", "update", "patch", "delete"]
    rules = [{"apiGroups": ["pratique.dev"], "resources": ["approvals"], "verbs": writes}]
    if verbs:
        rules.append({"apiGroups": ["pratique.dev"], "resources": ["actions"], "verbs": list(verbs)})
    metadata = {"name": "given", "namespace": namespace}
    cluster.apply("admin", {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": metadata, "rules": rules})
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "given"},
        "subjects": [{"apiGroup": rbac, "kind": "User", "name": user}],
    }
    cluster.apply("admin", binding)


def test_a_lead_decides_and_the_api_server_stamps_it(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace)
    before = datetime.now(UTC) - timedelta(seconds=2)
    assert patch(cluster, "lead-1", namespace, decision(LEAD, "Approve", "fine by me")).code == 0
    entry = decisions(cluster, namespace)[LEAD]
    assert entry["verdict"] == "Approve" and entry["comment"] == "fine by me"
    assert entry["groups"] == ["platform-leads"]
    assert before <= datetime.fromisoformat(entry["decidedAt"]) <= datetime.now(UTC) + timedelta(seconds=1)


def test_each_decision_has_its_own_time_even_with_one_tool(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace, required=2)
    patch(cluster, "lead-1", namespace, decision(LEAD, "Approve"))
    first = decisions(cluster, namespace)[LEAD]

    def later() -> bool:
        answer = patch(cluster, "lead-2", namespace, decision(LEAD_2, "Approve"), "--dry-run=server", "-o", "json")
        return bool(answer.json["spec"]["decisions"][LEAD_2]["decidedAt"] > first["decidedAt"])

    wait_for("a later second", later)
    assert patch(cluster, "lead-2", namespace, decision(LEAD_2, "Approve")).code == 0
    both = decisions(cluster, namespace)
    assert both[LEAD] == first
    assert both[LEAD_2]["decidedAt"] > first["decidedAt"]


def test_time_and_groups_that_are_sent_are_overwritten(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace)
    sent = decision(LEAD, "Approve", decidedAt="2020-01-01T00:00:00Z", groups=["directors"])
    assert patch(cluster, "lead-1", namespace, sent).code == 0
    entry = decisions(cluster, namespace)[LEAD]
    assert entry["decidedAt"] > "2026" and entry["groups"] == ["platform-leads"]


def test_forged_managed_fields_do_not_move_the_clock(cluster: Cluster, namespace: str) -> None:
    """By somebody who may also update, which our role of approvers does not give."""
    open_gate(cluster, namespace)
    grant(cluster, namespace, LEAD)
    update = ("auth", "can-i", "update", "approvals", "-n", namespace)
    wait_for("the right", lambda: cluster.kubectl("lead-1", *update, check=False).out.strip() == "yes")
    body = cluster.kubectl(
        "lead-1", "get", "approval", NAME, "-n", namespace, "-o", "json", "--show-managed-fields"
    ).json
    body["spec"]["decisions"] = {LEAD: {"verdict": "Approve"}}
    forged = {
        "apiVersion": "pratique.dev/v1alpha1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:decisions": {f"f:{LEAD}": {".": {}, "f:verdict": {}}}}},
        "manager": "kubectl-replace",
        "operation": "Update",
        "time": "2020-01-01T00:00:00Z",
    }
    for manager in ("kubectl-replace", "somebody"):
        body["metadata"]["managedFields"] = [*body["metadata"]["managedFields"], forged | {"manager": manager}]
        dry = cluster.kubectl(
            "lead-1", "replace", "--dry-run=server", "-f", "-", "-o", "json", input=json.dumps(body), check=False
        )
        if dry.code == 0:
            assert dry.json["spec"]["decisions"][LEAD]["decidedAt"] > "2026"
        else:
            assert "decidedAt is set by the API server" in dry.err


def test_a_reset_of_managed_fields_hides_nothing(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace)
    answer = patch(
        cluster,
        "lead-1",
        namespace,
        {"metadata": {"managedFields": [{}]}, "spec": {"decisions": {LEAD: {"verdict": "Approve"}}}},
    )
    if answer.code == 0:
        assert decisions(cluster, namespace)[LEAD]["decidedAt"] > "2026"
    else:
        assert "decidedAt is set by the API server" in answer.err


def test_server_side_apply_needs_a_manager_of_ones_own(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace, required=2)

    def by_apply(who: str, user: str, manager: str) -> Answer:
        body = {
            "apiVersion": make.API_VERSION,
            "kind": "Approval",
            "metadata": {"name": NAME, "namespace": namespace},
            "spec": {"decisions": {user: {"verdict": "Approve"}}},
        }
        args = ("apply", "--server-side", f"--field-manager={manager}", "-f", "-")
        return cluster.kubectl(who, *args, input=json.dumps(body), check=False)

    assert by_apply("lead-1", LEAD, "kubectl").code == 0
    denied(by_apply("lead-2", LEAD_2, "kubectl"), "server-side apply needs a field manager of your own")
    assert by_apply("lead-2", LEAD_2, "lead-2").code == 0
    assert set(decisions(cluster, namespace)) == {LEAD, LEAD_2}


def test_nobody_decides_in_another_name(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace)
    sentence = "a decision can be recorded only under your own user name: "
    denied(patch(cluster, "lead-1", namespace, decision(LEAD_2, "Approve")), sentence + LEAD)
    denied(patch(cluster, "admin", namespace, decision(LEAD, "Approve")), sentence + "admin")
    both = {"spec": {"decisions": {LEAD: {"verdict": "Approve"}, LEAD_2: {"verdict": "Approve"}}}}
    denied(patch(cluster, "lead-1", namespace, both), sentence + LEAD)
    answer = patch(cluster, "operator", namespace, decision(LEAD, "Approve"))
    assert answer.code != 0
    assert decisions(cluster, namespace) == {}


def test_a_recorded_decision_stays(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace)
    patch(cluster, "lead-1", namespace, decision(LEAD, "Approve"))
    removed, others = "the history of decisions only grows", "what somebody else decided cannot be changed or removed"
    denied(
        patch(cluster, "lead-1", namespace, decision(LEAD, "Decline", "no")), "this Approval is decided: approved by"
    )
    denied(patch(cluster, "lead-1", namespace, {"spec": {"decisions": {LEAD: None}}}), removed)
    denied(patch(cluster, "lead-2", namespace, {"spec": {"decisions": None}}), removed)
    denied(patch(cluster, "admin", namespace, decision(LEAD, "Decline", "no")), others)
    stamps = "time, groups and history of your decision are set by the API server"
    denied(patch(cluster, "lead-1", namespace, decision(LEAD, "Approve", groups=["directors"])), stamps)
    assert patch(cluster, "lead-1", namespace, decision(LEAD, "Approve")).code == 0  # the same again


@pytest.mark.parametrize("who", ["developer", "security", "admin"])
def test_who_is_not_listed_does_not_decide(cluster: Cluster, namespace: str, who: str) -> None:
    open_gate(cluster, namespace, requester="developer-2@example.com", users=("lead-2@example.com",))
    grant(cluster, namespace, DEVELOPER, "approve")
    user = who if who == "admin" else f"{who}@example.com"
    answer = patch(cluster, who, namespace, decision(user, "Approve"))
    denied(answer, f"{user} is not an approver of {NAME}; approvers are: lead-2@example.com, group platform-leads")


def test_listed_by_name_is_enough(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace, users=("security@example.com",), groups=())
    assert patch(cluster, "security", namespace, decision("security@example.com", "Approve")).code == 0
    assert decisions(cluster, namespace)["security@example.com"]["groups"] == []


def test_listed_without_the_verb_is_not_enough(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace, users=(MALLORY,))
    grant(cluster, namespace, MALLORY)
    answer = patch(cluster, "mallory", namespace, decision(MALLORY, "Approve"))
    denied(answer, f"{MALLORY} may not approve Action create-environment in namespace {namespace}")
    grant(cluster, namespace, MALLORY, "approve")
    wait_for("the right", lambda: patch(cluster, "mallory", namespace, decision(MALLORY, "Approve")).code == 0)


@pytest.mark.parametrize("requester", [LEAD, "Lead-1@Example.com"])
def test_nobody_decides_their_own_request(cluster: Cluster, namespace: str, requester: str) -> None:
    open_gate(cluster, namespace, requester=requester, users=(LEAD,))
    denied(patch(cluster, "lead-1", namespace, decision(LEAD, "Approve")), "you cannot decide your own request")
    assert patch(cluster, "lead-2", namespace, decision(LEAD_2, "Approve")).code == 0


def test_an_admin_does_not_decide_their_own_request(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace, requester="admin", users=("admin",))
    denied(patch(cluster, "admin", namespace, decision("admin", "Approve")), "you cannot decide your own request")


def test_a_machine_decides_only_where_it_is_named(cluster: Cluster, namespace: str) -> None:
    robot = "system:serviceaccount:team-a:robot"
    grant(cluster, namespace, robot, "approve")
    gate = open_gate(cluster, namespace, groups=("robots",))
    answer = patch(cluster, "robot", namespace, decision(robot, "Approve"))
    denied(answer, "a ServiceAccount decides only where the policy lists it by its exact name")
    end(cluster, namespace, "Withdrawn")
    cluster.kubectl("admin", "delete", "approval", NAME, "-n", namespace)
    named = changed(gate, {"spec.policy.approvers": {"users": [robot]}})
    cluster.kubectl("operator", "create", "-f", "-", input=json.dumps(named))
    assert patch(cluster, "robot", namespace, decision(robot, "Approve")).code == 0


def test_late_is_late(cluster: Cluster, namespace: str) -> None:
    gate = open_gate(cluster, namespace, deadline=timedelta(seconds=-1))
    answer = patch(cluster, "lead-1", namespace, decision(LEAD, "Approve"))
    denied(answer, f"the deadline {gate['spec']['policy']['deadline']} has passed")


def test_what_has_ended_takes_no_decision(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace)
    for state in ("Approved", "Declined", "Expired", "Withdrawn"):
        end(cluster, namespace, state)
        denied(patch(cluster, "lead-1", namespace, decision(LEAD, "Approve")), f"this Approval has ended: {state}")


WEAKER: tuple[dict[str, Any], ...] = (
    {"policy": {"required": 2}},
    {"policy": {"declineThreshold": 9}},
    {"policy": {"deadline": "2100-01-01T00:00:00Z"}},
    {"policy": {"approvers": {"users": [LEAD]}}},
    {"plan": {"digest": "sha256:1"}},
    {"plan": {"summary": None}},
    {"subject": {"name": "another"}},
    {"action": "another"},
    {"stage": "another"},
    {"requestedBy": {"username": "nobody"}},
    {"reason": "because"},
)


@pytest.mark.parametrize("who", ["lead-1", "admin"])
def test_a_gate_cannot_be_weakened(cluster: Cluster, namespace: str, who: str) -> None:
    open_gate(cluster, namespace)
    for change in WEAKER:
        denied(patch(cluster, who, namespace, {"spec": change}), "is frozen")
        deciding = change | {"decisions": {LEAD: {"verdict": "Approve"}}}
        denied(patch(cluster, who, namespace, {"spec": deciding}), "is frozen")


@pytest.mark.parametrize("who", ["lead-1", "admin"])
def test_our_marks_are_not_for_approvers(cluster: Cluster, namespace: str, who: str) -> None:
    open_gate(cluster, namespace)
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": make.RUN_UID}
    marks: tuple[dict[str, Any], ...] = (
        {"ownerReferences": [owner]},
        {"finalizers": ["example.com/mine"]},
        {"labels": {"pratique.dev/run-uid": "x"}},
        {"annotations": {"pratique.dev/x": "x"}},
    )
    for mark in marks:
        denied(patch(cluster, who, namespace, {"metadata": mark}), "of an Approval belong to the operator")


def test_only_the_operator_opens_a_gate(cluster: Cluster, namespace: str) -> None:
    text = json.dumps(make.approval(namespace))
    denied(
        cluster.kubectl("admin", "create", "-f", "-", input=text, check=False),
        "only the operator opens the gate of a run",
    )
    decided = changed(make.approval(namespace), {"spec.decisions": {LEAD: {"verdict": "Approve"}}})
    answer = cluster.kubectl("operator", "create", "-f", "-", input=json.dumps(decided), check=False)
    denied(answer, "an Approval starts without decisions")


@pytest.mark.parametrize("who", ["lead-1", "admin"])
def test_the_status_is_the_operators(cluster: Cluster, namespace: str, who: str) -> None:
    open_gate(cluster, namespace)
    answer = patch(cluster, who, namespace, {"status": {"state": "Approved"}}, "--subresource=status")
    assert answer.code != 0
    found = cluster.get("approval", NAME, namespace)
    assert found is not None and found["status"]["state"] == "Pending"


def test_a_pending_gate_is_not_deleted_and_an_ended_one_is(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace)
    sentence = "a pending Approval cannot be deleted: withdraw its run"
    one = ("delete", "approval", NAME, "-n", namespace, "--wait=false")
    denied(cluster.kubectl("admin", *one, check=False), sentence)
    everything = ("delete", "approvals", "--all", "-n", namespace, "--wait=false")
    denied(cluster.kubectl("admin", *everything, check=False), sentence)
    raw = ("delete", "--raw", f"/apis/pratique.dev/v1alpha1/namespaces/{namespace}/approvals")
    denied(cluster.kubectl("admin", *raw, check=False), sentence)
    end(cluster, namespace, "Declined")
    assert cluster.kubectl("admin", *one).code == 0


def test_a_namespace_with_a_pending_gate_can_go(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace)
    cluster.kubectl("admin", "delete", "namespace", namespace, "--wait=false")
    wait_for("the namespace is gone", lambda: cluster.get("namespace", namespace) is None)


def test_may_i_is_answered_by_a_dry_run(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace)
    assert patch(cluster, "lead-1", namespace, decision(LEAD, "Approve"), "--dry-run=server").code == 0
    assert patch(cluster, "security", namespace, decision("security@example.com", "Approve"), "--dry-run=server").code
    assert decisions(cluster, namespace) == {}
