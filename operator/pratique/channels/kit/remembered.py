"""Remembers what a receiver has told, for some minutes and so much of it: whoever is forgotten is asked for again."""

import time
from collections import OrderedDict
from collections.abc import Callable

SECONDS = 600.0
ENTRIES = 2048


class Remembered:
    """Values by key. The oldest goes where there is no more room."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, entries: int = ENTRIES) -> None:
        self._clock, self._entries = clock, entries
        self._kept: OrderedDict[tuple[str, ...], tuple[float, str]] = OrderedDict()

    def get(self, key: tuple[str, ...]) -> str | None:
        """Return a value that is not too old."""
        since, value = self._kept.get(key, (0.0, None))
        return value if value is not None and self._clock() - since < SECONDS else None

    def put(self, key: tuple[str, ...], value: str) -> None:
        """Keep a value from now on."""
        self._kept.pop(key, None)
        self._kept[key] = (self._clock(), value)
        while len(self._kept) > self._entries:
            self._kept.popitem(last=False)
