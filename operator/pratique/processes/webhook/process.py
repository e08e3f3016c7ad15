"""The webhook's process: health first, then the certificate, then requests; at its end it lets the API server go first."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest

from pratique import __version__
from pratique.admission.webhook import SERVICE
from pratique.clock import Clock, SystemClock
from pratique.cluster.client import Api
from pratique.cluster.connection import Connection
from pratique.core.operating.certificates import Terms
from pratique.processes.health import Health
from pratique.processes.listening import listen
from pratique.processes.metrics_site import MetricsPort, metrics_site
from pratique.processes.webhook.keeper import Keeper
from pratique.processes.webhook.server import Reviews
from pratique.processes.webhook.trust import Trust

log = logging.getLogger(__name__)
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
_KEEP_ALIVE = 300.0
"""Longer than the 90 s after which the API server closes an idle connection: who closes last loses no request."""
_STUCK_LOOKS = 20


@dataclass(frozen=True)
class Settings:
    """How this process runs; every field but `terms` is an option of `pratique webhook`."""

    namespace: str = "pratique-system"
    host: str = "127.0.0.1"
    port: int = 8443
    health_host: str = "127.0.0.1"
    health_port: int = 8081
    metrics: MetricsPort | None = None
    """Where /metrics is served to those who may read it; None: beside the probes, to all who reach them."""
    names: tuple[str, ...] = ()
    look_every: float = 30.0
    drain: float = 5.0
    terms: Terms = field(default_factory=Terms)

    @property
    def called(self) -> tuple[str, ...]:
        """The names that the API server calls it by."""
        return self.names or (f"{SERVICE}.{self.namespace}.svc",)


class Webhook:
    """One replica. `run` returns after `stop` was set and everything is down."""

    def __init__(self, connection: Connection, settings: Settings, clock: Clock | None = None) -> None:
        self.settings, clock = settings, clock or SystemClock()
        self._api = Api(connection)
        self.keeper = Keeper(Trust(self._api, settings.namespace), settings.called, clock, settings.terms)
        self.metrics = WebhookMetrics(lambda: self.keeper.ends)
        self.reviews = Reviews(self.metrics.reviewed)
        self.health = Health(None if settings.metrics else self.metrics.text, problems={"certificate": self._stuck})
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, and a while longer."""
        settings = self.settings
        probes = await self.health.serve(settings.health_host, settings.health_port)
        server = web.AppRunner(self.reviews.app(), access_log=None, keepalive_timeout=_KEEP_ALIVE)
        await server.setup()
        try:
            async with self._api, metrics_site(settings.metrics, self._api, self.metrics.text, self._clock):
                looking = asyncio.create_task(self.keeper.run(settings.look_every, self._looked))
                try:
                    # without a certificate it refuses every handshake, which the API server takes for what it is
                    site = web.TCPSite(server, settings.host, settings.port, ssl_context=self.keeper.context)
                    await listen(site, "--host, --port")
                    await self._until(stop, looking)
                finally:
                    looking.cancel()
                    await asyncio.wait({looking})
        finally:
            await server.cleanup()
            await probes.cleanup()
        log.info("Stopped")

    async def _until(self, stop: asyncio.Event, looking: asyncio.Task[None]) -> None:
        stopped = asyncio.create_task(stop.wait())
        both: set[asyncio.Task[Any]] = {stopped, looking}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if looking.done():
            await looking
        self.health.reason = "stopping"
        self.reviews.closing = True  # the Service learns only after a while that this replica is gone
        await asyncio.sleep(self.settings.drain)

    def _looked(self) -> None:
        if self.reviews.closing:
            return
        before, self.health.reason = self.health.reason, self.keeper.reason
        if self.health.reason != before:
            log.info("Ready" if self.health.reason is None else f"Not ready: {self.health.reason}")

    def _stuck(self) -> str | None:
        idle = self.keeper.idle
        return f"not looked after for {idle:.0f} s" if idle > _STUCK_LOOKS * self.settings.look_every else None


class WebhookMetrics:
    """What the webhook says of itself to Prometheus; `ends` is when its certificate does."""

    def __init__(self, ends: Callable[[], datetime | None]) -> None:
        self.registry = CollectorRegistry()
        self._reviews = Counter(
            "pratique_webhook_reviews_total",
            "Requests that the API server asked about: stamped, unchanged, refused or error.",
            ["result"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "pratique_webhook_review_seconds", "How long an answer took.", registry=self.registry, buckets=_SECONDS
        )
        certificate = Gauge(
            "pratique_webhook_certificate_ends_timestamp_seconds",
            "When the certificate that is served ends; 0 without one.",
            registry=self.registry,
        )
        certificate.set_function(lambda: end.timestamp() if (end := ends()) else 0.0)
        info = Gauge("pratique_build_info", "Always 1.", ["version"], registry=self.registry)
        info.labels(__version__).set(1)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def reviewed(self, result: str, seconds: float) -> None:
        """Count a review."""
        self._reviews.labels(result).inc()
        self._seconds.observe(seconds)

    def text(self) -> bytes:
        """Return what Prometheus reads."""
        return generate_latest(self.registry)
