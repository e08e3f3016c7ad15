"""/metrics on a port of its own, over TLS, for whoever may read it; probes need no token and stay where they are."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from pratique.clock import Clock
from pratique.cluster.client import Api
from pratique.core.kernel.errors import ConfigurationError
from pratique.core.operating.certificates import Step, Terms
from pratique.processes.listening import listen
from pratique.processes.scrapers import PATH, Scrapers
from pratique.processes.tls import use

if TYPE_CHECKING:
    from pratique.processes.pki import Material

log = logging.getLogger(__name__)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LOOK_SECONDS = 60.0
_LEFT = timedelta(days=20)
_TOLD = {
    HTTPStatus.UNAUTHORIZED: "send the token of a ServiceAccount: Authorization: Bearer …\n",
    HTTPStatus.FORBIDDEN: "this account may not `get` the nonResourceURL /metrics: the role is pratique-metrics-reader\n",
    HTTPStatus.SERVICE_UNAVAILABLE: "the API server could not be asked who you are: try again\n",
}


class MetricsCertificateError(ConfigurationError):
    """The certificate of --metrics-cert cannot be served; the message says what is wrong with it."""


@dataclass(frozen=True)
class MetricsPort:
    """Where /metrics is served; `certificate` is a folder with tls.crt and tls.key, else one is made."""

    host: str
    port: int
    certificate: Path | None = None
    names: tuple[str, ...] = ("localhost",)


class MetricsSite:
    """Serves metrics until `close`. A certificate that is exchanged in its folder is taken within a minute."""

    def __init__(self, at: MetricsPort, api: Api, text: Callable[[], bytes], clock: Clock) -> None:
        self._at, self._text, self._clock = at, text, clock
        self._scrapers = Scrapers(api, clock.steady)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._served = ""
        self._made: Material | None = None
        self._runner: web.AppRunner | None = None
        self._looking: asyncio.Task[None] | None = None

    async def serve(self) -> int:
        """Begin, and return the port; raises MetricsCertificateError or AddressError."""
        self._look()
        app = web.Application()
        app.router.add_get(PATH, self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._at.host, self._at.port, ssl_context=self._context)
        await listen(site, "--health-host, --metrics-port")
        self._looking = asyncio.create_task(self._look_again())
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Serve no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        status = await self._scrapers.judge(request.headers.get("Authorization"))
        if status is not HTTPStatus.OK:
            headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
            return web.Response(text=_TOLD[status], status=status, headers=headers)
        return web.Response(body=self._text(), headers={"Content-Type": CONTENT_TYPE})

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                self._look()
            except MetricsCertificateError as error:
                log.warning("%s; the one before is served still", error)

    def _look(self) -> None:
        """Take the certificate that is to be served now."""
        pem = self._mounted() if self._at.certificate else self._own()
        if pem == self._served:
            return
        try:
            use(self._context, pem)
        except ssl.SSLError:
            where = f"tls.crt and tls.key in {self._at.certificate}"
            raise MetricsCertificateError(f"--metrics-cert: {where} are no certificate with its key") from None
        self._served = pem

    def _mounted(self) -> str:
        folder = self._at.certificate
        try:
            return "".join((folder / name).read_text() for name in ("tls.key", "tls.crt")) if folder else ""
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "no text"
            raise MetricsCertificateError(f"--metrics-cert: {folder} must hold tls.crt and tls.key ({why})") from None

    def _own(self) -> str:
        from pratique.processes import pki  # noqa: PLC0415 - a megabyte of C, needed here only

        now = self._clock.now()
        ends = pki.ends(self._made) if self._made else None
        if self._made is None or ends is None or ends - now < _LEFT:
            self._made = pki.carry_out(Step.CREATE, pki.Material(), self._at.names, now, Terms())
        return self._made.key + self._made.certificate


@asynccontextmanager
async def metrics_site(
    at: MetricsPort | None, api: Api, text: Callable[[], bytes], clock: Clock
) -> AsyncIterator[None]:
    """Serve metrics there meanwhile, or nowhere; raises MetricsCertificateError or AddressError."""
    if at is None:
        yield
        return
    site = MetricsSite(at, api, text, clock)
    try:
        await site.serve()
        yield
    finally:
        await site.close()
