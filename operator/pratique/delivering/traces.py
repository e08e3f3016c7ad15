"""Sends the traces of runs that have ended, as OTLP/HTTP in JSON, beside everything else: nobody waits for it.

What the receiver does not take in time is dropped and counted. Nothing that it answers is read or shown.
"""

import asyncio
import contextlib
import logging
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp

from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.meta import KubeObject
from pratique.core.kernel.frames import frames_of
from pratique.core.operating.tracing import Tracing, TracingError
from pratique.core.runs.trace import Span, spans_of

log = logging.getLogger(__name__)
MOST_WAITING = 1000
"""Traces; with 34 spans at most, a few megabytes."""
_AT_ONCE = 50
_TRIES, _GATHER_SECONDS = 3, 2.0
_LATER = frozenset({429, 502, 503, 504})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Json = dict[str, Any]


class Traces:
    """What waits to be sent; with no receiver it takes nothing."""

    def __init__(
        self, tracing: Tracing | None, counted: Callable[[str, int], None], gather: float = _GATHER_SECONDS
    ) -> None:
        """`counted` is told of what was Sent or Dropped, and how many."""
        self._tracing, self._counted, self._gather = tracing, counted, gather
        self._waiting: deque[tuple[Span, ...]] = deque()
        self._arrived = asyncio.Event()
        self._tls = _tls_of(tracing)
        self._failing = False

    def wrote(self, before: KubeObject, body: Json) -> None:
        """Take in a status that was written: the end of a run is told, once. Returns at once, whatever is wrong."""
        if self._tracing is None or not isinstance(before, ActionRun) or before.status.phase.is_end:
            return
        try:
            run = ActionRun.model_validate(body)
            if run.status.phase.is_end:
                self._put(spans_of(run))
        except Exception as error:  # a trace is never worth a look that fails
            log.error("A bug while making a trace: %s", frames_of(error))
            self._counted("Dropped", 1)

    def _put(self, spans: tuple[Span, ...]) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._counted("Dropped", 1)
            return
        self._waiting.append(spans)
        self._arrived.set()

    async def run(self) -> None:
        """Send until cancelled; what waits then is tried once more for a moment."""
        tracing = self._tracing
        if tracing is None:
            return
        timeout = aiohttp.ClientTimeout(total=tracing.seconds)
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=1)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            try:
                while True:
                    await self._arrived.wait()
                    await asyncio.sleep(self._gather)
                    await self._send_all(session, tracing, _TRIES)
            finally:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await self._send_all(session, tracing, 1)

    async def _send_all(self, session: aiohttp.ClientSession, tracing: Tracing, tries: int) -> None:
        self._arrived.clear()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            why: str | None = "it was not finished"
            try:
                why = await self._send(session, tracing, batch, tries)
            except Exception as error:  # whatever a receiver does, the operator goes on
                why = type(error).__name__
            finally:
                self._counted("Dropped" if why else "Sent", len(batch))
            if why and not self._failing:
                log.warning("Traces are not taken, and dropped: %s", why)
            self._failing = why is not None

    async def _send(
        self, session: aiohttp.ClientSession, tracing: Tracing, batch: list[tuple[Span, ...]], tries: int
    ) -> str | None:
        """Return why they were not taken, or None."""
        body, why = request_of(batch, tracing.resource), ""
        for number in range(tries):
            if number:
                await asyncio.sleep(self._gather * 2**number)
            try:
                headers = dict(tracing.headers)
                async with session.post(tracing.url, json=body, headers=headers, allow_redirects=False) as answer:
                    code = answer.status
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                why = type(error).__name__
                continue
            if 200 <= code < 300:
                return None
            why = f"HTTP {code}"
            if code not in _LATER:
                break
        return why


def request_of(traces: Iterable[tuple[Span, ...]], resource: Mapping[str, str | int]) -> Json:
    """Return traces as an ExportTraceServiceRequest in JSON."""
    scope = {"name": "pratique"}
    spans = [_span(each) for trace in traces for each in trace]
    return {
        "resourceSpans": [
            {"resource": {"attributes": _attributes(resource)}, "scopeSpans": [{"scope": scope, "spans": spans}]}
        ]
    }


def _span(span: Span) -> Json:
    made: Json = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": 1,
        "startTimeUnixNano": _nanos(span.begins),
        "endTimeUnixNano": _nanos(span.ends),
        "attributes": _attributes(span.attributes),
        "events": [{"timeUnixNano": _nanos(at), "name": name} for at, name in span.events],
        "status": {"code": 2 if span.failed else 0},
    }
    return made | ({"parentSpanId": span.parent} if span.parent else {})


def _attributes(values: Mapping[str, str | int]) -> list[Json]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
    ]


def _nanos(at: datetime) -> str:
    passed = at - _EPOCH
    return str((passed.days * 86_400 + passed.seconds) * 10**9 + passed.microseconds * 1000)


def _tls_of(tracing: Tracing | None) -> ssl.SSLContext | bool:
    if tracing is None or not tracing.url.startswith("https:"):
        return True
    try:
        return ssl.create_default_context(cafile=tracing.certificate)
    except (OSError, ssl.SSLError):
        name = "OTEL_EXPORTER_OTLP_CERTIFICATE"
        raise TracingError(f"{name}: {tracing.certificate} is no file with certificates in PEM") from None
