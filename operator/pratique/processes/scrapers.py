"""Who may read /metrics where every Pod reaches its port: the API server is asked, as controller-runtime asks it.

Whose token it is (TokenReview), and whether that account may `get` the path `/metrics` (SubjectAccessReview). An answer is
believed for a minute, and a refusal for ten seconds, so that a scrape every few seconds costs next to nothing.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from pratique.cluster.client import Api, ApiError

PATH = "/metrics"
_TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105 - a path
_ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_BELIEVED, _REFUSED = 60.0, 10.0
"""Seconds."""
_MAX_TOKEN = 16 * 1024
_MAX_KNOWN, _MAX_ASKING, _MAX_WAITING = 256, 2, 16
"""Tokens that are remembered; how many are asked about at a time; how many may wait for that, of whoever floods us."""


class Scrapers:
    """Whom /metrics is shown to. Tokens are kept as their hash only."""

    def __init__(self, api: Api, now: Callable[[], float] = time.monotonic) -> None:
        self._api, self._now = api, now
        self._known: dict[bytes, tuple[HTTPStatus, float]] = {}
        self._asking, self._waiting = asyncio.Semaphore(_MAX_ASKING), 0

    async def judge(self, authorization: str | None) -> HTTPStatus:
        """Return what to answer a request with this header: OK, UNAUTHORIZED, FORBIDDEN or SERVICE_UNAVAILABLE."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
            return HTTPStatus.UNAUTHORIZED
        key = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        if (known := self._remembered(key)) is not None:
            return known
        if self._waiting >= _MAX_WAITING:
            return HTTPStatus.SERVICE_UNAVAILABLE
        self._waiting += 1
        try:
            async with self._asking:
                return self._remembered(key) or self._remember(key, await self._ask(token))
        except ApiError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        finally:
            self._waiting -= 1

    def _remembered(self, key: bytes) -> HTTPStatus | None:
        status, until = self._known.get(key, (HTTPStatus.UNAUTHORIZED, 0.0))
        return status if self._now() < until else None

    def _remember(self, key: bytes, status: HTTPStatus) -> HTTPStatus:
        while len(self._known) >= _MAX_KNOWN:
            del self._known[next(iter(self._known))]
        self._known.pop(key, None)
        self._known[key] = (status, self._now() + (_BELIEVED if status is HTTPStatus.OK else _REFUSED))
        return status

    async def _ask(self, token: str) -> HTTPStatus:
        """Ask the API server; raises ApiError."""
        found = await self._review("authentication.k8s.io/v1", "TokenReview", _TOKEN_REVIEWS, {"token": token})
        if found.get("authenticated") is not True:
            return HTTPStatus.UNAUTHORIZED
        user = found["user"]
        spec = {
            "user": user.get("username", ""),
            "uid": user.get("uid", ""),
            "groups": user.get("groups") or [],
            "extra": user.get("extra") or {},
            "nonResourceAttributes": {"path": PATH, "verb": "get"},
        }
        found = await self._review("authorization.k8s.io/v1", "SubjectAccessReview", _ACCESS_REVIEWS, spec)
        return HTTPStatus.OK if found.get("allowed") is True else HTTPStatus.FORBIDDEN

    async def _review(self, api_version: str, kind: str, path: str, spec: dict[str, Any]) -> dict[str, Any]:
        answer = await self._api.request("POST", path, {"apiVersion": api_version, "kind": kind, "spec": spec})
        return dict(answer.get("status") or {})
