"""One node with its control plane in one directory: started, filled with images, ended without a trace.

Decides when the node is ready and ends only what it started. All processes of the node live in namespaces of their own,
so that ending the first of them ends all, unmounts all and takes its network away. Called by the CLI and by tests.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.controlplane import processes
from tools.controlplane.binaries import find_or_build
from tools.controlplane.catalog import NODE_NAMES
from tools.controlplane.files import write_private
from tools.controlplane.identities import NODE
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.plane import PLANES, ControlPlane
from tools.controlplane.processes import Process
from tools.controlplane.servers import Options
from tools.node import inside, machine, settings
from tools.node.addresses import NUMBERS, Addresses
from tools.node.images import write_image
from tools.node.machine import NodeError
from tools.node.settings import COREDNS, NAMESPACE, PAUSE, Place

KUBELET_PORT = 10250
_TIMEOUT = 90.0
_numbers = count(1)


class Node:
    """A node in `directory`; starting it again there goes on with what it held, as after a power failure.

    Without `detach` it belongs to this process and ends with it, also on SIGKILL.
    """

    def __init__(self, directory: Path, options: Options | None = None, *, detach: bool = False) -> None:
        self.place = Place(directory.absolute())
        self._options, self._detach = options or Options(), detach
        self._number, self._holder = self._remembered()
        self._plane: ControlPlane | None = None
        self.runner = Kubectl(self.place.root / "kube-cache")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def addresses(self) -> Addresses:
        """The node's addresses; it has some as soon as it was started once."""
        if self._number is None:
            raise NodeError(f"No node was started in {self.place.root}.")
        return Addresses(self._number)

    @property
    def plane(self) -> ControlPlane:
        """The control plane beside it."""
        if self._plane is None:
            options = replace(self._options, nodes=self.addresses.nodes)
            self._plane = ControlPlane(self.place.root / "plane", options, detach=self._detach)
        return self._plane

    @property
    def first(self) -> int:
        """The pid of the node's first process, as this machine sees it."""
        if self._holder is None or not processes.alive(self._holder):
            raise NodeError(f"The node in {self.place.root} does not run.")
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        if not children:
            raise NodeError("The node's first process has not started yet.")
        return int(children[0])

    def kubeconfig(self, identity: str) -> Path:
        """Return the kubeconfig of one of the identities."""
        return self.plane.kubeconfig(identity)

    def kubectl(self, *args: str, identity: str = "admin", check: bool = True) -> str:
        """Run kubectl and return what it said."""
        return self.runner(self.kubeconfig(identity), *args, check=check).stdout

    def running(self) -> bool:
        """Whether it runs."""
        return self._holder is not None and processes.alive(self._holder)

    def start(self) -> None:
        """Start what does not run, and return when Pods can be scheduled."""
        if self.running():
            return
        machine.require()
        programs = find_or_build(NODE_NAMES)
        self.stop()
        try:
            self._hold()
            self.plane.start()
            self._write_settings()
            self._start_programs(programs)
            self._load_own(programs)
            self._await("kubelet", self._is_ready)
            self._install_dns()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it at once, as a power failure would; what it stored stays in its directory."""
        if self._holder is not None:
            processes.end([self._holder], grace=0)
            if self._number is not None:
                _remove_cgroups(self.addresses)
        if self._number is not None:
            self.plane.stop()
            self._remember(self._number, None)

    def load(self, archive: Path, name: str, tag: str | None = None) -> None:
        """Put the image of an OCI archive into containerd as `name`, with the archive's own tag or another."""
        said = self.containerd("image", "import", "--base-name", name, str(archive))
        if tag is not None:
            brought = next(word for word in said.split() if word.startswith(f"{name}:"))
            self.containerd("image", "tag", "--force", brought, f"{name}:{tag}")

    def containerd(self, *words: str) -> str:
        """Call containerd's own client and return what it said."""
        command = ["ctr", "--address", str(self.place.socket), "--namespace", NAMESPACE, *words]
        return _run(command)

    def enter(self, *command: str) -> str:
        """Run a program in the node's namespaces and return what it said."""
        return _run([*self._door(), *command])

    def _door(self) -> list[str]:
        program = shutil.which("nsenter") or "nsenter"
        return [program, "--target", str(self.first), "--mount", "--net", "--pid", "--"]

    def _hold(self) -> None:
        """Start the first process, in new namespaces, and link them to this machine."""
        root = self.place.root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        (root / "inside").unlink(missing_ok=True)
        unshare = [shutil.which("unshare") or "unshare", "--mount", "--propagation", "private", "--net", "--pid"]
        python = [os.path.realpath("/proc/self/exe"), "-I", "-S", inside.__file__, str(root)]
        command = [*unshare, "--fork", "--kill-child=SIGKILL", "--mount-proc", *python]
        log = self.place.log("inside")
        log.unlink(missing_ok=True)
        self._holder = processes.start("node", command, log, detach=self._detach, environ=os.environ)
        self._await("inside", (root / "inside").exists)
        self._link()
        for each in machine.hierarchies():
            (each / self.addresses.cgroup).mkdir(exist_ok=True)
            with suppress(OSError):  # version 1 has no such file, and some controllers may be somebody else's
                (each / "cgroup.subtree_control").write_text("+cpuset +cpu +io +memory +pids")

    def _link(self) -> None:
        """Connect the node to this machine by a pair of devices; they and their routes end with the node."""
        numbers = NUMBERS if self._number is None else [self._number]
        for number in numbers:
            link = Addresses(number).link
            pair = ["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(self.first)]
            done = subprocess.run(pair, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
            if done.returncode == 0:
                break
            if "exists" not in done.stderr:
                raise NodeError(f"The node cannot be linked to this machine: {done.stderr.strip()}")
        else:
            raise NodeError(f"The device {link} is there: another node has the number of the one in {self.place.root}.")
        self._remember(number, self._holder)
        at = self.addresses
        _run(["ip", "address", "add", f"{at.machine}/30", "dev", link])
        _run(["ip", "link", "set", link, "up"])
        for device in ("lo", "eth0"):
            self.enter("ip", "link", "set", device, "up")
        self.enter("ip", "address", "add", f"{at.node}/30", "dev", "eth0")
        self.enter("ip", "route", "add", "default", "via", at.machine)
        for each in (at.pods, at.nodes.services):
            _run(["ip", "route", "add", each, "via", at.node])

    def _write_settings(self) -> None:
        root, at = self.place.root, self.addresses
        plugins = machine.plugins()
        assert plugins is not None, "machine.require() saw them"
        authority = self.plane.ca_file
        texts = {
            "containerd.toml": settings.containerd(self.place, plugins),
            "cni/pods.conflist": settings.network(at),
            "kubelet.yaml": settings.kubelet(self.place, at, authority, KUBELET_PORT),
        }
        for name, text in texts.items():
            write_private(root / name, text.encode())
        rights = ("create", "clusterrolebinding", "node-proxier", "--clusterrole=system:node-proxier")
        self.kubectl(*rights, "--user=system:kube-proxy", check=False)

    def _start_programs(self, programs: dict[str, Path]) -> None:
        """Start them inside; they end with the first process."""
        kubeconfigs = {name: self.plane.layout.own_kubeconfig(name) for name in ("kube-proxy", "kubelet")}
        for name, command in settings.commands(self.place, self.addresses, programs, kubeconfigs).items():
            log = self.place.log(name)
            log.unlink(missing_ok=True)
            processes.start(name, [*self._door(), *command], log, detach=self._detach, environ=os.environ)
            if name == "containerd":
                self._await(name, lambda: self._answers("version"))

    def _answers(self, *words: str) -> bool:
        with suppress(NodeError):
            return bool(self.containerd(*words))
        return False

    def _load_own(self, programs: dict[str, Path]) -> None:
        """Load the images of the Pods that belong to the node."""
        for name, image in (("pause", PAUSE), ("coredns", COREDNS)):
            base, _, tag = image.partition(":")
            archive = self.place.root / f"{name}.tar"
            write_image(programs[name], tag, archive)
            self.load(archive, base)
            archive.unlink()

    def _is_ready(self) -> bool:
        path = '{.status.conditions[?(@.type=="Ready")].status}'
        return self.kubectl("get", "node", NODE, "-o", f"jsonpath={path}", check=False) == "True"

    def _install_dns(self) -> None:
        text = (Path(__file__).parent / "dns.yaml").read_text()
        filled = {"ADDRESS": self.addresses.nodes.dns, "IMAGE": COREDNS, "DOMAIN": settings.DOMAIN}
        for name, value in filled.items():
            text = text.replace(name, value)
        self.runner(self.kubeconfig("admin"), "apply", "--server-side", "-f", "-", input=text)

    def _await(self, name: str, probe: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _TIMEOUT
        while not probe():
            if not self.running() or time.monotonic() > deadline:
                log = self.place.log(name)
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
                raise NodeError(f"The node's {name} is not ready in time. {log} ends with:\n{tail}")
            time.sleep(0.05)

    def _remembered(self) -> tuple[int | None, Process | None]:
        try:
            found = json.loads((self.place.root / "node.json").read_text())
            return int(found["number"]), Process(**found["holder"]) if found["holder"] else None
        except (OSError, ValueError, KeyError, TypeError):
            return None, None

    def _remember(self, number: int, holder: Process | None) -> None:
        self._number, self._holder = number, holder
        known = None if holder is None else {"name": holder.name, "pid": holder.pid, "born": holder.born}
        write_private(self.place.root / "node.json", json.dumps({"number": number, "holder": known}).encode())


@contextmanager
def temporary_node(name: str, options: Options | None = None) -> Iterator[Node]:
    """Run a node in a directory of its own, removed at the end; after a failure it stays, for its logs."""
    node = Node(PLANES / f"{name}-{os.getpid()}-{next(_numbers)}", options)
    with node:
        yield node
    shutil.rmtree(node.place.root, ignore_errors=True)


def _remove_cgroups(at: Addresses) -> None:
    """Remove the cgroups of Pods that have ended with their node: the kernel needs a moment to see them empty."""
    deadline = time.monotonic() + 10
    for hierarchy in machine.hierarchies():
        while (hierarchy / at.cgroup).exists() and time.monotonic() < deadline:
            for folder, _, _ in os.walk(hierarchy / at.cgroup, topdown=False):
                with suppress(OSError):
                    Path(folder).rmdir()
            time.sleep(0.05)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise NodeError(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout
