"""Receivers on loopback, one for each channel, that answer with raw bytes: what a hostile or broken one may send back."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]
"""Speaks with one client, and returns what it said."""


class Echo:
    """Use it in `with`; `got` is what each receiver was sent."""

    def __init__(self) -> None:
        self.got: defaultdict[str, list[bytes]] = defaultdict(list)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: list[asyncio.Server] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        """Take nobody any more, break off who is there, and let the connections be gone."""
        for server in self._servers:
            server.close()
        await asyncio.sleep(0)  # who was accepted just now has a task from then on
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for _ in range(8):
            await asyncio.sleep(0)

    def serve(self, name: str, talk: Talk, tls: ssl.SSLContext | None = None) -> int:
        """Start a receiver; return its port."""

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                    self.got[name].append(await talk(reader, writer))
                writer.close()
            except asyncio.CancelledError:
                writer.transport.abort()

        starting = asyncio.start_server(client, "127.0.0.1", 0, ssl=tls)
        server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])


def answering(answer: bytes) -> Talk:
    """Return a receiver that reads one HTTP request and answers so."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        request = await read_request(reader)
        writer.write(answer)
        await writer.drain()
        return request

    return talk


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Read one HTTP request, and say nothing until the client gives up."""
    request = await read_request(reader)
    await reader.read()
    return request


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Read one HTTP request and reset the connection."""
    request = await read_request(reader)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return request


async def greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Answer the first bytes, which begin TLS, in plain text."""
    first = await reader.read(1024)
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    await writer.drain()
    return first


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Return a request, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = [line.partition(b":") for line in head.lower().splitlines()]
    length = next((int(value) for name, _, value in fields if name == b"content-length"), 0)
    return head + await reader.readexactly(length)
