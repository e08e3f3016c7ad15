"""Where watches begin, and what lists and watches make of the cache together."""

import json
from typing import Any

import aiohttp
from pytest_httpserver import HTTPServer
from tests.support.clock import FakeClock
from werkzeug import Request, Response

from pratique.cluster.client import Api
from pratique.cluster.connection import Connection
from pratique.handlers.informers import Informers
from pratique.handlers.kinds import WATCHED, Key, new_stores
from pratique.handlers.kopf_thread import Connections, login
from pratique.handlers.memory import Parsed

PATH = "/apis/pratique.dev/v1alpha1/actionruns"
KINDS = ("actions", "actionruns", "approvals", "environments", "notificationchannels")


def informers() -> tuple[Informers, list[Key]]:
    stores, woken = new_stores(), list[Key]()
    kinds = {kind.plural: kind(stores, Parsed()) for kind in WATCHED}
    return Informers(stores, kinds, woken.append, lambda plural, body: None, FakeClock().steady), woken


def run(name: str, version: int, uid: str = "") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "n", "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {"actionRef": {"name": "a"}}}


class Told:
    """What the answers to Kopf tell."""

    full = False

    def __init__(self, began: list[str]) -> None:
        self.listed = began.append

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is told of a list")


async def kopf_asks(url: str, began: list[str], path: str) -> Any:
    """Ask as Kopf does, with the session that our login gives it."""
    connection = Connection(server=url.rstrip("/"), token="t", impersonate={"Impersonate-User": "u"})
    told: Any = Told(began)
    info = await login(connection, told, Connections())()
    async with info.aiohttp_session as session, session.get(info.server + path) as answer:
        assert isinstance(answer, aiohttp.ClientResponse)
        return await answer.json()


async def test_kopf_sees_of_a_list_only_where_to_begin(httpserver: HTTPServer) -> None:
    page = {"kind": "ActionRunList", "metadata": {"resourceVersion": "7", "continue": "more"}, "items": [run("a", 5)]}
    headers = {"Authorization": "Bearer t", "Impersonate-User": "u"}
    httpserver.expect_request(PATH, query_string="limit=1", headers=headers).respond_with_json(page)
    began: list[str] = []
    seen = await kopf_asks(httpserver.url_for(""), began, f"{PATH}?limit=1")
    assert seen == {"kind": "ActionRunList", "metadata": {"resourceVersion": "7"}, "items": []}
    assert began == ["actionruns"]


async def test_kopf_sees_everything_else_as_it_is(httpserver: HTTPServer) -> None:
    began: list[str] = []
    for path, answer in (("/apis", {"groups": []}), ("/api/v1", {"resources": [], "items": None}), (PATH, ["odd"])):
        httpserver.expect_request(path).respond_with_json(answer)
        assert await kopf_asks(httpserver.url_for(""), began, path + "?limit=1" * (path == PATH)) == answer
    assert began == []


def test_all_watches_have_begun_and_one_that_begins_again_leaves_a_gap() -> None:
    feed, _ = informers()
    for plural in KINDS:
        feed.began(plural)
    assert not feed.watching.is_set()
    feed.began("namespaces")
    assert feed.watching.is_set() and not feed.gap.is_set()
    feed.began("actions")
    assert feed.gap.is_set()


async def test_a_list_does_not_bring_back_what_was_deleted_meanwhile(httpserver: HTTPServer) -> None:
    """The page was read before the deletion, which the watch tells while the page is on its way."""
    feed, _ = informers()

    def answer(request: Request) -> Response:
        if request.path == PATH:
            feed.gone("actionruns", run("gone", 9))
        items = [run("gone", 5), run("kept", 6)] if request.path == PATH else []
        return Response(json.dumps({"metadata": {"resourceVersion": "8"}, "items": items}))

    for path in (*(f"/apis/pratique.dev/v1alpha1/{plural}" for plural in KINDS), "/api/v1/namespaces"):
        httpserver.expect_request(path).respond_with_handler(answer)
    async with Api(Connection(server=httpserver.url_for("").rstrip("/"))) as api:
        await feed.relist(api)
    assert feed._stores["actionruns"].names() == [("n", "kept")]
