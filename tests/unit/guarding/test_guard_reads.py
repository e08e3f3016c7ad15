"""What guards is read by one list a kind, which counts for those alone who had seen their decision before it was sent."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from pratique.admission.expected import refs
from pratique.admission.values import GuardValues
from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import Connection
from pratique.core.kernel.effects import ObjectRef, Verified
from pratique.guarding.canaries import canaries, in_turn
from pratique.guarding.guard import Guard
from pratique.guarding.reads import RecordStore, idents
from pratique.guarding.record import Ident

GROUP = "admissionregistration.k8s.io/v1"
KINDS = {"Policy": "policies", "Binding": "bindings"}
REFS = [ObjectRef(GROUP, kind, name) for kind in KINDS for name in ("a", "b")]
Json = dict[str, Any]


class Server(Api):
    """An API server that holds policies and bindings; it answers when it is let, with what there is when it was asked."""

    def __init__(self) -> None:
        super().__init__(Connection("http://127.0.0.1:1"))
        self._kinds = {(GROUP, kind): (plural, False) for kind, plural in KINDS.items()}
        self.there = {(plural, name): 1 for plural in KINDS.values() for name in ("a", "b")}
        self.unlabelled: set[tuple[str, str]] = set()
        self.list_code = 200
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    async def request(self, method: str, path: str, *more: object, **options: Any) -> Json:
        plural, _, name = path.removeprefix(f"/apis/{GROUP}/").partition("/")
        self.asked.append(f"{plural}/{name}" if name else plural)
        now = dict(self.there)
        await self.open.wait()
        if name:
            if (plural, name) not in now:
                raise ApiError(404, "NotFound", "it is not there")
            return self._shown(name, now[plural, name])
        if self.list_code != 200:
            raise ApiError(self.list_code, "Forbidden" if self.list_code == 403 else "Other", "no list")
        assert options["params"]["labelSelector"] == "app.kubernetes.io/part-of=pratique"
        assert "PartialObjectMetadataList" in options["accept"]
        items = [
            self._shown(key[1], generation)
            for key, generation in now.items()
            if key[0] == plural and key not in self.unlabelled
        ]
        return {"items": [*items, self._shown("another", 7)]}

    @staticmethod
    def _shown(name: str, generation: int) -> Json:
        return {"metadata": {"name": name, "uid": f"uid-{name}", "generation": generation}}


def seen(**changed: int) -> dict[str, Ident]:
    """Return all that there is, each in its first generation but for those that are named."""
    return {f"{ref.kind}.{ref.name}": Ident(f"uid-{ref.name}", changed.get(ref.name, 1)) for ref in REFS}


@pytest.mark.asyncio
async def test_one_list_a_kind_tells_all() -> None:
    server = Server()
    assert await idents(server, REFS) == seen()
    assert sorted(server.asked) == ["bindings", "policies"]


@pytest.mark.asyncio
async def test_what_the_list_does_not_show_is_read_by_its_name() -> None:
    server = Server()
    server.unlabelled = {("policies", "b")}
    del server.there["bindings", "a"]
    found = seen()
    del found["Binding.a"]
    assert await idents(server, REFS) == found
    assert sorted(server.asked) == ["bindings", "bindings/a", "policies", "policies/b"]


@pytest.mark.asyncio
async def test_a_role_of_the_version_before_may_not_list() -> None:
    server = Server()
    server.list_code = 403
    assert await idents(server, REFS) == seen()
    server.list_code = 500
    with pytest.raises(ApiError, match="no list"):
        await idents(server, REFS)


class Nothing:
    """Nothing is being deleted."""

    async def goes(self) -> str | None:
        return None

    async def work(self) -> None:
        raise AssertionError("there is nothing to work off")


def guard(server: Server, told: list[str | None]) -> Guard:
    """Return a guard that has everything on record."""

    async def sweep(_: str) -> None:
        """Nothing waits."""

    made = Guard(server, GuardValues(), sweep, told.append, Nothing())
    made._refs, made._proving, made._record = list(REFS), list(REFS), seen()
    return made


async def _turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_a_list_that_was_sent_before_a_decision_was_seen_does_not_count_for_it() -> None:
    """The race: a list is on its way, a policy is changed, a decision is forged and seen. Only the next list tells."""
    server = Server()
    asked = guard(server, [])
    server.open.clear()
    early = asyncio.create_task(asked.verify())
    await _turns()
    server.there["policies", "a"] = 2
    late = [asyncio.create_task(asked.verify()) for _ in range(50)]
    await _turns()
    assert sorted(server.asked) == ["bindings", "policies"], "one list at a time"
    server.open.set()
    assert (await early) == Verified(), "what it had seen was there before the change"
    why = "Policy a was changed (generation 2; on record is 1)"
    assert await asyncio.gather(*late) == [Verified(why)] * 50
    assert sorted(server.asked) == ["bindings", "bindings", "policies", "policies"], "one more for all fifty"


@pytest.mark.asyncio
async def test_each_decision_is_followed_by_a_list_that_began_after_it() -> None:
    """Whenever they come: between being seen and being believed, every kind was asked for anew."""
    server = Server()
    asked = guard(server, [])

    async def decide(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        before = len(server.asked)
        assert (await asked.verify()) == Verified()
        assert {"bindings", "policies"} <= set(server.asked[before:])

    await asyncio.gather(*(decide(turns) for turns in range(60)))
    assert len(server.asked) < 60, "they were shared"


@pytest.mark.asyncio
async def test_a_decision_does_not_wait_for_what_only_stamps_and_a_look_now_and_then_shows_it() -> None:
    server, told = Server(), list[str | None]()
    asked = guard(server, told)
    asked._proving = [ref for ref in REFS if ref.kind == "Policy"]
    server.there["bindings", "a"] = 2
    assert (await asked.verify()) == Verified() and server.asked == ["policies"]
    server.there["policies", "a"] = 2
    assert (await asked.verify()) == Verified("Policy a was changed (generation 2; on record is 1)")
    asked._alarm.clear()
    server.there["policies", "a"] = 1
    assert (await asked._look(asked._refs)) == Verified("Binding a was changed (generation 2; on record is 1)")
    assert asked._alarm.is_set()


def test_what_a_decision_rests_on_are_all_that_guards_but_for_the_stamps() -> None:
    proving = refs(GuardValues(), older=True)
    assert {each.kind for each in refs(GuardValues()) if each not in proving} == {
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
    }


@pytest.mark.asyncio
async def test_who_gives_up_waiting_takes_the_list_from_nobody() -> None:
    server = Server()
    asked = guard(server, [])
    server.open.clear()
    impatient, patient = (asyncio.create_task(asked.verify()) for _ in range(2))
    await _turns()
    impatient.cancel()
    server.open.set()
    assert (await patient) == Verified()
    with pytest.raises(asyncio.CancelledError):
        await impatient


def test_the_canaries_take_turns_and_each_look_has_one_that_must_be_stamped() -> None:
    looks = [in_turn("op", turn) for turn in range(5)]
    assert all(first.policy in ("pratique-requester", "pratique-decision") for first, _ in looks)
    assert {each.policy for look in looks for each in look} == {each.policy for each in canaries("op")}


@pytest.mark.asyncio
async def test_when_the_record_was_written_is_said_by_the_api_server_and_told_with_what_is_verified() -> None:
    """Its own field manager writes more than once; the latest counts, and nothing is said beside a gap."""
    store, early, late = RecordStore(Written(), "pratique-system"), "2026-11-24T12:00:00Z", "2026-11-24T12:00:05Z"
    assert (await store.read(), store.written_at) == ({}, None)
    store._take({"metadata": {"managedFields": [{"time": early}, {"time": late}, {"manager": "x"}]}})
    assert store.written_at == datetime.fromisoformat(late)
    await store.write({})
    assert store.written_at == datetime.fromisoformat(early)
    server = Server()
    asked = guard(server, [])
    asked._since = store.written_at
    assert (await asked.verify()) == Verified(since=store.written_at)
    server.there["policies", "a"] = 2
    gap = await asked.verify()
    assert isinstance(gap, Verified) and gap.gap and gap.since is None


class Written(Api):
    """An API server with no record, that takes one."""

    def __init__(self) -> None:
        """Reach nothing."""

    async def request(self, method: str, path: str, *_: Any, **__: Any) -> Json:
        if method == "GET":
            raise ApiError(404, "NotFound", "no")
        return {"metadata": {"resourceVersion": "1", "managedFields": [{"time": "2026-11-24T12:00:00Z"}]}}
