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
from hypothesis import given
from hypothesis import strategies as st
from tests.support.channelling import PLANTED, URL, told_by
from tests.support.receiver import Receiver, receiving

from pratique.channels.kit.egress import Egress, NotAllowedError
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.egress import NOT_ALLOWED, AllowedEgress, EgressError, egress_of

REFUSED = Delivery(sent=False, error=NOT_ALLOWED)
STRICT = AllowedEgress()
SPECS: dict[str, dict[str, Any]] = {
    "webhook": {"webhook": {"urlSecretRef": URL}},
    "slack": {"slack": {"webhookUrlSecretRef": URL}},
    "msteams": {"msteams": {"workflowUrlSecretRef": URL}},
    "apprise": {"apprise": {"urlSecretRef": URL}},
}
HOSTILE = (
    *("127.0.0.1", "127.255.255.254", "::1", "0.0.0.0", "0.1.2.3", "::"),
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"),
    *("169.254.1.1", "fe80::1", "fe80::1%lo", "fe80::1%1", "fec0::1"),
    *("169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("100.64.0.1", "100.127.255.255"),
    *("224.0.0.1", "239.255.255.250", "255.255.255.255", "ff02::1", "ff0e::1"),
    *("192.0.0.8", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "240.0.0.1"),
    *("::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1"),
    *("::127.0.0.1", "::10.0.0.1"),
    *("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.1", "64:ff9b:1:fffe::1"),
    *("2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::", "2002:808:808::1"),
    *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:2::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1"),
    *("", "localhost", "1.2.3", "01.2.3.4", "8.8.8.8/32"),
)
PUBLIC = (
    *(
        "8.8.8.8",
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.255.255",
        "172.32.0.1",
    ),
    *("126.255.255.255", "128.0.0.1", "169.253.255.255", "192.169.0.1", "223.255.255.255", "168.63.129.17"),
    *("2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"),
)


class TestAddresses:
    @pytest.mark.parametrize("address", HOSTILE)
    def test_not_public(self, address: str) -> None:
        assert not STRICT.admits("hooks.example.com", address)
        assert not STRICT.admits(address, address)

    @pytest.mark.parametrize("address", PUBLIC)
    def test_public(self, address: str) -> None:
        assert STRICT.admits("hooks.example.com", address)

    @pytest.mark.parametrize("address", [each for each in HOSTILE if ":" in each or each[:1].isdigit()][:-3])
    def test_everything_may_be_allowed(self, address: str) -> None:
        assert egress_of(["0.0.0.0/0", "::/0"]).admits("hooks.example.com", address)

    @given(st.ip_addresses(network="::ffff:0:0/96"))
    def test_mapped_is_what_it_is_mapped_to(self, address: Any) -> None:
        assert STRICT.admits("h", str(address)) == STRICT.admits("h", str(address.ipv4_mapped))
        assert not egress_of(["::/0"]).admits("h", "::ffff:127.0.0.1")

    @given(st.ip_addresses())
    def test_no_address_that_python_knows_to_be_private(self, address: Any) -> None:
        if STRICT.admits("h", str(address)):
            assert not (address.is_private or address.is_loopback or address.is_link_local or address.is_multicast)
            assert not address.is_unspecified


class TestOption:
    def test_networks_and_addresses(self) -> None:
        allowed = egress_of(["10.20.0.0/16", " 192.168.7.7 , fd00:1::/64", ""])
        assert all(allowed.admits("", each) for each in ("10.20.255.1", "192.168.7.7", "fd00:1::9", "::ffff:10.20.0.1"))
        assert not any(allowed.admits("", each) for each in ("10.21.0.1", "192.168.7.8", "fd00:2::9", "127.0.0.1"))
        assert allowed.admits("", "8.8.8.8")
        assert egress_of([]) == egress_of([""]) == STRICT

    @pytest.mark.parametrize(
        "host",
        ["smtp.internal.example.com", "SMTP.Internal.Example.COM.", "a.chat.example.com", "a.b.chat.example.com"],
    )
    @pytest.mark.parametrize("address", ["10.0.0.1", "192.168.0.1", "172.20.0.1", "fd12::1", "100.64.0.1"])
    def test_names(self, host: str, address: str) -> None:
        assert egress_of(["smtp.internal.Example.com.", "*.chat.example.com"]).admits(host, address)

    @pytest.mark.parametrize(
        "host", ["chat.example.com", "xchat.example.com", "a.smtp.internal.example.com", "example.com", "10.0.0.1", ""]
    )
    def test_other_names(self, host: str) -> None:
        allowed = egress_of(["smtp.internal.example.com", "*.chat.example.com"])
        assert not allowed.admits(host, "10.0.0.1")

    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "::1", "169.254.169.254", "fe80::1", "100.100.100.200", "fd00:ec2::254", "224.0.0.1"]
    )
    def test_a_name_is_no_way_to_the_operators_own_machine(self, address: str) -> None:
        assert not egress_of(["smtp.example.com"]).admits("smtp.example.com", address)

    @pytest.mark.parametrize(
        ("value", "sentence"),
        [
            ("10.20.0.1/16", "10.20.0.1/16: has bits beyond its prefix; write 10.20.0.0/16"),
            ("::ffff:10.0.0.0/104", "is an IPv4 network in IPv6 notation"),
            ("10.0.0.0/33", "must be a network such as"),
            ("10.20", "must be a network such as"),
            ("300.1.1.1", "must be a network such as"),
            ("0x7f.1", "must be a network such as"),
            ("0x7f000001", "must be a network such as"),
            ("*", "0.0.0.0/0 and ::/0 allow everything"),
            ("*.", "must be a network such as"),
            ("a.*.example.com", "must be a network such as"),
            ("smtp.example.com:25", "without scheme and port"),
            ("https://example.com/", "without scheme and port"),
            ("-a.example.com", "must be a network such as"),
            ("a..example.com", "must be a network such as"),
            ("bücher.example", "must be a network such as"),
            ("fe80::1%eth0", "must be a network such as"),
            ("a" * 64 + ".example.com", "must be a network such as"),
            (".".join(["a" * 60] * 5), "must be a network such as"),
        ],
    )
    def test_what_is_wrong_is_said(self, value: str, sentence: str) -> None:
        with pytest.raises(EgressError) as caught:
            egress_of(["10.0.0.0/8", value])
        assert str(caught.value).startswith("--channel-egress: ")
        assert sentence in str(caught.value)

    def test_the_command_line_says_it(self, tmp_path: Path) -> None:
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
