"""What all kinds share: the base model, durations, times, references, conditions and the outbox.

Every class here becomes part of a CRD, so every list, map and string is bounded (the API server refuses CEL rules whose
cost it cannot estimate) and every field has a description (it is what `kubectl explain` prints).
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from pratique.api.v1alpha1.spelling import UNIT_SECONDS, NamespaceName, ObjectName

GROUP = "pratique.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


def duration_of(text: str) -> timedelta:
    """Return the length of a `Duration` such as `3d`. The caller has it from the CRD, which checked how it is spelled."""
    return timedelta(seconds=int(text[:-1]) * UNIT_SECONDS[text[-1]])


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC with whole seconds, the precision of `metav1.Time`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Time = Annotated[datetime, PlainSerializer(format_time, return_type=str)]
"""An absolute moment, RFC 3339, whole seconds, UTC."""

Expression = Annotated[
    str, Field(min_length=1, max_length=4096, description="A CEL expression; see docs/concepts/expressions.md.")
]
JsonObject = Annotated[dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})]
"""Free-form JSON; the API server keeps it as it is, what it means is checked elsewhere."""

Username = Annotated[str, Field(min_length=1, max_length=253)]
GroupName = Annotated[str, Field(min_length=1, max_length=253)]


class ApiModel(BaseModel):
    """Base of everything in a manifest: camelCase outside, snake_case inside; unknown fields are the API server's."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form: camelCase, times as RFC 3339, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ObjectMeta(ApiModel):
    """The part of `metadata` that decisions need."""

    name: str
    namespace: str | None = None
    uid: str = ""
    generation: int = 0
    resource_version: str | None = None
    creation_timestamp: Time = datetime(1970, 1, 1, tzinfo=UTC)
    deletion_timestamp: Time | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: list[str] = []


class PrinterColumn(BaseModel):
    """One column of `kubectl get`; `priority` 1 shows with `-o wide` only."""

    name: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    json_path: str
    description: str
    priority: int = 0


class Rule(BaseModel):
    """A CEL rule that the API server evaluates beside the field it guards, with the sentence a user reads."""

    rule: str
    message: str
    message_expression: str | None = None
    """CEL for a sentence with names in it; the API server falls back to `message` where it cannot be used."""
    reason: Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"] | None = None
    field_path: str | None = None


class KubeObject(ApiModel):
    """Base of the five kinds. The class variables are what codegen needs to write the CRD."""

    plural: ClassVar[str]
    singular: ClassVar[str]
    short_names: ClassVar[tuple[str, ...]]
    scope: ClassVar[Literal["Cluster", "Namespaced"]]
    columns: ClassVar[tuple[PrinterColumn, ...]]
    default_status: ClassVar[dict[str, Any]]

    api_version: str = API_VERSION
    kind: str
    metadata: ObjectMeta


class ConditionStatus(StrEnum):
    """Whether a condition holds; `Unknown` until somebody has looked."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(ApiModel):
    """A standard Kubernetes condition; types and reasons are listed in `conditions.py`."""

    type: Annotated[str, Field(max_length=64, description="What the condition is about.")]
    status: Annotated[ConditionStatus, Field(description="Whether it holds: True, False or Unknown.")]
    reason: Annotated[str, Field(max_length=64, description="One word, for machines.")]
    message: Annotated[str, Field(max_length=2048, description="One sentence, for people.")] = ""
    last_transition_time: Annotated[Time, Field(description="When `status` last changed.")]
    observed_generation: Annotated[int, Field(ge=0, description="The metadata.generation this was decided for.")] = 0


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=16,
        description="The state for machines; kubectl wait, Flux and Argo CD read these.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]


MAX_GROUPS = 1024
"""Of one person: Active Directory puts 1,015 into a token at most, others fewer."""


class Requester(ApiModel):
    """Who asked, as the API server authenticated them."""

    username: Annotated[Username, Field(description="The authenticated user name.")]
    groups: Annotated[list[GroupName], Field(max_length=MAX_GROUPS, description="The authenticated groups.")] = []


class OnBehalfOf(ApiModel):
    """The person for whom a submitter, such as a GitOps controller, asks."""

    username: Annotated[Username, Field(description="Their user name, as the API server knows them.")]

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="!self.username.startsWith('system:')",
            message="onBehalfOf names a person: user names of the system (system:…) are none",
            field_path=".username",
        ),
    )


class ServiceAccountRef(ApiModel):
    """A ServiceAccount, named in full."""

    namespace: Annotated[NamespaceName, Field(description="Namespace of the ServiceAccount.")]
    name: Annotated[ObjectName, Field(description="Name of the ServiceAccount.")]

    @property
    def username(self) -> str:
        """The user name that the API server gives this ServiceAccount."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


class EventType(StrEnum):
    """What people are told about; one vocabulary for Events, Slack and webhooks."""

    APPROVAL_REQUESTED = "ApprovalRequested"
    APPROVED = "Approved"
    HANDLED = "Handled"
    DECLINED = "Declined"
    EXPIRED = "Expired"
    WITHDRAWN = "Withdrawn"
    SUPERSEDED = "Superseded"
    REFUSED = "Refused"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STATUS_FORGED = "StatusForged"
    ENVIRONMENT_READY = "EnvironmentReady"
    ENVIRONMENT_EXPIRING = "EnvironmentExpiring"
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


class People(ApiModel):
    """Users and groups."""

    users: Annotated[
        list[Username],
        Field(max_length=32, description="User names.", json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = []
    groups: Annotated[
        list[GroupName],
        Field(max_length=32, description="Group names.", json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = []


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


class NotificationRecipient(ApiModel):
    """Whom an entry is for, where a channel reaches people."""

    kind: Annotated[RecipientKind, Field(description="User, Group, or Address: an address that the channel names.")]
    name: Annotated[str, Field(max_length=320, description="User name, group name or address.")]


class Notification(ApiModel):
    """One entry of the outbox: recorded in the write that records the transition, delivered, then marked."""

    id: Annotated[str, Field(max_length=400, description="Stable key of this message; receivers drop repeats by it.")]
    event: Annotated[EventType, Field(description="What happened.")]
    channel: Annotated[str, Field(max_length=253, description="The NotificationChannel, or KubernetesEvents.")]
    recipient: Annotated[
        NotificationRecipient | None,
        Field(description="Whom it is for; none for the place that the channel writes to."),
    ] = None
    at: Annotated[Time, Field(description="When it happened.")]
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


Outbox = Annotated[
    list[Notification],
    Field(
        max_length=128,
        description="The outbox: what was, is and will be told.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
    ),
]


class TimelineEntry(ApiModel):
    """One line of an object's history."""

    at: Annotated[Time, Field(description="When.")]
    event: Annotated[str, Field(max_length=64, description="What happened, in one word.")]
    message: Annotated[str, Field(max_length=1024, description="The sentence a person reads.")] = ""


Timeline = Annotated[
    list[TimelineEntry],
    Field(
        max_length=32,
        description="What happened so far, oldest first; bounded, the oldest go first.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    ),
]

WAITING_MESSAGE = "Waiting for the operator"


def pending_condition(kind: str) -> dict[str, Any]:
    """Return the condition that an object nobody has looked at yet is born with."""
    return {
        "type": kind,
        "status": "Unknown",
        "reason": "Pending",
        "message": WAITING_MESSAGE,
        "lastTransitionTime": "1970-01-01T00:00:00Z",
        "observedGeneration": 0,
    }
