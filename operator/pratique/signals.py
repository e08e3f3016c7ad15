"""The signals by which a process is asked to stop, and the error by which it ends itself."""

import asyncio
import signal

from pratique.core.kernel.errors import Ending


class ProcessEnds(Ending):
    """Only a new process can go on; the message says why. Whoever runs us starts one."""


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` at SIGINT and SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
