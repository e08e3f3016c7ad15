"""What the operator says of itself to Prometheus. No label holds a name or a user: their number is bounded by the kinds.

`docs/guides/metrics.md` lists them; a test holds it to this registry. One registry per operator.
"""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from pratique import __version__

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LATENESS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0)
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OURS = frozenset({"actions", "actionruns", "approvals", "delegations", "environments", "notificationchannels"})
_THEIRS = frozenset({"namespaces", "secrets", "events", "leases"})

Counts = Callable[[], Mapping[tuple[str, str], int]]
"""How many objects there are, by kind (plural) and phase."""


class Metrics:
    """All metrics of one operator."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = self._counter("reconciles", "Looks at objects, by kind and result.", "kind", "result")
        self._reconcile = self._histogram("reconcile", "Seconds that a look took.", _SECONDS, "kind")
        self._lateness = self._histogram(
            "wake_lateness", "Seconds from a deadline to the moment it was seen.", _LATENESS
        )
        self._requests = self._counter(
            "api_requests", "Requests to the API server; code 0 is no answer.", "verb", "resource", "code"
        )
        self._request = self._histogram(
            "api_request", "Seconds to the API server's answer.", _SECONDS, "verb", "resource"
        )
        self._notifications = self._counter(
            "notifications",
            "Deliveries: Sent, Failed (tried again), GivenUp, or NoRoom (not tried: the outbox is full).",
            "channel",
            "result",
        )
        self._calls = self._counter("calls", "Calls of runs: Answered, NotSent, or Unknown (no answer came).", "result")
        self._traces = self._counter(
            "traces", "Traces of runs: Sent, or Dropped (the receiver did not take them).", "result"
        )
        self._gaps = self._counter("watch_gaps", "Watches that had to begin with a list again.")
        self._guard_gaps = self._counter("guard_gaps", "Times that the API server was seen not to guard.")
        self._verifications = self._counter(
            "guard_verifications", "Looks at the guard before a decision counts: verified, changed or failed.", "result"
        )
        self._superseded = self._counter("guard_superseded", "Gates that were superseded after a gap of the guard.")
        info = Gauge("pratique_build_info", "Always 1.", ["version"], registry=self.registry)
        info.labels(__version__).set(1)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"pratique_{name}_total", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"pratique_{name}_seconds", text, labels, registry=self.registry, buckets=buckets)

    def reconciled(self, kind: str, result: str, seconds: float) -> None:
        """Count a look; `result` is ok, retry or error."""
        self._reconciles.labels(kind, result).inc()
        self._reconcile.labels(kind).observe(seconds)

    def woke_late(self, seconds: float) -> None:
        """Count a deadline that was seen so late."""
        self._lateness.observe(max(seconds, 0.0))

    def requested(self, method: str, path: str, code: int, seconds: float) -> None:
        """Count a request to the API server."""
        verb, resource = _VERBS.get(method, "other"), resource_of(path)
        self._requests.labels(verb, resource, str(code)).inc()
        self._request.labels(verb, resource).observe(seconds)

    def delivered(self, channel: str, result: str) -> None:
        """Count a delivery that was tried, or for which there was no room; `channel` is the type of the channel."""
        self._notifications.labels(channel, result).inc()

    def called(self, result: str) -> None:
        """Count a call of a run by what is known of it: Answered, NotSent or Unknown."""
        self._calls.labels(result).inc()

    def traced(self, result: str, number: int) -> None:
        """Count traces that were Sent or Dropped."""
        self._traces.labels(result).inc(number)

    def watch_had_a_gap(self) -> None:
        """Count a watch that had to begin with a list again."""
        self._gaps.inc()

    def guard_had_a_gap(self) -> None:
        """Count a time that the API server was seen not to guard."""
        self._guard_gaps.inc()

    def verified(self, result: str) -> None:
        """Count a look at the guard before a decision counts."""
        self._verifications.labels(result).inc()

    def superseded(self, number: int) -> None:
        """Count gates that were superseded after a gap."""
        self._superseded.inc(number)

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show a value that is read when it is asked for."""
        Gauge(f"pratique_{name}", text, registry=self.registry).set_function(value)

    def objects(self, counts: Counts) -> None:
        """Show how many objects there are, by kind and phase."""
        self.registry.register(_Objects(counts))

    def text(self) -> bytes:
        """Return what Prometheus reads."""
        return generate_latest(self.registry)


class _Objects(Collector):
    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> list[Metric]:
        """Return the objects in the cache."""
        family = GaugeMetricFamily("pratique_objects", "Objects in the cache.", labels=["kind", "phase"])
        for (kind, phase), count in sorted(self._counts().items()):
            family.add_metric([kind, phase], count)
        return [family]


def resource_of(path: str) -> str:
    """Return the resource that a path is about, `other` for what Actions make: its number must stay bounded."""
    parts = path.partition("?")[0].strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    if not rest or rest[0] not in _OURS | _THEIRS:
        return "other"
    return f"{rest[0]}/status" if rest[2:] == ["status"] else rest[0]
