"""Slack by a bot's token: a first message, which is kept up to date in place, and what follows as replies in its thread.

What has been told is known from `message.earlier` alone; nothing is kept here but ids of people. A repeat of the whole
repeats an update, which changes nothing, and a message only if Slack took it and its answer was lost.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from pratique.api.v1alpha1.channel_parts import SecretKeyRef
from pratique.api.v1alpha1.channel_slack import SlackBot
from pratique.channels.kit.posting import no_answer_within, parse_url
from pratique.channels.kit.remembered import Remembered
from pratique.channels.kit.settings import Means, NotReadyError, Send, Vault
from pratique.channels.slack.api import SlackApi
from pratique.channels.slack.blocks import content, payload
from pratique.channels.slack.errors import Done, Undone
from pratique.channels.slack.people import PERSON, found
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.credentials import SLACK
from pratique.core.telling.messages import Message, leave_out_shown

_TOKEN = re.compile(r"xoxb-[A-Za-z0-9-]{8,250}")
_SPOT = re.compile(r"([CDG][A-Z0-9]{2,30}):([0-9]{1,20}\.[0-9]{1,12})")
UNREACHABLE = frozenset({"channel_not_found", "not_in_channel", "is_archived", "is_inactive", "team_not_found"})
"""Where the earlier message stands is out of reach."""
NO_THREAD = UNREACHABLE | {
    "thread_not_found",
    "message_not_found",
    "invalid_thread_ts",
    "cannot_reply_to_message",
    "restricted_action_thread_locked",
    "restricted_action_non_threadable_channel",
}
"""There can be no reply to the earlier message."""
NO_PLACE = Delivery(
    sent=False,
    error="the message is for no person, and the channel names no place: set spec.slack.bot.channel",
    permanent=True,
)
NO_SUCH_PERSON = Delivery(
    sent=False, error="Slack answered channel_not_found: there is no such person in the workspace", permanent=True
)


async def connect(spec: SlackBot, vault: Vault, means: Means) -> Send:
    """Return what posts as the bot."""
    token = await _token(spec.token_secret_ref, vault)
    base = parse_url(spec.api_url)
    if base is None:
        raise NotReadyError("spec.slack.bot.apiUrl must be a URL such as https://slack.com/api/")
    await vault.let(spec.token_secret_ref.name, base.raw_host or "", base.port or 0, SLACK)
    await means.expect(base.raw_host or "", base.port or 0)
    bot = _Bot(SlackApi(base, token, means.poster), spec.channel, means.remembered)

    async def send(message: Message) -> Delivery:
        try:
            async with asyncio.timeout(means.poster.seconds):  # for all of its calls together
                return await bot.tell(message)
        except TimeoutError:
            return Delivery(sent=False, error=no_answer_within(means.poster.seconds))

    return send


async def _token(ref: SecretKeyRef, vault: Vault) -> str:
    token = await vault.text(ref)
    if not _TOKEN.fullmatch(token):
        raise NotReadyError(
            f"{vault.place(ref)}: the key {ref.key} must hold a bot's token, which begins with xoxb-; it is on the app's "
            "page, under OAuth & Permissions, once the app is installed"
        )
    return token


@dataclass(frozen=True)
class _Spot:
    """Where a message stands."""

    channel: str
    ts: str


@dataclass(frozen=True)
class _Bot:
    api: SlackApi
    place: str | None
    remembered: Remembered

    async def tell(self, message: Message) -> Delivery:
        earlier = message.earlier
        spot = _spot_of(earlier.reference) if earlier is not None else None
        if earlier is None or spot is None:
            return await self._anew(message)
        return await self._follow_up(message, earlier.message, spot)

    async def _anew(self, message: Message) -> Delivery:
        place = await self._place_of(message)
        if isinstance(place, Delivery):
            return place
        said = await self.api.call("chat.postMessage", {"channel": place, **payload(message)})
        if isinstance(said, Undone) and said.code == "channel_not_found" and PERSON.fullmatch(place):
            return NO_SUCH_PERSON
        return _became_of(said)

    async def _place_of(self, message: Message) -> str | Delivery:
        if message.recipient is None:
            return self.place or NO_PLACE
        return await found(message.address, self.api, self.remembered)

    async def _follow_up(self, message: Message, earlier: Message, spot: _Spot) -> Delivery:
        """Only beneath a message that now says the rest is it enough to say what is new.

        Where the earlier message was deleted, Slack puts a reply into the channel, without a word.
        """
        where = {"channel": spot.channel, "ts": spot.ts}
        updated = await self.api.call("chat.update", {**where, **content(earlier), "parse": "none"})
        if isinstance(updated, Undone):
            if updated.code in UNREACHABLE:
                return await self._anew(message)
            if not updated.failure.permanent:
                return updated.failure
        shown = leave_out_shown(message, earlier) if isinstance(updated, Done) else message
        reply: dict[str, Any] = {"channel": spot.channel, "thread_ts": spot.ts, **payload(shown)}
        said = await self.api.call("chat.postMessage", reply)
        if isinstance(said, Undone) and said.code in NO_THREAD:
            return await self._anew(message)
        return _became_of(said)


def _spot_of(reference: str) -> _Spot | None:
    parts = _SPOT.fullmatch(reference)
    return _Spot(parts[1], parts[2]) if parts else None


def _became_of(said: Done | Undone) -> Delivery:
    """A message that Slack took is told, even if there is no knowing where it stands."""
    if isinstance(said, Undone):
        return said.failure
    reference = f"{said.fields.get('channel')}:{said.fields.get('ts')}"
    return Delivery(sent=True, reference=reference if _spot_of(reference) else "")
