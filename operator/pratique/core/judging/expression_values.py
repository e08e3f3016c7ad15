"""What the functions do that expressions have beyond the evaluator's own, as Kubernetes has them. Pure; bounded in size.

A quantity, a URL, an address, a range of addresses and a version are `Known`: a word for what it is, and a text that is the
same for the same value, so that two of them are equal when their texts are.
"""

import ipaddress
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from pratique.api.v1alpha1.scalars import duration_of
from pratique.api.v1alpha1.spelling import DURATION_PATTERN
from pratique.core.judging.form_language import pattern_of
from pratique.core.judging.quantities import Version, plain, quantity_of

MAX_TEXT = 65536
"""Characters of a text that a function of ours makes."""
MAX_FOUND = 1000
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Known:
    """A value of a kind that CEL itself does not know."""

    kind: str
    text: str


def ttl(text: str) -> Any:  # noqa: ANN401 - a timedelta, as CEL takes it
    """Return a duration as the rest of Pratique writes it."""
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError(f"ttl({text!r}): a duration is one number and one unit, such as 90s, 15m, 24h, 3d or 2w")
    try:
        return duration_of(text)
    except OverflowError:
        raise ValueError(f"ttl({text!r}): is longer than any duration may be") from None


def quantity(text: str) -> Known:
    """Return a quantity, such as `512Mi`."""
    return Known("Quantity", plain(quantity_of(text)))


def url(text: str) -> Known:
    """Return an absolute URL, or an absolute path."""
    parts = urlsplit(text)
    if re.search(r"[\s\x00-\x20]", text) or not (
        text.startswith("/") or (parts.scheme and (parts.netloc or parts.path))
    ):
        raise ValueError(f"{text!r} is no URL, such as https://example.com/path")
    _ = parts.port  # a port that is no number is an error
    return Known("URL", text)


def ip(text: str) -> Known:
    """Return an address."""
    return Known("IP", str(_address(text)))


def cidr(text: str) -> Known:
    """Return a range of addresses; unlike a network it may name an address inside."""
    if "/" not in text:
        raise ValueError(f"{text!r} is no range of addresses, such as 10.0.0.0/8")
    interface = ipaddress.ip_interface(text)
    return Known("CIDR", f"{interface.ip}/{interface.network.prefixlen}")


def semver(text: str) -> Known:
    """Return a version, such as `1.2.3`."""
    return Known("Semver", str(Version(text)))


def semver_normalized(text: str, loose: bool) -> Known:
    """Return a version; `v1.2` is taken too if that is asked for."""
    return Known("Semver", str(Version.normalized(text) if loose else Version(text)))


def is_a(make: Callable[..., object]) -> Callable[..., bool]:
    """Return a function that says whether a text is such a value."""

    def judge(*arguments: Any) -> bool:  # noqa: ANN401
        try:
            make(*arguments)
        except ValueError:
            return False
        return True

    return judge


def compared(one: Known, other: Known) -> int:
    """Return -1, 0 or 1."""
    if one.kind != other.kind or one.kind not in ("Quantity", "Semver"):
        raise ValueError(f"a {one.kind} cannot be compared with a {other.kind}")
    values: list[Any] = [
        quantity_of(each.text) if each.kind == "Quantity" else Version(each.text) for each in (one, other)
    ]
    return int(values[0] > values[1]) - int(values[0] < values[1])


def added(one: Known, other: Known | int, sign: int = 1) -> Known:
    """Return the sum of two quantities."""
    more = other if isinstance(other, int) else quantity_of(other.text)
    return Known("Quantity", plain(quantity_of(one.text) + sign * more))


def whole(one: Known) -> int:
    """Return a quantity as an int."""
    value = quantity_of(one.text)
    if value != int(value) or abs(value) >= 2**63:
        raise ValueError(f"quantity {one.text} is no whole number that fits into an int")
    return int(value)


def version(one: Known) -> Version:
    """Return a version to read its parts."""
    return Version(one.text)


def parts(one: Known) -> SplitResult:
    """Return the parts of a URL."""
    return urlsplit(one.text)


def port(one: Known) -> str:
    """Return the port as text, empty if the URL names none."""
    number = urlsplit(one.text).port
    return "" if number is None else str(number)


def query(one: Known) -> dict[str, list[str]]:
    """Return the parameters of a URL."""
    return parse_qs(urlsplit(one.text).query, keep_blank_values=True)


def host(one: Known, *, bare: bool = False) -> str:
    """Return the host, with its port unless `bare`."""
    place = urlsplit(one.text).netloc.rpartition("@")[2]
    return (urlsplit(one.text).hostname or "") if bare else place


def _address(text: str) -> Address:
    if "%" in text:
        raise ValueError(f"{text!r} is no address: zones are not taken")
    return ipaddress.ip_address(text)


def address(one: Known) -> Address:
    """Return an address to ask it something."""
    return _address(one.text)


def network(one: Known) -> Network:
    """Return the network of a range."""
    return ipaddress.ip_interface(one.text).network


def contains(one: Known, other: Known | str) -> bool:
    """Whether a range holds an address or another range."""
    text = other if isinstance(other, str) else other.text
    inner = ipaddress.ip_interface(text).network
    outer = network(one)
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # the same version


def masked(one: Known) -> Known:
    """Return the range with the first address of its network."""
    return Known("CIDR", str(network(one)))


def as_json(value: Any) -> str:  # noqa: ANN401 - any value of CEL
    """Return a value as JSON text, its keys in order: the same text for the same value."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except TypeError:
        raise ValueError("json.encode: holds a value that JSON cannot hold; write string(…)") from None
    if len(text) > MAX_TEXT:
        raise ValueError(f"makes a text longer than {MAX_TEXT} characters")
    return text


def escaped(text: str) -> str:
    """Return the pattern that finds just this text."""
    return re.escape(text)


def find(text: str, pattern: str) -> str:
    """Return the first match, or an empty text."""
    found = pattern_of(pattern).search(text)
    return found[0] if found else ""


def find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    """Return every match, or the first few."""
    limit = MAX_FOUND if most < 0 else min(most, MAX_FOUND)
    matches = pattern_of(pattern).finditer(text)
    return [found[0] for found, _ in zip(matches, range(limit), strict=False)]


def sum_of(values: list[Any]) -> Any:  # noqa: ANN401
    """Return the sum of numbers; of none it is 0."""
    if not values:
        return 0
    total = values[0]
    for each in values[1:]:
        total = total + each
    if isinstance(total, str | bool | list | Mapping) or (isinstance(total, float) and not math.isfinite(total)):
        raise ValueError("sum() adds numbers")
    return total


def extreme(values: list[Any], choose: Callable[[list[Any]], Any]) -> Any:  # noqa: ANN401
    """Return the smallest or greatest value of a list."""
    if not values:
        raise ValueError("min() and max() need a list that is not empty")
    return choose(values)


def is_sorted(values: list[Any]) -> bool:
    """Whether no value stands before a smaller one."""
    return all(values[at] <= values[at + 1] for at in range(len(values) - 1))


def index_of(values: list[Any], wanted: Any, *, last: bool = False) -> int:  # noqa: ANN401
    """Return where a value stands, -1 if nowhere."""
    places = [
        at for at, each in enumerate(values) if each == wanted and isinstance(each, bool) == isinstance(wanted, bool)
    ]
    return -1 if not places else places[-1 if last else 0]


def keys_in_order(one: dict[Any, Any]) -> list[Any]:
    """Return the keys of a map in their order: numbers by value, then texts."""
    return sorted(one, key=lambda key: (isinstance(key, str), key))


def map_of_pairs(pairs: list[Any]) -> dict[Any, Any]:
    """Return the map of keys and values; a key that stands twice is an error."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("transformMap: a key stands twice")
    return made


def map_of_maps(maps: list[Any]) -> dict[Any, Any]:
    """Return maps as one map; a key that stands twice is an error."""
    return map_of_pairs([pair for each in maps for pair in each.items()])


def is_link_local_multicast(one: Known) -> bool:
    """Whether an address is for many on one link: 224.0.0.0/24 or ff02::/16."""
    inside = ("224.0.0.0/24", "ff02::/16")
    return any(contains(Known("CIDR", each), one) for each in inside)


def is_global_unicast(one: Known) -> bool:
    """Whether an address is for one receiver, and not only on its own link or machine; private ones are."""
    place = address(one)
    limited = place == ipaddress.ip_address("255.255.255.255")
    return not (place.is_unspecified or place.is_loopback or place.is_multicast or place.is_link_local or limited)
