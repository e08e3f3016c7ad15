"""What a shard keeps of others: of their open runs whose they are, and nothing else; while it sweeps, everything."""

from typing import Any

from tests.component.handlers.test_informers import run
from tests.doubles.clock import FakeClock

from pratique.api.v1alpha1 import ActionRun
from pratique.core.operating.sharding import Shard, owner_of
from pratique.core.runs.open_runs import OpenRuns
from pratique.handlers import open_runs
from pratique.handlers.informers import Informers
from pratique.handlers.kinds import WATCHED, ActionRuns, Key, new_stores
from pratique.handlers.memory import Parsed
from pratique.handlers.scope import Scope

MINE = next(name for name in ("a", "b", "c", "d", "e") if owner_of(name, 2) == 1)
THEIRS = next(name for name in ("a", "b", "c", "d", "e") if owner_of(name, 2) == 2)


class World:
    def __init__(self) -> None:
        self.stores, self.woken, self.scope = new_stores(), list[Key](), Scope(Shard(1, 2))
        kinds = {kind.plural: kind(self.stores, Parsed()) for kind in WATCHED}
        runs = kinds["actionruns"]
        assert isinstance(runs, ActionRuns)
        self.runs, self.forgotten = runs, list[str]()

        def add(key: Key, *, at_leisure: bool = False) -> None:
            self.woken.append(key)

        def forget(plural: str, body: dict[str, Any]) -> None:
            self.forgotten.append(body["metadata"]["name"])

        self.informers = Informers(self.stores, kinds, add, forget, FakeClock().steady, self.scope)

    def told(self, name: str, version: int, space: str, phase: str = "", *, deleted: bool = False) -> None:
        self.informers.told("actionruns", body(name, version, space, phase), deleted=deleted)

    def ahead(self, name: str, version: int, limit: int) -> int:
        mine = body(name, version, MINE)
        self.stores["actionruns"].put(mine)
        model = ActionRun.model_validate({"apiVersion": "pratique.dev/v1alpha1", "kind": "ActionRun", **mine})
        others: OpenRuns = open_runs.others_of((self.stores["actionruns"], self.runs.elsewhere), model, mine, limit)
        return others.ahead


def body(name: str, version: int, space: str, phase: str = "") -> dict[str, Any]:
    made = run(name, version, f"uid-{space}-{name}")
    made["metadata"]["namespace"] = space
    made["spec"] |= {"requestedBy": {"username": "Dev@example.com"}, "inputs": {"secret": "s"}, "reason": "words"}
    if phase:
        made["status"] = {"phase": phase, "observedGeneration": 1, "message": "words"}
    return made


def test_of_another_shard_only_whose_a_run_is_is_kept_and_nobody_looks() -> None:
    world = World()
    world.told("a", 1, THEIRS, "WaitingForApproval")
    world.told("b", 2, MINE)
    assert world.stores["actionruns"].names() == [(MINE, "b")]
    assert world.woken == [("actionruns", MINE, "b")]
    kept = world.runs.elsewhere.get((THEIRS, "a"))
    assert kept == {
        "metadata": {"namespace": THEIRS, "name": "a", "uid": f"uid-{THEIRS}-a", "resourceVersion": "1"},
        "spec": {"requestedBy": {"username": "Dev@example.com"}},
        "status": {"phase": "WaitingForApproval", "observedGeneration": 1},
    }
    world.told("a", 3, THEIRS, "Succeeded")
    assert len(world.runs.elsewhere) == 0
    world.told("c", 4, THEIRS)
    world.told("c", 5, THEIRS, deleted=True)
    assert len(world.runs.elsewhere) == 0


def test_what_is_open_elsewhere_counts_and_comes_before_what_is_newer() -> None:
    world = World()
    world.told("held", 1, THEIRS, "WaitingForApproval")
    world.told("new", 5, THEIRS)
    assert world.ahead("older", 4, 1) == 1
    assert world.ahead("mine", 6, 2) == 2
    world.told("held", 7, THEIRS, "Succeeded")
    world.stores["actionruns"].drop((MINE, "older"))
    assert world.ahead("mine", 6, 1) == 1, "the new one came before it"
    world.told("new", 8, THEIRS, "Refused")
    assert world.ahead("mine", 6, 1) == 0


def test_what_a_list_does_not_have_of_others_is_forgotten() -> None:
    world = World()
    world.told("gone", 1, THEIRS, "Running")
    world.told("newer", 9, THEIRS, "Running")
    world.told("there", 2, THEIRS, "Running")
    world.runs.forget_foreign({(THEIRS, "there")}, 5)
    assert sorted(world.runs.elsewhere.names()) == [(THEIRS, "newer"), (THEIRS, "there")]


def test_while_it_sweeps_everything_is_kept_and_afterwards_forgotten() -> None:
    world = World()
    world.told("mine", 1, MINE)
    world.scope.sweeps = True
    world.told("theirs", 2, THEIRS)
    assert len(world.stores["actionruns"]) == 2 and world.scope.decides(THEIRS)
    world.scope.sweeps = False
    world.informers.drop_foreign()
    assert world.stores["actionruns"].names() == [(MINE, "mine")]
    assert world.forgotten == ["theirs"] and not world.scope.decides(THEIRS)
    assert len(world.runs.elsewhere) == 1
