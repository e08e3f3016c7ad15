"""Generated stories of a whole run: two stages, offers, consent, stand-ins, break-glass and review, changes of mind.

A state machine says what must be accepted and what follows (`rulebook`); real people on a real API server, and the
operator, must agree with it at each step.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
import yaml
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from tests.fuzz.rulebook import ASKS, GROUPS, Rulebook, Variant, Vote
from tests.fuzz.world import ACTIONS, APPROVALS, NOTES, RUNS, SPACE, Json, World
from tests.support.cluster import wait_for
from tests.support.generated import examples
from tests.support.own_plane import note_action
from tools.controlplane.identities import IDENTITIES

from pratique.api.v1alpha1.scalars import format_time

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200), pytest.mark.hypothesis]
VARIANTS = (
    Variant("told", consent=False, second_glass=False, directors_soon=True),
    Variant("asked", consent=True, second_glass=True, directors_soon=False),
)
UNTIL = format_time(datetime.now(UTC) + timedelta(days=10))
people = st.sampled_from([*GROUPS, *GROUPS, ASKS, "author"])
verdicts = st.sampled_from(["Approve", "Approve", "Decline", "Undecided", "Undecided"])
proposals = st.sampled_from(
    [*[{"ttl": "3d"}, {"ttl": "5d"}, {"cpu": 2}, {"cpu": 4}] * 2, {"ttl": "10d"}, {"cpu": 5}, {"cpu": "2"}, {}]
)
reached: Counter[str] = Counter()
"""What the stories came to: what all ends the same proves little."""


def user(identity: str) -> str:
    return IDENTITIES[identity].username


def action(variant: Variant) -> Json:
    """The Action of the rule book."""
    manifest: Json = yaml.safe_load(note_action(SPACE, f"story-{variant.name}"))
    spec, consent = manifest["spec"], {"consent": "Required"} if variant.consent else {}
    spec["inputs"] = {
        "schema": {
            "type": "object",
            "properties": {
                "ttl": {"type": "string", "enum": ["3d", "5d", "10d"]},
                "cpu": {"type": "integer"},
                "author": {"type": "string", "default": ""},
            },
        }
    }
    glass = {"groups": ["sre-oncall"], "requester": "Forbid"}
    team = {
        **{"name": "team", "approvers": {"groups": ["platform-leads", "security"]}, "required": 2},
        **{"requireFrom": [{"group": "security", "count": 1}], "delegation": "Allow", "breakGlass": glass},
        **{"alternatives": [{"approvers": {"users": [user("oncall")]}}], "exclude": ["${inputs.author}"]},
        "counterOffer": {"inputs": {"ttl": {"values": ["3d", "5d"]}}, **consent},
    }
    money = {
        **{"name": "money", "when": "inputs.cpu > 4", "approvers": {"users": [user("lead-1"), user("lead-2")]}},
        **{"declineThreshold": 2, "counterOffer": {"inputs": {"cpu": {"minimum": 1, "maximum": 4}}, **consent}},
        "escalation": [{"after": "1s" if variant.directors_soon else "20h", "to": {"groups": ["approvers"]}}],
        **({"breakGlass": glass} if variant.second_glass else {}),
    }
    spec["approval"]["stages"] = [team, money]
    return manifest


class Story(RuleBasedStateMachine):
    """One run, and whatever people try with it."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.name = self.world.name("story")
        self.gates: list[str] = []
        self.is_counted = False
        self.book: Rulebook

    @initialize(
        variant=st.sampled_from(VARIANTS),
        ttl=st.sampled_from(["10d", "5d"]),
        cpu=st.sampled_from([8, 8, 1]),
        author=st.sampled_from(["", "lead-2"]),
    )
    def ask(self, variant: Variant, ttl: str, cpu: int, author: str) -> None:
        inputs: dict[str, object] = {"ttl": ttl, "cpu": cpu, "author": user(author) if author else ""}
        self.book = Rulebook(variant, inputs)
        spec = {"actionRef": {"name": f"story-{variant.name}"}, "inputs": inputs}
        kind = {"apiVersion": "pratique.dev/v1alpha1", "kind": "ActionRun"}
        reply = self.world.create(ASKS, RUNS, {**kind, "metadata": {"name": self.name}, "spec": spec})
        assert reply.ok, reply.message
        self.find_gate()

    @rule(who=people, verdict=verdicts)
    def decide(self, who: str, verdict: str) -> None:
        self.say(who, Vote(verdict))

    @rule(who=people, proposal=proposals)
    def offer(self, who: str, proposal: dict[str, object]) -> None:
        self.say(who, Vote("Offer", proposal=tuple(proposal.items())))

    @rule(who=st.sampled_from(["oncall", "oncall", "lead-1", ASKS]))
    def break_the_glass(self, who: str) -> None:
        self.say(who, Vote("BreakGlass"))

    @rule(who=people, for_=st.sampled_from([*GROUPS]), verdict=verdicts)
    def decide_for(self, who: str, for_: str, verdict: str) -> None:
        lent = self.book.gate.lent
        named = next(iter(lent), None)  # mostly who does stand in for somebody: of all pairs hardly any does
        if named is not None and verdict != "Decline":
            who, for_ = lent[named], named
        self.say(who, Vote(verdict, for_))

    @rule(who=people, to=st.sampled_from([*GROUPS, "author", ASKS]))
    def name_a_stand_in(self, who: str, to: str) -> None:
        entry = {"to": user(to), "until": UNTIL}
        self.patch(who, {"delegations": {user(who): entry}}, self.book.lend(who, to), f"{who} names {to}")

    @rule(who=people)
    def end_a_stand_in(self, who: str) -> None:
        self.patch(who, {"delegations": {user(who): None}}, self.book.lend(who, None), f"{who} ends it")

    @rule(
        who=st.sampled_from([ASKS, ASKS, ASKS, "lead-1", "admin"]), answer=st.sampled_from(["Accept"] * 4 + ["Reject"])
    )
    def answer(self, who: str, answer: str) -> None:
        sent = {"consent": {"answer": answer, "by": user(who)}}
        self.patch(who, sent, self.book.answer(who, answer), f"{who} answers {answer}")

    @precondition(lambda self: self.book.phase == "" and len(self.gates) < 4)
    @rule()
    def grant(self) -> None:
        """Say yes in turn, as far as the rules let people: else no story gets beyond its first gate."""
        gate = self.book.gate
        for who in ("security", "lead-1", "lead-2", "oncall"):
            if self.book.gate is gate and not self.book.phase:
                self.say(who, Vote("Approve"))

    @rule(who=st.sampled_from([ASKS, ASKS, "lead-1"]), dawdles=st.integers(0, 3))
    def withdraw(self, who: str, dawdles: int) -> None:
        if who == ASKS and dawdles:
            return  # most stories go on
        reply = self.world.patch(who, f"{RUNS}/{self.name}", {"spec": {"withdrawn": True}})
        expected = self.book.withdraw(who)
        assert reply.ok == expected, f"{who} withdraws: {reply.message}, in {self.book}"
        self.follow()

    @precondition(lambda self: bool(self.book.reviews and self.book.reviews[-1][1]))
    @rule(who=people, verdict=st.sampled_from(["Approve", "Decline"]))
    def sign(self, who: str, verdict: str) -> None:
        """Sign the last review, once."""
        stage, may = self.book.reviews[-1]
        gate = next(each for each in reversed(self.gates) if f"-{stage}-" in each)
        path = f"{APPROVALS}/{gate}-review"
        there = wait_for("the review is there", lambda: self.world.get(path))
        assert "deadline" not in there["spec"]["policy"], there
        entry = {"verdict": verdict, "comment": "generated"}
        reply = self.world.patch(who, path, {"spec": {"decisions": {user(who): entry}}})
        assert reply.ok == (who in may), f"{who} signs: {reply.message}, after {self.book}"
        if reply.ok:
            self.book.reviews[-1] = (stage, frozenset())
            end = "Approved" if verdict == "Approve" else "Declined"
            wait_for("the review has ended", lambda: self.state(f"{gate}-review") == end)
            reached["Review" + end] += 1

    def say(self, who: str, vote: Vote) -> None:
        """Decide in the open gate; it must be accepted exactly if the book says so."""
        if self.book.gate.stage == "money" and self.book.variant.directors_soon:
            self.await_the_step()
        entry: Json = {"verdict": vote.verdict, "comment": "generated"}
        entry |= {"proposal": dict(vote.proposal)} if vote.verdict == "Offer" else {}
        entry |= {"for": user(vote.for_)} if vote.for_ else {}
        sent = {"decisions": {user(who): entry}}
        self.patch(who, sent, self.book.decide(who, vote), f"{who} says {vote}")

    def patch(self, who: str, sent: Json, expected: bool, what: str) -> None:
        reply = self.world.patch(who, f"{APPROVALS}/{self.gates[-1]}", {"spec": sent})
        assert reply.ok == expected, f"{what}: {reply.message or 'accepted'}; expected {expected}, in {self.book}"
        self.follow()

    def follow(self) -> None:
        """Wait until the cluster is as the book says: the gate that is open, or the end of the run."""
        if self.asked.end and not self.is_counted:
            ended = self.gates[-1]
            wait_for(f"{ended} is {self.asked.end}", lambda: self.state(ended) == self.asked.end)
            reached[self.asked.end] += 1
            self.is_counted = True
        if self.book.phase:
            assert self.world.settled(self.name)["status"]["phase"] == self.book.phase, self.book
        elif self.asked is not self.book.gate:
            self.find_gate()
        else:
            assert self.state(self.gates[-1]) == "Pending", self.book
        made = self.world.get(f"{NOTES}/{self.name}") is not None
        assert made == (self.book.phase == "Succeeded"), self.book

    def find_gate(self) -> None:
        """Wait until the gate is open that the book has; it says who is excluded, and whether consent is asked for."""
        stage = self.book.gate.stage

        def look() -> str | None:
            run = self.world.get(f"{RUNS}/{self.name}") or {}
            listed = [each for each in run.get("status", {}).get("approvals", []) if each["state"] == "Pending"]
            new = [each["name"] for each in listed if each["name"] not in self.gates and each["stage"] == stage]
            return new[-1] if new else None

        self.gates.append(wait_for(f"a gate of stage {stage} is open, as {self.book} says", look, 30))
        spec = (self.world.get(f"{APPROVALS}/{self.gates[-1]}") or {})["spec"]
        assert set(spec.get("excluded", [])) == {user(each) for each in self.book.gate.excluded}, self.book
        assert ("consent" in spec["policy"]) == self.book.gate.asks_consent, self.book
        reached[f"{stage} {len(self.gates)}"] += 1
        reached["consent"] += self.book.gate.asks_consent
        self.asked, self.is_counted = self.book.gate, False

    def await_the_step(self) -> None:
        """Wait until the directors are asked: stamps are whole seconds."""
        spec = (self.world.get(f"{APPROVALS}/{self.gates[-1]}") or {})["spec"]
        at = spec["policy"]["escalation"][0]["at"]
        wait_for("the step has come", lambda: format_time(datetime.now(UTC)) > at)

    def state(self, gate: str) -> str:
        return str((self.world.get(f"{APPROVALS}/{gate}") or {}).get("status", {}).get("state", ""))

    def teardown(self) -> None:
        if hasattr(self, "book"):
            reached[self.book.phase or "open"] += 1


def test_every_story_goes_as_the_rule_book_says(world: World) -> None:
    for variant in VARIANTS:
        reply = world.create("admin", ACTIONS, action(variant))
        assert reply.ok, reply.message
    Story.world = world
    # to find a shorter story takes minutes
    few = settings(examples(30, steps=16), phases=(Phase.explicit, Phase.generate))
    run_state_machine_as_test(Story, settings=few)
    wanted = {"team 2", "money 2", "Offered", "Broken", "Approved", "consent", "Succeeded", "Declined", "Withdrawn"}
    assert wanted <= set(reached) and any(each.startswith("Review") for each in reached), reached
