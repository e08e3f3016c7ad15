"""A real Kubernetes control plane in one directory: etcd, API server, controller manager.

Decides when it is up and who may be ended. It grants nobody a right, installs nothing into the cluster, and writes
nothing outside its directory (programs apart: binaries.py). Called by tests, the playground, the demo and the CLI.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from tools.controlplane import processes, servers, state
from tools.controlplane.binaries import find_or_build
from tools.controlplane.errors import ControlPlaneError, PortTakenError, StartError
from tools.controlplane.files import write_private
from tools.controlplane.health import api_health, server_health
from tools.controlplane.identities import (
    IDENTITIES,
    SERVANTS,
    ensure_tokens,
    known,
    token_kubeconfig,
    write_kubeconfig,
)
from tools.controlplane.pki import ADDRESSES, ensure_certificates
from tools.controlplane.ports import choose
from tools.controlplane.servers import LOOPBACK, Layout, Options
from tools.controlplane.state import State

PLANES = Path(__file__).parents[2] / ".run" / "planes"
_ATTEMPTS = 3  # for a port that somebody takes between choosing and using it
_GRACE = 10.0
_GAVE_UP = "failed to wait for apiserver being healthy"
_numbers = count(1)


class ControlPlane:
    """A control plane in `directory`; starting it again there continues with what it held.

    Without `detach` it belongs to this process and ends with it, also on SIGKILL.
    """

    def __init__(self, directory: Path, options: Options | None = None, *, detach: bool = False) -> None:
        self.layout = Layout(directory.absolute())
        self.options = options or Options()
        self.detach = detach
        self._state = state.load(self.layout.state)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where the API server listens."""
        return f"https://{self.options.address}:{self._state.ports['kube-apiserver']}"

    @property
    def etcd_port(self) -> int:
        """Where etcd listens, for those with a certificate of this plane."""
        return self._state.ports["etcd"]

    @property
    def ca_file(self) -> Path:
        """The authority that signed the API server's certificate."""
        return self.layout.certificate("ca.crt")

    @property
    def audit_log(self) -> Path | None:
        """The audit log, where one was asked for."""
        return self.layout.audit_log if self.options.audit else None

    def kubeconfig(self, identity: str) -> Path:
        """Return the kubeconfig of one of IDENTITIES."""
        return self.layout.kubeconfig(known(identity).name)

    def pids(self) -> dict[str, int]:
        """Return the servers that run, by name."""
        return {server.name: server.pid for server in self._state.servers if processes.alive(server)}

    def running(self) -> bool:
        """Whether all servers run (which does not mean that they are ready)."""
        return set(self.pids()) == set(self.options.servers)

    def start(self, timeout: float = 120.0) -> None:
        """Start what does not run and return when the API answers; several attempts share the timeout."""
        if not self.detach and threading.current_thread() is not threading.main_thread():
            # The kernel ties a child to the thread that started it.
            raise ControlPlaneError("A control plane that is not detached has to be started from the main thread.")
        if self.running():
            return
        owner = self._state.owner
        if self.pids() and owner and owner != state.this_process() and processes.alive(owner):
            raise ControlPlaneError(
                f"{self.layout.root} belongs to process {owner.pid}, which still runs: end that first."
            )
        programs = find_or_build(self.options.servers)
        deadline = time.monotonic() + timeout
        for left in reversed(range(_ATTEMPTS)):
            self.stop()  # the rest of a plane that lost a server
            try:
                self._launch(programs, deadline)
                return
            except BaseException as error:
                self.stop()
                if not isinstance(error, PortTakenError) or not left:
                    raise

    def stop(self) -> None:
        """End the servers that run; etcd last, so that it can write down what it was told."""
        running = [server for server in self._state.servers if processes.alive(server)]
        grace = _GRACE if self.options.durable else 0.0
        # The API server and the controller manager keep nothing, and a graceful end waits for every open watch.
        processes.end([server for server in running if server.name != "etcd"], grace=0.0)
        processes.end([server for server in running if server.name == "etcd"], grace)
        self._remember(State(self._state.ports))

    def copy_to(self, directory: Path) -> None:
        """Copy what others may begin with, once it has ended: what etcd has stored, certificates and tokens."""
        for path in (self.layout.root / "etcd", self.layout.certificate("")):
            shutil.copytree(path, directory / path.name, ignore=shutil.ignore_patterns("*.tmp"))
        shutil.copy(self.layout.tokens, directory)

    def _launch(self, programs: dict[str, Path], deadline: float) -> None:
        ports = choose(servers.PORTS, self._state.ports)
        self._remember(State(ports, (), None if self.detach else state.this_process()))
        admin_token = self._write_files(ports)
        for name, arguments in (("etcd", servers.etcd), ("kube-apiserver", servers.apiserver)):
            self._spawn(name, [str(programs[name]), *arguments(self.layout, ports, self.options)])

        def api() -> str | None:
            return api_health(self.options.address, ports["kube-apiserver"], self.ca_file, admin_token)

        self._await("kube-apiserver", lambda: None if api() != "" else "", deadline)
        clients = {"kube-controller-manager": servers.controller_manager, "kube-scheduler": servers.scheduler}
        commands = {
            name: [str(programs[name]), *arguments(self.layout, ports, self.options)]
            for name, arguments in clients.items()
            if name in self.options.servers
        }
        for name, command in commands.items():
            self._spawn(name, command)
        self._await("kube-apiserver", api, deadline, commands)
        for name in commands:
            self._await(name, partial(server_health, ports[name]), deadline, commands)

    def _write_files(self, ports: dict[str, int]) -> str:
        """Write all that the servers and the people need, and return the admin's token."""
        layout = self.layout
        layout.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        nodes = self.options.nodes
        ensure_certificates(layout.certificate(""), (LOOPBACK, nodes.address, nodes.kubernetes) if nodes else ADDRESSES)
        tokens = ensure_tokens(layout.tokens, (*IDENTITIES.values(), *SERVANTS))
        authority = self.ca_file.read_bytes()
        for identity in (*IDENTITIES.values(), *SERVANTS):
            path = layout.own_kubeconfig if identity in SERVANTS else layout.kubeconfig
            document = token_kubeconfig(identity, self.url, authority, tokens[identity.name])
            write_kubeconfig(path(identity.name), document)
        if self.options.audit:
            write_private(layout.audit_policy, servers.audit_policy(self.options.audit).encode())
        return tokens["admin"]

    def _spawn(self, name: str, command: list[str]) -> None:
        log = self.layout.log(name)
        log.unlink(missing_ok=True)
        process = processes.start(name, command, log, detach=self.detach, environ=os.environ)
        others = [each for each in self._state.servers if each.name != name]
        self._remember(State(self._state.ports, (*others, process), self._state.owner))

    def _await(
        self,
        name: str,
        probe: Callable[[], str | None],
        deadline: float,
        impatient: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        """Wait until a server is ready, or say why it is not: what it logged, and what to do.

        `impatient` are commands by name: the controller manager gives up where an API server is not healthy within ten
        seconds, and is started again then.
        """
        seen: str | None = ""
        while time.monotonic() < deadline:
            for server in self._state.servers:
                if not processes.alive(server):
                    log = self.layout.log(server.name)
                    if server.name not in impatient or _GAVE_UP not in _tail(log):
                        raise _ended(server.name, log)
                    self._spawn(server.name, list(impatient[server.name]))
            seen = probe()
            if seen is None:
                return
            time.sleep(0.05)
        raise StartError(
            f"{name} is not ready in time (last seen: {seen or 'no answer'}). Its log ends with:\n"
            f"{_tail(self.layout.log(name))}\nIs the machine very busy? Try again, or give it a longer timeout."
        )

    def _remember(self, new: State) -> None:
        self._state = new
        if self.layout.root.exists():
            state.save(self.layout.state, new)


@contextmanager
def temporary_plane(name: str, options: Options | None = None, like: Path | None = None) -> Iterator[ControlPlane]:
    """Run a control plane in a directory of its own under .run/planes, removed at the end.

    It begins with what is in `like`, if that is given: what another one held (`copy_to`). After a failure it stays, for its
    logs; the next temporary plane of another process clears it away.
    """
    _clear_abandoned()
    plane = ControlPlane(PLANES / f"{name}-{os.getpid()}-{next(_numbers)}", options)
    if like is not None:
        shutil.copytree(like, plane.layout.root)
    with plane:
        yield plane
    shutil.rmtree(plane.layout.root, ignore_errors=True)


def _clear_abandoned() -> None:
    """Remove what planes left behind whose process was killed (their servers died with it)."""
    for directory in PLANES.glob("*"):
        owner = directory.name.split("-")[-2:-1]
        if owner and owner[0].isdecimal() and processes.born(int(owner[0])) is None:
            shutil.rmtree(directory, ignore_errors=True)


def _ended(name: str, log: Path) -> StartError:
    tail = _tail(log)
    if "address already in use" in tail:
        return PortTakenError(
            f"{name} found its port taken, {_ATTEMPTS} times: stop what takes ports on loopback.\n{tail}"
        )
    return StartError(
        f"{name} ended by itself. Its log ends with:\n{tail}\nThe whole log: {log}."
        " Is another version of it in PATH or KUBEBUILDER_ASSETS, or is its directory from another version?"
    )


def _tail(log: Path, lines: int = 15) -> str:
    try:
        return "\n".join(f"    {line[:400]}" for line in log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "    (no log)"
