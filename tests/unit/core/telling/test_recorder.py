"""One frame for all kinds: marks come in, a decision is made, and what happened is on record once, whatever the kind."""

from dataclasses import replace
from datetime import timedelta

from tests.builders.models import NOW, channel, run

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus
from pratique.api.v1alpha1.notification_channel import NotificationChannelStatus
from pratique.api.v1alpha1.notifications import DeliveryState, EventType, NotificationRule
from pratique.core.kernel.effects import Delivery, Plan, VerifyGuard
from pratique.core.kernel.happened import Happened
from pratique.core.telling.capacity import MAX_ENTRIES
from pratique.core.telling.recipients import Routing, Stakeholders
from pratique.core.telling.recorder import MAX_TIMELINE, decide_and_record, is_news, record


def _rule(channel: str) -> NotificationRule:
    return NotificationRule(channels=[channel], events=[EventType.FAILED])


WHOM = Stakeholders(rules=(NotificationRule(channels=["ops"], events=[EventType.FAILED, EventType.SUCCEEDED]),))
BROKE = Happened("It broke", (EventType.FAILED,), "Failed")


def on_record(plan: Plan[ActionRunStatus], *, before: ActionRunStatus | None = None) -> Plan[ActionRunStatus]:
    return record(before or run().status, plan, lambda after: WHOM, Routing(), NOW)


def told(status: ActionRunStatus | NotificationChannelStatus) -> list[str]:
    return [entry.id for entry in status.notifications]


def test_what_happened_is_a_line_and_an_entry_for_each_channel() -> None:
    status = on_record(Plan(run().status, happened=(BROKE,))).status
    assert [(line.at, line.event, line.message) for line in status.timeline] == [(NOW, "Failed", "It broke")]
    assert told(status) == ["Failed/KubernetesEvents", "Failed/ops"]
    assert {entry.message for entry in status.notifications} == {"It broke"}


def test_what_is_no_line_and_what_nobody_is_told_leave_nothing() -> None:
    quiet = on_record(Plan(run().status, happened=(Happened("Asked again", word="Superseded"),))).status
    assert [line.event for line in quiet.timeline] == ["Superseded"] and told(quiet) == []
    loud = on_record(Plan(run().status, happened=(replace(BROKE, word=""),))).status
    assert loud.timeline == [] and told(loud)


def test_what_is_said_here_only_goes_through_no_channel() -> None:
    status = on_record(Plan(run().status, happened=(replace(BROKE, only_here=True),))).status
    assert told(status) == ["Failed/KubernetesEvents"]


def test_the_same_is_told_once_and_by_another_key_again() -> None:
    first = on_record(Plan(run().status, happened=(BROKE,))).status
    again = on_record(Plan(first, happened=(replace(BROKE, word=""),)), before=first).status
    assert again == first
    keyed = on_record(Plan(first, happened=(replace(BROKE, key="2"),)), before=first).status
    assert told(keyed)[2:] == ["Failed/2/KubernetesEvents", "Failed/2/ops"]
    assert not is_news(first, BROKE, WHOM, NOW) and is_news(first, replace(BROKE, key="2"), WHOM, NOW)


def test_a_timeline_keeps_the_newest_lines() -> None:
    many = tuple(Happened(str(number), word="Noted") for number in range(MAX_TIMELINE + 3))
    lines = on_record(Plan(run().status, happened=many)).status.timeline
    assert [lines[0].message, lines[-1].message, len(lines)] == ["3", str(MAX_TIMELINE + 2), MAX_TIMELINE]


def test_what_has_no_room_is_a_condition_until_there_is_room() -> None:
    crowd = Stakeholders(rules=tuple(_rule(f"c{at}") for at in range(MAX_ENTRIES)))
    full = record(run().status, Plan(run().status, happened=(BROKE,)), lambda after: crowd, Routing(), NOW).status
    (said,) = [each for each in full.conditions if each.type == "OutboxFull"]
    assert (said.status, said.reason) == ("True", "TooManyWait") and "Failed through c0" in said.message
    waits = run().model_copy(update={"status": full})
    sent = {entry.id: Delivery(sent=True) for entry in full.notifications}
    after = decide_and_record(
        waits, sent, lambda settled: Plan(settled.status), lambda after: crowd, Routing(), NOW
    ).status
    (said,) = [each for each in after.conditions if each.type == "OutboxFull"]
    assert (said.status, said.reason) == ("False", "HasRoom")
    others = [each for each in full.conditions if each.type != "OutboxFull"]
    assert others == run().status.conditions


def test_a_kind_without_a_timeline_tells_all_the_same() -> None:
    place = channel()
    plan = Plan(place.status, happened=(BROKE,))
    status = record(place.status, plan, lambda after: WHOM, Routing(), NOW).status
    assert told(status) == ["Failed/KubernetesEvents", "Failed/ops"] and not hasattr(status, "timeline")


def test_what_happened_stays_in_the_plan_in_its_order() -> None:
    plan = Plan(run().status, happened=(BROKE,)).after_that(Happened("before")).and_that(Happened("after"))
    assert [each.sentence for each in on_record(plan).happened] == ["before", "It broke", "after"]


def test_a_decision_sees_the_marks_and_the_next_try_wakes_it() -> None:
    before = run().model_copy(update={"status": on_record(Plan(run().status, happened=(BROKE,))).status})
    failed = {"Failed/ops": Delivery(sent=False, error="down"), "Failed/KubernetesEvents": Delivery(sent=True)}
    seen: list[ActionRun] = []

    def decide(settled: ActionRun) -> Plan[ActionRunStatus]:
        seen.append(settled)
        return Plan(settled.status, wake_at=NOW + timedelta(hours=1))

    plan = decide_and_record(before, failed, decide, lambda after: WHOM, Routing(), NOW)
    states = [entry.state for entry in seen[0].status.notifications]
    assert states == [DeliveryState.SENT, DeliveryState.PENDING] and plan.status == seen[0].status
    assert plan.wake_at == plan.status.notifications[1].next_attempt_at
    assert decide_and_record(before, {}, decide, lambda after: WHOM, Routing(), NOW).status == before.status


def test_an_end_is_settled_once_its_plan_asks_for_nothing_and_all_is_told() -> None:
    ended = run(phase="Succeeded").status
    assert on_record(Plan(ended)).status.settled is True
    effect = VerifyGuard("verify")
    for left in (
        {"effects": (effect,)},
        {"after": (effect,)},
        {"wake_at": NOW},
        {"retry": True},
        {"happened": (BROKE,)},
    ):
        plan = on_record(Plan(ended.model_copy(update={"settled": True}), **left))
        assert plan.status.settled is None, left
    assert on_record(Plan(run(phase="Running").status)).status.settled is None
