"""Decides to which addresses the operator may connect, for a channel or a call: public ones, and what is allowed.

Whoever writes a channel, or the Secret with its URL, chooses where the operator connects to, and must not reach with it
what only the operator can reach. Only addresses are judged, never names alone: a name may resolve to anything, each time
to something else. Pure; `channels.kit.egress` asks for each socket, `main` reads the option.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from pratique.core.kernel.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

CHANNEL_EGRESS = "--channel-egress"


def not_allowed(option: str) -> str:
    """Return why nothing is sent. It names neither host nor address: of a channel, both are from a Secret."""
    return f"the receiver's address is private: the platform team has to allow it ({option})"


NOT_ALLOWED = not_allowed(CHANNEL_EGRESS)


def _networks(texts: str) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts.split()))


_METADATA = _networks("168.63.129.16 100.100.100.200 fd00:ec2::254 fd20:ce::254")
"""Where clouds tell a machine its credentials, beside 169.254.169.254; one of them looks public."""
_PRIVATE = _networks("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7")
"""What a name that is allowed may resolve to, unless it is metadata: whoever holds its zone gets no loopback by it."""
_SPECIAL = _networks("""
0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24
203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 2001::/23 2001:db8::/32 2002::/16 3fff::/20
""")
"""IANA's registries; 2001::/23 holds Teredo and 2002::/16 is 6to4, which lead to IPv4 addresses."""
_UNICAST = IPv6Network("2000::/3")
"""What is global in IPv6; all else is refused with loopback, link-local, private and multicast."""
_NAT64 = IPv6Network("64:ff9b::/96")

_NAME = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
"""A name that ends so is read as an IPv4 address in some notation."""


class EgressError(ConfigurationError):
    """The option is wrong; the message says what and how to write it."""


@dataclass(frozen=True)
class AllowedEgress:
    """What the platform team allowed beside public addresses. Nothing, unless it says so."""

    networks: tuple[Network, ...] = ()
    names: frozenset[str] = frozenset()

    def admits(self, host: str, address: str) -> bool:
        """Whether the operator may connect to `address`, which is what `host` resolved to, or `host` itself."""
        try:
            target = _unmapped(ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        if _is_public(target) or _within(target, self.networks):
            return True
        return self._knows(host) and _within(target, _PRIVATE) and not _within(target, _METADATA)

    def as_texts(self) -> tuple[list[str], list[str]]:
        """Return the networks and the names, as a process is told them."""
        return [str(each) for each in self.networks], sorted(self.names)

    def _knows(self, host: str) -> bool:
        name = host.lower().removesuffix(".")
        parents = name.split(".")[1:]
        return name in self.names or any(f"*.{'.'.join(parents[at:])}" in self.names for at in range(len(parents)))


def egress_of(values: list[str], option: str = CHANNEL_EGRESS) -> AllowedEgress:
    """Return what an option says: networks, addresses and names, each option one or more with commas between."""
    networks, names = [], set()
    for value in (each.strip() for option in values for each in option.split(",") if option.strip()):
        network = _network(value, option)
        if network is None:
            names.add(_name(value, option))
        else:
            networks.append(network)
    return AllowedEgress(tuple(networks), frozenset(names))


def _network(value: str, option: str) -> Network | None:
    if "%" in value:
        return None
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return None
    if network.network_address != ip_address(value.partition("/")[0]):
        raise EgressError(f"{option}: {value}: has bits beyond its prefix; write {network}")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise EgressError(f"{option}: {value}: is an IPv4 network in IPv6 notation; write it as IPv4")
    return network


def _name(value: str, option: str) -> str:
    name = value.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not _NAME.fullmatch(name) or _NUMBER.fullmatch(labels[-1]):
        raise EgressError(
            f"{option}: {value[:260]!r}: must be a network such as 10.20.0.0/16, an address, or a host name such "
            "as smtp.example.com or *.example.com, without scheme and port; 0.0.0.0/0 and ::/0 allow everything"
        )
    return name


def _is_public(address: Address) -> bool:
    if address in _NAT64:
        return _is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    global_ = isinstance(address, IPv4Address) or address in _UNICAST
    return global_ and not _within(address, (*_SPECIAL, *_PRIVATE, *_METADATA))


def _unmapped(address: Address) -> Address:
    """`::ffff:127.0.0.1` is 127.0.0.1 to the kernel."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)
