"""Delivers one message through one channel and says what became of it. Never raises for what a receiver does.

Must not decide whether and when a message is told (`core.notification` does), nor know Kubernetes: Secrets are read and
Events are posted by what it is given. URLs are secrets (a Slack webhook's is its password): no result ever holds one.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from yarl import URL

from pratique.api.v1alpha1.common import KUBERNETES_EVENTS, Notification
from pratique.api.v1alpha1.notification_channel import NotificationChannel, NotificationChannelSpec, SecretKeyRef
from pratique.channels import kubernetes_events, posting, slack, webhook
from pratique.core.effects import Delivery, Failure
from pratique.core.errors import PratiqueError
from pratique.core.messages import Message

ReadSecret = Callable[[str, str], Awaitable[str | None]]
"""Name and key of a Secret in the operator's namespace to its value; None if there is no such Secret or key."""
PostEvent = Callable[[dict[str, Any]], Awaitable[Failure | None]]
"""Create an Event; None if that worked."""
CONCURRENT_PER_CHANNEL = 4


class Channels:
    """All ways to tell somebody. Close it when done."""

    def __init__(
        self,
        read_secret: ReadSecret,
        post_event: PostEvent,
        *,
        namespace: str = "pratique-system",
        instance: str = kubernetes_events.CONTROLLER,
        timeout: float = posting.TIMEOUT_SECONDS,
        concurrent: int = CONCURRENT_PER_CHANNEL,
    ) -> None:
        self._read_secret, self._post_event = read_secret, post_event
        self._namespace, self._instance = namespace, instance
        self._poster = posting.Poster(timeout)
        self._slots: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(concurrent))

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()

    async def deliver(self, channel: NotificationChannel | None, entry: Notification, message: Message) -> Delivery:
        """Deliver a message once. A channel has a few slots of its own, so that a dead one holds up no other."""
        async with self._slots[entry.channel]:
            if entry.channel == KUBERNETES_EVENTS:
                manifest = kubernetes_events.event_manifest(message, self._instance)
                return kubernetes_events.judge(await self._post_event(manifest))
            if channel is None:
                return Delivery(sent=False, error=f"NotificationChannel {entry.channel} does not exist")
            return await self._to_receiver(channel.spec, message)

    async def check(self, spec: NotificationChannelSpec) -> str | None:
        """Return what keeps a channel from working, as one sentence, or None. Nothing is sent."""
        found = await self._url(spec)
        return found if isinstance(found, str) else None

    async def _to_receiver(self, spec: NotificationChannelSpec, message: Message) -> Delivery:
        url = await self._url(spec)
        if isinstance(url, str):
            return Delivery(sent=False, error=url)
        key = {"Idempotency-Key": message.id}
        if spec.slack is not None:
            body = json.dumps(slack.payload(message)).encode()
            answer = await self._poster.post(url, body, {**key, "Content-Type": "application/json; charset=utf-8"})
            return answer if isinstance(answer, Delivery) else _slack_said(answer, url)
        event = webhook.cloud_event(message)
        answer = await self._poster.post(url, event.body, {**key, **event.headers})
        return answer if isinstance(answer, Delivery) else posting.judge(answer)

    async def _url(self, spec: NotificationChannelSpec) -> URL | str:
        """Return the URL to post to, or the sentence that says why there is none."""
        ref = _secret_ref(spec)
        if ref is None:
            return "a channel has exactly one of slack, webhook"
        secret = f"Secret {self._namespace}/{ref.name}"
        try:
            text = await self._read_secret(ref.name, ref.key)
        except PratiqueError:
            return f"{secret} could not be read: the API server did not give it to the operator"
        if text is None:
            return f"{secret} has no key {ref.key}"
        return posting.parse_url(text) or f"{secret}: the key {ref.key} must hold an http or https URL with a host"


def _slack_said(answer: posting.Answer, url: URL) -> Delivery:
    """Slack says `ok` in the body; any other success is somebody in between."""
    if answer.status == HTTPStatus.OK and answer.body.strip() != "ok":
        return Delivery(sent=False, error="the receiver answered 200, but not with Slack's ok")
    return posting.judge(answer, slack.error_code(answer.body, str(url)))


def _secret_ref(spec: NotificationChannelSpec) -> SecretKeyRef | None:
    if spec.slack is not None:
        return spec.slack.webhook_url_secret_ref
    return spec.webhook.url_secret_ref if spec.webhook is not None else None
