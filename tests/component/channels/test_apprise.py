"""Apprise: what may be used, what arrives at real receivers on loopback, its limits, and that nothing of a URL is told."""

import ast
import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from apprise import AppriseAsset, NotifyBase
from apprise.manager_plugins import NotificationManager
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.messages import declined, entry, expiring, requested, withdrawn
from tests.doubles.hostile_apprise import MODULE
from tests.doubles.http_receiver import Receiver, receiving
from tests.support.channelling import LOOPBACK, PLANTED, URL, channel_of, channels_with, problem_of, told_by
from tests.support.golden import assert_golden

from pratique.api.v1alpha1.notifications import EventType
from pratique.channels.apprise import worker
from pratique.channels.apprise.http import MAX_ANSWER_BYTES
from pratique.channels.apprise.room import Room
from pratique.channels.apprise.schemes import ALLOWED, LOCAL, NEEDS_FILES, NOT_HTTP, refusal, refused_parameter
from pratique.channels.apprise.service import UNUSABLE, Service, open_service
from pratique.channels.apprise.text import body_of, harmless, title_of
from pratique.channels.delivery import Channels
from pratique.channels.kit.egress import Egress
from pratique.channels.kit.processes import MOST
from pratique.clock import SystemClock
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.messages import Message
from pratique.delivering.lane import Job, Lane
from pratique.logs import JsonFormatter

SPEC = {"apprise": {"urlSecretRef": URL}}
PLACE = "Secret pratique-system/receiver: the key url"
REFUSED = Delivery(sent=False, error="JSON did not take the message or was not reached (Apprise does not say which)")
STORIES = {"requested": requested, "declined": declined, "expiring": expiring, "withdrawn": withdrawn}


def as_json(receiver: Receiver, scheme: str = "json") -> dict[str, str]:
    """Return the Secret of a channel that posts to this receiver with one of Apprise's services."""
    return {"receiver/url": receiver.url.replace("http:", f"{scheme}:", 1)}


_HARMLESS = """
    .__title__ .__version__ .apprise_attachment .attachment.base .attachment.memory .base .common .conversion .discord
    .e2ee .emby .exception .locale .sas .sizing .url .utils.base64 .utils.http .utils.parse .utils.sanitize
    .utils.templates .utils.xml __future__ base64 binascii collections collections.abc contextlib contextvars copy
    cryptography.hazmat.backends cryptography.hazmat.primitives cryptography.hazmat.primitives.asymmetric.ed25519
    cryptography.hazmat.primitives.asymmetric.x25519 cryptography.hazmat.primitives.ciphers
    cryptography.hazmat.primitives.ciphers.aead cryptography.hazmat.primitives.kdf.hkdf
    cryptography.hazmat.primitives.serialization datetime email.header email.mime.application email.mime.multipart
    email.mime.text email.utils gzip hashlib hmac html io itertools json json.decoder logging math nacl.bindings
    nacl.exceptions os os.path re requests.auth requests_oauthlib secrets string struct threading time typing
    urllib.parse uuid xml.sax.saxutils
"""
HARMLESS = frozenset(_HARMLESS.split())
"""What modules of allowed services import and what opens no socket; an attachment would, by HTTP, and we send none."""


def imports(name: str) -> set[str]:
    """Return what a module of Apprise, or each of a package, imports; what is Apprise's own begins with a dot."""
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None
    path, found = Path(spec.origin), set[str]()
    for file in path.parent.glob("*.py") if path.name == "__init__.py" else [path]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(str(node.module))
            elif isinstance(node, ast.ImportFrom):
                found |= {f".{node.module or each.name}" for each in node.names}
    return found


@pytest.mark.usefixtures("apprise_here")
class TestSchemes:
    def test_every_scheme_of_the_installed_apprise_is_decided(self) -> None:
        known = set(NotificationManager().schemas())  # type: ignore[no-untyped-call]
        refused = LOCAL | NEEDS_FILES | NOT_HTTP
        assert known - ALLOWED - refused == set(), "new services: decide each in apprise_schemes.py"
        assert (ALLOWED | refused) - known == set(), "services that are gone"
        assert not ALLOWED & refused

    def test_what_is_allowed_connects_by_requests_alone(self) -> None:
        """Whatever else could open a socket is not loaded by any module of an allowed service."""
        services, loaded = NotificationManager(), set[str]()  # type: ignore[no-untyped-call]
        for scheme in ALLOWED:
            for part in services[scheme].__mro__:
                home = part.__module__.removeprefix("apprise.plugins.").partition(".")[0]
                if part.__module__.startswith("apprise.plugins.") and home != "base":
                    loaded |= imports(f"apprise.plugins.{home}")
        assert loaded - HARMLESS == {"requests"}
        assert ".utils.socket" in imports("apprise.plugins.irc")
        assert "smtplib" in imports("apprise.plugins.email")

    @pytest.mark.parametrize("scheme", sorted(NOT_HTTP))
    async def test_what_is_not_reached_by_http(self, scheme: str) -> None:
        problem = await problem_of(SPEC, {"receiver/url": f"{scheme}://{PLANTED}@example.com/x"})
        assert problem == (
            f"{PLACE} holds a {scheme}:// URL, of a service that is not reached by HTTP: the operator could not keep it "
            "off private addresses; use another service"
        )

    @pytest.mark.parametrize("scheme", sorted(LOCAL))
    async def test_what_acts_on_the_operators_machine(self, scheme: str) -> None:
        assert (refusal(f"{scheme}://") or "").startswith(f"holds a {scheme}:// URL")
        for url in (f"{scheme}://{PLANTED}", f"{scheme.upper()}://{PLANTED}"):
            assert await problem_of(SPEC, {"receiver/url": url}) == (
                f"{PLACE} holds a {scheme}:// URL, which acts on the operator's own machine and tells nobody; "
                "use another service"
            )

    @pytest.mark.parametrize("scheme", sorted(NEEDS_FILES))
    async def test_what_needs_files(self, scheme: str) -> None:
        problem = await problem_of(SPEC, {"receiver/url": f"{scheme}://{PLANTED}/x"})
        assert (
            problem
            == f"{PLACE} holds a {scheme}:// URL, which needs files on the operator's machine; use another service"
        )

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("", "must hold one Apprise URL and nothing else"),
            (PLANTED, "must hold one Apprise URL and nothing else"),
            (f"json://a/{PLANTED} json://b/", "must hold one Apprise URL and nothing else"),
            (f"json://a/{PLANTED}\njson://b/", "must hold one Apprise URL and nothing else"),
            (f"https://hooks.slack.com/services/{PLANTED}", "holds an http URL; use the scheme of an Apprise service"),
            (f"file:///etc/{PLANTED}", "holds a URL of no service that a channel may use"),
            (f"exec:///{PLANTED}", "holds a URL of no service that a channel may use"),
            (f"python://{PLANTED}", "holds a URL of no service that a channel may use"),
            (f"json://a/?template={PLANTED}&verify=no", "verify=no, which trusts any TLS certificate"),
            (f"jsons://u:p@example.com?pgp=yes&pgpprv=/{PLANTED}", "the parameter pgp, which names a file"),
            (f"jsons://u:p@example.com?%70gppub=/{PLANTED}", "the parameter pgppub, which names a file"),
            (f"discord://1234567890/{PLANTED}?TEMPLATE=/etc/passwd", "the parameter template, which names a file"),
            (f"tgram://{PLANTED}", UNUSABLE),
        ],
    )
    async def test_what_else_is_refused(self, url: str, why: str) -> None:
        problem = await problem_of(SPEC, {"receiver/url": url})
        assert problem is not None
        assert problem.startswith(PLACE)
        assert why in problem
        assert await told_by(SPEC, {"receiver/url": url}) == Delivery(sent=False, error=problem)

    @pytest.mark.parametrize(
        "url",
        [
            "ntfys://ntfy.example.com/a-topic",
            "matrixs://user:pass@matrix.example.com/#leads",
            "whatsapp://token@1234567890/15551234567?template=hello",
            "json://localhost/?redirect=yes&retry=5&overflow=split",
        ],
    )
    async def test_what_may_be_used(self, url: str) -> None:
        assert await problem_of(SPEC, {"receiver/url": f"{url}\n"}) is None

    def test_parameters(self) -> None:
        assert refused_parameter("sendgrid", ["template"]) is None
        assert refused_parameter("slack", ["Template"]) is not None
        assert refusal("json://x") is None

    async def test_no_secret(self) -> None:
        assert await problem_of(SPEC, {}) == "Secret pratique-system/receiver has no key url"


class TestDelivery:
    async def test_sent(self) -> None:
        async with receiving() as receiver:
            assert await told_by(SPEC, as_json(receiver)) == Delivery(sent=True)
        (got,) = receiver.got
        told = json.loads(got.body)
        assert (told["title"], told["type"]) == (requested().headline, "info")
        assert told["message"] == body_of(requested(), 100_000)
        assert got.headers["User-Agent"] == "Pratique"

    async def test_a_warning_is_one(self) -> None:
        async with receiving() as receiver:
            await told_by(SPEC, as_json(receiver), declined())
        assert json.loads(receiver.got[0].body)["type"] == "warning"

    async def test_a_service_without_titles_gets_the_headline_in_the_text(self) -> None:
        async with receiving() as receiver:
            url = receiver.url.replace("http:", "mmost:").replace(
                "/services/T000/B000/hunter2secret", f"/{PLANTED * 2}"
            )
            assert await told_by(SPEC, {"receiver/url": url}) == Delivery(sent=True)
        assert json.loads(receiver.got[0].body)["text"].startswith(f"{requested().headline}\r\nWaiting for 1 of")

    @pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
    async def test_a_no_is_tried_again(self, status: int) -> None:
        async with receiving(status=status, body=PLANTED, headers={"Retry-After": "3"}) as receiver:
            assert await told_by(SPEC, as_json(receiver)) == REFUSED
        assert len(receiver.got) == 1

    async def test_nobody_there(self) -> None:
        async with receiving() as receiver:
            secrets = as_json(receiver)
        assert await told_by(SPEC, secrets) == REFUSED

    async def test_reset(self) -> None:
        async with receiving(reset=True) as receiver:
            assert await told_by(SPEC, as_json(receiver)) == REFUSED

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed(self, status: int) -> None:
        async with receiving() as other, receiving(status=status, headers={"Location": other.url}) as receiver:
            secrets = {"receiver/url": as_json(receiver)["receiver/url"] + "?redirect=yes"}
            assert await told_by(SPEC, secrets) == REFUSED
        assert other.got == []

    async def test_no_proxy_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with receiving() as proxy, receiving() as receiver:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
                monkeypatch.setenv(name, proxy.url)
            for name in ("no_proxy", "NO_PROXY"):
                monkeypatch.delenv(name, raising=False)
            assert (await told_by(SPEC, as_json(receiver))).sent
        assert proxy.got == []

    async def test_an_endless_answer_is_not_read(self) -> None:
        async with receiving(body="x" * 40 * MAX_ANSWER_BYTES) as receiver:
            assert await told_by(SPEC, as_json(receiver)) == Delivery(sent=True)

    async def test_a_receiver_that_hangs(self) -> None:
        async with receiving(hang=True) as receiver:
            began = time.monotonic()
            result = await told_by(SPEC, as_json(receiver), timeout=1.0)
            assert time.monotonic() - began < 5
        assert result == Delivery(sent=False, error="no answer within 1 s")

    async def test_an_answer_that_trickles_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pratique.channels.apprise.http.MAX_ANSWER_SECONDS", 0.3)

        ended = asyncio.Event()

        async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            writer.close()
            ended.set()

        server = await asyncio.start_server(trickle, "127.0.0.1", 0)
        url = f"json://127.0.0.1:{server.sockets[0].getsockname()[1]}/{PLANTED}"
        question = {"do": "tell", "url": url, "title": "t", "body": "b", "warns": False, "allowed": LOOPBACK.as_texts()}
        reply = await asyncio.to_thread(worker.answer, question)
        assert reply == {"value": {"taken": True, "shut": False}}
        await ended.wait()
        server.close()
        await server.wait_closed()

    async def test_a_dead_channel_holds_up_no_other(self) -> None:
        async with receiving(hang=True) as dead, receiving() as alive:
            secrets = {"dead/url": as_json(dead)["receiver/url"], "alive/url": as_json(alive)["receiver/url"]}
            async with channels_with(secrets, timeout=8.0) as under_test:
                hung = channel_of({"apprise": {"urlSecretRef": {"name": "dead", "key": "url"}}})
                works = channel_of({"apprise": {"urlSecretRef": {"name": "alive", "key": "url"}}})
                stuck = [
                    asyncio.create_task(under_test.deliver(hung, entry(EventType.APPROVED), requested()))
                    for _ in range(20)
                ]
                while dead.open < 1:
                    await asyncio.sleep(0.01)
                other = entry(EventType.APPROVED, "other")
                assert (await under_test.deliver(works, other, requested())).sent
                dead.released.set()
                await asyncio.gather(*stuck)
            assert dead.most_open == 1
            assert len(dead.got) == 20


@pytest.fixture
def told() -> Iterator[list[str]]:
    """All that reaches the process's log at the noisiest level; caplog would listen to silenced loggers too."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    loggers = [logging.getLogger(name) for name in ("", "apprise", "urllib3", "urllib3.connectionpool")]
    before, listener = [logger.level for logger in loggers], Listener(1)
    for logger in loggers:
        logger.setLevel(1)
    loggers[0].addHandler(listener)
    yield lines
    loggers[0].removeHandler(listener)
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


class TestSilence:
    async def test_nothing_of_the_url_is_logged_or_printed(
        self, told: list[str], capfd: pytest.CaptureFixture[str]
    ) -> None:
        for status in (200, 404):
            async with receiving(status=status, body=PLANTED) as receiver:
                await told_by(SPEC, as_json(receiver))
        for url in (f"json://nobody.invalid/{PLANTED}", f"json:///{PLANTED}", f"tgram://{PLANTED}", f"x://{PLANTED}"):
            await told_by(SPEC, {"receiver/url": url})
        logging.getLogger("pratique").warning("listened to")
        assert "listened to" in told
        printed = capfd.readouterr()
        assert PLANTED not in "\n".join(told) + printed.out + printed.err

    async def test_this_process_never_loads_the_library(self) -> None:
        """It costs memory, and so does each package that its services load: also when a message was sent."""
        async with receiving() as receiver:
            done = await asyncio.create_subprocess_exec(
                sys.executable, "-c", TELLS, as_json(receiver)["receiver/url"], stdout=subprocess.PIPE
            )
            printed, _ = await done.communicate()
        assert len(receiver.got) == 1
        assert json.loads(printed) == {"sent": True, "before": 0, "processes": 1, "after": 0, "loaded": []}


TELLS = """
import asyncio, json, sys
import pratique.processes.operator
from tests.support.channelling import channel_of, channels_with
from pratique.api.v1alpha1.notifications import EventType
from tests.builders.messages import entry, requested

async def main():
    async with channels_with({"receiver/url": sys.argv[1]}) as channels:
        library, spec = channels._means.library, {"apprise": {"urlSecretRef": {"name": "receiver", "key": "url"}}}
        before = len(library.pids)
        told = await channels.deliver(channel_of(spec), entry(EventType.APPROVED), requested())
        processes = len(library.pids)
    loaded = [name for name in sys.modules if name.partition(".")[0] == "apprise"]
    counted = {"before": before, "processes": processes, "after": len(library.pids)}
    print(json.dumps({"sent": told.sent, **counted, "loaded": loaded}))

asyncio.run(main())
"""


class Small(NotifyBase):  # type: ignore[no-untyped-call]
    """A service with limits of its own, that keeps what it is sent."""

    service_name = "Small"  # type: ignore[assignment]
    protocol = "small"  # type: ignore[assignment]
    request_rate_per_sec = 0.0

    def send(self, body: str, title: str = "", **_: Any) -> bool:  # type: ignore[override]
        self.got = (title, body)
        return True


def small(title: int, body: int) -> tuple[Service, Small]:
    plugin = Small(asset=AppriseAsset(async_mode=False, service_timeout=0))  # type: ignore[no-untyped-call]
    plugin.title_maxlen, plugin.body_maxlen = title, body
    return Service("Small", plugin), plugin


def hostile(text: str) -> Message:
    """Return a message in which everything that people write is this text."""
    told = requested()
    return replace(told, headline=text, text=text, facts=(*((label, text) for label, _ in told.facts), (text, text)))


class TestText:
    @pytest.mark.parametrize("story", STORIES)
    def test_golden(self, story: str) -> None:
        told = STORIES[story]()
        text = {"title": title_of(told, 250), "body": body_of(told, 32768).split("\n")}
        assert_golden(f"notifications/apprise-{story}.json", text)

    @pytest.mark.parametrize(
        ("typed", "shown"),
        [
            ("@everyone and @here", "＠everyone and ＠here"),
            ("(@channel)", "(＠channel)"),
            ("<!channel> <@U024BE7LH> <@&1>", "‹!channel› ‹＠U024BE7LH› ‹@&1›"),
            ("[the console](https://evil.example)", "[the console] (https://evil.example)"),
            ("<b>loud</b>", "‹b›loud‹/b›"),
            ("developer@example.com, a.b@c, at @ noon", "developer@example.com, a.b@c, at @ noon"),
            ("נועה 🚀 \"quoted\" 'q'", "נועה 🚀 \"quoted\" 'q'"),
        ],
    )
    def test_what_people_write_has_no_power(self, typed: str, shown: str) -> None:
        assert harmless(typed) == shown
        assert shown in body_of(hostile(typed), 100_000)
        assert shown == title_of(hostile(typed), 250)

    @pytest.mark.parametrize(("title", "body"), [(0, 160), (0, 640), (100, 1000), (250, 300), (10, 40), (0, 10)])
    def test_a_services_limits(self, title: int, body: int) -> None:
        for told in (requested(), hostile("word " * 400)):
            service, plugin = small(title, body)
            room = service.room
            headline = title_of(told, room.for_title)
            assert service.tell(headline, body_of(told, room.for_body(headline)), Egress()) == (True, False)
            shown_title, shown = plugin.got
            assert len(shown_title) <= title
            assert len(shown) <= body

    def test_how_to_decide_comes_before_facts_and_whole(self) -> None:
        told = requested()
        full = body_of(told, 100_000)
        shown = body_of(told, len(full) - 1)
        assert all(line in shown for _, line in told.how_to_decide)
        assert shown.endswith("All of it: kubectl describe actionrun ten-days -n team-a")
        shown = body_of(told, 300)
        assert not any(line in shown for _, line in told.how_to_decide)
        assert shown == f"{told.text}\n\nAll of it: kubectl describe actionrun ten-days -n team-a"

    def test_an_object_without_a_namespace(self) -> None:
        told = replace(requested(), subject=replace(requested().subject, namespace=""))
        assert body_of(told, 300).endswith("kubectl describe actionrun ten-days")

    @given(st.text(max_size=500), st.integers(1, 3000))
    def test_any_text_within_any_limit(self, text: str, limit: int) -> None:
        assert len(body_of(hostile(text), limit)) <= limit
        assert len(title_of(hostile(text), limit)) <= limit

    def test_what_the_url_asks_for_is_not_believed(self) -> None:
        opened = open_service("json://localhost/?redirect=yes&retry=5&wait=60&rto=600&cto=600&overflow=split")
        assert isinstance(opened, Service)
        plugin = opened.plugin
        assert (plugin.redirects, plugin.retry, plugin.overflow_mode.value) == (False, 0, "truncate")
        assert plugin.socket_connect_timeout + plugin.socket_read_timeout < 10
        assert plugin.asset.http_redirects is False
        assert plugin.asset.storage_path is None


class TestRoom:
    @pytest.mark.parametrize(
        ("room", "title", "body"),
        [(Room(250, 1000), 250, 1000), (Room(0, 160), 80, 153), (Room(100, 1000, is_one=True), 100, 993)],
    )
    def test_what_fits(self, room: Room, title: int, body: int) -> None:
        assert (room.for_title, room.for_body("title")) == (title, body)


LOG_SAYS_MORE = "the operator's log has more"
DIED = f"the process of Apprise died before it answered: {LOG_SAYS_MORE}"
WAYS = {
    "dies": (DIED, r"\(it ended\), at .*doubles/hostile_apprise.py:\d+ send > .*hostile_apprise.py:\d+ _die"),
    "exits": (DIED, r"\(it ended\), at an unknown place"),
    "eats": ("Hostile did not take the message or was not reached (Apprise does not say which)", ""),
}


class TestProcesses:
    """What a service or the library does to its process costs that try alone."""

    @pytest.fixture(autouse=True)
    def hostile(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pratique.channels.apprise.channel.MODULE", MODULE)

    @pytest.mark.parametrize("way", WAYS)
    async def test_ten_times_in_a_row(self, way: str, caplog: pytest.LogCaptureFixture) -> None:
        sentence, logged = WAYS[way]
        async with receiving() as receiver:
            secrets = {"hostile/url": f"json://{way}/{PLANTED}", "sound/url": as_json(receiver)["receiver/url"]}
            async with channels_with(secrets, timeout=60.0) as under_test:
                for _ in range(10):
                    results = await asyncio.gather(*(tell(under_test, name) for name in ("hostile", "sound")))
                    assert results == [Delivery(sent=False, error=sentence), Delivery(sent=True)]
                assert len(under_test._means.library.pids) <= MOST
        assert len(receiver.got) == 10
        assert len([line for line in caplog.messages if logged and re.search(logged, line)]) == (10 if logged else 0)
        assert PLANTED not in caplog.text

    async def test_hangs_ten_times_in_a_row(self, caplog: pytest.LogCaptureFixture) -> None:
        async with channels_with({"hostile/url": f"json://hangs/{PLANTED}"}, timeout=1.0) as under_test:
            for _ in range(10):
                assert await tell(under_test, "hostile") == Delivery(sent=False, error="no answer within 1 s")
        assert len(caplog.messages) == 10
        assert all(
            re.search(r"took too long and was ended, at .*hostile_apprise.py:\d+ _hang", each)
            for each in caplog.messages
        )
        assert PLANTED not in caplog.text

    async def test_a_loop_without_end_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pratique.channels.apprise.channel.CPU_SECONDS", 1.0)
        said = await told_by(SPEC, {"receiver/url": f"json://spins/{PLANTED}"}, timeout=60.0)
        assert said == Delivery(sent=False, error="no answer within 60 s")

    async def test_what_is_printed_is_no_answer(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert await told_by(SPEC, {"receiver/url": f"json://prints/{PLANTED}"}) == Delivery(sent=True)
        assert "".join(capfd.readouterr()) == ""

    async def test_a_bug_says_where_and_not_what(self, caplog: pytest.LogCaptureFixture) -> None:
        said = await told_by(SPEC, {"receiver/url": f"json://bug/{PLANTED}"})
        place = f"{PLACE.partition(':')[0]}: Apprise could not read the URL in url"
        assert said.error == f"{place}: KeyError in the process of Apprise: {LOG_SAYS_MORE}"
        (line,) = caplog.messages
        assert line.startswith("A bug in the process of Apprise: KeyError at pratique/channels/apprise/worker.py:")
        assert "hostile_apprise.py" in line
        assert PLANTED not in caplog.text

    async def test_a_library_that_is_too_slow_to_read_a_url(self) -> None:
        problem = await problem_of(SPEC, {"receiver/url": f"json://hangs-when-opened/{PLANTED}"}, timeout=0.2)
        assert problem == (
            "Secret pratique-system/receiver: Apprise could not read the URL in url: no answer within 0.2 s"
        )

    async def test_a_look_does_not_wait_for_its_turn_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pratique.channels.apprise.channel.START_TIMEOUT", 0.0)
        secrets = {"receiver/url": f"json://x/{PLANTED}"}
        async with channels_with(secrets, timeout=0.1) as under_test, under_test._means.library._turns["receiver/url"]:
            problem = await under_test.check(channel_of(SPEC).spec)
        assert problem is not None
        assert problem.message.endswith("Apprise could not read the URL in url: no answer within 0.1 s")

    async def test_one_that_does_not_start_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pratique.channels.apprise.channel.MODULE", "no.such.module")
        said = await told_by(SPEC, {"receiver/url": f"json://x/{PLANTED}"})
        assert said.error.endswith(f"the process of Apprise did not start: {LOG_SAYS_MORE}")

    async def test_none_is_started_after_the_end(self) -> None:
        async with channels_with({"receiver/url": f"json://x/{PLANTED}"}) as under_test:
            await under_test.close()
            assert (await tell(under_test, "receiver")).error.endswith("the operator is ending")
            assert under_test._means.library.pids == ()

    async def test_a_process_that_is_killed_while_it_waits_costs_no_message(self) -> None:
        async with receiving() as receiver, channels_with(as_json(receiver)) as under_test:
            for _ in range(3):
                assert await tell(under_test, "receiver") == Delivery(sent=True)
                (pid,) = under_test._means.library.pids
                os.kill(pid, signal.SIGKILL)
                process = under_test._means.library._idle[-1]._process
                while process is not None and process.returncode is None:
                    await asyncio.sleep(0.01)
        assert len(receiver.got) == 3

    async def test_secrets_go_by_the_pipe_alone(self) -> None:
        async with receiving(hang=True) as receiver, channels_with(as_json(receiver)) as under_test:
            told = asyncio.create_task(tell(under_test, "receiver"))
            while not receiver.open:
                await asyncio.sleep(0.01)
            (pid,) = under_test._means.library.pids
            seen = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
            receiver.released.set()
            await told
        assert b"apprise" in seen or MODULE.encode() in seen
        assert PLANTED.encode() not in seen

    async def test_the_log_says_whose_message_it_was(self, caplog: pytest.LogCaptureFixture) -> None:
        lines, settled = [], asyncio.Event()

        class Listener(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                lines.append(JsonFormatter().format(record))

        logger, listener = logging.getLogger("pratique"), Listener()
        logger.addHandler(listener)
        async with channels_with({"receiver/url": f"json://dies/{PLANTED}"}) as under_test:
            lane = Lane(
                "chat",
                lambda each, message: under_test.deliver(channel_of(SPEC), each, message),
                lambda *_: settled.set(),
                SystemClock(),
            )
            lane.put(Job(("actionruns", "team-a", "ten-days"), "the-uid", entry(EventType.APPROVED), requested()))
            await settled.wait()
            await lane.close()
        logger.removeHandler(listener)
        (line,) = [json.loads(each) for each in lines]
        assert (line["uid"], line["name"], line["level"]) == ("the-uid", "ten-days", "error")
        assert "_die" in line["msg"]


async def tell(channels: Channels, secret: str) -> Delivery:
    """Tell a message through a channel whose URL is in this Secret."""
    channel = channel_of({"apprise": {"urlSecretRef": {"name": secret, "key": "url"}}})
    return await channels.deliver(channel, entry(EventType.APPROVED), requested())
