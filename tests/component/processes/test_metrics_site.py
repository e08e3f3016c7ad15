"""/metrics over TLS: for whom the API server vouches and who may read it, with a certificate that can be exchanged."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from tests.doubles.certificates import Authority
from tests.doubles.clock import FakeClock

from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import Connection
from pratique.processes.metrics_site import MetricsCertificateError, MetricsPort, MetricsSite
from pratique.processes.scrapers import Scrapers

LOCAL = "127.0.0.1"


class Reviewer(Api):
    """An API server that knows some tokens: by each, the name of its user and whether that may read /metrics."""

    def __init__(self, **known: tuple[str, bool]) -> None:
        super().__init__(Connection("http://127.0.0.1:1"))
        self.known, self.asked, self.away = known, list[str](), False
        self.hold: asyncio.Event | None = None

    async def request(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        assert method == "POST"
        self.asked.append(body["kind"])
        if self.hold is not None:
            await self.hold.wait()
        if self.away:
            raise ApiError(0, "Unreachable", "the API server did not answer")
        spec = body["spec"]
        if path == "/apis/authentication.k8s.io/v1/tokenreviews":
            found = self.known.get(spec["token"])
            if found is None:
                return {"status": {"error": "unknown, and it may say anything"}}
            user = {"username": found[0], "uid": "u1", "groups": ["g1"], "extra": {"e": ["1"]}}
            return {"status": {"authenticated": True, "user": user}}
        assert path == "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        assert spec["nonResourceAttributes"] == {"path": "/metrics", "verb": "get"}
        assert (spec["uid"], spec["groups"], spec["extra"]) == ("u1", ["g1"], {"e": ["1"]})
        return {"status": {"allowed": dict(self.known.values())[spec["user"]]}}


KNOWN = {
    "prometheus": ("system:serviceaccount:monitoring:prometheus", True),
    "pod": ("system:serviceaccount:a:b", False),
}


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, HTTPStatus.UNAUTHORIZED),
        ("", HTTPStatus.UNAUTHORIZED),
        ("prometheus", HTTPStatus.UNAUTHORIZED),
        ("Basic cHJvbWV0aGV1czo=", HTTPStatus.UNAUTHORIZED),
        ("Bearer", HTTPStatus.UNAUTHORIZED),
        ("Bearer  ", HTTPStatus.UNAUTHORIZED),
        (f"Bearer {'x' * 20_000}", HTTPStatus.UNAUTHORIZED),
        ("Bearer forged", HTTPStatus.UNAUTHORIZED),
        ("Bearer \udcff", HTTPStatus.UNAUTHORIZED),
        ("Bearer pod", HTTPStatus.FORBIDDEN),
        ("Bearer prometheus", HTTPStatus.OK),
        ("bearer prometheus", HTTPStatus.OK),
    ],
)
async def test_who_may_read(header: str | None, status: HTTPStatus) -> None:
    assert await Scrapers(Reviewer(**KNOWN)).judge(header) is status


async def test_an_answer_is_believed_for_a_while() -> None:
    reviewer, clock = Reviewer(**KNOWN), FakeClock()
    scrapers = Scrapers(reviewer, clock.steady)
    for _ in range(5):
        assert await scrapers.judge("Bearer prometheus") is HTTPStatus.OK
        clock.advance(11)
    assert reviewer.asked == ["TokenReview", "SubjectAccessReview"]
    reviewer.known = {}
    clock.advance(5)
    assert await scrapers.judge("Bearer prometheus") is HTTPStatus.UNAUTHORIZED


async def test_a_refusal_is_believed_for_less() -> None:
    reviewer, clock = Reviewer(), FakeClock()
    scrapers = Scrapers(reviewer, clock.steady)
    for wait in (4, 7):
        assert await scrapers.judge("Bearer prometheus") is HTTPStatus.UNAUTHORIZED
        clock.advance(wait)
    assert len(reviewer.asked) == 1
    reviewer.known = KNOWN
    assert await scrapers.judge("Bearer prometheus") is HTTPStatus.OK


async def test_an_api_server_that_is_away_lets_nobody_in_and_is_asked_again() -> None:
    reviewer = Reviewer(**KNOWN)
    scrapers = Scrapers(reviewer)
    reviewer.away = True
    assert await scrapers.judge("Bearer prometheus") is HTTPStatus.SERVICE_UNAVAILABLE
    reviewer.away = False
    assert await scrapers.judge("Bearer prometheus") is HTTPStatus.OK


async def test_a_flood_of_tokens_asks_little_at_a_time_and_is_forgotten() -> None:
    reviewer = Reviewer(**KNOWN)
    scrapers = Scrapers(reviewer)
    reviewer.hold = asyncio.Event()
    flood = [asyncio.create_task(scrapers.judge(f"Bearer {each}")) for each in range(100)]
    await asyncio.sleep(0)
    assert len(reviewer.asked) <= 2
    reviewer.hold.set()
    answers = await asyncio.gather(*flood)
    assert answers.count(HTTPStatus.SERVICE_UNAVAILABLE) == 84
    for each in range(1000):
        await scrapers.judge(f"Bearer {each}")
    assert len(scrapers._known) <= 256


async def test_one_token_many_times_at_once_is_asked_about_once() -> None:
    reviewer = Reviewer(**KNOWN)
    scrapers = Scrapers(reviewer)
    answers = await asyncio.gather(*(scrapers.judge("Bearer prometheus") for _ in range(16)))
    assert set(answers) == {HTTPStatus.OK}
    assert reviewer.asked.count("TokenReview") <= 2


@pytest_asyncio.fixture
async def sites() -> AsyncIterator[list[MetricsSite]]:
    begun: list[MetricsSite] = []
    yield begun
    for site in begun:
        await site.close()


async def serve(sites: list[MetricsSite], folder: Path | None = None, clock: FakeClock | None = None) -> str:
    at = MetricsPort(LOCAL, 0, folder)
    site = MetricsSite(at, Reviewer(**KNOWN), lambda: b"pratique_leader 1\n", clock or FakeClock(datetime.now(UTC)))
    sites.append(site)
    return f"https://{LOCAL}:{await site.serve()}/metrics"


async def get(url: str, token: str = "", trusted: str | None = None) -> tuple[int, str]:
    context = ssl.create_default_context(cadata=trusted) if trusted else False
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(url, ssl=context, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_what_is_answered(sites: list[MetricsSite]) -> None:
    url = await serve(sites)
    assert await get(url, "prometheus") == (200, "pratique_leader 1\n")
    assert await get(url) == (401, "send the token of a ServiceAccount: Authorization: Bearer …\n")
    assert (await get(url, "pod"))[1].endswith("the role is pratique-metrics-reader\n")
    with pytest.raises(aiohttp.ClientError):
        await get(url.replace("https", "http"), "prometheus")
    with pytest.raises(aiohttp.ClientConnectorCertificateError):  # of a certificate that was made, nobody vouches
        await get(url, "prometheus", Authority(Path("/nowhere")).pem)
    assert (await get(url.replace("/metrics", "/healthz"), "prometheus"))[0] == 404


def put(folder: Path, authority: Authority) -> None:
    authority.serve(LOCAL)
    text = (authority.folder / f"{LOCAL}.pem").read_text()
    begin = text.index("-----BEGIN CERTIFICATE")
    (folder / "tls.key").write_text(text[:begin])
    (folder / "tls.crt").write_text(text[begin:])


async def test_a_mounted_certificate_is_served_and_exchanged(sites: list[MetricsSite], tmp_path: Path) -> None:
    first, second = Authority(tmp_path, name="first"), Authority(tmp_path, name="second")
    folder = tmp_path / "mounted"
    folder.mkdir()
    put(folder, first)
    url = await serve(sites, folder)
    assert (await get(url, "prometheus", first.pem))[0] == 200
    put(folder, second)
    sites[0]._look()
    assert (await get(url, "prometheus", second.pem))[0] == 200
    (folder / "tls.crt").write_text("half")
    with pytest.raises(MetricsCertificateError):
        sites[0]._look()
    assert (await get(url, "prometheus", second.pem))[0] == 200


async def test_a_made_certificate_is_made_anew_before_it_ends(sites: list[MetricsSite]) -> None:
    clock = FakeClock(datetime.now(UTC))
    await serve(sites, clock=clock)
    before = sites[0]._served
    clock.advance(39 * 86400)
    sites[0]._look()
    assert sites[0]._served == before
    clock.advance(2 * 86400)
    sites[0]._look()
    assert sites[0]._served != before


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "must hold tls.crt and tls.key (No such file or directory)"),
        ({"tls.key": "x", "tls.crt": "y"}, "are no certificate with its key"),
    ],
)
async def test_a_certificate_that_cannot_be_served(files: dict[str, str], sentence: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    site = MetricsSite(MetricsPort(LOCAL, 0, tmp_path), Reviewer(), lambda: b"", FakeClock())
    with pytest.raises(MetricsCertificateError) as error:
        await site.serve()
    assert str(error.value).startswith("--metrics-cert: ")
    assert sentence in str(error.value)
