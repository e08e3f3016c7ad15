"""Rules that contradict themselves, and what people say in a gate that it does not take: each has its sentence at once.

The sentence names the field and the remedy; of what only a look at the form shows, the Action's condition Ready says it
(`tests/unit/core/judging/test_offers.py`, `test_stages.py`).
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.support.cluster import Cluster

pytestmark = pytest.mark.cluster
BOTH = {"groups": ["platform-leads", "security"]}
TWO_USERS = {"users": ["ann@example.com", "bob@example.com"]}
DAYS = {"values": ["3d"]}

RULES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "groups with All": (
        {"approvers": {"groups": ["platform-leads"], **TWO_USERS}, "mode": "All"},
        ("spec.approval.stages[0].mode", "mode: All needs users by name", "use required and requireFrom"),
    ),
    "All with a number": (
        {"approvers": TWO_USERS, "mode": "All", "required": 1},
        ("spec.approval.stages[0].mode", "leave required and requireFrom out"),
    ),
    "more than there are": (
        {"approvers": TWO_USERS, "required": 3},
        ("spec.approval.stages[0].required", "larger than the number of users", "could never be approved"),
    ),
    "a group that is not asked": (
        {"approvers": BOTH, "requireFrom": [{"group": "ops"}]},
        ("spec.approval.stages[0].requireFrom", "each group of requireFrom must be one of approvers.groups"),
    ),
    "fewer than of one group": (
        {"approvers": BOTH, "required": 1, "requireFrom": [{"group": "security", "count": 2}]},
        ("spec.approval.stages[0].required", "smaller than a count of requireFrom", "raise it, or leave it out"),
    ),
    "a group twice": (
        {"approvers": BOTH, "requireFrom": [{"group": "security"}, {"group": "security"}]},
        ("spec.approval.stages[0].requireFrom[1]", "Duplicate value"),
    ),
    "an alternative for nobody": (
        {"approvers": BOTH, "alternatives": [{"approvers": {"users": []}}]},
        ("spec.approval.stages[0].alternatives[0].approvers", "approvers needs at least one user or group"),
    ),
    "escalation out of order": (
        {"approvers": BOTH, "escalation": [{"after": "8h"}, {"after": "480m"}]},
        ("spec.approval.stages[0].escalation", "each `after` must be longer than the one before it"),
    ),
    "escalation after the end": (
        {"approvers": BOTH, "deadline": "4h", "escalation": [{"after": "4h", "to": {"groups": ["directors"]}}]},
        ("spec.approval.stages[0].escalation", "shorter than deadline"),
    ),
    "escalation to who is asked": (
        {"approvers": BOTH, "escalation": [{"after": "4h", "to": {"groups": ["security"]}}]},
        ("spec.approval.stages[0].escalation", "`to` names somebody who is asked already"),
    ),
    "no time at all": ({"approvers": BOTH, "deadline": "0s"}, ("deadline must be longer than 0s",)),
    "a deadline before now": ({"approvers": BOTH, "deadline": "-1h"}, ("a duration is one whole number and one unit",)),
    "a deadline on a day": (
        {"approvers": BOTH, "deadline": "2020-01-01T00:00:00Z"},
        ("spec.approval.stages[0].deadline", "a duration is one whole number and one unit"),
    ),
    "an offer of nothing": (
        {"approvers": BOTH, "counterOffer": {"inputs": {"ttl": {}}}},
        ("what may be offered is either values, a list of texts, or numbers from minimum to maximum",),
    ),
    "an offer of texts and of numbers": (
        {"approvers": BOTH, "counterOffer": {"inputs": {"ttl": {**DAYS, "minimum": 1, "maximum": 2}}}},
        ("spec.approval.stages[0].counterOffer.inputs", "what may be offered is either values"),
    ),
    "stand-ins, perhaps": (
        {"approvers": BOTH, "delegation": "Maybe"},
        ("spec.approval.stages[0].delegation", 'supported values: "Allow", "Forbid"'),
    ),
    "nobody left to review": (
        {
            "approvers": {"users": ["ann@example.com"]},
            "breakGlass": {"users": ["ann@example.com"], "requester": "Forbid"},
        },
        ("breakGlass names the only approver, so nobody would be left",),
    ),
}


def applied(cluster: Cluster, who: str, manifest: make.Manifest) -> str:
    """Return what `kubectl apply` says of it; empty if it is taken."""
    answer = cluster.kubectl(who, "create", "--dry-run=server", "-f", "-", input=json.dumps(manifest), check=False)
    return answer.err if answer.code else ""


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_contradicts_itself_is_refused_with_field_and_remedy(cluster: Cluster, rule: str) -> None:
    stage, sentences = RULES[rule]
    manifest = make.action()
    manifest["spec"]["approval"] = {"stages": [{"name": "leads", **stage}]}
    said = applied(cluster, "admin", manifest)
    assert all(each in said for each in sentences), said or "it is taken"


def test_two_stages_of_one_name_are_refused(cluster: Cluster) -> None:
    manifest = make.action()
    manifest["spec"]["approval"] = {"stages": [{"name": "leads", "approvers": BOTH}] * 2}
    said = applied(cluster, "admin", manifest)
    assert "spec.approval.stages[1]: Duplicate value" in said and "leads" in said


LEAD = "lead-1@example.com"
YES = {"verdict": "Approve"}
LATER = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
SAID: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "a stand-in for nobody": (
        "lead-1",
        {"decisions": {LEAD: {**YES, "for": "nobody@example.com"}}},
        ("lead-1@example.com is no stand-in of nobody@example.com", "spec.delegations says who is"),
    ),
    "a stand-in without a name": (
        "lead-1",
        {"delegations": {LEAD: {"to": " ", "until": LATER}}},
        ("a stand-in needs a name: spec.delegations[you].to is blank",),
    ),
    "herself": (
        "lead-1",
        {"delegations": {LEAD: {"to": "Lead-1@Example.com", "until": LATER}}},
        ("you cannot stand in for yourself: name somebody else in spec.delegations[you].to",),
    ),
    "until yesterday": (
        "lead-1",
        {"delegations": {LEAD: {"to": "lead-2@example.com", "until": "2020-01-01T00:00:00Z"}}},
        ("until is over already: name a moment after now in spec.delegations[you].until",),
    ),
    "an offer outside of the form": (
        "lead-1",
        {"decisions": {LEAD: {"verdict": "Offer", "comment": "less", "proposal": {"ttl": "99d"}}}},
        ("a counter-offer names only inputs of spec.policy.counterOffer, and only values that it lists",),
    ),
    "an offer of another input": (
        "lead-1",
        {"decisions": {LEAD: {"verdict": "Offer", "comment": "less", "proposal": {"size": "3d"}}}},
        ("a counter-offer names only inputs of spec.policy.counterOffer",),
    ),
    "an offer without a proposal": (
        "lead-1",
        {"decisions": {LEAD: {"verdict": "Offer"}}},
        ("a proposal goes with the verdict Offer", "spec.decisions[you].proposal has the inputs that you offer"),
    ),
    "consent that nobody asked for": (
        "developer",
        {"consent": {"answer": "Accept", "by": "developer@example.com"}},
        ("nobody asked for consent: spec.policy.consent of this Approval is empty",),
    ),
    "sixty-five": (
        "lead-1",
        {"decisions": {f"user-{number}": YES for number in range(65)}},
        ("spec.decisions: Too many: 65: must have at most 64 items",),
    ),
}


@pytest.mark.parametrize("case", SAID)
def test_what_a_gate_does_not_take_is_said_to_who_sends_it(cluster: Cluster, namespace: str, case: str) -> None:
    who, sent, sentences = SAID[case]
    gate = make.approval(namespace, "gate")
    gate["spec"]["policy"] |= {"counterOffer": {"inputs": {"ttl": DAYS}}, "delegation": "Allow"}
    path = f"/apis/pratique.dev/v1alpha1/namespaces/{namespace}/approvals"
    assert cluster.callers["operator"].send("POST", path, gate).ok
    reply = cluster.callers[who].send(
        "PATCH", f"{path}/gate", {"spec": sent}, content_type="application/merge-patch+json"
    )
    assert not reply.ok and all(each in reply.message for each in sentences), reply.message or "it is taken"
