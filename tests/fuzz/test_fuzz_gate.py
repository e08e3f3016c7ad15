"""Generated stories of one gate: a model says who may do what, and the API server and the operator must agree with it.

Two of the leads or security must approve, one may decline. Whatever is tried in between, nothing is made without a grant.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.world import ACTIONS, APPROVALS, NOTES, RUNS, SPACE, World
from tests.support.cluster import wait_for
from tests.support.generated import examples
from tests.support.own_plane import note_action

from pratique.api.v1alpha1.decisions import MAX_CHANGES

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]
APPROVERS = ("lead-1", "lead-2", "security")
PEOPLE = (*APPROVERS, "developer", "admin", "oncall")
USER = {who: "admin" if who == "admin" else f"{who}@example.com" for who in PEOPLE}


TRICKS = (
    *("decide as", "decide and weaken", "weaken", "status", "label", "owner", "delete", "dry run", "backdate"),
    *("withdraw", "spec null", "run status", "delete collection"),
)


@dataclass(frozen=True)
class Step:
    """What somebody tries."""

    who: str
    what: str
    verdict: str = "Approve"
    other: str = "lead-1"


steps = st.builds(
    Step,
    st.sampled_from(PEOPLE),
    st.sampled_from([*["decide"] * 6, *TRICKS]),
    st.sampled_from(["Approve", "Approve", "Approve", "Decline", "Undecided"]),
    st.sampled_from(PEOPLE),
)


@dataclass
class Model:
    """What has happened, as the rule says."""

    verdicts: dict[str, str] = field(default_factory=dict)
    end: str = ""
    changes: dict[str, int] = field(default_factory=dict)

    def decide(self, who: str, verdict: str) -> bool:
        """Return whether this decision must be accepted; take it in if so."""
        if self.verdicts.get(who) == verdict:
            return True  # the same again changes nothing
        if self.end or who not in APPROVERS or self.changes.get(who, -1) == MAX_CHANGES:
            return False
        self.verdicts[who] = verdict
        self.changes[who] = self.changes.get(who, -1) + 1
        if verdict == "Decline":
            self.end = "Declined"
        elif list(self.verdicts.values()).count("Approve") == 2:
            self.end = "Approved"
        return True

    def withdraw(self, who: str) -> bool:
        """Return whether the run may be taken back now."""
        if self.end == "Withdrawn":
            return who in ("developer", "admin")  # withdrawn already: nothing changes
        if self.end or who not in ("developer", "admin"):
            return False
        self.end = "Withdrawn"
        return True


@pytest.fixture(scope="session")
def action(world: World) -> str:
    """An Action whose gate needs two of three."""
    manifest = yaml.safe_load(note_action(SPACE, "two-of-three", gated=True))
    approvers = {"groups": ["platform-leads"], "users": ["security@example.com"]}
    manifest["spec"]["approval"]["stages"][0] |= {"required": 2, "approvers": approvers}
    assert world.create("admin", ACTIONS, manifest).ok
    return "two-of-three"


@examples(25)
@given(st.lists(steps, min_size=1, max_size=12))
def test_nothing_is_granted_that_the_rule_does_not_give(world: World, action: str, tried: list[Step]) -> None:
    name = world.name("gate")
    kind = {"apiVersion": "pratique.dev/v1alpha1", "kind": "ActionRun"}
    spec = {"actionRef": {"name": action}, "inputs": {}}
    assert world.create("developer", RUNS, {**kind, "metadata": {"name": name}, "spec": spec}).ok
    gate = world.settled(name, "WaitingForApproval")["status"]["approvals"][0]["name"]
    model = Model()
    for step in tried:
        accepted, expected = attempt(world, model, step, name, gate)
        assert accepted == expected, f"{step}: {'accepted' if accepted else 'denied'}, after {model}"
        if model.end:
            wait_for("the gate has ended", lambda: state(world, gate) != "Pending")
            world.settled(name)  # its run follows; until then it may still be taken back
        assert state(world, gate) == (model.end or "Pending"), step
        if model.end != "Approved":
            assert world.get(f"{NOTES}/{name}") is None, f"made without a grant, after {step}"
    if model.end:
        phase = world.settled(name)["status"]["phase"]
        assert phase == {"Approved": "Succeeded"}.get(model.end, model.end)
        assert (world.get(f"{NOTES}/{name}") is not None) == (phase == "Succeeded")


def state(world: World, gate: str) -> str:
    return str((world.get(f"{APPROVALS}/{gate}") or {})["status"]["state"])


def attempt(world: World, model: Model, step: Step, run: str, gate: str) -> tuple[bool, bool]:
    """Do it; return whether it was accepted, and whether it must be."""
    path, me = f"{APPROVALS}/{gate}", USER[step.who]
    entry: dict[str, Any] = {"verdict": step.verdict, "comment": "generated"}
    own = {"spec": {"decisions": {me: entry}}}
    match step.what:
        case "decide":
            return world.patch(step.who, path, own).ok, model.decide(step.who, step.verdict)
        case "backdate":
            sent = {"spec": {"decisions": {me: entry | {"decidedAt": "2020-01-01T00:00:00Z", "groups": ["x"]}}}}
            if model.verdicts.get(step.who) == step.verdict:
                return world.patch(step.who, path, sent).ok, False
            return world.patch(step.who, path, sent).ok, model.decide(step.who, step.verdict)
        case "decide as":
            if step.other == step.who or USER[step.other] in _recorded(world, gate):
                return False, False
            return world.patch(step.who, path, {"spec": {"decisions": {USER[step.other]: entry}}}).ok, False
        case "decide and weaken":
            weaker = {"spec": {**own["spec"], "policy": {"required": 1}}}
            return world.patch(step.who, path, weaker).ok, False
        case "weaken":
            return world.patch(step.who, path, {"spec": {"policy": {"approvers": {"users": [me, "friend"]}}}}).ok, False
        case "dry run":
            reply = world.callers[step.who].send(
                "PATCH", path, own, content_type="application/merge-patch+json", params={"dryRun": "All"}
            )
            asked = Model(dict(model.verdicts), model.end, dict(model.changes))
            return reply.ok, asked.decide(step.who, step.verdict)
        case "status":
            return world.patch(step.who, f"{path}/status", {"status": {"state": "Approved"}}).ok, False
        case "run status":
            forged = {"status": {"phase": "Running", "startedAt": "2026-01-01T00:00:00Z"}}
            return world.patch(step.who, f"{RUNS}/{run}/status", forged).ok, False
        case "label":
            return world.patch(step.who, path, {"metadata": {"labels": {"pratique.dev/run-uid": "x"}}}).ok, False
        case "owner":
            owner = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": "none",
                "uid": "0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a11",
            }
            return world.patch(step.who, path, {"metadata": {"ownerReferences": [owner]}}).ok, False
        case "spec null":
            return world.patch(step.who, path, json.loads('{"spec": null}')).ok, False
        case "delete":
            if model.end:
                return False, False  # who may delete what has ended is not this story
            return world.callers[step.who].send("DELETE", path).ok, False
        case "delete collection":
            if step.who == "admin":
                return False, False  # it would take the ended gates of earlier stories
            return world.callers[step.who].send("DELETE", APPROVALS).ok, False
        case _:
            return world.patch(step.who, f"{RUNS}/{run}", {"spec": {"withdrawn": True}}).ok, model.withdraw(step.who)


def _recorded(world: World, gate: str) -> set[str]:
    return set((world.get(f"{APPROVALS}/{gate}") or {})["spec"].get("decisions") or {})
