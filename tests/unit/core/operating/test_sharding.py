"""Which shard sees to a namespace: exactly one, whatever the number, and few change hands when the number changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.core.operating.sharding import MOST_SHARDS, Shard, ShardError, owner_of, parse_shard

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=63)


@given(NAMES, st.integers(1, MOST_SHARDS))
def test_each_namespace_has_one_owner_for_every_number(name: str, shards: int) -> None:
    owners = [number for number in range(1, shards + 1) if Shard(number, shards).owns(name)]
    assert owners == [owner_of(name, shards)]


@given(NAMES, st.integers(1, MOST_SHARDS - 1))
def test_one_more_takes_namespaces_over_and_moves_no_other(name: str, shards: int) -> None:
    before, after = owner_of(name, shards), owner_of(name, shards + 1)
    assert after in (before, shards + 1)


def test_all_get_about_as_many_and_these_stay_theirs_in_every_version() -> None:
    names = [f"team-{number}" for number in range(3000)]
    for shards in (2, 3, 8):
        counts = [sum(owner_of(name, shards) == number for name in names) for number in range(1, shards + 1)]
        assert min(counts) > 0.85 * len(names) / shards, counts
    moved = sum(owner_of(name, 3) != owner_of(name, 4) for name in names)
    assert 0.2 < moved / len(names) < 0.3
    assert [owner_of(name, 3) for name in names[:12]] == [3, 1, 2, 2, 1, 3, 3, 2, 3, 2, 2, 3]


def test_what_is_in_no_namespace_is_the_first_ones() -> None:
    assert [Shard(number, 3).owns("") for number in (1, 2, 3)] == [True, False, False]
    assert [Shard(number, 3).owns("team-0") for number in (1, 2, 3)].count(True) == 1
    assert Shard().owns("") and Shard().owns("any") and Shard().is_alone and Shard().is_first
    assert [Shard().lease_name, Shard(2, 3).lease_name, Shard(2, 3).layout] == [
        "pratique",
        "pratique-2-of-3",
        "shards-of-3",
    ]


def test_an_option_names_one() -> None:
    assert parse_shard("2/3") == Shard(2, 3)
    assert str(parse_shard("1/1")) == "1/1"
    for text in ("", "2", "0/3", "4/3", "1/33", "1/0", "-1/3", "1 / 3", "a/b", "1/3/4", "¹/3", "1/99999"):
        with pytest.raises(ShardError, match="such as 2/3"):
            parse_shard(text)
