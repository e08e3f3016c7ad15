"""Puts Pratique's manifests into a cluster, as `make up` does, and waits until the API server guards.

Used by the tests of CRDs and of identities: they need no operator, only what it relies on.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pratique.cluster.canaries import canaries
from pratique.codegen.manifests import install as manifests
from pratique.codegen.values import Impersonation, Values

PEOPLE = Path(__file__).with_name("people.yaml")
ACTIONS_NAMESPACE = "pratique-actions"
ACCOUNT = "environment-maker"
VALUES = Values(impersonate=(Impersonation(ACTIONS_NAMESPACE, (ACCOUNT,)),))


class Kubectl(Protocol):
    """kubectl as one of the test identities."""

    def __call__(self, identity: str, *args: str, input: str | None = None, check: bool = True) -> Any: ...


def install(kubectl: Kubectl) -> None:
    """Apply everything that must be there before an operator, and the rights of the test identities."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ACTIONS_NAMESPACE}}
    apply(kubectl, "admin", namespace)
    apply(kubectl, "admin", *manifests(VALUES))
    kubectl("admin", "apply", "--server-side", "--force-conflicts", "-f", str(PEOPLE))
    established = ("--for=condition=Established", "--timeout=60s", "crd", "-l", "app.kubernetes.io/part-of=pratique")
    kubectl("admin", "wait", *established)
    until(lambda: unguarded(kubectl), "the policies to be in force")


def unguarded(kubectl: Kubectl) -> str | None:
    """Post every canary as the operator; return why the API server does not guard yet, or None if it does."""
    for canary in canaries(VALUES.operator):
        answer = create(kubectl, "operator", canary.manifest, "--dry-run=server", check=False)
        if canary.expected not in answer.stderr:
            return f"canary of {canary.policy}: {answer.stdout}{answer.stderr}"
    return None


def apply(kubectl: Kubectl, identity: str, *objects: dict[str, Any], check: bool = True) -> Any:
    """Server-side apply `objects` in one call."""
    return kubectl(
        identity, "apply", "--server-side", "--force-conflicts", "-f", "-", input=stream(*objects), check=check
    )


def create(kubectl: Kubectl, identity: str, body: dict[str, Any], *options: str, check: bool = True) -> Any:
    """Create one object."""
    return kubectl(identity, "create", "-f", "-", *options, input=stream(body), check=check)


def stream(*objects: dict[str, Any]) -> str:
    """Return `objects` as one JSON document that kubectl takes."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def until(problem: Callable[[], str | None], what: str, timeout: float = 60.0) -> None:
    """Return once `problem` is None; fail with the last one after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while (last := problem()) is not None:
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s for {what}: {last}")
        time.sleep(0.2)
