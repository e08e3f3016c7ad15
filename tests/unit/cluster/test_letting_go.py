"""What a run has changed by force belongs to who applies it, also where its controller writes just then."""

from typing import Any, cast

import pytest

from pratique.cluster.client import Api, ApiError
from pratique.cluster.letting_go import let_go
from pratique.core.kernel.effects import MergePatch, ObjectRef, Stored

EFFECT = MergePatch("web", ObjectRef("apps/v1", "Deployment", "web", "team-a"), "u-1", {})
OURS = {"manager": "pratique", "operation": "Update"}
THEIRS = {"manager": "argocd-controller", "operation": "Apply"}


def version(number: int, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "web", "resourceVersion": str(number), "managedFields": list(entries)}}


class Server:
    """Answers each PATCH and each GET in turn."""

    def __init__(self, *answers: dict[str, Any] | ApiError) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, Any]]()

    async def path_of(self, _: ObjectRef) -> str:
        return "/web"

    async def request(self, method: str, _: str, body: Any = None, **__: Any) -> dict[str, Any]:
        self.asked.append((method, body))
        answer = self.answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer


async def freed(server: Server, body: dict[str, Any]) -> dict[str, Any]:
    found = await let_go(cast("Api", server), EFFECT, Stored(body))
    return dict(found.object)


async def test_where_we_own_nothing_nothing_is_asked() -> None:
    server = Server()
    assert await freed(server, version(1, THEIRS)) == version(1, THEIRS) and server.asked == []


async def test_it_is_tried_again_with_the_version_that_somebody_else_made() -> None:
    server = Server(ApiError(422, "Invalid", "test failed"), version(2, OURS, THEIRS), version(3, THEIRS))
    assert await freed(server, version(1, THEIRS, OURS)) == version(3, THEIRS)
    assert [method for method, _ in server.asked] == ["PATCH", "GET", "PATCH"]
    assert server.asked[2][1] == [
        {"op": "test", "path": "/metadata/resourceVersion", "value": "2"},
        {"op": "remove", "path": "/metadata/managedFields/0"},
    ]


@pytest.mark.parametrize(
    "answers",
    [
        [ApiError(403, "Forbidden", "no")],
        [ApiError(409, "Conflict", "no"), ApiError(404, "NotFound", "gone")],
        [ApiError(409, "Conflict", "no"), version(2, OURS)] * 5,
    ],
)
async def test_that_it_fails_is_no_failure_of_the_run(answers: list[Any]) -> None:
    assert await freed(Server(*answers), version(1, OURS)) == version(1, OURS)
