"""The proof by removal: which rules there are, and what each attack on one gets once the rule alone is gone.

A trial takes a rule away, and where a second one stops the attack too, both. Trials that do not touch the same kind of
object share a round, so that the whole takes a minute. A mutating policy has one rule, its stamp.
"""

import copy
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.attacks.denials import (
    ACTION,
    AWAY,
    AWAY_CHAIN,
    DECISION,
    DELEGATION,
    ENVIRONMENT,
    LEASH,
    MESSAGE,
    REQUESTER,
    STAMP,
    STATUS,
)
from tests.attacks.judge import gives
from tests.attacks.model import Attack, Denial, Json, Shows
from tests.attacks.table import TRIED
from tests.attacks.world import INSTALLATION, World
from tests.support.http import Reply
from tools.codegen.manifests import install

MERGE = "application/merge-patch+json"
_POLICIES = "/apis/admissionregistration.k8s.io/v1"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_AREAS = {
    REQUESTER: "actionruns",
    DECISION: "approvals",
    DELEGATION: "approvals",
    MESSAGE: "approvals",
    ACTION: "actions",
    AWAY: "delegations",
    AWAY_CHAIN: "delegations",
    ENVIRONMENT: "environments",
    STATUS: "status",
    LEASH: "namespaces",
}
_SECONDS = 15.0

Rule = tuple[str, str]
"""Where it is (a policy, or `crd/PLURAL`), and its message."""


def _all(kind: str) -> dict[str, Json]:
    return {each["metadata"]["name"]: each for each in install(INSTALLATION) if each["kind"] == kind}


GUARDS = _all("ValidatingAdmissionPolicy")
STAMPS = _all("MutatingAdmissionPolicy")
CRDS = {name.split(".")[0]: manifest for name, manifest in _all("CustomResourceDefinition").items()}


def _schemas(node: Json) -> Iterator[Json]:
    """Walk through the schema of what people write: status is the operator's."""
    yield node
    inner = [child for name, child in node.get("properties", {}).items() if name != "status"]
    inner += [node[key] for key in ("items", "additionalProperties") if isinstance(node.get(key), dict)]
    for child in inner:
        yield from _schemas(child)


def _root(manifest: Json) -> Json:
    root: Json = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return root


def rules() -> list[Rule]:
    """Return every rule that there is."""
    found = [(name, STAMP) for name in STAMPS]
    found += [(name, each["message"]) for name, guard in GUARDS.items() for each in guard["spec"]["validations"]]
    for plural, manifest in CRDS.items():
        told = {
            rule["message"] for node in _schemas(_root(manifest)) for rule in node.get("x-kubernetes-validations", [])
        }
        found += [(f"crd/{plural}", message) for message in sorted(told)]
    return found


@dataclass(frozen=True)
class Trial:
    """Rules that are taken away together, the attacks then sent, and what each is to get: None is to be accepted."""

    removed: frozenset[Rule]
    expected: tuple[tuple[Attack, Denial | Shows | None], ...]

    @property
    def areas(self) -> set[str]:
        """The kinds of objects whose answers this changes."""
        return {_AREAS.get(by) or by.removeprefix("crd/") for by, _ in self.removed}


def rule_of(answer: Any) -> Rule | None:
    """Return the rule of ours behind an answer."""
    by, rule = getattr(answer, "by", ""), getattr(answer, "rule", "")
    return (by, rule) if rule else None


def trials(attacks: Iterable[Attack] = TRIED) -> list[Trial]:
    """Return what has to be tried: each rule alone, then with those behind it, one after the other."""
    found: dict[frozenset[Rule], list[tuple[Attack, Denial | Shows | None]]] = {}
    for attack in attacks:
        chain = [attack.answer, *attack.behind]
        removed: frozenset[Rule] = frozenset()
        for position, answer in enumerate(chain):
            rule = rule_of(answer)
            if rule is None:
                break
            removed |= {rule}
            follows = attack.behind[position] if position < len(attack.behind) else None
            found.setdefault(removed, []).append((attack, follows))
    return [Trial(removed, tuple(expected)) for removed, expected in found.items()]


def rounds(todo: list[Trial]) -> list[list[Trial]]:
    """Pack trials so that those of a round touch different kinds of objects."""
    packed: list[list[Trial]] = []
    for trial in sorted(todo, key=lambda each: -len(each.areas)):
        fits = (each for each in packed if not any(trial.areas & other.areas for other in each))
        place = next(fits, None)
        if place is None:
            packed.append([trial])
        else:
            place.append(trial)
    return packed


class Weakened:
    """An API server whose rules can be taken away and put back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._gone: frozenset[Rule] = frozenset()

    def without(self, removed: frozenset[Rule]) -> None:
        """Leave out exactly these rules, from now on."""
        for by in sorted({by for by, _ in removed ^ self._gone}):
            self._install(by, {rule for where, rule in removed if where == by})
        self._gone = removed

    def _install(self, by: str, gone: set[str]) -> None:
        if by.startswith("crd/"):
            manifest = copy.deepcopy(CRDS[by.removeprefix("crd/")])
            for node in _schemas(_root(manifest)):
                kept = [each for each in node.get("x-kubernetes-validations", []) if each["message"] not in gone]
                if "x-kubernetes-validations" in node:
                    node["x-kubernetes-validations"] = kept
            self._merge(f"{_CRDS}/{manifest['metadata']['name']}", {"spec": manifest["spec"]})
            return
        if by in STAMPS:
            # without its condition it would stamp more, so it is given one that never holds
            spec = copy.deepcopy(STAMPS[by]["spec"])
            if STAMP in gone:
                spec["matchConditions"] = [{"name": "never", "expression": "false"}]
            self._merge(f"{_POLICIES}/mutatingadmissionpolicies/{by}", {"spec": spec})
        if by not in GUARDS:
            return
        spec = copy.deepcopy(GUARDS[by]["spec"])
        kept = [each for each in spec["validations"] if each["message"] not in gone]
        spec["validations"] = kept or [{"expression": "true"}]  # a policy must have one
        self._merge(f"{_POLICIES}/validatingadmissionpolicies/{by}", {"spec": spec})

    def _merge(self, path: str, body: Json) -> None:
        reply = self._world.callers["admin"].send("PATCH", path, body, content_type=MERGE)
        assert reply.ok, reply.message


def outcomes(world: World) -> dict[tuple[frozenset[Rule], str], Reply | None]:
    """Run all trials; per trial and attack, what was answered instead of the expected in the end, or None."""
    seen: dict[tuple[frozenset[Rule], str], Reply | None] = {}
    server = Weakened(world)
    for together in rounds(trials()):
        server.without(frozenset().union(*(trial.removed for trial in together)))
        deadline = time.monotonic() + _SECONDS
        for trial in together:
            for attack, expected in trial.expected:
                seen[trial.removed, attack.id] = _settled(world, attack, expected, deadline)
    server.without(frozenset())
    return seen


def _settled(world: World, attack: Attack, expected: Denial | Shows | None, deadline: float) -> Reply | None:
    """Send an attack until it gets what it is to get: a policy is in force a second after it was written."""
    assert attack.request is not None
    while True:
        reply = world.send(attack.who, attack.request)
        if _is(reply, attack, expected):
            return None
        if time.monotonic() > deadline:
            return reply
        time.sleep(0.03)


def _is(reply: Reply, attack: Attack, expected: Denial | Shows | None) -> bool:
    if expected is not None:
        return gives(reply, expected)
    undone = isinstance(attack.answer, Shows) and gives(reply, attack.answer)
    return reply.ok and not undone
