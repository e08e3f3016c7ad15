"""What the webhook answers over HTTP: strict, so that whatever is not understood is an error and never `allowed`."""

import asyncio
import base64
import io
import json
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession
from tests.doubles.serving import serving
from tests.unit.admission.test_stamp import GROUPS, ME, asked, run

from pratique.processes.webhook.server import MAX_BODY, Reviews


class Served:
    """The webhook without its TLS, and what it told its metrics."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.reviews = Reviews(lambda result, seconds: self.told.append(result))
        self.url = ""

    async def post(self, body: object, path: str = "/stamp", **options: Any) -> tuple[int, str, str]:
        headers = {"Content-Type": options.pop("content_type", "application/json")}
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with ClientSession() as session, session.post(self.url + path, data=data, headers=headers) as answer:
            return answer.status, await answer.text(), answer.headers.get("Connection", "")


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    webhook = Served()
    async with serving(webhook.reviews.app()) as port:
        webhook.url = f"http://127.0.0.1:{port}"
        yield webhook


def review(request: object = None, **changes: Any) -> dict[str, Any]:
    whole = asked("actionruns", "CREATE", run({})) if request is None else request
    if isinstance(whole, dict):
        whole = {"uid": "u-1", **whole}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": whole, **changes}


async def test_a_stamp_is_a_json_patch_under_the_uid_that_was_asked(served: Served) -> None:
    status, text, _ = await served.post(review())
    answer = json.loads(text)
    assert (status, answer["apiVersion"], answer["kind"]) == (200, "admission.k8s.io/v1", "AdmissionReview")
    response = answer["response"]
    assert (response["uid"], response["allowed"], response["patchType"]) == ("u-1", True, "JSONPatch")
    assert json.loads(base64.b64decode(response["patch"])) == [
        {"op": "add", "path": "/spec/requestedBy", "value": {"username": ME, "groups": GROUPS}}
    ]
    assert served.told == ["stamped"]


async def test_who_goes_away_in_the_middle_of_a_review_is_no_mistake_of_ours(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    head = "POST /stamp HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    _, writer = await asyncio.open_connection("127.0.0.1", int(served.url.rpartition(":")[2]))
    writer.write(head.encode())
    await writer.drain()
    await asyncio.sleep(0.05)  # the server waits for the rest of the body by now
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    while not served.told:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert (
        served.told == ["error"] and [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == []
    )


async def test_what_needs_no_stamp_is_allowed_without_a_patch(served: Served) -> None:
    status, text, _ = await served.post(review(asked("actionruns", "CREATE", run({"requestedBy": {}}))))
    assert (status, json.loads(text)["response"]) == (200, {"uid": "u-1", "allowed": True})
    assert served.told == ["unchanged"]


async def test_what_cannot_be_stamped_is_refused_with_a_sentence(served: Served) -> None:
    _, text, _ = await served.post(review(asked("secrets", "CREATE", run({}))))
    response = json.loads(text)["response"]
    assert response["allowed"] is False and response["status"]["code"] == 403
    assert "stamps no CREATE of pratique.dev/secrets" in response["status"]["message"]
    assert served.told == ["refused"]


DEEP = b'{"a":' * 200_000 + b"1" + b"}" * 200_000


@pytest.mark.parametrize(
    ("body", "options", "status"),
    [
        (review(), {"path": "/"}, 404),
        (review(), {"path": "/stamp/"}, 404),
        (review(), {"path": "/mutate"}, 404),
        (review(), {"content_type": "text/plain"}, 415),
        (review(), {"content_type": "application/json-patch+json"}, 415),
        (b"", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"{", {}, 400),
        (DEEP, {}, 400),
        ([], {}, 400),
        (review(kind="Review"), {}, 400),
        (review(apiVersion="admission.k8s.io/v1beta1"), {}, 400),
        (review(request=[]), {}, 400),
        (review(request={"uid": 1}), {}, 400),
        ({**review(), "request": None}, {}, 400),
        (b" " * (MAX_BODY + 1), {}, 413),
    ],
)
async def test_everything_else_is_an_error(served: Served, body: object, options: dict[str, Any], status: int) -> None:
    answer = await served.post(body, **options)
    assert answer[0] == status
    assert "allowed" not in answer[1]
    assert served.told in ([], ["error"])


async def test_another_method_is_an_error(served: Served) -> None:
    async with ClientSession() as session, session.get(served.url + "/stamp") as answer:
        assert answer.status == 405


async def test_a_mistake_of_ours_is_an_error(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> list[dict[str, Any]]:
        raise KeyError("a mistake")

    monkeypatch.setattr("pratique.processes.webhook.server.stamp", broken)
    status, text, _ = await served.post(review())
    assert status == 500 and "allowed" not in text
    assert served.told == ["error"]


async def test_clients_are_sent_elsewhere_when_it_stops(served: Served) -> None:
    assert (await served.post(review()))[2] != "close"
    served.reviews.closing = True
    assert (await served.post(review()))[2] == "close"


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("pratique.processes.operator", ["cryptography", "pratique.processes.webhook"]),
        ("pratique.processes.webhook.process", ["kopf", "cel_expr_python", "jsonschema"]),
        ("pratique.main", ["cryptography", "kopf"]),
    ],
)
def test_each_process_loads_only_its_own(module: str, absent: list[str]) -> None:
    program = f"import sys, {module}; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
