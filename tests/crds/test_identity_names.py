"""Names that are hard: in other letter case, look-alikes, special characters, very long; groups that a token has or had.

Real tokens on the real API server: whom it takes for one person and whom for two, and that nothing in a name does more than
name somebody.
"""

import json
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import changed, decision
from tests.support.cluster import Answer, Cluster
from tools.controlplane.identities import LONG, ODD, known

pytestmark = pytest.mark.cluster
GATE = "load-test-platform-0c6d5a8e6f"
OWN = "you cannot decide your own request"
FOR_YOU = "you cannot decide a request that was made on your behalf"


def open_gate(cluster: Cluster, namespace: str, changes: dict[str, Any] | None = None, **options: Any) -> None:
    """Open a gate as the operator does."""
    manifest = changed(make.approval(namespace, **options), changes or {})
    cluster.kubectl("operator", "create", "-f", "-", input=json.dumps(manifest))


def decide(cluster: Cluster, who: str, namespace: str) -> Answer:
    """Approve under one's own name."""
    body = decision(known(who).username, "Approve")
    return cluster.kubectl(who, "patch", "approval", GATE, "-n", namespace, "--type=merge", "-p", body, check=False)


def decisions(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """Return what was decided."""
    return dict((cluster.get("approval", GATE, namespace) or {})["spec"].get("decisions", {}))


def denied(answer: Answer, sentence: str) -> None:
    """Expect this sentence."""
    assert answer.code != 0, f"accepted: {answer.out}"
    assert sentence in answer.err


@pytest.mark.parametrize("who", ["lead-1-alike", "lead-umlaut", "lead-odd"])
def test_whatever_one_is_called_one_decides_under_ones_own_name(cluster: Cluster, namespace: str, who: str) -> None:
    open_gate(cluster, namespace, {"spec.policy.required": 2})
    assert decide(cluster, who, namespace).code == 0
    (found,) = decisions(cluster, namespace).items()
    assert found[0] == known(who).username
    assert found[1]["groups"] == ["platform-leads"] and found[1]["decidedAt"] > "2026"
    assert decide(cluster, "lead-1", namespace).code == 0, "whoever looks alike is somebody else"
    assert len(decisions(cluster, namespace)) == 2


@pytest.mark.parametrize("order", [("lead-1", "lead-1-upper"), ("lead-1-upper", "lead-1")], ids=lambda each: each[0])
def test_one_person_counts_once(cluster: Cluster, namespace: str, order: tuple[str, str]) -> None:
    open_gate(cluster, namespace, {"spec.policy.required": 2})
    first, second = order
    assert decide(cluster, first, namespace).code == 0
    denied(decide(cluster, second, namespace), "you have decided, under your name in other letter case")
    assert decide(cluster, "lead-2", namespace).code == 0


SAME = (
    ("lead-1-upper", "lead-1@example.com"),
    ("lead-1", "LEAD-1@EXAMPLE.COM"),
    ("lead-umlaut", "\u00e4rztin@example.com"),
    ("lead-odd", ODD.upper()),
    ("lead-odd", ODD),
)


@pytest.mark.parametrize(("who", "asker"), SAME, ids=lambda each: ascii(each))
def test_a_name_that_differs_in_letter_case_only_is_the_askers(
    cluster: Cluster, namespace: str, who: str, asker: str
) -> None:
    open_gate(cluster, namespace, requester=asker)
    denied(decide(cluster, who, namespace), OWN)
    assert decide(cluster, "lead-2", namespace).code == 0


@pytest.mark.parametrize(("who", "person"), SAME, ids=lambda each: ascii(each))
def test_so_it_is_with_the_person_on_whose_behalf(cluster: Cluster, namespace: str, who: str, person: str) -> None:
    open_gate(cluster, namespace, {"spec.onBehalfOf": {"username": person}}, requester="argo")
    denied(decide(cluster, who, namespace), FOR_YOU)
    assert decide(cluster, "lead-2", namespace).code == 0


@pytest.mark.parametrize("asker", [".*", "lead-1@example.com|.*", "\\E.*", "lead-.@example.com", "^", "(", "[a-z]+"])
def test_a_name_is_no_pattern(cluster: Cluster, namespace: str, asker: str) -> None:
    """It locks nobody out, lets nobody in, and does not fail."""
    open_gate(cluster, namespace, {"spec.onBehalfOf": {"username": asker}}, requester=asker)
    assert decide(cluster, "lead-1", namespace).code == 0


def test_special_characters_do_not_reach_beyond_the_name(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace)
    for key in ("lead-1@example.com", "a", "a/b:c#d", ODD.lower(), f"{ODD} ", "a~1b", "../lead-1@example.com"):
        body = decision(key, "Approve")
        args = ("patch", "approval", GATE, "-n", namespace, "--type=merge", "-p", body)
        denied(cluster.kubectl("lead-odd", *args, check=False), "only under your own user name")
    assert decide(cluster, "lead-odd", namespace).code == 0
    assert set(decisions(cluster, namespace)) == {ODD}


def test_a_request_names_whoever_sent_it_exactly(cluster: Cluster, namespace: str) -> None:
    cluster.apply("developer-odd", make.run("odd", namespace))
    asked = (cluster.get("actionrun", "odd", namespace) or {})["spec"]["requestedBy"]
    assert asked == {"username": ODD, "groups": asked["groups"]}
    assert set(asked["groups"]) == {"developers", "system:authenticated"}


def test_a_very_long_name_is_refused_with_its_bound(cluster: Cluster, namespace: str) -> None:
    answer = cluster.apply("developer-long", make.run("long", namespace), check=False)
    denied(answer, "spec.requestedBy.username: Too long: may not be more than 253")
    open_gate(cluster, namespace)
    denied(decide(cluster, "lead-long", namespace), "a user name in decisions may have 253 characters at most")
    assert len(known("lead-long").username) == LONG


def test_groups_are_those_of_the_token_of_the_moment(cluster: Cluster, namespace: str) -> None:
    """The same user with another token, that has not the group any more."""
    open_gate(cluster, namespace)
    denied(decide(cluster, "lead-1-moved", namespace), "lead-1@example.com is not an approver of")
    assert decide(cluster, "lead-1", namespace).code == 0
    before = decisions(cluster, namespace)
    body = json.dumps({"metadata": {"labels": {"seen": "true"}}})
    cluster.kubectl("lead-1-moved", "patch", "approval", GATE, "-n", namespace, "--type=merge", "-p", body, check=False)
    assert decisions(cluster, namespace) == before, "what was decided with the group stays decided"


def test_a_user_is_no_group_and_a_group_is_no_user(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace)
    denied(decide(cluster, "named-as-group", namespace), f"platform-leads is not an approver of {GATE}")


def test_nor_the_other_way_round(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace, users=("platform-leads",), groups=())
    denied(decide(cluster, "lead-1", namespace), f"lead-1@example.com is not an approver of {GATE}")
    assert decide(cluster, "named-as-group", namespace).code == 0


def test_who_has_no_group_of_their_own_is_stamped_with_none(cluster: Cluster, namespace: str) -> None:
    open_gate(cluster, namespace, users=("mallory@example.com",))
    args = ("create", "rolebinding", "approves", "--clusterrole=pratique-approver", "--user=mallory@example.com")
    cluster.kubectl("admin", *args, "-n", namespace)
    assert decide(cluster, "mallory", namespace).code == 0
    assert decisions(cluster, namespace)["mallory@example.com"]["groups"] == []
