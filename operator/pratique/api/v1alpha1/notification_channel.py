"""NotificationChannel: where messages go."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pratique.api.v1alpha1.channel_email import EmailChannel
from pratique.api.v1alpha1.channel_parts import SecretKeyRef
from pratique.api.v1alpha1.channel_slack import SlackChannel
from pratique.api.v1alpha1.conditions import Conditions
from pratique.api.v1alpha1.meta import ApiModel, KubeObject, PrinterColumn, Rule
from pratique.api.v1alpha1.outbox import Telling
from pratique.api.v1alpha1.pace import Digest, QuietHours, RateLimit
from pratique.api.v1alpha1.scalars import Time
from pratique.api.v1alpha1.status import pending_condition


class TeamsChannel(ApiModel):
    """A Workflow of Microsoft Teams that posts the cards that it is sent."""

    workflow_url_secret_ref: Annotated[
        SecretKeyRef,
        Field(description="The Secret key that holds the Workflow's URL; the URLs of retired connectors are refused."),
    ]


class WebhookMode(StrEnum):
    """How a CloudEvent is put into a request."""

    STRUCTURED = "Structured"
    BINARY = "Binary"


class WebhookSigning(ApiModel):
    """Signatures as Standard Webhooks says: HMAC-SHA256 over id, timestamp and body."""

    secret_ref: Annotated[
        SecretKeyRef,
        Field(description="The Secret key that holds the signing keys, one a line, newest first: whsec_ and base64."),
    ]


class WebhookChannel(ApiModel):
    """An HTTP endpoint that takes CloudEvents 1.0 by POST."""

    url_secret_ref: Annotated[SecretKeyRef, Field(description="The Secret key that holds the URL.")]
    mode: Annotated[
        WebhookMode,
        Field(description="Structured: the whole event is the body. Binary: attributes are headers, data is the body."),
    ] = WebhookMode.STRUCTURED
    signing: Annotated[
        WebhookSigning | None, Field(description="Sign each request; without a usable key nothing is sent.")
    ] = None


class AppriseChannel(ApiModel):
    """A service that the library Apprise reaches."""

    url_secret_ref: Annotated[
        SecretKeyRef,
        Field(description="The Secret key that holds one Apprise URL; what acts on the operator's machine is refused."),
    ]


CHANNEL_TYPES = ("slack", "msteams", "webhook", "apprise", "email")
"""The fields of a spec that are types of channels; each is a row of the table in channels/delivery.py."""
ONE_TYPE = f"a channel has exactly one of {', '.join(CHANNEL_TYPES)}"


class NotificationChannelSpec(ApiModel):
    """Where messages go: exactly one of these."""

    slack: Annotated[SlackChannel | None, Field(description="Slack, by an incoming webhook or a bot.")] = None
    msteams: Annotated[TeamsChannel | None, Field(description="A channel or chat of Microsoft Teams.")] = None
    webhook: Annotated[WebhookChannel | None, Field(description="An HTTP endpoint that takes CloudEvents.")] = None
    apprise: Annotated[AppriseChannel | None, Field(description="Any other service, by an Apprise URL.")] = None
    email: Annotated[EmailChannel | None, Field(description="People and mailing lists, by e-mail.")] = None

    quiet_hours: Annotated[QuietHours | None, Field(description="When messages wait instead of disturbing.")] = None
    digest: Annotated[
        Digest | None,
        Field(description="Send together what can wait: all but requests for approval and what is urgent."),
    ] = None
    rate_limit: Annotated[
        RateLimit | None,
        Field(description="At most so many messages; without it, what the service is known to take."),
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(rule=" + ".join(f"(has(self.{name}) ? 1 : 0)" for name in CHANNEL_TYPES) + " == 1", message=ONE_TYPE),
        Rule(
            rule="!has(self.webhook) || (!has(self.quietHours) && !has(self.digest))",
            message="quietHours and digest are for people: a webhook is told each event when it happens",
        ),
    )

    @property
    def channel_type(self) -> str | None:
        """Return which type it is; None for a spec that the API server would have refused."""
        named = [name for name in CHANNEL_TYPES if getattr(self, name) is not None]
        return named[0] if len(named) == 1 else None


class NotificationChannelStatus(Telling):
    """Whether the channel can work, and does."""

    observed_generation: Annotated[int, Field(ge=0, description="The generation last checked.")] = 0
    conditions: Conditions = []
    last_success_at: Annotated[
        Time | None, Field(description="When a message was last taken, within half a minute.")
    ] = None
    last_failure_at: Annotated[Time | None, Field(description="When a try last failed, within half a minute.")] = None
    last_failure: Annotated[str | None, Field(max_length=512, description="Why; never a secret.")] = None
    waiting: Annotated[int, Field(ge=0, description="How many messages wait to be delivered, held ones included.")] = 0
    tested: Annotated[
        str | None, Field(max_length=256, description="The value of pratique.dev/send-test that was last acted on.")
    ] = None


class NotificationChannel(KubeObject):
    """NotificationChannel is where messages go: Slack, Microsoft Teams, e-mail, an endpoint for CloudEvents, or Apprise."""

    plural: ClassVar[str] = "notificationchannels"
    singular: ClassVar[str] = "notificationchannel"
    short_names: ClassVar[tuple[str, ...]] = ("channel", "channels")
    scope: ClassVar[Literal["Cluster", "Namespaced"]] = "Cluster"
    columns: ClassVar[tuple[PrinterColumn, ...]] = (
        PrinterColumn(
            name="Ready",
            json_path='.status.conditions[?(@.type=="Ready")].status',
            description="Whether its settings were found.",
        ),
        PrinterColumn(name="Waiting", type="integer", json_path=".status.waiting", description="Messages that wait."),
        PrinterColumn(
            name="Last success", type="date", json_path=".status.lastSuccessAt", description="When it last worked."
        ),
        PrinterColumn(
            name="Message",
            json_path='.status.conditions[?(@.type=="Ready")].message',
            description="What is wrong, if anything.",
        ),
        PrinterColumn(name="Age", type="date", json_path=".metadata.creationTimestamp", description="Age."),
    )
    default_status: ClassVar[dict[str, Any]] = {"conditions": [pending_condition("Ready")]}

    kind: Literal["NotificationChannel"] = "NotificationChannel"
    spec: NotificationChannelSpec
    status: NotificationChannelStatus = NotificationChannelStatus()
