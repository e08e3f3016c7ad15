"""Liveness and readiness over HTTP, and metrics where whoever reaches the port may read them.

Ready means: the guard was seen to refuse, the cache is filled, and this process leads or stands by. Alive means: what a
restart would heal is not there, see `problems` of `Health`.
"""

from collections.abc import Callable, Mapping
from functools import partial

from aiohttp import web

from pratique.processes.listening import listen
from pratique.processes.metrics_site import CONTENT_TYPE
from pratique.processes.scrapers import PATH

Problem = Callable[[], str | None]
"""Returns what is wrong, in a sentence, or None."""


class Health:
    """What probes see; `reason` says why the process is not ready, or is None when it is."""

    def __init__(
        self,
        metrics: Callable[[], bytes] | None = None,
        problems: Mapping[str, Problem] | None = None,
        waits: Mapping[str, Problem] | None = None,
    ) -> None:
        """Show metrics, if given; `problems` are checks of liveness, `waits` what else keeps it from readiness, by name."""
        self._metrics, self._problems, self._waits = metrics, dict(problems or {}), dict(waits or {})
        self.reason: str | None = "starting"
        self.unguarded: str | None = None
        """What the API server does not refuse, so that nothing is decided now; None if it guards."""

    async def serve(self, host: str, port: int) -> web.AppRunner:
        """Answer /healthz and /readyz, and /metrics if it is shown here, until the runner is cleaned up."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        if (text := self._metrics) is not None:
            app.router.add_get(PATH, partial(_shown, text))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await listen(web.TCPSite(runner, host, port), "--health-host, --health-port")
        return runner

    async def _readyz(self, _: web.Request) -> web.Response:
        reason = self._not_ready()
        return web.Response(text=reason or "ok", status=503 if reason else 200)

    def _not_ready(self) -> str | None:
        missing = [text for check in self._waits.values() if (text := check()) is not None]
        said = [f"not guarded: {self.unguarded}"] if self.unguarded else []
        return "; ".join([self.reason, *missing] if self.reason else said + missing) or None

    async def _healthz(self, request: web.Request) -> web.Response:
        found = {name: check() for name, check in self._problems.items()}
        bad = {name: text for name, text in found.items() if text is not None}
        lines = [f"[-]{name}: {text}" for name, text in bad.items()]
        if "verbose" in request.query:
            lines += [f"[+]{name} ok" for name in found if name not in bad]
        return web.Response(text="\n".join(lines) or "ok", status=503 if bad else 200)


async def _shown(text: Callable[[], bytes], _: web.Request) -> web.Response:
    return web.Response(body=text(), headers={"Content-Type": CONTENT_TYPE})
