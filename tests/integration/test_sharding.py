"""Several leaders, each for its namespaces: everything is made once, by its shard, whatever ends and however many lead."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.builders.manifests import decision, run
from tests.support.cluster import Cluster, wait_for
from tests.support.gaps import BINDING, GUARDS
from tests.support.own_plane import NOTES, note_action, own_plane
from tests.support.runs import phase
from tools.controlplane.servers import Options
from tools.installation import OperatorProcess

from pratique.core.operating.sharding import owner_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
HOME = "shards"
SPACES = tuple(f"team-{letter}" for letter in "abcdef")
OF = {number: [space for space in SPACES if owner_of(space, 2) == number] for number in (1, 2)}
LIMIT = 9
LEASES = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "pratique-shards", "namespace": "pratique-system"},
    "rules": [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "update"]}],
}
"""What the chart adds for shards; `tests/crds/test_chart_shards.py` holds it to the chart."""


@dataclass
class Shards:
    """The control plane, and the operators that run."""

    cluster: Cluster
    folder: Path
    log: Path
    running: dict[str, OperatorProcess] = field(default_factory=dict)

    def start(self, *shards: str, extra: tuple[str, ...] = ()) -> None:
        """Start a process for each, named after it, without waiting for anything."""
        for shard in shards:
            name = "of-".join(shard.split("/"))
            arguments = ("--identity", f"p{name}", "--shard", shard, "--open-runs-per-requester", str(LIMIT), *extra)
            config = self.cluster.identities.kubeconfig("operator")
            process = OperatorProcess(config, self.folder / f"{name}.log", arguments=arguments)
            process.start()
            self.running[shard] = process

    def ready(self, *shards: str) -> None:
        """Wait until these are ready, and lead."""
        for shard in shards:
            self.running[shard].wait_ready()
            number, of = shard.split("/")
            name = "pratique" if of == "1" else f"pratique-{number}-of-{of}"
            wait_for(f"{shard} leads", partial(self._leads, name, f"p{number}of-{of}_"), 40)

    def _leads(self, lease: str, who: str) -> bool:
        return self.holder(lease).startswith(who)

    def stands_by(self, shard: str) -> bool:
        return "Standing by" in self.running[shard].log.read_text()

    def stop(self, *shards: str, kill: bool = False) -> None:
        """End these."""
        for shard in shards:
            process = self.running.pop(shard)
            if kill:
                process.kill()
            else:
                process.stop()
            assert "Traceback" not in process.log.read_text(), process.log.read_text()[-3000:]

    def holder(self, name: str) -> str:
        lease = self.cluster.get("lease", name, "pratique-system") or {}
        return str(lease.get("spec", {}).get("holderIdentity", ""))

    def ask(self, prefix: str, number: int, *, gated: bool, spaces: tuple[str, ...] = SPACES) -> list[tuple[str, str]]:
        """Ask for so many notes in each namespace."""
        names = [(space, f"{prefix}-{each}") for each in range(number) for space in spaces]
        items = [run(name, space, "note", inputs={"gated": gated}) for space, name in names]
        for who, mine in (("developer", items[::2]), ("developer-2", items[1::2])):
            text = json.dumps({"apiVersion": "v1", "kind": "List", "items": mine})
            self.cluster.kubectl(who, "create", "-f", "-", input=text)
        return names

    def until(self, names: list[tuple[str, str]], wanted: str, timeout: float = 60.0) -> dict[tuple[str, str], Any]:
        """Wait until all are in a phase; return their statuses."""
        return {(space, name): phase(self.cluster, name, space, wanted, timeout=timeout) for space, name in names}

    def approve(self, statuses: dict[tuple[str, str], Any]) -> None:
        """Let the lead approve the gate of each."""
        patch = decision("lead-1@example.com", "Approve")
        with ThreadPoolExecutor(4) as pool:
            done = [
                pool.submit(self._patch, "lead-1", status["approvals"][-1]["name"], space, patch)
                for (space, _), status in statuses.items()
            ]
        assert all(each.result() == 0 for each in done)

    def _patch(self, who: str, gate: str, space: str, patch: str) -> int:
        return self.cluster.kubectl(
            who, "patch", "approval", gate, "-n", space, "--type", "merge", "-p", patch, check=False
        ).code

    def forge(self, gate: str, space: str) -> None:
        """Decide in the lead's name, as soon as the API server lets it through."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        patch = decision("lead-1@example.com", "Approve", "forged", decidedAt=at, groups=["platform-leads"])
        wait_for("it is forged", lambda: self._patch("admin", gate, space, patch) == 0)

    def made(self, prefix: str, resource: str = "configmaps") -> Counter[tuple[str, str]]:
        """Return how often each was created for runs of this prefix, by the audit log."""
        found: Counter[tuple[str, str]] = Counter()
        for line in self.log.read_text().splitlines():
            entry: dict[str, Any] = json.loads(line)
            what = entry.get("objectRef", {})
            done = entry["stage"] == "ResponseComplete" and entry["responseStatus"]["code"] == 201
            if done and entry["verb"] == "create" and "dryRun" not in entry["requestURI"]:
                name = str(what.get("name") or "")
                if what.get("resource") == resource and name.startswith(f"{prefix}-"):
                    found[what["namespace"], name] += 1
        return found


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    folder = tmp_path_factory.mktemp("shards")
    with own_plane(HOME, folder, Options(audit="Metadata"), NOTES) as (plane, cluster):
        assert plane.audit_log is not None
        for space in SPACES:
            cluster.apply("admin", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get"]}]
        writer = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "notes"}}
        cluster.apply("admin", {**writer, "rules": rules})
        for kind, role, name, space in (
            ("ClusterRoleBinding", ("ClusterRole", "notes"), ("writer", HOME), ""),
            ("RoleBinding", ("Role", "pratique-shards"), ("pratique", "pratique-system"), "pratique-system"),
        ):
            binding = {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": kind,
                "metadata": {"name": role[1], **({"namespace": space} if space else {})},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role[0], "name": role[1]},
                "subjects": [{"kind": "ServiceAccount", "name": name[0], "namespace": name[1]}],
            }
            cluster.apply("admin", binding)
        cluster.apply("admin", LEASES)
        cluster.apply("admin", note_action(HOME))
        yield Shards(cluster, folder, plane.audit_log)


@pytest.fixture
def shards(plane: Shards) -> Iterator[Shards]:
    yield plane
    plane.stop(*plane.running)


def senders(status: dict[str, Any]) -> set[str]:
    """Return which processes told of a run."""
    return {each["sender"] for each in status.get("notifications", []) if each.get("sender")}


def test_each_sees_to_its_namespaces_and_goes_on_when_the_other_is_gone(shards: Shards) -> None:
    assert all(OF.values()), "the names are chosen so that both have some"
    shards.start("1/2", "2/2")
    shards.ready("1/2", "2/2")
    assert shards.holder("pratique") == "shards-of-2_layout"
    free = shards.until(shards.ask("free", 3, gated=False), "Succeeded")
    waiting = shards.until(shards.ask("held", 1, gated=True), "WaitingForApproval")
    for (space, _), status in (free | waiting).items():
        assert senders(status) <= {f"p{owner_of(space, 2)}of-2"}
    for gone, other in ((2, 1), (1, 2)):
        shards.stop(f"{gone}/2", kill=True)
        shards.until(shards.ask(f"without-{gone}", 1, gated=False, spaces=tuple(OF[other])), "Succeeded")
        held = {key: status for key, status in waiting.items() if key[0] in OF[other]}
        shards.approve(held)
        shards.until(list(held), "Succeeded")
        left = shards.ask(f"left-{gone}", 1, gated=False, spaces=tuple(OF[gone]))
        shards.until(shards.ask(f"after-{gone}", 1, gated=False, spaces=tuple(OF[other])), "Succeeded")
        assert not shards.made(f"left-{gone}")
        shards.start(f"{gone}/2")
        shards.ready(f"{gone}/2")
        shards.until(left, "Succeeded")
        waiting = {key: status for key, status in waiting.items() if key[0] in OF[gone]}
    for prefix in ("free", "held", "without-1", "without-2", "left-1", "left-2"):
        assert set(shards.made(prefix).values()) == {1}, prefix


def test_what_one_person_may_have_open_is_one_number_for_all_namespaces(shards: Shards) -> None:
    shards.start("1/2", "2/2")
    shards.ready("1/2", "2/2")
    names = [(space, f"crowd-{each}") for each in range(6) for space in SPACES]
    items = [run(name, space, "note", inputs={"gated": True}) for space, name in names]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    shards.cluster.kubectl("developer", "create", "-f", "-", input=text)

    def settled() -> Counter[str] | None:
        found = shards.cluster.kubectl("admin", "get", "actionruns", "-A", "-o", "json").json["items"]
        mine = [each for each in found if each["metadata"]["name"].startswith("crowd-")]
        phases = Counter(each.get("status", {}).get("phase", "Pending") for each in mine)
        return phases if "Pending" not in phases else None

    phases = wait_for("all are looked at", settled, 60)
    assert phases == Counter({"WaitingForApproval": LIMIT, "Refused": len(names) - LIMIT})
    shards.until(names[:LIMIT], "WaitingForApproval")
    for space, name in names[:LIMIT]:
        shards.cluster.kubectl("developer", "delete", "actionrun", name, "-n", space)


@pytest.mark.parametrize("alone", [False, True])
def test_a_sweep_covers_all_namespaces_whatever_the_others_do(shards: Shards, alone: bool) -> None:
    """One shard writes the record: by then no decision that was forged counts in any namespace."""
    shards.start("1/2", "2/2", extra=("--guard-every", "0.5"))
    shards.ready("1/2", "2/2")
    names = shards.ask(f"gap-{alone}".lower(), 1, gated=True)
    waiting = shards.until(names, "WaitingForApproval")
    if alone:
        shards.stop("2/2", kill=True)
    gates = {key: status["approvals"][-1]["name"] for key, status in waiting.items()}
    binding = GUARDS[BINDING]
    shards.cluster.kubectl("admin", "delete", "validatingadmissionpolicybinding", binding["metadata"]["name"])
    with ThreadPoolExecutor(len(gates)) as pool:
        for forged in [pool.submit(shards.forge, gate, space) for (space, _), gate in gates.items()]:
            forged.result()
    shards.cluster.apply("admin", binding)
    for (space, _), gate in gates.items():

        def superseded(gate: str = gate, space: str = space) -> bool:
            status = (shards.cluster.get("approval", gate, space) or {}).get("status", {})
            return bool(status.get("state") == "Superseded")

        wait_for(f"{gate} does not count", superseded, 40)

    def recorded() -> bool:
        record = shards.cluster.get("configmap", "pratique-guard", "pratique-system") or {}
        return bool(record.get("data")) and "gap" not in record["data"]

    wait_for("it is on record", recorded, 40)
    if alone:
        shards.start("2/2")
    shards.ready("1/2", "2/2")

    def asked_anew(space: str, name: str) -> dict[str, Any] | None:
        status = (shards.cluster.get("actionrun", name, space) or {}).get("status", {})
        now = [each["name"] for each in status.get("approvals", [])]
        assert status.get("phase") in (None, "Pending", "WaitingForApproval"), status
        return status if now and now[-1] != gates[space, name] else None

    again = {key: wait_for(f"{key} is asked anew", partial(asked_anew, *key), 40) for key in names}
    assert not shards.made(f"gap-{alone}".lower())
    shards.approve(again)
    shards.until(names, "Succeeded")
    assert set(shards.made(f"gap-{alone}".lower()).values()) == {1}


def test_the_number_changes_while_runs_wait_and_are_made(shards: Shards) -> None:
    """1 to 2 to 1 to 3: two numbers never act at once, nothing is lost and nothing made twice."""
    shards.start("1/1")
    shards.ready("1/1")
    assert shards.holder("pratique").startswith("p1of-1_")
    kept = shards.until(shards.ask("kept", 1, gated=True), "WaitingForApproval")
    before = ["1/1"]
    asked: list[tuple[str, str]] = []
    for step, after in enumerate((["1/2", "2/2"], ["1/1"], ["1/3", "2/3", "3/3"])):
        name = f"step{step}"
        shards.start(*after)
        for each in after:  # it stands by, and is ready to
            if after != before:
                wait_for("it stands by", partial(shards.stands_by, each), 60)
        asked += shards.ask(name, 2, gated=False)
        shards.stop(before[0], kill=True)
        shards.stop(*before[1:])
        shards.ready(*after)
        asked += shards.ask(f"{name}later", 1, gated=False)
        shards.until(asked, "Succeeded")
        before = after
    assert shards.holder("pratique") == "shards-of-3_layout"
    shards.approve(kept)
    shards.until(list(kept), "Succeeded")
    for prefix in ("kept", *(f"step{step}{when}" for step in range(3) for when in ("", "later"))):
        made = shards.made(prefix)
        assert made and set(made.values()) == {1}, prefix
    assert sum(shards.made("kept", "approvals").values()) in (0, len(kept))
    assert len({status["approvals"][-1]["name"] for status in kept.values()}) == len(kept)
