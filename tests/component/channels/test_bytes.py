"""What a URL says arrives byte by byte: read from the socket, since a framework's own parsing would hide the difference."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.support.channelling import URL, told_by

TYPES: dict[str, dict[str, Any]] = {
    "msteams": {"msteams": {"workflowUrlSecretRef": URL}},
    "slack": {"slack": {"webhookUrlSecretRef": URL}},
    "webhook": {"webhook": {"urlSecretRef": URL}},
}
WORKFLOW = (
    "/powerautomate/automations/direct/cu/24/workflows/0f9d/triggers/manual/paths/invoke/"
    "?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=fK_J-x%2Bz%3D~a"
)
TARGETS = [
    WORKFLOW,
    "/a%2Fb/%7euser/~user/x%2fy",
    "/?sig=a+b%20c%2Bd&lower=%e2%82%ac&upper=%E2%82%AC",
    "/./a/../b//c/;p=1/@:!$&'()*,",
    "/x?a=1&a=2&&=&b=?/&c=%zz&d=%",
    "/x?q=%41%5A%2D%2E%5F%7E",
    "/x?q=a%0Ab%00",
    "/%",
    '/x?a="<>[]{}|\\^`',
    "/x?redirect=https://example.com/?a=b%26c",
]


@asynccontextmanager
async def listening(body: str) -> AsyncIterator[tuple[int, list[bytes]]]:
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heads
    finally:
        server.close()


async def target(kind: str, rest: str, before: str = "") -> tuple[str, str]:
    """Return what stood in the request's first line, and its whole head."""
    async with listening("ok") as (port, heads):
        url = f"http://{before}127.0.0.1:{port}{rest}"
        assert (await told_by(TYPES[kind], {"receiver/url": url})).sent
    head = heads[0].decode("latin-1")
    return head.split("\r\n", 1)[0].removeprefix("POST ").removesuffix(" HTTP/1.1"), head


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("rest", TARGETS)
async def test_path_and_query_arrive_as_they_are_written(kind: str, rest: str) -> None:
    assert (await target(kind, rest))[0] == rest


@pytest.mark.parametrize(
    ("rest", "arrives"),
    [("", "/"), ("?sig=%7E%2f", "/?sig=%7E%2f"), ("/a%2Fb#part", "/a%2Fb"), ("/ü?ö=%2F", "/%C3%BC?%C3%B6=%2F")],
)
async def test_what_has_to_be_written_otherwise(rest: str, arrives: str) -> None:
    assert (await target("webhook", rest))[0] == arrives


async def test_user_and_password_of_a_url_are_a_header() -> None:
    arrived, head = await target("webhook", "/a%2Fb?c=%7E", "robot:p%40ss@")
    assert arrived == "/a%2Fb?c=%7E"
    assert "Authorization: Basic cm9ib3Q6cEBzcw==" in head
