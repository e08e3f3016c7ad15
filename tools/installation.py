"""Installs Pratique into a cluster and runs the operator as a process beside it: playground, demo and tests share this.

It grants nothing of its own: what is applied is what `pratique.codegen` generates, and files that the caller names.
"""

import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from pratique.codegen.manifests import install
from pratique.codegen.values import Values
from tools.controlplane import processes
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.processes import Process

ROOT = Path(__file__).parents[1]
_READY_SECONDS = 60.0


class InstallationError(Exception):
    """The installation did not work; the message says what was seen and what to do."""


def install_pratique(kubectl: Kubectl, admin: Path, values: Values | None = None) -> None:
    """Apply everything but the Deployment, and wait until the kinds are served and people have their rights."""
    manifests = install(values)
    early = [each for each in manifests if each["kind"] in ("Namespace", "CustomResourceDefinition")]
    apply(kubectl, admin, early)
    names = [f"crd/{each['metadata']['name']}" for each in early if each["kind"] == "CustomResourceDefinition"]
    kubectl(admin, "wait", "--for=condition=Established", "--timeout=30s", *names)
    apply(kubectl, admin, [each for each in manifests if each not in early])
    aggregated = [f"clusterrole/{each['metadata']['name']}" for each in manifests if "aggregationRule" in each]
    kubectl(admin, "wait", "--for=jsonpath={.rules}", "--timeout=30s", *aggregated)


def guard_arguments(values: Values) -> tuple[str, ...]:
    """Return the option that tells an operator what the policies were installed with, as the chart does."""
    return ("--guard-values", json.dumps(values.guard.to_wire()))


def apply(kubectl: Kubectl, kubeconfig: Path, manifests: Iterable[dict[str, Any]]) -> None:
    """Apply manifests by server-side apply, as installers do."""
    text = yaml.safe_dump_all(list(manifests), sort_keys=False)
    kubectl(kubeconfig, "apply", "--server-side", "--force-conflicts", "-f", "-", input=text)


class OperatorProcess:
    """The operator, run as users run it: `pratique operator`, with the kubeconfig of its own ServiceAccount."""

    def __init__(
        self,
        kubeconfig: Path,
        log: Path,
        *,
        detach: bool = False,
        port: int | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.log, self.port = log, port or free_port()
        self.kubeconfig, self._detach, self._arguments = kubeconfig, detach, arguments
        self.process: Process | None = None

    def start(self) -> Process:
        """Start it; returns at once."""
        command = [sys.executable, "-m", "pratique.main", "operator", "--kubeconfig", str(self.kubeconfig)]
        command += ["--health-port", str(self.port), *self._arguments]
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "operator"), "PYTHONUNBUFFERED": "1"}
        self.process = processes.start("operator", command, self.log, detach=self._detach, environ=environ)
        return self.process

    def wait_ready(self, timeout: float = _READY_SECONDS) -> None:
        """Return when it guards, has filled its cache and works."""
        deadline, seen = time.monotonic() + timeout, "no answer"
        while time.monotonic() < deadline:
            if self.process is not None and not processes.alive(self.process):
                break
            seen = self.readyz()
            if seen == "ok":
                return
            time.sleep(0.05)
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:]) if self.log.exists() else ""
        raise InstallationError(f"The operator is not ready (last seen: {seen}). {self.log} ends with:\n{tail}")

    def readyz(self) -> str:
        """Return what it says of its readiness: `ok`, or why not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except OSError as error:
            return f"no answer ({type(error).__name__})"

    def stop(self, grace: float = 10.0) -> None:
        """End it; without grace, kill it."""
        if self.process is not None:
            processes.end([self.process], grace)
            self.process = None

    def kill(self) -> None:
        """SIGKILL, as a node that fails would."""
        if self.process is not None:
            pidfd = processes.send(self.process, signal.SIGKILL)
            if pidfd is not None:
                os.close(pidfd)
            while processes.alive(self.process):
                time.sleep(0.01)
            self.process = None


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
