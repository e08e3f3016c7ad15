"""Decides what is told of a gate that no run waits for: it asks for itself, and says itself how it ended. Pure.

Called by `plan`, which decides about it as about any other; of a gate of a run, the run tells all this.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pratique.api.v1alpha1.approval import Approval, ApprovalState, ApprovalStatus
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType, NotificationRule, RoutedEvent
from pratique.core.gates.guarded import ends_now
from pratique.core.kernel.effects import Plan
from pratique.core.kernel.errors import ConfigurationError
from pratique.core.kernel.happened import Happened
from pratique.core.telling.wording import say_ended

_EVENTS: tuple[RoutedEvent, ...] = (
    EventType.APPROVAL_REQUESTED,
    EventType.ASKED,
    EventType.ANSWERED,
    EventType.APPROVED,
    EventType.DECLINED,
    EventType.EXPIRED,
    EventType.WITHDRAWN,
    EventType.SUPERSEDED,
    EventType.HANDLED,
    EventType.STATUS_FORGED,
)
_NAME = re.compile("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
MAX_CHANNELS = 8
_TOLD = {
    ApprovalState.APPROVED: (EventType.APPROVED, EventType.HANDLED),
    ApprovalState.DECLINED: (EventType.DECLINED, EventType.HANDLED),
    ApprovalState.EXPIRED: (EventType.EXPIRED, EventType.HANDLED),
    ApprovalState.WITHDRAWN: (EventType.WITHDRAWN,),
    ApprovalState.SUPERSEDED: (EventType.SUPERSEDED, EventType.HANDLED),
}


class GateChannelsError(ConfigurationError):
    """The option is wrong; the message says how to write it."""


@dataclass(frozen=True)
class GateChannels:
    """Through which channels gates without a run tell, since who creates one cannot choose: by namespace, "" for others."""

    by_namespace: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def rules_for(self, namespace: str) -> tuple[NotificationRule, ...]:
        """Return by which rules those of a namespace tell."""
        channels = self.by_namespace.get(namespace) or self.by_namespace.get("", ())
        return (NotificationRule(channels=list(channels), events=list(_EVENTS)),) if channels else ()


def gate_channels_of(values: Iterable[str]) -> GateChannels:
    """Return what the option says: `CHANNEL` for all namespaces, `NAMESPACE=CHANNEL` for one; more than one with commas."""
    found: dict[str, tuple[str, ...]] = {}
    for value in values:
        namespace, _, channels = value.rpartition("=")
        names = tuple(name.strip() for name in channels.split(","))
        if not all(map(_NAME.fullmatch, names)) or ("=" in value and not _NAME.fullmatch(namespace)):
            raise GateChannelsError(f"--gate-channel: {value}: write CHANNEL, or NAMESPACE=CHANNEL, by their names")
        found[namespace] = (*found.get(namespace, ()), *names)
        if len(found[namespace]) > MAX_CHANNELS:
            raise GateChannelsError(f"--gate-channel: {value}: {MAX_CHANNELS} channels are the most for one namespace")
    return GateChannels(found)


def is_new(approval: Approval) -> bool:
    """Whether nobody has looked at this gate before: its approvers are still to be told."""
    return approval.spec.is_standalone and not approval.status.is_counted


def say_asked(approval: Approval, waiting: str) -> Happened:
    """Return what approvers are told of a gate that was just created."""
    return Happened(
        f"{approval.spec.subject.title}: {waiting[:1].lower()}{waiting[1:]}", (EventType.APPROVAL_REQUESTED,)
    )


def tell_end(before: Approval, plan: Plan[ApprovalStatus]) -> Plan[ApprovalStatus]:
    """Return the plan, with what people are told if it ends a gate without a run."""
    state = plan.status.state
    if not before.spec.is_standalone or not ends_now(before.status, plan.status):
        return plan
    ended = say_ended(amend(before, status=plan.status))
    return plan.and_that(Happened(f"{before.spec.subject.title}: {ended}", _TOLD[state]))
