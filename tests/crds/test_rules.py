"""Every rule of the CRDs, against the real API server: a valid object, one change, the sentence that answers it."""

import json
from typing import Any

import pytest
from tests.support import manifests as make
from tests.support.install import apply, create, stream
from tests.support.manifests import DELETE, changed

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("installed")]

LONG = "x" * 5000
STAGE = "spec.approval.stages.0"
REQUIRED = "Required value"

ACTION = [
    ({"spec": DELETE}, f"spec: {REQUIRED}"),
    ({"spec": None}, "spec: Invalid value: null"),
    ({"spec.title": DELETE}, f"spec.title: {REQUIRED}"),
    ({"spec.title": ""}, "spec.title in body should be at least 1 chars long"),
    ({"spec.title": "x" * 101}, "spec.title: Too long: may not be more than 100"),
    ({"spec.titel": "typo"}, 'unknown field "spec.titel"'),
    ({"spec.inputs.requireReason": "Sometimes"}, "spec.inputs.requireReason: Unsupported value"),
    (
        {"spec.inputs.rules": [{"rule": "true", "message": ""}]},
        "spec.inputs.rules[0].message in body should be at least",
    ),
    ({f"{STAGE}.name": "Platform"}, "spec.approval.stages[0].name in body should match"),
    ({f"{STAGE}.when": ""}, "spec.approval.stages[0].when in body should be at least 1"),
    ({f"{STAGE}.when": LONG}, "spec.approval.stages[0].when: Too long"),
    ({f"{STAGE}.required": 0}, "spec.approval.stages[0].required in body should be greater than or equal to 1"),
    ({f"{STAGE}.required": 2}, "required is larger than the number of users in approvers.users"),
    ({f"{STAGE}.approvers": {}}, "approvers needs at least one user or group"),
    ({f"{STAGE}.approvers": {"users": []}}, "approvers needs at least one user or group"),
    ({f"{STAGE}.approvers": {"groups": ["system:authenticated"]}}, "approvers.groups must name people"),
    ({f"{STAGE}.approvers": {"groups": ["system:serviceaccounts:ci"]}}, "approvers.groups must name people"),
    ({f"{STAGE}.approvers": {"users": ["a", "a"]}}, "Duplicate value"),
    ({f"{STAGE}.approvers": {"users": [""]}}, "users[0] in body should be at least 1"),
    ({f"{STAGE}.deadline": "0s"}, "deadline must be longer than 0s"),
    ({f"{STAGE}.deadline": "1 day"}, "spec.approval.stages[0].deadline in body should match"),
    ({f"{STAGE}.comment": "Maybe"}, "spec.approval.stages[0].comment: Unsupported value"),
    ({"spec.execution.serviceAccountRef": DELETE}, f"spec.execution.serviceAccountRef: {REQUIRED}"),
    ({"spec.execution.serviceAccountRef.namespace": "A"}, "serviceAccountRef.namespace in body should match"),
    ({"spec.execution.resources": []}, "spec.execution.resources in body should have at least 1 items"),
    ({"spec.execution.resources.0.id": "9"}, "spec.execution.resources[0].id in body should match"),
    ({"spec.execution.resources.0.template": {"kind": "Job"}}, "template.apiVersion: Required value"),
    ({"spec.execution.resources.0.template": "text"}, "must be of type object"),
    (
        {"spec.notifications": [{"channels": ["a"], "on": ["Whenever"]}]},
        "spec.notifications[0].on[0]: Unsupported value",
    ),
]
RUN = [
    ({"spec": DELETE}, f"spec: {REQUIRED}"),
    ({"spec": None}, "spec: Invalid value: null"),
    ({"spec": "text"}, "spec in body must be of type object"),
    ({"spec.actionRef": DELETE}, f"spec.actionRef: {REQUIRED}"),
    ({"spec.actionRef": None}, "spec.actionRef"),
    ({"spec.actionRef.name": ""}, "spec.actionRef.name in body should be at least 1"),
    ({"spec.inputs": ["a"]}, "spec.inputs in body must be of type object"),
    ({"spec.reason": "x" * 1025}, "spec.reason: Too long: may not be more than 1024"),
    ({"spec.input": {}}, 'unknown field "spec.input"'),
    ({"spec.requestedBy": None}, "spec.requestedBy"),
    ({"metadata.name": "x" * 201}, "the name of an ActionRun may have 200 characters at most"),
]
ENVIRONMENT = [
    ({"spec.ttl": DELETE}, f"spec.ttl: {REQUIRED}"),
    ({"spec.ttl": "0s"}, "ttl must be longer than 0s"),
    ({"spec.ttl": "03d"}, "spec.ttl in body should match"),
    ({"spec.ttl": "15d"}, "ttl is longer than maxTTL allows"),
    ({"spec.ttl": "337h"}, "ttl is longer than maxTTL allows"),
    ({"spec.ttl": "20161m"}, "ttl is longer than maxTTL allows"),
    ({"spec.ttl": "1209601s"}, "ttl is longer than maxTTL allows"),
    ({"spec.target.namespace.name": "kube-public"}, "name must not be default, pratique-system or start with kube-"),
    ({"spec.target.namespace.name": "default"}, "name must not be default, pratique-system or start with kube-"),
    ({"spec/target/namespace/labels/a.kubernetes.io": "x"}, ""),
    ({"spec.target.access": [{"user": "a", "group": "b"}]}, "give either user or group"),
    ({"spec.target.access": [{"role": "edit"}]}, "give either user or group"),
    ({"spec.target.access": [{"group": "system:authenticated"}]}, "groups of the system cannot be given access"),
    ({"spec.target.access": [{"user": "a", "role": "cluster-admin"}]}, "role: Unsupported value"),
    ({"spec.target.quota": {"requests.cpu": "lots"}}, "should match"),
    ({"spec.target.isolation": "Leaky"}, "spec.target.isolation: Unsupported value"),
    ({"spec.target.podSecurity": "none"}, "spec.target.podSecurity: Unsupported value"),
    ({"spec.warnings": ["1h"] * 6}, "spec.warnings: Too many: 6: must have at most 5 items"),
]
ENVIRONMENT[9] = (
    {"spec.target.namespace.labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
    "labels of kubernetes.io, k8s.io and pratique.dev are not free to set",
)
CHANNEL = [
    ({"spec": {}}, "a channel has exactly one of slack, webhook"),
    ({"spec.webhook": {"urlSecretRef": {"name": "a", "key": "b"}}}, "a channel has exactly one of slack, webhook"),
    (
        {"spec.slack.webhookUrlSecretRef.namespace": "kube-system"},
        'unknown field "spec.slack.webhookUrlSecretRef.namespace"',
    ),
    ({"spec.slack.webhookUrlSecretRef.key": "a b"}, "webhookUrlSecretRef.key in body should match"),
]
APPROVAL = [
    ({"spec.policy.deadline": DELETE}, f"spec.policy.deadline: {REQUIRED}"),
    ({"spec.policy.deadline": "tomorrow"}, "must be of type date-time"),
    ({"spec.policy.approvers": {}}, "approvers needs at least one user or group"),
    ({"spec.subject.kind": "Pod"}, "spec.subject.kind: Unsupported value"),
    ({"spec.decisions": {"a": {"verdict": "Perhaps"}}}, "verdict: Unsupported value"),
    ({"spec.decisions": {"a": {"verdict": "Decline"}}}, "this decision needs a comment"),
    ({"spec.decisions": {"a": {"verdict": "Decline", "comment": " "}}}, "this decision needs a comment"),
    (
        {"spec.decisions": {"a" * 254: {"verdict": "Approve"}}},
        "a user name in decisions may have 253 characters at most",
    ),
]
TABLE = [
    *(("action", *case) for case in ACTION),
    *(("run", *case) for case in RUN),
    *(("environment", *case) for case in ENVIRONMENT),
    *(("channel", *case) for case in CHANNEL),
    *(("approval", *case) for case in APPROVAL),
]


def _base(kind: str, namespace: str = "default") -> dict[str, Any]:
    builder = getattr(make, kind)
    return builder() if kind in ("action", "channel") else builder(namespace)


def _title(value: object) -> str | None:
    return ",".join(value)[:60] if isinstance(value, dict) else str(value)[:40].replace(" ", "-")


@pytest.mark.parametrize(("kind", "changes", "sentence"), TABLE, ids=_title)
def test_a_broken_object_is_refused_with_its_sentence(
    kubectl: Any, kind: str, changes: dict[str, Any], sentence: str
) -> None:
    answer = create(kubectl, "operator", changed(_base(kind), changes), "--dry-run=server", check=False)
    if kind != "approval":
        answer = create(kubectl, "admin", changed(_base(kind), changes), "--dry-run=server", check=False)
    assert answer.returncode != 0
    assert sentence in answer.stderr


@pytest.mark.parametrize("kind", ["action", "run", "environment", "channel", "approval"])
def test_the_object_that_the_table_starts_from_is_accepted(kubectl: Any, kind: str) -> None:
    answer = create(kubectl, "operator" if kind == "approval" else "admin", _base(kind), "--dry-run=server")
    assert "created (server dry run)" in answer.stdout


FROZEN = [
    ("run", {"spec.actionRef.name": "another"}, "actionRef cannot be changed"),
    ("run", {"spec.reason": "another"}, "reason cannot be changed"),
    ("environment", {"spec.target.namespace.name": "another"}, "target cannot be changed"),
    ("environment", {"spec.target.isolation": "Open"}, "target cannot be changed"),
    ("environment", {"spec.maxTTL": "4w"}, "maxTTL cannot be changed"),
    ("environment", {"spec.maxTTL": DELETE}, "maxTTL cannot be changed"),
    ("environment", {"spec.requestedBy": "mallory@example.com"}, "requestedBy cannot be changed"),
    ("environment", {"spec.requestedBy": DELETE}, "requestedBy cannot be changed"),
]


@pytest.mark.parametrize(("kind", "changes", "sentence"), FROZEN, ids=_title)
def test_what_is_frozen_stays(kubectl: Any, namespace: str, kind: str, changes: dict[str, Any], sentence: str) -> None:
    base = _base(kind, namespace)
    apply(kubectl, "admin", base)
    replaced = stream(changed(base, changes))
    answer = kubectl("admin", "replace", "--dry-run=server", "-f", "-", input=replaced, check=False)
    assert answer.returncode != 0
    assert sentence in answer.stderr


@pytest.mark.parametrize("level", ["spec", "spec.actionRef", "spec.inputs", "spec.requestedBy"])
def test_null_undoes_no_level_of_a_run(kubectl: Any, namespace: str, level: str) -> None:
    base = make.run(namespace)
    apply(kubectl, "admin", base)
    patch: Any = None
    for part in reversed(level.split(".")):
        patch = {part: patch}
    target = ("actionrun", base["metadata"]["name"], "-n", namespace)
    before = kubectl("admin", "get", *target, "-o", "jsonpath={.spec}").stdout
    kubectl("admin", "patch", *target, "--type=merge", "-p", _json(patch), check=False)
    assert kubectl("admin", "get", *target, "-o", "jsonpath={.spec}").stdout == before


def _json(patch: Any) -> str:
    return json.dumps(patch)


def test_an_extended_environment_is_accepted_up_to_its_limit(kubectl: Any, namespace: str) -> None:
    base = make.environment(namespace)
    apply(kubectl, "admin", base)
    for ttl in ("2w", "14d", "336h", "20160m", "1209600s"):
        answer = apply(kubectl, "admin", changed(base, {"spec.ttl": ttl}))
        assert "serverside-applied" in answer.stdout


@pytest.mark.parametrize("kind", ["action", "run", "environment", "channel", "approval"])
def test_an_untouched_object_says_that_it_waits_for_the_operator(kubectl: Any, kind: str) -> None:
    shown = create(
        kubectl,
        "operator" if kind == "approval" else "admin",
        _base(kind),
        "--dry-run=server",
        "-o",
        "jsonpath={.status.conditions[*].reason} {.status.conditions[*].message}",
    ).stdout
    assert "Pending" in shown
    assert "Waiting for the operator" in shown
