"""One line per step with its elapsed time: what a person sees while something takes long.

On a terminal the line counts the seconds in place; elsewhere (a CI log) it stays plain lines, with a sign of life
every minute. It decides nothing: it must neither swallow an exception nor touch the output of the step.
Called by tools.step (the steps of make) and tools.controlplane (builds).
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_SIGN_OF_LIFE = 60.0  # a CI system that sees no output for minutes takes the job for dead


def elapsed(seconds: float) -> str:
    """Say a duration as people do: 0.8 s, 42 s, 3 min 24 s."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


@contextmanager
def step(label: str, *, expect: str = "", stream: TextIO | None = None) -> Iterator[None]:
    """Show `label` with its elapsed time while the body runs, then whether it succeeded."""
    out = stream or sys.stderr
    started = time.monotonic()
    over = threading.Event()
    ticker = threading.Thread(target=_tick, args=(label, expect, out, started, over), daemon=True)
    ticker.start()
    word = "FAILED"
    try:
        yield
        word = "ok"
    except KeyboardInterrupt:
        word = "stopped"
        raise
    finally:
        over.set()
        ticker.join()
        _write(out, f"{word:<7} {label}  {elapsed(time.monotonic() - started)}", end="\n")


def _tick(label: str, expect: str, out: TextIO, started: float, over: threading.Event) -> None:
    """Redraw the line every second (terminal), or write one now and then (log)."""
    hint = f"  ({expect})" if expect else ""
    if not out.isatty():
        if expect:  # only a step known to be long announces itself, else a log has every line twice
            _write(out, f"...     {label}{hint}", end="\n")
        while not over.wait(_SIGN_OF_LIFE):
            _write(out, f"...     {label}  {elapsed(time.monotonic() - started)}", end="\n")
        return
    while True:
        _write(out, f"...     {label}  {elapsed(time.monotonic() - started)}{hint}")
        if over.wait(1.0):
            return


def _write(out: TextIO, line: str, end: str = "") -> None:
    """Write a line; on a terminal, over the one before."""
    prefix = "\r\x1b[K" if out.isatty() else ""
    out.write(f"{prefix}{line}{end}")
    out.flush()
