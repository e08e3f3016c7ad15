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
from pratique.core.kernel.ending import DeleteAs, MayDelete

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
        refused(404, "NotFound", "it is not there"),
        refused(409, "Conflict", REPLACED),
    ],
)
async def test_what_is_gone_is_said_to_be_gone(answer: Any) -> None:
    server = Server(answer)
    gone = await perform(server, DeleteAs("end", REF, "u1", MAKER))
    assert isinstance(gone, Failure) and gone.reason == "NotFound"
    body = {"preconditions": {"uid": "u1"}, "propagationPolicy": "Background"}
    assert server.asked == [("DELETE", PATH, body, MAKER)]


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
        (REF, "the right to delete rolebindings.rbac.authorization.k8s.io in namespace team-a"),
        (ObjectRef("v1", "Namespace", "team-b"), "the right to delete namespaces"),
    ],
)
async def test_it_is_asked_whether_the_account_may(ref: ObjectRef, lacks: str) -> None:
    assert await perform(Server({"status": {"allowed": False}}), MayDelete("end", ref, ACCOUNT)) == lacks
    server = Server({"status": {"allowed": True}})
    assert await perform(server, MayDelete("end", ref, ACCOUNT)) == ""
    ((_, _, body, _),) = server.asked
    assert body["spec"]["user"] == MAKER
    assert body["spec"]["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:pratique-actions",
        "system:authenticated",
    ]
    assert body["spec"]["resourceAttributes"]["verb"] == "delete"
