"""Liveness and readiness over HTTP. Ready means: the guard was seen to refuse, the cache is filled, workers run."""

from collections.abc import Awaitable, Callable

from aiohttp import web


class Health:
    """What probes see; `reason` says why the process is not ready, or is None when it is."""

    def __init__(self) -> None:
        self.reason: str | None = "starting"

    async def serve(self, host: str, port: int) -> web.AppRunner:
        """Answer /healthz and /readyz until the runner is cleaned up."""
        app = web.Application()
        app.router.add_get("/healthz", self._answer(lambda: None))
        app.router.add_get("/readyz", self._answer(lambda: self.reason))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        return runner

    @staticmethod
    def _answer(reason: Callable[[], str | None]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(_: web.Request) -> web.Response:
            why = reason()
            return web.Response(text=why or "ok", status=503 if why else 200)

        return answer
