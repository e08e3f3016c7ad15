"""The outbox: what is recorded, what is due, what is settled, and that nothing is lost on the way."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.messages import entry
from tests.builders.models import NOW

from pratique.api.v1alpha1.notifications import (
    KUBERNETES_EVENTS,
    DeliveryState,
    EventType,
    Notification,
    NotificationRule,
)
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.events import EVENTS
from pratique.core.telling.outbox import (
    CAP_SECONDS,
    GIVE_UP_AFTER,
    MIN_ATTEMPTS,
    SENDER_GRACE,
    claim,
    deliverable_at,
    enter,
    find_given_up,
    find_next_due,
    has_pending,
    is_held,
    list_due,
    settle,
)

APPROVED, DECLINED = EventType.APPROVED, EventType.DECLINED
PENDING, SENT, GIVEN_UP, SKIPPED = DeliveryState
DOWN = Delivery(sent=False, error="no answer within 10 s")


def rule(*channels: str, events: tuple[EventType, ...] = (APPROVED,)) -> NotificationRule:
    return NotificationRule(channels=list(channels), events=list(events))


def ids(outbox: list[Notification]) -> list[str]:
    return [each.id for each in outbox]


class TestEvents:
    def test_every_event_has_its_row(self) -> None:
        assert set(EVENTS) == set(EventType)

    def test_a_row_is_what_kubernetes_takes(self) -> None:
        for event, info in EVENTS.items():
            assert info.type in ("Normal", "Warning")
            assert info.reason == event.value
            assert 0 < len(info.action) <= 128
            assert info.headline

    def test_the_guide_lists_them_all(self) -> None:
        guide = (Path(__file__).parents[4] / "docs" / "guides" / "notifications.md").read_text(encoding="utf-8")
        for event, info in EVENTS.items():
            assert f"| `{event.value}` | {info.audience.value.lower()} | {info.type} |" in guide


class TestRecord:
    def test_kubernetes_events_are_always_written(self) -> None:
        assert ids(enter([], APPROVED, NOW, "text", [])) == [f"Approved/{KUBERNETES_EVENTS}"]

    def test_each_channel_is_told_once_however_many_rules_name_it(self) -> None:
        rules = [rule("b", "a"), rule("a", events=(APPROVED, DECLINED)), rule("c", events=(DECLINED,))]
        assert ids(enter([], APPROVED, NOW, "text", rules)) == [
            "Approved/KubernetesEvents",
            "Approved/b",
            "Approved/a",
        ]

    def test_a_key_tells_repeats_apart(self) -> None:
        outbox = enter([], EventType.ENVIRONMENT_EXPIRING, NOW, "text", [], key="30m")
        assert ids(outbox) == ["EnvironmentExpiring/30m/KubernetesEvents"]

    def test_again_changes_nothing(self) -> None:
        once = enter([], APPROVED, NOW, "text", [rule("a")])
        sent = settle(once, {"Approved/a": Delivery(sent=True)}, NOW)
        assert enter(sent, APPROVED, NOW + timedelta(hours=1), "other", [rule("a")]) == sent

    def test_the_message_is_cleaned_and_bounded(self) -> None:
        (told,) = enter([], APPROVED, NOW, "a\u202eb\n" + "x" * 5000, [])
        assert told.message.startswith("ab x")
        assert len(told.message) <= 2048


class TestSettle:
    def test_sent(self) -> None:
        failed = settle([entry(APPROVED)], {"Approved/chat": DOWN}, NOW)
        (told,) = settle(failed, {"Approved/chat": Delivery(sent=True)}, NOW + timedelta(minutes=1))
        assert (told.state, told.attempts, told.next_attempt_at, told.error) == (SENT, 2, None, None)

    def test_what_was_not_delivered_stays(self) -> None:
        outbox = [entry(APPROVED)]
        assert settle(outbox, {"Approved/other": DOWN}, NOW) == outbox

    def test_a_failure_counts_once(self) -> None:
        failed = settle([entry(APPROVED)], {"Approved/chat": DOWN}, NOW)
        assert settle(failed, {"Approved/chat": DOWN}, NOW) == failed, "its next attempt was set since"

    def test_what_is_settled_stays(self) -> None:
        outbox = settle([entry(APPROVED)], {"Approved/chat": Delivery(sent=True)}, NOW)
        assert settle(outbox, {"Approved/chat": DOWN}, NOW) == outbox

    def test_a_failure_is_tried_again_later_and_later(self) -> None:
        outbox, now, pauses = [entry(APPROVED)], NOW, []
        for _ in range(20):
            outbox = settle(outbox, {"Approved/chat": DOWN}, now)
            when = find_next_due(outbox, now)
            assert when is not None
            pauses.append((when - now).total_seconds())
            now = when
        assert all(2**at / 2 <= pause <= min(2**at, CAP_SECONDS) + 1 for at, pause in enumerate(pauses[:8]))
        assert all(CAP_SECONDS / 2 <= pause <= CAP_SECONDS + 1 for pause in pauses[9:])

    def test_what_has_failed_for_a_day_is_given_up(self) -> None:
        outbox, later = [entry(APPROVED)], NOW + GIVE_UP_AFTER + timedelta(seconds=1)
        for attempt in range(1, MIN_ATTEMPTS):
            outbox = settle(outbox, {"Approved/chat": DOWN}, later + timedelta(hours=attempt))
            assert (outbox[0].state, outbox[0].attempts) == (PENDING, attempt), "the operator may have been off"
        now = later + timedelta(hours=MIN_ATTEMPTS)
        (told,) = settle(outbox, {"Approved/chat": DOWN}, now)
        assert (told.state, told.attempts, told.error) == (GIVEN_UP, MIN_ATTEMPTS, DOWN.error)
        assert find_next_due([told], now) is None
        assert find_given_up(outbox, [told, entry(DECLINED)]) == [told]

    def test_the_day_is_counted_from_the_end_of_its_quiet_hours(self) -> None:
        held = entry(APPROVED).model_copy(update={"not_before": NOW + timedelta(days=3), "attempts": MIN_ATTEMPTS})
        (told,) = settle([held], {"Approved/chat": DOWN}, NOW + timedelta(days=3, hours=1))
        assert told.state is PENDING

    def test_what_the_receiver_calls_it_is_kept(self) -> None:
        (told,) = settle([entry(APPROVED)], {"Approved/chat": Delivery(sent=True, reference="C1:17.01")}, NOW)
        assert told.reference == "C1:17.01"
        (told,) = settle([entry(APPROVED)], {"Approved/chat": Delivery(sent=True, reference="x" * 200)}, NOW)
        assert Notification.model_validate(told.to_wire()) == told

    def test_what_goes_into_one_digest_comes_back_at_one_moment(self) -> None:
        outbox = [
            entry(event).model_copy(update={"not_before": NOW}) for event in (APPROVED, DECLINED, EventType.FAILED)
        ]
        tried = settle(outbox, {each.id: DOWN for each in outbox}, NOW + timedelta(seconds=1))
        assert len({each.next_attempt_at for each in tried}) == 1

    def test_channels_do_not_come_back_all_at_once(self) -> None:
        outbox = [entry(APPROVED, f"c{at}").model_copy(update={"attempts": 8}) for at in range(50)]
        tried = settle(outbox, {each.id: DOWN for each in outbox}, NOW)
        assert len({each.next_attempt_at for each in tried}) > 20

    @pytest.mark.parametrize(("asked", "given"), [(90.0, 90), (0.0, 1), (-5.0, 1), (1e9, 3600)])
    def test_the_receiver_may_ask_for_a_pause(self, asked: float, given: int) -> None:
        (told,) = settle([entry(APPROVED)], {"Approved/chat": Delivery(sent=False, retry_after=asked)}, NOW)
        assert told.next_attempt_at == NOW + timedelta(seconds=given)

    def test_permanent_is_given_up_at_once(self) -> None:
        (told,) = settle([entry(APPROVED)], {"Approved/chat": Delivery(sent=False, error="no", permanent=True)}, NOW)
        assert (told.state, told.attempts, told.error) == (GIVEN_UP, 1, "no")

    def test_the_error_is_cleaned_bounded_and_never_empty(self) -> None:
        (told,) = settle([entry(APPROVED)], {"Approved/chat": Delivery(sent=False, error="\u202e" + "x" * 900)}, NOW)
        assert told.error is not None
        assert told.error.startswith("xxx")
        assert len(told.error) <= 512
        (told,) = settle([entry(APPROVED)], {"Approved/chat": Delivery(sent=False)}, NOW)
        assert told.error == "no reason given"

    def test_next_attempt_survives_the_whole_seconds_of_the_status(self) -> None:
        now = NOW + timedelta(milliseconds=700)
        (told,) = settle([entry(APPROVED)], {"Approved/chat": DOWN}, now)
        assert told.next_attempt_at is not None
        assert told.next_attempt_at > now
        assert told.next_attempt_at.microsecond == 0
        assert Notification.model_validate(told.to_wire()) == told


class TestOrder:
    """Each receiver hears of an object in the order in which things happened."""

    def test_what_is_behind_an_entry_that_is_tried_waits(self) -> None:
        first, second, other = entry(APPROVED), entry(DECLINED), entry(DECLINED, "mail")
        assert list_due([first, second, other], NOW) == [first, other]
        tried = settle([first, second, other], {first.id: DOWN}, NOW)
        assert list_due(tried, NOW) == [other]
        sent = settle([first, second, other], {first.id: Delivery(sent=True)}, NOW)
        assert list_due(sent, NOW) == [second, other]

    def test_people_do_not_wait_for_each_other(self) -> None:
        to = [{"recipient": {"kind": "User", "name": name}} for name in ("a", "b")]
        outbox = [
            Notification.model_validate({**entry(APPROVED).to_wire(), "id": str(at), **each})
            for at, each in enumerate(to)
        ]
        assert list_due(outbox, NOW) == outbox

    def test_kubernetes_events_wait_for_nothing(self) -> None:
        outbox = [entry(APPROVED, KUBERNETES_EVENTS), entry(DECLINED, KUBERNETES_EVENTS)]
        assert list_due(outbox, NOW) == outbox

    def test_what_is_held_holds_up_nothing(self) -> None:
        later = NOW + timedelta(hours=9)
        held = entry(APPROVED).model_copy(update={"not_before": later})
        outbox = [held, entry(DECLINED)]
        assert list_due(outbox, NOW) == outbox[1:] and find_next_due(outbox, NOW) == later
        assert is_held(held, NOW) and not is_held(held, later)
        assert list_due(outbox, later) == [held]


class TestDue:
    def test_new_ones_are_due_and_wait_for_no_clock(self) -> None:
        outbox = enter([], APPROVED, NOW, "text", [rule("a")])
        assert list_due(outbox, NOW) == outbox
        assert find_next_due(outbox, NOW) is None
        assert has_pending(outbox)

    def test_a_failed_one_is_due_at_its_time(self) -> None:
        outbox = settle([entry(APPROVED)], {"Approved/chat": DOWN}, NOW)
        when = find_next_due(outbox, NOW)
        assert when is not None
        assert list_due(outbox, when - timedelta(seconds=1)) == []
        assert list_due(outbox, when) == outbox

    def test_the_earliest_wakes(self) -> None:
        early, late = NOW + timedelta(seconds=5), NOW + timedelta(seconds=9)
        outbox = [entry(APPROVED, f"c{at}").model_copy(update={"next_attempt_at": at}) for at in (late, early)]
        assert find_next_due(outbox, NOW) == early
        assert find_next_due(outbox, early) == late

    def test_an_empty_outbox_has_nothing_to_do(self) -> None:
        assert (list_due([], NOW), find_next_due([], NOW), has_pending([])) == ([], None, False)


deliveries = st.builds(
    Delivery,
    sent=st.booleans(),
    error=st.text(max_size=20),
    permanent=st.booleans(),
    retry_after=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
steps = st.lists(
    st.tuples(
        st.sampled_from(list(EventType)),
        st.lists(st.sampled_from("abcdefgh"), max_size=4),
        st.text("0123456789", max_size=3),
        st.lists(deliveries, max_size=6),
        st.integers(0, 7200),
    ),
    max_size=25,
)


@given(steps)
def test_nothing_pending_is_lost_and_nothing_sent_is_due(story: list[Any]) -> None:
    outbox: list[Notification] = []
    now = NOW
    for event, channels, key, results, seconds in story:
        rules = [rule(*channels, events=(event,))] if channels else []
        before = {each.id for each in outbox if each.state is PENDING}
        outbox = enter(outbox, event, now, "text", rules, key=key)
        assert before <= {each.id for each in outbox if each.state is PENDING}
        assert len(set(ids(outbox))) == len(outbox)
        came = dict(zip((each.id for each in list_due(outbox, now)), results, strict=False))
        outbox = settle(outbox, came, now)
        assert settle(outbox, came, now) == outbox
        assert all(each.state is PENDING for each in list_due(outbox, now))
        assert {each.id for each in outbox if each.state is SENT} >= {at for at, result in came.items() if result.sent}
        now += timedelta(seconds=seconds)


class TestSender:
    def test_what_a_write_adds_or_changes_is_claimed_and_nothing_else(self) -> None:
        theirs = entry(APPROVED, "slack").model_copy(update={"sender": "them"})
        changed = entry(APPROVED, "mail").model_copy(update={"sender": "them"})
        failed = settle([changed], {changed.id: DOWN}, NOW)[0]
        sent = entry(DECLINED, "slack").model_copy(update={"state": SENT, "sender": "them"})
        new = entry(DECLINED, "mail")
        after = claim([theirs, failed, sent, new], [theirs, changed, entry(DECLINED, "slack")], "me")
        assert [each.sender for each in after] == ["them", "me", "them", "me"]

    @pytest.mark.parametrize("sender", [None, "me"])
    def test_ones_own_entry_is_delivered_when_it_is_due(self, sender: str | None) -> None:
        mine = entry(APPROVED, "slack").model_copy(update={"sender": sender})
        assert deliverable_at(mine, "me", NOW) == NOW

    def test_another_ones_entry_is_delivered_when_it_had_its_time(self) -> None:
        theirs = entry(APPROVED, "slack").model_copy(update={"sender": "them"})
        assert deliverable_at(theirs, "me", theirs.at) == theirs.at + SENDER_GRACE
        assert deliverable_at(theirs, "me", theirs.at - SENDER_GRACE) == theirs.at + SENDER_GRACE

    def test_a_clock_that_was_set_back_holds_up_no_message(self) -> None:
        a_day_ago = NOW - timedelta(days=1)
        theirs = entry(APPROVED, "slack").model_copy(update={"sender": "them"})
        assert deliverable_at(theirs, "me", a_day_ago) == a_day_ago
        retried = entry(APPROVED, "mail").model_copy(update={"next_attempt_at": NOW})
        assert list_due([retried], NOW - timedelta(hours=1)) == []
        assert list_due([retried], a_day_ago) == [retried] and find_next_due([retried], a_day_ago) is None
