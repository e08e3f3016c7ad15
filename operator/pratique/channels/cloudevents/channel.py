"""The generic webhook: the message as a CloudEvent 1.0, structured or binary, signed if the channel says so.

What its `data` holds is in docs/guides/channel-webhook.md. A signature covers the body and not the headers: therefore
`data` says all that the headers of the binary mode say. Must not judge answers (`posting` does).
"""

import time
from datetime import UTC
from typing import Any

from cloudevents.core.bindings.http import HTTPMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from yarl import URL

from pratique.api.v1alpha1.notification_channel import WebhookChannel, WebhookMode, WebhookSigning
from pratique.channels.cloudevents.signing import MAX_KEYS, parse_keys, signed
from pratique.channels.kit.posting import judge
from pratique.channels.kit.settings import Means, NotReadyError, Send, Vault
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.credentials import ANY
from pratique.core.telling.messages import Message


async def connect(spec: WebhookChannel, vault: Vault, means: Means) -> Send:
    """Return what posts to the endpoint, signed if there is `signing`: it is never left out for want of a key."""
    url = await vault.url(spec.url_secret_ref)
    keys = await _keys(spec.signing, vault, url) if spec.signing is not None else ()
    await means.expect(url.raw_host or "", url.port or 0)

    async def send(message: Message) -> Delivery:
        event = cloud_event(message, spec.mode)
        signature = signed(keys, message.id, event.body, time.time()) if keys else {}
        headers = {"Idempotency-Key": message.id, **event.headers, **signature}
        answer = await means.poster.post(url, event.body, headers)
        return answer if isinstance(answer, Delivery) else judge(answer)

    return send


async def _keys(signing: WebhookSigning, vault: Vault, url: URL) -> tuple[bytes, ...]:
    """A key goes nowhere, but what it signs is believed: a Secret that names servers lets it sign for those alone."""
    ref = signing.secret_ref
    await vault.let(ref.name, url.raw_host or "", url.port or 0, ANY)
    try:
        keys = parse_keys(await vault.text(ref))
    except NotReadyError as error:
        raise NotReadyError(f"{error}; nothing is sent unsigned") from None
    if keys is None:
        raise NotReadyError(
            f"{vault.place(ref)}: the key {ref.key} must hold 1 to {MAX_KEYS} signing keys, one a line, each whsec_ "
            "and 24 to 64 bytes in base64; nothing is sent unsigned"
        )
    return keys


def event_type(message: Message) -> str:
    """Return the CloudEvents type: `dev.pratique.actionrun.approvalrequested.v1`."""
    return f"dev.pratique.{message.subject.kind.lower()}.{message.event.value.lower()}.v1"


def cloud_event(message: Message, mode: WebhookMode = WebhookMode.STRUCTURED) -> HTTPMessage:
    """Return headers and body of the POST. The event's id is stable: a receiver drops repeats by it."""
    subject = message.subject
    space = f"/namespaces/{subject.namespace}" if subject.namespace else ""
    attributes = {
        "specversion": "1.0",
        "id": message.id,
        "type": event_type(message),
        "source": f"/apis/{subject.api_version}{space}/{subject.kind.lower()}s/{subject.name}",
        "subject": f"{subject.namespace}/{subject.name}" if subject.namespace else subject.name,
        "time": message.at,
        "datacontenttype": "application/json",
    }
    event = CloudEvent(attributes, data_of(message))
    return (to_binary if mode is WebhookMode.BINARY else to_structured)(event, JSONFormat())


def data_of(message: Message) -> dict[str, Any]:
    """Return what every channel says, as JSON. Facts are a list: their order is the reading order, labels may repeat."""
    subject, audience = message.subject, message.audience
    return {
        "id": message.id,
        "event": message.event.value,
        "time": message.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "headline": message.headline,
        "text": message.text,
        "audience": {
            "role": audience.audience.value,
            "users": list(audience.users),
            "groups": list(audience.groups),
        },
        "facts": [{"label": label, "text": text} for label, text in message.facts],
        "inputs": [{"name": each.name, "title": each.title, "value": each.value} for each in message.inputs],
        "howToDecide": [{"label": label, "command": line} for label, line in message.how_to_decide],
        "object": {
            "apiVersion": subject.api_version,
            "kind": subject.kind,
            "namespace": subject.namespace,
            "name": subject.name,
            "uid": subject.uid,
        },
    }
