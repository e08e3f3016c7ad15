"""`pratique version`: which version this is, of which commit, and what it leans on. Loads none of that."""

import argparse
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pratique import __version__

COMMIT = Path(__file__).parents[1] / "commit.txt"
"""Written by whoever builds an image: tools/image/rootfs.sh."""
LEANS_ON = ("kopf", "pydantic", "cel-expr-python", "kubernetes")


def run(_: argparse.Namespace) -> int:
    """Say it; returns the exit code."""
    rows = [("pratique", __version__), ("commit", commit()), ("python", platform.python_version())]
    rows += [(name, installed(name)) for name in LEANS_ON]
    sys.stdout.write("".join(f"{name:<16} {text}\n" for name, text in rows))
    return 0


def commit() -> str:
    """Return the commit that an image was built from."""
    return COMMIT.read_text(encoding="utf-8").strip() if COMMIT.exists() else "unknown (not from an image)"


def installed(name: str) -> str:
    """Return the version of a package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
