"""Decides where a person or a group is reached: the platform team's directory, then a channel's rule for names.

The directory is one ConfigMap in the operator's namespace, read by the edge. Nobody who asks or decides can write it, so
nobody can send another's messages to themselves. Called by `recipients`, which decides who is told at all.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import yaml
from pydantic import ConfigDict, Field, ValidationError

from pratique.api.v1alpha1.meta import ApiModel
from pratique.api.v1alpha1.notifications import Recipient, RecipientKind
from pratique.core.kernel.errors import ConfigurationError
from pratique.core.kernel.identity import fold, is_service_account

DIRECTORY_NAME, DIRECTORY_KEY = "pratique-directory", "directory.yaml"
USERNAME = "Username"
EMAIL_PATTERN = r"^[^\s@<>()\[\]\\,;:\"]{1,64}@[A-Za-z0-9]([-A-Za-z0-9.]{0,253}[A-Za-z0-9])?$"
SLACK_PATTERN = r"^[CGDUWS][A-Z0-9]{2,20}$"
_EMAIL, _SLACK = re.compile(EMAIL_PATTERN), re.compile(SLACK_PATTERN)
_LOCAL_PART = re.compile(r"[A-Za-z0-9._+-]{1,64}")

Email = Annotated[str, Field(max_length=320, pattern=EMAIL_PATTERN)]
SlackId = Annotated[str, Field(pattern=SLACK_PATTERN)]


class DirectoryError(ConfigurationError):
    """The directory cannot be used. The message names the field."""


class _Strict(ApiModel):
    model_config = ConfigDict(extra="forbid")


class Contact(_Strict):
    """Where one person is reached."""

    email: Email | None = None
    slack: SlackId | None = None


class GroupContact(Contact):
    """Where a group is reached: a mailing list, a Slack channel, or each of its members."""

    members: Annotated[list[str], Field(max_length=1000)] = []


class Directory(_Strict):
    """Addresses by user name and by group name."""

    users: dict[str, Contact] = {}
    groups: dict[str, GroupContact] = {}

    def user(self, name: str) -> Contact:
        """Return a person's contact, in any letter case; an empty one for somebody unknown."""
        found = self.users.get(name)
        if found is None:
            found = next((each for known, each in self.users.items() if fold(known) == fold(name)), Contact())
        return found


class Medium(StrEnum):
    """By what sort of address a channel reaches people."""

    EMAIL = "email"
    SLACK = "slack"


@dataclass(frozen=True)
class Reach:
    """How a channel reaches people. `rule` makes an e-mail address of a name that the directory does not have.

    `fixed` are addresses that are told all. `place` is whether it has a place besides. `domains` are those of which an
    annotation on a run may name e-mail addresses, `annotated` whether one may name Slack ids.
    """

    medium: Medium
    rule: str = ""
    fixed: tuple[str, ...] = ()
    place: bool = False
    domains: tuple[str, ...] = ()
    annotated: bool = False


def parse_directory(text: str) -> Directory:
    """Return the directory that a ConfigMap holds, or raise DirectoryError with the field that is wrong."""
    try:
        raw: Any = yaml.safe_load(text)
        return Directory.model_validate({} if raw is None else raw)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise DirectoryError(f"{DIRECTORY_KEY}: {where}this is not YAML") from None
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise DirectoryError(f"{DIRECTORY_KEY}: {path}: {first['msg']}") from None


def address_of(directory: Directory, reach: Reach, recipient: Recipient) -> str | None:
    """Return the address at which a channel reaches somebody; None if it is not known."""
    match recipient.kind:
        case RecipientKind.ADDRESS:
            return recipient.name
        case RecipientKind.GROUP:
            contact: Contact = directory.groups.get(recipient.name, GroupContact())
            return contact.email if reach.medium is Medium.EMAIL else _channel(contact.slack)
    contact = directory.user(recipient.name)
    email = contact.email or _by_rule(reach.rule, recipient.name)
    return email if reach.medium is Medium.EMAIL else contact.slack or email


def slack_ids(directory: Directory, users: tuple[str, ...], groups: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the ids by which Slack mentions these people and groups, of those who have one."""
    people = [(name, directory.user(name).slack) for name in users]
    teams = [(name, directory.groups.get(name, GroupContact()).slack) for name in groups]
    return tuple((name, found) for name, found in [*people, *teams] if found is not None and found[0] in "UWS")


def is_email(text: str) -> bool:
    """Whether a text is one e-mail address and nothing else."""
    return len(text) <= 320 and _EMAIL.fullmatch(text) is not None


def is_slack(text: str) -> bool:
    """Whether a text is the id of a Slack user or channel."""
    return _SLACK.fullmatch(text) is not None


def _by_rule(rule: str, username: str) -> str | None:
    """Make an address of a user name. Nothing is made of the name of a ServiceAccount: nobody reads there."""
    if not rule or is_service_account(username):
        return None
    if rule == USERNAME:
        return username if is_email(username) else None
    if _LOCAL_PART.fullmatch(username) is None:
        return None
    made = rule.replace("${user}", username)
    return made if is_email(made) else None


def _channel(slack: str | None) -> str | None:
    """A group is told where it reads together; the id of a user group can only be mentioned."""
    return slack if slack is not None and slack[0] in "CG" else None
