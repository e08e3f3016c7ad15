"""Installs Pratique into a cluster and runs its processes beside it: playground, demo and tests share this.

It grants nothing of its own: what is applied is what `tools.codegen` generates, and files that the caller names.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tools.codegen.manifests import install
from tools.codegen.values import Values
from tools.controlplane import processes
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.ports import choose
from tools.controlplane.processes import Process

ROOT = Path(__file__).parents[1]
_READY_SECONDS = 60.0


class InstallationError(Exception):
    """The installation did not work; the message says what was seen and what to do."""


def install_pratique(
    kubectl: Kubectl,
    admin: Path,
    values: Values | None = None,
    webhook_url: str | None = None,
    older: bool | None = None,
) -> None:
    """Apply everything but the Deployments, and wait until the kinds are served and people have their rights.

    Before 1.36 a webhook has to stamp: the API server will find it at `webhook_url`, the caller runs it there. `older`
    says so of a cluster that is not asked.
    """
    older = is_older(kubectl, admin) if older is None else older
    if older and webhook_url is None:
        raise InstallationError(
            "The cluster is older than 1.36, so a webhook has to run inside it: install the chart (charts/pratique),"
            " or use a cluster of 1.36."
        )
    manifests = install(values, older=older, webhook_url=webhook_url)
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


def is_older(kubectl: Kubectl, admin: Path) -> bool:
    """Whether the API server has no MutatingAdmissionPolicy: asked of its discovery, since it may emulate a version."""
    found = json.loads(kubectl(admin, "get", "--raw", "/apis/admissionregistration.k8s.io/v1").stdout)
    return "mutatingadmissionpolicies" not in {each["name"] for each in found["resources"]}


def apply(kubectl: Kubectl, kubeconfig: Path, manifests: Iterable[dict[str, Any]]) -> None:
    """Apply manifests by server-side apply, as installers do."""
    text = yaml.safe_dump_all(list(manifests), sort_keys=False)
    kubectl(kubeconfig, "apply", "--server-side", "--force-conflicts", "-f", "-", input=text)


class PratiqueProcess:
    """One of our processes, run as users run it, with the kubeconfig of its own ServiceAccount."""

    command = ""
    options: tuple[str, ...] = ()

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
        command = [sys.executable, "-m", "pratique.main", self.command, "--kubeconfig", str(self.kubeconfig)]
        command += ["--health-port", str(self.port), *self.options, *self._arguments]
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "operator"), "PYTHONUNBUFFERED": "1"}
        self.process = processes.start(self.command, command, self.log, detach=self._detach, environ=environ)
        return self.process

    def wait_ready(self, timeout: float = _READY_SECONDS) -> None:
        """Return when it says so."""
        deadline, seen = time.monotonic() + timeout, "no answer"
        while time.monotonic() < deadline:
            if self.process is not None and not processes.alive(self.process):
                break
            seen = self.readyz()
            if seen == "ok":
                return
            time.sleep(0.05)
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:]) if self.log.exists() else ""
        raise InstallationError(f"The {self.command} is not ready (last seen: {seen}). {self.log} ends with:\n{tail}")

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
        """SIGKILL, as a node that fails would; by the time this returns, its port is free."""
        self.stop(grace=0)


class OperatorProcess(PratiqueProcess):
    """`pratique operator`: ready when it guards, has filled its cache and works."""

    command = "operator"
    options = ("--channel-egress", "127.0.0.0/8", "--request-egress", "127.0.0.0/8")
    """The receivers of the playground, the demo and the tests are on loopback."""


class WebhookProcess(PratiqueProcess):
    """`pratique webhook` beside an older API server, which finds it at `url`; ready when that server may trust it."""

    command = "webhook"

    def __init__(self, kubeconfig: Path, log: Path, *, arguments: Sequence[str] = ()) -> None:
        served = free_port()
        self.url = f"https://127.0.0.1:{served}"
        own = ("--port", str(served), "--name", "127.0.0.1", "--look-every", "1", "--drain", "0")
        super().__init__(kubeconfig, log, arguments=(*own, *arguments))


@contextmanager
def installed(
    kubectl: Kubectl, admin: Path, webhook: WebhookProcess, values: Values | None = None, older: bool | None = None
) -> Iterator[WebhookProcess | None]:
    """Install, and run the webhook meanwhile where one is needed."""
    older = is_older(kubectl, admin) if older is None else older
    install_pratique(kubectl, admin, values, webhook.url, older)
    if not older:
        yield None
        return
    webhook.start()
    try:
        webhook.wait_ready()
        yield webhook
    finally:
        webhook.stop()


def free_port() -> int:
    """Return a loopback port that is free now, and none that the kernel gives to an outgoing connection meanwhile."""
    return choose(("it",))["it"]
