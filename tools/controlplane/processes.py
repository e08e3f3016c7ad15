"""Starts and ends processes, by pid and never by name, and only the very ones that were started.

A pid alone proves nothing: the kernel gives it to somebody else later. Every process is therefore known by its pid and
the moment it was born, and signals go through a pidfd that was opened before the check. Linux only. Called by plane.py.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tools.controlplane import tether


@dataclass(frozen=True, slots=True)
class Process:
    """One process that was started here, or by an earlier run that wrote it down."""

    name: str
    pid: int
    born: str


def start(name: str, command: Sequence[str], log: Path, *, detach: bool, environ: Mapping[str, str]) -> Process:
    """Start a program with its output in `log`; unless detached, it dies with this process."""
    argv = list(command)
    if not detach:
        argv = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), "--", *argv]
    log.parent.mkdir(parents=True, exist_ok=True)
    pid = os.posix_spawn(
        argv[0],
        argv,
        dict(environ),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,  # Ctrl-C is for us; we then end the servers in order
    )
    return Process(name, pid, born(pid) or "")


def born(pid: int) -> str | None:
    """Say when a process began, unmistakably; None if it is gone, or dead and only not yet collected."""
    try:
        # The name in parentheses may hold anything, so count from its end: state is field 3, start time field 22.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def alive(process: Process) -> bool:
    """Whether this very process still runs (collects it if it was our child and has ended)."""
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return bool(process.born) and born(process.pid) == process.born


def send(process: Process, number: signal.Signals) -> int | None:
    """Signal this very process; return a pidfd to wait on, None if it is gone."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if not alive(process):
        os.close(pidfd)
        return None
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, number)
    return pidfd


def end(processes: Iterable[Process], grace: float) -> None:
    """End processes together: ask, wait for `grace` seconds in all, then kill. With no grace, kill at once."""
    waiting: dict[int, Process] = {}
    for process in processes:
        pidfd = send(process, signal.SIGTERM if grace else signal.SIGKILL)
        if pidfd is not None:
            waiting[pidfd] = process
    try:
        _await(waiting, grace or 10.0)
        for pidfd in waiting:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        _await(waiting, 10.0)
    finally:
        for pidfd in waiting:
            os.close(pidfd)


def _await(waiting: dict[int, Process], seconds: float) -> None:
    """Drop from `waiting` whoever ends within the time."""
    deadline = time.monotonic() + seconds
    while waiting and (left := deadline - time.monotonic()) > 0:
        poller = select.poll()
        for pidfd in waiting:
            poller.register(pidfd, select.POLLIN)
        for pidfd, _ in poller.poll(left * 1000):
            alive(waiting.pop(pidfd))
            os.close(pidfd)
