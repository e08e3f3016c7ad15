"""The path of a request is that of the object which the reference names, or there is none."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from pratique.cluster.client import Api, ApiError, _answer
from pratique.cluster.connection import Connection
from pratique.core.kernel.effects import ObjectRef


def api() -> Api:
    made = Api(Connection("http://127.0.0.1:1"))
    made._kinds = {("v1", "ConfigMap"): ("configmaps", True), ("rbac/v1", "ClusterRole"): ("clusterroles", False)}
    return made


@pytest.mark.asyncio
async def test_the_path_is_that_of_the_object() -> None:
    assert await api().path_of(ObjectRef("v1", "ConfigMap", "a", "n")) == "/api/v1/namespaces/n/configmaps/a"
    assert (
        await api().path_of(ObjectRef("rbac/v1", "ClusterRole", "system:x"), named=False)
        == "/apis/rbac/v1/clusterroles"
    )


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("ref", "complaint"),
    [
        (ObjectRef("v1/namespaces/x", "ConfigMap", "a", "n"), "'namespaces/x' cannot be part of"),
        (ObjectRef("../api/v1", "ConfigMap", "a", "n"), "'..' cannot be part of"),
        (ObjectRef("v1?watch=true", "ConfigMap", "a", "n"), "'v1?watch=true' cannot be part of"),
        (ObjectRef("v1", "ConfigMap", "..", "n"), "'..' cannot be part of"),
        (ObjectRef("v1", "ConfigMap", "a%2fb", "n"), "'a%2fb' cannot be part of"),
        (ObjectRef("v1", "ConfigMap", "a", "n/secrets/x"), "'n/secrets/x' cannot be part of"),
        (ObjectRef("v1", "ConfigMap", "a"), "ConfigMap a needs metadata.namespace"),
        (
            ObjectRef("rbac/v1", "ClusterRole", "a", "n"),
            "ClusterRole is not in a namespace: leave metadata.namespace out",
        ),
    ],
)
async def test_what_would_lead_elsewhere_has_no_path(ref: ObjectRef, complaint: str) -> None:
    with pytest.raises(ApiError) as raised:
        await api().path_of(ref)
    assert raised.value.message.startswith(complaint) and not raised.value.transient


def test_an_answer_that_nobody_can_read_is_no_answer() -> None:
    for payload in (b"<html>", b'{"a":' * 5000 + b"1" + b"}" * 5000):
        with pytest.raises(ApiError, match="not an API server"):
            _answer(payload)


class Pages(Api):
    """An API server with so many pages of one item."""

    def __init__(self, number: int) -> None:
        super().__init__(Connection("http://127.0.0.1:1"))
        self.number, self.asked, self.answered = number, list[int](), list[int]()
        self.slow = asyncio.Event()
        self.slow.set()

    async def request(self, method: str, path: str, *_: object, **options: Any) -> dict[str, Any]:
        page = int(options["params"].get("continue", 0))
        self.asked.append(page)
        await self.slow.wait()
        self.answered.append(page)
        more = {"continue": str(page + 1)} if page + 1 < self.number else {}
        return {"metadata": {"resourceVersion": "7", **more}, "items": [{"page": page}]}


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [1, 2, 5])
async def test_pages_come_in_order_and_the_next_is_asked_for_before_one_is_given_out(number: int) -> None:
    api, got = Pages(number), list[int]()
    async for items, version in api.pages("/x"):
        assert version == "7" and api.asked == list(range(min(len(got) + 2, number)))
        got += [item["page"] for item in items]
    assert got == list(range(number)) == api.answered


@pytest.mark.asyncio
async def test_who_stops_listing_leaves_no_request_behind() -> None:
    api = Pages(5)
    pages = api.pages("/x")
    await anext(pages)
    api.slow.clear()
    assert isinstance(pages, AsyncGenerator)
    await pages.aclose()
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
