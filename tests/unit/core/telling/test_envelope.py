"""The envelope of a message: its address as it is known now, who is mentioned, and what the receiver was told before."""

from functools import partial
from typing import Any

import pytest
from tests.builders.messages import entry, held_run, its_gate

from pratique.api.v1alpha1.notification_channel import NotificationChannelSpec
from pratique.api.v1alpha1.notifications import DeliveryState, EventType, Notification
from pratique.core.telling.directory import parse_directory
from pratique.core.telling.envelope import put_in_envelope
from pratique.core.telling.messages import compose_run
from pratique.core.telling.recipients import Routing

REF = {"name": "a", "key": "b"}
SPECS: dict[str, dict[str, Any]] = {
    "mail": {"email": {"server": "smtp.example.com:25", "from": "p@example.com"}},
    "bot": {"slack": {"bot": {"tokenSecretRef": REF}}},
    "hook": {"slack": {"webhookUrlSecretRef": REF}},
    "teams": {"msteams": {"workflowUrlSecretRef": REF}},
}
ROUTING = Routing(
    {name: NotificationChannelSpec.model_validate(spec) for name, spec in SPECS.items()},
    parse_directory("""
users: {lead@example.com: {email: l@corp.example.com, slack: U0LEAD}}
groups: {platform-leads: {email: leads@lists.example.com, slack: S0LEADS}}
"""),
)
COMPOSE = partial(compose_run, held_run(), its_gate())
REQUESTED, APPROVED = EventType.APPROVAL_REQUESTED, EventType.APPROVED


def to(channel: str, kind: str, name: str, event: EventType = REQUESTED, **more: Any) -> Notification:
    raw = {**entry(event, channel).to_wire(), "recipient": {"kind": kind, "name": name}, **more}
    return Notification.model_validate(raw)


@pytest.mark.parametrize(
    ("told", "address"),
    [
        (to("mail", "User", "lead@example.com"), "l@corp.example.com"),
        (to("mail", "Group", "platform-leads"), "leads@lists.example.com"),
        (to("mail", "Address", "t@example.com"), "t@example.com"),
        (to("mail", "User", "gone@example.com"), ""),
        (to("teams", "User", "lead@example.com"), ""),
        (entry(REQUESTED, "teams"), ""),
        (entry(REQUESTED, "nobody-knows"), ""),
    ],
)
def test_the_address_is_the_one_that_is_known_now(told: Notification, address: str) -> None:
    message = put_in_envelope(told, [told], COMPOSE, ROUTING)
    assert (message.recipient, message.address) == (told.recipient, address)


def test_slack_mentions_whom_a_message_is_for() -> None:
    assert put_in_envelope(entry(REQUESTED, "hook"), [], COMPOSE, ROUTING).handles == (("platform-leads", "S0LEADS"),)
    assert put_in_envelope(entry(REQUESTED, "teams"), [], COMPOSE, ROUTING).handles == ()


def test_a_follow_up_knows_what_the_same_receiver_was_told_first() -> None:
    sent: dict[str, Any] = {"state": DeliveryState.SENT, "reference": "C1:17.01"}
    mine = entry(REQUESTED, "bot").model_copy(update=sent)
    theirs = to("bot", "User", "lead@example.com", id="x", **sent)
    later, pending = entry(APPROVED, "bot"), entry(EventType.SUCCEEDED, "bot")
    outbox = [theirs, mine, later, pending]
    earlier = put_in_envelope(later, outbox, COMPOSE, ROUTING).earlier
    assert earlier is not None
    assert (earlier.reference, earlier.message.event) == ("C1:17.01", REQUESTED)
    assert put_in_envelope(mine, outbox, COMPOSE, ROUTING).earlier is None, "it is the first itself"
    assert put_in_envelope(entry(APPROVED, "hook"), outbox, COMPOSE, ROUTING).earlier is None
    lost = [each.model_copy(update={"state": DeliveryState.GIVEN_UP}) for each in outbox]
    assert put_in_envelope(later, lost, COMPOSE, ROUTING).earlier is None
