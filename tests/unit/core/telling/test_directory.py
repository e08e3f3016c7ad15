"""Where people and groups are reached: the directory, a channel's rule, and what neither may make."""

import pytest

from pratique.api.v1alpha1.notifications import Recipient, RecipientKind
from pratique.core.telling.directory import (
    Directory,
    DirectoryError,
    Medium,
    Reach,
    address_of,
    is_email,
    is_slack,
    parse_directory,
    slack_ids,
)

DIRECTORY = parse_directory("""
users:
  lead-1@example.com: {email: lead.one@corp.example.com, slack: U024BE7LH}
  Lead-2@example.com: {slack: W12345}
groups:
  platform-leads: {email: leads@lists.example.com, slack: C0LEADS}
  security: {slack: S0SEC}
  quiet: {members: [lead-1@example.com]}
""")
EMAIL, SLACK = Reach(Medium.EMAIL), Reach(Medium.SLACK)


def reached(reach: Reach, kind: RecipientKind, name: str) -> str | None:
    return address_of(DIRECTORY, reach, Recipient(kind=kind, name=name))


@pytest.mark.parametrize(
    ("reach", "kind", "name", "address"),
    [
        (EMAIL, "User", "lead-1@example.com", "lead.one@corp.example.com"),
        (EMAIL, "User", "LEAD-1@example.com", "lead.one@corp.example.com"),
        (EMAIL, "User", "lead-2@example.com", None),
        (EMAIL, "User", "nobody@example.com", None),
        (EMAIL, "Group", "platform-leads", "leads@lists.example.com"),
        (EMAIL, "Group", "security", None),
        (EMAIL, "Group", "nobody", None),
        (EMAIL, "Address", "team@example.com", "team@example.com"),
        (SLACK, "User", "lead-1@example.com", "U024BE7LH"),
        (SLACK, "User", "lead-2@example.com", "W12345"),
        (SLACK, "Group", "platform-leads", "C0LEADS"),
        (SLACK, "Group", "security", None),
        (SLACK, "Group", "quiet", None),
    ],
)
def test_the_directory_says_where(reach: Reach, kind: str, name: str, address: str | None) -> None:
    assert reached(reach, RecipientKind(kind), name) == address


@pytest.mark.parametrize(
    ("rule", "name", "address"),
    [
        ("Username", "new@example.com", "new@example.com"),
        ("Username", "new", None),
        ("Username", "new@example.com, other@example.com", None),
        ("Username", "a b@example.com", None),
        ("Username", "system:serviceaccount:team-a:robot", None),
        ("${user}@example.com", "new", "new@example.com"),
        ("${user}@example.com", "new@evil.example.com", None),
        ("${user}@example.com", "new>\r\nBcc: x", None),
        ("${user}@example.com", "system:serviceaccount:team-a:robot", None),
        ("it-${user}@example.com", "x" * 64, None),
        ("Username", "lead-1@example.com", "lead.one@corp.example.com"),
        ("", "new@example.com", None),
    ],
)
def test_a_rule_makes_an_address_of_a_name_or_none(rule: str, name: str, address: str | None) -> None:
    assert reached(Reach(Medium.EMAIL, rule=rule), RecipientKind.USER, name) == address


def test_slack_finds_by_email_whom_the_directory_does_not_have() -> None:
    assert reached(Reach(Medium.SLACK, rule="Username"), RecipientKind.USER, "new@example.com") == "new@example.com"


def test_mentions_are_of_those_who_have_an_id() -> None:
    users = ("lead-1@example.com", "nobody@example.com")
    assert slack_ids(DIRECTORY, users, ("security", "platform-leads", "nobody")) == (
        ("lead-1@example.com", "U024BE7LH"),
        ("security", "S0SEC"),
    )


@pytest.mark.parametrize("text", ["", "{}", "# nothing yet", "users: {}\ngroups: {}"])
def test_a_directory_may_be_empty(text: str) -> None:
    assert parse_directory(text) == Directory()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("users: [", "directory.yaml: line 1: this is not YAML"),
        ("- a", "directory.yaml: the whole: Input should be a valid dictionary or instance of Directory"),
        ("people: {}", "directory.yaml: people: Extra inputs are not permitted"),
        ("users: {lead@example.com: {mail: a@example.com}}", "users.lead@example.com.mail: Extra inputs"),
        ("users: {lead@example.com: {email: 'a@example.com, b@example.com'}}", "users.lead@example.com.email: String"),
        ("users: {lead@example.com: {slack: '@lead'}}", "users.lead@example.com.slack: String should match pattern"),
        ('users: {lead@example.com: {email: "a@example.com\\nBcc: b"}}', "users.lead@example.com.email: String"),
    ],
)
def test_what_is_wrong_with_a_directory_is_named(text: str, problem: str) -> None:
    with pytest.raises(DirectoryError) as error:
        parse_directory(text)
    assert problem in str(error.value)


def test_yaml_that_has_no_place_is_not_yaml_either() -> None:
    with pytest.raises(DirectoryError, match=r"directory.yaml: this is not YAML"):
        parse_directory("\x00")


def test_addresses() -> None:
    assert is_email("a@example.com") and not is_email("a@example.com\n") and not is_email("a@" + "x" * 400)
    assert is_slack("C0123") and not is_slack("c0123") and not is_slack("C0123|x")
