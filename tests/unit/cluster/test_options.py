"""What a form offers is listed in pages, as the account, and whoever asks must be allowed to list it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from pratique.api.v1alpha1.options import OptionSource
from pratique.cluster.client import TOO_LARGE, Api, ApiError
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
    assert second["limit"] == "20"
    assert seen.size == 2 * 1024, (
        "as much as an object counts at least: to look at very many small ones takes long, too"
    )
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
async def test_too_many_are_none() -> None:
    many = await list_options(Server([named(str(number)) for number in range(501)]), ask())
    assert many.found == () and many.too_many == (
        "there are more than 500 objects among objects of kind Secret in namespace team-a"
    )
    large = named("a", data={"k": "x" * 300_000})
    huge = await list_options(Server([large] * 8), ask())
    assert huge.found == () and "there are more than 2097152 bytes among" in huge.too_many
    rest = await list_options(Server([large]), replace(ask(), room=300_000))
    assert "more than 2097152 bytes, with what fields before it offer, among" in rest.too_many
    managed = {"metadata": {"name": "a", "managedFields": [{"fieldsV1": "x" * 2_200_000}]}}
    assert "more than 2097152 bytes" in (await list_options(Server([managed]), ask())).too_many


class Weighing(Server):
    """Has objects of so many bytes, and gives out no answer that is larger than asked for."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.sizes, self.limits = sizes, list[tuple[int, int]]()
        self.reading = self.most_reading = 0

    async def request(self, method: str, path: str, body: Any = None, *_: object, **more: Any) -> dict[str, Any]:
        if method == "POST":
            return await super().request(method, path, body)
        limit, at = int(more["params"]["limit"]), int(more["params"].get("continue", 0))
        self.limits.append((limit, more["at_most"]))
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        sizes = self.sizes[at : at + limit]
        if sum(sizes) > more["at_most"]:
            raise ApiError(413, TOO_LARGE, "too large")
        following = {"continue": str(at + limit)} if at + limit < len(self.sizes) else {}
        return {"metadata": following, "items": [named(str(at), data={"k": "x" * size}) for size in sizes]}


@pytest.mark.asyncio
async def test_pages_are_small_where_objects_are_large() -> None:
    page, single = 512 * 1024, 2 * 1024 * 1024
    server = Weighing(*[400_000] * 2, *[10] * 40)
    seen = await list_options(server, ask())
    assert isinstance(seen.found, tuple) and len(seen.found) == 42
    assert server.limits == [
        (20, page),
        (5, page),
        (1, single),
        (2, page),
        (4, page),
        (8, page),
        (16, page),
        (20, page),
    ]
    hostile = Weighing(*[1] * 20, *[1_400_000] * 480)
    assert "more than 2097152 bytes" in (await list_options(hostile, ask())).too_many
    assert len(hostile.limits) < 12 and all(limit <= 20 and most <= single for limit, most in hostile.limits)
    giant = Weighing(5_000_000)
    assert "more than 2097152 bytes" in (await list_options(giant, ask())).too_many
    assert [limit for limit, _ in giant.limits] == [20, 5, 1]


@pytest.mark.asyncio
async def test_two_pages_are_read_at_a_time_whoever_asks() -> None:
    server = Weighing(*[1] * 30)
    await asyncio.gather(*(list_options(server, ask()) for _ in range(10)))
    assert server.most_reading == 2


@pytest.mark.asyncio
async def test_a_refusal_is_an_answer_and_does_not_quote() -> None:
    seen = await list_options(Server(refuses=True), ask())
    assert isinstance(seen.found, Failure) and seen.found.reason == "Forbidden"
