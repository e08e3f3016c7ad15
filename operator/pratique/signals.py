"""The signals by which a process is asked to stop, and the error by which it ends itself."""

import asyncio
import signal


class ProcessEnds(Exception):  # noqa: N818 - what happens next, not what went wrong
    """Only a new process can go on; the message says why. Whoever runs us starts one."""


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` at SIGINT and SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
