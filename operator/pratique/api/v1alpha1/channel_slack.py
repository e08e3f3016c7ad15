"""The part of a NotificationChannel that is Slack: an incoming webhook, or a bot."""

from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.channel_parts import AddressFrom, SecretKeyRef
from pratique.api.v1alpha1.meta import ApiModel, Rule

SLACK_PLACE = r"([CG][A-Z0-9]{2,30}|#[^A-Z\x00-\x20\x7f#@,.:;<>&]{1,80})"
"""A channel of Slack: its id, or its name. CEL and Python read it alike."""
_SLACK_API_PATTERN = (
    r"^(https://[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?|http://(localhost|127[.]0[.]0[.]1))"
    r"(:[1-9][0-9]{0,4})?(/[-A-Za-z0-9._~]{1,64}){0,8}/?$"
)


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
