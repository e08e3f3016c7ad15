"""What the guides say of gates, once more and without a line of the product: who may say what, and what follows from it.

People are named by their identity. `Rulebook` is one run of the Action in `test_fuzz_story`: gates in turn, rounds, offers.
"""

from dataclasses import dataclass, field, replace

LEADS, SECURITY, ONCALL, DIRECTORS = "platform-leads", "security", "sre-oncall", "approvers"
GROUPS = {"lead-1": LEADS, "lead-2": LEADS, "security": SECURITY, "oncall": ONCALL, "named-as-group": DIRECTORS}
"""Who holds the verb `approve`, and the group of each."""
ASKS = "developer"
CHANGES = 3


@dataclass(frozen=True)
class Vote:
    """What one person says, for themselves or for somebody."""

    verdict: str
    for_: str | None = None
    proposal: tuple[tuple[str, object], ...] = ()
    changes: int = 0


@dataclass(frozen=True)
class Variant:
    """In what the Actions differ."""

    name: str
    consent: bool
    """Whether a counter-offer has to be accepted."""
    second_glass: bool
    """Whether who is on call may break the glass of the second stage, too."""
    directors_soon: bool
    """Whether the directors are added after a second, and not after twenty hours."""


@dataclass
class Gate:
    """One Approval, as the rules have it."""

    stage: str
    excluded: frozenset[str]
    offerable: dict[str, tuple[object, ...]]
    asks_consent: bool = False
    votes: dict[str, Vote] = field(default_factory=dict)
    lent: dict[str, str] = field(default_factory=dict)
    has_map: bool = False
    """Whether somebody ever named a stand-in: where nobody did, a map that is written empty is refused."""
    answer: str = ""
    end: str = ""

    def is_out(self, who: str) -> bool:
        return who == ASKS or who in self.excluded

    def lists(self, who: str, variant: Variant, *, ever: bool = False) -> bool:
        """Whether somebody is asked: by now, or ever."""
        if self.stage == "team":
            return GROUPS.get(who) in (LEADS, SECURITY) or who == "oncall"
        added = GROUPS.get(who) == DIRECTORS and (ever or variant.directors_soon)
        return who in ("lead-1", "lead-2") or added

    def heard(self) -> list[tuple[str, Vote]]:
        """Return what counts: the own word of somebody voids what was said for them."""
        said = [(who, vote) for who, vote in self.votes.items() if vote.verdict != "Undecided"]
        own = {who for who, _ in said}
        return [(who, vote) for who, vote in said if vote.for_ is None or vote.for_ not in own]

    def deciders(self) -> frozenset[str]:
        """Return who has part in it, on either side of `for`."""
        return frozenset(name for who, vote in self.heard() for name in (who, vote.for_) if name)

    def sealed(self) -> str:
        """Return what its votes amount to; empty while it is open."""
        verdicts = [vote.verdict for _, vote in self.heard()]
        if verdicts.count("Decline") >= (1 if self.stage == "team" else 2):
            return "Declined"
        if "Offer" in verdicts:
            return "Offered"
        if "BreakGlass" in verdicts:
            return "Broken"
        yes = [vote.for_ or who for who, vote in self.heard() if vote.verdict == "Approve"]
        if self.stage == "money":
            return "Approved" if yes else ""
        of_rule = [GROUPS.get(each) for each in yes if GROUPS.get(each) in (LEADS, SECURITY)]
        met = len(of_rule) >= 2 and SECURITY in of_rule
        return "Approved" if met or "oncall" in yes else ""


@dataclass
class Rulebook:
    """One run: what it asks for, its open gate, and its end."""

    variant: Variant
    inputs: dict[str, object]
    gate: Gate = field(init=False)
    passed: list[Gate] = field(default_factory=list)
    phase: str = ""
    kept: str = ""
    reviews: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    """Of each glass that was broken the stage, and who may sign."""

    def __post_init__(self) -> None:
        self.gate = self._open("team")

    def decide(self, who: str, said: Vote) -> bool:
        """Take in what somebody says; return whether it must be accepted."""
        gate, prior = self.gate, self.gate.votes.get(who)
        for_ = said.for_ or (prior.for_ if prior is not None else None)
        said = replace(said, for_=for_, changes=prior.changes + 1 if prior is not None else 0)
        if prior is not None and (prior.verdict, prior.for_, prior.proposal) == (said.verdict, for_, said.proposal):
            return True  # nothing changes
        if self.phase or gate.sealed() or gate.is_out(who) or said.changes > CHANGES or who not in GROUPS:
            return False
        if prior is not None and prior.for_ != for_:
            return False
        allowed = self._breaks(who, for_) if said.verdict == "BreakGlass" else self._may(who, for_)
        if said.verdict == "Offer":
            allowed = allowed and bool(said.proposal) and all(v in gate.offerable.get(k, ()) for k, v in said.proposal)
        if allowed:
            gate.votes[who] = said
            self._follow()
        return allowed

    def lend(self, who: str, to: str | None) -> bool:
        """Name a stand-in, or end it."""
        gate = self.gate
        if to is None and who not in gate.lent:
            return gate.has_map  # nothing changes
        if gate.lent.get(who) == to:
            return True
        used = any(each.for_ == who and each.verdict != "Undecided" for each in gate.votes.values())
        if self.phase or gate.sealed() or used:
            return False
        if to is None:
            del gate.lent[who]
            return True
        may = gate.stage == "team" and who in GROUPS and gate.lists(who, self.variant, ever=True)
        if not may or gate.is_out(who) or gate.is_out(to) or to == who:
            return False
        gate.lent[who] = to
        gate.has_map = True
        return True

    def answer(self, who: str, answer: str) -> bool:
        """Accept what was offered, or reject it."""
        if self.gate.answer:
            return self.gate.answer == answer and who == ASKS
        if self.phase or who != ASKS or not self.gate.asks_consent:
            return False
        self.gate.answer = answer
        if answer == "Reject":
            self.phase = self.gate.end = "Withdrawn"
        self._follow()
        return True

    def withdraw(self, who: str) -> bool:
        """Take the run back."""
        if who not in (ASKS, "admin") or self.phase not in ("", "Withdrawn"):
            return False
        if not self.phase:
            self.phase = self.gate.end = "Withdrawn"
        return True

    def _may(self, who: str, for_: str | None) -> bool:
        gate = self.gate
        if for_ is None:
            return gate.lists(who, self.variant)
        taken = [vote for name, vote in gate.votes.items() if name != who and vote.verdict != "Undecided"]
        spoken = for_ in gate.votes and gate.votes[for_].verdict != "Undecided"
        if spoken or any(each.for_ in (for_, who) for each in taken):
            return False
        return gate.lent.get(for_) == who and not gate.is_out(for_) and gate.lists(for_, self.variant)

    def _breaks(self, who: str, for_: str | None) -> bool:
        declined = any(vote.verdict == "Decline" and name != who for name, vote in self.gate.heard())
        return who == "oncall" and for_ is None and self._has_glass(self.gate.stage) and not declined

    def _has_glass(self, stage: str) -> bool:
        return stage == "team" or self.variant.second_glass

    def _follow(self) -> None:
        """Go on from a gate that has ended: to the next one, to a new round, or to the end of the run."""
        gate = self.gate
        sealed = gate.sealed()
        if self.phase or not sealed or (sealed in ("Approved", "Broken") and gate.asks_consent and not gate.answer):
            return
        gate.end = sealed
        if sealed == "Declined":
            self.phase = "Declined"
        elif sealed == "Offered":
            offer = next(vote for _, vote in gate.heard() if vote.verdict == "Offer")
            open_ = gate.asks_consent and not gate.answer
            self.inputs |= dict(offer.proposal)
            self.kept, self.passed = gate.stage, []
            self.gate = self._open("team", consent=self.variant.consent or open_)
        else:
            self._pass(gate)

    def _pass(self, gate: Gate) -> None:
        before = frozenset(name for each in self.passed for name in each.deciders())
        self.passed.append(gate)
        asked = gate.stage == "team" and (self.kept == "money" or int(str(self.inputs["cpu"])) > 4)
        opened = asked and gate.end == "Broken" and self._has_glass("money")
        if gate.end == "Broken":
            skipped = [gate.stage, *(["money"] if opened else [])]
            names = {who for stage in skipped for who in GROUPS if self._asks_ever(stage, who)}
            out = {"oncall", ASKS, *before, *self._excludes(gate.stage), *(self._excludes("money") if opened else ())}
            self.reviews.append((gate.stage, frozenset(names - out)))
        if asked and not opened:
            self.gate = self._open("money", frozenset(name for each in self.passed for name in each.deciders()))
        else:
            self.phase = "Succeeded"

    def _asks_ever(self, stage: str, who: str) -> bool:
        return Gate(stage, frozenset(), {}).lists(who, self.variant, ever=True)

    def _excludes(self, stage: str) -> frozenset[str]:
        author = str(self.inputs["author"])
        return frozenset({author.partition("@")[0]} - {""}) if stage == "team" else frozenset()

    def _open(self, stage: str, excluded: frozenset[str] = frozenset(), *, consent: bool = False) -> Gate:
        offers: dict[str, dict[str, tuple[object, ...]]] = {
            "team": {"ttl": tuple(each for each in ("3d", "5d") if each != self.inputs["ttl"])},
            "money": {"cpu": (1, 2, 3, 4)},
        }
        return Gate(stage, excluded | self._excludes(stage), offers[stage], consent)
