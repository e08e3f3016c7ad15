"""How what was made for a time is deleted, and what is said of an account that could not do that."""

from typing import Any

import pytest
from tests.builders.models import MAKER

from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import Connection
from pratique.cluster.perform import perform
from pratique.core.kernel.answers import judge
from pratique.core.kernel.effects import Failure, ObjectRef, Stored
from pratique.core.kernel.ending import DeleteAs, FindToEnd, MayDelete

REF = ObjectRef("rbac.authorization.k8s.io/v1", "RoleBinding", "access", "team-a")
PATH = "/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/rolebindings/access"
ACCOUNT = ServiceAccountRef(namespace="pratique-actions", name="maker")
REPLACED = "Precondition failed: UID in precondition: u1, UID in object meta: u2"


class Server(Api):
    """Knows two kinds, and gives one answer."""

    def __init__(self, answer: Any) -> None:
        super().__init__(Connection("http://127.0.0.1:1"))
        self._kinds = {
            (REF.api_version, REF.kind): ("rolebindings", True),
            ("v1", "Namespace"): ("namespaces", False),
        }
        self.answer, self.asked = answer, list[tuple[Any, ...]]()

    async def request(self, method: str, path: str, body: object = None, **more: Any) -> dict[str, Any]:
        self.asked.append((method, path, body, more.get("run_as")))
        if isinstance(self.answer, ApiError):
            raise self.answer
        return dict(self.answer)


def refused(code: int, reason: str, message: str) -> ApiError:
    return ApiError.answered(judge(code, {"kind": "Status", "reason": reason, "message": message}))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "answer",
    [
        {"kind": "Status", "status": "Success"},
        {"metadata": {"uid": "u1"}},
        {"metadata": {"uid": "u2", "deletionTimestamp": "2026-11-24T12:00:00Z"}},
        refused(409, "Conflict", REPLACED),
    ],
)
async def test_what_is_gone_is_said_to_be_gone(answer: Any) -> None:
    server = Server(answer)
    gone = await perform(server, DeleteAs("end", REF, "u1", MAKER))
    assert isinstance(gone, Failure) and gone.reason == "NotFound"
    body = {"preconditions": {"uid": "u1"}, "propagationPolicy": "Background"}
    assert server.asked == [("DELETE", PATH, body, MAKER)]


class Versions(Server):
    """Knows a kind as it was, and serves it in these versions; under one of them is the object."""

    def __init__(self, served: list[str], there: str = "") -> None:
        super().__init__(None)
        self._kinds[("rbac.authorization.k8s.io/v2", REF.kind)] = ("rolebindings", True)
        self.served, self.there = served, there

    async def request(self, method: str, path: str, body: object = None, **more: Any) -> dict[str, Any]:
        self.asked.append((method, path, body, more.get("run_as")))
        root = "/apis/rbac.authorization.k8s.io"
        if path == root and self.served:
            return {"versions": [{"version": each} for each in self.served]}
        if path in [f"{root}/{each}" for each in self.served]:
            kinds = [{"name": "rolebindings/status", "kind": REF.kind}, {"name": "rolebindings", "kind": REF.kind}]
            return {"resources": kinds if path != f"{root}/v0" else []}
        if self.there and path.startswith(f"{root}/{self.there}/"):
            return {"metadata": {"uid": "u1"}}
        raise refused(404, "NotFound", "it is not there")


@pytest.mark.asyncio
@pytest.mark.parametrize("served", [["v1"], ["v2", "v1"], [], ["v0"], ["v2"]])
async def test_it_is_gone_only_if_no_version_of_its_kind_has_it(served: list[str]) -> None:
    server = Versions(served)
    for effect in (DeleteAs("end", REF, "u1", MAKER), FindToEnd("end", REF, MAKER)):
        gone = await perform(server, effect)
        assert isinstance(gone, Failure) and gone.reason == "NotFound"


@pytest.mark.asyncio
async def test_it_is_deleted_in_another_version_if_its_own_is_not_served_any_more() -> None:
    server = Versions(["v0", "v2"], "v2")
    gone = await perform(server, DeleteAs("end", REF, "u1", MAKER))
    assert isinstance(gone, Failure) and gone.reason == "NotFound"
    method, path, body, run_as = server.asked[-1]
    assert (method, path, run_as) == ("DELETE", PATH.replace("/v1/", "/v2/"), MAKER)
    assert body == {"preconditions": {"uid": "u1"}, "propagationPolicy": "Background"}
    other = await perform(server, FindToEnd("end", REF, MAKER))
    assert isinstance(other, Failure) and other.reason == "OtherVersion"
    assert "only rbac.authorization.k8s.io/v2" in other.message


@pytest.mark.asyncio
async def test_what_the_api_server_does_not_say_of_its_versions_is_asked_again() -> None:
    class Down(Versions):
        async def request(self, method: str, path: str, body: object = None, **more: Any) -> dict[str, Any]:
            if path == "/apis/rbac.authorization.k8s.io":
                raise refused(503, "ServiceUnavailable", "down")
            return await super().request(method, path, body, **more)

    unknown = await perform(Down([]), DeleteAs("end", REF, "u1", MAKER))
    assert isinstance(unknown, Failure) and unknown.transient


@pytest.mark.asyncio
async def test_what_is_there_is_found() -> None:
    assert await perform(Versions(["v1"], "v1"), FindToEnd("end", REF, MAKER)) == Stored({"metadata": {"uid": "u1"}})
    refusal = await perform(Server(refused(403, "Forbidden", "no")), FindToEnd("end", REF, MAKER))
    assert isinstance(refusal, Failure) and refusal.reason == "Forbidden"
    core = await perform(Versions([]), DeleteAs("end", ObjectRef("v1", "Namespace", "team-b"), "u1", MAKER))
    assert isinstance(core, Failure) and core.reason == "NotFound"


@pytest.mark.asyncio
async def test_what_is_held_by_others_is_still_there() -> None:
    left = {"metadata": {"uid": "u1", "deletionTimestamp": "2026-11-24T12:00:00Z", "finalizers": ["a/b"]}}
    assert await perform(Server(left), DeleteAs("end", REF, "u1", MAKER)) == Stored(left)


@pytest.mark.asyncio
async def test_a_refusal_is_an_outcome() -> None:
    answer = refused(403, "Forbidden", 'User "x" cannot delete resource "rolebindings"')
    failure = await perform(Server(answer), DeleteAs("end", REF, "u1", MAKER))
    assert isinstance(failure, Failure) and (failure.reason, failure.transient) == ("Forbidden", False)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("ref", "lacks"),
    [
        (REF, "the right to delete and get rolebindings.rbac.authorization.k8s.io in namespace team-a"),
        (ObjectRef("v1", "Namespace", "team-b"), "the right to delete and get namespaces"),
    ],
)
async def test_it_is_asked_whether_the_account_may(ref: ObjectRef, lacks: str) -> None:
    assert await perform(Server({"status": {"allowed": False}}), MayDelete("end", ref, ACCOUNT)) == lacks
    server = Server({"status": {"allowed": True}})
    assert await perform(server, MayDelete("end", ref, ACCOUNT)) == ""
    (_, _, body, _), (_, _, second, _) = server.asked
    assert second["spec"]["resourceAttributes"]["verb"] == "get"
    assert body["spec"]["user"] == MAKER
    assert body["spec"]["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:pratique-actions",
        "system:authenticated",
    ]
    assert body["spec"]["resourceAttributes"]["verb"] == "delete"
