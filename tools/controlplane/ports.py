"""Chooses loopback ports for servers, so that several control planes live side by side.

Every server of a plane gets its own, also the ones nobody talks to: a server left at its default port is the one that
fails silently when there are two. A port can still be lost between choosing and binding; plane.py then tries others.
"""

import random
import socket
from collections.abc import Iterable, Mapping

# Below the range from which the kernel gives ports to outgoing connections: those would be lost all the time.
_RANGE = range(20000, 32000)
_ATTEMPTS = 500


def free(port: int) -> bool:
    """Whether a server could bind `port` on loopback now."""
    with socket.socket() as probe:
        # As Go's servers do: a port that merely waits for the end of old connections is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose(names: Iterable[str], before: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return a port per name: those of last time while they are free, else others."""
    earlier = before or {}
    chosen: dict[str, int] = {}
    for name in names:
        port = earlier.get(name)
        if port is None or port in chosen.values() or not free(port):
            port = _another(set(chosen.values()) | set(earlier.values()))
        chosen[name] = port
    return chosen


def _another(taken: set[int]) -> int:
    for _ in range(_ATTEMPTS):
        port = random.choice(_RANGE)
        if port not in taken and free(port):
            return port
    raise OSError(f"no free port on loopback between {_RANGE.start} and {_RANGE.stop}: stop what holds them")
