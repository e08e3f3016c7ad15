"""Gates that no run waits for: whom they ask, how they end, what is told of it, and through which channels."""

from datetime import timedelta
from typing import Any

import pytest
from tests.builders.models import DEADLINE, NOW, approval, gate, vote

from pratique.api.v1alpha1.approval import Approval, ApprovalState, ApprovalStatus
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.subject import Subject
from pratique.core.gates.doubt import may_be_forged
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval
from pratique.core.gates.standalone import GateChannels, GateChannelsError, gate_channels_of
from pratique.core.kernel.effects import Plan, Verified
from pratique.core.telling.messages import compose_approval, title_of

APPROVER = "lead-1@example.com"
TITLE = "Deploy orders 1.4.2"
RULES = GateChannels({"": ("chat",)}).rules_for("team-a")
GUARDED = {VERIFY: Verified()}


def alone(decisions: Any = None, *, withdrawn: bool | None = None, **status: Any) -> Approval:
    """Return a gate of a pipeline, with these decisions."""
    spec = amend(gate(decisions), plan=None, action="", stage="", notifications=[], withdrawn=withdrawn)
    subject = Subject(title=TITLE, url="https://ci.example.com/812")
    return approval(amend(spec, subject=subject), **status)


def look(found: Approval, tainted: str | None = None, later: timedelta = timedelta()) -> Plan[ApprovalStatus]:
    """Return what is decided, if the API server guarded."""
    return plan_approval(ApprovalSnapshot(found, None, GUARDED, rules=RULES, tainted=tainted), NOW + later)


def told(plan: Plan[ApprovalStatus]) -> list[tuple[str, str]]:
    return [(each.event.value, each.channel) for each in plan.status.notifications if each.channel == "chat"]


@pytest.mark.parametrize("born", ["", "0"])
def test_the_first_look_asks_its_approvers_and_the_next_says_nothing(born: str) -> None:
    """As it is born it says that nobody has approved; a version before left that out."""
    assert Approval.default_status["tally"] == "0"
    first = look(alone(tally=born))
    assert told(first) == [("ApprovalRequested", "chat")]
    assert first.status.tally == "0/1" and first.status.waiting_for == ["group platform-leads"]
    assert first.status.message.startswith("Waiting for 1 more of group platform-leads until ")
    assert first.wake_at == min(DEADLINE, first.wake_at or DEADLINE)
    asked = alone()
    again = look(amend(asked, status=first.status))
    assert told(again) == told(first)


@pytest.mark.parametrize(
    ("state", "found", "later", "events"),
    [
        (ApprovalState.APPROVED, alone({APPROVER: vote("Approve")}), timedelta(), ["Approved"]),
        (
            ApprovalState.DECLINED,
            alone({APPROVER: vote("Decline", comment="no")}),
            timedelta(),
            ["Declined"],
        ),
        (ApprovalState.EXPIRED, alone(), timedelta(days=400), ["Expired"]),
        (ApprovalState.WITHDRAWN, alone(withdrawn=True), timedelta(), ["Withdrawn"]),
    ],
)
def test_it_says_itself_how_it_ended(
    state: ApprovalState, found: Approval, later: timedelta, events: list[str]
) -> None:
    plan = look(found, later=later)
    assert plan.status.state is state
    assert [event for event, _ in told(plan)] == events
    assert plan.status.notifications[0].message.startswith(f"{TITLE}: ")
    settled = look(amend(found, status=amend(plan.status, notifications=[])), later=later)
    assert settled.status.state is state and not told(settled), "an end is told once, and stays"


def test_after_a_gap_it_ends_and_whoever_asked_is_told() -> None:
    plan = look(alone(), tainted="The API server did not guard")
    assert plan.status.state is ApprovalState.SUPERSEDED
    assert plan.status.message == "The API server did not guard: ask again"
    assert [event for event, _ in told(plan)] == ["Superseded"]
    assert look(amend(alone(), status=plan.status)).status.state is ApprovalState.SUPERSEDED


@pytest.mark.parametrize("state", ["Approved", "Declined", "Expired", "Withdrawn"])
def test_a_forged_end_is_put_right(state: str) -> None:
    plan = look(alone(state=ApprovalState(state)))
    assert plan.status.state is ApprovalState.PENDING
    assert "StatusForged" in [event for event, _ in told(plan)]


def test_an_open_one_is_in_doubt_after_a_gap_and_an_ended_one_is_not() -> None:
    body: dict[str, Any] = {"spec": {"subject": {"title": TITLE}}, "metadata": {"generation": 1}}
    assert may_be_forged(body, [])
    assert not may_be_forged({**body, "status": {"state": "Approved"}}, [])
    run = {"spec": {"subject": {"kind": "ActionRun"}}, "metadata": {"generation": 1}}
    assert not may_be_forged(run, [])


def test_approvers_read_what_it_is_about_and_where_more_is() -> None:
    plan = look(alone())
    entry = next(each for each in plan.status.notifications if each.channel == "chat")
    message = compose_approval(amend(alone(), status=plan.status), entry)
    assert message.headline == f"Approval needed: {TITLE} (team-a/gate)"
    assert dict(message.facts)["Read more"] == "https://ci.example.com/812"
    assert "Action" not in dict(message.facts)
    assert [label for label, _ in message.how_to_decide] == ["Approve", "Decline"]
    assert message.thread == "a1", "it is a thread of its own"
    assert title_of(approval()) == "create-environment"


def test_its_channels_are_those_of_its_namespace_or_of_all() -> None:
    channels = gate_channels_of(["leads", "team-a=chat, mail", "team-a=pager"])
    assert [each.channels for each in channels.rules_for("team-a")] == [["chat", "mail", "pager"]]
    assert [each.channels for each in channels.rules_for("team-b")] == [["leads"]]
    assert EventType.APPROVAL_REQUESTED in channels.rules_for("team-b")[0].events
    assert gate_channels_of([]).rules_for("team-a") == ()


@pytest.mark.parametrize(
    "wrong", ["", "=chat", "Team=chat", "team-a=", "team-a=one,,two", "team-a=" + ",".join("abcdefghi")]
)
def test_a_channel_that_is_no_name_is_an_error(wrong: str) -> None:
    with pytest.raises(GateChannelsError, match="--gate-channel: "):
        gate_channels_of([wrong])
