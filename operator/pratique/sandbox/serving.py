"""What every worker process does: reads requests from stdin, answers within its limits on stdout, until the end of file.

What it answers is given by the module that is started. Must not load more than it needs: each process pays for it.
"""

import faulthandler
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from pratique.sandbox.wire import HEADER, pack

Answer = Callable[[dict[str, Any]], dict[str, Any]]


def serve(
    source: BinaryIO,
    sink: BinaryIO,
    answer: Answer,
    *,
    cpu: float,
    patience: float,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Answer requests until the end of file; one that takes longer, of CPU or by the clock, ends the process.

    It ends after an answer when it has had `enough`: what it keeps of other people's texts fills its memory, and the next
    question would be blamed for it.

    CPU time, since a busy machine is nobody's fault. The timers are in here, since a worker whose operator was killed would
    otherwise never see the end of file while it is at a regular expression, or at a receiver, that never ends.
    """
    while len(header := source.read(HEADER.size)) == HEADER.size:
        (length,) = HEADER.unpack(header)
        body = source.read(length)
        signal.setitimer(signal.ITIMER_PROF, cpu)
        signal.setitimer(signal.ITIMER_REAL, patience)
        request = json.loads(body)
        reply = pack({**answer(request), "id": request["id"]})
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sink.write(reply)
        sink.flush()
        if enough():
            return


def main(answer: Answer) -> None:
    """Set the limits, then serve. An allocation beyond them ends this process, and nothing else."""
    memory, cpu, patience = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sink, trace, nowhere = os.fdopen(os.dup(1), "wb"), os.dup(2), os.open(os.devnull, os.O_WRONLY)
    for printed in (1, 2):
        os.dup2(nowhere, printed)  # what a library prints is no answer, and may quote what it was given
    faulthandler.enable(trace, all_threads=False)
    for timer in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(timer, signal.SIG_DFL)  # ends the process even inside C code
        faulthandler.register(timer, trace, all_threads=False, chain=True)  # says where it was, then ends it
    serve(sys.stdin.buffer, sink, answer, cpu=cpu, patience=patience, enough=lambda: _mapped() > memory // 2)


def _mapped() -> int:
    """Return how much of the address space that is limited is in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
