"""The process that holds Apprise, with services that die, hang, eat memory, print or have a bug: `json://WHAT/...`.

Started in place of `pratique.channels.apprise.worker`, of which all else is as it is.
"""

import ctypes
import os
import sys
import time
from typing import Any

from apprise import AppriseAsset, NotifyBase

from pratique.channels.apprise import service, worker

MODULE = "tests.doubles.hostile_apprise"


def _die() -> None:
    ctypes.string_at(0)


def _exit() -> None:
    os._exit(3)


def _hang() -> None:
    time.sleep(3600)


def _spin() -> None:
    while True:
        pass


def _eat() -> None:
    eaten = []
    while True:
        eaten.append(bytearray(10_000_000))


def _print() -> None:
    for stream in (sys.stdout, sys.stderr):
        print("hunter2secret", file=stream, flush=True)
    os.write(1, b"hunter2secret")


WAYS = {"dies": _die, "exits": _exit, "hangs": _hang, "spins": _spin, "eats": _eat, "prints": _print}


class Hostile(NotifyBase):  # type: ignore[no-untyped-call]
    """A service that does so when it is told something."""

    service_name = "Hostile"  # type: ignore[assignment]
    protocol = "hostile"  # type: ignore[assignment]
    request_rate_per_sec = 0.0
    way = ""

    def send(self, body: str, title: str = "", **_: Any) -> bool:  # type: ignore[override]
        WAYS[self.way]()
        return True


def open_service(url: str) -> service.Service | str:
    """Return a hostile service, or what a real one is."""
    if url == "json://localhost":  # loads what real services need, which takes a second, before there is a question
        return ""
    way = url.removeprefix("json://").partition("/")[0]
    if way == "bug":
        raise KeyError(url)
    if way == "hangs-when-opened":
        _hang()
    if way not in WAYS:
        return service.open_service(url)
    plugin = Hostile(asset=AppriseAsset(async_mode=False, service_timeout=0))  # type: ignore[no-untyped-call]
    plugin.way = way
    return service.Service("Hostile", plugin)


if __name__ == "__main__":
    worker.open_service = open_service  # type: ignore[attr-defined]
    worker.main()
