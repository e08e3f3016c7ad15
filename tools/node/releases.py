"""Image and chart of a commit, as a person would install them: built once, kept by what is in them, installed by Helm.

Called by the CLI and by tests/node.
"""

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.controlplane.binaries import find_or_build
from tools.controlplane.cache import cache_folder, exclusive
from tools.installation import ROOT
from tools.node.machine import NodeError
from tools.progress import step

REPOSITORY = "localhost/pratique"
SYSTEM = "pratique-system"
_KEPT = 6  # images of 73 MB
_IN_THE_IMAGE = ("operator", "tools/image", "requirements", "pyproject.toml", "README.md", "LICENSE")
_SCHEMAS = ("crds", "operator/pratique/core/plans")
"""What is stored by one version and read by the next: changes of these are what an upgrade is tested across."""


@dataclass(frozen=True, slots=True)
class Release:
    """What one commit installs."""

    commit: str
    tag: str
    image: Path
    chart: Path


def head() -> str:
    """Return the last commit."""
    return _git("rev-parse", "HEAD")


def before_the_last_schema() -> str:
    """Return the last commit whose CRDs and plans are not today's."""
    changed = _git("log", "-1", "--format=%H", "--", *_SCHEMAS)
    try:
        return _git("rev-parse", "--verify", "--quiet", f"{changed}^")
    except NodeError as error:
        raise NodeError("The commit before the last change of a CRD is not here: git fetch --unshallow.") from error


def release(commit: str, folder: Path, said: Callable[[str], None]) -> Release:
    """Return image and chart of a commit; the chart is written below `folder`."""
    _git("archive", "--output", str(folder / f"{commit}.tar"), commit, "charts")
    chart = folder / commit
    chart.mkdir()
    _run(["tar", "-C", str(chart), "-xf", str(folder / f"{commit}.tar")])
    key = _key(commit)
    return Release(commit, key, _image(commit, key, said), chart / "charts" / "pratique")


def install(kubeconfig: Path, chosen: Release, *options: str, values: dict[str, Any] | None = None) -> str:
    """Install or upgrade with Helm, wait until all Pods are ready, and return what Helm said."""
    given = {"image.repository": REPOSITORY, "image.tag": chosen.tag, "image.pullPolicy": "Never", **(values or {})}
    sets = [f"--set-json={name}={json.dumps(value)}" for name, value in given.items()]
    words = ("upgrade", "--install", "pratique", str(chosen.chart), "--wait", "--timeout=3m")
    return helm(kubeconfig, *words, *sets, *options)


def helm(kubeconfig: Path, *words: str) -> str:
    """Call Helm in the namespace of the operator and return what it said."""
    program = str(find_or_build(["helm"])["helm"])
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HELM_")}
    return _run([program, "--kubeconfig", str(kubeconfig), "--namespace", SYSTEM, *words], environ)


def _image(commit: str, key: str, said: Callable[[str], None]) -> Path:
    folder = cache_folder() / "images"
    archive = folder / f"{key}.tar"
    with exclusive(folder / "build.lock", said):
        if archive.exists():
            archive.touch()
            return archive
        with step(f"image of {commit[:9]}", expect="a minute"), tempfile.TemporaryDirectory() as work:
            clone, out = Path(work) / "clone", Path(work) / "out"
            _run(["git", "clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(clone)])
            _run(["git", "-C", str(clone), "checkout", "--quiet", commit])
            _run([str(clone / "tools" / "image" / "build.sh"), str(out)])
            half_done = archive.with_name(f".{key}.{os.getpid()}")
            _run(["cp", str(out / "pratique.tar"), str(half_done)])
            half_done.replace(archive)
        for old in sorted(folder.glob("*.tar"), key=lambda each: each.stat().st_mtime)[:-_KEPT]:
            old.unlink()
    return archive


def _key(commit: str) -> str:
    """Name an image by what goes into it, so that a commit that changes nothing of that needs no new one."""
    return hashlib.sha256(_git("ls-tree", commit, "--", *_IN_THE_IMAGE).encode()).hexdigest()[:12]


def _git(*words: str) -> str:
    return _run(["git", "-C", str(ROOT), *words]).strip()


def _run(command: list[str], environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environ, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-12:]
        raise NodeError(f"`{' '.join(command)}` failed:\n" + "\n".join(f"    {line}" for line in said))
    return done.stdout
