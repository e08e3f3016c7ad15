"""The thin client of the hot path, on aiohttp: the few verbs we use, typed errors, impersonation, bounded retries.

It retries only what the server said it did not do (429, a busy quota; 503 for reads); anything else comes back as an
ApiError, and the queue looks again. It is measured several times cheaper than the full client (docs/design).
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self

import aiohttp

from pratique.cluster.connection import Connection
from pratique.cluster.unreachable import why_unreachable
from pratique.core.kernel.answers import Answer, Cause, Standing, judge
from pratique.core.kernel.effects import ObjectRef
from pratique.core.kernel.errors import PratiqueError
from pratique.core.kernel.quoting import Piece

Json = dict[str, Any]
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""As `accept`: the answer is the object's metadata alone."""
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""The same of a list."""
_TRIES = 4
_UNAVAILABLE = 503
_PAGE = 100
_CHUNK = 64 * 1024
TOO_LARGE = "TooLarge"
"""Reason of an ApiError: the answer has more bytes than were to be read."""
_LISTINGS = 2
"""Pages of what tenants write that are read at the same time: each may be large, and takes many times that once parsed."""
_SEGMENT = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.:@+]*[A-Za-z0-9_])?")


class ApiError(PratiqueError):
    """The API server's answer, or that there was none (`code` 0). It keeps none of its words (`core.kernel.answers`)."""

    def __init__(self, code: int, reason: str, message: str, *, cause: Cause = Cause.OTHER) -> None:
        """Say something of our own; what an API server said comes by `answered`."""
        standing = Standing.FINAL if code else Standing.PASSES
        self._be(Answer(code, reason, (Piece(message),), standing, cause), None)

    @classmethod
    def answered(cls, answer: Answer, retry_after: float | None = None) -> Self:
        """Return the error of an answer."""
        error = cls.__new__(cls)
        error._be(answer, retry_after)
        return error

    def _be(self, answer: Answer, retry_after: float | None) -> None:
        super().__init__(answer.message)
        self.answer, self.retry_after = answer, retry_after
        self.code, self.reason, self.message = answer.code, answer.reason, answer.message

    @property
    def transient(self) -> bool:
        """Whether the same request may work later."""
        return self.answer.standing is Standing.PASSES


class Api:
    """One API server. Use as an async context manager."""

    def __init__(
        self,
        connection: Connection,
        *,
        timeout: float = 30.0,
        may_write: Callable[[], bool] = lambda: True,
        observe: Callable[[str, str, int, float], None] = lambda method, path, code, seconds: None,
    ) -> None:
        """Talk to the API server of a connection.

        `may_write` is asked right before each write is sent: a process that was suspended must not act on what it knew
        before. `observe` is told of each request: method, path, code (0: no answer) and how many seconds it took.
        """
        self.connection, self._may_write, self._observe = connection, may_write, observe
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}
        self.merges_whole_lists: set[tuple[str, str]] = set()
        """Kinds, by apiVersion and kind, that take no strategic merge patch."""
        self._reporting: set[tuple[str, str]] = set()
        self.schemas: dict[str, Json | None] = {}
        """Kept by `inspection`: the schemas of kinds, by where the API server publishes them."""
        self.listing = asyncio.Semaphore(_LISTINGS)
        """Held by `options` while a page is read."""

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self.connection.ssl_context(), limit=64)
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: dict[str, str] | None = None,
        content_type: str = "application/json",
        run_as: str | None = None,
        fenced: bool = True,
        accept: str = "application/json",
        at_most: int | None = None,
    ) -> Json:
        """Send one request as ourselves, or as `run_as`; return the JSON answer or raise ApiError.

        A write that is `fenced` is not sent unless this process may write at this instant. Of an answer of more bytes
        than `at_most` the rest is not read, and nothing is parsed.
        """
        fenced = fenced and method != "GET" and "dryRun" not in (params or {})
        for attempt in range(1, _TRIES + 1):
            if fenced and not self._may_write():
                raise ApiError(0, "NotLeading", "this process does not lead any more, so it writes nothing")
            try:
                return await self._once(method, path, body, params, content_type, run_as, accept, at_most)
            except ApiError as error:
                safe = error.answer.undone or (error.code == _UNAVAILABLE and method == "GET")
                if not safe or attempt == _TRIES:
                    raise
                await asyncio.sleep(min(error.retry_after or 0.1 * 2**attempt, 10.0))
        raise AssertionError("unreachable: the last try returns or raises")

    async def tail(self, path: str, params: dict[str, str], *, run_as: str, at_most: int) -> str:
        """Return a text that the API server passes on, such as a log; of a longer one the last bytes."""
        how: dict[str, Any] = {"run_as": run_as, "accept": "*/*", "last": at_most}
        return (await self._sent("GET", path, None, params, "", **how)).decode(errors="replace")

    async def _once(
        self,
        method: str,
        path: str,
        body: object,
        params: dict[str, str] | None,
        content_type: str,
        run_as: str | None,
        accept: str,
        at_most: int | None,
    ) -> Json:
        how: dict[str, Any] = {"run_as": run_as, "accept": accept, "at_most": at_most}
        return _answer(await self._sent(method, path, body, params, content_type, **how))

    async def _sent(
        self,
        method: str,
        path: str,
        body: object,
        params: dict[str, str] | None,
        content_type: str,
        *,
        run_as: str | None,
        accept: str,
        at_most: int | None = None,
        last: int | None = None,
    ) -> bytes:
        if self._session is None:
            raise RuntimeError("Api is used outside `async with`")
        headers = self.connection.headers() | {"Accept": accept}
        groups = self.connection.impersonate_groups
        if run_as is not None:
            headers["Impersonate-User"], groups = run_as, ()
        if at_most is not None or last is not None:
            headers["Accept-Encoding"] = "identity"  # little that is packed may be much
        data = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = json.dumps(body, separators=(",", ":")).encode()
        code, sent_at = 0, time.monotonic()
        try:
            async with self._session.request(
                method,
                self.connection.server + path,
                data=data,
                params=params,
                headers=[*headers.items(), *(("Impersonate-Group", group) for group in groups)],
                allow_redirects=False,  # what a plan names is at its own path, or nowhere
            ) as response:
                code = response.status
                payload = await (_payload(response, at_most) if last is None else _last_of(response, last))
                if response.status < 300:
                    return payload
                raise _error(response.status, payload, response.headers.get("Retry-After"), body)
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise ApiError(0, "Unreachable", why_unreachable(error, self.connection.server)) from error
        finally:
            self._observe(method, path, code, time.monotonic() - sent_at)

    async def path_of(self, ref: ObjectRef, *, named: bool = True) -> str:
        """Return the path of an object, or of its collection; the kind is looked up in the API server's discovery.

        A name that would not be one segment of a path is refused: it could lead to another object than it says.
        """
        for part in (*ref.api_version.split("/", 1), ref.name, ref.namespace or "none"):
            if not _SEGMENT.fullmatch(part):
                raise ApiError(400, "BadRequest", f"{part!r} cannot be part of the name of an object")
        plural, namespaced = await self._kind(ref.api_version, ref.kind)
        if namespaced and not ref.namespace:
            raise ApiError(400, "BadRequest", f"{ref.kind} {ref.name} needs metadata.namespace")
        if ref.namespace and not namespaced:
            raise ApiError(400, "BadRequest", f"{ref.kind} is not in a namespace: leave metadata.namespace out")
        space = f"/namespaces/{ref.namespace}" if namespaced else ""
        return f"{_root(ref.api_version)}{space}/{plural}" + (f"/{ref.name}" if named else "")

    async def _kind(self, api_version: str, kind: str) -> tuple[str, bool]:
        if (api_version, kind) not in self._kinds:
            try:
                found = await self.request("GET", _root(api_version))
            except ApiError as error:
                if error.code != 404:
                    raise
                found = {}
            for each in found.get("resources", []):
                if "/" not in each["name"]:
                    self._kinds[(api_version, each["kind"])] = (each["name"], each["namespaced"])
                elif each["name"].endswith("/status"):
                    self._reporting.add((api_version, each["kind"]))
        if (api_version, kind) not in self._kinds:
            text = f"the cluster has no kind {kind} in {api_version}"
            raise ApiError(404, "UnknownKind", text, cause=Cause.MISSING)
        return self._kinds[(api_version, kind)]

    async def resource_of(self, api_version: str, kind: str) -> tuple[str, bool]:
        """Return how a kind is called in paths and rights, and whether it is in namespaces."""
        if not all(_SEGMENT.fullmatch(part) for part in api_version.split("/", 1)):
            raise ApiError(404, "UnknownKind", f"{api_version!r} is no apiVersion", cause=Cause.MISSING)
        return await self._kind(api_version, kind)

    async def collection_of(self, api_version: str, kind: str, namespace: str | None) -> str:
        """Return the path of all objects of a kind: of one namespace, or of all of them."""
        plural, _ = await self.resource_of(api_version, kind)
        if namespace is None:
            return f"{_root(api_version)}/{plural}"
        return await self.path_of(ObjectRef(api_version, kind, "any", namespace), named=False)

    def reports(self, live: Json) -> bool | None:
        """Return whether the kind of an object has a status subresource; None if its kind was not looked up."""
        kind = (str(live.get("apiVersion")), str(live.get("kind")))
        return kind in self._reporting if kind in self._kinds else None

    async def has_kind(self, api_version: str, kind: str) -> bool:
        """Whether the cluster has a kind."""
        try:
            await self.resource_of(api_version, kind)
        except ApiError as error:
            if error.reason != "UnknownKind":
                raise
            return False
        return True

    async def pages(self, path: str, params: dict[str, str] | None = None) -> AsyncIterator[tuple[list[Json], str]]:
        """List a collection page by page; yields the items and the list's resourceVersion.

        The next page is asked for before one is given out, so that the API server makes it meanwhile.
        """
        query = {"limit": str(_PAGE)} | (params or {})
        page = await self.request("GET", path, params=query)
        while following := page["metadata"].get("continue"):
            coming = asyncio.create_task(self.request("GET", path, params=query | {"continue": following}))
            try:
                await asyncio.sleep(0)  # it is sent now
                yield page.get("items") or [], page["metadata"]["resourceVersion"]
                page = await coming
            finally:
                coming.cancel()
        yield page.get("items") or [], page["metadata"]["resourceVersion"]

    async def write_status(self, path: str, resource_version: str, status: object, part: str = "") -> Json:
        """Replace the status, or one `part` of it, of the very version that was looked at; a Conflict means: look again."""
        patch = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version},
            {"op": "add", "path": f"/status/{part}" if part else "/status", "value": status},
        ]
        return await self.request("PATCH", f"{path}/status", patch, content_type=JSON_PATCH)


def _root(api_version: str) -> str:
    return f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"


async def _payload(response: aiohttp.ClientResponse, at_most: int | None) -> bytes:
    if at_most is None:
        return await response.read()
    payload = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        payload += chunk
        if len(payload) > at_most:
            response.close()  # the rest is left where it is
            raise ApiError(413, TOO_LARGE, f"the answer has more than {at_most} bytes")
    return bytes(payload)


async def _last_of(response: aiohttp.ClientResponse, at_most: int) -> bytes:
    payload = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        payload += chunk
        del payload[:-at_most]
    return bytes(payload)


def _answer(payload: bytes) -> Json:
    try:
        return dict(json.loads(payload)) if payload else {}
    except (ValueError, RecursionError):  # an object of another kind may be nested as deeply as its author likes
        raise ApiError(0, "NoJSON", "what answered is not an API server: its answer is no JSON object") from None


def _error(code: int, payload: bytes, retry_after: str | None, sent: object) -> ApiError:
    """Return what an answer is worth; the values that were sent are hidden in what others wrote about them."""
    try:
        status = json.loads(payload)
    except (ValueError, RecursionError):
        status = None
    if not isinstance(status, dict) or status.get("kind") != "Status":
        status = None
    seconds = float(retry_after) if retry_after and retry_after.isdigit() else None
    return ApiError.answered(judge(code, status).without(sent), seconds)
