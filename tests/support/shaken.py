"""Other timings than this machine's, to find what passes by chance: `make shake` plays the stories with each of them.

PRATIQUE_SHAKE=people: people dawdle before they do a thing, and after they have seen one, so that the operator has long
gone on. PRATIQUE_SHAKE=operator: the operators are stopped for moments, so that people have long gone on.
"""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

SHAKE = os.environ.get("PRATIQUE_SHAKE", "")
_LONGEST = 0.6
"""Seconds: several times what the operator needs from one write to the next, less than any time-out of a story."""
_COMMAND = ("pratique.main", "operator")

if SHAKE not in ("", "people", "operator"):
    raise ValueError(f"PRATIQUE_SHAKE is {SHAKE!r}: choose people or operator, or leave it out")


def dawdle() -> None:
    """Wait for a moment of some length, where people dawdle."""
    if SHAKE == "people":
        time.sleep(random.uniform(0, _LONGEST))


@contextlib.contextmanager
def halting() -> Iterator[None]:
    """Stop our operators for moments meanwhile, where operators dawdle."""
    if SHAKE != "operator":
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_halt_until, args=(ended,), name="halting")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _halt_until(ended: threading.Event) -> None:
    while not ended.wait(random.uniform(0, _LONGEST)):
        for pid in _operators():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                try:
                    time.sleep(random.uniform(0, _LONGEST))
                finally:
                    os.kill(pid, signal.SIGCONT)


def _operators() -> list[int]:
    """Return the processes that this one has started and that are operators."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_text().split("\0")
            if parent == os.getpid() and all(each in words for each in _COMMAND):
                found.append(int(folder.name))
    return found
