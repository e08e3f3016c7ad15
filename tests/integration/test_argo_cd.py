"""A sync of Argo CD that waits for people: what it does to a hook, and the health that it reads of the real object.

Argo CD itself is not run. It creates the hook with its finalizer, asks the Lua for its health until that is Healthy or
Degraded, deletes the hook when the sync is terminated, and takes its finalizer away by PUT: so does the test.
"""

import json
from typing import Any

import pytest
import yaml
from tests.builders.manifests import decision
from tests.support.attempts import CONFIGMAP, Attempts
from tests.support.cluster import wait_for
from tests.support.lua_health import PATH, health_of

HOOK = yaml.safe_load((PATH.parent / "presync-approval.yaml").read_text())
FINALIZER = "argocd.argoproj.io/hook-finalizer"
LEADS = {"stages": [{"name": "leads", "approvers": {"groups": ["platform-leads"]}}]}


class Sync:
    """A sync under way: its hook, and what Argo CD knows of it."""

    def __init__(self, author: Attempts) -> None:
        self.author, self.space = author, author.namespace
        action = author.action("release", CONFIGMAP, approval=LEADS, allowServiceAccounts=True)
        author.offer([action], "admin")
        requests = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "pratique-requester"}
        account = {"kind": "ServiceAccount", "name": "robot", "namespace": "team-a"}
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "roleRef": requests}
        meta = {"name": "argo-cd-requests", "namespace": self.space}
        author.cluster.apply("admin", [{**binding, "metadata": meta, "subjects": [account]}])
        metadata = {**HOOK["metadata"], "namespace": self.space, "finalizers": [FINALIZER]}
        spec = {**HOOK["spec"], "actionRef": {"name": action["metadata"]["name"]}}
        text = json.dumps({**HOOK, "metadata": metadata, "spec": spec})
        made = author.cluster.kubectl("robot", "create", "-o", "json", "-f", "-", input=text)
        self.name = str(made.json["metadata"]["name"])

    def live(self) -> dict[str, Any] | None:
        return self.author.cluster.get("actionrun", self.name, self.space)

    def becomes(self, health: str) -> str:
        """Wait until Argo CD reads this health; return its message."""

        def look() -> str | None:
            status, message = health_of(self.live() or {"metadata": {"generation": 1}})
            assert status in ("Progressing", "Suspended", health), f"{status}: {message}"
            return message if status == health else None

        return wait_for(f"the hook to be {health}", look)

    def lets_go(self) -> bool:
        """Put the hook as it is now, without the finalizer; return whether nobody has written it in between."""
        live = self.live() or {}
        kept = [each for each in live["metadata"]["finalizers"] if each != FINALIZER]
        text = json.dumps({**live, "metadata": {**live["metadata"], "finalizers": kept}})
        put = self.author.cluster.kubectl("robot", "replace", "-f", "-", "-n", self.space, input=text, check=False)
        assert not put.code or "the object has been modified" in put.err, put.err
        return not put.code

    def gate(self) -> str:
        return str((self.live() or {})["status"]["approvals"][0]["name"])

    def decide(self, verdict: str) -> None:
        patch = decision("lead-1@example.com", verdict, "so")
        where = ("-n", self.space, "--type", "merge", "-p", patch)
        self.author.cluster.kubectl("lead-1", "patch", "approval", self.gate(), *where)


@pytest.mark.parametrize(("verdict", "health"), [("Approve", "Healthy"), ("Decline", "Degraded")])
def test_a_sync_goes_on_or_fails_as_people_say(author: Attempts, verdict: str, health: str) -> None:
    sync = Sync(author)
    assert "platform-leads" in sync.becomes("Suspended")
    assert health_of(author.cluster.get("approval", sync.gate(), sync.space) or {})[0] == "Suspended"
    sync.decide(verdict)
    sync.becomes(health)
    assert health_of(author.cluster.get("approval", sync.gate(), sync.space) or {})[0] == health


def test_a_sync_that_is_terminated_takes_its_request_back(author: Attempts) -> None:
    sync = Sync(author)
    sync.becomes("Suspended")
    gate = sync.gate()
    where = ("-n", sync.space)
    author.cluster.kubectl("robot", "delete", "actionrun", sync.name, "--wait=false", *where)
    live = sync.live()
    assert live is not None and health_of(live)[0] == "Progressing"
    wait_for("its finalizer to be taken away", sync.lets_go)
    wait_for("the hook to be gone", lambda: sync.live() is None)

    def state() -> bool:
        found = author.cluster.get("approval", gate, sync.space)
        return found is None or found["status"]["state"] == "Withdrawn"

    wait_for("the request to be taken back", state)
