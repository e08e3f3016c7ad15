"""Tells a message through a channel of a given spec, with the Secrets of a table."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pratique.api.v1alpha1.notification_channel import NotificationChannel
from pratique.api.v1alpha1.notifications import EventType
from pratique.channels.delivery import Channels
from pratique.core.kernel.effects import Delivery, Failure, Unready
from pratique.core.telling.credentials import ALLOWED_HOSTS
from pratique.core.telling.egress import egress_of
from pratique.core.telling.messages import Message
from tests.builders.messages import entry, requested

LOOPBACK = egress_of(["127.0.0.0/8"])
PLANTED = "hunter2secret"
URL = {"name": "receiver", "key": "url"}


def channel_of(spec: dict[str, Any]) -> NotificationChannel:
    return NotificationChannel.model_validate({"metadata": {"name": "chat"}, "spec": spec})


async def closed() -> None:
    """Let connections that were closed be gone: their last callbacks come a few turns of the loop later."""
    for _ in range(8):
        await asyncio.sleep(0)


def server_of(spec: dict[str, Any]) -> str | None:
    """Return the server that a channel's credential goes to."""
    if "email" in spec:
        return str(spec["email"].get("server"))
    bot = spec.get("slack", {}).get("bot")
    return str(bot["apiUrl"]).split("/")[2] if bot and "apiUrl" in bot else None


@asynccontextmanager
async def channels_with(secrets: dict[str, str], lets: str | None = None, **settings: Any) -> AsyncIterator[Channels]:
    """Yield channels that know these values, by `NAME/KEY` of their Secrets, and may reach loopback.

    `lets` is to which servers the Secrets let their values go.
    """

    async def read(name: str, key: str) -> str | None:
        return secrets.get(f"{name}/{key}")

    async def annotation(_: str, key: str) -> str | None:
        return lets if key == ALLOWED_HOSTS else None

    async def post_event(manifest: dict[str, Any]) -> Failure | None:
        raise AssertionError(manifest)

    under_test = Channels(read, post_event, annotation, **{"allowed": LOOPBACK, **settings})
    try:
        yield under_test
    finally:
        await under_test.close()
        await closed()


async def told_by(
    spec: dict[str, Any], secrets: dict[str, str], message: Message | None = None, **settings: Any
) -> Delivery:
    """Deliver once. No value of a Secret may be in what comes back."""
    async with channels_with(secrets, **{"lets": server_of(spec), **settings}) as under_test:
        told = entry(EventType.APPROVAL_REQUESTED)
        result = await under_test.deliver(channel_of(spec), told, message or requested())
    assert_silent(repr(result), secrets)
    return result


async def unready(spec: dict[str, Any], secrets: dict[str, str], **settings: Any) -> Unready | None:
    """Return what keeps the channel from working. No value of a Secret may be in it."""
    async with channels_with(secrets, **{"lets": server_of(spec), **settings}) as under_test:
        problem = await under_test.check(channel_of(spec).spec)
    assert_silent(str(problem), secrets)
    return problem


async def problem_of(spec: dict[str, Any], secrets: dict[str, str], **settings: Any) -> str | None:
    """Return the sentence of what keeps the channel from working."""
    problem = await unready(spec, secrets, **settings)
    return problem.message if problem is not None else None


def assert_silent(text: str, secrets: dict[str, str]) -> None:
    """No value of a Secret is in a text, nor the word that tests plant in them; values too short to tell are let be."""
    lines = [line.strip() for value in secrets.values() for line in value.splitlines()]
    assert not [line for line in [*lines, PLANTED] if len(line) >= len("whsec_x") and line in text]
