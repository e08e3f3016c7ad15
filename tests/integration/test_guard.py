"""The guard guards itself: whatever is done to a policy, a binding or a CRD, nothing that was forged meanwhile counts.

Each gap is made by the cluster's admin while a run waits; an approval is forged in it, in another's name and looking as if
the API server had stamped it. Nothing is ever made of it; everything that was changed is put right again, as whoever
installs Pratique would; the gate is opened again by itself, a real approval of that one counts, and the run ends.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.cluster import Answer, Cluster, wait_for
from tests.support.manifests import decision, run
from tests.support.own_plane import note_action, own_plane
from tests.support.runs import phase
from tools.installation import OperatorProcess, apply

from pratique.admission.expected import expected
from pratique.admission.values import GuardValues
from pratique.codegen.manifests import install
from pratique.core.guard_record import key_of, shown

SPACE = "guarded"
ADMIN, LEAD = "admin", "lead-1@example.com"
GUARDS = {key_of(each): each for each in install() if key_of(each) in {key_of(e) for e in expected(GuardValues())}}
POLICIES = [key for key in GUARDS if "AdmissionPolicy" in key]
CRDS = [key for key in GUARDS if key.startswith("Custom")]
DECISION = "ValidatingAdmissionPolicy.pratique-decision"
BINDING = "ValidatingAdmissionPolicyBinding.pratique-decision"
OPTIONS = ("--guard-every", "0.3", "--guard-settle", "0.3")


@dataclass
class World:
    cluster: Cluster
    operator: OperatorProcess
    admin: Path

    def ask(self, name: str) -> str:
        """Ask for a note; return the name of its gate."""
        self.cluster.apply("developer", run(name, SPACE, "note", inputs={}))
        return str(phase(self.cluster, name, SPACE, "WaitingForApproval")["approvals"][0]["name"])

    def restore(self) -> None:
        """Put everything right, as whoever installs Pratique does."""
        apply(self.cluster.runner, self.admin, GUARDS.values())

    def note(self, name: str) -> dict[str, Any] | None:
        return self.cluster.get("configmap", name, SPACE)

    def decide(self, gate: str, who: str = "lead-1") -> Answer:
        patch = decision(f"{who}@example.com", "Approve")
        return self.cluster.kubectl(
            who, "patch", "approval", gate, "-n", SPACE, "--type", "merge", "-p", patch, check=False
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A control plane whose guard may be taken away, and an operator that looks often."""
    folder = tmp_path_factory.mktemp("guard")
    with own_plane(SPACE, folder) as (plane, cluster):
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log", arguments=OPTIONS)
        operator.start()
        operator.wait_ready()
        cluster.apply("admin", note_action(SPACE, gated=True))
        yield World(cluster, operator, plane.kubeconfig("admin"))
        operator.stop()
        assert "Traceback" not in operator.log.read_text()


def forge(world: World, gate: str, verdict: str = "Approve") -> Answer:
    """Decide in the lead's name, with all that the API server would have stamped."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    patch = decision(LEAD, verdict, "forged", decidedAt=at, groups=["platform-leads"])
    return world.cluster.kubectl(
        ADMIN, "patch", "approval", gate, "-n", SPACE, "--type", "merge", "-p", patch, check=False
    )


def replaced(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(spec: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        node: Any = spec
        for part in parents:
            node = node[int(part)] if isinstance(node, list) else node[part]
        node[int(last) if isinstance(node, list) else last] = value

    return change


def change(world: World, key: str, how: Callable[[dict[str, Any]], None]) -> None:
    """Change the spec of one object that guards."""
    body = copy.deepcopy(GUARDS[key])
    how(body["spec"])
    apply(world.cluster.runner, world.admin, [body])


def delete(world: World, key: str) -> None:
    kind, name = shown(key).split(" ")
    world.cluster.kubectl(ADMIN, "delete", kind, name, "--wait=true")


def ends_by_a_real_approval(world: World, name: str, *, gate: str, asked_again: bool) -> dict[str, Any]:
    """The way back is automatic: nothing was made; the gate is there (again); a real approval of it ends the run."""
    wait_for("the API server guards again", lambda: world.operator.readyz() == "ok")
    if asked_again:
        wait_for("asked again", lambda: _gate(world, name) != gate)
    assert world.note(name) is None
    second = _gate(world, name)
    assert (second == f"{gate}-2") is asked_again
    wait_for("the lead may decide", lambda: world.decide(second).code == 0)
    status = phase(world.cluster, name, SPACE, "Succeeded")
    assert world.note(name) is not None
    return status


def _gate(world: World, name: str) -> str:
    return str((world.cluster.get("actionrun", name, SPACE) or {})["status"]["approvals"][0]["name"])


WEAKER: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "a validation is removed": (DECISION, lambda spec: spec["validations"].pop(5)),
    "an expression is always true": (DECISION, replaced("validations.6.expression", "true")),
    "it matches less": (DECISION, replaced("matchConstraints.resourceRules.0.operations", ["CREATE"])),
    "another namespace only": (DECISION, replaced("matchConstraints.namespaceSelector", {"matchLabels": {"a": "b"}})),
    "failures are ignored": (DECISION, replaced("failurePolicy", "Ignore")),
    "some are excluded": (DECISION, replaced("matchConditions", [{"name": "x", "expression": f"{'true'}"}])),
    "it only warns": (BINDING, replaced("validationActions", ["Warn"])),
    "its binding excludes some": (
        BINDING,
        replaced("matchResources", {"excludeResourceRules": [
            {"apiGroups": ["pratique.dev"], "apiVersions": ["*"], "resources": ["approvals"], "operations": ["UPDATE"]}
        ]}),
    ),
    "a rule of the CRD is removed": (
        "CustomResourceDefinition.approvals.pratique.dev",
        lambda spec: spec["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].pop(
            "x-kubernetes-validations"
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", WEAKER)
def test_what_is_weakened_for_long_is_noticed_and_named(world: World, how: str) -> None:
    key, weaken = WEAKER[how]
    name = f"weak-{list(WEAKER).index(how)}"
    gate = world.ask(name)
    change(world, key, weaken)
    try:
        seen = wait_for("it is seen", lambda: s if (s := world.operator.readyz()).startswith("not guarded: ") else None)
        forged = wait_for("the canaries are the same", lambda: forge(world, gate)) if "CRD" not in how else None
        assert forged is None or forged.code in (0, 1)
        assert shown(key) in seen, seen
        wait_for("it is named", lambda: f"{shown(key)}: spec." in world.operator.readyz())
    finally:
        world.restore()
    touched = bool(((world.cluster.get("approval", gate, SPACE) or {}).get("spec") or {}).get("decisions"))
    ends_by_a_real_approval(world, name, gate=gate, asked_again=touched)


@pytest.mark.parametrize("key", POLICIES)
def test_what_is_gone_is_noticed_and_nothing_that_was_forged_counts(world: World, key: str) -> None:
    name = key.lower().replace("admissionpolicy", "").replace(".pratique", "")
    gate = world.ask(name)
    delete(world, key)
    try:
        wait_for("it is seen", lambda: shown(key) in world.operator.readyz())
        forged = forge(world, gate).code == 0
        assert world.note(name) is None
    finally:
        world.restore()
    ends_by_a_real_approval(world, name, gate=gate, asked_again=forged)
