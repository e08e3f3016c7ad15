"""What a run made for a time ends: with real rights of real people, who are in until then, and refused after it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import Manifest, changed, decision, run
from tests.support.cluster import Cluster, wait_for
from tests.support.runs import account, condition, phase
from tools.installation import OperatorProcess

RBAC = "rbac.authorization.k8s.io"
FINALIZER = "pratique.dev/ends-objects"
GIVES: tuple[dict[str, Any], ...] = (
    {"apiGroups": [RBAC], "resources": ["rolebindings"], "verbs": ["create", "get", "delete"]},
    {"apiGroups": [RBAC], "resources": ["clusterroles"], "verbs": ["bind"], "resourceNames": ["view"]},
)
GUEST = "nobody"
"""Somebody without any right."""


def gives_access(namespace: str, *, gated: bool = False) -> Manifest:
    """Return an Action that lets somebody in for a while."""
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "${run.name}", "namespace": "${run.namespace}"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "apiGroup": RBAC, "name": GUEST}],
    }
    changes: dict[str, Any] = {
        "spec.inputs.schema.properties": {"ttl": {"type": "string"}},
        "spec.execution.serviceAccountRef": {"namespace": namespace, "name": "giver"},
        "spec.execution.maxExpiry": "8h",
        "spec.execution.resources": [{"id": "binding", "expiresAfter": "${inputs.ttl}", "template": binding}],
    }
    if not gated:
        changes["spec.approval"] = {"stages": []}
    return changed(make.action(f"access-{namespace}"), changes)


@dataclass(frozen=True)
class Door:
    """A namespace that somebody is let into."""

    cluster: Cluster
    namespace: str

    def ask(self, name: str, ttl: str, *wanted: str) -> dict[str, Any]:
        """Ask as the developer; return the status of the run once it is in one of these phases."""
        self.cluster.apply("developer", run(name, self.namespace, f"access-{self.namespace}", inputs={"ttl": ttl}))
        return phase(self.cluster, name, self.namespace, *(wanted or ("Succeeded",)))

    def is_open(self) -> bool:
        """Whether the guest may read what is in the namespace."""
        return self.cluster.callers[GUEST].send("GET", f"/api/v1/namespaces/{self.namespace}/configmaps").ok

    def run(self, name: str) -> dict[str, Any]:
        """Return a run as it is; empty once it is gone."""
        return self.cluster.get("actionrun", name, self.namespace) or {}

    def binding(self, name: str) -> dict[str, Any] | None:
        """Return what was made."""
        return self.cluster.get("rolebinding", name, self.namespace)

    def patch(self, who: str, kind: str, name: str, patch: Any, type_: str = "merge") -> str:
        """Patch something; return what was said against it."""
        where = (kind, name, "-n", self.namespace, f"--type={type_}", "-p", json.dumps(patch))
        return self.cluster.kubectl(who, "patch", *where, check=False).err

    def settled(self, name: str) -> dict[str, Any]:
        """Wait until nothing is left to do for a run; return it."""

        def over() -> dict[str, Any] | None:
            body = self.run(name)
            return body if body.get("status", {}).get("settled") else None

        return wait_for(f"{name} is settled", over)


@pytest.fixture
def door(cluster: Cluster, operator: OperatorProcess, namespace: str) -> Any:
    cluster.apply("admin", account(namespace, "giver", *GIVES))
    cluster.apply("admin", gives_access(namespace))
    yield Door(cluster, namespace)
    cluster.kubectl("admin", "delete", "action", f"access-{namespace}", "--ignore-not-found")


def soon(what: str, probe: Callable[[], Any], timeout: float = 30.0) -> Any:
    return wait_for(what, probe, timeout)


def test_somebody_is_in_until_the_time_is_up_whatever_is_done_to_the_binding(door: Door) -> None:
    assert not door.is_open()
    status = door.ask("guest", "6s")
    soon("the guest is in", door.is_open)
    (made,) = status["resources"]
    body = door.binding("guest")
    assert body is not None
    assert "ends 6s after it is made" in status["message"]
    assert body["metadata"]["annotations"]["pratique.dev/expires-at"]
    assert FINALIZER in door.run("guest")["metadata"]["finalizers"]
    assert made["expiresAt"] > body["metadata"]["creationTimestamp"]
    # the annotation decides nothing, nor who else is let in
    subjects = [*body["subjects"], {"kind": "User", "apiGroup": RBAC, "name": "mallory@example.com"}]
    change = {"metadata": {"annotations": {"pratique.dev/expires-at": None}}, "subjects": subjects}
    assert door.patch("admin", "rolebinding", "guest", change) == ""
    soon("the binding is gone", lambda: door.binding("guest") is None)
    soon("the guest is refused", lambda: not door.is_open())
    after = door.settled("guest")
    assert "finalizers" not in after["metadata"]
    (ended,) = after["status"]["resources"]
    assert ended["endedAt"] >= ended["expiresAt"] == made["expiresAt"]
    assert condition(after, "Ended")["status"] == "True"
    assert "ObjectEnded" in [line["event"] for line in after["status"]["timeline"]]
    assert after["status"]["phase"] == "Succeeded"


def test_deleting_the_run_ends_it_at_once_and_others_may_not(door: Door) -> None:
    door.ask("early", "8h")
    soon("the guest is in", door.is_open)
    refused = door.cluster.kubectl("developer-2", "delete", "actionrun", "early", "-n", door.namespace, check=False)
    assert "only the requester, developer@example.com, may delete this run" in refused.err
    stripped = door.patch("developer", "actionrun", "early", {"metadata": {"finalizers": None}})
    assert "finalizers of pratique.dev on an ActionRun belong to the operator" in stripped
    door.cluster.kubectl("developer", "delete", "actionrun", "early", "-n", door.namespace, "--wait=false")
    soon("the guest is refused", lambda: not door.is_open())
    soon("the run is gone", lambda: not door.run("early"), 90)
    assert door.binding("early") is None


def test_a_run_that_is_deleted_while_it_makes_things_leaves_nobody_in(door: Door) -> None:
    """Deleted between the binding and the first write of what was made: the binding is found by its mark."""
    more = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get"]}
    door.patch("admin", "role", "giver", {"rules": [*GIVES, more]})
    action = gives_access(door.namespace)
    action["spec"]["execution"]["resources"] += [
        {
            "id": f"note{n}",
            "template": {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": f"${{run.name}}-{n}", "namespace": "${run.namespace}"},
            },
        }
        for n in range(12)
    ]
    door.cluster.apply("admin", action)
    runs = f"/apis/pratique.dev/v1alpha1/namespaces/{door.namespace}/actionruns"
    path = f"/apis/{RBAC}/v1/namespaces/{door.namespace}/rolebindings/hasty"
    door.cluster.apply("developer", run("hasty", door.namespace, f"access-{door.namespace}", inputs={"ttl": "8h"}))
    deadline = time.monotonic() + 30
    while not door.cluster.callers["admin"].send("GET", path).ok:  # without a pause: the look is short
        assert time.monotonic() < deadline, "the binding was not made"
    assert door.cluster.callers["developer"].send("DELETE", f"{runs}/hasty").ok
    soon("the run is gone", lambda: not door.run("hasty"), 90)
    assert door.binding("hasty") is None
    soon("the guest is refused", lambda: not door.is_open())


def test_a_namesake_is_not_touched(door: Door) -> None:
    status = door.ask("twin", "5s")
    body = door.binding("twin")
    assert body is not None
    door.cluster.kubectl("admin", "delete", "rolebinding", "twin", "-n", door.namespace)
    # within seconds of the operator's first start the guard proves nothing: then its age says that it is another
    soon("the run is over for a second", lambda: _clock(door) > status["finishedAt"])
    again = {key: body[key] for key in ("apiVersion", "kind", "roleRef", "subjects")}
    door.cluster.apply("admin", {**again, "metadata": {"name": "twin", "namespace": door.namespace}})
    after = door.settled("twin")
    assert condition(after, "Ended")["status"] == "True"
    there = door.binding("twin")
    assert there is not None
    assert there["metadata"]["uid"] != body["metadata"]["uid"]


def test_a_time_that_is_too_long_is_refused_and_an_account_that_cannot_end_it(door: Door) -> None:
    long = door.ask("long", "9h", "Refused")["message"]
    assert "9h is longer than 8h, which this Action allows at most (maxExpiry)" in long
    assert "'8 hours' is no duration" in door.ask("words", "8 hours", "Refused")["message"]
    door.patch("admin", "role", "giver", {"rules": [{**GIVES[0], "verbs": ["create", "get"]}, GIVES[1]]})
    lacks = door.ask("lacks", "1h", "Refused")["message"]
    right = f"the right to delete rolebindings.{RBAC} in namespace {door.namespace}"
    assert f"it could not be ended after 1h: {door.namespace}/giver lacks {right}" in lacks
    assert door.binding("lacks") is None


def test_a_right_that_was_lost_is_told_and_ends_when_it_is_back(door: Door) -> None:
    door.ask("lost", "5s")
    door.patch("admin", "role", "giver", {"rules": [{**GIVES[0], "verbs": ["create", "get"]}, GIVES[1]]})

    def told() -> dict[str, Any] | None:
        found = condition(door.run("lost"), "Ended")
        return found if found.get("reason") == "NotEnded" else None

    found = soon("it is said", told)
    assert f"RoleBinding {door.namespace}/lost could not be ended" in found["message"]
    assert "cannot delete resource" in found["message"]
    assert door.is_open()
    events = [each["event"] for each in door.run("lost")["status"]["timeline"]]
    assert events.count("ObjectNotEnded") == 1
    door.patch("admin", "role", "giver", {"rules": list(GIVES)})
    soon("the right is back", lambda: _may_delete(door))
    door.patch("admin", "actionrun", "lost", {"metadata": {"labels": {"look": "again"}}})  # else within the hour
    soon("the guest is refused", lambda: not door.is_open())
    assert condition(door.settled("lost"), "Ended")["status"] == "True"


def _may_delete(door: Door) -> bool:
    who = f"system:serviceaccount:{door.namespace}:giver"
    asked = {"group": RBAC, "resource": "rolebindings", "verb": "delete", "namespace": door.namespace}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": who, "resourceAttributes": asked},
    }
    answer = door.cluster.callers["admin"].send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
    return bool(answer.body["status"]["allowed"])


def test_it_ends_also_if_the_operator_was_off_meanwhile(door: Door, operator: OperatorProcess) -> None:
    door.ask("off", "4s")
    operator.stop()
    try:
        ends = door.run("off")["status"]["resources"][0]["expiresAt"]
        soon("the time is up", lambda: _clock(door) >= ends)
        assert door.binding("off") is not None
    finally:
        operator.start()
        operator.wait_ready()
    soon("the guest is refused", lambda: not door.is_open())
    door.settled("off")


def _clock(door: Door) -> str:
    """Return what the API server's clock says: by what it makes."""
    meta = {"generateName": "clock-", "namespace": door.namespace}
    path = f"/api/v1/namespaces/{door.namespace}/configmaps"
    answer = door.cluster.callers["admin"].send("POST", path, {"metadata": meta})
    return str(answer.body["metadata"]["creationTimestamp"])


def test_a_namespace_that_is_deleted_is_not_held_up(door: Door) -> None:
    door.ask("inside", "8h")
    assert FINALIZER in door.run("inside")["metadata"]["finalizers"]
    door.cluster.kubectl("admin", "delete", "namespace", door.namespace, "--wait=false")
    soon("the namespace is gone", lambda: door.cluster.get("namespace", door.namespace) is None, 60)


def test_what_was_approved_for_a_while_says_so_to_approvers(door: Door) -> None:
    door.cluster.apply("admin", gives_access(door.namespace, gated=True))
    status = door.ask("gated", "6s", "WaitingForApproval")
    gate = door.cluster.get("approval", status["approvals"][0]["name"], door.namespace)
    assert gate is not None
    assert any("ends 6s after it is made" in line for line in gate["spec"]["plan"]["summary"])
    patch = decision("lead-1@example.com", "Approve")
    door.cluster.kubectl(
        "lead-1", "patch", "approval", gate["metadata"]["name"], "-n", door.namespace, "--type=merge", "-p", patch
    )
    phase(door.cluster, "gated", door.namespace, "Succeeded")
    soon("the guest is in, or was", lambda: door.is_open() or door.run("gated")["status"].get("settled"))
    soon("the guest is refused", lambda: not door.is_open())
    assert condition(door.settled("gated"), "Ended")["status"] == "True"
