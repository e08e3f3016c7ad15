"""What becomes of a new entry: one for each who is told, held, left out, or skipped with a reason."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.builders.models import NOW

from pratique.api.v1alpha1.notification_channel import NotificationChannelSpec
from pratique.api.v1alpha1.notifications import (
    KUBERNETES_EVENTS,
    DeliveryState,
    EventType,
    Notification,
    NotificationRule,
)
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.addressing import address, is_failing, is_lost
from pratique.core.telling.capacity import MAX_ENTRIES
from pratique.core.telling.directory import parse_directory
from pratique.core.telling.outbox import enter, list_due, settle
from pratique.core.telling.recipients import Routing, Stakeholders

DEV, LEAD1, LEAD2 = "developer@example.com", "lead-1@example.com", "lead-2@example.com"
REF = {"name": "a", "key": "b"}
MAIL = {"email": {"server": "smtp.example.com:25", "from": "p@example.com", "addressFrom": "Username"}}
QUIET = {"quietHours": {"timeZone": "UTC", "start": "11:00", "end": "20:00"}}  # NOW is noon
SPECS: dict[str, dict[str, Any]] = {
    "chat": {"msteams": {"workflowUrlSecretRef": REF}},
    "mail": MAIL,
    "list": {"email": {**MAIL["email"], "to": ["team@example.com"], "addressFrom": None}},
    "bot": {"slack": {"bot": {"tokenSecretRef": REF, "channel": "C0123"}}},
    "sleepy": {**MAIL, **QUIET},
    "sleepy-chat": {"msteams": {"workflowUrlSecretRef": REF}, **QUIET},
}
ROUTING = Routing(
    {name: NotificationChannelSpec.model_validate(spec) for name, spec in SPECS.items()},
    parse_directory("users: {developer@example.com: {slack: U0DEV}}"),
)
REQUESTED, APPROVED, HANDLED = EventType.APPROVAL_REQUESTED, EventType.APPROVED, EventType.HANDLED
SKIPPED = DeliveryState.SKIPPED
Outbox = list[Notification]


def stakeholders(*channels: str, events: list[EventType] | None = None, **more: Any) -> Stakeholders:
    wanted = events or [each for each in EventType if each not in (EventType.TEST, EventType.DIGEST)]
    rule = NotificationRule(channels=list(channels), events=wanted)
    facts = {"approvers": Approvers(users=[LEAD1, LEAD2]), "requester": DEV, "askers": (DEV,), **more}
    return Stakeholders((rule,), **facts)


def happen(outbox: Outbox, whom: Stakeholders, *events: EventType, now: Any = NOW, key: str = "") -> Outbox:
    after = outbox
    for event in events:
        after = enter(after, event, now, "text", list(whom.rules), key=key)
    return address(outbox, after, whom, ROUTING, now)


def shown(outbox: Outbox, since: Sequence[Notification] = ()) -> list[str]:
    """Return event, channel and recipient of what is new, without Kubernetes Events."""
    old = {entry.id for entry in since}
    return [
        f"{entry.event} {entry.channel} {entry.recipient.name if entry.recipient else '-'}"
        for entry in outbox
        if entry.id not in old and entry.channel != KUBERNETES_EVENTS
    ]


def test_a_channel_that_reaches_people_has_an_entry_for_each() -> None:
    outbox = happen([], stakeholders("mail", "chat"), REQUESTED)
    assert shown(outbox) == [
        f"ApprovalRequested mail {LEAD1}",
        f"ApprovalRequested mail {LEAD2}",
        "ApprovalRequested chat -",
    ]
    assert len({entry.id for entry in outbox}) == 4
    assert list_due(outbox, NOW) == outbox


def test_addressing_again_changes_nothing() -> None:
    whom = stakeholders("mail", "chat", "list", "bot")
    outbox = happen([], whom, REQUESTED)
    assert address(outbox, outbox, whom, ROUTING, NOW) == outbox
    assert happen(outbox, whom, REQUESTED) == outbox
    assert address([], enter([], REQUESTED, NOW, "text", list(whom.rules)), whom, ROUTING, NOW) == outbox


def test_a_channel_that_nobody_knows_is_told_as_a_place() -> None:
    assert shown(happen([], stakeholders("ghost"), APPROVED)) == ["Approved ghost -"]


def test_a_bot_writes_to_its_place_and_to_people() -> None:
    assert shown(happen([], stakeholders("bot"), APPROVED)) == ["Approved bot -", f"Approved bot {DEV}"]


def test_who_cannot_be_told_is_said() -> None:
    outbox = happen([], stakeholders("list"), APPROVED)
    assert shown(outbox) == ["Approved list team@example.com", "Approved list -"]
    assert (outbox[-1].state, outbox[-1].error) == (
        SKIPPED,
        f"no email address is known (ConfigMap pratique-directory): {DEV}",
    )
    (_, nobody) = happen([], stakeholders("mail", requester=""), APPROVED)
    assert (nobody.state, nobody.error) == (SKIPPED, "nobody is to be told of this through this channel")
    assert list_due(outbox, NOW) == outbox[:-1]


def test_what_is_lost_is_what_somebody_should_have_been_told() -> None:
    unreachable = happen([], stakeholders("list"), APPROVED)
    nobody = happen([], stakeholders("mail", requester=""), APPROVED)
    assert [is_lost(entry) for entry in unreachable if entry.channel == "list"] == [False, True]
    assert [is_lost(entry) for entry in nobody if entry.channel == "mail"] == [False]
    asked = happen([], stakeholders("sleepy"), REQUESTED)
    moot = [entry for entry in happen(asked, stakeholders("sleepy"), APPROVED) if entry.state is SKIPPED]
    assert moot and not any(is_lost(entry) for entry in moot)
    later = settle(unreachable, {unreachable[1].id: Delivery(sent=False, error="no")}, NOW)
    assert [(is_lost(entry), is_failing(entry)) for entry in later] == [(False, False), (False, True), (True, False)]
    refused = settle(unreachable, {unreachable[1].id: Delivery(sent=False, permanent=True, error="no")}, NOW)
    assert [is_lost(entry) for entry in refused] == [False, True, True]


def test_more_than_there_is_room_for_is_said() -> None:
    crowd = Approvers(users=[f"u{at:02d}@example.com" for at in range(32)])
    whom = stakeholders("mail", approvers=crowd)
    more = whom.rules[0].model_copy(update={"people": crowd.model_copy(update={"users": ["last@example.com"]})})
    outbox = happen([], Stakeholders((more,), crowd, DEV, (DEV,)), REQUESTED)
    assert outbox[-1].error == "more than 32, give the group an address of its own: last@example.com"


class TestEchoes:
    def test_one_write_tells_a_receiver_once(self) -> None:
        whom = stakeholders("mail", "chat", deciders=(LEAD1,))
        asked = happen([], whom, REQUESTED)
        assert shown(happen(asked, whom, APPROVED, HANDLED, EventType.RUNNING), asked) == [
            f"Approved mail {DEV}",
            "Approved chat -",
            f"Handled mail {LEAD2}",
        ]

    def test_a_place_that_did_not_ask_for_the_outcome_is_told_that_it_is_handled(self) -> None:
        whom = stakeholders("chat", events=[REQUESTED, HANDLED])
        asked = happen([], whom, REQUESTED)
        assert shown(happen(asked, whom, APPROVED, HANDLED), asked) == ["Handled chat -"]

    def test_that_somebody_could_not_be_asked_takes_nothing_from_the_place(self) -> None:
        whom = stakeholders("bot", events=[REQUESTED, HANDLED, EventType.WITHDRAWN])
        asked = happen([], whom, REQUESTED)
        assert [entry.state for entry in asked if entry.channel == "bot"] == [DeliveryState.PENDING, SKIPPED]
        assert "Withdrawn bot -" in shown(happen(asked, whom, EventType.WITHDRAWN), asked)
        assert "Handled bot -" in shown(happen(asked, whom, EventType.EXPIRED, HANDLED), asked)


class TestHeld:
    def test_until_the_end_of_quiet_hours(self) -> None:
        outbox = happen([], stakeholders("sleepy"), APPROVED)
        (mail,) = [entry for entry in outbox if entry.channel == "sleepy"]
        assert mail.not_before == NOW.replace(hour=20, minute=0)
        assert mail not in list_due(outbox, NOW)

    def test_not_what_would_be_too_late(self) -> None:
        soon = {REQUESTED: NOW + timedelta(hours=2)}
        outbox = happen([], stakeholders("sleepy", before=soon), REQUESTED)
        assert all(entry.not_before is None for entry in outbox)

    @pytest.mark.parametrize("end", [APPROVED, EventType.DECLINED, EventType.WITHDRAWN, EventType.SUPERSEDED])
    def test_a_request_that_has_ended_wakes_nobody(self, end: EventType) -> None:
        whom = stakeholders("sleepy", "sleepy-chat", before={REQUESTED: NOW + timedelta(days=9)})
        asked = happen([], whom, REQUESTED)
        later = NOW + timedelta(minutes=5)
        outbox = happen(asked, whom, end, HANDLED, now=later)
        requests = [entry for entry in outbox if entry.event is REQUESTED and entry.channel != KUBERNETES_EVENTS]
        assert {(entry.state, entry.error) for entry in requests} == {
            (SKIPPED, f"not needed any more: {end.value} came before it was due")
        }
        told = shown(outbox, asked)
        assert f"Handled sleepy {LEAD2}" not in told and f"Withdrawn sleepy {LEAD2}" not in told

    def test_of_several_warnings_the_nearest_is_told(self) -> None:
        expiring = EventType.ENVIRONMENT_EXPIRING
        whom = stakeholders("sleepy", approvers=None)
        first = happen([], whom, expiring, key="2h")
        both = happen(first, whom, expiring, key="30m", now=NOW + timedelta(hours=1))
        states = [entry.state for entry in both if entry.channel == "sleepy"]
        assert states == [SKIPPED, DeliveryState.PENDING]

    def test_what_no_receiver_took_so_far_is_not_asked_any_more_and_its_end_is_told(self) -> None:
        """It may have arrived all the same: who was asked then hears that it is handled."""
        whom = stakeholders("mail", before={REQUESTED: NOW + timedelta(days=9)})
        asked = happen([], whom, REQUESTED)
        failed = settle(asked, {entry.id: Delivery(sent=False, error="no") for entry in asked}, NOW)
        outbox = happen(failed, whom, APPROVED, HANDLED)
        requests = {entry.channel: entry for entry in outbox if entry.event is REQUESTED}
        assert {channel: entry.state for channel, entry in requests.items()} == {
            KUBERNETES_EVENTS: DeliveryState.PENDING,
            "mail": SKIPPED,
        }
        assert requests["mail"].error == "not needed any more: Approved came before a receiver took it: no"
        assert any(entry.event is HANDLED and entry.state is DeliveryState.PENDING for entry in outbox)
        sent = settle(asked, {entry.id: Delivery(sent=True) for entry in asked}, NOW)
        assert SKIPPED not in {entry.state for entry in happen(sent, whom, APPROVED, HANDLED)}


class TestGivenUp:
    def give_up(self, whom: Stakeholders) -> tuple[Outbox, Outbox]:
        before = happen([], whom, APPROVED)
        bad = {entry.id: Delivery(sent=False, error="no", permanent=True) for entry in before}
        after = settle(before, bad, NOW)
        return before, address(before, after, whom, ROUTING, NOW)

    def test_is_told_through_other_channels(self) -> None:
        _, outbox = self.give_up(stakeholders("chat", "list"))
        new = [entry for entry in outbox if entry.event is EventType.NOTIFICATION_FAILED]
        assert "Approved was given up through channel chat: no" in {entry.message for entry in new}
        assert "Approved was given up to team@example.com through channel list: no" in {entry.message for entry in new}
        of_chat = [entry.channel for entry in new if "channel chat" in entry.message]
        assert of_chat == [KUBERNETES_EVENTS, "list", "list"]

    def test_and_at_least_on_the_object(self) -> None:
        _, outbox = self.give_up(stakeholders("chat"))
        assert [entry.channel for entry in outbox if entry.event is EventType.NOTIFICATION_FAILED] == [
            KUBERNETES_EVENTS
        ]

    def test_that_this_could_not_be_told_either_is_not(self) -> None:
        whom = stakeholders("chat")
        _, outbox = self.give_up(whom)
        failed = settle(outbox, {each.id: Delivery(sent=False, error="no", permanent=True) for each in outbox}, NOW)
        assert len(address(outbox, failed, whom, ROUTING, NOW)) == len(outbox)


def test_a_full_outbox_stays_within_its_bounds() -> None:
    whom = stakeholders("mail", "chat", "list", "bot")
    outbox: Outbox = []
    for at in range(40):
        outbox = happen(outbox, whom, EventType.ENVIRONMENT_EXPIRING, key=str(at))
    assert len(outbox) == MAX_ENTRIES
