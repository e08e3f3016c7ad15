"""Where channels may connect to: hostile addresses in every notation, names that change, and what the option allows."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.doubles.http_receiver import Receiver, receiving
from tests.support.channelling import PLANTED, URL, told_by

from pratique.channels.kit.egress import Egress, NotAllowedError
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.egress import NOT_ALLOWED, AllowedEgress, egress_of

REFUSED = Delivery(sent=False, error=NOT_ALLOWED)
STRICT = AllowedEgress()
SPECS: dict[str, dict[str, Any]] = {
    "webhook": {"webhook": {"urlSecretRef": URL}},
    "slack": {"slack": {"webhookUrlSecretRef": URL}},
    "msteams": {"msteams": {"workflowUrlSecretRef": URL}},
    "apprise": {"apprise": {"urlSecretRef": URL}},
}


def test_the_command_line_says_it(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],"
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: u, user: {}}]}"
    )
    options = (
        "operator",
        "--kubeconfig",
        str(config),
        "--channel-egress",
        "10.0.0.0/8",
        "--channel-egress",
        "10.1",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pratique.main", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("pratique: --channel-egress: '10.1': must be a network such as")


COMMON = ("127.0.0.1", "localhost", "LOCALHOST", "[::ffff:7f00:1]", "0.0.0.0", "0x7f000001")
LEADS_THERE = {
    "http": (*COMMON, "[::ffff:127.0.0.1]", "0x7f.1"),
    "json": (*COMMON, "localhost.", "2130706433", "017700000001", "127.0.0.1."),
}
"""How hosts may be written that lead to loopback, by the library that reads them."""
ELSEWHERE = ("[::1]", "[::]", "0", "127.1", "0177.0.0.1", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]")
SCHEMES = {"webhook": "http", "slack": "http", "msteams": "http", "apprise": "json"}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somebody on loopback who must not be reached."""
    async with receiving() as receiver:
        yield receiver


def port_of(receiver: Receiver) -> int:
    return int(receiver.url.split(":")[2].split("/")[0])


class TestChannels:
    async def test_the_process_of_apprise_is_strict(self, receiver: Receiver) -> None:
        url = f"json://127.0.0.1:{port_of(receiver)}/{PLANTED}"
        for allowed in (STRICT, egress_of(["10.0.0.0/8", "in.example.com"])):
            assert await told_by(SPECS["apprise"], {"receiver/url": url}, allowed=allowed) == REFUSED
        assert receiver.got == []

    @pytest.mark.usefixtures("apprise_here")
    @pytest.mark.parametrize("kind", SPECS)
    async def test_every_type_is_strict(self, kind: str, receiver: Receiver) -> None:
        """In each notation that leads to loopback: it does where everything is allowed, and else does not."""
        scheme, everything = SCHEMES[kind], egress_of(["0.0.0.0/0", "::/0"])
        for place in LEADS_THERE[scheme]:
            secrets = {"receiver/url": f"{scheme}://{place}:{port_of(receiver)}/{PLANTED}"}
            assert await told_by(SPECS[kind], secrets, allowed=STRICT) == REFUSED, place
            assert receiver.got == []
            assert (await told_by(SPECS[kind], secrets, allowed=everything)).sent, place
            receiver.got.clear()

    @pytest.mark.usefixtures("apprise_here")
    @pytest.mark.parametrize("kind", SPECS)
    async def test_no_notation_leads_there(self, kind: str, receiver: Receiver) -> None:
        for place in (*LEADS_THERE["http"], *LEADS_THERE["json"], *ELSEWHERE):
            secrets = {"receiver/url": f"{SCHEMES[kind]}://{place}:{port_of(receiver)}/{PLANTED}"}
            result = await told_by(SPECS[kind], secrets, allowed=STRICT)
            assert not result.sent
            assert not result.permanent
        assert receiver.got == []

    @pytest.mark.parametrize("kind", SPECS)
    async def test_allowed(self, kind: str, receiver: Receiver) -> None:
        url = receiver.url.replace("http:", "json:") if kind == "apprise" else receiver.url
        assert (await told_by(SPECS[kind], {"receiver/url": url}, allowed=egress_of(["127.0.0.0/8"]))).sent
        assert len(receiver.got) == 1

    async def test_tls_too(self, receiver: Receiver) -> None:
        for kind, scheme in (("webhook", "https"), ("apprise", "jsons")):
            url = f"{scheme}://127.0.0.1:{port_of(receiver)}/{PLANTED}"
            assert await told_by(SPECS[kind], {"receiver/url": url}, allowed=STRICT) == REFUSED

    @pytest.mark.parametrize("kind", ["webhook", "apprise"])
    async def test_a_redirect_leads_nowhere(self, kind: str, receiver: Receiver) -> None:
        async with receiving(status=307, headers={"Location": receiver.url}) as first:
            url = first.url.replace("http:", "json:") if kind == "apprise" else first.url
            result = await told_by(SPECS[kind], {"receiver/url": url}, allowed=egress_of(["127.0.0.0/8"]))
        assert not result.sent
        assert receiver.got == []


Resolve = Callable[..., Any]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """The name server: for each name the answers, one a question; the last stays."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def lookup(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        answers = known.get(str(host))
        if answers is None:
            return real(host, port, *args, **kwargs)
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [
            (families[":" in each], socket.SOCK_STREAM, 6, "", (each, port, 0, 0) if ":" in each else (each, port))
            for each in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return known


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All addresses that a connection was begun to; those that are not loopback fail at once."""
    seen: list[str] = []

    class Socket(socket.socket):
        def connect(self, address: Any) -> None:
            seen.append(address[0])
            if not address[0].startswith("127."):
                raise ConnectionRefusedError
            super().connect(address)

    monkeypatch.setattr("pratique.channels.kit.egress.socket.socket", Socket)
    return seen


@pytest.mark.usefixtures("apprise_here")
class TestNames:
    @pytest.mark.parametrize("kind", SPECS)
    async def test_first_public_then_private(
        self, kind: str, names: dict[str, list[list[str]]], connected: list[str], receiver: Receiver
    ) -> None:
        names["rebind.example.com"] = [["8.8.8.8"], ["127.0.0.1"]]
        scheme = SCHEMES[kind]
        secrets = {"receiver/url": f"{scheme}://rebind.example.com:{port_of(receiver)}/{PLANTED}"}
        first = await told_by(SPECS[kind], secrets, allowed=STRICT)
        assert not first.sent
        assert first != REFUSED
        assert await told_by(SPECS[kind], secrets, allowed=STRICT) == REFUSED
        assert connected == ["8.8.8.8"]
        assert receiver.got == []

    @pytest.mark.parametrize("kind", SPECS)
    async def test_public_and_private_at_once(
        self, kind: str, names: dict[str, list[list[str]]], connected: list[str], receiver: Receiver
    ) -> None:
        names["both.example.com"] = [["127.0.0.1", "8.8.8.8", "::1", "10.0.0.1"]]
        scheme = SCHEMES[kind]
        secrets = {"receiver/url": f"{scheme}://both.example.com:{port_of(receiver)}/{PLANTED}"}
        result = await told_by(SPECS[kind], secrets, allowed=STRICT)
        assert not result.sent
        assert result != REFUSED
        assert set(connected) == {"8.8.8.8"}
        assert receiver.got == []

    @pytest.mark.parametrize("kind", SPECS)
    async def test_an_allowed_name(
        self, kind: str, names: dict[str, list[list[str]]], connected: list[str], receiver: Receiver
    ) -> None:
        names |= {each: [["10.0.0.1"]] for each in ("in.example.com", "out.example.com")}
        scheme = SCHEMES[kind]
        for host in names:
            secrets = {"receiver/url": f"{scheme}://{host}:{port_of(receiver)}/{PLANTED}"}
            result = await told_by(SPECS[kind], secrets, allowed=egress_of(["in.example.com"]))
            assert (result == REFUSED) == (host == "out.example.com")
        assert set(connected) == {"10.0.0.1"}


class TestSockets:
    async def test_an_open_socket_is_connected_and_does_not_block(self, receiver: Receiver) -> None:
        opened = await Egress(egress_of(["127.0.0.1"])).open_socket("localhost", port_of(receiver))
        with contextlib.closing(opened):
            assert opened.getpeername() == ("127.0.0.1", port_of(receiver))
            assert opened.gettimeout() == 0

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "2130706433", "0x7f.1", "::ffff:127.0.0.1", "0"])
    async def test_not_allowed(self, host: str, receiver: Receiver) -> None:
        with pytest.raises(NotAllowedError) as caught:
            await Egress().open_socket(host, port_of(receiver))
        assert str(caught.value) == NOT_ALLOWED

    async def test_no_such_host(self) -> None:
        for host in ("nobody.invalid", "a" * 64 + ".invalid", "a..b"):
            with pytest.raises(OSError):
                await Egress().open_socket(host, 25)

    async def test_nobody_there(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            with pytest.raises(ConnectionRefusedError):
                await Egress(egress_of(["127.0.0.1"])).open_socket("127.0.0.1", taken.getsockname()[1])

    async def test_a_dead_address_does_not_hold_up_the_next(
        self, names: dict[str, list[list[str]]], receiver: Receiver
    ) -> None:
        with socket.socket() as full:  # a backlog that is full answers nobody
            full.bind(("127.0.0.2", port_of(receiver)))
            full.listen(0)
            clogs = [socket.socket() for _ in range(4)]
            for each in clogs:
                each.setblocking(False)
                each.connect_ex(full.getsockname())
            names["two.example.com"] = [["127.0.0.2", "127.0.0.1"]]
            async with asyncio.timeout(2):
                opened = await Egress(egress_of(["127.0.0.0/8"])).open_socket("two.example.com", port_of(receiver))
            assert opened.getpeername()[0] == "127.0.0.1"
            for each in (*clogs, opened):
                each.close()
