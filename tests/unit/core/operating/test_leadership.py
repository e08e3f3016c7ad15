"""Who leads: never two at one instant, always somebody again, whatever is delayed, lost, killed or suspended."""

from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support.generated import examples

from pratique.core.operating.leadership import Election, Record, Terms

TERMS = Terms()
PLACES = st.integers(0, 1)


@dataclass
class FakeLease:
    """A Lease on an API server: a write names the version that it replaces."""

    record: Record | None = None
    version: int = 0

    def write(self, record: Record) -> Record | None:
        if record.version != (self.record.version if self.record else ""):
            return None
        self.version += 1
        self.record = replace(record, version=str(self.version))
        return self.record


@dataclass
class Candidate:
    """A process with a steady clock of its own; what it has sent may arrive later, or its answer never."""

    election: Election
    offset: float
    alive: bool = True
    in_flight: list[tuple[Record, float]] = field(default_factory=list)


class Candidates(RuleBasedStateMachine):
    """Two candidates and one Lease. Rules are what may happen between two instructions."""

    def __init__(self) -> None:
        super().__init__()
        self.lease, self.time, self.born = FakeLease(), 0.0, 0
        self.candidates: list[Candidate] = []

    @initialize(offsets=st.lists(st.integers(0, 1000), min_size=2, max_size=2))
    def start(self, offsets: list[int]) -> None:
        for place, offset in enumerate(offsets):
            self.candidates.append(self.newborn(place, offset))

    def newborn(self, place: int, offset: float) -> Candidate:
        self.born += 1
        return Candidate(Election(f"pod-{place}", str(self.born), TERMS), offset)

    def now(self, candidate: Candidate) -> float:
        return self.time + candidate.offset

    @rule(seconds=st.sampled_from([0.5, 2.0, 5.0, 6.9, 10.0]))
    def time_passes(self, seconds: float) -> None:
        self.time += seconds

    @rule(place=PLACES)
    def look(self, place: int) -> None:
        candidate = self.candidates[place]
        if candidate.alive:
            candidate.election.observed(self.lease.record, self.now(candidate))

    @rule(place=PLACES)
    def take_a_turn(self, place: int) -> None:
        """Look and send without a break."""
        self.look(place)
        self.send(place, delayed=False)

    @rule(place=PLACES, delayed=st.booleans())
    def send(self, place: int, delayed: bool) -> None:
        """Take or renew, as the handler does: only what may be taken, only while it is valid."""
        candidate = self.candidates[place]
        election, now = candidate.election, self.now(candidate)
        if not candidate.alive or candidate.in_flight:
            return
        if election.leading:
            if not election.valid(now):
                election.stepped_down()
                return
        elif self.lease.version and election.record is None:
            return  # it has not looked yet
        elif not election.may_take(now):
            return
        candidate.in_flight.append((election.next_record(), now))
        if not delayed:
            self.arrive(place, answered=True)

    @rule(place=PLACES, answered=st.booleans())
    def arrive(self, place: int, answered: bool) -> None:
        candidate = self.candidates[place]
        if not candidate.in_flight:
            return
        record, sent_at = candidate.in_flight.pop()
        written = self.lease.write(record)
        if answered and candidate.alive and written is not None:
            candidate.election.wrote(written, sent_at)

    @rule(place=PLACES)
    def killed_and_started_again(self, place: int) -> None:
        """A Pod's container restarts: what was sent before may still arrive."""
        old = self.candidates[place]
        self.candidates[place] = self.newborn(place, old.offset)
        self.candidates[place].in_flight = []
        for record, _ in old.in_flight:
            self.lease.write(record)

    @rule(place=PLACES)
    def a_clean_stop(self, place: int) -> None:
        candidate = self.candidates[place]
        if candidate.election.valid(self.now(candidate)) and candidate.election.record and not candidate.in_flight:
            record = candidate.election.record
            candidate.election.stepped_down()
            self.lease.write(Record("", record.version, 1.0, record.transitions))
            self.candidates[place] = self.newborn(place, candidate.offset)

    @invariant()
    def never_two_at_one_instant(self) -> None:
        valid = [each.election.holder for each in self.candidates if each.election.valid(self.now(each))]
        assert len(valid) <= 1, valid

    def teardown(self) -> None:
        """Let one of them live on its own: it leads within the duration that it has to wait."""
        survivor = self.candidates[0] if self.candidates else self.newborn(0, 0.0)
        for each in self.candidates[1:]:
            each.alive = False
        for _ in range(14):
            survivor.election.observed(self.lease.record, self.now(survivor))
            if survivor.election.valid(self.now(survivor)):
                return
            if survivor.election.may_take(self.now(survivor)):
                written = self.lease.write(survivor.election.next_record())
                assert written is not None
                survivor.election.wrote(written, self.now(survivor))
                return
            self.time += 1.0
        raise AssertionError("nobody leads after 14 s")


Candidates.TestCase.settings = examples(100, steps=40)
TestCandidates = Candidates.TestCase

CAP = 15.0
"""What is longer ago than this is as long ago as any other: longer than a Lease and all that is asked of it."""
STEPS: list[tuple[str, dict[str, Any]]] = [
    *[("time_passes", {"seconds": seconds}) for seconds in (3.0, 4.0)],
    *[("take_a_turn", {"place": place}) for place in (0, 1)],
    *[("look", {"place": place}) for place in (0, 1)],
    *[("send", {"place": place, "delayed": True}) for place in (0, 1)],
    *[("arrive", {"place": place, "answered": answered}) for place in (0, 1) for answered in (True, False)],
    *[("killed_and_started_again", {"place": place}) for place in (0, 1)],
    *[("a_clean_stop", {"place": place}) for place in (0, 1)],
]
"""Three and four seconds: their sums meet both ends exactly, at which a leader stops (7) and the others begin (10)."""


def branch(world: Candidates) -> Candidates:
    """Return another world that is as this one."""
    other = copy(world)
    other.lease = copy(world.lease)
    other.candidates = [
        Candidate(copy(each.election), each.offset, each.alive, list(each.in_flight)) for each in world.candidates
    ]
    return other


def essence(world: Candidates) -> object:
    """Return what of a world decides what may happen: who they are to each other, and how long ago things were."""
    names = {each.election.holder: place for place, each in enumerate(world.candidates)}
    version = world.lease.record.version if world.lease.record else ""

    def what(record: Record | None) -> object:
        if record is None:
            return None
        return names.get(record.holder, record.holder.partition("_")[0]), record.version == version

    def ago(when: float | None) -> float | None:
        return None if when is None else min(world.time - when, CAP)

    return what(world.lease.record), tuple(
        (
            what(each.election.record),
            ago(each.election._seen_at),
            ago(each.election._renewed_at),
            each.election._ever_led,
            *((what(record), ago(sent)) for record, sent in each.in_flight),
        )
        for each in world.candidates
    )


@pytest.mark.thorough
def test_no_six_steps_lead_to_two_leaders_or_to_none() -> None:
    """Everything that may happen in six steps, once each. Rare orders are the ones that chance does not find."""
    first = Candidates()
    first.start([0, 0])
    worlds, seen = [first], {essence(first)}
    for _ in range(6):
        ahead: list[Candidates] = []
        for world in worlds:
            for name, how in STEPS:
                then = branch(world)
                getattr(then, name)(**how)
                if (what := essence(then)) not in seen:
                    seen.add(what)
                    then.never_two_at_one_instant()
                    branch(then).teardown()
                    ahead.append(then)
        worlds = ahead
    assert len(seen) > 1000


def test_a_restart_in_the_same_place_takes_its_own_lease_over_at_once() -> None:
    held = Record("pod-1_old", "7", 10.0, 3)
    again = Election("pod-1", "new", TERMS)
    again.observed(held, 100.0)
    assert again.may_take(100.0)
    assert again.next_record() == Record("pod-1_new", "7", 10.0, 4)
    other = Election("pod-2", "x", TERMS)
    other.observed(held, 100.0)
    other.observed(held, 105.0)
    assert not other.may_take(109.9) and other.may_take(110.0)
    assert other.age(110.0) == TERMS.renew_deadline


def test_a_write_without_an_answer_is_recognised_and_does_not_end_a_leadership() -> None:
    election = Election("pod-1", "a", TERMS)
    assert election.may_take(0.0) and not election.leading
    election.wrote(Record(election.holder, "1", 10.0), 0.0)
    election.observed(Record(election.holder, "2", 10.0), 3.0)
    assert election.leading and election.valid(6.9) and not election.valid(7.0) and election.age(3.0) == 3.0
    election.observed(Record("pod-2_b", "3", 10.0), 4.0)
    assert not election.leading and not election.valid(4.0)


def test_who_stepped_down_leads_no_more_though_the_lease_has_its_name() -> None:
    election = Election("pod-1", "a", TERMS)
    election.wrote(Record(election.holder, "1", 10.0), 0.0)
    election.stepped_down()
    assert not election.leading and not election.valid(0.0)
    assert election.may_take(0.0), "it is free to lead again"


def test_a_lease_of_another_length_is_honoured() -> None:
    election = Election("pod-1", "a", TERMS)
    election.observed(Record("pod-2_b", "1", 60.0), 0.0)
    assert not election.may_take(59.0) and election.may_take(60.0)
