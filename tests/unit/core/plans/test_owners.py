"""Whose a field is that a change would touch: of those who apply it, and of nobody else."""

from typing import Any

import pytest

from pratique.api.v1alpha1.planned import DryRun
from pratique.core.plans.owners import Owned, list_forced, owned_changes

CONTAINER = {
    "f:spec": {
        "f:replicas": {},
        "f:args": {},
        "f:finalizers": {'v:"a/b"': {}},
        "f:containers": {'k:{"name":"web"}': {".": {}, "f:name": {}, "f:image": {}}},
    },
    "f:metadata": {"f:labels": {"f:team": {}}},
}
SPEC = {
    "replicas": 3,
    "args": ["a"],
    "finalizers": ["a/b", "c/d"],
    "containers": [{"name": "web", "image": "web:1", "tty": False}, {"name": "proxy", "image": "proxy:1"}],
}


def live(
    manager: str = "argocd-controller", operation: str = "Apply", fields: Any = None, **more: Any
) -> dict[str, Any]:
    entry = {"manager": manager, "operation": operation, "fieldsV1": CONTAINER if fields is None else fields, **more}
    return {"metadata": {"labels": {"team": "a"}, "managedFields": [entry]}, "spec": SPEC}


def after(**spec: Any) -> dict[str, Any]:
    return {**live(), "spec": {**SPEC, **spec}}


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        ({}, []),
        ({"replicas": 5}, ["spec.replicas"]),
        ({"replicas": None}, ["spec.replicas"]),
        ({"args": ["a", "b"]}, ["spec.args"]),
        ({"finalizers": ["c/d"]}, ["spec.finalizers[a/b]"]),
        ({"finalizers": None}, ["spec.finalizers[a/b]"]),
        ({"finalizers": ["a/b"]}, []),
        ({"containers": [{"name": "web", "image": "web:2"}]}, ["spec.containers[web].image"]),
        ({"containers": [{"name": "web", "image": "web:1", "tty": True}]}, []),
        ({"containers": [{"name": "proxy"}]}, ["spec.containers[web]"]),
        ({"paused": True}, []),
    ],
)
def test_what_is_applied_by_somebody_and_would_change(spec: dict[str, Any], paths: list[str]) -> None:
    assert [each.path for each in owned_changes(live(), after(**spec))] == paths


def test_only_who_applies_claims_a_field_and_each_is_named_once() -> None:
    more = after(replicas=5)
    for other in (live(operation="Update"), live("pratique"), live(subresource="status"), {"spec": SPEC}):
        assert owned_changes(other, more) == []
    twice = live()
    twice["metadata"]["managedFields"] *= 2
    assert owned_changes(twice, more) == [Owned("spec.replicas", "argocd-controller")]
    both = live()
    both["metadata"]["managedFields"] += live("helm")["metadata"]["managedFields"]
    assert [each.manager for each in owned_changes(both, more)] == ["argocd-controller", "helm"]
    assert owned_changes(live(), {"metadata": {}, "spec": None})[0].path == "spec.replicas"


def test_what_does_not_fit_the_object_owns_nothing() -> None:
    odd: dict[str, Any] = {
        "f:spec": {"f:gone": {}, 'k:{"name":"a"}': {}, "v:1": {}, "x": {}},
        "f:replicas": {"f:a": {}},
    }
    assert owned_changes(live(fields=odd), after(replicas=5)) == []
    strange: dict[str, Any] = {
        "f:spec": {"f:containers": {'k:{"name":"gone"}': {}, "f:x": {}}, "f:replicas": {"k:{}": {}, 'v:"x"': {}}}
    }
    assert owned_changes(live(fields=strange), after(replicas=5)) == []


def test_people_read_where_it_is_to_be_changed() -> None:
    assert str(Owned("spec.replicas", "argocd-controller")) == (
        "spec.replicas belongs to argocd-controller, which applies it: change it in Git"
    )
    assert str(Owned("spec.replicas", "kubectl")).endswith("belongs to kubectl, which applies it: change it there")


def test_what_a_plan_stores_of_them_is_in_order_and_bounded() -> None:
    """In an order of its own: that of the API server changes with the time of each entry."""
    assert list_forced([Owned("b", "y"), Owned("a", "x"), Owned("b", "y")]) == ["a belongs to x", "b belongs to y"]
    many = [Owned(f"{index:02}" + "x" * 500, "\u202eargo" * 100) for index in range(20)]
    stored = list_forced(many)
    assert (len(stored), stored[-1][:31]) == (17, "4 more fields belong to others ")
    assert all(len(each) <= 512 and "\u202e" not in each for each in stored)
    assert list_forced([*many[:19], Owned("19", "flux")])[-1] != stored[-1]
    DryRun(result="Passed", forced=stored)
