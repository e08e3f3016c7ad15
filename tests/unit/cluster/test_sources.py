"""An object that names approvers is read as the account, and everybody who asks must not be able to write it."""

from typing import Any

import pytest

from pratique.cluster.client import TOO_LARGE, Api, ApiError
from pratique.cluster.connection import Connection
from pratique.cluster.sources import MAX_BYTES, look_at_source
from pratique.core.kernel.effects import Failure, ObjectRef, Stored
from pratique.core.kernel.looking import Asker, LookAtSource, Power

Asked = dict[str, Any]


class Server(Api):
    """Serves one object, notes what is asked, and allows what a test says."""

    def __init__(self, *allowed: Asked, refuses: ApiError | None = None) -> None:
        super().__init__(Connection("http://127.0.0.1:1"))
        clusterwide = {("v1", "Namespace"): ("namespaces", False), ("v1", "Node"): ("nodes", False)}
        self._kinds = {**clusterwide, ("v1", "ConfigMap"): ("configmaps", True)}
        self.allowed, self.refuses = allowed, refuses
        self.said: dict[str, str] = {}
        self.reads, self.reviews = list[tuple[str, Any, Any]](), list[Asked]()

    async def request(self, method: str, path: str, body: Any = None, *_: object, **more: Any) -> dict[str, Any]:
        if method == "POST":
            spec = body["spec"]
            asks = {"user": spec["user"], "groups": spec["groups"], **spec["resourceAttributes"]}
            self.reviews.append(asks)
            allowed = any(each.items() <= asks.items() for each in self.allowed)
            return {"status": {"allowed": allowed, **self.said}}
        self.reads.append((path, more["run_as"], more["at_most"]))
        if self.refuses is not None:
            raise self.refuses
        return {"metadata": {"name": "it"}}


DEV, PERSON = Asker("dev", ("devs",)), Asker("person", ("system:authenticated",))


def look(kind: str = "ConfigMap", namespace: str | None = None, *askers: Asker) -> LookAtSource:
    return LookAtSource("source/x", ObjectRef("v1", kind, "it", namespace), "team-a", "maker", askers or (DEV,))


async def test_it_is_read_as_the_account_and_every_way_to_write_it_is_asked_about() -> None:
    server = Server()
    seen = await look_at_source(server, look())
    assert (seen.ref, seen.power) == (ObjectRef("v1", "ConfigMap", "it", "team-a"), None)
    assert seen.found == Stored({"metadata": {"name": "it"}})
    assert server.reads == [("/api/v1/namespaces/team-a/configmaps/it", "maker", MAX_BYTES)]
    whole = {"user": "dev", "groups": ["devs"], "group": "", "version": "v1", "resource": "configmaps"}
    assert all(whole.items() <= each.items() and each["namespace"] == "team-a" for each in server.reviews)
    assert [(each["verb"], each.get("subresource"), each.get("name")) for each in server.reviews] == [
        ("update", None, "it"),
        ("patch", None, "it"),
        ("delete", None, "it"),
        ("update", "status", "it"),
        ("patch", "status", "it"),
        ("create", None, None),
        ("deletecollection", None, None),
    ]


async def test_a_namespace_is_written_by_rights_within_itself_and_by_its_finalizers() -> None:
    server = Server({"verb": "update", "subresource": "finalize"})
    seen = await look_at_source(server, look("Namespace"))
    assert str(seen.ref) == "Namespace it" and server.reads[0][0] == "/api/v1/namespaces/it"
    assert [each["verb"] for each in server.reviews if "namespace" not in each] == ["create", "deletecollection"]
    assert {each["namespace"] for each in server.reviews if "name" in each} == {"it"}
    assert seen.power == Power("dev", "update namespaces/finalize")


async def test_a_kind_without_namespaces_is_asked_about_without_one() -> None:
    server = Server()
    await look_at_source(server, look("Node"))
    assert len(server.reviews) == 7 and not any("namespace" in each for each in server.reviews)


@pytest.mark.parametrize(
    ("allowed", "power"),
    [
        ({"verb": "patch", "groups": ["devs"]}, Power("dev", "patch configmaps")),
        ({"verb": "create"}, Power("dev", "create configmaps")),
        ({"verb": "patch", "subresource": "status"}, Power("dev", "patch configmaps/status")),
        ({"user": "person", "verb": "delete"}, Power("person", "delete configmaps")),
    ],
)
async def test_a_right_of_anybody_who_asks_is_said_with_its_verb(allowed: Asked, power: Power) -> None:
    seen = await look_at_source(Server(allowed), look("ConfigMap", "fleet", DEV, PERSON))
    assert (seen.power, str(seen.ref)) == (power, "ConfigMap fleet/it")


async def test_what_cannot_be_read_is_a_failure_without_the_words_of_others() -> None:
    seen = await look_at_source(Server(refuses=ApiError(403, "Forbidden", "no")), look())
    assert isinstance(seen.found, Failure) and seen.found.reason == "Forbidden"
    seen = await look_at_source(Server(refuses=ApiError(413, TOO_LARGE, "no")), look())
    assert seen.found == Failure(TOO_LARGE, f"ConfigMap team-a/it has more than {MAX_BYTES} bytes")


async def test_a_namespace_for_what_is_in_none_is_a_mistake() -> None:
    with pytest.raises(ApiError, match="Namespace is not in a namespace"):
        await look_at_source(Server(), look("Namespace", "fleet"))


async def test_that_it_could_not_be_asked_is_no_answer_and_no_verdict() -> None:
    """Where a no lets somebody in, an authorizer that fails must not be one; RBAC says of a role that is gone only why."""
    server = Server()
    server.said = {"reason": 'RBAC: role "gone" not found'}
    assert (await look_at_source(server, look())).power is None
    server.said = {"evaluationError": "the webhook is away"}
    with pytest.raises(ApiError, match="could not say whether dev may update configmaps") as error:
        await look_at_source(server, look())
    assert error.value.transient and "webhook" not in str(error.value)
    sure = Server(
        {"verb": "update"}, {"verb": "patch"}, {"verb": "delete"}, {"verb": "create"}, {"verb": "deletecollection"}
    )
    sure.said = server.said
    assert (await look_at_source(sure, look())).power == Power("dev", "update configmaps")
