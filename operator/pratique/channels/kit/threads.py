"""Runs code that blocks in threads of its own, a few for each receiver, and waits for it only so long.

A thread cannot be ended: one that hangs keeps its place until the library's own timeouts end it. So each receiver has
its own few, and a dead one holds up no other.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
EACH = 4


class Threads:
    """Small pools by name. Nothing is started before it is needed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._pools: dict[str, ThreadPoolExecutor] = {}

    async def run(self, name: str, work: Callable[[], T]) -> T:
        """Return what `work` returns, or raise TimeoutError; what has not begun by then is not begun at all."""
        pool = self._pools.get(name)
        if pool is None:
            pool = self._pools[name] = ThreadPoolExecutor(EACH, thread_name_prefix=f"channel {name}")
        return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(pool, work), self.seconds)

    def close(self) -> None:
        """Begin nothing new, and wait for nobody."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        self._pools.clear()
