"""Decides which of several leaders sees to a namespace. Pure.

Each shard has a number of its own and knows how many there are. A namespace belongs to the shard whose number gives the
highest hash together with the namespace's name (rendezvous hashing): so shards need not talk to agree, and when one more
comes, only what it takes over moves. What is of the whole cluster belongs to the first.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from pratique.core.kernel.errors import ConfigurationError
from pratique.core.operating.leadership import LEASE_NAME

MOST_SHARDS = 32
LAYOUT_TOKEN = "layout"  # noqa: S105 - the end of a holder's name, no secret
_FORM = re.compile("([0-9]{1,4})/([0-9]{1,4})")


class ShardError(ConfigurationError):
    """Which shard a process is."""


@dataclass(frozen=True)
class Shard:
    """One of `of` shards, counted from 1. The only one of one is an installation without shards."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def is_alone(self) -> bool:
        """Whether there are no others."""
        return self.of == 1

    @property
    def is_first(self) -> bool:
        """Whether it sees to what is of the whole cluster: Actions, channels, the record of the guard."""
        return self.number == 1

    @property
    def lease_name(self) -> str:
        """The Lease by which the processes of this shard agree who leads."""
        return LEASE_NAME if self.is_alone else f"{LEASE_NAME}-{self.number}-of-{self.of}"

    @property
    def layout(self) -> str:
        """Who holds the Lease `pratique` while there are so many shards: all leaders of that number together."""
        return f"shards-of-{self.of}"

    def owns(self, namespace: str) -> bool:
        """Whether it sees to what is in a namespace; "" is what is in none."""
        if self.is_alone or not namespace:
            return self.is_first
        return owner_of(namespace, self.of) == self.number


@lru_cache(maxsize=16384)
def owner_of(namespace: str, shards: int) -> int:
    """Return the number of the shard, of so many, that sees to a namespace."""
    return max(range(1, shards + 1), key=lambda number: _weight(namespace, number))


def _weight(namespace: str, number: int) -> bytes:
    return sha256(f"{number}/{namespace}".encode()).digest()


def parse_shard(text: str) -> Shard:
    """Return the shard that an option names: `2/3` is the second of three."""
    found = _FORM.fullmatch(text)
    number, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= of <= MOST_SHARDS:
        raise ShardError(
            f"--shard: {text!r} is no shard: write the number of this one, a slash and how many there are, from 1/1 to"
            f" {MOST_SHARDS}/{MOST_SHARDS}, such as 2/3"
        )
    return Shard(number, of)
