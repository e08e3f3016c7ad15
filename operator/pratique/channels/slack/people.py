"""Where a message to somebody goes: Slack's id of a person or channel, looked up by an e-mail address if that is given."""

import re

from pratique.api.v1alpha1.channel_slack import SLACK_PLACE
from pratique.channels.kit.remembered import Remembered
from pratique.channels.slack.api import LOOKUP, SlackApi
from pratique.channels.slack.errors import Undone
from pratique.core.kernel.effects import Delivery

PERSON = re.compile(r"[UW][A-Z0-9]{2,30}")
_PLACE = re.compile(SLACK_PLACE)
_EMAIL = re.compile(r"[^\s@<>,;]{1,64}@[^\s@<>,;]{1,253}")
NO_ADDRESS = Delivery(
    sent=False,
    error="what is known as this receiver's Slack address is none: it must be the id of a person (U…), "
    "the id of a channel (C…) or an e-mail address; a user group (S…) can only be mentioned",
    permanent=True,
)


async def found(address: str, api: SlackApi, remembered: Remembered) -> str | Delivery:
    """Return the id to write to, or the Delivery that failed for want of it."""
    if PERSON.fullmatch(address) or _PLACE.fullmatch(address):
        return address
    if not _EMAIL.fullmatch(address):
        return NO_ADDRESS
    key = (api.workspace, address.lower())
    return remembered.get(key) or await _looked_up(address, api, remembered, key)


async def _looked_up(address: str, api: SlackApi, remembered: Remembered, key: tuple[str, ...]) -> str | Delivery:
    said = await api.call(LOOKUP, {"email": address})
    if isinstance(said, Undone):
        return said.failure
    user = said.fields.get("user")
    ident = user.get("id") if isinstance(user, dict) else None
    if not isinstance(ident, str) or not PERSON.fullmatch(ident):
        return Delivery(sent=False, error="Slack found somebody by the e-mail address, but gave no id")
    remembered.put(key, ident)
    return ident
