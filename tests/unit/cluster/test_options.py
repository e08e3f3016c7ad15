"""What a form offers is listed in pages, as the account, and whoever asks must be allowed to list it."""

from typing import Any

import pytest

from pratique.api.v1alpha1.options import OptionSource
from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import Connection
from pratique.cluster.options import list_options
from pratique.core.kernel.effects import Failure, ListOptions


class Server(Api):
    """Serves pages of objects, and notes what is asked."""

    def __init__(self, *pages: list[dict[str, Any]], refuses: bool = False) -> None:
        super().__init__(Connection("http://127.0.0.1:1"))
        self._kinds = {("v1", "Node"): ("nodes", False), ("v1", "Secret"): ("secrets", True)}
        self.served, self.refuses = pages or ([],), refuses
        self.asked = list[tuple[str, Any, Any]]()
        self.reviewed: dict[str, Any] = {}

    async def request(self, method: str, path: str, body: Any = None, *_: object, **more: Any) -> dict[str, Any]:
        if method == "POST":
            self.reviewed = body["spec"]
            return {"status": {"allowed": False}}
        number, params = len(self.asked), dict(more["params"])
        self.asked.append((path, params, more["run_as"]))
        if self.refuses:
            raise ApiError(403, "Forbidden", "no")
        following = {"continue": f"page {number + 1}"} if number + 1 < len(self.served) else {}
        return {"metadata": following, "items": self.served[number]}


def ask(kind: str = "Secret", **source: Any) -> ListOptions:
    of = OptionSource.model_validate({"apiVersion": "v1", "kind": kind, **source})
    return ListOptions("options/x", of, "team-a", "maker", "ann", ("devs",))


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "managedFields": [{}]}, **more}


@pytest.mark.asyncio
async def test_objects_are_listed_page_by_page_and_know_their_kind() -> None:
    server = Server([named("a")], [named("b", data={"k": "v"})])
    seen = await list_options(server, ask(namespace="vault", selector={"b": "2", "a": "1"}))
    assert (seen.what, seen.may_list, seen.too_many) == ("objects of kind Secret in namespace vault", False, "")
    kind = {"apiVersion": "v1", "kind": "Secret"}
    assert seen.found == ({"metadata": {"name": "a"}, **kind}, {"metadata": {"name": "b"}, "data": {"k": "v"}, **kind})
    (path, first, run_as), (_, second, _) = server.asked
    assert (path, run_as) == ("/api/v1/namespaces/vault/secrets", "maker")
    assert first == {"limit": "20", "labelSelector": "a=1,b=2"} and second["continue"] == "page 1"
    assert second["limit"] == "100"
    attributes = {"group": "", "version": "v1", "resource": "secrets", "verb": "list", "namespace": "vault"}
    assert server.reviewed == {"user": "ann", "groups": ["devs"], "resourceAttributes": attributes}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("effect", "path", "what"),
    [
        (ask(), "/api/v1/namespaces/team-a/secrets", "objects of kind Secret in namespace team-a"),
        (ask(allNamespaces=True), "/api/v1/secrets", "objects of kind Secret of all namespaces"),
        (ask("Node"), "/api/v1/nodes", "objects of kind Node"),
    ],
)
async def test_they_are_those_of_a_namespace_or_of_all(effect: ListOptions, path: str, what: str) -> None:
    server = Server()
    seen = await list_options(server, effect)
    assert (seen.what, server.asked[0][0], seen.found) == (what, path, ())
    assert ("namespace" in server.reviewed["resourceAttributes"]) is ("team-a" in path)


@pytest.mark.asyncio
async def test_what_is_in_no_namespace_takes_none() -> None:
    for source in ({"namespace": "a"}, {"allNamespaces": True}):
        with pytest.raises(ApiError, match="Node is not in a namespace: leave namespace and allNamespaces of options"):
            await list_options(Server(), ask("Node", **source))


@pytest.mark.asyncio
async def test_one_namespace_and_all_are_no_source() -> None:
    with pytest.raises(ApiError, match="namespace and allNamespaces of options"):
        await list_options(Server(), ask(namespace="a", allNamespaces=True))


@pytest.mark.asyncio
async def test_too_many_are_none_and_large_ones_come_in_small_pages() -> None:
    many = await list_options(Server([named(str(number)) for number in range(501)]), ask())
    assert many.found == () and many.too_many.startswith(
        "there are more than 500 objects among objects of kind Secret in"
    )
    large = named("a", data={"k": "x" * 300_000})
    server = Server([large], [large])
    seen = await list_options(server, ask())
    assert isinstance(seen.found, tuple) and len(seen.found) == 2 and server.asked[1][1]["limit"] == "20"
    huge = await list_options(Server([large] * 8), ask())
    assert huge.found == () and "more than 2097152 bytes" in huge.too_many


@pytest.mark.asyncio
async def test_a_refusal_is_an_answer_and_does_not_quote() -> None:
    seen = await list_options(Server(refuses=True), ask())
    assert isinstance(seen.found, Failure) and seen.found.reason == "Forbidden"
