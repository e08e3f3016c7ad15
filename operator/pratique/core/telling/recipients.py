"""Decides to whom, of the people and groups of a request, a channel sends an event: each once, and nobody for nothing.

Being told is not the same as being allowed to decide: an Action says who is told, `policy` who decides. Must not decide
what is told or when (`outbox` does). Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pratique.api.v1alpha1.notification_channel import NotificationChannelSpec
from pratique.api.v1alpha1.notifications import (
    Audience,
    EventType,
    NotificationRule,
    Recipient,
    RecipientKind,
)
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.kernel.identity import fold, is_among
from pratique.core.telling.directory import Directory, Medium, Reach, address_of, is_email, is_slack
from pratique.core.telling.events import EVENTS

MAX_RECIPIENTS = 32
"""For one event through one channel: a group of more people wants an address of its own."""
NOTIFY_EMAIL, NOTIFY_SLACK = "pratique.dev/notify-email", "pratique.dev/notify-slack"
"""Annotations by which a run or an Environment names further places for what its requester is told."""
_MAX_ANNOTATED = 4


@dataclass(frozen=True)
class Routing:
    """What is known about reaching people: the channels by name, and the directory."""

    channels: Mapping[str, NotificationChannelSpec] = field(default_factory=dict)
    directory: Directory = field(default_factory=Directory)


@dataclass(frozen=True)
class Stakeholders:
    """Whom an object concerns, and by which rules it tells them.

    `askers` are all who ask, `requester` is the one of them who is told. `deciders` need not hear what they decided.
    `decided` are all who have decided: they are asked no more. `asked` says which people an event asks, where that is not
    all approvers. `before` says after which moment an event is of no use any more.
    """

    rules: tuple[NotificationRule, ...] = ()
    approvers: Approvers | None = None
    requester: str = ""
    askers: tuple[str, ...] = ()
    deciders: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[EventType, datetime] = field(default_factory=dict)
    decided: tuple[str, ...] = ()
    asked: Mapping[EventType, Approvers] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """Who is told, and the names of those for whom no address is known or for whom there was no room."""

    recipients: tuple[Recipient, ...] = ()
    unreachable: tuple[str, ...] = ()
    too_many: tuple[str, ...] = ()


def choose_recipients(
    event: EventType, channel: str, reach: Reach, stakeholders: Stakeholders, directory: Directory
) -> Choice:
    """Return whom a channel that reaches people tells of an event."""
    rules = [rule for rule in stakeholders.rules if event in rule.events and channel in rule.channels]
    roles = {role for rule in rules for role in _roles(rule, event)}
    users, groups = _named(rules, roles, event, stakeholders)
    by_list = {group for group in groups if address_of(directory, reach, _group(group)) is not None}
    reached = {fold(name) for group in by_list for name in _members(directory, group)}
    singly = [name for name in users if fold(name) not in reached]
    singly += [name for group in groups if group not in by_list for name in _members(directory, group)]
    wanted = [
        *(Recipient(kind=RecipientKind.ADDRESS, name=each) for each in _fixed(reach, roles, stakeholders)),
        *(_group(group) for group in groups if group in by_list or not _members(directory, group)),
        *(_user(name) for name in singly if not _is_left_out(name, event, stakeholders, roles)),
    ]
    return _each_once(wanted, reach, directory)


def _roles(rule: NotificationRule, event: EventType) -> list[Audience]:
    info = EVENTS[event]
    concerned = [each for each in (info.audience, info.quietly) if each is not None]
    return concerned if rule.to is None else rule.to


def _named(
    rules: Iterable[NotificationRule], roles: Iterable[Audience], event: EventType, stakeholders: Stakeholders
) -> tuple[list[str], list[str]]:
    """Return users and groups in a stable order, each once."""
    users, groups = list[str](), list[str]()
    approvers = stakeholders.asked.get(event, stakeholders.approvers)
    if Audience.APPROVERS in roles and approvers is not None:
        users += [name for name in sorted(approvers.users) if not is_among(name, stakeholders.askers)]
        groups += sorted(approvers.groups)
    if Audience.REQUESTER in roles and stakeholders.requester:
        users.append(stakeholders.requester)
    for people in (rule.people for rule in rules if rule.people is not None):
        users += sorted(people.users)
        groups += sorted(people.groups)
    return list(dict.fromkeys(users)), list(dict.fromkeys(groups))


def _is_left_out(name: str, event: EventType, stakeholders: Stakeholders, roles: Iterable[Audience]) -> bool:
    """Who asked, or has decided, is not asked to decide, and who decided is not told that it was decided."""
    if event is EventType.HANDLED:
        return is_among(name, stakeholders.deciders)
    if Audience.REQUESTER in roles and is_told_quietly(name, event, stakeholders):
        return False
    return EVENTS[event].asks and is_among(name, (*stakeholders.askers, *stakeholders.decided))


def is_told_quietly(name: str, event: EventType, stakeholders: Stakeholders) -> bool:
    """Whether somebody hears of an event that is not for them: the requester, of what others are asked."""
    return EVENTS[event].quietly is Audience.REQUESTER and is_among(name, (stakeholders.requester,))


def _members(directory: Directory, group: str) -> list[str]:
    found = directory.groups.get(group)
    return list(found.members) if found is not None else []


def _fixed(reach: Reach, roles: Iterable[Audience], stakeholders: Stakeholders) -> list[str]:
    """Return the addresses that the channel names, and those that the object's annotations name, where it may."""
    return [*reach.fixed, *(_annotated(reach, stakeholders) if Audience.REQUESTER in roles else ())]


def _annotated(reach: Reach, stakeholders: Stakeholders) -> list[str]:
    key = NOTIFY_EMAIL if reach.medium is Medium.EMAIL else NOTIFY_SLACK
    names = [part.strip() for part in stakeholders.annotations.get(key, "").split(",", _MAX_ANNOTATED)][:_MAX_ANNOTATED]
    if reach.medium is Medium.SLACK:
        return [each for each in names if reach.annotated and is_slack(each)]
    return [each for each in names if is_email(each) and each.rpartition("@")[2].lower() in reach.domains]


def _each_once(wanted: Iterable[Recipient], reach: Reach, directory: Directory) -> Choice:
    """Keep the first of those who are reached at one address."""
    taken, unreachable, too_many = dict[str, Recipient](), dict[str, None](), dict[str, None]()
    for each in wanted:
        address, shown = address_of(directory, reach, each), name_of(each)
        if address is None:
            unreachable[shown] = None
        elif address.lower() in taken:
            continue
        elif len(taken) >= MAX_RECIPIENTS:
            too_many[shown] = None
        else:
            taken[address.lower()] = each
    return Choice(tuple(taken.values()), tuple(unreachable), tuple(too_many))


def name_of(recipient: Recipient) -> str:
    """Return a recipient as people read it: `lead@example.com`, `group platform-leads`."""
    return f"group {recipient.name}" if recipient.kind is RecipientKind.GROUP else recipient.name


def _user(name: str) -> Recipient:
    return Recipient(kind=RecipientKind.USER, name=name)


def _group(name: str) -> Recipient:
    return Recipient(kind=RecipientKind.GROUP, name=name)
