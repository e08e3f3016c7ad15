"""The room for calls that are under way: bounded, and no Action has more than half of it.

Nobody waits for it for long: what was decided about a call, such as that its run may still start it, was decided before the
wait. Who finds no room comes again, and everything is looked at anew.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from pratique.core.kernel.errors import PratiqueError

_PLACES = 32
_PATIENCE = 5.0


class FullError(PratiqueError):
    """There is no room now. The message continues a sentence about a call."""


class Room:
    """So many places, half of them for one Action at most."""

    def __init__(self, places: int = _PLACES, patience: float = _PATIENCE) -> None:
        """Wait for a place for so many seconds."""
        self._places, self._share, self._patience = places, places // 2, patience
        self._all = asyncio.Semaphore(places)
        self._of: dict[str, asyncio.Semaphore] = {}
        self._there: dict[str, int] = {}

    @asynccontextmanager
    async def place(self, action: str) -> AsyncIterator[None]:
        """Hold a place; raises FullError if none gets free in time."""
        full = f"{self._share} calls of its Action are under way"
        async with AsyncExitStack() as held:
            held.enter_context(self._counted(action))
            try:
                async with asyncio.timeout(self._patience):
                    await held.enter_async_context(self._of[action])
                    full = f"{self._places} calls are under way"
                    await held.enter_async_context(self._all)
            except TimeoutError:
                raise FullError(full) from None
            yield

    @contextmanager
    def _counted(self, action: str) -> Iterator[None]:
        """Know of an Action while it has, or waits for, a place, and no longer."""
        self._of.setdefault(action, asyncio.Semaphore(self._share))
        self._there[action] = self._there.get(action, 0) + 1
        try:
            yield
        finally:
            self._there[action] -= 1
            if not self._there[action]:
                del self._there[action], self._of[action]
