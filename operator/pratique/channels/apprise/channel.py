"""Any service that Apprise reaches: one of its URLs, from a Secret. The library is loaded by processes of its own only.

It says yes or no and never why, and its texts may hold the URL: no word of it is shown. Which services may be used at all
is decided in `schemes`, before the library sees the URL; what is written is made here, for the room that the service has.
"""

import asyncio

from pratique.api.v1alpha1.notification_channel import AppriseChannel
from pratique.channels.apprise.room import Room
from pratique.channels.apprise.schemes import refusal
from pratique.channels.apprise.text import body_of, title_of
from pratique.channels.kit.processes import NoAnswerError, Processes
from pratique.channels.kit.settings import Means, NotReadyError, Send, Vault
from pratique.core.kernel.effects import Delivery, Json
from pratique.core.telling.egress import NOT_ALLOWED
from pratique.core.telling.events import EVENTS
from pratique.core.telling.messages import Message
from pratique.sandbox.process import START_TIMEOUT, Program

MODULE = "pratique.channels.apprise.worker"
MEMORY = 192 * 1024 * 1024
"""Bytes of address space of a process that holds the library."""
CPU_SECONDS = 5.0


def processes(seconds: float) -> Processes:
    """Return what loads the library; nothing is started before it is needed."""
    return Processes("Apprise", Program(MODULE, MEMORY, CPU_SECONDS, seconds))


async def connect(spec: AppriseChannel, vault: Vault, means: Means) -> Send:
    """Return what hands a message to the library."""
    ref = spec.url_secret_ref
    url = await vault.text(ref)
    lane = f"{ref.name}/{ref.key}"
    reason = refusal(url)
    if reason is None:
        opened = await _opened(lane, url, means, f"{vault.place(ref)}: Apprise could not read the URL in {ref.key}")
        reason = opened.get("refused")
        if reason is None:
            if opened["address"]:
                await means.expect(opened["address"], 0)
            return _sender(opened, lane, url, means)
    raise NotReadyError(f"{vault.place(ref)}: the key {ref.key} {reason}")


async def _opened(lane: str, url: str, means: Means, place: str) -> Json:
    """Return what the library makes of a URL. A look at a channel waits less long for its turn than a message does."""
    patience = START_TIMEOUT + means.library.seconds if means.looking else None
    try:
        async with asyncio.timeout(patience):
            return await means.library.ask(lane, {"do": "open", "url": url})
    except NoAnswerError as error:
        raise NotReadyError(f"{place}: {error}") from None
    except TimeoutError:
        raise NotReadyError(f"{place}: no answer within {patience:g} s") from None


def _sender(opened: Json, lane: str, url: str, means: Means) -> Send:
    room = Room(**opened["room"])

    async def send(message: Message) -> Delivery:
        title = title_of(message, room.for_title)
        body, warns = body_of(message, room.for_body(title)), EVENTS[message.event].type == "Warning"
        question = {"do": "tell", "url": url, "title": title, "body": body, "warns": warns}
        question["allowed"] = means.egress.allowed.as_texts()
        try:
            told = await means.library.ask(lane, question)
        except NoAnswerError as error:
            return Delivery(sent=False, error=str(error))
        if told.get("taken"):
            return Delivery(sent=True)
        if told.get("shut"):
            return Delivery(sent=False, error=NOT_ALLOWED)
        sentence = f"{opened['name']} did not take the message or was not reached (Apprise does not say which)"
        return Delivery(sent=False, error=sentence)

    return send
