"""To which addresses a channel may connect: hostile ones in every notation, and what the option allows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.core.telling.egress import AllowedEgress, EgressError, egress_of

STRICT = AllowedEgress()
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

    def test_a_process_is_told_all_of_it(self) -> None:
        networks, names = egress_of(["10.20.0.0/16", "b.example.com,*.a.example.com", "fd00:1::/64"]).as_texts()
        assert (networks, names) == (["10.20.0.0/16", "fd00:1::/64"], ["*.a.example.com", "b.example.com"])

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
