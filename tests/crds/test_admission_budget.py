"""What a decision costs at the API server, as a ratio of what an object without a policy costs.

Requests of both kinds are sent in turn, and the quickest of each are compared: so no machine is too slow for it, a busy one
slows both, and a pause of one request is none of its quickest.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.support.cluster import Cluster

from pratique.api.v1alpha1.scalars import format_time

pytestmark = pytest.mark.cluster
TIMES = 120
PLAIN = 8.0
"""How many times the patch of a ConfigMap a decision in a plain gate may cost; measured were 3 to 4."""
FULL = 3.0
"""How many times a decision in a plain gate one with all of the engine may cost; measured were 1.5."""
PEOPLE = [f"approver-{number}@example.com" for number in range(10)]
MERGE = "application/merge-patch+json"


def full(namespace: str) -> make.Manifest:
    """Return a gate that uses all that a rule can say."""
    gate = make.approval(namespace, "full", users=tuple(PEOPLE), groups=("platform-leads", "security"))
    steps = [datetime.now(UTC) + timedelta(minutes=each) for each in (20, 40)]
    gate["spec"]["policy"] |= {
        **{"required": 5, "requireFrom": [{"group": "security", "count": 1}], "delegation": "Allow"},
        "escalation": [{"at": format_time(each), "to": {"groups": [f"step-{n}"]}} for n, each in enumerate(steps)],
        "breakGlass": {"groups": ["sre-oncall"], "requester": "Forbid"},
        "counterOffer": {"inputs": {"ttl": {"values": ["3d", "5d"]}, "cpu": {"minimum": 1, "maximum": 4}}},
    }
    gate["spec"]["excluded"] = [f"excluded-{number}@example.com" for number in range(4)]
    return gate


def quickest(*sends: Callable[[int], Any]) -> list[float]:
    """Return what the quickest request of each kind took, sent in turn; the first ones only warm up."""
    took: list[list[float]] = [[] for _ in sends]
    for number in range(TIMES):
        for each, send in zip(took, sends, strict=True):
            began = time.perf_counter()
            reply = send(number)
            each.append(time.perf_counter() - began)
            assert reply.ok, reply.message
    return [sum(sorted(each[20:])[:10]) for each in took]


def test_a_decision_costs_a_small_multiple_of_what_an_object_without_policy_costs(
    cluster: Cluster, namespace: str
) -> None:
    gates = f"/apis/pratique.dev/v1alpha1/namespaces/{namespace}/approvals"
    notes = f"/api/v1/namespaces/{namespace}/configmaps"
    for manifest in (make.approval(namespace, "plain"), full(namespace)):
        reply = cluster.callers["operator"].send("POST", gates, manifest)
        assert reply.ok, reply.message
    assert cluster.callers["admin"].send("POST", notes, {"metadata": {"name": "note"}}).ok

    def decide(gate: str) -> Callable[[int], Any]:
        def send(number: int) -> Any:
            said = {"verdict": "Approve", "comment": f"number {number}"}
            body = {"spec": {"decisions": {"lead-1@example.com": said}}}
            return cluster.callers["lead-1"].send("PATCH", f"{gates}/{gate}?dryRun=All", body, content_type=MERGE)

        return send

    def note(number: int) -> Any:
        body = {"data": {"number": str(number)}}
        return cluster.callers["admin"].send("PATCH", f"{notes}/note?dryRun=All", body, content_type=MERGE)

    bare, plain, complete = quickest(note, decide("plain"), decide("full"))
    print(f"a plain gate {plain / bare:.1f} times a ConfigMap, a full one {complete / plain:.1f} times a plain one")
    assert plain / bare <= PLAIN, f"a decision in a plain gate: {plain / bare:.1f} times the patch of a ConfigMap"
    assert complete / plain <= FULL, f"a decision with all of the engine: {complete / plain:.1f} times a plain one"
