"""The work queue as a state machine with a fake clock: nothing is lost, nothing runs twice at once, backoff is bounded."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pratique.handlers.queue import FIRST_BACKOFF, LAST_BACKOFF, KeyedQueue

KEYS = st.sampled_from("abcd")


class QueueMachine(RuleBasedStateMachine):
    """Adds, takes and gives back in any order; a model keeps what must still come."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: KeyedQueue[str] = KeyedQueue()
        self.now = 0.0
        self.active: set[str] = set()
        self.wanted: set[str] = set()
        self.due: dict[str, float] = {}
        self.backing_off: set[str] = set()
        """Keys that failed: they may come at any time up to the one in `due`."""

    @rule(key=KEYS)
    def add(self, key: str) -> None:
        self.queue.add(key)
        self.wanted.add(key)

    @rule(key=KEYS, after=st.floats(0, 100))
    def add_at(self, key: str, after: float) -> None:
        self.queue.add_at(key, self.now + after)
        self.due[key] = min(self.now + after, self.due.get(key, float("inf")))

    @rule(seconds=st.floats(0, 200))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        self.wanted |= {key for key, when in self.due.items() if when <= self.now}
        self.due = {key: when for key, when in self.due.items() if when > self.now}
        key = self.queue.take(self.now)
        ready = self.wanted - self.active
        assert (key in ready | self.backing_off) if key is not None else not ready
        assert key not in self.active
        if key is not None:
            self.backing_off.discard(key)
            self.active.add(key)
            self.wanted.discard(key)
            self.due.pop(key, None)

    @precondition(lambda self: self.active)
    @rule(data=st.data(), failed=st.booleans())
    def give_back(self, data: st.DataObject, failed: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.active)))
        self.queue.done(key, failed=failed, now=self.now)
        self.active.discard(key)
        if failed:
            self.backing_off.add(key)
            self.due[key] = min(self.due.get(key, float("inf")), self.now + LAST_BACKOFF)

    @invariant()
    def what_is_due_has_a_time(self) -> None:
        ahead = [when for key, when in self.due.items() if when > self.now and key not in self.backing_off]
        if ahead:
            earliest = self.queue.next_due()
            assert earliest is not None and earliest <= min(ahead)


QueueMachine.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestQueue = QueueMachine.TestCase


def test_a_key_is_never_worked_on_twice_at_once() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    queue.add("a")
    assert queue.take(0) == "a"
    queue.add("a")
    assert queue.take(0) is None
    queue.done("a", failed=False, now=0)
    assert queue.take(0) == "a"


def test_backoff_doubles_and_is_bounded_and_forgotten() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    pauses = []
    now = 0.0
    queue.add("a")
    for _ in range(15):
        assert queue.take(now) == "a"
        queue.done("a", failed=True, now=now)
        due = queue.next_due()
        assert due is not None
        pauses.append(due - now)
        now = due
    assert abs(pauses[0] - FIRST_BACKOFF) < 1e-6 and abs(pauses[1] - 2 * FIRST_BACKOFF) < 1e-6
    assert abs(pauses[-1] - LAST_BACKOFF) < 1e-6
    assert queue.take(now) == "a"
    queue.done("a", failed=False, now=now)
    assert queue.next_due() is None


def test_of_several_times_the_earliest_counts() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    queue.add_at("a", 5)
    queue.add_at("a", 3)
    queue.add_at("a", 9)
    assert queue.next_due() == 3
    assert queue.take(2.9) is None
    assert queue.take(3) == "a"
    assert queue.next_due() is None
    assert queue.depth == 0
