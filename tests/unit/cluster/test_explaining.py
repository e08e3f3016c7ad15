"""Why an object failed is read as the account, in few requests, and whatever cannot be read is left out."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

import pratique.cluster.explaining as subject
from pratique.cluster.client import TOO_LARGE, Api, ApiError
from pratique.cluster.connection import Connection
from pratique.core.kernel.explaining import Circumstances, Explain

pytestmark = pytest.mark.asyncio
Json = dict[str, Any]
WHERE = "/api/v1/namespaces/team-a"
SETS = "/apis/apps/v1/namespaces/team-a/replicasets"
METADATA: Json = {"name": "it", "namespace": "team-a", "uid": "u1"}
JOB: Json = {"kind": "Job", "metadata": METADATA, "spec": {"selector": {"matchLabels": {"a": "1"}}}}
CLAIM: Json = {"kind": "PersistentVolumeClaim", "metadata": METADATA}
DENIED, AWAY = ApiError(403, "Forbidden", "no"), ApiError(500, "InternalError", "no")


def pod(owner: str = "u1", kind: str = "Job", *, code: int = 0) -> Json:
    state = {"terminated": {"exitCode": code}} if code else {"running": {}}
    status = {"containerStatuses": [{"name": "c", "state": state}]}
    owners = [{"kind": kind, "uid": owner, "controller": True}]
    return {"metadata": {"name": "p", "uid": "u2", "ownerReferences": owners}, "status": status}


class Server(Api):
    """Answers by path, and notes what is asked."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        super().__init__(Connection("http://127.0.0.1:1"))
        self._kinds = {("v1", "Secret"): ("secrets", True)}
        self.answers, self.asked = answers, list[tuple[str, Any, Any]]()

    async def request(self, method: str, path: str, body: Any = None, *_: object, **more: Any) -> Json:
        assert (method, body) == ("GET", None)
        if "/secrets/" in path:
            return dict(self._answer(path, None, more["run_as"]))
        assert more["at_most"] == 512 * 1024
        return {"items": self._answer(path, more["params"], more["run_as"])}

    async def tail(self, path: str, params: dict[str, str], *, run_as: str, at_most: int) -> str:
        assert at_most == 64 * 1024
        return str(self._answer(path, params, run_as))

    def _answer(self, path: str, params: dict[str, str] | None, run_as: str) -> Any:
        self.asked.append((path, params, run_as))
        answer = self.answers.get(path, [])
        if callable(answer):
            answer = answer(params)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]


async def explained(server: Server, live: Json = JOB, logs: int = 0) -> Circumstances:
    found = await subject.explain(server, Explain("explain/it", live, "maker", logs))
    assert {run_as for _, _, run_as in server.asked} <= {"maker"}
    assert len(server.asked) <= 5
    return found


async def test_a_pod_that_says_why_is_enough() -> None:
    failed = pod(code=3)
    server = Server({f"{WHERE}/pods": [pod("stranger", code=1), failed]})
    assert await explained(server) == Circumstances(failed)
    selected = {"labelSelector": "a=1", "fieldSelector": "status.phase!=Succeeded", "limit": "20"}
    assert server.asked == [(f"{WHERE}/pods", selected, "maker")]


async def test_a_pod_below_a_replica_set_is_the_deployments_if_that_set_is() -> None:
    mine = {"metadata": {"uid": "set", "ownerReferences": [{"kind": "Deployment", "uid": "u1", "controller": True}]}}
    other = {"metadata": {"uid": "other", "ownerReferences": [{"kind": "Deployment", "uid": "u9", "controller": True}]}}
    failed = pod("set", "ReplicaSet", code=1)
    pods = [pod("other", "ReplicaSet", code=2), failed]
    server = Server({f"{WHERE}/pods": pods, SETS: [mine, other]})
    assert await explained(server) == Circumstances(failed)
    assert server.paths == [f"{WHERE}/pods", SETS]
    own = pod("u1", "ReplicaSet", code=1)
    server = Server({f"{WHERE}/pods": [own]})
    assert await explained(server) == Circumstances(own), "the object is the set"
    assert server.paths == [f"{WHERE}/pods"]


async def test_warnings_are_read_where_the_pod_is_silent_first_its_own() -> None:
    old, new = ({"message": word, "lastTimestamp": when} for word, when in (("old", "1"), ("new", "2")))
    newest, undated = {"message": "newest", "series": {"lastObservedTime": "3"}}, {"message": "undated"}

    def events(params: dict[str, str]) -> Any:
        assert params["limit"] == "100"
        return [old, undated, newest, new] if "=u1," in params["fieldSelector"] else []

    silent = pod()
    server = Server({f"{WHERE}/pods": [silent], f"{WHERE}/events": events})
    assert await explained(server) == Circumstances(silent, (newest, new, old, undated))
    asked = [params["fieldSelector"] for path, params, _ in server.asked if path.endswith("events")]
    assert asked == [f"involvedObject.uid={uid},type=Warning" for uid in ("u2", "u1")]
    server = Server({f"{WHERE}/events": [new]})
    assert await explained(server, CLAIM) == Circumstances(events=(new,))
    assert server.paths == [f"{WHERE}/events"], "it has no pods"


async def test_a_pod_itself_is_not_looked_for() -> None:
    failed = {**pod(code=1), "apiVersion": "v1", "kind": "Pod"}
    failed["metadata"]["namespace"] = "team-a"
    server = Server({})
    assert await explained(server, failed) == Circumstances(failed)
    assert server.asked == []


def uses(*names: str) -> Json:
    return {**pod(code=1), "spec": {"containers": [{"envFrom": [{"secretRef": {"name": name}} for name in names]}]}}


async def test_what_its_words_must_not_repeat_is_read_before_them() -> None:
    using, secret = uses("may", "may-not", "gone"), {"data": {"p": "aHVudGVyMg=="}}
    missing = ApiError(404, "NotFound", "no")
    paths = [f"{WHERE}/secrets/{name}" for name in ("may", "may-not", "gone")]
    server = Server({f"{WHERE}/pods": [using], **dict(zip(paths, (secret, DENIED, missing), strict=True))})
    assert await explained(server) == Circumstances(using, secrets=(secret,)), "nobody is asked to give that right"
    assert server.paths == [f"{WHERE}/pods", *paths]


async def test_where_that_is_not_known_the_pod_is_not_quoted() -> None:
    server = Server({f"{WHERE}/pods": [uses("busy")], f"{WHERE}/secrets/busy": AWAY})
    assert await explained(server, logs=1) == Circumstances()
    many = uses(*(f"s{number}" for number in range(9)))
    assert await explained(Server({f"{WHERE}/pods": [many]}), logs=1) == Circumstances()


async def test_a_log_is_read_where_it_is_asked_for() -> None:
    failed = pod(code=1)
    server = Server({f"{WHERE}/pods": [failed], f"{WHERE}/pods/p/log": "the end"})
    assert (await explained(server, logs=9)).log == "the end"
    assert server.asked[1][1] == {"container": "c", "tailLines": "9"}
    anew = pod()
    anew["status"]["containerStatuses"][0]["lastState"] = {"terminated": {"exitCode": 1}}
    server = Server({f"{WHERE}/pods": [anew], f"{WHERE}/pods/p/log": DENIED})
    found = await explained(server, logs=9)
    assert (found.log, found.unread) == ("", ("get on pods/log",))
    assert server.asked[1][1]["previous"] == "true"


@pytest.mark.parametrize(
    ("denied", "unread"),
    [
        (f"{WHERE}/pods", ("list on pods",)),
        (SETS, ("list on replicasets",)),
        (f"{WHERE}/events", ("list on events",)),
    ],
)
async def test_a_right_that_is_missing_is_named(denied: str, unread: tuple[str, ...]) -> None:
    answers = {f"{WHERE}/pods": [pod("set", "ReplicaSet")], denied: DENIED}
    assert (await explained(Server(answers))).unread == unread
    assert (await explained(Server({**answers, denied: AWAY}))).unread == (), "that is nobody's to mend"


async def test_pods_that_are_too_large_are_asked_for_in_smaller_pages() -> None:
    def too_large(params: dict[str, str]) -> Any:
        return ApiError(413, TOO_LARGE, "no") if params["limit"] == "20" else [failed]

    failed = pod(code=1)
    assert (await explained(Server({f"{WHERE}/pods": too_large}))).pod == failed
    huge = Server({f"{WHERE}/pods": ApiError(413, TOO_LARGE, "no")})
    assert await explained(huge) == Circumstances()


async def test_what_takes_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Server):
        async def tail(self, path: str, params: dict[str, str], *, run_as: str, at_most: int) -> str:
            await asyncio.Event().wait()
            raise AssertionError("it ends only by being cut off")

    monkeypatch.setattr(subject, "_SECONDS", 0.01)
    failed = pod(code=1)
    assert await explained(Slow({f"{WHERE}/pods": [failed]}), logs=1) == Circumstances(failed)
