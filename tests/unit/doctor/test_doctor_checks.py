"""What the doctor says of an installation: for each fault its finding and the remedy, and nothing of one that is sound."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders.models import NOW

from pratique.doctor.checks import CHECKS, check
from pratique.doctor.command import lines
from pratique.doctor.facts import Facts, Leader, Standing
from pratique.doctor.findings import Finding, Level

POLICY = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "pratique-decision"},
    "spec": {"failurePolicy": "Fail"},
}
HEALTH = "resource.customizations.health.pratique.dev_*"
WEAK = {**POLICY, "spec": {"failurePolicy": "Ignore"}}


def deployment(ready: int = 2, wanted: int = 2, version: str = "0.2.0") -> dict[str, Any]:
    labels = {"app.kubernetes.io/version": version}
    return {
        "metadata": {"name": "pratique", "labels": labels},
        "spec": {"replicas": wanted},
        "status": {"readyReplicas": ready},
    }


def stands(
    name: str = "platform", kind: str = "channel", ready: str = "True", message: str = "", *, seen: bool = True
) -> Standing:
    return Standing(kind, name, ready, message, seen)


def hook(name: str = "istio", **changes: Any) -> dict[str, Any]:
    rule = {"apiGroups": ["*"], "resources": ["*"], "operations": ["*"]}
    return {"metadata": {"name": name}, "webhooks": [{"name": "inject.example.com", "rules": [rule], **changes}]}


def policy(labels: dict[str, str] | None = None) -> dict[str, Any]:
    rules = {"matchConstraints": {"resourceRules": [{"apiGroups": ["pratique.dev"], "resources": ["*"]}]}}
    return {"metadata": {"name": "theirs", "labels": labels or {}}, "spec": rules}


SOUND = Facts(
    namespace="pratique-system",
    server="v1.36.3",
    version="0.2.0",
    now=NOW,
    deployments=(deployment(),),
    leader=Leader("pratique-0", NOW - timedelta(seconds=2), 15),
    guards=((POLICY, POLICY),),
    record={"ValidatingAdmissionPolicy.pratique-decision": "u generation 1"},
    standings=(stands(), stands("create-environment", "action")),
    webhooks=(hook("pratique-stamps"), hook(rules=[{"apiGroups": ["apps"], "resources": ["deployments"]}])),
    argo_cd=({"metadata": {"name": "argocd-cm", "namespace": "argocd"}, "data": {HEALTH: "return {}"}},),
    policies=(policy({"app.kubernetes.io/part-of": "pratique"}),),
)


def worst(facts: Facts) -> list[Finding]:
    return [each for each in check(facts) if each.level is not Level.OK]


def test_nothing_is_said_against_a_sound_one() -> None:
    found = check(SOUND)
    assert {each.level for each in found} == {Level.OK}
    assert len(found) == len(CHECKS) and not any(each.remedy for each in found)


@pytest.mark.parametrize(
    ("changes", "level", "about", "text"),
    [
        ({"server": "v1.29.4"}, "problem", "API server", "v1.29.4 has no admission policies that can guard"),
        ({"server": "?"}, "problem", "API server", "? has no admission policies"),
        ({"webhook_stamps": True}, "warning", "API server", "v1.36.3 could stamp requests by itself; a webhook does"),
        ({"deployments": (deployment(version="0.1.0"),)}, "warning", "version", "the operator is of version 0.1.0"),
        ({"deployments": (deployment(0),)}, "problem", "replicas", "0 of 2 are ready"),
        ({"deployments": (deployment(1),)}, "warning", "replicas", "1 of 2 are ready"),
        ({"deployments": (deployment(1, 1),)}, "warning", "replicas", "one replica"),
        ({"leader": None}, "problem", "leader", "no process leads"),
        ({"leader": Leader("", NOW, 15)}, "problem", "leader", "no process leads"),
        ({"leader": Leader("p-0", None, 15)}, "problem", "leader", "no process leads"),
        (
            {"leader": Leader("p-0", NOW - timedelta(minutes=4), 15)},
            "problem",
            "leader",
            "p-0 has led and is silent for 240",
        ),
        ({"guards": ((POLICY, None),)}, "problem", "guard", "ValidatingAdmissionPolicy pratique-decision is missing"),
        (
            {"guards": ((POLICY, WEAK),)},
            "problem",
            "guard",
            "spec.failurePolicy",
        ),
        ({"record": {"gap": "since 10:00: a policy is missing"}}, "problem", "guard", "had a gap: since 10:00"),
        ({"record": {}}, "warning", "guard", "no record of the guard yet"),
        (
            {"denied": ("list approvals", "create approvals")},
            "problem",
            "rights",
            "may not: list approvals, create appr",
        ),
        (
            {"webhooks": (hook(),)},
            "warning",
            "others",
            "MutatingWebhookConfiguration istio: webhook inject.example.com",
        ),
        ({"policies": (policy(),)}, "warning", "others", "MutatingAdmissionPolicy theirs: it may change"),
        ({"standings": ()}, "warning", "channels", "there is no NotificationChannel"),
        ({"standings": (stands(ready="False", message="no Secret x"),)}, "problem", "channel platform", "no Secret x"),
        ({"standings": (stands(ready="Unknown", message="hm"),)}, "warning", "channel platform", "hm"),
        ({"standings": (stands(seen=False),)}, "warning", "channel platform", "has not seen its latest change"),
        ({"standings": (stands(), stands("a", "action", ""))}, "warning", "action a", "has not seen its latest change"),
    ],
)
def test_each_fault_has_its_finding_and_a_remedy(changes: dict[str, Any], level: str, about: str, text: str) -> None:
    found = worst(replace(SOUND, **changes))
    assert [(each.level.value, each.about) for each in found] == [(level, about)]
    assert text in found[0].text and found[0].remedy


def test_who_leaves_our_group_out_is_no_danger() -> None:
    condition = [{"name": "not-ours", "expression": "request.resource.group != 'pratique.dev'"}]
    assert worst(replace(SOUND, webhooks=(hook(matchConditions=condition),))) == []


def test_where_no_deployment_is_seen_nothing_is_said_of_it() -> None:
    assert {each.about for each in check(replace(SOUND, deployments=()))} & {"version", "replicas"} == set()


def test_a_webhook_that_stamps_on_an_older_cluster_is_right() -> None:
    assert worst(replace(SOUND, server="v1.33.2", webhook_stamps=True)) == []


def test_what_could_not_be_read_is_said_once_and_not_judged() -> None:
    unseen = (("leader", "HTTP 403"), ("leader", "HTTP 403"), ("guard", "x"))
    found = worst(replace(SOUND, leader=None, guards=(), unseen=unseen))
    assert [(each.level.value, each.about) for each in found] == [("unknown", "leader"), ("unknown", "guard")]


def test_the_worst_stands_first_with_what_to_do() -> None:
    found = check(
        replace(SOUND, leader=None, standings=(stands(ready="Unknown", message="hm"), stands("b", ready="Unknown")))
    )
    shown = lines(found, 104)
    assert shown[0].startswith("problem   leader: no process leads")
    assert shown[1].strip().startswith("do:  start the operator, or look why it does not lead: kubectl get pods")
    assert shown[-1] == "1 problem, 2 warnings, 7 ok"
