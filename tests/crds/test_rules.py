"""Every rule of the CRDs, against the real API server: a valid object, one change, the sentence that answers it."""

import json
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import DELETE, changed
from tests.support.cluster import Answer, Cluster

pytestmark = pytest.mark.cluster

LONG = "x" * 5000
STAGE = "spec.approval.stages.0"
REQUIRED = "Required value"

ACTION = [
    ({"spec": DELETE}, f"spec: {REQUIRED}"),
    ({"spec": None}, f"spec: {REQUIRED}"),
    ({"spec.title": DELETE}, f"spec.title: {REQUIRED}"),
    ({"spec.title": ""}, "spec.title in body should be at least 1 chars long"),
    ({"spec.title": "x" * 101}, "spec.title: Too long: may not be more than 100"),
    ({"spec.titel": "typo"}, 'unknown field "spec.titel"'),
    (
        {"spec.freeze": [{"from": "2027-01-02T00:00:00Z", "until": "2027-01-01T00:00:00Z"}]},
        "spec.freeze[0].until: Invalid value: a freeze ends after it has begun: set until to a later moment than from",
    ),
    ({"spec.freeze": [{"from": "tomorrow", "until": "2027-01-01T00:00:00Z"}]}, "must be of type date-time"),
    ({"spec.freeze": [{"from": "2027-01-01T00:00:00Z"}]}, f"spec.freeze[0].until: {REQUIRED}"),
    ({"spec.inputs.requireReason": "Sometimes"}, "spec.inputs.requireReason: Unsupported value"),
    (
        {"spec.inputs.rules": [{"rule": "true", "message": ""}]},
        "spec.inputs.rules[0].message in body should be at least",
    ),
    ({f"{STAGE}.name": "Platform"}, "the name of a stage begins with a lower-case letter"),
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
    ({f"{STAGE}.deadline": "1 day"}, "a duration is one whole number and one unit"),
    *(
        ({f"{STAGE}.escalation": [{"after": each} for each in steps]}, "escalation: each `after` must be longer than")
        for steps in (["8h", "4h"], ["60m", "1h"], ["0s"], ["24h"])
    ),
    ({f"{STAGE}.deadline": "9999w", f"{STAGE}.escalation": [{"after": "1h"}]}, "with escalation 3650d at most"),
    ({f"{STAGE}.escalation": [{"after": "soon"}]}, "a duration is one whole number and one unit"),
    ({f"{STAGE}.escalation": [{"after": f"{each + 1}h"} for each in range(9)]}, "must have at most 8 items"),
    ({f"{STAGE}.escalation": [{"after": "1h", "to": {}}]}, "leave `to` out for a reminder"),
    (
        {f"{STAGE}.escalation": [{"after": "1h", "to": {"groups": ["system:authenticated"]}}]},
        "`to.groups` of escalation must name people",
    ),
    (
        {f"{STAGE}.escalation": [{"after": "1h", "to": {"users": ["lead-1@example.com"]}}]},
        "escalation: `to` names somebody who is asked already",
    ),
    (
        {f"{STAGE}.escalation": [{"after": each, "to": {"groups": ["directors"]}} for each in ("1h", "2h")]},
        "escalation: `to` names somebody who is asked already",
    ),
    (
        {f"{STAGE}.mode": "All", f"{STAGE}.escalation": [{"after": "1h", "to": {"groups": ["directors"]}}]},
        "escalation: `to` cannot add people to mode: All",
    ),
    (
        {
            f"{STAGE}.alternatives": [{"approvers": {"groups": ["ops"]}}],
            f"{STAGE}.escalation": [{"after": "1h", "to": {"groups": ["directors"]}}],
        },
        "escalation: `to` cannot add people where there are alternatives",
    ),
    (
        {f"{STAGE}.escalation": [{"after": "1h", "to": {"users": ["a@b.c, d@e.f"]}}]},
        "escalation: each of users and groups is one name, without",
    ),
    *(
        ({f"{STAGE}.breakGlass": glass}, sentence)
        for glass, sentence in (
            ({"groups": ["sre"]}, "breakGlass needs requester: Forbid, or Allow if whoever asks"),
            ({"groups": ["sre"], "requester": "Maybe"}, "breakGlass.requester: Unsupported value"),
            ({"users": [], "requester": "Forbid"}, "breakGlass needs at least one user or group"),
            ({"groups": ["system:authenticated"], "requester": "Allow"}, "breakGlass.groups must name people"),
            ({"users": [" a"], "requester": "Allow"}, "breakGlass: each of users and groups is one name, without"),
            ({"users": [f"u{each}" for each in range(33)], "requester": "Allow"}, "must have at most 32 items"),
        )
    ),
    *(
        ({f"{STAGE}.counterOffer": {"inputs": inputs}}, sentence)
        for inputs, sentence in (
            ({}, "counterOffer.inputs names at least one input"),
            ({"ttl": {}}, "what may be offered is either values, a list of texts, or numbers"),
            ({"ttl": {"values": ["3d"], "maximum": 3}}, "what may be offered is either values, a list of texts"),
            (
                {"cpu": {"minimum": 4, "maximum": 2}},
                "what may be offered is either values, a list of texts, or numbers",
            ),
            ({"ttl": {"values": ["3d", "3d"]}}, "Duplicate value"),
        )
    ),
    (
        {f"{STAGE}.counterOffer": {"inputs": {"a": {"values": ["b"]}}, "consent": "No"}},
        "counterOffer.consent: Unsupported",
    ),
    (
        {
            f"{STAGE}.approvers": {"users": ["lead-1@example.com"]},
            f"{STAGE}.breakGlass": {"users": ["lead-1@example.com"], "requester": "Forbid"},
        },
        "breakGlass names the only approver, so nobody would be left",
    ),
    *(
        (
            {f"{STAGE}.approvers": {field: [name]}},
            "approvers: each of users and groups is one name, without",
        )
        for field in ("users", "groups")
        for name in (" ", "a@b.c ", "\u00a0a", "a@b.c, d@e.f", "a@b.c,d@e.f", "a; b", "a\u200bb", "a\nb")
    ),
    (
        {"spec.notifications": [{"channels": ["a"], "events": ["Failed"], "people": {"users": ["a@b.c "]}}]},
        "people of notifications: each of users and groups is one name",
    ),
    ({f"{STAGE}.comment": "Maybe"}, "spec.approval.stages[0].comment: Unsupported value"),
    ({"spec.execution.serviceAccountRef": DELETE}, f"spec.execution.serviceAccountRef: {REQUIRED}"),
    ({"spec.execution.serviceAccountRef.namespace": "A"}, "the name of a namespace has lower-case letters"),
    ({"spec.execution.resources": []}, "spec.execution.resources in body should have at least 1 items"),
    ({"spec.execution.resources.0.id": "9"}, "an id begins with a lower-case letter"),
    ({"spec.execution.resources.0.template": {"kind": "Job"}}, "template.apiVersion: Required value"),
    ({"spec.execution.resources.0.template": "text"}, "must be of type object"),
    (
        {"spec.notifications": [{"channels": ["a"], "events": ["Whenever"]}]},
        "spec.notifications[0].events[0]: Unsupported value",
    ),
]
RUN = [
    ({"spec": DELETE}, f"spec: {REQUIRED}"),
    ({"spec": None}, f"spec: {REQUIRED}"),
    ({"spec": "text"}, "spec in body must be of type object"),
    ({"spec.actionRef": DELETE}, f"spec.actionRef: {REQUIRED}"),
    ({"spec.actionRef": None}, "spec.actionRef"),
    ({"spec.actionRef.name": ""}, "spec.actionRef.name in body should be at least 1"),
    ({"spec.inputs": ["a"]}, "spec.inputs in body must be of type object"),
    ({"spec.reason": "x" * 1025}, "spec.reason: Too long: may not be more than 1024"),
    ({"spec.input": {}}, 'unknown field "spec.input"'),
    ({"metadata.name": "x" * 201}, "the name of an ActionRun may have 200 characters at most"),
]
NO_KEY, NO_UNIT = "which limits nothing", "which is less than a megabyte: give a unit, such as 512Mi or 8Gi"
ABOVE = "a container that sets nothing would not be let in"
QUOTAS = [
    *(
        ({key: "2"}, f"quota has the key {key}, {NO_KEY}: did you mean {meant}?")
        for key, meant in (
            ("request.cpu", "requests.cpu"),
            ("cpus", "cpu"),
            ("Requests.CPU", "requests.cpu"),
            ("requestsMemory", "requests.memory"),
            ("limits.ram", "limits.memory"),
            ("limit_cpu", "limits.cpu"),
            ("mem", "memory"),
            ("cores", "cpu"),
            ("storage", "requests.storage"),
            ("pod", "pods"),
            ("pvc", "persistentvolumeclaims"),
        )
    ),
    *(
        ({key: "2"}, f"quota has the key {key}, {NO_KEY}: extended resources are written requests.DOMAIN/NAME")
        for key in ("nvidia.com/gpu", "count/deployments", "count/deployment.apps", "count/pod", "cpu/requests")
    ),
    ({"gpu": "1"}, f"quota has the key gpu, {NO_KEY}: there are cpu, memory, ephemeral-storage, requests.cpu"),
    ({"": "1"}, f"quota has the key , {NO_KEY}: there are"),
    ({"requests.cpu": "lots"}, "quota: requests.cpu is lots, which is no quantity: write it as 500m, 4 or 8Gi"),
    ({"requests.cpu": " 4"}, "which is no quantity"),
    ({"requests.cpu": "-500m"}, "quota: requests.cpu is -500m: it must not be negative"),
    ({"pods": "-1"}, "quota: pods is -1: it must not be negative"),
    ({"pods": "1.5"}, "quota: pods is 1.5: these are counted, so it must be a whole number"),
    ({"count/jobs.batch": "500m"}, "these are counted"),
    ({"requests.nvidia.com/gpu": "0.5"}, "these are counted"),
    ({"requests.memory": "1e999"}, "quota: requests.memory is 1e999: that is more than Kubernetes can count"),
    ({"pods": "9999999999999999999"}, "that is more than Kubernetes can count"),
    ({"requests.memory": "512m"}, f"quota: requests.memory is 512m, {NO_UNIT}"),
    ({"requests.storage": "100"}, f"quota: requests.storage is 100, {NO_UNIT}"),
]
LIMITS = [
    ({"default": {"ram": "1Gi"}}, f"default has the key ram, {NO_KEY}: did you mean memory?"),
    ({"max": {"pods": "1"}}, f"max has the key pods, {NO_KEY}: there are cpu, memory, ephemeral-storage"),
    ({"defaultRequest": {"requests.cpu": "1"}}, f"defaultRequest has the key requests.cpu, {NO_KEY}"),
    ({"default": {"cpu": "x"}, "max": {"cpu": "1"}}, "default: cpu is x, which is no quantity"),
    ({"defaultRequest": {"cpu": "-1"}}, "defaultRequest: cpu is -1: it must not be negative"),
    ({"default": {"memory": "128m"}}, f"default: memory is 128m, {NO_UNIT}"),
    ({"default": {"nvidia.com/gpu": "0.5"}}, "default: nvidia.com/gpu is 0.5: these are counted"),
    (
        {"default": {"cpu": "100m"}, "defaultRequest": {"cpu": "500m"}},
        "defaultRequest of cpu is 500m, above default, 100m: a container asks for no more than its limit",
    ),
    ({"default": {"memory": "2Gi"}, "max": {"memory": "1Gi"}}, "default of memory is 2Gi, above max, 1Gi"),
    ({"defaultRequest": {"memory": "1Gi"}, "max": {"memory": "1000Mi"}}, "defaultRequest of memory is 1Gi, above max"),
    ({"defaultRequest": {"cpu": "5"}}, f"limits.defaultRequest of cpu is 5, above the quota of requests.cpu: {ABOVE}"),
]
SOUND = [
    {"requests.cpu": "0.5", "limits.memory": "1.5Gi", "pods": "0", "services": "1k", "secrets": "1e3"},
    {"requests.nvidia.com/gpu": "2", "count/deployments.apps": "3", "count/secrets": "3", "hugepages-2Mi": "64Mi"},
    {"gold.storageclass.storage.k8s.io/requests.storage": "5Gi", "count/widgets.example.com": "1", "memory": "0"},
    {"requests.cpu": "0.3", "requests.memory": "0.3Gi", "requests.ephemeral-storage": "1e9"},
]
ENVIRONMENT = [
    ({"spec.ttl": DELETE}, f"spec.ttl: {REQUIRED}"),
    ({"spec.ttl": "0s"}, "ttl must be longer than 0s"),
    ({"spec.ttl": "03d"}, "a duration is one whole number and one unit"),
    ({"spec.ttl": "15d"}, "ttl is longer than maxTTL allows"),
    ({"spec.ttl": "337h"}, "ttl is longer than maxTTL allows"),
    ({"spec.ttl": "20161m"}, "ttl is longer than maxTTL allows"),
    ({"spec.ttl": "1209601s"}, "ttl is longer than maxTTL allows"),
    ({"spec.target.namespace.name": "kube-public"}, "name must not be default, pratique-system or start with kube-"),
    ({"spec.target.namespace.name": "default"}, "name must not be default, pratique-system or start with kube-"),
    (
        {"spec.target.namespace.labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
        "labels of kubernetes.io, k8s.io and pratique.dev are not free to set",
    ),
    ({"spec.target.access": [{"user": "a", "group": "b"}]}, "give either user or group"),
    ({"spec.target.access": [{"role": "edit"}]}, "give either user or group"),
    *(
        (
            {"spec.target.access": [{"user": user}]},
            "users of the system cannot be given access, but for a ServiceAccount",
        )
        for user in ("system:anonymous", "system:node:a", "system:serviceaccount:ci", "system:serviceaccount:a:b:c")
    ),
    ({"spec.target.access": [{"group": "system:authenticated"}]}, "groups of the system cannot be given access"),
    ({"spec.target.access": [{"user": "a", "role": "cluster-admin"}]}, "role: Unsupported value"),
    *(({"spec.target.quota": quota}, sentence) for quota, sentence in QUOTAS),
    *(({"spec.target.limits": limits}, sentence) for limits, sentence in LIMITS),
    ({"spec.target.access": [{"user": "a"}, {"user": "a"}]}, "access names somebody twice with the same role"),
    ({"spec.target.access": [{"group": "a"}, {"group": "a", "role": "edit"}]}, "access names somebody twice"),
    ({"spec/target/namespace/labels": {"a b": "c"}}, "labels: a b or its value is no label"),
    ({"spec/target/namespace/labels": {"team": "-c"}}, "labels: team or its value is no label"),
    ({"spec.target.isolation": "Leaky"}, "spec.target.isolation: Unsupported value"),
    ({"spec.target.podSecurity": "none"}, "spec.target.podSecurity: Unsupported value"),
    ({"spec.warnings": ["1h"] * 6}, "spec.warnings: Too many: 6: must have at most 5 items"),
]
REF = {"name": "a", "key": "b"}
ONE_TYPE = "a channel has exactly one of slack, msteams, webhook, apprise, email"
CHANNEL = [
    ({"spec": {}}, ONE_TYPE),
    ({"spec.webhook": {"urlSecretRef": REF}}, ONE_TYPE),
    (
        {"spec.slack.webhookUrlSecretRef.namespace": "kube-system"},
        'unknown field "spec.slack.webhookUrlSecretRef.namespace"',
    ),
    ({"spec.slack.webhookUrlSecretRef.key": "a b"}, "a key of a Secret has letters, digits"),
    ({"spec.slack": {}}, "slack has exactly one of webhookUrlSecretRef and bot"),
    ({"spec.slack.bot": {"tokenSecretRef": REF}}, "slack has exactly one of webhookUrlSecretRef and bot"),
    ({"spec.slack": {"bot": {}}}, f"spec.slack.bot.tokenSecretRef: {REQUIRED}"),
    ({"spec.slack": {"bot": {"tokenSecretRef": REF, "token": "xoxb-1"}}}, 'unknown field "spec.slack.bot.token"'),
    *(
        (
            {"spec.slack": {"bot": {"tokenSecretRef": REF, "channel": channel}}},
            "channel must be the id of a channel, such as C0123ABCD, or its name, such as #approvals",
        )
        for channel in (
            "approvals",
            "U0123ABCD",
            "D0123ABCD",
            "c0123abcd",
            "#",
            "#Approvals",
            "#a b",
            "#a\n",
            "<!channel>",
        )
    ),
    ({"spec.slack": {"bot": {"tokenSecretRef": REF, "channel": "#" + "x" * 81}}}, "channel: Too long"),
    *(
        (
            {"spec.slack": {"bot": {"tokenSecretRef": REF, "apiUrl": url}}},
            "apiUrl must be https://, a host and a path, such as https://slack.com/api/: the token is sent there",
        )
        for url in (
            "http://slack.com/api/",
            "http://127.0.0.1.example.com/",
            "ftp://slack.com/api/",
            "https:///api/",
            "https://user:password@slack.com/api/",
            "https://slack.com/api/?token=x",
            "https://slack.com/api/#x",
            "https://slack.com/a b/",
            "https://slack.com//",
            "https://slack.com/api/\n",
        )
    ),
    ({"spec.msteams": {"workflowUrlSecretRef": REF}}, ONE_TYPE),
    ({"spec.apprise": {"urlSecretRef": REF}}, ONE_TYPE),
    ({"spec": {"apprise": {"urlSecretRef": REF, "url": "json://x"}}}, 'unknown field "spec.apprise.url"'),
    ({"spec": {"msteams": {}}}, f"spec.msteams.workflowUrlSecretRef: {REQUIRED}"),
    ({"spec": {"webhook": {"urlSecretRef": REF, "mode": "Batch"}}}, "spec.webhook.mode: Unsupported value"),
    ({"spec": {"webhook": {"urlSecretRef": REF, "signing": {}}}}, f"spec.webhook.signing.secretRef: {REQUIRED}"),
]
APPROVAL = [
    ({"spec.policy.deadline": DELETE}, "a gate needs spec.policy.deadline"),
    ({"spec.policy.deadline": "tomorrow"}, "must be of type date-time"),
    ({"spec.consent": {"answer": "Accept", "by": "a"}}, "nobody asked for consent"),
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


# Only the operator may open an Approval; everything else the admin tries, who may do all the rest.
AUTHOR = {"approval": "operator"}
EACH_KIND = pytest.mark.parametrize("kind", ["action", "run", "environment", "channel", "approval"])


def base_of(kind: str, namespace: str = "default") -> make.Manifest:
    match kind:
        case "action":
            return make.action()
        case "channel":
            return make.channel()
        case "run":
            return make.run("load-test", namespace, reason="Load test")
        case "environment":
            return make.environment(namespace)
        case _:
            return make.approval(namespace)


def send(cluster: Cluster, kind: str, manifest: make.Manifest, *options: str, check: bool = True) -> Answer:
    args = ("create", "--dry-run=server", "-f", "-", *options)
    return cluster.kubectl(AUTHOR.get(kind, "admin"), *args, input=json.dumps(manifest), check=check)


def _title(value: object) -> str | None:
    return ",".join(value)[:60] if isinstance(value, dict) else str(value)[:40].replace(" ", "-")


@pytest.mark.parametrize(("kind", "changes", "sentence"), TABLE, ids=_title)
def test_a_broken_object_is_refused_with_its_sentence(
    cluster: Cluster, kind: str, changes: dict[str, Any], sentence: str
) -> None:
    answer = send(cluster, kind, changed(base_of(kind), changes), check=False)
    assert answer.code != 0
    assert sentence in answer.err


@EACH_KIND
def test_the_object_that_the_table_starts_from_is_accepted(cluster: Cluster, kind: str) -> None:
    assert "created (server dry run)" in send(cluster, kind, base_of(kind)).out


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
def test_what_is_frozen_stays(
    cluster: Cluster, namespace: str, kind: str, changes: dict[str, Any], sentence: str
) -> None:
    base = base_of(kind, namespace)
    cluster.apply("admin", base)
    replaced = json.dumps(changed(base, changes))
    answer = cluster.kubectl("admin", "replace", "--dry-run=server", "-f", "-", input=replaced, check=False)
    assert answer.code != 0
    assert sentence in answer.err


@pytest.mark.parametrize("level", ["spec", "spec.actionRef", "spec.inputs", "spec.requestedBy"])
def test_null_undoes_no_level_of_a_run(cluster: Cluster, namespace: str, level: str) -> None:
    base = base_of("run", namespace)
    cluster.apply("admin", base)
    patch: Any = None
    for part in reversed(level.split(".")):
        patch = {part: patch}
    target = ("actionrun", base["metadata"]["name"], "-n", namespace)
    before = cluster.kubectl("admin", "get", *target, "-o", "jsonpath={.spec}").out
    cluster.kubectl("admin", "patch", *target, "--type=merge", "-p", json.dumps(patch), check=False)
    assert cluster.kubectl("admin", "get", *target, "-o", "jsonpath={.spec}").out == before


@pytest.mark.parametrize("quota", SOUND)
def test_a_quota_that_kubernetes_can_keep_is_taken(cluster: Cluster, quota: dict[str, str]) -> None:
    assert send(cluster, "environment", changed(base_of("environment"), {"spec.target.quota": quota})).code == 0


def test_an_environment_is_extended_up_to_its_limit_in_any_unit(cluster: Cluster, namespace: str) -> None:
    base = make.environment(namespace)
    cluster.apply("admin", base)
    for ttl in ("2w", "14d", "336h", "20160m", "1209600s"):
        assert "configured" in cluster.apply("admin", changed(base, {"spec.ttl": ttl})).out


@EACH_KIND
def test_an_untouched_object_says_what_it_waits_for(cluster: Cluster, kind: str) -> None:
    shown = send(cluster, kind, base_of(kind), "-o", "json").json["status"]["conditions"]
    assert shown
    expected = "Waiting for a decision" if kind == "approval" else "Waiting for the operator"
    assert all(each["message"].startswith(expected) for each in shown)


def test_explain_knows_every_kind(cluster: Cluster) -> None:
    for kind, sentence in (
        ("actionrun.spec", "the only field that may change"),
        ("approval.spec.decisions", "the API server adds"),
        ("environment.spec.ttl", "raising it extends it"),
        ("action.spec.approval.stages", "How many people must approve"),
        ("notificationchannel.spec", "Slack, by an incoming webhook or a bot"),
    ):
        text = " ".join(cluster.kubectl("developer", "explain", kind).out.split())
        assert sentence in text
