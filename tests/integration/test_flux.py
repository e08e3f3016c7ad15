"""A reconciliation of Flux that waits for people: what it applies and prunes, and what kstatus says of the live object.

Flux itself is not run. It applies with its account on the server's side, asks kstatus until the object is Current or
Failed, applies again at each interval, and prunes with the same account. So does the test, and kstatus is the very library.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builders.manifests import decision
from tests.support.attempts import CONFIGMAP, Attempts
from tests.support.cluster import wait_for
from tools.controlplane.binaries import find_or_build
from tools.installation import ROOT

FLUX = ROOT / "examples" / "gitops" / "flux"
REQUEST = yaml.safe_load((FLUX / "requests" / "release-42.yaml").read_text())
LEADS = {"stages": [{"name": "leads", "approvers": {"groups": ["platform-leads"]}}]}
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture(scope="session")
def kstatus() -> Path:
    return find_or_build(["kstatus"])["kstatus"]


class Kustomization:
    """One request that Flux applies, and what it knows of it."""

    def __init__(self, author: Attempts, kstatus: Path) -> None:
        self.author, self.kstatus, self.space = author, kstatus, author.namespace
        action = author.action("release", CONFIGMAP, approval=LEADS, allowServiceAccounts=True)
        author.offer([action], "admin")
        role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "pratique-requester"}
        account = {"kind": "ServiceAccount", "name": "robot", "namespace": "team-a"}
        meta = {"name": "flux-requests", "namespace": self.space}
        binding = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": meta, "roleRef": role}
        author.cluster.apply("admin", {**binding, "subjects": [account]})
        mark = {"kustomize.toolkit.fluxcd.io/name": "requests"}
        metadata = {**REQUEST["metadata"], "namespace": self.space, "labels": mark}
        spec = {**REQUEST["spec"], "actionRef": {"name": action["metadata"]["name"]}}
        self.manifest, self.name = {**REQUEST, "metadata": metadata, "spec": spec}, str(metadata["name"])

    def apply(self, **spec: Any) -> dict[str, Any]:
        """Apply as kustomize-controller does, and return what there is then."""
        text = json.dumps({**self.manifest, "spec": {**self.manifest["spec"], **spec}})
        how = ("--server-side", "--force-conflicts", "--field-manager", "kustomize-controller", "-o", "json", "-f", "-")
        return dict(self.author.cluster.kubectl("robot", "apply", *how, input=text).json)

    def live(self) -> dict[str, Any] | None:
        return self.author.cluster.get("actionrun", self.name, self.space)

    def ready(self) -> str:
        """Return what kstatus says of the run as it is now."""
        asked = subprocess.run(
            [self.kstatus], input=json.dumps([self.live()]), capture_output=True, text=True, timeout=60, check=True
        )
        return str(json.loads(asked.stdout)[0])

    def waits(self) -> str:
        """Wait until people are asked; return the name of the gate."""

        def gate() -> str:
            found = ((self.live() or {}).get("status") or {}).get("approvals") or [{"name": ""}]
            return str(found[0]["name"])

        name = wait_for("people to be asked", gate)
        assert self.ready() == "InProgress"
        return str(name)

    def becomes(self, wanted: str) -> None:
        def look() -> bool:
            said = self.ready()
            assert said in ("InProgress", wanted), said
            return said == wanted

        wait_for(f"kstatus to say {wanted}", look)


@pytest.mark.parametrize(("verdict", "status"), [("Approve", "Current"), ("Decline", "Failed")])
def test_it_goes_on_or_fails_as_people_say(author: Attempts, kstatus: Path, verdict: str, status: str) -> None:
    requests = Kustomization(author, kstatus)
    requests.apply()
    gate = requests.waits()
    before = requests.live() or {}
    again = requests.apply()
    assert again["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    where = ("-n", requests.space, "--type", "merge", "-p", decision("lead-1@example.com", verdict, "so"))
    author.cluster.kubectl("lead-1", "patch", "approval", gate, *where)
    requests.becomes(status)
    ended = requests.live() or {}
    requests.apply()
    assert (requests.live() or {})["status"] == ended["status"], "an interval later nothing is asked or done again"


def test_an_edit_in_git_executes_nothing_again(author: Attempts, kstatus: Path) -> None:
    requests = Kustomization(author, kstatus)
    requests.apply()
    requests.waits()
    uid = (requests.live() or {})["metadata"]["uid"]
    with pytest.raises(Exception, match="create another ActionRun"):
        requests.apply(reason="Release 43")
    assert (requests.live() or {})["metadata"]["uid"] == uid


def test_what_is_pruned_while_it_waits_is_taken_back(author: Attempts, kstatus: Path) -> None:
    requests = Kustomization(author, kstatus)
    requests.apply()
    gate = requests.waits()
    author.cluster.kubectl("robot", "delete", "actionrun", requests.name, "-n", requests.space)

    def state() -> bool:
        found = author.cluster.get("approval", gate, requests.space)
        return found is None or found["status"]["state"] == "Withdrawn"

    wait_for("the request to be taken back", state)


def test_the_example_is_what_was_played() -> None:
    """What waits depends on the requests, which are waited for in short turns, by the account that asks."""
    requests, orders = yaml.safe_load_all((FLUX / "gate.yaml").read_text())
    assert orders["spec"]["dependsOn"] == [{"name": requests["metadata"]["name"]}]
    wanted = {"wait": True, "prune": True, "timeout": "1m", "retryInterval": "2m", "serviceAccountName": "flux"}
    assert {field: requests["spec"][field] for field in wanted} == wanted
    assert "force" not in requests["spec"] and "force" not in orders["spec"]
