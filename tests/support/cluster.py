"""The cluster that a test session uses, as tests see it: identities, kubectl, and waiting with a deadline.

Chosen by the environment: PRATIQUE_KUBECONFIG (one's own cluster), PRATIQUE_TEST_CLUSTER=kind (pytest-kind, where Docker
is), else the embedded control plane. The tests are the same.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tools.controlplane.kubectl import Kubectl

Value = TypeVar("Value")


class Source(Enum):
    """Where the cluster comes from."""

    EMBEDDED = "embedded"
    OWN = "own"
    KIND = "kind"


def choose(environ: Mapping[str, str]) -> Source:
    """Return where the cluster comes from; an unknown PRATIQUE_TEST_CLUSTER is an error that names the choices."""
    if environ.get("PRATIQUE_KUBECONFIG"):
        return Source.OWN
    wanted = environ.get("PRATIQUE_TEST_CLUSTER") or Source.EMBEDDED.value
    if wanted not in (Source.EMBEDDED.value, Source.KIND.value):
        raise ValueError(f"PRATIQUE_TEST_CLUSTER is {wanted!r}: choose embedded or kind")
    return Source(wanted)


class Identities(Protocol):
    """Whoever has kubeconfigs for the test identities."""

    def kubeconfig(self, identity: str) -> Path:
        """Return the kubeconfig of an identity."""


@dataclass(frozen=True)
class Answer:
    """What kubectl said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output, parsed."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Cluster:
    """A cluster with people."""

    identities: Identities
    runner: Kubectl

    def kubectl(self, identity: str, *args: str, input: str | None = None, check: bool = True) -> Answer:
        """Run kubectl as somebody; with `check`, a failure is an error that shows the command."""
        done = self.runner(self.identities.kubeconfig(identity), *args, input=input, check=check)
        return Answer(done.returncode, done.stdout, done.stderr)

    def apply(self, identity: str, manifest: dict[str, Any] | str, *args: str, check: bool = True) -> Answer:
        """`kubectl apply` of one manifest."""
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        return self.kubectl(identity, "apply", "-f", "-", *args, input=text, check=check)

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """Return an object as the admin sees it, or None."""
        where = ("-n", namespace) if namespace else ()
        answer = self.kubectl("admin", "get", kind, name, *where, "-o", "json", check=False)
        return answer.json if answer.code == 0 else None


def wait_for(what: str, probe: Callable[[], Value | None], timeout: float = 30.0) -> Value:
    """Return what `probe` returns once it is true; fail after `timeout` seconds, saying what was seen last."""
    deadline = time.monotonic() + timeout
    while True:
        seen = probe()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s; last seen: {seen!r}")
        time.sleep(0.1)
