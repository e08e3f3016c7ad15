"""Where watches begin, and what lists and watches make of the cache together."""

import json
import re
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from pytest_httpserver import HTTPServer
from tests.doubles.clock import FakeClock
from werkzeug import Request, Response

from pratique.cluster.client import Api
from pratique.cluster.connection import Connection
from pratique.handlers.informers import Informers
from pratique.handlers.kinds import WATCHED, Key, new_stores
from pratique.handlers.kopf_thread import Connections, login
from pratique.handlers.memory import Parsed

PATH = "/apis/pratique.dev/v1alpha1/actionruns"
KINDS = ("actions", "actionruns", "approvals", "delegations", "environments", "notificationchannels")


def informers() -> tuple[Informers, list[Key]]:
    stores, woken = new_stores(), list[Key]()
    kinds = {kind.plural: kind(stores, Parsed()) for kind in WATCHED}

    def add(key: Key, *, at_leisure: bool = False) -> None:
        woken.append(key)

    return Informers(stores, kinds, add, lambda plural, body: None, FakeClock().steady), woken


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


GATES = PATH.replace("actionruns", "approvals")


def ended(body: dict[str, Any], version: int, **status: Any) -> dict[str, Any]:
    """Return what an object is when it has ended and is settled."""
    metadata = {**body["metadata"], "resourceVersion": str(version)}
    over = {"state": "Approved"} if "subject" in body["spec"] else {"phase": "Succeeded"}
    return {**body, "metadata": metadata, "status": {**body.get("status", {}), **over, "settled": True, **status}}


def followed(name: str, version: int, gate: str) -> dict[str, Any]:
    return {**run(name, version), "status": {"phase": "WaitingForApproval", "approvals": [{"name": gate}]}}


def gate(name: str, version: int, of: str) -> dict[str, Any]:
    subject = {"kind": "ActionRun", "name": of, "uid": f"uid-{of}"}
    return {**run(name, version), "spec": {"subject": subject}, "status": {"state": "Pending"}}


class Listed:
    """An API server with these runs and Approvals; it leaves out what is settled if it is asked to, and able to."""

    def __init__(self, server: HTTPServer, *objects: tuple[str, dict[str, Any]], selects: bool = True) -> None:
        self.objects = {(plural, body["metadata"]["name"]): body for plural, body in objects}
        self.selects, self.asked = selects, list[str]()
        self.meanwhile: Callable[[], None] = lambda: None
        self.before_read: Callable[[], None] = lambda: None
        for path in (*(f"/apis/pratique.dev/v1alpha1/{plural}" for plural in KINDS), "/api/v1/namespaces"):
            server.expect_request(path).respond_with_handler(self.answer)
        server.expect_request(re.compile(r".*/namespaces/n/.*")).respond_with_handler(self.read)
        self.api = Api(Connection(server=server.url_for("").rstrip("/")))

    def answer(self, request: Request) -> Response:
        plural = request.path.rpartition("/")[2]
        selector = request.args.get("fieldSelector")
        self.asked.append(f"{plural} {selector}" if selector else plural)
        if selector and not self.selects:
            return Response(json.dumps({"kind": "Status", "code": 400, "reason": "BadRequest"}), 400)
        found = [body for (kind, _), body in self.objects.items() if kind == plural]
        if selector:
            assert selector == "status.settled!=true"
            found = [body for body in found if not body.get("status", {}).get("settled")]
        answer = Response(json.dumps({"metadata": {"resourceVersion": "100"}, "items": found}))
        self.meanwhile()
        return answer

    def read(self, request: Request) -> Response:
        plural, name = request.path.split("/")[-2:]
        self.asked.append(f"{plural}/{name}")
        self.before_read()
        body = self.objects.get((plural, name))
        if body is None:
            return Response(json.dumps({"kind": "Status", "code": 404, "reason": "NotFound"}), 404)
        return Response(json.dumps(body))

    async def list(self, feed: Informers, **how: bool) -> None:
        self.asked.clear()
        async with self.api:
            await feed.relist(self.api, **how)


def names(feed: Informers, plural: str) -> list[str]:
    return sorted(name for _, name in feed._stores[plural].names())


async def test_a_start_leaves_out_what_is_settled_but_for_what_open_runs_need(httpserver: HTTPServer) -> None:
    feed, _ = informers()
    server = Listed(
        httpserver,
        *(("actionruns", ended(run(f"old-{number}", 1), 2)) for number in range(5)),
        *(("approvals", ended(gate(f"old-{number}", 1, f"old-{number}"), 2)) for number in range(5)),
        ("actionruns", followed("held", 3, "open")),
        ("approvals", gate("open", 4, "held")),
        ("actionruns", followed("granted", 5, "granted")),
        ("approvals", ended(gate("granted", 6, "granted"), 7, state="Approved")),
    )
    await server.list(feed)
    assert (names(feed, "actionruns"), names(feed, "approvals")) == (["granted", "held"], ["granted", "open"])
    assert [each for each in server.asked if "/" in each] == ["approvals/granted"]
    await server.list(feed)
    assert names(feed, "approvals") == ["granted", "open"]


async def test_an_api_server_that_cannot_select_lists_all_and_the_cache_is_as_small(httpserver: HTTPServer) -> None:
    feed, _ = informers()
    settled = ended(run("old", 1), 2)
    server = Listed(httpserver, ("actionruns", settled), ("actionruns", run("open", 3)), selects=False)
    await server.list(feed)
    assert names(feed, "actionruns") == ["open"]
    assert [each for each in server.asked if each.startswith("actionruns")] == [
        "actionruns status.settled!=true",
        "actionruns",
    ]


async def test_after_a_gap_of_the_guard_everything_is_seen(httpserver: HTTPServer) -> None:
    """A gate that says that it has ended is in the cache if its run still waits, whatever the run says of its gates."""
    feed, _ = informers()
    forged = ended(gate("forged", 6, "waits"), 7, state="Approved")
    server = Listed(
        httpserver, ("actionruns", run("waits", 3)), ("approvals", forged), ("approvals", ended(gate("old", 1, "x"), 2))
    )
    await server.list(feed)
    assert names(feed, "approvals") == []
    await server.list(feed, everything=True)
    assert names(feed, "approvals") == ["forged"]
    assert all("settled" not in each for each in server.asked)


async def test_what_a_list_does_not_show_any_more_has_ended_or_is_gone(httpserver: HTTPServer) -> None:
    feed, woken = informers()
    server = Listed(
        httpserver,
        *(("actionruns", run(name, 3)) for name in ("ends", "goes", "stays")),
        ("approvals", gate("g", 4, "x")),
    )
    await server.list(feed)
    server.objects["actionruns", "ends"] = ended(run("ends", 3), 8, phase="Succeeded")
    del server.objects["actionruns", "goes"]
    server.objects["approvals", "g"] = {**gate("g", 9, "x"), "status": {"state": "Declined"}}
    woken.clear()
    await server.list(feed)
    assert names(feed, "actionruns") == ["stays"] and names(feed, "approvals") == ["g"]
    assert ("actionruns", "n", "goes") in woken and ("approvals", "n", "g") in woken
    assert sorted(each for each in server.asked if "/" in each) == ["actionruns/ends", "actionruns/goes"]


async def test_many_that_have_ended_at_once_are_listed_and_not_read_one_by_one(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pratique.handlers.informers._MANY", 3)
    feed, _ = informers()
    server = Listed(httpserver, *(("actionruns", run(f"r-{number}", 3)) for number in range(5)))
    await server.list(feed)
    server.objects = {key: ended(body, 8) for key, body in server.objects.items()}
    await server.list(feed)
    assert names(feed, "actionruns") == [] and not [each for each in server.asked if "/" in each]


def test_what_is_settled_stays_until_the_watch_shows_it() -> None:
    """A watch may be behind our own write: an older version that it brings must find the newer one."""
    feed, woken = informers()
    waiting, its_gate = followed("a", 3, "g"), gate("g", 4, "a")
    feed.told("actionruns", waiting, deleted=False)
    feed.told("approvals", its_gate, deleted=False)
    feed.told("approvals", ended(its_gate, 6, state="Approved"), deleted=False)
    assert names(feed, "approvals") == ["g"], "its run needs it"
    settled = ended(waiting, 9, phase="Succeeded")
    feed.written("actionruns", settled)
    feed.told("actionruns", {**waiting, "metadata": {**waiting["metadata"], "resourceVersion": "8"}}, deleted=False)
    assert feed._stores["actionruns"].version(("n", "a")) == 9
    feed.told("actionruns", settled, deleted=False)
    assert names(feed, "actionruns") == names(feed, "approvals") == []
    woken.clear()
    feed.written("actionruns", settled)
    feed.told("actionruns", ended(waiting, 12), deleted=False)
    assert names(feed, "actionruns") == [] and woken == []
    feed.told("actionruns", run("a", 13), deleted=False)
    assert woken == [("actionruns", "n", "a")], "its status was set back: it is looked at"


def test_a_run_that_is_deleted_takes_its_settled_gates_along() -> None:
    feed, _ = informers()
    waiting = followed("a", 3, "g")
    feed.told("actionruns", waiting, deleted=False)
    feed.told("approvals", ended(gate("g", 4, "a"), 6), deleted=False)
    feed.told("approvals", gate("h", 5, "a"), deleted=False)
    feed.told("actionruns", waiting, deleted=True)
    assert names(feed, "approvals") == ["h"], "that one has to end yet"
    feed.told("approvals", ended(gate("h", 5, "a"), 7), deleted=False)
    assert names(feed, "approvals") == []


async def test_a_page_that_is_older_does_not_bring_back_what_is_settled(httpserver: HTTPServer) -> None:
    feed, _ = informers()
    server = Listed(httpserver, ("actionruns", run("a", 3)))
    server.meanwhile = lambda: feed.told("actionruns", ended(run("a", 3), 8), deleted=False)
    await server.list(feed)
    assert names(feed, "actionruns") == []


async def test_what_only_says_that_it_is_settled_is_kept_and_seen_where_everything_is_listed(
    httpserver: HTTPServer,
) -> None:
    """A forged word takes nobody's request out of sight: it is no end."""
    feed, woken = informers()
    forged = {**followed("a", 3, "g"), "status": {"phase": "WaitingForApproval", "settled": True}}
    its_gate = {**gate("g", 4, "a"), "status": {"state": "Pending", "settled": True}}
    server = Listed(httpserver, ("actionruns", forged), ("approvals", its_gate))
    await server.list(feed, everything=True)
    assert (names(feed, "actionruns"), names(feed, "approvals")) == (["a"], ["g"])
    feed.told("actionruns", {**forged, "metadata": {**forged["metadata"], "resourceVersion": "5"}}, deleted=False)
    assert names(feed, "actionruns") == ["a"] and ("actionruns", "n", "a") in woken
    await server.list(feed)
    assert (names(feed, "actionruns"), names(feed, "approvals")) == (["a"], ["g"]), "they are read by their names"


async def test_an_answer_that_is_older_than_the_watch_does_not_bring_back_what_is_gone(httpserver: HTTPServer) -> None:
    feed, _ = informers()
    server = Listed(httpserver, ("actionruns", run("a", 3)))
    await server.list(feed)
    server.objects["actionruns", "a"] = {**run("a", 5), "status": {"settled": True, "phase": "Running"}}
    server.before_read = lambda: feed.told("actionruns", run("a", 6), deleted=True)
    await server.list(feed)
    assert [each for each in server.asked if "/" in each] == ["actionruns/a"]
    assert names(feed, "actionruns") == []


def test_what_a_look_has_read_is_known_from_then_on_and_wakes_whom_it_concerns() -> None:
    feed, woken = informers()
    settled = ended(gate("g", 4, "a"), 6)
    feed.read("approvals", settled)
    assert names(feed, "approvals") == [] and woken == [], "nobody follows it"
    feed.told("actionruns", followed("a", 3, "g"), deleted=False)
    woken.clear()
    feed.read("approvals", settled)
    assert names(feed, "approvals") == ["g"] and ("actionruns", "n", "a") in woken
    feed.told("approvals", settled, deleted=True)
    feed.read("approvals", settled)
    assert names(feed, "approvals") == [], "it was deleted since"


def test_an_end_that_was_let_go_is_remembered_and_a_run_that_was_deleted_before_is_none() -> None:
    feed, _ = informers()
    memory = feed._kinds["actionruns"].memory  # type: ignore[attr-defined]
    feed.told("actionruns", run("a", 3), deleted=False)
    feed.told("actionruns", ended(run("a", 3), 4, phase="Declined"), deleted=False)
    feed.told("actionruns", run("b", 5), deleted=False)
    feed.told("actionruns", run("b", 6), deleted=True)
    assert (memory.ended("uid-a"), memory.ended("uid-b")) == ("Declined", None)


def test_somebody_edits_what_is_settled_and_it_stays_out_of_memory() -> None:
    feed, _ = informers()
    for body in (
        ended(run("a", 3), 4),
        ended({**run("a", 3), "metadata": {**run("a", 3)["metadata"], "labels": {"x": "y"}}}, 9),
    ):
        feed.told("actionruns", body, deleted=False)
        assert names(feed, "actionruns") == []
    feed.told("actionruns", ended(run("a", 3), 9), deleted=True)
    feed.told("approvals", ended(gate("g", 2, "a"), 8), deleted=False)
    feed.told("approvals", ended(gate("g", 2, "a"), 8), deleted=True)
    assert names(feed, "actionruns") == names(feed, "approvals") == []


def test_what_we_write_ourselves_is_no_news_when_its_watch_tells_it_before_the_answer() -> None:
    seen, woken = informers()
    key = ("actionruns", "n", "a")
    seen.told("actionruns", run("a", 5), deleted=False)
    with seen.writing(key):
        seen.told("actionruns", run("a", 6), deleted=False)
        seen.written("actionruns", run("a", 6))
    assert woken == [key], "when it was made, and no more"
    with seen.writing(key):
        seen.written("actionruns", run("a", 7))
    seen.told("actionruns", run("a", 7), deleted=False)
    assert woken == [key]


@pytest.mark.parametrize("others", [(6,), (8,), (6, 8)], ids=["before", "after", "both"])
def test_what_others_write_meanwhile_wakes_it_when_our_write_is_over(others: tuple[int, ...]) -> None:
    seen, woken = informers()
    with seen.writing(("actionruns", "n", "a")):
        for version in sorted({7, *others}):
            seen.told("actionruns", run("a", version), deleted=False)
        seen.written("actionruns", run("a", 7))
        assert not woken
    assert woken == [("actionruns", "n", "a")]


def test_a_write_without_an_answer_is_looked_for_and_one_object_waits_for_no_other() -> None:
    seen, woken = informers()
    with pytest.raises(OSError, match="cut off"), seen.writing(("actionruns", "n", "a")):
        seen.told("actionruns", run("a", 6), deleted=False)
        seen.told("actionruns", run("b", 7), deleted=False)
        assert woken == [("actionruns", "n", "b")]
        raise OSError("cut off")
    assert woken == [("actionruns", "n", "b"), ("actionruns", "n", "a")]
    with seen.writing(("actionruns", "n", "a")):
        seen.told("actionruns", run("a", 8), deleted=True)
    assert woken[2:] == [("actionruns", "n", "a")], "that it is gone is heard at once"
