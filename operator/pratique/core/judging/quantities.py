"""Reads what Kubernetes calls a quantity, and a version: their values, compared and added exactly. Pure."""

import re
from decimal import Decimal
from functools import total_ordering
from typing import Self

_SUFFIXES = {
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), start=1)},
    **{"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1)},
}
_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([KMGTPE]i|[numkMGTPE]?)(?:(?<=[0-9.])[eE]([+-]?[0-9]{1,2}))?"
)
_MAX_DIGITS = 64
_VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)
_LOOSE = re.compile(r"[vV]?(\d+)(?:\.(\d+))?(?:\.(\d+))?([-+].*)?", re.ASCII)


def quantity_of(text: str) -> Decimal:
    """Return the value of a quantity such as `512Mi`; raises ValueError with the sentence."""
    found = _QUANTITY.fullmatch(text)
    if found is None or len(text) > _MAX_DIGITS:
        raise ValueError(f"{text!r} is no quantity of Kubernetes, such as 500m, 2, 512Mi or 10Gi")
    number, suffix, exponent = found.groups()
    return Decimal(number) * _SUFFIXES[suffix] * Decimal(10) ** int(exponent or 0)


def plain(value: Decimal) -> str:
    """Return a quantity in digits alone: the same text for the same value."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@total_ordering
class Version:  # noqa: PLW1641 - never a key
    """A version as semver.org orders them; what stands behind `+` does not count."""

    def __init__(self, text: str) -> None:
        found = _VERSION.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no version such as 1.2.3 (semver.org)")
        self.major, self.minor, self.patch = (int(part) for part in found.groups()[:3])
        self._text, self._early = text, found[4]

    @classmethod
    def normalized(cls, text: str) -> Self:
        """Return the version that is meant by `v1.2` or `01.2.3`."""
        found = _LOOSE.fullmatch(text)
        if found is None:
            return cls(text)
        numbers = ".".join(str(int(part or 0)) for part in found.groups()[:3])
        return cls(numbers + (found[4] or ""))

    def _order(self) -> tuple[object, ...]:
        parts = (self._early or "").split(".")
        # numbers before words, and any early version before the version itself
        early = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts] if self._early else []
        return (self.major, self.minor, self.patch, self._early is None, early)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._order() == other._order()

    def __lt__(self, other: "Version") -> bool:
        return self._order() < other._order()

    def __str__(self) -> str:
        return self._text
