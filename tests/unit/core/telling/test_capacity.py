"""What an outbox has no room for: who gives way, what stays of it, and that it is said."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.models import NOW
from tests.support.generated import examples

from pratique.api.v1alpha1.conditions import Condition
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import (
    KUBERNETES_EVENTS,
    DeliveryState,
    EventType,
    Notification,
    Recipient,
    RecipientKind,
)
from pratique.api.v1alpha1.outbox import gather, id_for, outbox_of, spread
from pratique.core.telling.addressing import is_lost
from pratique.core.telling.capacity import (
    MAX_ENTRIES,
    MAX_UNTOLD,
    NO_ROOM,
    RESERVED,
    find_untold,
    keep_within,
    say_full,
)

PENDING, SENT = DeliveryState.PENDING, DeliveryState.SENT
ASKED, APPROVED, DECLINED = EventType.APPROVAL_REQUESTED, EventType.APPROVED, EventType.DECLINED
FAILED = EventType.NOTIFICATION_FAILED
USER, GROUP, ADDRESS = RecipientKind
DEV = "developer@example.com"
SAID = "NotificationFailed/full/KubernetesEvents"
MANY = MAX_ENTRIES - RESERVED
REMEDY = (
    "see why channels fail (`kubectl get notificationchannels`), give a group an address of its own (ConfigMap"
    " pratique-directory, groups.NAME), or name fewer people in spec.notifications"
)
Outbox = list[Notification]


def place(number: int, event: EventType = APPROVED, state: DeliveryState = PENDING) -> Notification:
    """Return what a channel's place is told."""
    return Notification(id=f"{event}/c{number}", event=event, channel=f"c{number}", at=NOW, message="why", state=state)


def person(
    name: str | int, event: EventType = ASKED, kind: RecipientKind = USER, channel: str = "mail"
) -> Notification:
    """Return what one person is told."""
    to = Recipient(kind=kind, name=str(name))
    ident = id_for(f"{event}/{channel}", to)
    return Notification(id=ident, event=event, channel=channel, recipient=to, at=NOW, message="why")


def event(key: str | int, kind: EventType = DECLINED) -> Notification:
    ident = f"{kind}/{key}/{KUBERNETES_EVENTS}"
    return Notification(id=ident, event=kind, channel=KUBERNETES_EVENTS, at=NOW, message="why")


def kept(outbox: Outbox) -> Outbox:
    return keep_within(outbox, DEV, NOW)


def gone(before: Outbox) -> list[str]:
    """Return who gives way, by name, channel or key."""
    left = {entry.id for entry in kept(before)}
    return [
        entry.recipient.name if entry.recipient else entry.id.split("/")[1] for entry in before if entry.id not in left
    ]


def untold_in(outbox: Outbox) -> list[str]:
    return [entry.id for entry in outbox if entry.id.endswith(NO_ROOM)]


PEOPLE = [person(number) for number in range(MANY)]
"""As many as there may be."""
PLACES = [place(number) for number in range(RESERVED)]
EVENTS = [event(number) for number in range(MAX_ENTRIES)]


class TestGivingWay:
    def test_what_fits_stays_as_it_is(self) -> None:
        full = [*PEOPLE, *PLACES]
        assert kept(full) == full and kept([]) == []

    def test_the_oldest_settled_makes_room_and_nobody_is_untold(self) -> None:
        settled = [place(100 + number, state=SENT) for number in range(RESERVED)]
        after = kept([*PEOPLE, *settled, event("new"), person(DEV, APPROVED)])
        assert after == [*PEOPLE, *settled[2:], event("new"), person(DEV, APPROVED)]

    @pytest.mark.parametrize(
        ("outbox", "untold"),
        [
            ([*PEOPLE, person("one-more")], ["one-more"]),
            ([*PEOPLE, person("last", APPROVED), person("very last", APPROVED)], ["last", "very last"]),
            ([*PEOPLE, *PLACES, event("new")], ["101", "102", "103"]),
            ([*PEOPLE, *PLACES, person(DEV, APPROVED)], ["101", "102", "103"]),
            ([*PEOPLE, *PLACES, person(DEV.upper(), APPROVED)], ["101", "102", "103"]),
            ([*PEOPLE, *PLACES, place(77)], ["101", "102", "103"]),
            ([*PEOPLE, *PLACES, person("leads", kind=GROUP)], ["101", "102", "103"]),
            ([*PEOPLE, *PLACES, person("list@example.com", kind=ADDRESS)], ["101", "102", "103"]),
            ([*(place(at) for at in range(MAX_ENTRIES)), event("new")], ["c0", "c1", "c2", "c3"]),
            ([person(DEV, APPROVED), *EVENTS[1:], event("new")], [DEV, "1", "2", "3"]),
            ([*EVENTS, event("new")], ["0", "1", "2", "3"]),
        ],
        ids=[
            "of many people, the newest",
            "whatever they are told",
            "people give way to an Event",
            "and to the requester",
            "in whatever case they are written",
            "and to a place",
            "and to a group that has an address",
            "and to an address that many read",
            "of places, the oldest",
            "the requester gives way to Events",
            "of Events, the oldest",
        ],
    )
    def test_who_gives_way_is_kept_in_mind_and_that_is_told(self, outbox: Outbox, untold: list[str]) -> None:
        after = kept(outbox)
        assert gone(outbox) == untold
        assert untold_in(after) and SAID in [entry.id for entry in after]
        assert len(after) <= MAX_ENTRIES
        assert kept(after) == after

    def test_its_entry_says_of_what_and_the_remedy(self) -> None:
        after = kept([*PEOPLE, person("one"), person("two"), person("three", APPROVED)])
        asked, approved, said = after[-3:]
        assert (asked.id, asked.event, asked.channel) == ("ApprovalRequested/mail@full", ASKED, "mail")
        assert (asked.state, asked.recipient, asked.message) == (DeliveryState.SKIPPED, None, "why")
        waits = "128 messages of this object, or 104 to single people, wait already"
        assert asked.error == f"not everybody is told: {waits}; {REMEDY}"
        assert is_lost(asked) and approved.id == "Approved/mail@full"
        assert (said.id, said.event, said.channel) == (SAID, FAILED, KUBERNETES_EVENTS)
        what = "ApprovalRequested through mail, Approved through mail"
        assert said.message == f"Not everybody is told of {what}: {waits}. Remedy: {REMEDY}"
        again = kept([*after, person("four", DECLINED)])
        assert find_untold(after, again) == [again[-1]] and again[-1].event is DECLINED

    def test_the_remedy_is_said_whatever_the_names(self) -> None:
        crowd = [person("x", channel=f"{at}{'c' * 250}") for at in range(10, 14)]
        (said,) = [entry for entry in kept([*PEOPLE, *crowd]) if entry.id == SAID]
        assert " and 2 more: " in said.message and said.message.endswith(REMEDY) and len(said.message) <= 1024

    def test_the_newest_of_these_entries_stay(self) -> None:
        after = kept([*PEOPLE, *(person("x", channel=f"c{at}") for at in range(MAX_UNTOLD + 3))])
        assert untold_in(after) == [f"ApprovalRequested/c{at}@full" for at in range(3, MAX_UNTOLD + 3)]

    def test_it_is_stored_as_any_other(self) -> None:
        after = kept([*PEOPLE, person("one")])
        wire = [entry.to_wire() for entry in gather(after)]
        assert outbox_of({"notifications": wire}) == spread(gather(after)) == after


ENTRIES = st.lists(
    st.one_of(
        st.builds(place, st.integers(0, 99), st.sampled_from(EventType), st.sampled_from([PENDING, SENT])),
        st.builds(
            person,
            st.sampled_from([DEV, *map(str, range(200))]),
            st.sampled_from([ASKED, APPROVED]),
            st.sampled_from(RecipientKind),
            st.sampled_from(["mail", "bot"]),
        ),
        st.builds(event, st.integers(0, 99), st.sampled_from([DECLINED, APPROVED])),
    ),
    max_size=60,
    unique_by=lambda entry: entry.id,
)


@given(st.lists(ENTRIES, max_size=8))
@examples(60)
def test_whatever_is_told_is_within_bounds_and_nothing_pending_goes_unsaid(looks: list[Outbox]) -> None:
    outbox: Outbox = []
    for fresh in looks:
        before = [*outbox, *(each for each in fresh if each.id not in {entry.id for entry in outbox})]
        outbox = kept(before)
        ids = [entry.id for entry in outbox]
        assert len(set(ids)) == len(ids) <= MAX_ENTRIES and len(untold_in(outbox)) <= MAX_UNTOLD
        lost = [entry for entry in before if entry.state is PENDING and entry.id not in ids]
        assert not lost or (untold_in(outbox) and SAID in [entry.id for entry in before] + ids)
        assert kept(outbox) == outbox


class TestCondition:
    def say(self, outbox: Outbox, before: list[Condition], minutes: int = 0) -> list[Condition]:
        return say_full(before, outbox, NOW + timedelta(minutes=minutes), 7)

    def test_full_then_room_again_then_forgotten(self) -> None:
        full = kept([*PEOPLE, person("one")])
        assert self.say(PEOPLE, []) == []
        (said,) = self.say(full, [])
        assert (said.type, said.status, said.reason) == ("OutboxFull", "True", "TooManyWait")
        assert said.message.startswith("Not everybody is told of ApprovalRequested through mail: 128 messages")
        assert said.message.endswith(f"Remedy: {REMEDY}") and said.observed_generation == 7
        assert self.say(full, [said], 5) == [said]
        told = [amend(full[0], state=SENT), *full[1:-1]]
        (room,) = self.say(told, [said], 5)
        assert (room.status, room.reason) == ("False", "HasRoom")
        assert room.message == (
            "There is room again, but not everybody was told of ApprovalRequested through mail, and nobody is told later"
        )
        assert room.last_transition_time == NOW + timedelta(minutes=5)
        assert self.say([], [room]) == []
