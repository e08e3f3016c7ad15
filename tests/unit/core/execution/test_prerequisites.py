"""Which object of a plan makes what another one lacks, and how long that is waited for."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.builders.models import NOW, at, failure, live, manifest, planned, run, run_plan
from tests.support.certain import certain

from pratique.api.v1alpha1.action_run import HeldUp
from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.api.v1alpha1.planned import DryRunResult, PlannedResource
from pratique.core.execution.dry_run import try_plan
from pratique.core.execution.patience import APPROVED, FREE, GIVEN, allowed, mark
from pratique.core.execution.prerequisites import provider
from pratique.core.kernel.effects import Failure, Read, Stored

ACCOUNT = ServiceAccountRef(namespace="pratique-actions", name="maker")
RBAC = "rbac.authorization.k8s.io/v1"
NO_RIGHT = failure("Forbidden", 'x is forbidden: User "x" cannot create resource "configmaps" in API group ""')
GRANT = failure("Forbidden", "roles is forbidden: x is attempting to grant RBAC permissions not currently held")
NO_ACCOUNT = failure(
    "Forbidden", 'pods "p" is forbidden: error looking up service account team-a/app: serviceaccount "app" not found'
)
NO_ROLE = failure("NotFound", 'rolebindings.rbac.authorization.k8s.io "maker" not found')
NO_CLASS = failure("Forbidden", 'pods "p" is forbidden: no PriorityClass with name high was found')
NO_SPACE = failure("NotFound", 'namespaces "team-a" not found')
ME = {"kind": "ServiceAccount", "namespace": "pratique-actions", "name": "maker"}


def binding(*subjects: dict[str, Any], kind: str = "RoleBinding", **changes: Any) -> PlannedResource:
    return planned("binding", manifest(kind, "maker", RBAC, subjects=list(subjects), **changes))


def role(
    kind: str = "Role",
    name: str = "maker",
    rules: Sequence[Any] = ({"apiGroups": [""]},),
    space: str | None = "team-a",
) -> PlannedResource:
    body = {**manifest(kind, name, RBAC, rules=list(rules)), "metadata": {"name": name, "namespace": space}}
    return planned("role", body)


CONFIG = planned("config")
POD = planned("pod", manifest("Pod", "p", "v1"))
BOUND = planned("bound", manifest("RoleBinding", "maker", RBAC, roleRef={"kind": "Role", "name": "maker"}))


@pytest.mark.parametrize(
    ("maker", "needs", "why", "text"),
    [
        (binding(ME), CONFIG, NO_RIGHT, "gives the right to do so first"),
        (binding(ME, kind="ClusterRoleBinding"), CONFIG, NO_RIGHT, "gives the right to do so first"),
        (binding({"kind": "User", "name": ACCOUNT.username}), CONFIG, NO_RIGHT, "gives the right to do so first"),
        (
            binding({"kind": "Group", "name": "system:serviceaccounts:pratique-actions"}),
            CONFIG,
            NO_RIGHT,
            "gives the right",
        ),
        (binding(ME), BOUND, GRANT, "gives the right to do so first"),
        (role(), CONFIG, NO_RIGHT, "may give the right to do so first"),
        (role(rules=[{"apiGroups": ["*"]}]), CONFIG, NO_RIGHT, "may give the right to do so first"),
        (role("ClusterRole", space=None), CONFIG, NO_RIGHT, "may give the right to do so first"),
        (role(rules=[]), BOUND, GRANT, "makes its role first"),
        (role(rules=[]), BOUND, NO_ROLE, "is made first"),
        (planned("sa", manifest("ServiceAccount", "app")), POD, NO_ACCOUNT, "is made first"),
        (planned("class", manifest("PriorityClass", "high", "scheduling.k8s.io/v1")), POD, NO_CLASS, "is made first"),
        (planned("x", manifest("Thing", "app", "example.com/v1")), CONFIG, NO_SPACE, "may make its namespace first"),
        (
            planned("x", manifest("Thing", "app", "example.com/v1")),
            planned("c", patch=True),
            NO_ROLE,
            "may make it first",
        ),
    ],
)
def test_what_makes_it(maker: PlannedResource, needs: PlannedResource, why: Failure, text: str) -> None:
    assert text in certain(provider(needs, [maker], why, ACCOUNT))
    assert provider(needs, [maker.model_copy(update={"patch": True})], why, ACCOUNT) is None


@pytest.mark.parametrize(
    ("maker", "needs", "why"),
    [
        (
            binding({"kind": "ServiceAccount", "namespace": "other", "name": "maker"}, {"kind": "User"}),
            CONFIG,
            NO_RIGHT,
        ),
        (planned("b", manifest("RoleBinding", "b", RBAC, subjects="odd")), CONFIG, NO_RIGHT),
        (role(space="team-b"), CONFIG, NO_RIGHT),
        (role(rules=[{"apiGroups": ["apps"]}, {"apiGroups": "odd"}, "odd"]), CONFIG, NO_RIGHT),
        (role(name="other", rules=[]), BOUND, GRANT),
        (role(rules=[]), planned("b", manifest("RoleBinding", "b", RBAC, roleRef="odd")), GRANT),
        (planned("c", manifest("ConfigMap", "c")), BOUND, GRANT),
        (planned("sa", manifest("ServiceAccount", "another")), POD, NO_ACCOUNT),
        (planned("x", manifest("Thing", "app", "example.com/v1")), CONFIG, NO_RIGHT),
        (binding(ME), CONFIG, failure("Invalid")),
    ],
)
def test_what_does_not(maker: PlannedResource, needs: PlannedResource, why: Failure) -> None:
    assert provider(needs, [maker], why, ACCOUNT) is None


class TestBehindACustomObject:
    """In a namespace that is not there yet nobody has a right, so its absence is looked for."""

    plan = run_plan(planned("tenant", manifest("Tenant", "x", "capsule.example.com/v1")), CONFIG)
    tried = {
        "try/tenant": Stored(live(manifest("Tenant", "x", "capsule.example.com/v1"))),
        "try/config": NO_RIGHT,
    }

    def test_the_namespace_is_looked_for(self) -> None:
        (read,) = try_plan(run(), self.plan, self.tried, "try").effects
        assert isinstance(read, Read) and str(read.ref) == "Namespace team-a" and read.run_as is None

    def test_one_that_is_not_there_may_come(self) -> None:
        seen = {"try/config/space": failure("NotFound")}
        found = try_plan(run(), self.plan, self.tried | seen, "try")
        assert certain(found.tried[1][1].dry_run).result is DryRunResult.DEFERRED
        assert certain(found.tried[1][1].dry_run).message == "Tenant team-a/x may make its namespace first"

    @pytest.mark.parametrize("outcome", [Stored({}), failure("Forbidden")])
    def test_in_one_that_is_there_the_right_is_missing(self, outcome: Failure | Stored) -> None:
        assert try_plan(run(), self.plan, self.tried | {"try/config/space": outcome}, "try").problems


def test_a_namespace_gives_no_right_in_it() -> None:
    space = planned("space", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}})
    assert provider(CONFIG, [space], NO_RIGHT, ACCOUNT) == "Namespace team-a makes its namespace first"
    assert provider(CONFIG, [space], NO_RIGHT, ACCOUNT, there=True) is None
    assert provider(CONFIG, [space], NO_SPACE, ACCOUNT, there=True)


def test_a_right_in_a_namespace_that_a_custom_object_makes_is_on_its_way() -> None:
    outcomes = {"late/config": NO_RIGHT}
    assert try_plan(run(), TestBehindACustomObject.plan, outcomes, "late", made={"tenant"}).given


def test_what_an_object_gives_that_is_there_is_on_its_way() -> None:
    plan = run_plan(binding(ME), CONFIG)
    outcomes = {"late/config": NO_RIGHT}
    assert try_plan(run(), plan, outcomes, "late", made={"binding"}).given
    assert not try_plan(run(), run_plan(role(space="team-b"), CONFIG), outcomes, "late", made={"role"}).given
    assert not try_plan(run(), plan, {"late/config": Stored(live(CONFIG.manifest))}, "late", made={"binding"}).given


@pytest.mark.parametrize(
    ("failures", "approved", "given", "patience"),
    [
        ([NO_RIGHT], False, False, FREE),
        ([NO_RIGHT, NO_ACCOUNT], True, False, APPROVED),
        ([failure("UnknownKind")], True, False, APPROVED),
        ([NO_RIGHT], True, True, GIVEN),
        ([NO_RIGHT, failure("Invalid")], True, False, None),
        ([NO_SPACE], True, False, None),
    ],
)
def test_how_long_it_is_worth_waiting(
    failures: list[Failure], approved: bool, given: bool, patience: timedelta | None
) -> None:
    assert allowed(failures, approved=approved, given=given) == patience


def test_it_is_remembered_since_when_something_is_waited_for() -> None:
    status = run().status
    first = mark(status, "a", timedelta(seconds=60), NOW)
    assert first == HeldUp(id="a", since=NOW)
    held = status.model_copy(update={"held_up": first})
    assert mark(held, "a", timedelta(hours=1), at(1)) == first
    assert mark(held, "a", timedelta(seconds=1), at(1)) is None
    assert mark(held, "b", timedelta(seconds=1), at(1)) == HeldUp(id="b", since=at(1))
    assert mark(held, "a", None, at(1)) is None
