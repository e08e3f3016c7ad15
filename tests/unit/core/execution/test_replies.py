"""What follows from what a call came to: again only where that is safe, and nothing of the answer is shown but a word."""

from typing import Any

import pytest

from pratique.api.v1alpha1.calling import HttpRequest
from pratique.core.execution.replies import REMEDY, Say, judge_call, status_phrase
from pratique.core.kernel.calling import Called, Fate, Reply

POST: dict[str, Any] = {"url": "https://api.example.com/"}
GET = {**POST, "method": "GET"}
SAFE = {**POST, "idempotent": True}
SECRET = "hunter2secret"


def answered(status: int, body: Any = None, **more: Any) -> Called:
    return Called(Fate.ANSWERED, reply=Reply(status, body, **more))


AGAIN, DONE, FAILED = Say.AGAIN, Say.DONE, Say.FAILED


@pytest.mark.parametrize(
    ("request_", "called", "say", "message"),
    [
        (POST, answered(204), DONE, ""),
        (POST, answered(201), DONE, ""),
        ({**POST, "expect": [204, 302]}, answered(302), DONE, ""),
        (
            {**POST, "expect": [204]},
            answered(200),
            FAILED,
            "answered 200 OK, and request.expect takes 204 only. It may have been done",
        ),
        (
            POST,
            answered(302),
            FAILED,
            "answered 302 Found: redirects are not followed, put the final address into url",
        ),
        (
            POST,
            answered(422, {"message": "Unexpected inputs"}),
            FAILED,
            "answered 422 Unprocessable Entity (Unexpected inputs)",
        ),
        (POST, answered(422, {"message": f"bad {SECRET}"}), FAILED, "answered 422 Unprocessable Entity"),
        (POST, answered(400, {"error": {"code": "invalid_ref"}}), FAILED, "answered 400 Bad Request (invalid_ref)"),
        (POST, answered(400, {"error": "no_ref", "message": "x" * 61}), FAILED, "answered 400 Bad Request (no_ref)"),
        (POST, answered(400, [SECRET]), FAILED, "answered 400 Bad Request"),
        (POST, answered(401), FAILED, "answered 401 Unauthorized: the receiver does not let this caller do it"),
        (POST, answered(403), FAILED, "answered 403 Forbidden: the receiver does not let this caller do it"),
        (POST, answered(404), FAILED, "answered 404 Not Found: look at request.url and request.method"),
        (POST, answered(409), FAILED, "answered 409 Conflict: look there for what stands against it"),
        (POST, answered(418), FAILED, "look whether request.body and request.headers are what the receiver takes"),
        (POST, answered(408), FAILED, "answered 408 Request Timeout: ask again later; where the receiver honours"),
        (POST, answered(403, retry_after=60.0), AGAIN, "answered 403 Forbidden"),
        (POST, answered(429, retry_after=2.0), AGAIN, "answered 429 Too Many Requests"),
        (POST, answered(429), FAILED, "answered 429 Too Many Requests"),
        (GET, answered(429), AGAIN, "answered 429 Too Many Requests"),
        (POST, answered(503, retry_after=0.0), AGAIN, "answered 503 Service Unavailable"),
        (POST, answered(502), FAILED, f"answered 502 Bad Gateway. It may have been done all the same: {REMEDY}"),
        (SAFE, answered(502), AGAIN, "answered 502 Bad Gateway"),
        (POST, answered(599), FAILED, f"answered 599. It may have been done all the same: {REMEDY}"),
        (POST, Called(Fate.NOT_SENT, "no connection"), AGAIN, "was not sent: no connection"),
        (POST, Called(Fate.NOT_SENT, "private", final=True), FAILED, "was not sent: private"),
        (
            POST,
            Called(Fate.UNKNOWN, "no answer within 30 s"),
            FAILED,
            f"gave no answer: no answer within 30 s. It may have been done: {REMEDY}",
        ),
        (SAFE, Called(Fate.UNKNOWN, "no answer within 30 s"), AGAIN, "gave no answer: no answer within 30 s"),
        ({**POST, "method": "PUT"}, Called(Fate.UNKNOWN, "reset"), AGAIN, "gave no answer: reset"),
        ({**POST, "method": "PATCH"}, Called(Fate.UNKNOWN, "reset"), FAILED, "It may have been done"),
        (
            POST,
            Called(Fate.LOST),
            FAILED,
            "gave no answer that is known: the operator was stopped while it made this call. It may have been done",
        ),
        (SAFE, Called(Fate.LOST), AGAIN, "gave no answer that is known"),
    ],
)
def test_what_follows(request_: dict[str, Any], called: Called, say: Say, message: str) -> None:
    judged = judge_call(HttpRequest.model_validate(request_), called)
    assert judged.say is say and message in judged.message and SECRET not in judged.message
    assert judged.after == (called.reply.retry_after if called.reply and say is AGAIN else None)


def test_a_phrase_is_of_our_own_table() -> None:
    assert (status_phrase(204), status_phrase(599)) == ("204 No Content", "599")
