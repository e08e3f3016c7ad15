"""The table of all that people are told about: one row per event, in one place.

What comes later is one member of `EventType` and one row here. Must not decide who
is told (`recipients` does), nor when (`outbox` does).
"""

from typing import NamedTuple

from pratique.api.v1alpha1.notifications import Audience, EventType


class EventInfo(NamedTuple):
    """What is the same for every message about an event. `type`, `reason` and `action` are of the Kubernetes Event."""

    audience: Audience
    headline: str
    type: str
    reason: str
    action: str
    on_object: bool = True
    """Whether it is written as a Kubernetes Event too, which asks nobody's leave."""
    echoes: bool = False
    """Whether it says nothing new to who is told of another event by the same write."""
    urgent: bool = False
    """Whether it waits for no quiet hours."""
    collected: bool = True
    """Whether a digest may collect it."""
    asks: bool = False
    """Whether it asks for a decision: it says how to give one, and is of no use once there is one."""
    quietly: Audience | None = None
    """Who hears of it besides, through channels that reach people, and not before it disturbs nobody."""


_NORMAL, _WARNING = "Normal", "Warning"
_APPROVERS, _REQUESTER = Audience.APPROVERS, Audience.REQUESTER


def _info(
    event: EventType,
    audience: Audience,
    headline: str,
    kind: str,
    action: str,
    *,
    on_object: bool = True,
    echoes: bool = False,
    urgent: bool = False,
    asks: bool = False,
    quietly: Audience | None = None,
) -> tuple[EventType, EventInfo]:
    collected = not (urgent or asks)
    name = event.value
    info = EventInfo(audience, headline, kind, name, action, on_object, echoes, urgent, collected, asks, quietly)
    return event, info


EVENTS: dict[EventType, EventInfo] = dict(
    (
        _info(EventType.APPROVAL_REQUESTED, _APPROVERS, "Approval needed", _NORMAL, "RequestApproval", asks=True),
        _info(EventType.APPROVAL_REMINDER, _APPROVERS, "Approval still needed", _NORMAL, "Remind", asks=True),
        _info(
            EventType.APPROVAL_ESCALATED,
            _APPROVERS,
            "Approval needed, now of you too",
            _NORMAL,
            "Escalate",
            asks=True,
            quietly=_REQUESTER,
        ),
        _info(EventType.ASKED, _REQUESTER, "An approver asks", _NORMAL, "Ask"),
        _info(EventType.ANSWERED, _APPROVERS, "A question is answered", _NORMAL, "Answer", asks=True),
        _info(EventType.APPROVED, _REQUESTER, "Approved", _NORMAL, "Decide"),
        _info(
            EventType.HANDLED,
            _APPROVERS,
            "Handled, nothing to decide any more",
            _NORMAL,
            "Decide",
            on_object=False,
            echoes=True,
        ),
        _info(
            EventType.GLASS_BROKEN,
            _APPROVERS,
            "Somebody broke the glass",
            _WARNING,
            "BreakGlass",
            urgent=True,
            quietly=_REQUESTER,
        ),
        _info(EventType.COUNTER_OFFERED, _REQUESTER, "Something else is offered", _WARNING, "Offer"),
        _info(EventType.REVIEW_DUE, _APPROVERS, "A break-glass is not reviewed yet", _WARNING, "Review", asks=True),
        _info(EventType.REVIEW_SIGNED, _REQUESTER, "Break-glass signed", _NORMAL, "Review"),
        _info(EventType.REVIEW_OBJECTED, _REQUESTER, "Break-glass objected to", _WARNING, "Review"),
        _info(EventType.DECLINED, _REQUESTER, "Declined", _WARNING, "Decide"),
        _info(EventType.EXPIRED, _REQUESTER, "Expired, nobody decided in time", _WARNING, "Decide"),
        _info(EventType.WITHDRAWN, _APPROVERS, "Withdrawn, nothing to decide any more", _NORMAL, "Withdraw"),
        _info(EventType.SUPERSEDED, _REQUESTER, "Superseded, ask again", _WARNING, "Supersede"),
        _info(EventType.REFUSED, _REQUESTER, "Refused", _WARNING, "Judge"),
        _info(EventType.RUNNING, _REQUESTER, "Started", _NORMAL, "Run", on_object=False, echoes=True),
        _info(EventType.SUCCEEDED, _REQUESTER, "Done", _NORMAL, "Run"),
        _info(EventType.FAILED, _REQUESTER, "Failed", _WARNING, "Run"),
        _info(EventType.OBJECT_ENDING, _REQUESTER, "Ends soon", _WARNING, "Expire"),
        _info(EventType.OBJECT_ENDED, _REQUESTER, "Ended", _NORMAL, "Expire"),
        _info(
            EventType.OBJECT_NOT_ENDED,
            _APPROVERS,
            "Could not be ended",
            _WARNING,
            "Expire",
            urgent=True,
            quietly=_REQUESTER,
        ),
        _info(EventType.STATUS_FORGED, _APPROVERS, "A forged status was put right", _WARNING, "Restore", urgent=True),
        _info(EventType.ENVIRONMENT_READY, _REQUESTER, "Environment ready", _NORMAL, "Create"),
        _info(EventType.ENVIRONMENT_EXPIRING, _REQUESTER, "Environment ends soon", _WARNING, "Expire"),
        _info(EventType.ENVIRONMENT_PROTECTED, _REQUESTER, "Environment kept beyond its time", _WARNING, "Protect"),
        # Nothing is left soon that could hold these.
        _info(EventType.ENVIRONMENT_EXPIRED, _REQUESTER, "Environment ended", _NORMAL, "Expire", urgent=True),
        _info(
            EventType.ENVIRONMENT_GONE,
            _REQUESTER,
            "Environment gone",
            _NORMAL,
            "Delete",
            on_object=False,
            urgent=True,
        ),
        _info(EventType.NOTIFICATION_FAILED, _REQUESTER, "A message could not be delivered", _WARNING, "Notify"),
        _info(EventType.TEST, _APPROVERS, "Test", _NORMAL, "Test", on_object=False, urgent=True),
        _info(EventType.DIGEST, _APPROVERS, "What happened meanwhile", _NORMAL, "Notify", on_object=False),
    )
)
"""One row per event; a test holds it to `EventType`."""
ASKING = tuple(event for event, info in EVENTS.items() if info.asks)
