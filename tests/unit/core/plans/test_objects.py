"""What a run makes must be an object, and carries the marks that lead back to its run."""

from typing import Any

import pytest
from tests.builders.models import RUN_UID, run

from pratique.core.kernel.errors import EvaluationError
from pratique.core.plans.objects import HIDDEN, LAST_APPLIED, as_target, finished_manifest, forbidden, without_secrets

MARKS = {"labels": {"pratique.dev/run-uid": RUN_UID}, "annotations": {"pratique.dev/run": "team-a/ten-days"}}


ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}


def made(**changes: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **changes}


def finish(rendered: dict[str, Any], *, patch: bool = False) -> dict[str, Any]:
    return finished_manifest(rendered, run(), "t", patch=patch)


def test_what_is_created_is_marked_and_what_is_changed_is_not() -> None:
    assert finish(made(data={"k": "v"})) == made(metadata={"name": "a", **MARKS}, data={"k": "v"})
    assert finish(made(data={"k": "v"}), patch=True) == made(data={"k": "v"})


def test_marks_are_added_to_what_is_there() -> None:
    metadata = {"name": "a", "namespace": "n", "labels": {"a": "b"}, "annotations": {"example.com/c": "d"}}
    assert finish(made(metadata=metadata))["metadata"] == {
        "name": "a",
        "namespace": "n",
        "labels": {"a": "b", **MARKS["labels"]},
        "annotations": {"example.com/c": "d", **MARKS["annotations"]},
    }


@pytest.mark.parametrize(
    "allowed",
    [
        {"kind": "Secret"},
        {"kind": "Secret", "data": {}},
        {"apiVersion": "pratique.dev/v1alpha1", "kind": "Environment"},
        {"metadata": {"name": "a", "labels": {"pratique.dev": "no prefix", "app.kubernetes.io/name": "x"}}},
    ],
)
def test_what_is_allowed_although_it_looks_like_what_is_not(allowed: dict[str, Any]) -> None:
    assert finish(made(**allowed), patch=True) == made(**allowed)
    assert list(forbidden(made(**allowed), "t")) == []


@pytest.mark.parametrize("name", ["a", "oidc:lead-1@example.com", "A_b", "system:node:x", "a..b", "a+b", "a" * 253])
def test_people_are_named_in_bindings(name: str) -> None:
    assert finish(made(**ROLE, metadata={"name": name}))["metadata"]["name"] == name


@pytest.mark.parametrize("name", ["a", "a-b.c", "system:node", "0", "a" * 253])
def test_names_that_kubernetes_takes(name: str) -> None:
    assert finish(made(metadata={"name": name}))["metadata"]["name"] == name


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kind": "Secret", "data": {"k": "dg=="}}, "t: a plan is stored and shown to approvers, so it must not hold"),
        ({"kind": "Secret", "stringData": {"k": "v"}}, "t: a plan is stored and shown"),
        ({"kind": "Secret", "data": None}, "t: a plan is stored and shown"),
        ({"kind": "Secret", "data": []}, "t: a plan is stored and shown"),
        (
            {"apiVersion": "pratique.dev/v1alpha1", "kind": "Approval"},
            "t.kind: of pratique.dev only an Environment can",
        ),
        ({"metadata": {"name": "a", "finalizers": []}}, "t.metadata.finalizers: cannot be set by a template"),
        ({"metadata": {"name": "a", "ownerReferences": []}}, "t.metadata.ownerReferences: cannot be set"),
        ({"metadata": {"generateName": "a-"}}, "t.metadata.generateName: cannot be set"),
        (
            {"metadata": {"name": "a", "labels": {"pratique.dev/run-uid": "x"}}},
            "t.metadata.labels: pratique.dev/run-uid belongs to the operator; leave it out",
        ),
        (
            {"metadata": {"name": "a", "annotations": {"sub.pratique.dev/x": "y"}}},
            "t.metadata.annotations: sub.pratique.dev/x belongs to the operator; leave it out",
        ),
        ({"apiVersion": ""}, "t.apiVersion: '' is not what Kubernetes takes, such as v1 or apps/v1"),
        ({"apiVersion": 1}, "t.apiVersion: 1 is not"),
        ({"apiVersion": "v1/namespaces/x"}, "t.apiVersion: 'v1/namespaces/x' is not"),
        ({"apiVersion": "../../api/v1"}, "t.apiVersion: '../../api/v1' is not"),
        ({"apiVersion": "x/../pratique.dev/v1alpha1", "kind": "ActionRun"}, "t.apiVersion: 'x/../pratique.dev"),
        ({"apiVersion": "/pratique.dev/v1alpha1", "kind": "ActionRun"}, "t.apiVersion: '/pratique.dev"),
        ({"apiVersion": "v1?watch=true"}, "t.apiVersion: 'v1?watch=true' is not"),
        ({"apiVersion": "v1#"}, "t.apiVersion: 'v1#' is not"),
        ({"kind": None}, "t.kind: None is not what Kubernetes takes, such as ConfigMap"),
        ({"kind": "pods/exec"}, "t.kind: 'pods/exec' is not"),
        ({"metadata": None}, "t.metadata: is required, with a name"),
        ({"metadata": ["name"]}, "t.metadata: is required, with a name"),
        ({"metadata": {}}, "t.metadata.name: None is not what"),
        ({"metadata": {"name": 7}}, "t.metadata.name: 7 is not what"),
        ({"metadata": {"name": ""}}, "t.metadata.name: '' is not what"),
        (
            {"kind": "Service", "metadata": {"name": "a.b"}},
            "t.metadata.name: 'a.b' is not what Kubernetes takes as",
        ),
        ({"kind": "Namespace", "metadata": {"name": "a" * 64}}, "t.metadata.name: "),
        (
            {**ROLE, "metadata": {"name": ".."}},
            "t.metadata.name: '..' is not what Kubernetes takes as the name of a Role",
        ),
        ({**ROLE, "metadata": {"name": "a/b"}}, "t.metadata.name: 'a/b' is not what"),
        ({**ROLE, "metadata": {"name": "a%2fb"}}, "t.metadata.name: 'a%2fb' is not what"),
        ({**ROLE, "metadata": {"name": "a?b"}}, "t.metadata.name: 'a?b' is not what"),
        ({"metadata": {"name": "a@b"}}, "t.metadata.name: 'a@b' is not what"),
        ({"metadata": {"name": "Upper"}}, "t.metadata.name: 'Upper' is not what"),
        ({"metadata": {"name": "a/b"}}, "t.metadata.name: 'a/b' is not what"),
        ({"metadata": {"name": "../a"}}, "t.metadata.name: '../a' is not what"),
        ({"metadata": {"name": "a\n"}}, r"t.metadata.name: 'a\n' is not what"),
        ({"metadata": {"name": "-a"}}, "t.metadata.name: '-a' is not what"),
        ({"metadata": {"name": "a" * 254}}, "t.metadata.name: "),
        ({"metadata": {"name": "a%2fb"}}, "t.metadata.name: 'a%2fb' is not what"),
        ({"metadata": {"name": "a", "namespace": 1}}, "t.metadata.namespace: 1 is not what"),
        ({"metadata": {"name": "a", "namespace": ""}}, "t.metadata.namespace: '' is not what"),
        ({"metadata": {"name": "a", "namespace": ".."}}, "t.metadata.namespace: '..' is not what"),
        ({"metadata": {"name": "a", "namespace": "n/secrets"}}, "t.metadata.namespace: 'n/secrets' is not what"),
        ({"metadata": {"name": "a", "namespace": "x?a"}}, "t.metadata.namespace: 'x?a' is not what"),
        ({"metadata": {"name": "a", "managedFields": []}}, "t.metadata.managedFields: cannot be set by a template"),
        ({"metadata": {"name": "a", "uid": "x"}}, "t.metadata.uid: cannot be set by a template"),
        ({"metadata": {"name": "a", "labels": "x"}}, "t.metadata.labels: must be an object"),
        ({"metadata": {"name": "a", "annotations": ["x"]}}, "t.metadata.annotations: must be an object"),
    ],
)
@pytest.mark.parametrize("patch", [False, True])
def test_what_cannot_be_an_object_is_named(change: dict[str, Any], complaint: str, patch: bool) -> None:
    with pytest.raises(EvaluationError) as raised:
        finish(made(**change), patch=patch)
    assert str(raised.value).startswith(complaint)


def test_of_a_secret_expressions_see_the_keys_and_no_value() -> None:
    applied = "kubectl.kubernetes.io/last-applied-configuration"
    metadata = {"name": "a", "annotations": {applied: "dg==", "kept": "yes"}}
    secret = made(kind="Secret", metadata=metadata, type="Opaque", data={"password": "dg=="})
    assert without_secrets(secret) == {
        **secret,
        "metadata": {"name": "a", "annotations": {"kept": "yes"}},
        "data": {"password": HIDDEN},
    }
    assert without_secrets(made(kind="Secret", stringData={"password": "v"}))["stringData"] == {"password": HIDDEN}
    assert without_secrets({"kind": "Secret", "data": None}) == {
        "kind": "Secret",
        "data": {},
        "metadata": {"annotations": {}},
    }
    assert without_secrets(made(data={"k": "v"})) == made(data={"k": "v"})


def test_a_target_is_seen_without_who_wrote_it_and_without_values_of_a_secret() -> None:
    named = {"name": "a", "annotations": {LAST_APPLIED: "{}", "x": "y"}, "managedFields": [{}]}
    secret = {"kind": "Secret", "metadata": named, "data": {"password": "cGxhaW4="}}
    seen = as_target(secret)
    assert seen["data"] == {"password": "(hidden)"} and seen["metadata"] == {"name": "a", "annotations": {"x": "y"}}
    other = as_target({"kind": "ConfigMap", "metadata": named, "data": {"a": "b"}})
    assert other["data"] == {"a": "b"} and "managedFields" not in other["metadata"]
    assert as_target({"kind": "ConfigMap"}) == {"kind": "ConfigMap", "metadata": {}}
