"""What a node needs of this machine, and the sentence for whoever lacks it.

Decides whether a node can be started, and installs Debian's packages where root may. Called by node.py first of all.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.controlplane.errors import ControlPlaneError
from tools.progress import step

PROGRAMS = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mmdebstrap": "mmdebstrap",
    "umoci": "umoci",
}
"""What is started or called, also to build the image that runs on it, and the package of Debian that has it."""
PLUGINS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
CGROUPS = Path("/sys/fs/cgroup")
_LOG = Path(__file__).parents[2] / ".run" / "steps" / "node-packages.log"
_ELSEWHERE = "`make up` and `make demo` need none of this: they run the operator as a process beside a control plane."


class NodeError(ControlPlaneError):
    """There can be no node here, or it failed; the message says why, and what to do."""


def require() -> None:
    """Return when a node can be started here; else say what is missing."""
    if reason := forbidding(sys.platform, os.geteuid(), CGROUPS, os.access(CGROUPS, os.W_OK)):
        raise NodeError(f"{reason} {_ELSEWHERE}")
    if packages := missing():
        _install(packages)
    _try_namespaces()


def forbidding(platform: str, user: int, cgroups: Path, may_write: bool) -> str | None:
    """Return what no package can change."""
    if platform != "linux":
        return "A node needs Linux: use a virtual machine, or `make test-kind` where Docker is."
    if user != 0:
        return "A node is started by root, since it makes namespaces, mounts and cgroups: run it with sudo -E."
    if not hierarchies(cgroups):
        return f"There is no cgroup below {cgroups}: in a container, mount it (docker run --privileged does)."
    if not may_write:
        return f"{cgroups} is read-only here, so no Pod can have a limit: mount it writable (docker run --privileged does)."
    return None


def hierarchies(cgroups: Path = CGROUPS) -> list[Path]:
    """Return the roots of all cgroup hierarchies: one of version 2, or one a controller of version 1."""
    if (cgroups / "cgroup.procs").exists():
        return [cgroups]
    return sorted(each.parent for each in cgroups.glob("*/cgroup.procs") if not each.parent.is_symlink())


def plugins() -> Path | None:
    """Return the folder of the CNI plugins."""
    return next((each for each in PLUGINS if (each / "bridge").exists()), None)


def missing(programs: Mapping[str, str] = PROGRAMS) -> list[str]:
    """Return the packages of Debian that would bring what is not there."""
    packages = {package for program, package in programs.items() if shutil.which(program) is None}
    if plugins() is None:
        packages.add("containernetworking-plugins")
    return sorted(packages)


def _install(packages: list[str]) -> None:
    by_hand = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise NodeError(f"A node needs what Debian calls {', '.join(packages)}: install it. {_ELSEWHERE}")
    command = ["apt-get", "--quiet", "install", "--yes", "--no-install-recommends", *packages]
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _LOG.parent.mkdir(parents=True, exist_ok=True)
    with (
        step(f"{', '.join(packages)}, from the packages of this machine", expect="half a minute"),
        _LOG.open("w") as log,
    ):
        for each in (["apt-get", "--quiet", "update"], command):
            subprocess.run(
                each, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environ, check=False
            )
    if missing():
        raise NodeError(f"apt-get could not install what a node needs (its output is in {_LOG}): {by_hand}")


def _try_namespaces() -> None:
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "true"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise NodeError(
            f"The kernel lets nobody make namespaces here ({done.stderr.strip()}): in a container, run it privileged."
            f" {_ELSEWHERE}"
        )
