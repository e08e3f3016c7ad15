"""To whom an event goes through a channel that reaches people: a table of who is told, each once."""

from typing import Any

import pytest

from pratique.api.v1alpha1.notifications import EventType, NotificationRule
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.telling.directory import Medium, Reach, parse_directory
from pratique.core.telling.recipients import (
    MAX_RECIPIENTS,
    NOTIFY_EMAIL,
    NOTIFY_SLACK,
    Stakeholders,
    choose_recipients,
    name_of,
)

DEV, LEAD1, LEAD2, BOSS = "developer@example.com", "lead-1@example.com", "lead-2@example.com", "boss@example.com"
DIRECTORY = parse_directory("""
users:
  sam@example.com: {email: lead-1@example.com}
groups:
  platform-leads: {members: [lead-1@example.com, lead-2@example.com]}
  security: {members: [lead-2@example.com, sec@example.com]}
  directors: {email: directors@lists.example.com, members: [boss@example.com]}
""")
BY_NAME = Reach(Medium.EMAIL, rule="Username")
REQUESTED, APPROVED, HANDLED = EventType.APPROVAL_REQUESTED, EventType.APPROVED, EventType.HANDLED


def told(
    event: EventType,
    rules: list[dict[str, Any]] | None = None,
    *,
    reach: Reach = BY_NAME,
    users: tuple[str, ...] = (),
    groups: tuple[str, ...] = (),
    **more: Any,
) -> list[str]:
    wanted = [
        NotificationRule.model_validate({"channels": ["mail"], "events": [event], **rule}) for rule in rules or [{}]
    ]
    approvers = Approvers(users=list(users), groups=list(groups)) if users or groups else None
    stakeholders = Stakeholders(tuple(wanted), approvers, DEV, (DEV,), **more)
    found = choose_recipients(event, "mail", reach, stakeholders, DIRECTORY)
    return [name_of(each) for each in found.recipients] + [f"? {name}" for name in found.unreachable]


@pytest.mark.parametrize(
    ("event", "rules", "users", "groups", "expected"),
    [
        (REQUESTED, [{}], [LEAD1], [], [LEAD1]),
        (REQUESTED, [{}], [], ["platform-leads"], [LEAD1, LEAD2]),
        (REQUESTED, [{}], [LEAD1], ["platform-leads"], [LEAD1, LEAD2]),
        (REQUESTED, [{}], [], ["platform-leads", "security"], [LEAD1, LEAD2, "sec@example.com"]),
        (REQUESTED, [{}], [], ["nobody-knows"], ["? group nobody-knows"]),
        (REQUESTED, [{}], [], ["directors"], ["group directors"]),
        (REQUESTED, [{}], [BOSS], ["directors"], ["group directors"]),
        (REQUESTED, [{}], [LEAD1, "sam@example.com"], [], [LEAD1]),
        (REQUESTED, [{}], [DEV, LEAD1], [], [LEAD1]),
        (REQUESTED, [{}], ["system:serviceaccount:a:b"], [], ["? system:serviceaccount:a:b"]),
        (REQUESTED, [{"to": ["Requester"]}], [LEAD1], [], []),
        (REQUESTED, [{"to": ["Approvers"]}], [LEAD1], [], [LEAD1]),
        (REQUESTED, [{"to": []}], [LEAD1], [], []),
        (REQUESTED, [{"to": [], "people": {"users": [BOSS]}}], [LEAD1], [], [BOSS]),
        (
            REQUESTED,
            [{"people": {"users": [LEAD2], "groups": ["security"]}}],
            [LEAD1],
            [],
            [LEAD1, LEAD2, "sec@example.com"],
        ),
        (REQUESTED, [{}, {"to": [], "people": {"users": [BOSS]}}], [LEAD1], [], [LEAD1, BOSS]),
        (REQUESTED, [{"channels": ["other"]}], [LEAD1], [], []),
        (APPROVED, [{}], [LEAD1], [], [DEV]),
        (APPROVED, [{"to": ["Approvers", "Requester"]}], [LEAD1], [], [LEAD1, DEV]),
        (APPROVED, [{"to": ["Approvers"]}], [], [], []),
    ],
)
def test_who_is_told(
    event: EventType, rules: list[dict[str, Any]], users: list[str], groups: list[str], expected: list[str]
) -> None:
    assert told(event, rules, users=tuple(users), groups=tuple(groups)) == expected


def test_who_decided_is_not_told_that_it_was_decided() -> None:
    assert told(HANDLED, users=(LEAD1, LEAD2), deciders=(LEAD1.upper(),)) == [LEAD2]


def test_nobody_asks_for_somebody_unknown() -> None:
    rule = NotificationRule(channels=["mail"], events=[APPROVED])
    assert choose_recipients(APPROVED, "mail", BY_NAME, Stakeholders((rule,)), DIRECTORY).recipients == ()


def test_fixed_addresses_are_told_all() -> None:
    reach = Reach(Medium.EMAIL, rule="Username", fixed=("team@example.com", DEV))
    assert told(APPROVED, reach=reach) == ["team@example.com", DEV]
    assert told(REQUESTED, [{"to": []}], reach=reach) == ["team@example.com", DEV]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("team-a@example.com", ["team-a@example.com"]),
        ("team-a@EXAMPLE.com , b@example.com", ["team-a@EXAMPLE.com", "b@example.com"]),
        ("team-a@evil.example.net", []),
        ("not an address", []),
        ("a@example.com,b@example.com,c@example.com,d@example.com,e@example.com", ["a", "b", "c", "d"]),
        ("", []),
    ],
)
def test_an_annotation_names_addresses_of_domains_that_the_channel_allows(value: str, expected: list[str]) -> None:
    reach = Reach(Medium.EMAIL, domains=("example.com",))
    annotations = {NOTIFY_EMAIL: value}
    seen = [name for name in told(APPROVED, reach=reach, annotations=annotations) if not name.startswith("?")]
    assert seen == [name if "@" in name else f"{name}@example.com" for name in expected]
    assert told(REQUESTED, reach=reach, users=(LEAD1,), annotations=annotations) == [f"? {LEAD1}"]


def test_an_annotation_names_slack_ids_where_the_channel_allows_it() -> None:
    annotations = {NOTIFY_SLACK: "C0TEAM, nonsense"}
    assert told(APPROVED, reach=Reach(Medium.SLACK, annotated=True), annotations=annotations) == ["C0TEAM", f"? {DEV}"]
    assert told(APPROVED, reach=Reach(Medium.SLACK), annotations=annotations) == [f"? {DEV}"]


def test_a_crowd_is_cut_and_named() -> None:
    crowd = tuple(f"user-{at:02d}@example.com" for at in range(32))
    rule = NotificationRule.model_validate(
        {
            "channels": ["mail"],
            "events": [REQUESTED],
            "people": {"users": [f"more-{at}@example.com" for at in range(3)]},
        }
    )
    stakeholders = Stakeholders((rule,), Approvers(users=list(crowd)), DEV, (DEV,))
    found = choose_recipients(REQUESTED, "mail", BY_NAME, stakeholders, DIRECTORY)
    assert len(found.recipients) == MAX_RECIPIENTS
    assert found.too_many == ("more-0@example.com", "more-1@example.com", "more-2@example.com")
