"""The cluster that a test session uses, as tests see it: identities, kubectl, and waiting with a deadline.

Chosen by the environment: PRATIQUE_KUBECONFIG (one's own cluster), PRATIQUE_TEST_CLUSTER=kind (pytest-kind, where Docker
is), else the embedded control plane. The tests are the same.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self, TypeVar

import urllib3
from tools.controlplane.errors import KubectlError
from tools.controlplane.kubectl import Kubectl

from tests.support import plain_kubectl
from tests.support.http import Callers, Identities, Reply
from tests.support.rights import change_rights, wait_until_seen
from tests.support.shaken import dawdle

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
    """A cluster with people. What people do is done as kubectl does it; what tests merely look at is asked for directly."""

    identities: Identities
    runner: Kubectl
    callers: Callers
    plain: bool = False
    """Whether plain commands of kubectl are done here, by its requests."""

    @classmethod
    @contextmanager
    def of(cls, identities: Identities, runner: Kubectl) -> Iterator[Self]:
        """Yield it; its connections are closed in the end."""
        with Callers(identities) as callers:
            yield cls(identities, runner, callers)

    def kubectl(self, identity: str, *args: str, input: str | None = None, check: bool = True) -> Answer:
        """Do what kubectl does, as somebody; with `check`, a failure is an error that shows the command.

        Its plain commands are done in this process if `plain` (plain_kubectl.py says which), all else by the program. What
        it changes in roles and bindings has been seen by the authorizer when this returns.
        """
        dawdle()
        answer = self._answer(identity, args, input, check=check)
        if change_rights(args, input):
            wait_until_seen(self.callers["admin"])
        return answer

    def _answer(self, identity: str, args: tuple[str, ...], input: str | None, *, check: bool) -> Answer:
        said = plain_kubectl.done(self.callers[identity], args, input) if self.plain else None
        if said is None:
            return self.program(identity, *args, input=input, check=check)
        out, err = said.texts
        if check and said.code:
            raise KubectlError(f"kubectl {' '.join(args)} as {identity}: {err.strip()}")
        return Answer(said.code, out, err)

    def program(self, identity: str, *args: str, input: str | None = None, check: bool = True) -> Answer:
        """Run kubectl itself."""
        done = self.runner(self.identities.kubeconfig(identity), *args, input=input, check=check)
        return Answer(done.returncode, done.stdout, done.stderr)

    def apply(
        self, identity: str, manifest: dict[str, Any] | Sequence[dict[str, Any]] | str, *args: str, check: bool = True
    ) -> Answer:
        """`kubectl apply` of a manifest, or of several at once."""
        if not isinstance(manifest, (str, dict)):
            manifest = {"apiVersion": "v1", "kind": "List", "items": list(manifest)}
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        return self.kubectl(identity, "apply", "-f", "-", *args, input=text, check=check)

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """Return an object as the admin sees it, or None."""
        if kind in plain_kubectl.BY_NAME:
            seen = self._look(plain_kubectl.BY_NAME[kind].path(namespace, name))
            return seen.body if seen is not None and seen.ok else None
        where = ("-n", namespace) if namespace else ()
        answer = self.kubectl("admin", "get", kind, name, *where, "-o", "json", check=False)
        return answer.json if answer.code == 0 else None

    def _look(self, path: str) -> Reply | None:
        """Return what the admin is answered; None, as of what is not there, if nobody answers."""
        for _ in range(2):  # a connection that was kept may be one to a server that has ended meanwhile
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                return self.callers["admin"].send("GET", path)
        return None


def wait_for(what: str, probe: Callable[[], Value | None], timeout: float = 30.0) -> Value:
    """Return what `probe` returns once it is true; fail after `timeout` seconds, saying what was seen last."""
    deadline = time.monotonic() + timeout
    while True:
        seen = probe()
        if seen:
            dawdle()
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s; last seen: {seen!r}")
        time.sleep(0.05)
