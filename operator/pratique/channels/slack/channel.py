"""Slack, in two forms: an incoming webhook posts to one channel; a bot also writes to people and keeps it up to date.

Posted with plain aiohttp: slack_sdk's clients follow redirects, write the webhook's URL (which is the password) to their
debug log, read answers of any length and retry by themselves. Its Block Kit models judge the tests.
"""

from pratique.api.v1alpha1.channel_slack import ONE_FORM, SlackChannel
from pratique.channels.kit.settings import Means, NotReadyError, Send, Vault
from pratique.channels.slack import bot as slack_bot
from pratique.channels.slack import webhook as slack_webhook


async def connect(spec: SlackChannel, vault: Vault, means: Means) -> Send:
    """Return what posts in the form that the channel has."""
    webhook, bot = spec.webhook_url_secret_ref, spec.bot
    if webhook is not None and bot is None:
        return await slack_webhook.connect(webhook, vault, means)
    if bot is not None and webhook is None:
        return await slack_bot.connect(bot, vault, means)
    raise NotReadyError(ONE_FORM)
