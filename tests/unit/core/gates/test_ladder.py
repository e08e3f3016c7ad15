"""The ladder of a gate: its moments, whom they add, and that people are told of each once, whenever somebody looks."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.builders.models import DEADLINE, NOW, approval, at, gate, planned, run, run_plan, stage, vote

from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.api.v1alpha1.escalation import Added, EscalationStep, TakenStep, TimedStep
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notification_channel import NotificationChannelSpec
from pratique.api.v1alpha1.notifications import Audience, DeliveryState, EventType, Notification
from pratique.api.v1alpha1.pace import Digest, QuietHours
from pratique.api.v1alpha1.stages import ApprovalRules, Approvers, Quorum, RuleApprovers, SamePeople, Stage
from pratique.core.environments.ttl import FOREVER
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.ladder import as_if_until, climb, next_moment, only_rights
from pratique.core.gates.opening import find_difference, find_mismatch, open_gate, policy_of
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval
from pratique.core.gates.tally import awaits, count
from pratique.core.judging.stages import find_unsatisfiable, gates_of_plan
from pratique.core.kernel.effects import Plan, Verified
from pratique.core.plans.document import document
from pratique.core.telling.directory import Contact, Directory, GroupContact
from pratique.core.telling.messages import compose_approval
from pratique.core.telling.recipients import Routing
from pratique.core.telling.wording import policy_phrase, stage_phrase

NIGHT = Added(users=["night-1"], groups=["sre-oncall"])
BOSS = Added(users=["boss"])
LADDER = [
    TimedStep(at=at(30)),
    TimedStep(at=at(60), to=NIGHT),
    TimedStep(at=at(75)),
    TimedStep(at=at(90), to=BOSS),
]
REMINDER, ESCALATED = EventType.APPROVAL_REMINDER, EventType.APPROVAL_ESCALATED


def written(*steps: tuple[str, Added | None]) -> Stage:
    return stage(escalation=[EscalationStep(after=after, to=to) for after, to in steps])


@pytest.mark.parametrize(
    ("of", "moments"),
    [
        (stage(), [at(60)]),
        (stage(escalation=[]), None),
        (written(("30m", None), ("1h", NIGHT)), [at(30), at(60)]),
        (stage(deadline="1s"), None),
        (stage(deadline="3s"), [DEADLINE - timedelta(seconds=2)]),
    ],
)
def test_the_moments_of_a_gate(of: Stage, moments: list[datetime] | None) -> None:
    found = climb(of, DEADLINE)
    assert ([each.at for each in found] if found else None) == moments
    assert policy_of(of, DEADLINE).escalation == found


def test_what_never_ends_has_no_half() -> None:
    assert climb(stage(deadline="999999999w"), FOREVER) is None


def test_rights_without_reminders() -> None:
    policy = policy_of(written(("30m", None), ("1h", NIGHT)), DEADLINE)
    assert only_rights(policy).escalation == [TimedStep(at=at(60), to=NIGHT)]
    assert only_rights(policy_of(stage(), DEADLINE)) == policy_of(stage(escalation=[]), DEADLINE)
    later = as_if_until(policy, DEADLINE + timedelta(minutes=5))
    assert later == policy_of(written(("30m", None), ("1h", NIGHT)), DEADLINE + timedelta(minutes=5))
    assert as_if_until(policy_of(stage(escalation=[]), DEADLINE), at(9)).escalation is None


def opened(of: Stage, when: datetime = NOW) -> Approval:
    """Return the gate of a run with this one stage, as the API server keeps it."""
    plan = run_plan(planned(), gate=of)
    return Approval.model_validate(open_gate(run(), plan, of, when))


class TestTheSameGate:
    """A gate that is there is compared with the one that is wanted: its steps too, but for reminders."""

    CLIMBS = written(("30m", None), ("1h", NIGHT))

    def test_opened_a_moment_ago(self) -> None:
        assert find_mismatch(opened(self.CLIMBS), opened(self.CLIMBS, at(1))) is None

    def test_opened_by_a_version_without_reminders(self) -> None:
        there = opened(stage(escalation=[]))
        same = amend(there, spec=amend(there.spec, plan=opened(stage()).spec.plan))
        assert find_mismatch(same, opened(stage())) is None

    @pytest.mark.parametrize(
        "steps",
        [
            None,
            [TimedStep(at=at(59), to=NIGHT)],
            [TimedStep(at=at(60), to=BOSS)],
            [TimedStep(at=at(60), to=NIGHT), TimedStep(at=at(61), to=BOSS)],
        ],
    )
    def test_with_other_people_or_at_another_time(self, steps: list[TimedStep] | None) -> None:
        there, wanted = opened(self.CLIMBS), opened(self.CLIMBS)
        forged = amend(there, spec=amend(there.spec, policy=amend(there.spec.policy, escalation=steps)))
        assert find_mismatch(forged, wanted) is not None
        plan = document(run_plan(planned(), gate=self.CLIMBS))
        assert find_difference(plan, wanted) is None
        assert "The rule by which it was approved is not the one of its plan" in str(find_difference(plan, forged))


CHAT = {"slack": {"webhook": {"secretRef": {"name": "s"}}}}


def climbing(*voted: str, taken: tuple[int, ...] = (), required: int = 2, **status: Any) -> Approval:
    """Return an open gate with the ladder, on which these have approved and these steps were told of."""
    votes = {each: vote("Approve", 1) for each in voted}
    spec = gate(votes, required=required, escalation=LADDER)
    steps = [TakenStep(at=LADDER[each].at, done_at=LADDER[each].at) for each in taken]
    said = list(count(spec, NOW).decisions)
    return approval(spec, escalation=steps, decisions=said, **status)


def look(there: Approval, now: datetime, routing: Routing | None = None) -> Plan[Any]:
    known = ApprovalSnapshot(there, run(), {VERIFY: Verified()}, routing=routing or Routing())
    return plan_approval(known, now)


def told(plan: Plan[Any]) -> list[str]:
    return [entry.id for entry in plan.status.notifications if entry.channel == "chat"]


@pytest.mark.parametrize(
    ("minute", "taken", "messages", "done", "wake"),
    [
        (5, (), [], 0, 30),
        (30, (), ["ApprovalReminder/2026-11-24T12:30:00Z/chat"], 1, 60),
        (31, (0,), [], 1, 60),
        (60, (0,), ["ApprovalEscalated/2026-11-24T13:00:00Z/chat"], 2, 75),
        # the operator was away: one reminder, and all that were added at once
        (
            100,
            (),
            ["ApprovalReminder/2026-11-24T13:15:00Z/chat", "ApprovalEscalated/2026-11-24T13:30:00Z/chat"],
            4,
            120,
        ),
        (76, (0, 1), ["ApprovalReminder/2026-11-24T13:15:00Z/chat"], 3, 90),
        (110, (0, 1, 2, 3), [], 4, 120),
    ],
)
def test_each_step_is_told_of_once(
    minute: int, taken: tuple[int, ...], messages: list[str], done: int, wake: int
) -> None:
    plan = look(climbing(taken=taken), at(minute))
    assert (told(plan), len(plan.status.escalation), plan.wake_at) == (messages, done, at(wake))
    again = look(climbing(taken=taken).model_copy(update={"status": plan.status}), at(minute) + timedelta(seconds=1))
    assert told(again) == messages and again.status.escalation == plan.status.escalation


@pytest.mark.parametrize(("step", "expected"), [(at(20), at(20)), (at(-1), at(90)), (at(100), at(90))])
def test_it_is_looked_at_again_at_its_next_step_or_its_end(step: datetime, expected: datetime) -> None:
    """Also where a step stands behind the end, as no gate is opened."""
    rule = amend(policy_of(stage(), at(90)), escalation=[TimedStep(at=step)])
    assert next_moment(rule, NOW) == expected


def test_one_write_says_who_may_decide_now_and_who_comes_next() -> None:
    plan = look(climbing("lead-1", taken=(0,)), at(61))
    assert plan.status.waiting_for == ["night-1", "group platform-leads", "group sre-oncall"]
    assert plan.status.escalation[-1] == TakenStep(at=at(60), done_at=at(61))
    assert plan.status.message == (
        "Waiting for 1 more of night-1, group platform-leads, group sre-oncall until 2026-11-24 14:00 UTC;"
        " from 2026-11-24 13:30 UTC also boss"
    )
    (said,) = (entry.message for entry in plan.status.notifications if entry.channel == "chat")
    assert said.startswith(
        "Not decided yet, so since 2026-11-24 13:00 UTC night-1, group sre-oncall may decide as well. "
    )


@pytest.mark.parametrize(("voted", "state"), [("lead-1", ApprovalState.APPROVED), ("", ApprovalState.EXPIRED)])
def test_what_has_ended_meanwhile_reminds_nobody(voted: str, state: ApprovalState) -> None:
    plan = look(climbing(*voted.split(), required=1), at(150))
    assert (plan.status.state, told(plan), plan.status.escalation) == (state, [], [])


def test_what_was_held_until_the_end_is_not_told() -> None:
    held = Notification(
        id="ApprovalReminder/x/chat", event=REMINDER, channel="chat", at=at(30), not_before=at(100), message="Waiting"
    )
    failing = amend(held, id="ApprovalEscalated/x/chat", event=ESCALATED, not_before=None, attempts=1, error="no")
    sent = amend(held, id="ApprovalReminder/y/chat", state=DeliveryState.SENT, attempts=1)
    other = amend(held, id="StatusForged/chat", event=EventType.STATUS_FORGED)
    there = climbing("lead-1", required=1, notifications=[held, failing, sent, other])
    states = [entry.state.value for entry in look(there, at(91)).status.notifications]
    assert states == ["Skipped", "Skipped", "Sent", "Pending"]


MAIL = NotificationChannelSpec.model_validate(
    {"email": {"server": "mail.example.com:25", "from": "pratique@example.com", "addressFrom": "${user}@x.org"}}
)


WHO_ASKS = Directory(users={"developer@example.com": Contact(email="developer@x.org")})


def test_who_is_told() -> None:
    """A reminder is for who was asked and has not decided; an escalation for whom it adds."""
    groups = {
        "platform-leads": GroupContact(members=["lead-1", "lead-2", "developer@example.com", "gone"]),
        "sre-oncall": GroupContact(members=["night-2", "lead-1"]),
    }
    routing = Routing({"chat": MAIL}, amend(WHO_ASKS, groups=groups))
    there = climbing("lead-1")
    there = amend(there, spec=amend(there.spec, excluded=["Gone"]))
    plan = look(there, at(65), routing)
    asked: dict[EventType, list[str]] = {REMINDER: [], ESCALATED: []}
    for entry in plan.status.notifications:
        if entry.recipient is not None:
            asked[entry.event].append(entry.recipient.name)
    assert asked == {REMINDER: ["lead-2"], ESCALATED: ["night-1", "developer@example.com", "night-2"]}


def test_who_asks_hears_of_it_when_it_disturbs_nobody_and_without_the_commands() -> None:
    night = amend(MAIL, quiet_hours=QuietHours(start="00:00", end="23:00", time_zone="UTC"))
    daily = amend(MAIL, digest=Digest(every="1d"))
    for spec, until in ((night, at(11 * 60)), (daily, at(12 * 60))):
        there = climbing(taken=(0,))
        plan = look(there, at(65), Routing({"chat": spec}, WHO_ASKS))
        there = amend(there, status=plan.status)
        found = {entry.recipient.name: entry for entry in plan.status.notifications if entry.recipient is not None}
        assert {name: entry.not_before for name, entry in found.items()} == {
            "developer@example.com": until,
            "night-1": None,
        }
        assert compose_approval(there, found["developer@example.com"]).how_to_decide == ()
        assert [label for label, _ in compose_approval(there, found["night-1"]).how_to_decide] == ["Approve", "Decline"]
        assert compose_approval(there, found["night-1"]).audience.groups == ("sre-oncall",)
    only = amend(climbing().spec.notifications[0], to=[Audience.APPROVERS])
    quiet = amend(climbing(), spec=amend(climbing().spec, notifications=[only]))
    plan = look(quiet, at(65), Routing({"chat": MAIL}, WHO_ASKS))
    assert "developer@example.com" not in {each.recipient.name for each in plan.status.notifications if each.recipient}


@pytest.mark.parametrize(
    ("who", "groups", "minute", "expected"),
    [
        ("night-1", [], 59, False),
        ("night-1", [], 60, True),
        ("night-2", ["sre-oncall"], 59, False),
        ("night-2", ["sre-oncall"], 61, True),
        ("developer@example.com", ["sre-oncall"], 61, False),
        ("boss", [], 89, False),
        ("boss", [], 90, True),
        ("boss", [], 120, False),
    ],
)
def test_an_inbox_has_it_from_that_moment_on(who: str, groups: list[str], minute: int, expected: bool) -> None:
    assert awaits(climbing().spec, who, groups, at(minute)) is expected


def test_a_reminder_goes_with_several_rules() -> None:
    of = stage(
        approvers=Approvers(users=["lead-1"]),
        alternatives=[Quorum(approvers=RuleApprovers(groups=["ops"]), required=2)],
        escalation=[EscalationStep(after="1h")],
    )
    plan = look(approval(gate(**dict(policy_of(of, DEADLINE)))), at(60))
    assert plan.status.message == "Waiting for 1 more of lead-1 or 2 more of group ops until 2026-11-24 14:00 UTC"
    assert told(plan) == ["ApprovalReminder/2026-11-24T13:00:00Z/chat"]


def test_how_a_ladder_reads() -> None:
    of = written(("30m", None), ("1h", NIGHT))
    assert stage_phrase(of) == "1 of group platform-leads (after 1h also night-1, group sre-oncall)"
    assert policy_phrase(policy_of(of, DEADLINE)) == (
        "1 of group platform-leads; from 2026-11-24 13:00 UTC also night-1, group sre-oncall"
    )


def test_a_version_before_finds_no_stage_where_people_are_added() -> None:
    """It would not count them: a decline by one of them must not be passed over."""
    reminded, added = stage(escalation=[EscalationStep(after="1h")]), written(("1h", NIGHT))
    assert gates_of_plan(ApprovalRules(stages=[reminded]), [reminded])["gate"] == reminded
    kept = gates_of_plan(ApprovalRules(stages=[added]), [added])
    assert (kept["gate"], kept["gates"]) == (None, [added])


@pytest.mark.parametrize(
    ("users", "added", "fits"),
    [
        (["ann"], [], False),
        (["ann"], ["bob"], True),
        (["ann"], ["Ann", "ANN"], False),
        (["ann"], ["group ops"], True),
    ],
)
def test_what_could_never_be_approved_counts_whom_a_step_adds(users: list[str], added: list[str], fits: bool) -> None:
    named = [name for name in added if not name.startswith("group ")]
    grouped = [name.removeprefix("group ") for name in added if name.startswith("group ")]
    steps = [EscalationStep(after="1h", to=Added(users=named, groups=grouped))] if added else []
    one = stage(approvers=Approvers(users=users), escalation=steps)
    assert (find_unsatisfiable([one], ("ANN",), SamePeople.FORBID) == []) is fits
    two = [one, stage(name="other", approvers=Approvers(users=["ann"]))]
    assert (find_unsatisfiable(two, (), SamePeople.FORBID) == []) is fits
