"""The work queue as a state machine with a fake clock: nothing is lost, nothing runs twice at once, backoff is bounded."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.support.generated import examples

from pratique.handlers.queue import FIRST_BACKOFF, LAST_BACKOFF, DueHeap, KeyedQueue, Now

KEYS = st.sampled_from("abcd")
SECONDS = st.floats(0, 200)


class QueueMachine(RuleBasedStateMachine):
    """Adds, takes, gives back and breaks off in any order; a model keeps what must still come, and from when on."""

    def __init__(self) -> None:
        super().__init__()
        self.chance = 0.0
        self.queue: KeyedQueue[str] = KeyedQueue(jitter=lambda: self.chance)
        self.now = Now(10_000.0, 500.0)
        self.active: set[str] = set()
        self.wanted: set[str] = set()
        self.deadline: dict[str, float] = {}
        self.backoff: dict[str, tuple[float, float]] = {}
        self.failures: dict[str, int] = {}

    def due(self, key: str) -> bool:
        """Whether the key may be handed out by now."""
        early = self.backoff.get(key, (float("inf"), 0.0))[0] <= self.now.steady
        return key in self.wanted or self.deadline.get(key, float("inf")) <= self.now.wall or early

    def overdue(self, key: str) -> bool:
        """Whether the key must be handed out by now."""
        late = self.backoff.get(key, (0.0, float("inf")))[1] <= self.now.steady
        return key in self.wanted or self.deadline.get(key, float("inf")) <= self.now.wall or late

    @rule(key=KEYS, at_leisure=st.booleans())
    def add(self, key: str, at_leisure: bool) -> None:
        self.queue.add(key, self.now, at_leisure=at_leisure)
        self.wanted.add(key)

    @rule()
    def another_works(self) -> None:
        self.queue.pause()

    @rule()
    def we_work_again(self) -> None:
        self.queue.resume(self.now)

    @rule(key=KEYS)
    def it_is_gone(self, key: str) -> None:
        self.queue.forget(key)
        if key not in self.active:
            self.wanted.discard(key)
            self.deadline.pop(key, None)
            self.backoff.pop(key, None)
            self.failures.pop(key, None)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.now = Now(self.now.wall + seconds, self.now.steady + seconds)
        self.queue.promote(self.now)
        self.wanted |= {key for key in "abcd" if self.overdue(key)}

    @rule(seconds=st.floats(-5000, 5000))
    def the_wall_clock_is_set(self, seconds: float) -> None:
        self.now = Now(self.now.wall + seconds, self.now.steady)
        self.queue.promote(self.now)
        self.wanted |= {key for key in "abcd" if self.overdue(key)}

    @rule(seconds=st.floats(1, 5000))
    def the_wall_clock_is_seen_to_be_set_back(self, seconds: float) -> None:
        self.now = Now(self.now.wall - seconds, self.now.steady)
        self.queue.set_back(self.now)
        self.wanted |= set(self.deadline)
        self.deadline.clear()

    @rule()
    def take(self) -> None:
        self.wanted |= {key for key in "abcd" if self.overdue(key)}  # what was seen to be due stays so
        possible = {key for key in "abcd" if self.due(key)} - self.active
        necessary = {key for key in "abcd" if self.overdue(key)} - self.active
        key = self.queue.take(self.now)
        if key is None:
            assert not necessary, f"{necessary} should have come"
            return
        assert key in possible, f"{key} came for nothing, or twice at once"
        self.active.add(key)
        self.wanted.discard(key)
        self.deadline.pop(key, None)
        self.backoff.pop(key, None)

    @precondition(lambda self: self.active)
    @rule(data=st.data(), wake_in=st.none() | st.floats(-10, 100), failed=st.booleans(), chance=st.floats(0, 1))
    def done(self, data: st.DataObject, wake_in: float | None, failed: bool, chance: float) -> None:
        key = data.draw(st.sampled_from(sorted(self.active)))
        self.chance = chance
        wake_at = None if wake_in is None else self.now.wall + wake_in
        self.queue.done(key, self.now, wake_at=wake_at, failed=failed)
        self.active.discard(key)
        if wake_at is not None:
            self.deadline[key] = wake_at
        self.failures[key] = self.failures.get(key, 0) + 1 if failed else 0
        if failed:
            longest = min(FIRST_BACKOFF * 2 ** (self.failures[key] - 1), LAST_BACKOFF)
            self.backoff[key] = (self.now.steady + longest * 0.75, self.now.steady + longest)

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def broken_off(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.active)))
        self.queue.abandon(key, self.now)
        self.active.discard(key)
        self.wanted.add(key)
        self.failures[key] = 0

    @invariant()
    def nothing_is_kept_for_longer_than_needed(self) -> None:
        queue = self.queue
        assert queue.active == len(self.active)
        assert queue.depth <= 4 and queue.waiting <= 8
        assert len(queue._deadlines._heap) + len(queue._backoffs._heap) <= 2 * (2 * 4 + 64)
        assert set(queue._failures) <= {key for key, count in self.failures.items() if count}

    @invariant()
    def the_next_time_is_known(self) -> None:
        times = [when - self.now.wall for key, when in self.deadline.items() if not self.due(key)]
        times += [late - self.now.steady for key, (_, late) in self.backoff.items() if not self.due(key)]
        promised = self.queue.next_due_in(self.now, 1e9)
        assert all(promised <= max(each, 0.0) + 1e-6 for each in times if each > 0)


QueueMachine.TestCase.settings = examples(300, steps=60)
TestQueue = QueueMachine.TestCase

NOW = Now(1000.0, 50.0)


def test_new_work_is_not_starved_by_ten_thousand_that_are_due() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    for number in range(10_000):
        queue.add(f"old-{number}", NOW)
    while (key := queue.take(NOW)) is not None:
        queue.done(key, NOW, wake_at=1060.0)
    later = Now(1060.0, 110.0)
    assert queue.promote(later) == 10_000
    for number in range(5):
        queue.add(f"new-{number}", later)
    taken = [queue.take(later) for _ in range(10)]
    assert [key for key in taken if key and key.startswith("new")] == [f"new-{number}" for number in range(5)]


def test_what_is_due_is_not_starved_by_new_work() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    queue.add("due", NOW)
    queue.done(str(queue.take(NOW)), NOW, wake_at=NOW.wall)
    for number in range(1000):
        queue.add(f"new-{number}", NOW)
    assert "due" in [queue.take(NOW) for _ in range(2)]


def test_a_wall_clock_that_is_set_back_does_not_delay_a_retry_but_does_a_deadline() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    for key in ("failed", "waits"):
        queue.add(key, NOW)
    queue.done(str(queue.take(NOW)), NOW, failed=True)
    queue.done(str(queue.take(NOW)), NOW, wake_at=NOW.wall + 60)
    an_hour_back = Now(NOW.wall - 3600, NOW.steady + 1)
    assert queue.take(an_hour_back) == "failed" and queue.take(an_hour_back) is None
    forward = Now(NOW.wall + 3600, NOW.steady + 2)
    assert queue.take(forward) == "waits"


def test_what_waits_for_a_time_is_looked_at_when_the_clock_was_seen_to_be_set_back() -> None:
    """A look that was meant for in half a second must not come a day late."""
    queue: KeyedQueue[str] = KeyedQueue()
    for key, when in (("late", 60), ("soon", 1), ("done", 30)):
        queue.add(key, NOW)
        queue.done(str(queue.take(NOW)), NOW, wake_at=NOW.wall + when)
    queue.add("done", NOW)
    assert queue.take(NOW) == "done"
    queue.set_back(NOW)
    assert [queue.take(NOW) for _ in range(3)] == ["soon", "late", None]
    assert queue.waiting == 0


def test_it_says_how_late_how_old_and_how_long() -> None:
    late: list[float] = []
    queue: KeyedQueue[str] = KeyedQueue(late=late.append)
    assert queue.oldest(NOW) == 0 and queue.longest_active(NOW) is None
    queue.add("a", NOW)
    queue.add("b", Now(NOW.wall + 1, NOW.steady + 1))
    later = Now(NOW.wall + 3, NOW.steady + 3)
    assert queue.oldest(later) == 3
    assert queue.take(later) == "a" and queue.oldest(later) == 2
    assert queue.longest_active(Now(0, NOW.steady + 10)) == ("a", 7)
    queue.done("a", later, wake_at=later.wall + 5)
    assert queue.promote(Now(later.wall + 7, later.steady + 7)) == 2 and late == [2]


def test_a_time_that_is_set_again_and_again_takes_no_room() -> None:
    heap: DueHeap[str] = DueHeap()
    for number in range(10_000):
        heap.set("a", 1e6 - number)
    assert len(heap) == 1 and len(heap._heap) < 200 and heap.next() == 1e6 - 9999
    heap.discard("a")
    assert heap.next() is None and heap.pop(1e9) is None


def test_what_a_list_shows_goes_in_turns_with_what_is_new() -> None:
    """A start may list tens of thousands; who asks meanwhile does not wait behind them."""
    queue, now = KeyedQueue[str](), Now(10_000.0, 500.0)
    for number in range(100):
        queue.add(f"listed-{number}", now, at_leisure=True)
    queue.add("new", now)
    assert "new" in (queue.take(now), queue.take(now))
    assert queue.depth == 99


def test_after_a_pause_what_was_told_last_comes_first_and_in_turns_with_what_is_new() -> None:
    """A standby has heard of everything. What the dead leader did not come to is what was told last."""
    queue: KeyedQueue[str] = KeyedQueue()
    queue.pause()
    for number in range(1000):
        queue.add(f"listed-{number}", NOW, at_leisure=True)
    for key in ("worked-off", "listed-7", "told-again", "worked-off-too", "told-again"):
        queue.add(key, NOW)
    queue.add("told-again", NOW, at_leisure=True)
    later = Now(NOW.wall + 86400, NOW.steady + 86400)
    assert queue.oldest(later) == 0 and queue.depth == 1003, "nothing is late while nobody works here"
    queue.resume(later)
    assert queue.oldest(later) == 0
    assert queue.take(later) == "told-again"
    queue.add("new", later)
    assert [queue.take(later) for _ in range(5)] == ["new", "worked-off-too", "listed-7", "worked-off", "listed-0"]
    assert queue.depth == 998


def test_what_was_broken_off_comes_before_what_was_told_last() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    for key in ("broken-off", "ended-meanwhile"):
        queue.add(key, NOW)
    for _ in range(2):
        queue.abandon(str(queue.take(NOW)), NOW)
    queue.pause()
    queue.add("told", NOW)
    queue.forget("ended-meanwhile")
    queue.resume(NOW)
    assert [queue.take(NOW) for _ in range(3)] == ["broken-off", "told", None]


def test_what_is_gone_leaves_nothing_unless_it_is_being_looked_at() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    for key, wake_at, failed in (("deadline", 1060.0, False), ("backoff", None, True)):
        queue.add(key, NOW)
        queue.done(str(queue.take(NOW)), NOW, wake_at=wake_at, failed=failed)
    queue.add("ready", NOW)
    queue.add("active", NOW)
    queue.add("listed", NOW, at_leisure=True)
    for key in ("deadline", "backoff", "ready", "listed", "unknown"):
        queue.forget(key)
    assert queue.waiting == 0 and not queue._failures and queue.depth == 1
    assert queue.take(NOW) == "active"
    queue.add("active", NOW)
    queue.forget("active")
    queue.done("active", NOW)
    assert queue.take(NOW) == "active"
