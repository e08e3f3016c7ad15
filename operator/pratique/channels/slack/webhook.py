"""Slack by an incoming webhook: one POST to the channel that the webhook is of. It tells neither id nor thread."""

import json
import re
from http import HTTPStatus

from pratique.api.v1alpha1.channel_parts import SecretKeyRef
from pratique.channels.kit.foreign import undocumented
from pratique.channels.kit.posting import Answer, judge
from pratique.channels.kit.settings import Means, Send, Vault
from pratique.channels.slack.blocks import payload
from pratique.channels.slack.errors import PASSES, known_code
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.messages import Message

_ERROR = re.compile(r'"error"\s*:\s*"([^"]*)')
_OK, _NOT_OK = re.compile(r'^\s*\{.*"ok"\s*:\s*true\b', re.DOTALL), re.compile(r'^\s*\{.*"ok"\s*:\s*false\b', re.DOTALL)
"""Of a first piece of JSON, which need not be whole."""
_CODE = re.compile(r"[a-z]+(_[a-z]+)+")
OF_THE_HOOK = frozenset(
    {"invalid_token", "no_service", "no_service_id", "no_active_hooks", "no_team", "team_disabled", "team_not_found"}
    | {"channel_is_archived", "channel_not_found", "action_prohibited", "posting_to_general_channel_denied"}
    | {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "is_archived"}
)
"""Codes that say that no message can pass by this webhook."""
_RENEW = "is the webhook still there, and its channel? Put the URL of a new one into the Secret"


async def connect(ref: SecretKeyRef, vault: Vault, means: Means) -> Send:
    """Return what posts to the incoming webhook."""
    url = await vault.url(ref)
    await means.expect(url.raw_host or "", url.port or 0)

    async def send(message: Message) -> Delivery:
        headers = {"Idempotency-Key": message.id, "Content-Type": "application/json; charset=utf-8"}
        answer = await means.poster.post(url, json.dumps(payload(message)).encode(), headers)
        return answer if isinstance(answer, Delivery) else said(answer, str(url))

    return send


def said(answer: Answer, url: str = "") -> Delivery:
    """Slack says `ok` in the body, or why not, with 200 as well; any other success is somebody in between."""
    found = _ERROR.search(answer.body)
    word = found[1] if found else answer.body.strip()
    code = known_code(word)
    if answer.status != HTTPStatus.OK:
        unknown = undocumented(word, url) if _CODE.fullmatch(word) else ""
        return judge(answer, code or unknown)
    if answer.body.strip() == "ok" or _OK.search(answer.body):
        return Delivery(sent=True)
    if not _NOT_OK.search(answer.body):
        return Delivery(sent=False, error="the receiver answered 200, but not with Slack's ok")
    if code in OF_THE_HOOK:
        return Delivery(sent=False, error=f"Slack answered {code}: {_RENEW}", channel_fault=True)
    if code in PASSES:
        return Delivery(sent=False, error=f"Slack answered {code}", retry_after=answer.retry_after)
    return Delivery(sent=False, error=f"Slack answered {code or undocumented(word, url)}", permanent=True)
