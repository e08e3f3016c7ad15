"""Of an answer that is larger than asked for the rest is not read, however it is packed; others are read as ever."""

import pytest
from aiohttp import web
from tests.doubles.serving import serving

from pratique.cluster.client import TOO_LARGE, Api, ApiError
from pratique.cluster.connection import Connection

KIB = 1024
FAR = 64 * KIB * KIB
"""What the server would write if somebody took it."""


@pytest.mark.asyncio
async def test_the_rest_of_a_large_answer_is_not_read() -> None:
    written, asked = [0], list[str]()

    async def endless(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers["Accept-Encoding"])
        response = web.StreamResponse(status=int(request.query["status"]))
        await response.prepare(request)
        while written[0] < FAR:
            await response.write(b"x" * 64 * KIB)
            written[0] += 64 * KIB
        return response

    async def small(request: web.Request) -> web.Response:
        return web.json_response({"kind": "ConfigMapList"})

    app = web.Application()
    app.router.add_get("/endless", endless)
    app.router.add_get("/small", small)
    async with serving(app) as port, Api(Connection(f"http://127.0.0.1:{port}")) as api:
        for status in ("200", "500"):
            written[0] = 0
            with pytest.raises(ApiError) as raised:
                await api.request("GET", "/endless", params={"status": status}, at_most=256 * KIB)
            assert (raised.value.reason, raised.value.transient) == (TOO_LARGE, False)
            assert written[0] < FAR / 2, "what is in buffers, and no more"
        assert asked == ["identity", "identity"], "nothing is unpacked, and nothing asked for again"
        assert await api.request("GET", "/small", at_most=256 * KIB) == {"kind": "ConfigMapList"}
        with pytest.raises(ApiError, match="the answer has more than 8 bytes"):
            await api.request("GET", "/small", at_most=8)


@pytest.mark.asyncio
async def test_of_a_long_log_the_end_is_kept() -> None:
    async def log(request: web.Request) -> web.Response:
        if "Impersonate-User" not in request.headers:
            return web.json_response({"kind": "Status", "reason": "Forbidden"}, status=403)
        assert request.headers["Accept-Encoding"] == "identity"
        return web.Response(body=b"begin\n" + b"x" * 512 * KIB + b"\nend \xff" + request.query["tailLines"].encode())

    app = web.Application()
    app.router.add_get("/log", log)
    async with serving(app) as port, Api(Connection(f"http://127.0.0.1:{port}")) as api:
        found = await api.tail("/log", {"tailLines": "3"}, run_as="maker", at_most=64 * KIB)
        assert found.endswith("xx\nend \ufffd3") and len(found.encode(errors="replace")) <= 64 * KIB + 2
        with pytest.raises(ApiError):
            await api.tail("/away", {}, run_as="maker", at_most=1)
