"""NotificationChannel: where messages go."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pratique.api.v1alpha1.common import (
    ApiModel,
    Conditions,
    KubeObject,
    ObjectName,
    Outbox,
    PrinterColumn,
    Rule,
    Time,
    pending_condition,
)
from pratique.api.v1alpha1.pace import Digest, QuietHours, RateLimit


class SecretKeyRef(ApiModel):
    """One key of a Secret in the operator's namespace; no other namespace can be named."""

    name: Annotated[ObjectName, Field(description="Name of the Secret in the operator's namespace.")]
    key: Annotated[
        str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$", description="Key in the Secret.")
    ]


class SecretRef(ApiModel):
    """A Secret in the operator's namespace, with keys that are fixed."""

    name: Annotated[ObjectName, Field(description="Name of the Secret in the operator's namespace.")]


SLACK_PLACE = r"([CG][A-Z0-9]{2,30}|#[^A-Z\x00-\x20\x7f#@,.:;<>&]{1,80})"
"""A channel of Slack: its id, or its name. CEL and Python read it alike."""
_SLACK_API_PATTERN = (
    r"^(https://[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?|http://(localhost|127[.]0[.]0[.]1))"
    r"(:[1-9][0-9]{0,4})?(/[-A-Za-z0-9._~]{1,64}){0,8}/?$"
)


AddressFrom = Annotated[
    str | None,
    Field(
        max_length=320,
        pattern=r"^(Username|[A-Za-z0-9._+-]*\$\{user\}[A-Za-z0-9._+-]*@[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?)$",
        description="The e-mail address of a person who is not in the directory: Username, if user names are addresses,"
        " or a template such as ${user}@example.com.",
    ),
]


class SlackBot(ApiModel):
    """A bot of Slack: it writes to channels and to people, and keeps what it wrote up to date."""

    token_secret_ref: Annotated[SecretKeyRef, Field(description="The Secret key that holds the bot's token, xoxb-….")]
    channel: Annotated[
        str | None,
        Field(
            min_length=2,
            max_length=81,
            description="Where messages go that are for a place: a channel's id, such as C0123ABCD, or its #name."
            " Without it, only people are told.",
        ),
    ] = None
    api_url: Annotated[
        str,
        Field(
            min_length=8,
            max_length=320,
            description="Where Slack's Web API is; for GovSlack, https://slack-gov.com/api/.",
        ),
    ] = "https://slack.com/api/"
    address_from: AddressFrom = None
    allow_annotation: Annotated[
        bool,
        Field(
            description="Whether the annotation pratique.dev/notify-slack of a run or an Environment may name ids of users"
            " and channels: they are told what its requester is told."
        ),
    ] = False

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule=f"!has(self.channel) || self.channel.matches(r'^{SLACK_PLACE}$')",
            message="channel must be the id of a channel, such as C0123ABCD, or its name, such as #approvals",
            field_path=".channel",
        ),
        Rule(
            rule=f"self.apiUrl.matches(r'{_SLACK_API_PATTERN}')",
            message="apiUrl must be https://, a host and a path, such as https://slack.com/api/: the token is sent there",
            field_path=".apiUrl",
        ),
    )


ONE_FORM = "slack has exactly one of webhookUrlSecretRef and bot"


class SlackChannel(ApiModel):
    """A Slack incoming webhook, or a bot."""

    webhook_url_secret_ref: Annotated[
        SecretKeyRef | None, Field(description="The Secret key that holds the incoming webhook's URL.")
    ] = None
    bot: Annotated[SlackBot | None, Field(description="A bot by its token, instead of a webhook.")] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(rule="has(self.webhookUrlSecretRef) != has(self.bot)", message=ONE_FORM),
    )


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


class EmailTls(StrEnum):
    """How a connection to a mail server is encrypted."""

    STARTTLS = "StartTLS"
    TLS = "TLS"
    NONE = "None"


_ATOM = r"[^\pZ\pC.@<>()\[\]\\,;:\"]{1,64}"
_LABEL = "[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_ADDRESS = rf"{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*"
_NAMED = rf"([^\pC<>\"@]{{1,100}}<{_ADDRESS}>|{_ADDRESS})"
_SERVER = (
    rf"({_LABEL}(\.{_LABEL})*|\[[0-9A-Fa-f:.]{{2,45}}\])"
    r":([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
IN_THE_CLEAR = "tls: None would send the password in the clear: take StartTLS or TLS, or leave out credentialsSecretRef"

EmailAddress = Annotated[str, Field(min_length=3, max_length=254)]


class EmailChannel(ApiModel):
    """A mail server that takes messages by SMTP."""

    server: Annotated[
        str,
        Field(max_length=320, description="Host and port, as smtp.example.com:587; an IPv6 address in brackets."),
    ]
    tls: Annotated[
        EmailTls,
        Field(
            description="StartTLS: encrypted after the greeting, or nothing is sent. TLS: encrypted from the first byte."
            " None: in the clear, without a password."
        ),
    ] = EmailTls.STARTTLS
    sender: Annotated[
        str,
        Field(
            alias="from",
            max_length=360,
            description="Who sends: an address, or a name and an address, as Pratique <pratique@example.com>.",
        ),
    ]
    reply_to: Annotated[EmailAddress | None, Field(description="Where answers go; without it, to `from`.")] = None
    to: Annotated[
        list[EmailAddress],
        Field(
            max_length=16,
            description="Addresses that get all that is told through this channel.",
            json_schema_extra={"x-kubernetes-list-type": "set"},
        ),
    ] = []
    address_from: AddressFrom = None
    annotation_domains: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]],
        Field(
            max_length=16,
            description="Domains of which the annotation pratique.dev/notify-email of a run or an Environment may name"
            " addresses: they are told what its requester is told.",
            json_schema_extra={"x-kubernetes-list-type": "set"},
        ),
    ] = []
    credentials_secret_ref: Annotated[
        SecretRef | None,
        Field(
            description="The Secret that holds `username` and `password`, as those of type kubernetes.io/basic-auth do;"
            " without it, there is no login."
        ),
    ] = None
    ca_secret_ref: Annotated[
        SecretKeyRef | None,
        Field(
            description="The Secret key that holds the certificates of a private CA, in PEM: the server's must be of it;"
            " without it, of a CA that the operator's image trusts."
        ),
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule=f"self.server.matches(r'^{_SERVER}$')",
            message="server must be HOST:PORT, such as smtp.example.com:587; an IPv6 address stands in brackets",
            field_path=".server",
        ),
        Rule(
            rule=f"self.from.matches(r'^{_NAMED}$')",
            message="from must be an address, or a name and an address, such as Pratique <pratique@example.com>, without"
            " quotes; a domain of other letters is written as xn--…",
            field_path=".from",
        ),
        Rule(
            rule=f"!has(self.replyTo) || self.replyTo.matches(r'^{_ADDRESS}$')",
            message="replyTo must be an e-mail address and nothing else, such as team@example.com",
            field_path=".replyTo",
        ),
        Rule(
            rule=f"!has(self.to) || self.to.all(address, address.matches(r'^{_ADDRESS}$'))",
            message="to must hold e-mail addresses and nothing else, such as team@example.com",
            field_path=".to",
        ),
        Rule(rule="self.tls != 'None' || !has(self.credentialsSecretRef)", message=IN_THE_CLEAR, field_path=".tls"),
        Rule(
            rule="self.tls != 'None' || !has(self.caSecretRef)",
            message="tls: None checks no certificate: take StartTLS or TLS, or leave out caSecretRef",
            field_path=".tls",
        ),
    )


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


class NotificationChannelStatus(ApiModel):
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
    notifications: Outbox = []


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
