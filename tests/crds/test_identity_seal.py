"""The seal on the real API server, with no operator: what was acknowledged first stands, however close the next comes.

`tests/unit/core/gates/test_seal.py` holds the rule beside the operator's count; here decisions race, by real identities.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.attacks.model import path_of
from tests.builders import manifests as make
from tests.builders.manifests import changed, decision
from tests.support.cluster import Cluster
from tests.support.http import Callers, Reply
from tools.controlplane.identities import known

from pratique.api.v1alpha1.approval import ApprovalSpec
from pratique.core.gates.tally import Tally, count

pytestmark = pytest.mark.cluster
NAME = "load-test-platform-0c6d5a8e6f"
LEADS = ("lead-1", "lead-2", "lead-umlaut", "lead-odd")
MERGE = "application/merge-patch+json"


@pytest.fixture
def callers(cluster: Cluster) -> Iterator[Callers]:
    with Callers(cluster.identities) as callers:
        yield callers


def gate(callers: Callers, space: str, name: str, **policy: int) -> str:
    """Open a gate as the operator does; return its path."""
    root = path_of("approvals").replace("/namespaces/harbour", f"/namespaces/{space}")
    manifest = changed(make.approval(space, name), {f"spec.policy.{key}": value for key, value in policy.items()})
    reply = callers["operator"].send("POST", root, manifest)
    assert reply.ok, reply.message
    return f"{root}/{name}"


def decide(callers: Callers, who: str, path: str, verdict: str) -> Reply:
    body = {"spec": {"decisions": {known(who).username: {"verdict": verdict, "comment": "so be it"}}}}
    return callers[who].send("PATCH", path, body, content_type=MERGE)


def tally(callers: Callers, path: str) -> tuple[Tally, set[str], set[str]]:
    """Return what the operator will count, who is in the object, and whom of them it counts."""
    spec = ApprovalSpec.model_validate(callers["admin"].send("GET", path).body["spec"])
    counted = count(spec, datetime.now(UTC))
    return counted.tally, set(spec.decisions), {each.by for each in counted.decisions}


def test_of_a_yes_and_a_no_in_one_second_the_acknowledged_one_stands(namespace: str, callers: Callers) -> None:
    seen: set[Tally] = set()
    with ThreadPoolExecutor(2) as pool:
        for turn in range(40):
            path = gate(callers, namespace, f"race-{turn}")
            votes = [("lead-1", "Approve"), ("lead-2", "Decline")]
            # each way round in turn, and under the name that the alphabet favours
            asked = [(who, verdict) for who, verdict in (votes if turn % 2 else votes[::-1])]
            replies = list(pool.map(lambda vote, path=path: decide(callers, vote[0], path, vote[1]), asked))
            taken = [vote for vote, reply in zip(asked, replies, strict=True) if reply.ok]
            refused = [reply.message for reply in replies if not reply.ok]
            assert len(taken) == 1 and "this Approval is decided: " in refused[0], refused
            (who, verdict) = taken[0]
            ends = Tally.APPROVED if verdict == "Approve" else Tally.DECLINED
            assert tally(callers, path) == (ends, {known(who).username}, {known(who).username})
            seen.add(ends)
    assert seen == {Tally.APPROVED, Tally.DECLINED}, "the race has one side only"


@pytest.mark.parametrize(("required", "threshold"), [(2, 1), (2, 2), (3, 2)])
def test_four_decide_at_once(namespace: str, callers: Callers, required: int, threshold: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        for turn in range(8):
            path = gate(callers, namespace, f"all-{turn}", required=required, declineThreshold=threshold)
            asked = [(who, ("Approve", "Decline")[(turn >> place) & 1]) for place, who in enumerate(LEADS)]
            replies = list(pool.map(lambda vote, path=path: decide(callers, vote[0], path, vote[1]), asked))
            taken = {known(who).username for (who, _), reply in zip(asked, replies, strict=True) if reply.ok}
            ends, inside, counted = tally(callers, path)
            assert inside == taken == counted, "each decision that was acknowledged counts, and no other is there"
            yes = sum(verdict == "Approve" for (_, verdict), reply in zip(asked, replies, strict=True) if reply.ok)
            assert (yes >= required, len(taken) - yes >= threshold) == (
                ends is Tally.APPROVED,
                ends is Tally.DECLINED,
            )
            open_to_all = all(reply.ok for reply in replies)
            assert open_to_all or ends is not Tally.OPEN, [reply.message for reply in replies]


def test_the_largest_gate_takes_decisions_until_it_is_decided(namespace: str, callers: Callers) -> None:
    """Who approves stands in for somebody of all its groups, who declines was added by the last step.

    So what counting costs is bounded.
    """
    groups = [f"cn=group-{number:02},ou=departments,ou=platform,dc=example,dc=com" for number in range(32)]
    parts = [groups[:12], *(groups[12 + 5 * each : 17 + 5 * each] for each in range(4))]
    ways = [
        {
            "approvers": {"groups": each},
            "required": 32,
            "requireFrom": [{"group": name, "count": 32} for name in each[:8]],
        }
        for each in parts
    ]
    name = "a-person-with-a-name-of-sixty-letters-{:02}@department.example.com"
    root = path_of("approvals").replace("/namespaces/harbour", f"/namespaces/{namespace}")
    added = [[f"cn=step-{step}-{number:02},ou=platform,dc=example,dc=com" for number in range(16)] for step in range(8)]
    added[-1][-1] = "platform-leads"  # who may approve at all
    steps = [
        {
            "at": f"2020-01-01T00:00:0{step}Z",
            "to": {"users": [f"{step}-{each}" for each in each_group], "groups": each_group},
        }
        for step, each_group in enumerate(added)
    ]
    policy: dict[str, Any] = {
        "approvers": {"groups": groups},
        "required": 32,
        "declineThreshold": 32,
        "alternatives": ways,
        "delegation": "Allow",
    }
    policy["escalation"] = steps
    manifest = changed(
        make.approval(namespace, "largest"), {f"spec.policy.{key}": value for key, value in policy.items()}
    )
    lent = {"until": "2100-01-01T00:00:00Z", "at": "2020-01-01T00:00:00Z", "groups": [*groups, "platform-leads"]}
    away = "away-" + name
    manifest["spec"]["delegations"] = {away.format(each): lent | {"to": name.format(each)} for each in range(0, 63, 2)}
    assert (opened := callers["operator"].send("POST", root, manifest)).ok, opened.message
    for number in range(63):
        headers = [("Impersonate-User", name.format(number))]
        mine = added[-1] if number % 2 else [*groups, "platform-leads"]
        headers += [("Impersonate-Group", each) for each in mine]
        body = json.loads(decision(name.format(number), ("Approve", "Decline")[number % 2], "so be it"))
        if not number % 2:
            body["spec"]["decisions"][name.format(number)]["for"] = away.format(number)
        reply = callers["admin"].send("PATCH", f"{root}/largest", body, content_type=MERGE, headers=headers)
        assert reply.ok, f"decision {number}: {reply.message}"
    assert tally(callers, f"{root}/largest")[0] is Tally.APPROVED, "the 32nd of each rule"
    late = json.loads(decision(name.format(63), "Decline", "no"))
    headers = [
        ("Impersonate-User", name.format(63)),
        *(("Impersonate-Group", each) for each in [*groups, "platform-leads"]),
    ]
    denied = callers["admin"].send("PATCH", f"{root}/largest", late, content_type=MERGE, headers=headers)
    assert "this Approval is decided: approved by" in denied.message


def test_people_in_three_hundred_groups_ask_and_decide(namespace: str, callers: Callers) -> None:
    groups = [f"cn=team-{number},ou=groups,dc=example,dc=com" for number in range(300)]
    person = [("Impersonate-User", "busy@example.com")]
    asking = [*person, *(("Impersonate-Group", group) for group in [*groups, "developers"])]
    runs = path_of("actionruns").replace("/namespaces/harbour", f"/namespaces/{namespace}")
    asked = callers["admin"].send("POST", runs, make.run("busy", namespace), headers=asking)
    assert asked.ok, asked.message
    stamped = asked.body["spec"]["requestedBy"]
    assert stamped["username"] == "busy@example.com" and set(groups) < set(stamped["groups"])
    # the gate that the operator opens holds all of them, too
    path = gate(callers, namespace, "busy-gate")
    deciding = [*person, *(("Impersonate-Group", group) for group in [*groups, "platform-leads"])]
    body: dict[str, Any] = json.loads(decision("busy@example.com", "Approve"))
    decided = callers["admin"].send("PATCH", path, body, content_type=MERGE, headers=deciding)
    assert decided.ok, decided.message
    assert decided.body["spec"]["decisions"]["busy@example.com"]["groups"] == ["platform-leads"]


def test_a_thousand_groups_are_not_too_many(namespace: str, callers: Callers) -> None:
    groups = [f"group-{number}" for number in range(1000)]
    headers = [
        ("Impersonate-User", "a@example.com"),
        *(("Impersonate-Group", each) for each in [*groups, "developers"]),
    ]
    runs = path_of("actionruns").replace("/namespaces/harbour", f"/namespaces/{namespace}")
    asked = callers["admin"].send("POST", runs, make.run("busier", namespace), headers=headers)
    assert asked.ok, asked.message
    forged = make.run("forged", namespace)
    forged["spec"]["requestedBy"] = {"username": "a@example.com", "groups": [*groups[1:], "other", "developers"]}
    denied = callers["admin"].send("POST", runs, forged, headers=headers)
    assert "spec.requestedBy is set by the API server" in denied.message
