"""Writes files that hold secrets: readable by their owner only, and never half written."""

import os
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Write `content` with mode 0600, by way of a temporary name."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half_done = path.with_name(f".{path.name}.{os.getpid()}")
    half_done.unlink(missing_ok=True)
    with open(os.open(half_done, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
        file.write(content)
    half_done.replace(path)
