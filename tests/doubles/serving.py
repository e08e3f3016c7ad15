"""How HTTP doubles of a test's own event loop are served: on a free port of loopback, and gone with the test."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


@asynccontextmanager
async def serving(
    app: web.Application, port: int = 0, tls: ssl.SSLContext | None = None, **settings: Any
) -> AsyncIterator[int]:
    """Serve it; yield the port. `settings` are those of its runner."""
    runner = web.AppRunner(app, access_log=None, **{"shutdown_timeout": 0.5, **settings})
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
