"""How an outbox is stored: what several were told is one entry, and what is pending is what earlier versions read.

`tests/golden/outbox` holds one as version 0.1.0 wrote it, and as this one stores it; they are never edited.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.generated import examples

from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import (
    KUBERNETES_EVENTS,
    DeliveryState,
    EventType,
    Notification,
    NotificationRule,
    Recipient,
    RecipientKind,
)
from pratique.api.v1alpha1.outbox import Telling, gather, id_for, outbox_of, short, spread
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.addressing import is_lost
from pratique.core.telling.outbox import enter, list_due, settle

GOLDEN = Path(__file__).parents[2] / "golden" / "outbox"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SENTENCE = "Waiting for 1 of 32 approvers until 2026-12-01 12:00 UTC: production, ten days"
ASKED = EventType.APPROVAL_REQUESTED
Json = dict[str, Any]


def told(name: str, channel: str = "mail", event: EventType = ASKED, **fields: Any) -> Notification:
    """Return the entry for one person; sent, unless something else is said."""
    recipient = Recipient(kind=RecipientKind.USER, name=name)
    fields = {"state": DeliveryState.SENT, "attempts": 1, "message": SENTENCE, "at": NOW, **fields}
    ident = id_for(f"{event}/{channel}", recipient)
    return Notification(id=ident, event=event, channel=channel, recipient=recipient, **fields)


def pending(name: str, channel: str = "mail", **fields: Any) -> Notification:
    return told(name, channel, **{"state": DeliveryState.PENDING, "attempts": 0, "sender": "operator-1", **fields})


def stored(outbox: list[Notification]) -> list[Json]:
    """Return the outbox of a status as the API server gets it."""
    return list(Telling(notifications=outbox).to_wire()["notifications"])


def as_before(wire: list[Json]) -> list[Notification]:
    """Return what a version makes of it that does not know `to`."""
    return [Notification.model_validate({key: each for key, each in entry.items() if key != "to"}) for entry in wire]


class TestForm:
    def test_what_is_settled_for_several_is_one_entry(self) -> None:
        outbox = [
            told("a@example.com", reference="C1/17"),
            told("b@example.com", attempts=3, state=DeliveryState.GIVEN_UP, error="mailbox unavailable"),
            told(
                "c@example.com", state=DeliveryState.SKIPPED, attempts=0, not_before=LATER, error="not needed any more"
            ),
        ]
        (entry,) = stored(outbox)
        assert entry == {
            "id": "ApprovalRequested/mail@to",
            "event": "ApprovalRequested",
            "channel": "mail",
            "at": "2026-11-30T12:00:00Z",
            "message": SENTENCE,
            "state": "GivenUp",
            "attempts": 0,
            "error": "mailbox unavailable",
            "to": [
                {"kind": "User", "name": "a@example.com", "state": "Sent", "attempts": 1, "reference": "C1/17"},
                {
                    "kind": "User",
                    "name": "b@example.com",
                    "state": "GivenUp",
                    "attempts": 3,
                    "error": "mailbox unavailable",
                },
                {
                    "kind": "User",
                    "name": "c@example.com",
                    "state": "Skipped",
                    "attempts": 0,
                    "notBefore": "2026-11-30T13:00:00Z",
                    "error": "not needed any more",
                },
            ],
        }
        assert outbox_of({"notifications": [entry]}) == outbox

    def test_what_is_pending_alone_or_for_a_place_stands_by_itself(self) -> None:
        place = Notification(id="ApprovalRequested/mail", event=ASKED, channel="mail", at=NOW, message=SENTENCE)
        outbox = [place, told("a"), pending("b"), pending("c"), told("d", "chat")]
        assert stored(outbox) == [each.to_wire() for each in outbox]
        assert outbox_of({"notifications": stored(outbox)}) == outbox

    def test_what_does_not_belong_together_is_not_put_together(self) -> None:
        others = [
            told("b", "chat"),
            told("c", event=EventType.EXPIRED),
            told("d", message="another sentence"),
            told("e", at=LATER),
            amend(told("f"), id="ApprovalRequested/mail@of-another-making"),
        ]
        outbox = [told("a"), *others]
        assert stored(outbox) == [each.to_wire() for each in outbox]

    def test_one_that_stands_by_itself_is_what_is_true(self) -> None:
        """As after an earlier version has told somebody again."""
        wire = stored([told("a"), told("b")])
        own = told("b", attempts=2)
        assert spread(outbox_of({"notifications": [*wire, own.to_wire()]})) == [told("a"), own]

    def test_no_outbox(self) -> None:
        assert outbox_of({}) == outbox_of({"notifications": None}) == []

    def test_ids_are_those_of_version_0_1_0(self) -> None:
        assert short("User/a") == "a2318d076fa4"
        assert told("a").id == "ApprovalRequested/mail@a2318d076fa4"


ENTRIES = st.builds(
    lambda name, channel, event, fields: told(name, channel, event, **fields),
    st.sampled_from("abcdef"),
    st.sampled_from(["mail", "chat"]),
    st.sampled_from([ASKED, EventType.HANDLED]),
    st.fixed_dictionaries(
        {
            "state": st.sampled_from(DeliveryState),
            "attempts": st.integers(0, 3),
            "message": st.sampled_from(["one", "another"]),
        },
        optional={"error": st.just("why"), "reference": st.just("C1/17"), "not_before": st.just(LATER)},
    ),
)


@given(st.lists(ENTRIES, max_size=24, unique_by=lambda entry: entry.id))
@examples(200)
def test_nothing_is_lost_nothing_is_twice_and_the_order_of_what_waits_is_kept(outbox: list[Notification]) -> None:
    wire = gather(outbox)
    assert len({entry.id for entry in wire}) == len(wire) <= len(outbox)
    again = spread(wire)
    assert sorted(again, key=lambda entry: entry.id) == sorted(outbox, key=lambda entry: entry.id)
    assert gather(again) == wire
    assert list_due(again, LATER) == list_due(outbox, LATER) == list_due(as_before(stored(outbox)), LATER)


class TestEarlierVersions:
    """What they wrote goes on, and what is written now goes on under them: each message once."""

    def test_what_0_1_0_stored_is_told_as_it_would_have_told_it(self) -> None:
        flat = json.loads((GOLDEN / "v0.1.0.json").read_text())
        outbox = outbox_of(flat)
        assert [each.to_wire() for each in outbox] == flat["notifications"]
        assert list_due(outbox, LATER) == list_due(as_before(flat["notifications"]), LATER) != []
        assert Telling(notifications=outbox).to_wire() == json.loads((GOLDEN / "v0.2.0.json").read_text())

    def test_what_is_stored_now_is_read_by_this_version(self) -> None:
        flat, now = (json.loads((GOLDEN / f"{version}.json").read_text()) for version in ("v0.1.0", "v0.2.0"))
        read, was = ({each.id: amend(each, sender=None) for each in outbox_of(status)} for status in (now, flat))
        assert read == was  # who delivered what is settled is of no interest

    def test_an_earlier_version_tells_what_waits_and_nothing_again(self) -> None:
        now = json.loads((GOLDEN / "v0.2.0.json").read_text())
        before = as_before(now["notifications"])
        waiting = list_due(before, LATER)
        assert waiting == list_due(outbox_of(now), LATER) != []
        for event, channel in {(entry.event, entry.channel) for entry in before}:
            rules = [NotificationRule(channels=[channel], events=[event])] if channel != KUBERNETES_EVENTS else []
            assert enter(before, event, LATER, "again", rules) == before
        after = settle(before, {entry.id: Delivery(sent=True) for entry in waiting}, LATER)
        assert list_due(after, LATER) == []
        back = outbox_of({"notifications": [entry.to_wire() for entry in after]})
        assert list_due(back, LATER) == []

    def test_an_earlier_version_sees_that_somebody_was_not_told(self) -> None:
        wire = stored([told("a"), told("b", state=DeliveryState.GIVEN_UP, error="mailbox unavailable")])
        (seen,) = as_before(wire)
        assert is_lost(seen)
        assert seen.error == "mailbox unavailable"
        assert not is_lost(as_before(stored([told("a"), told("b", state=DeliveryState.SKIPPED)]))[0])


def test_four_channels_and_thirty_two_people_take_a_third() -> None:
    names = [f"person-{number:02}@example.com" for number in range(32)]
    outbox = [told(name, channel, sender="pratique-7c9d5f-x2kqz") for channel in ("a", "b", "c", "d") for name in names]
    flat = len(json.dumps([entry.to_wire() for entry in outbox], separators=(",", ":")))
    now = len(json.dumps(stored(outbox), separators=(",", ":")))
    assert len(stored(outbox)) == 4
    assert now * 3 < flat, (now, flat)
