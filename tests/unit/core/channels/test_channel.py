"""What the status of a NotificationChannel says, and how a test message is asked for."""

from datetime import timedelta
from typing import Any

import pytest
from tests.builders.models import NOW, at, channel, failed

from pratique.api.v1alpha1.notification_channel import (
    NotificationChannel,
    NotificationChannelSpec,
    NotificationChannelStatus,
)
from pratique.api.v1alpha1.notifications import DeliveryState, EventType
from pratique.core.channels.plan import CHECK, SEND_TEST, ChannelSnapshot, plan_channel
from pratique.core.kernel.effects import CheckChannel, Checked, Delivery, Failure, Unready
from pratique.core.telling.messages import compose_channel
from pratique.core.telling.recipients import Routing
from pratique.core.telling.traffic import Traffic

SOUND = {CHECK: Checked()}
DOWN = Delivery(sent=False, error="the receiver answered 503 Service Unavailable")
MAIL = {"email": {"server": "smtp.example.com:25", "from": "p@example.com", "addressFrom": "Username"}}


def conditions(status: NotificationChannelStatus) -> dict[str, tuple[str, str]]:
    return {each.type: (each.status.value, each.reason) for each in status.conditions}


def message(status: NotificationChannelStatus) -> str:
    (text,) = {each.message for each in status.conditions}
    return text


def with_spec(spec: dict[str, Any], annotations: dict[str, str] | None = None, **status: Any) -> NotificationChannel:
    metadata = {"name": "chat", "generation": 1, "uid": "c-1", "annotations": annotations or {}}
    return NotificationChannel.model_validate({"metadata": metadata, "spec": spec, "status": status})


@pytest.mark.parametrize(
    ("outcome", "expected", "text", "wake"),
    [
        (Checked(), {"Ready": ("True", "Configured")}, "Settings and Secrets were found", None),
        (Checked(Unready("no Secret slack")), None, "no Secret slack", timedelta(seconds=30)),
        (failed("Forbidden", "may not read"), None, "may not read", timedelta(seconds=30)),
    ],
)
def test_a_channel_is_ready_or_says_what_is_missing(
    outcome: Checked | Failure, expected: dict[str, Any] | None, text: str, wake: timedelta | None
) -> None:
    missing = {"Ready": ("False", "SecretNotFound"), "Stalled": ("True", "SecretNotFound")}
    plan = plan_channel(ChannelSnapshot(channel(), {CHECK: outcome}), NOW)
    assert (conditions(plan.status), message(plan.status)) == (expected or missing, text)
    assert (plan.status.observed_generation, plan.wake_at) == (1, NOW + wake if wake else None)


def test_a_channel_is_checked_at_every_look() -> None:
    """Secrets are not watched."""
    ready = channel()
    status = plan_channel(ChannelSnapshot(ready, {CHECK: Checked()}), NOW).status
    seen = ready.model_copy(update={"status": status})
    assert plan_channel(ChannelSnapshot(seen), at(1)).effects == (CheckChannel(CHECK, seen),)
    assert plan_channel(ChannelSnapshot(seen, {CHECK: Checked()}), at(1)).status == status


class TestTraffic:
    def test_is_shown(self) -> None:
        traffic = Traffic().after(Delivery(sent=True), False, NOW).after(DOWN, False, at(5))
        status = plan_channel(ChannelSnapshot(channel(), SOUND, traffic=traffic, waiting=3), at(6)).status
        assert (status.last_success_at, status.last_failure_at, status.waiting) == (NOW, at(5), 3)
        assert status.last_failure == DOWN.error
        assert conditions(status) == {"Ready": ("True", "Configured")}

    def test_a_channel_that_fails_is_not_ready(self) -> None:
        traffic = Traffic().after(DOWN, True, NOW)
        plan = plan_channel(ChannelSnapshot(channel(), SOUND, traffic=traffic), NOW)
        assert conditions(plan.status)["Ready"] == ("False", "DeliveryFailed")
        assert message(plan.status).startswith(f"Messages do not arrive: {DOWN.error}; they wait")
        assert plan.wake_at == NOW + timedelta(seconds=30)
        mended = plan_channel(
            ChannelSnapshot(channel(), SOUND, traffic=traffic.after(Delivery(sent=True), False, at(1))), at(1)
        )
        assert conditions(mended.status) == {"Ready": ("True", "Configured")}

    def test_a_process_that_has_sent_nothing_leaves_what_another_wrote(self) -> None:
        before = channel(lastSuccessAt="2026-11-24T11:00:00Z", lastFailureAt="2026-11-24T10:00:00Z", lastFailure="no")
        status = plan_channel(ChannelSnapshot(before, SOUND), NOW).status
        assert (status.last_success_at, status.last_failure) == (NOW - timedelta(hours=1), "no")


def test_a_time_zone_that_is_none_is_said() -> None:
    quiet = {"timeZone": "Europe/Atlantis", "start": "20:00", "end": "07:00"}
    status = plan_channel(ChannelSnapshot(with_spec({**MAIL, "quietHours": quiet}), SOUND), NOW).status
    assert conditions(status)["Ready"] == ("False", "Invalid")
    assert message(status).startswith("spec.quietHours.timeZone: there is no time zone Europe/Atlantis")
    fine = plan_channel(ChannelSnapshot(with_spec({**MAIL, "quietHours": {**quiet, "timeZone": "UTC"}}), SOUND), NOW)
    assert conditions(fine.status)["Ready"] == ("True", "Configured")


def test_a_directory_that_cannot_be_used_is_said_where_people_are_reached() -> None:
    problem = "ConfigMap pratique-directory: users: wrong"
    said = plan_channel(ChannelSnapshot(with_spec(MAIL), SOUND, directory_problem=problem), NOW).status
    assert (conditions(said)["Ready"], message(said)) == (("False", "Invalid"), problem)
    place = plan_channel(ChannelSnapshot(channel(), SOUND, directory_problem=problem), NOW).status
    assert conditions(place)["Ready"] == ("True", "Configured")


class TestTest:
    def plan(self, subject: NotificationChannel, **more: Any) -> Any:
        routing = Routing({"chat": NotificationChannelSpec.model_validate(subject.spec.to_wire())})
        return plan_channel(ChannelSnapshot(subject, SOUND, routing=routing, **more), NOW)

    def test_a_new_value_sends_one_and_the_same_value_none(self) -> None:
        asked = with_spec({"msteams": {"workflowUrlSecretRef": {"name": "a", "key": "b"}}}, {SEND_TEST: "today"})
        status = self.plan(asked).status
        (told,) = status.notifications
        assert (told.event, told.channel, told.recipient, status.tested) == (EventType.TEST, "chat", None, "today")
        assert "asked for with pratique.dev/send-test: today" in told.message
        seen = asked.model_copy(update={"status": status})
        assert self.plan(seen).status == status
        sent = self.plan(seen, deliveries={told.id: Delivery(sent=True)}).status
        assert sent.notifications[0].state is DeliveryState.SENT
        again = seen.model_copy(
            update={"metadata": asked.metadata.model_copy(update={"annotations": {SEND_TEST: "2"}})}
        )
        assert len(self.plan(again).status.notifications) == 2

    def test_a_channel_of_people_sends_it_to_the_user_whom_the_value_names(self) -> None:
        asked = with_spec(MAIL, {SEND_TEST: "lead@example.com"})
        (told,) = self.plan(asked).status.notifications
        assert told.recipient is not None and told.recipient.name == "lead@example.com"
        (nobody,) = self.plan(with_spec(MAIL, {SEND_TEST: "today"})).status.notifications
        assert nobody.error == "no email address is known (ConfigMap pratique-directory): today"

    def test_what_it_says(self) -> None:
        asked = with_spec(MAIL, {SEND_TEST: "lead@example.com"})
        told = compose_channel(asked, self.plan(asked).status.notifications[0])
        assert (told.headline, told.facts) == ("Test: chat", (("Channel", "chat"), ("Type", "email")))

    def test_a_failure_is_tried_again_in_its_time(self) -> None:
        asked = with_spec(MAIL, {SEND_TEST: "lead@example.com"})
        seen = asked.model_copy(update={"status": self.plan(asked).status})
        plan = self.plan(seen, deliveries={seen.status.notifications[0].id: DOWN})
        assert plan.wake_at == plan.status.notifications[0].next_attempt_at
