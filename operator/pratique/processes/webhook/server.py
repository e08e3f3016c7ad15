"""Answers AdmissionReviews over HTTP: strictly, so that whatever is not understood is an error and never `allowed`.

The API server fails closed: an error of any kind is a refusal. `admission.stamp` decides; here is only the envelope.
"""

import base64
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from pratique.admission.stamp import UnstampableError, stamp
from pratique.admission.webhook import PATH

log = logging.getLogger(__name__)
MAX_BODY = 8 * 1024 * 1024
"""Bytes: a review holds an object twice, and etcd takes none above 1.5 MB."""
REVIEW = ("admission.k8s.io/v1", "AdmissionReview")

Observe = Callable[[str, float], None]


class Reviews:
    """The server's one path; `observe` is told the result of each review and the seconds it took."""

    def __init__(self, observe: Observe) -> None:
        self._observe = observe
        self.closing = False
        """Whether to ask clients to come back elsewhere."""

    def app(self) -> web.Application:
        """Return the application: every other path, method or type is refused by its router."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_post(PATH, self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        started, result = time.monotonic(), "error"
        try:
            if request.content_type != "application/json":
                raise web.HTTPUnsupportedMediaType(text="send an AdmissionReview as application/json\n")
            uid, asked = _parsed(await _read(request))
            result, response = _reviewed(asked)
            api_version, kind = REVIEW
            answer = {"apiVersion": api_version, "kind": kind, "response": {"uid": uid, **response}}
        finally:
            self._observe(result, time.monotonic() - started)
        sent = web.json_response(answer)
        if self.closing:
            sent.force_close()
        return sent


async def _read(request: web.Request) -> bytes:
    """Return the body; whoever goes away in the middle of it is answered, and hears nothing."""
    try:
        return await request.read()
    except ConnectionResetError as error:
        raise web.HTTPBadRequest(text="the connection ended before the body did\n") from error


def _parsed(body: bytes) -> tuple[str, dict[str, Any]]:
    try:
        review = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise web.HTTPBadRequest(text=f"the body is no JSON that can be read ({type(error).__name__})\n") from error
    if not isinstance(review, dict) or (review.get("apiVersion"), review.get("kind")) != REVIEW:
        raise web.HTTPBadRequest(text="the body is no AdmissionReview of admission.k8s.io/v1\n")
    request = review.get("request")
    if not isinstance(request, dict) or not isinstance(request.get("uid"), str):
        raise web.HTTPBadRequest(text="the AdmissionReview has no request with a uid\n")
    return request["uid"], request


def _reviewed(request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return what happened, for metrics, and the response."""
    try:
        patch = stamp(request)
    except UnstampableError as error:
        status = {"code": 403, "reason": "Forbidden", "message": str(error)}
        return "refused", {"allowed": False, "status": status}
    if not patch:
        return "unchanged", {"allowed": True}
    encoded = base64.b64encode(json.dumps(patch).encode()).decode()
    return "stamped", {"allowed": True, "patchType": "JSONPatch", "patch": encoded}
