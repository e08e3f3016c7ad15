"""Whom the Lease belongs to: the Role by which it is written, the one that is there, or nobody where it may not be read."""

from typing import Any, cast

import pytest

from pratique.cluster.client import Api, ApiError
from pratique.core.operating.leadership import Record
from pratique.processes.lease import Lease


class AnApi:
    """Keeps a Lease, and answers for the Role with a uid or a refusal."""

    def __init__(self, role: str) -> None:
        self.role, self.written, self.asked, self.uid = role, list[dict[str, Any]](), 0, "lease"

    async def request(self, method: str, path: str, body: Any = None, **_: Any) -> dict[str, Any]:
        if path.endswith("/roles/pratique-leader"):
            self.asked += 1
            if self.role in ("Forbidden", "NotFound", "InternalError"):
                raise ApiError(500, self.role, "no")
            return {"metadata": {"uid": self.role}}
        self.written.append(body["metadata"])
        return {"metadata": {"resourceVersion": "7", "uid": self.uid}, "spec": body["spec"]}


def lease(api: AnApi) -> Lease:
    return Lease(cast("Api", api), "pratique-system", "pratique", "pratique-leader")


async def test_it_belongs_to_the_role_that_is_there_when_it_is_made() -> None:
    api = AnApi("first")
    mine = lease(api)
    await mine.write(Record("me", "", 10.0))
    await mine.write(Record("me", "7", 10.0))
    api.role = "again"
    await mine.write(Record("me", "7", 10.0))
    await mine.write(Record("me", "", 10.0))  # it went with the Role that was deleted
    assert [each["ownerReferences"][0]["uid"] for each in api.written] == ["first", "first", "first", "again"]
    assert api.asked == 2


async def test_one_that_a_renewal_made_again_is_given_the_owner_that_is_there() -> None:
    """The API server makes a Lease of a PUT when there is none."""
    api = AnApi("first")
    mine = lease(api)
    await mine.write(Record("me", "", 10.0))
    api.role, api.uid = "again", "another lease"
    for _ in range(3):
        await mine.write(Record("me", "7", 10.0))
    assert [each["ownerReferences"][0]["uid"] for each in api.written] == ["first", "first", "again", "again"]


async def test_one_that_an_earlier_version_made_is_given_its_owner() -> None:
    api = AnApi("first")
    await lease(api).write(Record("me", "3", 10.0))
    assert api.written[0]["ownerReferences"][0] == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "name": "pratique-leader",
        "uid": "first",
    }


@pytest.mark.parametrize("reason", ["Forbidden", "NotFound"])
async def test_without_the_right_to_read_the_role_it_belongs_to_nobody(reason: str) -> None:
    api = AnApi(reason)
    assert await lease(api).write(Record("me", "", 10.0)) is not None
    assert api.written[0]["ownerReferences"] == []


async def test_a_role_that_cannot_be_read_now_is_no_reason_to_write_without_it() -> None:
    api = AnApi("InternalError")
    with pytest.raises(ApiError):
        await lease(api).write(Record("me", "", 10.0))
    assert api.written == []
