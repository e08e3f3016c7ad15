"""Who comes to lead has compared before what guards: only what changed since is read, and a change of anything is seen."""

import copy
from typing import Any

import pytest

from pratique.admission.expected import expected
from pratique.admission.values import GuardValues
from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import Connection
from pratique.guarding.canaries import canaries
from pratique.guarding.guard import Guard
from pratique.guarding.record import RECORD_NAME, ident_of, key_of, to_data

Json = dict[str, Any]
VALUES = GuardValues()
POLICY = "ValidatingAdmissionPolicy.pratique-decision"
RECORD = f"/api/v1/namespaces/pratique-system/configmaps/{RECORD_NAME}"


class Server(Api):
    """An API server with everything installed and on record; it refuses what it must."""

    def __init__(self, generation: int = 1) -> None:
        super().__init__(Connection("http://127.0.0.1:1"))
        self.there: dict[str, Json] = {}
        for manifest in expected(VALUES):
            live = copy.deepcopy(manifest)
            live["metadata"] |= {"uid": f"uid-{key_of(manifest)}", "generation": generation}
            self.there[key_of(manifest)] = live
            self._kinds[manifest["apiVersion"], manifest["kind"]] = (manifest["kind"], False)
        self._kinds["admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"] = ("webhooks", False)
        for canary in canaries(VALUES.operator):
            namespaced = "namespace" in canary.manifest["metadata"]
            self._kinds[canary.manifest["apiVersion"], canary.manifest["kind"]] = (canary.manifest["kind"], namespaced)
        self.data = to_data({key: ident_of(live) for key, live in self.there.items()})
        self.read: list[str] = []
        self.away = False
        self.accepts = ""

    async def request(self, method: str, path: str, body: object = None, **_: Any) -> Json:
        if self.away:
            raise ApiError(0, "Unreachable", "the API server did not answer")
        if method == "PUT":  # the record says that there is a gap
            return {"metadata": {"resourceVersion": "2"}}
        if method == "POST":
            return self._answer_canary(body)
        if path == RECORD:
            return {"metadata": {"resourceVersion": "1"}, "data": self.data}
        kind, name = [*path.split("/")[4:], ""][:2]
        key = f"{kind}.{name}"
        if not name:
            return {"items": [live for each, live in self.there.items() if each.startswith(key)]}
        if key not in self.there:
            raise ApiError(404, "NotFound", "it is not there")
        self.read.append(key)
        return self.there[key]

    def _answer_canary(self, body: object) -> Json:
        canary = next(each for each in canaries(VALUES.operator) if each.manifest == body)
        if canary.policy == self.accepts:
            return {}
        raise ApiError(422, "Invalid", canary.expected)

    def change(self, key: str, **spec: object) -> None:
        """Change what something does; the record knows of it."""
        self.there[key]["metadata"]["generation"] += 1
        self.there[key]["spec"] |= spec
        self.data[key] = str(ident_of(self.there[key]))


class Nothing:
    """Nothing is being deleted."""

    async def goes(self) -> str | None:
        return None

    async def work(self) -> None:
        raise AssertionError("there is nothing to work off")


class ToldError(Exception):
    """The guard said why nothing is decided."""


def guard(server: Server) -> Guard:
    def told(why: str | None) -> None:
        if why is not None:
            raise ToldError(why)

    async def sweep(_: str) -> None:
        raise AssertionError("there is no gap")

    return Guard(server, VALUES, sweep, told, Nothing())


async def test_a_standby_that_is_prepared_reads_nothing_again() -> None:
    server = Server()
    made = guard(server)
    await made.prepare()
    assert sorted(server.read) == sorted(server.there)
    server.read.clear()
    for _ in range(2):
        made.begin()
        await made.restored()
    assert server.read == []


async def test_only_what_changed_meanwhile_is_read_and_what_is_weaker_is_found() -> None:
    server = Server()
    made = guard(server)
    await made.prepare()
    server.read.clear()
    server.change(POLICY)
    await made.restored()
    assert server.read == [POLICY]
    server.change(POLICY, failurePolicy="Ignore")
    with pytest.raises(ToldError, match="failurePolicy is not the one of this version"):
        await made.restored()
    del server.there[POLICY]
    with pytest.raises(ToldError, match="pratique-decision"):
        await made.restored()


async def test_after_a_gap_everything_is_read_again() -> None:
    """An etcd that was put back may hold another policy under a version that was compared."""
    server = Server()
    made = guard(server)
    await made.prepare()
    server.read.clear()
    server.data["gap"] = "the record says so"
    with pytest.raises(ToldError, match="the record says so"):
        await made.restored()
    assert sorted(server.read) == sorted(server.there)


async def test_what_no_generation_is_counted_of_is_read_each_time() -> None:
    server = Server(generation=0)
    made = guard(server)
    await made.prepare()
    server.read.clear()
    await made.restored()
    assert sorted(server.read) == sorted(server.there)


async def test_what_was_different_when_it_was_compared_is_compared_again() -> None:
    server = Server()
    made = guard(server)
    server.there[POLICY]["spec"]["failurePolicy"] = "Ignore"
    await made.prepare()
    with pytest.raises(ToldError, match="failurePolicy is not the one of this version"):
        await made.restored()


async def test_a_canary_is_sent_all_the_same() -> None:
    server = Server()
    made = guard(server)
    await made.prepare()
    server.accepts = "pratique-decision"
    with pytest.raises(ToldError, match="its canary was accepted"):
        await made.restored()


async def test_an_api_server_that_is_away_keeps_nobody_from_standing_by() -> None:
    server = Server()
    made = guard(server)
    server.away = True
    await made.prepare()
    server.away = False
    await made.restored()
    assert sorted(server.read) == sorted(server.there)
