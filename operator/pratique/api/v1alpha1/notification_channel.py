"""NotificationChannel: where messages go."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pratique.api.v1alpha1.common import (
    ApiModel,
    Conditions,
    KubeObject,
    ObjectName,
    PrinterColumn,
    Rule,
    pending_condition,
)


class SecretKeyRef(ApiModel):
    """One key of a Secret in the operator's namespace; no other namespace can be named."""

    name: Annotated[ObjectName, Field(description="Name of the Secret in the operator's namespace.")]
    key: Annotated[
        str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$", description="Key in the Secret.")
    ]


class SlackChannel(ApiModel):
    """A Slack incoming webhook."""

    webhook_url_secret_ref: Annotated[
        SecretKeyRef, Field(description="The Secret key that holds the incoming webhook's URL.")
    ]


class WebhookChannel(ApiModel):
    """An HTTP endpoint that takes CloudEvents 1.0, structured JSON, by POST."""

    url_secret_ref: Annotated[SecretKeyRef, Field(description="The Secret key that holds the URL.")]


class NotificationChannelSpec(ApiModel):
    """Where messages go: exactly one of these."""

    slack: Annotated[SlackChannel | None, Field(description="A Slack incoming webhook.")] = None
    webhook: Annotated[WebhookChannel | None, Field(description="An HTTP endpoint that takes CloudEvents.")] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="(has(self.slack) ? 1 : 0) + (has(self.webhook) ? 1 : 0) == 1",
            message="a channel has exactly one of slack, webhook",
        ),
    )


class NotificationChannelStatus(ApiModel):
    """Whether the channel can work."""

    observed_generation: Annotated[int, Field(ge=0, description="The generation last checked.")] = 0
    conditions: Conditions = []


class NotificationChannel(KubeObject):
    """NotificationChannel is where messages go: a Slack incoming webhook or an endpoint for CloudEvents."""

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
