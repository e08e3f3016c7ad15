"""The stamps, request by request: what is written, what is left alone, what is refused.

On a cluster of 1.36 policies stamp, on an older one (PRATIQUE_TEST_VERSION) the webhook: this table holds for both, so that
they do not differ. All of it are dry runs on one run and one gate.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import DELETE, Manifest, changed, decision
from tests.support.cluster import Answer, Cluster

from pratique.guarding.canaries import canaries

pytestmark = pytest.mark.cluster
OPERATOR = "system:serviceaccount:pratique-system:pratique"
WHO = {"username": "developer@example.com", "groups": ["developers", "system:authenticated"]}
FORGED = "spec.requestedBy is set by the API server"


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace with the run `held` and a gate."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("admin", "create", "namespace", name)
    cluster.apply("developer", make.run("held", name))
    cluster.kubectl("operator", "create", "-f", "-", input=json.dumps(make.approval(name)))
    yield name
    cluster.kubectl("admin", "delete", "namespace", name, "--wait=false")


def create(cluster: Cluster, who: str, manifest: Manifest, *options: str) -> Answer:
    args = ("create", "--dry-run=server", "-o", "json", "-f", "-", *options)
    return cluster.kubectl(who, *args, input=json.dumps(manifest), check=False)


def patch(cluster: Cluster, who: str, target: tuple[str, str, str], body: Any, *options: str) -> Answer:
    kind, name, namespace = target
    args = ("patch", kind, name, "-n", namespace, "--type=merge", "-p", json.dumps(body), "--dry-run=server")
    return cluster.kubectl(who, *args, "-o", "json", *options, check=False)


def refused(answer: Answer, sentence: str) -> None:
    assert answer.code != 0, f"accepted: {answer.out}"
    assert sentence in answer.err


def tree(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, ""),
        ({"spec.requestedBy": WHO}, ""),
        ({"spec.requestedBy": WHO | {"groups": WHO["groups"][::-1]}}, ""),
        ({"metadata.labels": {}}, ""),
        ({"spec.inputs": tree(12)}, ""),
        ({"spec.inputs": tree(13)}, "spec.inputs is nested deeper than 12 levels"),
        ({"spec.inputs": {"a": [[[[[[[[[[[[1]]]]]]]]]]]]}}, "spec.inputs is nested deeper than 12 levels"),
        ({"spec.inputs": tree(400)}, "spec.inputs is nested deeper than 12 levels"),
        ({"spec.requestedBy": {}}, "spec.requestedBy.username: Required value"),
        ({"spec.requestedBy": WHO | {"groups": []}}, FORGED),
        ({"spec.requestedBy": WHO | {"username": "admin"}}, FORGED),
        ({"spec.requestedBy": None}, ""),  # the API server drops it
        ({"spec": None}, "spec: Required value"),
        ({"spec": DELETE}, "spec: Required value"),
        ({"spec": []}, "spec in body must be of type object"),
        ({"spec": "text"}, "spec in body must be of type object"),
    ],
)
def test_a_new_run(cluster: Cluster, namespace: str, changes: dict[str, Any], sentence: str) -> None:
    answer = create(cluster, "developer", changed(make.run("a", namespace), changes))
    if sentence:
        refused(answer, sentence)
    else:
        assert answer.code == 0, answer.err
        stamped = answer.json["spec"]["requestedBy"]
        assert (stamped["username"], set(stamped["groups"])) == (WHO["username"], set(WHO["groups"]))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"spec": {"requestedBy": None}}, ""),
        ({"metadata": {"labels": {"team": "a"}}}, ""),
        ({"spec": {"requestedBy": None, "reason": "other"}}, "cannot be changed"),
        ({"spec": {"requestedBy": {"username": "admin"}}}, "cannot be changed"),
        ({"spec": None}, "spec cannot be changed: a run is one execution"),
        ({"spec": "text"}, "spec cannot be changed: a run is one execution"),
    ],
)
@pytest.mark.parametrize("who", ["developer", "admin"])
def test_an_updated_run(cluster: Cluster, namespace: str, who: str, body: Any, sentence: str) -> None:
    answer = patch(cluster, who, ("actionrun", "held", namespace), body)
    if sentence:
        refused(answer, sentence)
    else:
        assert answer.json["spec"]["requestedBy"]["username"] == WHO["username"]


NAMES = (
    "a/b",
    "a~b",
    "~1/~0//",
    "oidc:https://idp.example.com/#a?b=c&d",
    'CN="Lead, One",O=x\\y',
    "ünïcödé 猫 🚢",
    "tab\there",
    "*",
    "-1",
    "spec",
    "f:verdict",
    "x" * 250,
)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_any_user_name_decides_and_requests_under_itself(cluster: Cluster, namespace: str, name: str) -> None:
    target = ("approval", make.approval(namespace)["metadata"]["name"], namespace)
    body = json.loads(decision(name, "Approve", decidedAt="2020-01-01T00:00:00Z", groups=["security"]))
    groups = ("--as-group=platform-leads", "--as-group=developers")
    answer = patch(cluster, "admin", target, body, f"--as={name}", *groups)
    assert answer.code == 0, answer.err
    entry = answer.json["spec"]["decisions"][name]
    assert entry["groups"] == ["platform-leads"] and entry["decidedAt"] > "2026"
    asked = create(cluster, "admin", make.run("a", namespace), f"--as={name}", *groups)
    assert asked.json["spec"]["requestedBy"]["username"] == name


@pytest.mark.parametrize(
    ("decisions", "sentence"),
    [
        ({"lead-2@example.com": {"verdict": "Approve"}}, "only under your own user name: lead-1@example.com"),
        ({"Lead-1@example.com": {"verdict": "Approve"}}, "only under your own user name: lead-1@example.com"),
        ({"lead-1@example.com": "Approve"}, "spec.decisions.lead-1@example.com in body must be of type object"),
        ({"lead-1@example.com": {}}, "verdict: Required value"),
        ([], "spec.decisions in body must be of type object"),
        ("Approve", "spec.decisions in body must be of type object"),
    ],
)
def test_decisions_that_are_none(cluster: Cluster, namespace: str, decisions: Any, sentence: str) -> None:
    target = ("approval", make.approval(namespace)["metadata"]["name"], namespace)
    refused(patch(cluster, "lead-1", target, {"spec": {"decisions": decisions}}), sentence)


def test_a_decision_in_a_new_approval_is_not_stamped_unless_it_is_a_canary(cluster: Cluster, namespace: str) -> None:
    decided = changed(make.approval(namespace), {"spec.decisions": {OPERATOR: {"verdict": "Approve"}}})
    refused(create(cluster, "operator", decided), "an Approval starts without decisions")
    decided["metadata"]["labels"] = {"pratique.dev/canary": "anything"}
    refused(create(cluster, "operator", decided), "pratique canary: pratique-decision stamped")
    del decided["spec"]["decisions"]
    refused(create(cluster, "operator", decided), "pratique canary: pratique-decision not stamped")


@pytest.mark.parametrize("canary", canaries(OPERATOR), ids=lambda canary: canary.policy)
def test_the_canaries_prove_the_stamps(cluster: Cluster, canary: Any) -> None:
    refused(create(cluster, "operator", canary.manifest), canary.expected)
