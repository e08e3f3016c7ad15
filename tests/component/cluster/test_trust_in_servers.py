"""Which API servers are trusted, by our client and by Kopf alike, on every Python; and what is said of those that are not.

Python 3.13 refuses certificates that Go accepts (`VERIFY_X509_STRICT`): a CA without keyUsage, certificates without
AuthorityKeyIdentifier. Older Pythons do not by themselves, so here all of them are made to.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import kopf
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from tests.doubles.certificates import Authority

from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import Connection
from pratique.handlers.kopf_thread import Connections, login

DAY = timedelta(days=1)
make_default = ssl.create_default_context


@pytest.fixture(autouse=True)
def _as_python_3_13(monkeypatch: pytest.MonkeyPatch) -> None:
    def strict(*args: Any, **options: Any) -> ssl.SSLContext:
        context = make_default(*args, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, lax=True)


@asynccontextmanager
async def serving(context: ssl.SSLContext | None) -> AsyncIterator[int]:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response({"kind": "ConfigMapList", "metadata": {"resourceVersion": "1"}, "items": []})

    server = RawTestServer(answer, skip_url_asserts=True)
    await server.start_server(ssl=context)
    try:
        yield server.port or 0
    finally:
        await server.close()


def connection(authority: Authority, port: int, host: str = "127.0.0.1") -> Connection:
    path = authority.folder / f"{authority.name}.crt"
    path.write_text(authority.pem)
    return Connection(f"https://{host}:{port}", ca_file=str(path))


async def ask(to: Connection) -> Any:
    async with Api(to) as api:
        return await api.request("GET", "/api/v1/configmaps")


async def refusal(to: Connection) -> str:
    with pytest.raises(ApiError) as refused:
        await ask(to)
    assert refused.value.code == 0
    return refused.value.message.replace(to.server, "SERVER")


class Nobody:
    """A sink that takes in nothing."""

    full = False

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


async def ask_as_kopf(to: Connection) -> int:
    opened = Connections()
    session = await login(to, Nobody(), opened)()
    assert isinstance(session, kopf.AiohttpSession)
    try:
        async with session.aiohttp_session.get(f"{to.server}/api/v1/configmaps") as answer:
            return answer.status
    finally:
        await opened.close(1)


async def test_certificates_that_go_accepts_are_accepted(authority: Authority) -> None:
    async with serving(authority.serve("127.0.0.1")) as port:
        to = connection(authority, port)
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):  # by what Python 3.13 does of its own accord
                await session.get(to.server, ssl=ssl.create_default_context(cafile=to.ca_file))
        assert (await ask(to))["items"] == []
        assert await ask_as_kopf(to) == 200


async def test_another_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path, name="Another CA")
    async with serving(other.serve("127.0.0.1")) as port:
        to = connection(authority, port)
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask_as_kopf(to)
        assert await refusal(to) == (
            "the certificate of the API server at SERVER is refused: unable to get local issuer certificate: is"
            " certificate-authority of the kubeconfig (in a Pod, ca.crt) that of this cluster"
        )


async def test_another_name_is_refused(authority: Authority) -> None:
    async with serving(authority.serve("api.example")) as port:
        assert await refusal(connection(authority, port)) == (
            "the certificate of the API server at SERVER is refused: it is for other names: the kubeconfig must say one of"
            " its names or addresses"
        )


async def test_an_expired_certificate_is_refused(authority: Authority) -> None:
    async with serving(authority.serve("127.0.0.1", begins=-2 * DAY, ends=-DAY)) as port:
        assert await refusal(connection(authority, port)) == (
            "the certificate of the API server at SERVER is refused: it has expired or is not valid yet: renew it, or set"
            " the clock here right"
        )


async def test_a_server_without_tls(authority: Authority) -> None:
    async with serving(None) as port:
        assert await refusal(connection(authority, port)) == (
            "SERVER does not speak TLS as an API server does: is it its address and port"
        )


@pytest.fixture
def free_port() -> Iterator[int]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


async def test_nobody_listens(free_port: int) -> None:
    assert await refusal(Connection(f"http://127.0.0.1:{free_port}")) == (
        "SERVER cannot be reached (connection refused): does the API server run, and is it its address and port"
    )


async def test_a_name_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    assert await refusal(Connection("http://api.example:6443")) == (
        "the host name of SERVER is not known here: check the kubeconfig's server, and DNS"
    )


async def test_a_server_that_hangs_up() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await refusal(Connection(f"http://127.0.0.1:{port}")) == (
            "the API server closed the connection before it had answered"
        )
