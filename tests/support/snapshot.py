"""What a control plane holds once Pratique is installed: made once, and copied for each plane that begins so.

A plane and what is installed into it take ten seconds of CPU, a copy takes five, and most test modules want the same. So
the first one keeps what etcd holds, the certificates and the tokens in .run/snapshots, under the digest of all that it
depends on. Nobody operates there meanwhile: an operator finds a cluster that nobody has looked at yet.
"""

import fcntl
import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import yaml
from tools.codegen.manifests import install
from tools.controlplane.binaries import find_or_build
from tools.controlplane.catalog import SERVER_NAMES
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.plane import PLANES, ControlPlane, temporary_plane
from tools.controlplane.servers import Options
from tools.installation import install_pratique, is_older

from tests.support import plain_kubectl
from tests.support.http import Caller

FOLDER = PLANES.with_name("snapshots")
_PLURALS = [each.plural for each in plain_kubectl.RESOURCES if each.group == "pratique.dev"]


@contextmanager
def plane_with_pratique(name: str, options: Options) -> Iterator[ControlPlane | None]:
    """Start a plane where all is installed; None, if such a cluster needs a webhook, which somebody has to run."""
    if options.emulated_version or options.nodes or options.extra_apiserver_flags:
        yield None
        return
    with _held():
        found = FOLDER / _digest()
        if not found.exists():
            _make(found)
    if (found / "older").exists():
        yield None
        return
    with temporary_plane(name, options, like=found) as plane:
        _wait_until_served(plane)
        yield plane


@contextmanager
def _held() -> Iterator[None]:
    """Let one process at a time make one."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def _digest() -> str:
    """Return the name of what today's manifests and these programs make."""
    programs = find_or_build(SERVER_NAMES)
    parts = [yaml.safe_dump_all(install(older=False), sort_keys=False)]
    parts += [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in programs.values()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _make(folder: Path) -> None:
    for old in FOLDER.iterdir():
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
    making = folder.with_suffix(".making")
    making.mkdir()
    with temporary_plane("snapshot") as plane:
        kubectl, admin = Kubectl(plane.layout.root / "kube-cache"), plane.kubeconfig("admin")
        if is_older(kubectl, admin):
            (making / "older").touch()
        else:
            install_pratique(kubectl, admin, older=False)
            plane.stop()
            plane.copy_to(making)
    making.rename(folder)


def _wait_until_served(plane: ControlPlane, seconds: float = 30.0) -> None:
    """Wait until the API server, which has just found them in etcd, serves all kinds and has read their objects."""
    caller, deadline = Caller(plane.kubeconfig("admin")), time.monotonic() + seconds
    for plural in _PLURALS:
        while not (seen := caller.send("GET", f"/apis/pratique.dev/v1alpha1/{plural}")).ok:
            assert time.monotonic() < deadline, f"{plural} are not served within {seconds:g} s: {seen}"
            time.sleep(0.05)
    caller.close()
