"""Slack by an incoming webhook: one POST to the channel that the webhook is of. It tells neither id nor thread."""

import json
from http import HTTPStatus

from pratique.api.v1alpha1.channel_parts import SecretKeyRef
from pratique.channels.posting import Answer, judge
from pratique.channels.settings import Means, Send, Vault
from pratique.channels.slack_blocks import payload
from pratique.channels.slack_errors import known_code
from pratique.core.effects import Delivery
from pratique.core.messages import Message


async def connect(ref: SecretKeyRef, vault: Vault, means: Means) -> Send:
    """Return what posts to the incoming webhook."""
    url = await vault.url(ref)

    async def send(message: Message) -> Delivery:
        headers = {"Idempotency-Key": message.id, "Content-Type": "application/json; charset=utf-8"}
        answer = await means.poster.post(url, json.dumps(payload(message)).encode(), headers)
        return answer if isinstance(answer, Delivery) else said(answer)

    return send


def said(answer: Answer) -> Delivery:
    """Slack says `ok` in the body; any other success is somebody in between."""
    if answer.status == HTTPStatus.OK and answer.body.strip() != "ok":
        return Delivery(sent=False, error="the receiver answered 200, but not with Slack's ok")
    return judge(answer, known_code(answer.body))
