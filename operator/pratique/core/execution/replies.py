"""Judges what a call came to: it was done, it is tried again, or it has failed. Pure; called by `request`.

It is tried again only where that is safe: nothing was sent, the receiver says itself that it did nothing for now, or
twice is as good as once. What a receiver wrote is never shown, but for one word of a code: it may hold secrets.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

from pratique.api.v1alpha1.calling import HttpRequest
from pratique.core.kernel.calling import Called, Fate, Reply

_WORD = re.compile(r"[A-Za-z]+([ _-][A-Za-z]+){0,5}")
"""Letters alone: tokens and keys have digits."""
_MAX_WORD = 60
_CODES = ("error", "code", "reason", "type", "message", "title")
_BUSY = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""With Retry-After they say that nothing was done for now; GitHub answers 403 then."""
_MAY_PASS = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
REMEDY = (
    "look there before you ask again; where the receiver honours Idempotency-Key, request.idempotent: true lets it be"
    " sent again"
)

_LOOK: dict[int, str] = {
    **dict.fromkeys(
        (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED),
        "the receiver does not let this caller do it: look whether what headersFrom or signing takes from a Secret is still"
        " good, and has the right",
    ),
    **dict.fromkeys(
        (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE),
        "look at request.url and request.method; some receivers answer so to a caller without the right, so look at"
        " headersFrom as well",
    ),
    **dict.fromkeys(
        _MAY_PASS,
        "ask again later; where the receiver honours Idempotency-Key, request.idempotent: true lets it be sent again",
    ),
    HTTPStatus.CONFLICT: "look there for what stands against it, then ask again",
}
_LOOK_AT_IT = "look whether request.body and request.headers are what the receiver takes"


class Say(Enum):
    """What follows from a call."""

    DONE = "it was done"
    AGAIN = "it is tried again"
    FAILED = "it has failed"


@dataclass(frozen=True)
class Judged:
    """What follows, with words behind the name of the call; `after` in seconds if the receiver asked for it."""

    say: Say
    message: str = ""
    after: float | None = None


def judge_call(request: HttpRequest, called: Called) -> Judged:
    """Return what follows from what a call came to. It is not under way."""
    repeatable = request.idempotent or request.method.is_idempotent
    match called.fate:
        case Fate.NOT_SENT:
            return Judged(Say.FAILED if called.final else Say.AGAIN, f"was not sent: {called.message}")
        case Fate.ANSWERED if called.reply is not None:
            return _judge_reply(request, called.reply, repeatable=repeatable)
        case Fate.LOST:
            why = "gave no answer that is known: the operator was stopped while it made this call"
        case _:
            why = f"gave no answer: {called.message}"
    if repeatable:
        return Judged(Say.AGAIN, why)
    return Judged(Say.FAILED, f"{why}. It may have been done: {REMEDY}")


def _judge_reply(request: HttpRequest, reply: Reply, *, repeatable: bool) -> Judged:
    status = reply.status
    if is_taken(request.expect, status):
        return Judged(Say.DONE)
    said = f"answered {status_phrase(status)}{_word_of(reply.body)}"
    if 300 <= status < 400:
        return Judged(Say.FAILED, f"{said}: redirects are not followed, put the final address into url")
    if status in _BUSY and reply.retry_after is not None:
        return Judged(Say.AGAIN, said, reply.retry_after)
    if repeatable and (status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _MAY_PASS):
        return Judged(Say.AGAIN, said)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Judged(Say.FAILED, f"{said}. It may have been done all the same: {REMEDY}")
    if 200 <= status < 300:
        wanted = ", ".join(str(each) for each in request.expect)
        text = f"{said}, and request.expect takes {wanted} only. It may have been done: look there before you ask again"
        return Judged(Say.FAILED, text)
    return Judged(Say.FAILED, f"{said}: {_LOOK.get(status, _LOOK_AT_IT)}")


def is_taken(expect: Collection[int], status: int) -> bool:
    """Whether a status code says that it was done: any 2xx, if nothing else is expected."""
    return status in expect if expect else 200 <= status < 300


def status_phrase(status: int) -> str:
    """Return `404 Not Found`, from our own table: the receiver's phrase is its own text."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _word_of(body: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return what a receiver calls the fault, if that is a few words and nothing else."""
    held = body if isinstance(body, dict) else {}
    inner = held.get("error")
    for source in (inner if isinstance(inner, dict) else {}, held):
        for field in _CODES:
            word = source.get(field)
            if isinstance(word, str) and len(word) <= _MAX_WORD and _WORD.fullmatch(word):
                return f" ({word})"
    return ""
