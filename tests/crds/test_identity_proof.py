"""The proof that the policies do it: without their bindings, what the other modules see denied is accepted.

A dry run, so nothing stays; the binding is put back and guards again before the next test.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import changed, decision
from tests.support.cluster import Answer, Cluster, wait_for
from tools.codegen.manifests import install

pytestmark = pytest.mark.cluster


@contextmanager
def without(cluster: Cluster, policy: str) -> Iterator[None]:
    """Take a policy's validating binding away for a while."""
    kind = "ValidatingAdmissionPolicyBinding"
    binding = next(each for each in install() if each["kind"] == kind and each["metadata"]["name"] == policy)
    cluster.kubectl("admin", "delete", kind, policy)
    try:
        yield
    finally:
        cluster.kubectl("admin", "apply", "--server-side", "-f", "-", input=json.dumps(binding))


def test_requests_in_another_name_are_denied_by_the_policy(cluster: Cluster, namespace: str) -> None:
    forged = {"username": "lead-1@example.com", "groups": ["platform-leads"]}
    text = json.dumps(changed(make.run("held", namespace), {"spec.requestedBy": forged}))

    def ask() -> Answer:
        return cluster.kubectl("developer", "create", "--dry-run=server", "-f", "-", input=text, check=False)

    assert ask().code != 0
    with without(cluster, "pratique-requester"):
        wait_for("accepted without the policy", lambda: ask().code == 0)
    wait_for("denied again", lambda: ask().code != 0)


def test_decisions_in_another_name_are_denied_by_the_policy(cluster: Cluster, namespace: str) -> None:
    gate = make.approval(namespace)
    cluster.kubectl("operator", "create", "-f", "-", input=json.dumps(gate))
    forged = decision("lead-2@example.com", "Approve")

    def decide() -> Answer:
        args = ("patch", "approval", gate["metadata"]["name"], "-n", namespace, "--dry-run=server", "--type=merge")
        return cluster.kubectl("lead-1", *args, "-p", forged, check=False)

    assert decide().code != 0
    with without(cluster, "pratique-decision"):
        wait_for("accepted without the policy", lambda: decide().code == 0)
    wait_for("denied again", lambda: decide().code != 0)
