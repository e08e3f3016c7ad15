"""Starts a program that dies with the process that asked for it: tether.py PARENT -- PROGRAM ARGUMENT...

The kernel sends SIGKILL to the program when its parent ends, for whatever reason (prctl PR_SET_PDEATHSIG). This runs
as a program of its own rather than between fork and exec, where Python must not run code once there are threads.
It keeps to the standard library and imports nothing of the project. Started by processes.py and binaries.py.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """Tie this process to its parent, then become the program."""
    parent, command = int(argv[1]), argv[3:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl failed: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it died before the kernel knew
        sys.exit("the parent is gone")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv)
