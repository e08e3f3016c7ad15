"""What Kopf has opened is closed with its loop, also where the other side does not say good-bye."""

import asyncio
from pathlib import Path
from unittest.mock import MagicMock

import aiohttp
from tests.doubles.certificates import Authority

from pratique.cluster.connection import Connection
from pratique.handlers.kopf_thread import Connections, login

WATCH = "/apis/pratique.dev/v1alpha1/actionruns?watch=true"
BEGIN = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a watch, and read nothing more: so no good-bye is answered either."""
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's own transports have it
    writer.write(BEGIN)
    await writer.drain()
    await asyncio.Event().wait()


async def test_a_watch_that_was_cancelled_is_closed_although_nobody_answers(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trusted = tmp_path / "ca.pem"
    trusted.write_text(authority.pem)
    writers: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await silent(reader, writer)

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=authority.serve("127.0.0.1"))
    port = server.sockets[0].getsockname()[1]
    opened = Connections()
    connection = Connection(server=f"https://127.0.0.1:{port}", ca_file=str(trusted))
    info = await login(connection, MagicMock(), opened)()

    async def watch() -> None:
        async with info.aiohttp_session.get(connection.server + WATCH) as answer:
            assert isinstance(answer, aiohttp.ClientResponse)
            await answer.content.readline()

    watching = asyncio.create_task(watch())
    while not opened.streams:
        await asyncio.sleep(0.01)
    sockets = [stream.get_extra_info("socket") for stream in opened.streams]
    watching.cancel()
    await asyncio.wait({watching})
    assert [each.fileno() for each in sockets if each.fileno() < 0] == [], (
        "it would be closed already, and prove nothing"
    )

    await opened.close(1.0)

    assert [each.fileno() for each in sockets] == [-1]
    for writer in writers:  # nobody else closes the other end, and the collector of a later test would say so
        writer.transport.abort()
    for _ in range(8):
        await asyncio.sleep(0)
    server.close()
