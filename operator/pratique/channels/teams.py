"""Microsoft Teams: the message as an Adaptive Card, for the URL of a Workflow; what people write is never Markdown.

Teams reads Markdown in TextBlocks and Facts, and its clients do not agree on how to escape it (some make a link of
`\\[x\\](url)`). So all text is in RichTextBlocks, which have none, and a Fact only takes what has no sign of Markdown.
No buttons: a link in a message carries no power. What is cut to fit is decided in `room`.
"""

import json
import re
from dataclasses import replace
from typing import Any

from yarl import URL

from pratique.api.v1alpha1.notification_channel import TeamsChannel
from pratique.channels.kit.foreign import undocumented
from pratique.channels.kit.posting import Answer, judge
from pratique.channels.kit.room import build_fitting, look
from pratique.channels.kit.settings import Means, NotReadyError, Send, Vault
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.messages import Message, name_readers
from pratique.core.telling.wording import moment

MAX_BYTES = 20_000
"""Teams takes 28 KB of what a Workflow makes of it, and drops in silence what is longer: from 21 KB on, it was seen to. The
body is ASCII, so that no one who writes it again makes it longer."""
_SHORT = 300
"""A longer fact gets the full width."""
_RETIRED = re.compile(r"(outlook\.office(365)?|(.+\.)?webhook\.office(365)?)\.com\.?")
_MARKDOWN = re.compile(
    r"""[][<>*`~\\&|#{}$\n]      # emphasis, code, links, entities, tables, {{DATE()}}
    |(?<!\w)_|_(?!\w)            # an underscore inside a word is one
    |^\s*([-+]|\d+[.)])\s        # a list
    |://|\bwww\.                 # what may become a link by itself""",
    re.VERBOSE,
)
_CODE = re.compile(r'"code"\s*:\s*"([A-Za-z]{2,64})"')
_CODES = """
AuthorizationFailed BadGateway BadRequest DirectApiAuthorizationRequired DirectApiInvalidAuthorizationScheme
DirectApiRequestHasMoreThanOneAuthorization ExpiredAuthenticationToken Forbidden GatewayTimeout InternalServerError
InvalidAuthenticationToken InvalidRequestContent InvalidRequestContentType InvalidTemplate MissingApiVersionParameter
NoResponse NotFound RequestBodyTooLarge RequestEntityTooLarge ServiceUnavailable TooManyRequests
TriggerConditionNotSatisfied TriggerInputSchemaMismatch Unauthorized UnsupportedApiVersion WorkflowNotFound
WorkflowSuspended WorkflowTriggerIsNotEnabled WorkflowTriggerNotFound WorkflowTriggerVersionNotFound
"""
KNOWN = frozenset(_CODES.split())
"""Codes of workflows that are documented."""
_CLOSED = "the workflow does not take messages by this URL: is it switched on, and open to anyone who has the URL?"
_HINTS = {401: _CLOSED, 403: _CLOSED, 404: "there is no such workflow: was it deleted, or its URL made anew?"}

Block = dict[str, Any]


async def connect(spec: TeamsChannel, vault: Vault, means: Means) -> Send:
    """Return what posts to the Workflow."""
    ref = spec.workflow_url_secret_ref
    url = await vault.url(ref)
    if is_retired(url):
        raise NotReadyError(
            f"{vault.place(ref)}: the key {ref.key} holds the URL of a Microsoft 365 connector, which are retired; make "
            "a workflow in Teams (Workflows, Send webhook alerts to a channel) and put its URL there"
        )

    await means.expect(url.raw_host or "", url.port or 0)

    async def send(message: Message) -> Delivery:
        body = json.dumps(payload(message)).encode()
        answer = await means.poster.post(url, body, {"Content-Type": "application/json"})
        return answer if isinstance(answer, Delivery) else said(answer, str(url))

    return send


def is_retired(url: URL) -> bool:
    """Whether a URL is of the connectors that Workflows replaced: they took another format, and are switched off."""
    return _RETIRED.fullmatch((url.host or "").lower()) is not None


def said(answer: Answer, url: str = "") -> Delivery:
    """A Workflow answers 202 with nothing. Of an error only its code is shown: the text may quote the URL."""
    found = _CODE.search(answer.body)
    word = found[1] if found else ""
    delivery = judge(answer, word if word in KNOWN or not word else undocumented(word, url))
    hint = _HINTS.get(answer.status)
    return replace(delivery, error=f"{delivery.error}; {hint}") if hint else delivery


def payload(message: Message) -> dict[str, Any]:
    """Return the body of the POST: as much of the message as Teams takes."""
    return build_fitting(message, _envelope, lambda body: len(json.dumps(body)), MAX_BYTES)


def _envelope(message: Message, cut: bool) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": _blocks(message, cut),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _blocks(message: Message, cut: bool) -> list[Block]:
    plain = [fact for fact in message.facts if _is_plain(fact)]
    rich = [fact for fact in message.facts if not _is_plain(fact)]
    facts = (
        [{"type": "FactSet", "facts": [{"title": title, "value": value} for title, value in plain]}] if plain else []
    )
    footer = f"For {name_readers(message.audience)} · {moment(message.at)}"
    return [
        _rich(message.headline, weight="Bolder", size="Large"),
        _rich(message.text),
        *facts,
        *(block for label, text in rich for block in _titled(label, text)),
        *(block for label, line in message.how_to_decide for block in _titled(label, line, fontType="Monospace")),
        *(_titled("Shortened to what Teams takes. All of it", look(message), fontType="Monospace") if cut else ()),
        _rich(footer, space="Medium", size="Small", isSubtle=True),
    ]


def _is_plain(fact: tuple[str, str]) -> bool:
    return len(fact[1]) <= _SHORT and not any(_MARKDOWN.search(text) for text in fact)


def _titled(label: str, text: str, **style: str | bool) -> list[Block]:
    """One block for each line: whether a client breaks the lines of a text is its own affair."""
    lines = (_rich(line, space="None", **style) for line in text.split("\n"))
    return [_rich(label, space="Medium", weight="Bolder"), *lines]


def _rich(text: str, space: str = "Default", **style: str | bool) -> Block:
    return {"type": "RichTextBlock", "spacing": space, "inlines": [{"type": "TextRun", "text": text, **style}]}
