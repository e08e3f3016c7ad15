"""How many runs one person may have open: whose is one too many, in whatever order they are looked at."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.models import NOW, action, approval_of, effects, run, waiting

from pratique.api.v1alpha1 import ActionRun
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.people import OnBehalfOf, Requester
from pratique.core.gates.free import EVALUATE
from pratique.core.kernel.effects import Evaluation, Json
from pratique.core.kernel.identity import person_of
from pratique.core.runs.open_runs import OpenRuns, come_first, too_many
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.handlers.kinds import ActionRuns, Limits, new_stores
from pratique.handlers.memory import Parsed
from pratique.main import main

ARGO = "system:serviceaccount:argocd:argocd-application-controller"


@pytest.mark.parametrize(
    ("let_in", "new", "first"),
    [
        (0, [], []),
        (2, [], []),
        (0, [4, 6, 3], [3, 4]),
        (0, [4, 2, 3, 1], [1, 2, 3]),
        (2, [4, 6, 5, 3], [3]),
        (3, [1, 2], []),
        (9, [1], []),
    ],
)
def test_what_came_first_goes_first_as_far_as_there_is_room(let_in: int, new: list[int], first: list[int]) -> None:
    named = [(version, ("team-a", f"run-{version}")) for version in new]
    assert come_first(5, let_in, named, limit=3) == [("team-a", f"run-{version}") for version in first]


def test_the_sentence_says_how_many_and_what_to_do() -> None:
    assert too_many("a", OpenRuns(2, ("one",), 3)) is None
    assert too_many("dev@example.com", OpenRuns(3, (), 3)) == (
        "dev@example.com has 3 open requests, 3 allowed at once: wait until one ends, or withdraw or delete one;"
        " then delete this one and apply it again"
    )
    few = too_many("a", OpenRuns(4, ("one", "two"), 3)) or ""
    assert "a has 4 open requests, 3 allowed at once: " in few and "delete one (one, two); then" in few
    many = too_many("a", OpenRuns(50, tuple("abcdefg"))) or ""
    assert "(a, b, c, d, e and 2 more in this namespace)" in many


def test_one_too_many_is_refused_before_anything_else_and_floods_no_channel() -> None:
    full = OpenRuns(50)
    ended = plan_action_run(RunSnapshot(run(), None, others=full), NOW)
    assert ended.status.phase.value == "Refused"
    assert [entry.id for entry in ended.status.notifications] == ["Refused/KubernetesEvents"]
    assert ended.status.notifications[0].event is EventType.REFUSED
    assert effects(plan_action_run(RunSnapshot(run(), action(), others=OpenRuns(49)), NOW)) == [EVALUATE]


def test_what_was_begun_is_not_refused_halfway() -> None:
    snapshot = RunSnapshot(run(), None, outcomes={EVALUATE: Evaluation()}, others=OpenRuns(50))
    assert plan_action_run(snapshot, NOW).status.phase.value == "Pending"


class World:
    """The cache of an operator, and its looks."""

    def __init__(self, limit: int) -> None:
        self.stores = new_stores()
        self.kind = ActionRuns(self.stores, Parsed(), Limits(open_runs=limit))
        self.version = 0

    def ask(self, name: str, space: str = "team-a", **spec: object) -> Json:
        asked = run(meta={"name": name, "namespace": space, "uid": f"u-{space}-{name}"}, spec=spec)
        return self.store({**asked.to_wire(), "status": {}})

    def store(self, body: Json) -> Json:
        self.version += 1
        body = {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}
        self.stores["actionruns"].put(body)
        return body

    def look(self, name: str, space: str = "team-a") -> str:
        """Look once and write what was decided: who is let in is held, since there is no such Action."""
        body = self.stores["actionruns"].get((space, name))
        assert body is not None
        _, plan = self.kind.look(body, {}, {}, NOW)
        self.store({**body, "status": plan.status.to_wire()})
        return str(plan.status.phase.value)

    def message(self, name: str) -> str:
        return str((self.stores["actionruns"].get(("team-a", name)) or {})["status"]["message"])


@given(st.integers(1, 6), st.integers(0, 12), st.randoms())
def test_a_burst_leaves_the_first_ones_open_in_whatever_order_they_are_looked_at(
    limit: int, count: int, chance: random.Random
) -> None:
    world = World(limit)
    names = [f"run-{number}" for number in range(count)]
    chance.shuffle(names)  # names say nothing of what came first
    for name in names:
        world.ask(name)
    order = list(names)
    chance.shuffle(order)
    phases = {name: world.look(name) for name in order}
    assert [phases[name] for name in names] == (["Pending"] * limit + ["Refused"] * count)[:count]
    assert [world.look(name) for name in names] == [phases[name] for name in names], "a later look changes nothing"
    said = {world.message(name) for name in names[limit:]}
    assert said <= {str(too_many(person_of(run().spec), OpenRuns(limit, tuple(sorted(names[:limit])), limit)))}


def test_each_person_has_their_own_number_and_letter_case_makes_no_other() -> None:
    world = World(1)
    for_me: dict[str, Any] = {
        "requested_by": Requester(username=ARGO),
        "on_behalf_of": OnBehalfOf(username="DEVELOPER@example.com"),
    }
    world.ask("mine")
    world.ask("for-me", **for_me)
    world.ask("elsewhere", space="team-b")
    world.ask("theirs", requested_by=Requester(username="lead-1@example.com"))
    world.ask("argos", requested_by=Requester(username=ARGO))
    assert [world.look(name) for name in ("mine", "theirs", "argos")] == ["Pending"] * 3
    assert [world.look("for-me"), world.look("elsewhere", "team-b")] == ["Refused", "Refused"]
    assert world.message("for-me").startswith("DEVELOPER@example.com has 1 open request, 1 allowed at once: ")
    assert "delete one (mine);" in world.message("for-me")


def test_an_end_makes_room() -> None:
    world = World(1)
    first = world.ask("first")
    world.look("first")
    world.ask("second")
    assert world.look("second") == "Refused"
    world.store({**first, "status": {"phase": "Succeeded", "observedGeneration": 1}})
    world.ask("third")
    assert world.look("third") == "Pending"


def test_what_has_a_gate_was_let_in() -> None:
    """A crash between the gate and the status: the run goes on, whatever has come in between."""
    world = World(1)
    held = waiting()
    fresh = ActionRun(metadata=held.metadata, spec=held.spec)
    world.ask("another")
    world.look("another")
    body = world.store({**fresh.to_wire(), "status": {}})
    gate = approval_of(held).to_wire()
    gate["metadata"]["resourceVersion"] = "1"
    world.stores["approvals"].put(gate)
    _, plan = world.kind.look(body, {}, {}, NOW)
    assert plan.status.phase.value == "Pending"


@pytest.mark.parametrize("wrong", ["0", "-1", "many", "1.5", ""])
def test_the_option_takes_numbers_from_one_on(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["operator", f"--open-runs-per-requester={wrong}"])
    assert "is not a number from 1 on" in capsys.readouterr().err
