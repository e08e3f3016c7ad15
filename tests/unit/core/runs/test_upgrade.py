"""Objects that earlier versions of the operator wrote go on under this one: held, decided while it was off, running, ended.

`tests/golden/upgrade/<version>.json` holds them as an API server returned them. They are never edited: a version that
changes what it stores adds a file of its own. Only planners are tried here; each effect is answered from those objects.

All of it is tried twice: as this version is, and as a later one whose models have more fields, each with a default.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.builders.models import gates
from tests.doubles.later_version import models_in, wider
from tests.support.certain import certain

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalSpec, ApprovalState
from pratique.api.v1alpha1.environment import Environment
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.environments.plan import EnvironmentSnapshot, plan_environment
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval
from pratique.core.judging.judge import judge
from pratique.core.judging.policy import evaluate_outputs, evaluate_ready
from pratique.core.kernel.effects import EvaluateOutputs, EvaluateReady, EvaluateRun, Failure, Plan, Stored, Verified
from pratique.core.plans.document import document_of
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.telling.outbox import has_pending

Json = dict[str, Any]
Name = tuple[str, str | None, str]
FILES = sorted((Path(__file__).parents[3] / "golden" / "upgrade").glob("*.json"))
LATER = models_in(RunPlan, ApprovalSpec).values()
WAITING, RUNNING = "WaitingForApproval", "Running"


def name_of(body: Json) -> Name:
    return body["kind"], body["metadata"].get("namespace"), body["metadata"]["name"]


@cache
def load(path: Path) -> tuple[datetime, dict[Name, Json]]:
    stored = json.loads(path.read_text())
    return datetime.fromisoformat(stored["at"]), {name_of(each): each for each in stored["objects"]}


class World:
    """What the API server held when the last version was stopped, and what is done to it from then on."""

    def __init__(self, path: Path) -> None:
        self.now, objects = load(path)
        self.objects = deepcopy(objects)
        self.made: list[str] = []

    def all(self, kind: str) -> list[Json]:
        return [body for (each, _, _), body in self.objects.items() if each == kind]

    def run_to(self, body: Json) -> ActionRun:
        """Look at a run until nothing is left to do, as the operator does; return it as it is then."""
        run = ActionRun.model_validate(body)
        action = self.objects.get(("Action", None, run.spec.action_ref.name))
        outcomes: dict[str, object] = {}
        for _ in range(64):
            known = Action.model_validate(action) if action else None
            snapshot = RunSnapshot(run, known, gates(self.gate_of(run)), outcomes=outcomes)
            plan: Plan[Any] = plan_action_run(snapshot, self.now)
            todo = [effect for effect in plan.effects if effect.key not in outcomes]
            if not todo:
                return run.model_copy(update={"status": plan.status})
            outcomes |= {effect.key: self.answer(effect) for effect in todo}
        raise AssertionError(f"{run.metadata.name}: no end")

    def gate_of(self, run: ActionRun) -> Approval | None:
        held = [each for each in self.all("Approval") if each["spec"]["subject"]["uid"] == run.metadata.uid]
        return Approval.model_validate(held[-1]) if held else None

    def count(self, body: Json) -> Approval:
        """Look at a gate until nothing is left to do, and store what it says."""
        gate = Approval.model_validate(body)
        run = next(each for each in self.all("ActionRun") if each["metadata"]["uid"] == gate.spec.subject.uid)
        outcomes: dict[str, object] = {}
        while True:
            snapshot = ApprovalSnapshot(gate, ActionRun.model_validate(run), outcomes)
            plan: Plan[Any] = plan_approval(snapshot, self.now)
            todo = [effect for effect in plan.effects if effect.key not in outcomes]
            if not todo:
                body["status"] = plan.status.to_wire()
                return Approval.model_validate(body)
            outcomes |= {effect.key: self.answer(effect) for effect in todo}

    def answer(self, effect: Any) -> object:
        match effect:
            case EvaluateRun(action=action, run=run):
                return judge(action, run)
            case EvaluateReady(ready_when=ready, failed_when=fails, target=target):
                return evaluate_ready(ready, fails, target)
            case EvaluateOutputs(plan=plan, run=run, resources=resources):
                return evaluate_outputs(plan, run, resources)
        if hasattr(effect, "patch"):
            return self.change(effect)
        if hasattr(effect, "manifest"):
            return self.create(effect)
        if hasattr(effect, "ref"):
            found = self.objects.get((effect.ref.kind, effect.ref.namespace, effect.ref.name))
            return Stored(deepcopy(found)) if found else Failure("NotFound", "is not there")
        return Verified()  # the guard: nothing was changed

    def change(self, effect: Any) -> object:
        found = self.objects[(effect.ref.kind, effect.ref.namespace, effect.ref.name)]
        assert found["metadata"]["uid"] == effect.uid
        changed = merged(deepcopy(found), effect.patch)
        changed["metadata"]["generation"] = found["metadata"].get("generation", 0) + 1
        if not effect.dry_run:
            self.objects[name_of(found)] = changed
            self.made.append(f"changed {found['kind']} {found['metadata']['name']}")
        return Stored(deepcopy(changed))

    def create(self, effect: Any) -> object:
        name = name_of(effect.manifest)
        if name in self.objects:
            return replace(Failure("AlreadyExists", "is there already"), found=Stored(deepcopy(self.objects[name])))
        stored = deepcopy(effect.manifest)
        stored["metadata"] |= {"uid": f"uid-{name[2]}", "generation": 1, "creationTimestamp": format_time(self.now)}
        if name[0] == "Environment":
            stored["status"] = self.all("Environment")[0]["status"]  # as it will be a moment later
        if not effect.dry_run:
            self.objects[name] = stored
            self.made.append(f"created {name[0]} {name[2]}")
        return Stored(stored)


def merged(target: Json, patch: Json) -> Json:
    for key, value in patch.items():
        target[key] = merged(dict(target.get(key) or {}), value) if isinstance(value, dict) else value
    return target


def names(kind: str, phase: str) -> list[Any]:
    """Return what to try, for each version: file and name of each object in that phase."""
    return [
        pytest.param(path, name, id=f"{path.stem}-{name[2]}")
        for path in FILES
        for name, body in load(path)[1].items()
        if name[0] == kind and body.get("status", {}).get("phase" if kind != "Approval" else "state") == phase
    ]


def granted(world: World, body: Json) -> None:
    """Have as many approvers say yes as the gate of a run still needs."""
    gate = next(each for each in world.all("Approval") if each["spec"]["subject"]["uid"] == body["metadata"]["uid"])
    policy, decisions = gate["spec"]["policy"], gate["spec"].setdefault("decisions", {})
    for number in range(policy["required"] - len(decisions)):
        stamped = {"decidedAt": format_time(world.now), "groups": policy["approvers"]["groups"]}
        decisions[f"approver-{number}@example.com"] = {"verdict": "Approve", **stamped}
    assert world.count(gate).status.state is ApprovalState.APPROVED


@pytest.fixture(autouse=True, scope="module", params=["as it is", "with more fields"])
def _models(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "as it is":
        yield
    else:
        with wider(*LATER):
            yield


def test_there_is_a_version_to_upgrade_from() -> None:
    assert FILES


@pytest.mark.parametrize(("path", "name"), names("ActionRun", WAITING))
def test_a_held_run_keeps_its_digest(path: Path, name: Name) -> None:
    world = World(path)
    run = ActionRun.model_validate(world.objects[name])
    gate = world.gate_of(run)
    digest = certain(document_of(run.status, gate)).digest
    assert digest == certain(gate).spec.planned.digest == certain(run.status.plan)["digest"]


@pytest.mark.parametrize(("path", "name"), names("ActionRun", WAITING))
def test_a_held_run_goes_on_waiting_and_nothing_is_written(path: Path, name: Name) -> None:
    world = World(path)
    body = world.objects[name]
    gate = next(each for each in world.all("Approval") if each["spec"]["subject"]["uid"] == body["metadata"]["uid"])
    gate["spec"].pop("decisions", None)
    gate["status"].pop("decisions", None)
    run = ActionRun.model_validate(body)
    after = world.run_to(body)
    assert (after.status.phase, world.made) == (Phase.WAITING_FOR_APPROVAL, [])
    assert after.status == run.status


@pytest.mark.parametrize(("path", "name"), names("ActionRun", WAITING))
def test_a_held_run_that_is_granted_now_does_what_was_approved(path: Path, name: Name) -> None:
    world = World(path)
    body = world.objects[name]
    granted(world, body)
    after = world.run_to(body)
    assert after.status.phase in (Phase.RUNNING, Phase.SUCCEEDED), after.status.message
    assert len(world.made) == len(certain(document_of(after.status, world.gate_of(after))).plan.resources)


@pytest.mark.parametrize(("path", "name"), names("ActionRun", RUNNING))
def test_a_run_that_is_under_way_goes_on(path: Path, name: Name) -> None:
    world = World(path)
    run = ActionRun.model_validate(world.objects[name])
    planned = certain(document_of(run.status, world.gate_of(run))).plan.objects
    for made, each in zip(run.status.resources, planned, strict=True):
        stored = deepcopy(each.manifest)
        stored["metadata"]["uid"] = made.uid
        world.objects[name_of(stored)] = stored
    after = world.run_to(world.objects[name])
    assert (after.status.phase, world.made) == (Phase.RUNNING, []), after.status.message


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Declined", "Refused", "Expired", "Withdrawn", "Superseded"])
def test_an_end_stays_as_it_was_written_and_is_settled_once_all_is_told(phase: str) -> None:
    for param in names("ActionRun", phase):
        path, name = param.values
        world = World(path)
        before = ActionRun.model_validate(world.objects[name])
        after = world.run_to(world.objects[name])
        assert after.status.model_copy(update={"notifications": []}) == before.status.model_copy(
            update={"notifications": [], "settled": None if has_pending(after.status.notifications) else True}
        )
        assert world.made == []


@pytest.mark.parametrize("state", ["Approved", "Declined"])
def test_a_gate_that_ended_costs_one_write_that_says_so(state: str) -> None:
    for param in names("Approval", state):
        path, name = param.values
        world = World(path)
        before = Approval.model_validate(world.objects[name])
        settled = before.status.model_copy(update={"settled": True})
        assert world.count(world.objects[name]).status == settled
        assert world.count({**world.objects[name], "status": settled.to_wire()}).status == settled


def waited_for() -> list[Any]:
    """Return the gates that wait, of runs that are there: the golden files have one whose run was deleted."""
    return [
        each
        for each in names("Approval", "Pending")
        for subject in [load(each.values[0])[1][each.values[1]]["spec"]["subject"]]
        if ("ActionRun", each.values[1][1], subject["name"]) in load(each.values[0])[1]
    ]


@pytest.mark.parametrize(("path", "name"), waited_for())
def test_a_gate_that_waits_says_once_that_it_is_under_way(path: Path, name: Name) -> None:
    """Version 0.1.0 gave gates no Ready, and kstatus takes an object without it for one that is done."""
    world = World(path)
    body = world.objects[name]
    body["spec"].pop("decisions", None)
    body["status"].pop("decisions", None)
    before = Approval.model_validate(body).status
    after = world.count(body).status
    assert {each.type: each.status for each in after.conditions} == {
        each.type: each.status for each in before.conditions
    } | {"Ready": "False", "Reconciling": "True"}
    assert after.model_copy(update={"conditions": before.conditions}) == before
    world.now += timedelta(minutes=1)
    assert world.count(body).status == after


@pytest.mark.parametrize(("path", "name"), names("Environment", "Active"))
def test_an_environment_lives_until_its_end_and_not_longer(path: Path, name: Name) -> None:
    world = World(path)
    environment = Environment.model_validate(world.objects[name])
    assert environment.status.expires_at is not None
    space = environment.status.namespace
    world.objects[("Namespace", None, certain(space))] = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": space, "uid": "n1", "labels": {"pratique.dev/environment-uid": environment.metadata.uid}},
        "status": {"phase": "Active"},
    }
    live = plan_environment(EnvironmentSnapshot(environment), world.now)
    assert live.status.phase == "Active"
    assert not any(type(effect).__name__ == "Delete" for effect in (*live.effects, *live.after))
    over = environment.status.expires_at + timedelta(days=1)
    ends = plan_environment(EnvironmentSnapshot(environment), over)
    assert ends.status.phase in ("Expiring", "Deleting") or ends.effects or ends.after
