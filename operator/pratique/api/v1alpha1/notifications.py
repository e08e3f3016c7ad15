"""Whom the operator tells of what, and an entry of an object's outbox."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, WithJsonSchema

from pratique.api.v1alpha1.meta import ApiModel
from pratique.api.v1alpha1.people import People
from pratique.api.v1alpha1.scalars import Time
from pratique.api.v1alpha1.spelling import ObjectName


class EventType(StrEnum):
    """What people are told about; one vocabulary for Events, Slack and webhooks."""

    APPROVAL_REQUESTED = "ApprovalRequested"
    APPROVAL_REMINDER = "ApprovalReminder"
    APPROVAL_ESCALATED = "ApprovalEscalated"
    ASKED = "Asked"
    ANSWERED = "Answered"
    APPROVED = "Approved"
    HANDLED = "Handled"
    GLASS_BROKEN = "GlassBroken"
    COUNTER_OFFERED = "CounterOffered"
    REVIEW_DUE = "ReviewDue"
    REVIEW_SIGNED = "ReviewSigned"
    REVIEW_OBJECTED = "ReviewObjected"
    DECLINED = "Declined"
    EXPIRED = "Expired"
    WITHDRAWN = "Withdrawn"
    SUPERSEDED = "Superseded"
    REFUSED = "Refused"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    OBJECT_ENDING = "ObjectEnding"
    OBJECT_ENDED = "ObjectEnded"
    OBJECT_NOT_ENDED = "ObjectNotEnded"
    STATUS_FORGED = "StatusForged"
    ENVIRONMENT_READY = "EnvironmentReady"
    ENVIRONMENT_EXPIRING = "EnvironmentExpiring"
    ENVIRONMENT_PROTECTED = "EnvironmentProtected"
    ENVIRONMENT_EXPIRED = "EnvironmentExpired"
    ENVIRONMENT_GONE = "EnvironmentGone"
    NOTIFICATION_FAILED = "NotificationFailed"
    TEST = "Test"
    DIGEST = "Digest"


_NOT_ROUTED = (EventType.TEST, EventType.DIGEST)
RoutedEvent = Annotated[
    EventType,
    WithJsonSchema({"type": "string", "enum": [each.value for each in EventType if each not in _NOT_ROUTED]}),
]
"""What a rule can ask for. A test is asked for by a channel's annotation, a digest by its spec."""


class Audience(StrEnum):
    """Whom an event concerns."""

    APPROVERS = "Approvers"
    REQUESTER = "Requester"


class NotificationRule(ApiModel):
    """Which events go to which channels, and to whom where a channel reaches people."""

    channels: Annotated[
        list[ObjectName], Field(min_length=1, max_length=8, description="Names of NotificationChannels.")
    ]
    events: Annotated[
        list[RoutedEvent],
        Field(min_length=1, max_length=32, description="The events to tell; approvers are told ApprovalRequested."),
    ]
    to: Annotated[
        list[Audience] | None,
        Field(
            max_length=2,
            description="Which people, through channels that reach people: Approvers, Requester; without it, those whom"
            " the event concerns; none if empty.",
            json_schema_extra={"x-kubernetes-list-type": "set"},
        ),
    ] = None
    people: Annotated[
        People | None,
        Field(description="Who else is told, through channels that reach people; being told is no right to decide."),
    ] = None


NotificationRules = Annotated[
    list[NotificationRule],
    Field(max_length=8, description="Who is told what, beside the Kubernetes Events that are always written."),
]

KUBERNETES_EVENTS = "KubernetesEvents"
"""The built-in channel; no NotificationChannel can have this name, since object names are lower case."""


class DeliveryState(StrEnum):
    """Where a message stands."""

    PENDING = "Pending"
    SENT = "Sent"
    GIVEN_UP = "GivenUp"
    SKIPPED = "Skipped"


class RecipientKind(StrEnum):
    """What a recipient's name is."""

    USER = "User"
    GROUP = "Group"
    ADDRESS = "Address"


class Recipient(ApiModel):
    """Whom an entry is for, where a channel reaches people."""

    kind: Annotated[RecipientKind, Field(description="User, Group, or Address: an address that the channel names.")]
    name: Annotated[str, Field(max_length=320, description="User name, group name or address.")]


class Told(Recipient):
    """What became of an entry for one of the recipients that it stands for."""

    state: Annotated[DeliveryState, Field(description="Sent, GivenUp, or Skipped.")]
    attempts: Annotated[int, Field(ge=0, description="Deliveries tried.")] = 0
    not_before: Annotated[Time | None, Field(description="Until when it was held.")] = None
    reference: Annotated[
        str | None,
        Field(max_length=128, description="What the receiver calls the message, where it can be changed later."),
    ] = None
    error: Annotated[
        str | None, Field(max_length=512, description="Why the last try failed, or it was skipped; never a secret.")
    ] = None


class Notification(ApiModel):
    """One entry of the outbox: recorded in the write that records the transition, delivered, then marked."""

    id: Annotated[str, Field(max_length=400, description="Stable key of this message; receivers drop repeats by it.")]
    event: Annotated[EventType, Field(description="What happened.")]
    channel: Annotated[str, Field(max_length=253, description="The NotificationChannel, or KubernetesEvents.")]
    recipient: Annotated[
        Recipient | None,
        Field(description="Whom it is for; none for the place that the channel writes to."),
    ] = None
    at: Annotated[Time, Field(description="When it happened.")]
    stage: Annotated[
        str | None, Field(max_length=32, description="The stage that it is about, if it is about one of a run.")
    ] = None
    message: Annotated[str, Field(max_length=2048, description="The sentence that the message carries.")] = ""
    state: Annotated[
        DeliveryState,
        Field(description="Pending, Sent, GivenUp, or Skipped: there was nobody to send it to, or no need."),
    ] = DeliveryState.PENDING
    not_before: Annotated[
        Time | None, Field(description="Held until then: the channel has quiet hours, or collects for a digest.")
    ] = None
    attempts: Annotated[int, Field(ge=0, description="Deliveries tried so far.")] = 0
    next_attempt_at: Annotated[Time | None, Field(description="When it is tried again.")] = None
    sender: Annotated[
        str | None,
        Field(max_length=253, description="The operator process that delivers it; another one does a little later."),
    ] = None
    reference: Annotated[
        str | None,
        Field(max_length=128, description="What the receiver calls the message, where it can be changed later."),
    ] = None
    error: Annotated[
        str | None, Field(max_length=512, description="Why the last try failed, or it was skipped; never a secret.")
    ] = None
    to: Annotated[
        list[Told] | None,
        Field(
            max_length=128,
            description="The recipients that an entry stands for once it is settled for them; others are entries of their"
            " own. Its state is the worst of theirs.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = None
