"""Where built programs are kept, one folder per version, shared by all clones on this machine.

Called by binaries.py and toolchain.py. Nothing else of the project writes outside its own directory.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.controlplane.errors import ControlPlaneError


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Name the cache: $PRATIQUE_CACHE, else the cache folder of the user."""
    if own := environ.get("PRATIQUE_CACHE"):
        return Path(own).expanduser().absolute()
    base = environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base).absolute() / "pratique"


@contextmanager
def exclusive(lock: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold `lock`; the kernel lets go of it when the holder dies, so it is never stale."""
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("a+")
    except OSError as error:
        raise ControlPlaneError(f"{lock.parent} cannot be written ({error.strerror}): set PRATIQUE_CACHE.") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            waiting(f"waiting: process {handle.read().strip() or 'unknown'} works on the same ({lock})")
            fcntl.flock(handle, fcntl.LOCK_EX)
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
