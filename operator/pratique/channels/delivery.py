"""Delivers one message through one channel and says what became of it. Never raises for what a receiver does.

URLs are secrets (a Slack webhook's is its password): no error, log or result ever holds one.
"""

import json
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from pratique.api.v1alpha1.common import KUBERNETES_EVENTS, Notification
from pratique.api.v1alpha1.notification_channel import NotificationChannel, NotificationChannelSpec, SecretKeyRef
from pratique.channels import slack, webhook
from pratique.channels.kubernetes_events import event_manifest
from pratique.core.effects import Delivery
from pratique.core.messages import Message

ReadSecret = Callable[[str, str], Awaitable[str | None]]
PostEvent = Callable[[dict[str, Any]], Awaitable[None]]
TIMEOUT = 10.0
"""Seconds for a whole delivery."""
_REQUEST_TIMEOUT, _TOO_MANY, _SERVER_ERROR = 408, 429, 500
_EVENT_IS_THERE, _GONE = ("AlreadyExists",), ("NotFound", "Forbidden", "Invalid")


class Channels:
    """All ways to tell somebody. `read_secret` returns None for what does not exist."""

    def __init__(self, read_secret: ReadSecret, post_event: PostEvent, *, timeout: float = TIMEOUT) -> None:
        self._read_secret, self._post_event = read_secret, post_event
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def deliver(self, channel: NotificationChannel | None, entry: Notification, message: Message) -> Delivery:
        """Deliver a message once."""
        if entry.channel == KUBERNETES_EVENTS:
            return await self._as_event(message)
        if channel is None:
            return Delivery(sent=False, error=f"there is no NotificationChannel named {entry.channel}")
        problem, url = await self._url(channel.spec)
        if url is None:
            return Delivery(sent=False, error=problem)
        if channel.spec.slack is not None:
            return await self._post(url, json.dumps(slack.payload(message)).encode(), "application/json", message.id)
        return await self._post(url, webhook.body(message), webhook.CONTENT_TYPE, message.id)

    async def check(self, spec: NotificationChannelSpec) -> str | None:
        """Return what keeps a channel from working, as one sentence, or None."""
        problem, url = await self._url(spec)
        return problem if url is None else None

    async def _url(self, spec: NotificationChannelSpec) -> tuple[str, str | None]:
        ref = _secret_ref(spec)
        if ref is None:
            return "a channel has exactly one of slack, webhook", None
        url = await self._read_secret(ref.name, ref.key)
        if url is None:
            return f"the operator's namespace has no Secret {ref.name} with the key {ref.key}", None
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return f"the key {ref.key} of Secret {ref.name} is not an http or https URL", None
        return "", url.strip()

    async def _post(self, url: str, data: bytes, content_type: str, key: str) -> Delivery:
        headers = {"Content-Type": content_type, "Idempotency-Key": key, "User-Agent": "pratique"}
        try:
            async with self._open().post(url, data=data, headers=headers, allow_redirects=False) as response:
                answer = (await response.content.read(256)).decode(errors="replace").replace(url, "…")
                return _judge(response.status, answer, response.headers.get("Retry-After"))
        except TimeoutError:
            return Delivery(sent=False, error=f"no answer within {self._timeout.total:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Delivery(sent=False, error=f"could not be reached ({type(error).__name__})")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def _as_event(self, message: Message) -> Delivery:
        try:
            await self._post_event(event_manifest(message))
        except Exception as error:
            reason = getattr(error, "reason", None)
            if reason is None:
                raise
            permanent = reason in _GONE
            return Delivery(sent=reason in _EVENT_IS_THERE, error=f"{reason}: {error}", permanent=permanent)
        return Delivery(sent=True)


def _secret_ref(spec: NotificationChannelSpec) -> SecretKeyRef | None:
    if spec.slack is not None:
        return spec.slack.webhook_url_secret_ref
    return spec.webhook.url_secret_ref if spec.webhook is not None else None


def _judge(status: int, answer: str, retry_after: str | None) -> Delivery:
    """Say what an HTTP answer means: 2xx is delivered, 408, 429 and 5xx may pass, the rest will not."""
    if 200 <= status < 300:
        return Delivery(sent=True)
    error = f"answered {status}: {answer.strip()[:200]}" if answer.strip() else f"answered {status}"
    temporary = status in (_REQUEST_TIMEOUT, _TOO_MANY) or status >= _SERVER_ERROR
    return Delivery(sent=False, error=error, permanent=not temporary, retry_after=_seconds(retry_after))


def _seconds(retry_after: str | None) -> float | None:
    """Return the seconds of a Retry-After, which is a number or a date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except ValueError:
        return None
